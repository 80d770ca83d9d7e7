//===- Image.cpp - Loading a compiled image -------------------------------===//
//
// Reads the ELF file that Codegen writes and nothing more general: any header
// field that differs from what Codegen writes is refused. The bytes before the
// section data are mapped at the same distances as they have in the file, so
// there is nothing to relocate.
//
//===----------------------------------------------------------------------===//
#include "mlc/Runtime/Image.h"
#include "mlc/Runtime/CpuFeatures.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <optional>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>

using namespace mlc;

namespace {

constexpr uint64_t kMaxImageBytes = uint64_t(1) << 31;
constexpr uint64_t kPage = 4096; // x86-64's; segments are aligned to it in the file
constexpr int kMaxSections = 16;

Error malformed(const std::string &what) { return badInputError("malformed image: " + what); }

/// The image's bytes; every access is checked.
class Reader {
public:
  explicit Reader(std::string_view bytes) : bytes(bytes) {}

  bool holds(uint64_t offset, uint64_t size) const {
    return offset <= bytes.size() && size <= bytes.size() - offset;
  }
  template <typename T> std::optional<T> read(uint64_t offset) const {
    if (!holds(offset, sizeof(T)))
      return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
  }
  std::optional<std::string_view> slice(uint64_t offset, uint64_t size) const {
    if (!holds(offset, size))
      return std::nullopt;
    return bytes.substr(offset, size);
  }

private:
  std::string_view bytes;
};

/// A name in a string table that ends every name with a zero byte.
std::optional<std::string_view> nameAt(std::string_view table, uint64_t offset) {
  if (offset >= table.size())
    return std::nullopt;
  size_t end = table.find('\0', offset);
  if (end == std::string_view::npos)
    return std::nullopt;
  return table.substr(offset, end - offset);
}

struct Parsed {
  uint64_t readOnlyBytes = 0;          ///< [0, readOnlyBytes) is mapped R.
  uint64_t textStart = 0, textEnd = 0; ///< Mapped RX; textStart is page aligned.
  std::string_view interface;
  uint64_t run = 0, prepare = 0, workspace = 0, prepareWorkspace = 0;
};

Status checkHeader(const Elf64_Ehdr &header) {
  constexpr unsigned char ident[EI_NIDENT] = {0x7f,       'E',         'L',       'F',
                                              ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
  if (std::memcmp(header.e_ident, ident, EI_NIDENT) != 0)
    return malformed("not a 64-bit little-endian ELF file");
  if (header.e_type != ET_DYN || header.e_machine != EM_X86_64 || header.e_version != EV_CURRENT)
    return malformed("not a position-independent x86-64 ELF file");
  if (header.e_entry != 0 || header.e_flags != 0 || header.e_ehsize != sizeof(Elf64_Ehdr) ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_phoff != sizeof(Elf64_Ehdr) || header.e_phnum != 2)
    return malformed("unexpected ELF header field");
  if (header.e_shnum == 0 || header.e_shnum > kMaxSections || header.e_shstrndx >= header.e_shnum)
    return malformed("unexpected number of sections");
  return {};
}

/// One read-only segment at 0 and one executable segment behind it; offsets in
/// the file are offsets in memory.
Status parseSegments(const Reader &file, const Elf64_Ehdr &header, Parsed &out) {
  auto readOnly = file.read<Elf64_Phdr>(header.e_phoff);
  auto text = file.read<Elf64_Phdr>(header.e_phoff + sizeof(Elf64_Phdr));
  if (!readOnly || !text)
    return malformed("truncated program headers");
  for (const Elf64_Phdr *segment : {&*readOnly, &*text}) {
    if (segment->p_type != PT_LOAD || segment->p_align != kPage ||
        segment->p_offset != segment->p_vaddr || segment->p_offset != segment->p_paddr ||
        segment->p_offset % kPage != 0 || segment->p_filesz != segment->p_memsz)
      return malformed("unexpected program header field");
    if (!file.holds(segment->p_offset, segment->p_filesz))
      return malformed("segment outside of the file");
  }
  if (readOnly->p_flags != PF_R || text->p_flags != (PF_R | PF_X))
    return malformed("segments must be read-only and read-execute");
  if (readOnly->p_offset != 0 || text->p_offset < readOnly->p_filesz || text->p_filesz == 0)
    return malformed("segments out of order");
  out.readOnlyBytes = readOnly->p_filesz;
  out.textStart = text->p_offset;
  out.textEnd = text->p_offset + text->p_filesz;
  return {};
}

Status parseSymbols(std::string_view symbols, std::string_view names, Parsed &out) {
  if (symbols.size() % sizeof(Elf64_Sym) != 0)
    return malformed("symbol table of a broken size");
  const std::pair<const char *, uint64_t *> wanted[] = {
      {"run", &out.run},
      {"prepare", &out.prepare},
      {"workspace_bytes", &out.workspace},
      {"prepare_workspace_bytes", &out.prepareWorkspace}};
  for (size_t at = 0; at < symbols.size(); at += sizeof(Elf64_Sym)) {
    Elf64_Sym symbol;
    std::memcpy(&symbol, symbols.data() + at, sizeof symbol);
    if (symbol.st_info != ELF64_ST_INFO(STB_GLOBAL, STT_FUNC))
      continue;
    auto name = nameAt(names, symbol.st_name);
    if (!name)
      return malformed("symbol without a name");
    for (auto [known, slot] : wanted) {
      if (*name != known)
        continue;
      if (*slot != 0)
        return malformed("symbol '" + std::string(known) + "' is defined twice");
      if (symbol.st_value < out.textStart || symbol.st_value >= out.textEnd ||
          symbol.st_size > out.textEnd - symbol.st_value)
        return malformed("symbol '" + std::string(known) + "' lies outside of the code");
      *slot = symbol.st_value;
    }
  }
  for (auto [known, slot] : wanted)
    if (*slot == 0)
      return malformed("no function '" + std::string(known) + "'");
  return {};
}

Status parseSections(const Reader &file, const Elf64_Ehdr &header, Parsed &out) {
  Elf64_Shdr sections[kMaxSections] = {};
  for (int i = 0; i < header.e_shnum; ++i) {
    auto section = header.e_shoff <= kMaxImageBytes
                       ? file.read<Elf64_Shdr>(header.e_shoff + uint64_t(i) * sizeof(Elf64_Shdr))
                       : std::nullopt;
    if (!section)
      return malformed("truncated section headers");
    sections[i] = *section;
    if (!file.holds(section->sh_offset, section->sh_size))
      return malformed("section outside of the file");
  }
  auto contents = [&](const Elf64_Shdr &s) { return *file.slice(s.sh_offset, s.sh_size); };

  std::string_view sectionNames = contents(sections[header.e_shstrndx]);
  bool haveInterface = false;
  const Elf64_Shdr *symbols = nullptr;
  for (int i = 0; i < header.e_shnum; ++i) {
    auto name = nameAt(sectionNames, sections[i].sh_name);
    if (!name)
      return malformed("section without a name");
    if (*name == MLC_INTERFACE_SECTION) {
      out.interface = contents(sections[i]);
      haveInterface = true;
    } else if (sections[i].sh_type == SHT_SYMTAB) {
      symbols = &sections[i];
    }
  }
  if (!haveInterface)
    return malformed("no section " MLC_INTERFACE_SECTION);
  if (!symbols || symbols->sh_entsize != sizeof(Elf64_Sym) || symbols->sh_link >= header.e_shnum ||
      sections[symbols->sh_link].sh_type != SHT_STRTAB)
    return malformed("no symbol table");
  return parseSymbols(contents(*symbols), contents(sections[symbols->sh_link]), out);
}

Result<Parsed> parse(std::string_view bytes) {
  if (bytes.size() > kMaxImageBytes)
    return resourceError("image of " + std::to_string(bytes.size()) + " bytes; the limit is " +
                         std::to_string(kMaxImageBytes));
  Reader file(bytes);
  auto header = file.read<Elf64_Ehdr>(0);
  if (!header)
    return malformed("truncated ELF header");
  Parsed parsed;
  if (Status s = checkHeader(*header); !s)
    return s.takeError();
  if (Status s = parseSegments(file, *header, parsed); !s)
    return s.takeError();
  if (Status s = parseSections(file, *header, parsed); !s)
    return s.takeError();
  return parsed;
}

} // namespace

Result<std::shared_ptr<const Image>> Image::load(std::string_view bytes) {
  Result<Parsed> parsed = parse(bytes);
  if (!parsed)
    return parsed.takeError();
  Result<ImageInterface> interface = ImageInterface::decode(parsed->interface);
  if (!interface)
    return interface.takeError();

  std::string missing;
  for (const std::string &name : missingCpuFeatures(interface->features))
    missing += (missing.empty() ? "" : ", ") + name;
  if (!missing.empty())
    return unsupportedError("image for " + interface->cpu +
                            " needs CPU features that this CPU lacks: " + missing);

  auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (page != kPage)
    return unsupportedError("images need pages of " + std::to_string(kPage) + " bytes");

  std::shared_ptr<Image> image(new Image);
  uint64_t size = (parsed->textEnd + kPage - 1) / kPage * kPage;
  void *base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED)
    return resourceError("cannot map " + std::to_string(size) + " bytes for an image");
  image->base = base;
  image->mappedBytes = size;
  auto *start = static_cast<char *>(base);
  std::memcpy(start, bytes.data(), parsed->readOnlyBytes);
  std::memcpy(start + parsed->textStart, bytes.data() + parsed->textStart,
              parsed->textEnd - parsed->textStart);
  if (mprotect(start, parsed->textStart, PROT_READ) != 0 ||
      mprotect(start + parsed->textStart, size - parsed->textStart, PROT_READ | PROT_EXEC) != 0)
    return unsupportedError("cannot make an image executable: " +
                            std::generic_category().message(errno));

  auto entry = [&](uint64_t offset) { return reinterpret_cast<void *>(start + offset); };
  image->description = std::move(*interface);
  image->runFunction = reinterpret_cast<mlc_run_function>(entry(parsed->run));
  image->prepareFunction = reinterpret_cast<mlc_run_function>(entry(parsed->prepare));
  image->workspaceFunction = reinterpret_cast<mlc_workspace_function>(entry(parsed->workspace));
  image->prepareWorkspaceFunction =
      reinterpret_cast<mlc_workspace_function>(entry(parsed->prepareWorkspace));
  return std::shared_ptr<const Image>(std::move(image));
}

Image::~Image() {
  if (base)
    munmap(base, mappedBytes);
}
