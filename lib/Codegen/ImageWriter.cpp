//===- ImageWriter.cpp - Linked code as an ELF file -----------------------===//
//
//   ELF header, program headers, .rodata     mapped read-only at 0
//   .text                                    mapped read-execute, on a new page
//   .mlc.interface .symtab .strtab .shstrtab, section headers      not mapped
//
// Offsets in the file are offsets in memory.
//
//===----------------------------------------------------------------------===//
#include "ImageWriter.h"

#include "llvm/BinaryFormat/ELF.h"

using namespace mlc;
using namespace mlc::codegen;
namespace elf = llvm::ELF;

const uint64_t codegen::kImageHeaderBytes = sizeof(elf::Elf64_Ehdr) + 2 * sizeof(elf::Elf64_Phdr);

namespace {

enum SectionIndex { Null, ReadOnly, Text, Interface, Symbols, Strings, SectionNames, Count };

/// A table of zero-terminated names; offset 0 is the empty name.
class StringTable {
public:
  elf::Elf64_Word add(llvm::StringRef name) {
    auto offset = static_cast<elf::Elf64_Word>(bytes.size());
    bytes.append(name);
    bytes.push_back('\0');
    return offset;
  }
  std::string bytes = std::string(1, '\0');
};

class Writer {
public:
  void padTo(uint64_t offset) { out.resize(offset, '\0'); }
  uint64_t align(uint64_t alignment) {
    padTo(llvm::alignTo(out.size(), alignment));
    return out.size();
  }
  template <typename T> void put(const T &value) {
    out.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
  void append(llvm::ArrayRef<char> bytes) { out.append(bytes.data(), bytes.size()); }
  uint64_t size() const { return out.size(); }
  template <typename T> void overwrite(uint64_t offset, const T &value) {
    std::memcpy(out.data() + offset, &value, sizeof(T));
  }
  std::string take() { return std::move(out); }

private:
  std::string out;
};

} // namespace

/// Local symbols first, as ELF wants it; returns how many those are.
static uint32_t makeSymbols(const LinkedImage &image, std::vector<elf::Elf64_Sym> &symbols,
                            StringTable &names) {
  symbols.push_back({});
  uint32_t locals = 0;
  for (bool exported : {false, true}) {
    for (const LinkedImage::Symbol &symbol : image.symbols) {
      if (symbol.isExported != exported)
        continue;
      elf::Elf64_Sym entry = {};
      entry.st_name = names.add(symbol.name);
      entry.setBindingAndType(exported ? elf::STB_GLOBAL : elf::STB_LOCAL,
                              symbol.isFunction ? elf::STT_FUNC : elf::STT_OBJECT);
      entry.st_shndx = symbol.address >= image.text.address ? Text : ReadOnly;
      entry.st_value = symbol.address;
      entry.st_size = symbol.size;
      symbols.push_back(entry);
    }
    if (!exported)
      locals = static_cast<uint32_t>(symbols.size());
  }
  return locals;
}

static elf::Elf64_Phdr makeSegment(uint64_t start, uint64_t end, uint32_t flags) {
  elf::Elf64_Phdr segment = {};
  segment.p_type = elf::PT_LOAD;
  segment.p_flags = flags;
  segment.p_offset = segment.p_vaddr = segment.p_paddr = start;
  segment.p_filesz = segment.p_memsz = end - start;
  segment.p_align = kPageBytes;
  return segment;
}

std::string codegen::writeImage(const LinkedImage &image, const ImageInterface &interface) {
  uint64_t readOnlyStart = std::max(image.readOnly.address, kImageHeaderBytes);
  uint64_t readOnlyEnd = readOnlyStart + image.readOnly.bytes.size();
  elf::Elf64_Shdr sections[Count] = {};
  StringTable sectionNames;
  auto describe = [&](SectionIndex index, llvm::StringRef name, uint32_t type, uint64_t offset,
                      uint64_t size, uint64_t alignment) -> elf::Elf64_Shdr & {
    elf::Elf64_Shdr &section = sections[index];
    section.sh_name = sectionNames.add(name);
    section.sh_type = type;
    section.sh_offset = offset;
    section.sh_size = size;
    section.sh_addralign = alignment;
    return section;
  };

  Writer writer;
  elf::Elf64_Ehdr header = {};
  writer.put(header); // Overwritten below, when the rest is known.
  writer.put(makeSegment(0, readOnlyEnd, elf::PF_R));
  writer.put(makeSegment(image.text.address, image.text.end(), elf::PF_R | elf::PF_X));

  writer.padTo(readOnlyStart);
  elf::Elf64_Shdr &readOnly = describe(ReadOnly, ".rodata", elf::SHT_PROGBITS, writer.size(),
                                       image.readOnly.bytes.size(), 64);
  readOnly.sh_flags = elf::SHF_ALLOC;
  readOnly.sh_addr = readOnlyStart;
  writer.append(image.readOnly.bytes);

  writer.padTo(image.text.address);
  elf::Elf64_Shdr &text =
      describe(Text, ".text", elf::SHT_PROGBITS, writer.size(), image.text.bytes.size(), 64);
  text.sh_flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
  text.sh_addr = image.text.address;
  writer.append(image.text.bytes);

  std::string description = interface.encode();
  writer.align(8);
  describe(Interface, MLC_INTERFACE_SECTION, elf::SHT_PROGBITS, writer.size(), description.size(),
           8);
  writer.append(description);

  std::vector<elf::Elf64_Sym> symbols;
  StringTable names;
  uint32_t locals = makeSymbols(image, symbols, names);
  writer.align(8);
  elf::Elf64_Shdr &table = describe(Symbols, ".symtab", elf::SHT_SYMTAB, writer.size(),
                                    symbols.size() * sizeof(elf::Elf64_Sym), 8);
  table.sh_link = Strings;
  table.sh_info = locals;
  table.sh_entsize = sizeof(elf::Elf64_Sym);
  for (const elf::Elf64_Sym &symbol : symbols)
    writer.put(symbol);

  describe(Strings, ".strtab", elf::SHT_STRTAB, writer.size(), names.bytes.size(), 1);
  writer.append(names.bytes);
  elf::Elf64_Shdr &own = describe(SectionNames, ".shstrtab", elf::SHT_STRTAB, writer.size(), 0, 1);
  own.sh_size = sectionNames.bytes.size();
  writer.append(sectionNames.bytes);

  header.e_shoff = writer.align(8);
  for (const elf::Elf64_Shdr &section : sections)
    writer.put(section);
  std::memcpy(header.e_ident, elf::ElfMagic, 4);
  header.e_ident[elf::EI_CLASS] = elf::ELFCLASS64;
  header.e_ident[elf::EI_DATA] = elf::ELFDATA2LSB;
  header.e_ident[elf::EI_VERSION] = elf::EV_CURRENT;
  header.e_type = elf::ET_DYN;
  header.e_machine = elf::EM_X86_64;
  header.e_version = elf::EV_CURRENT;
  header.e_phoff = sizeof(elf::Elf64_Ehdr);
  header.e_ehsize = sizeof(elf::Elf64_Ehdr);
  header.e_phentsize = sizeof(elf::Elf64_Phdr);
  header.e_phnum = 2;
  header.e_shentsize = sizeof(elf::Elf64_Shdr);
  header.e_shnum = Count;
  header.e_shstrndx = SectionNames;
  writer.overwrite(0, header);
  return writer.take();
}
