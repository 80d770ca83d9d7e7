//===- Npz.cpp - numpy's .npz archives ------------------------------------===//
//
// An .npz is a zip file whose members are .npy arrays. The central directory at
// the end is believed, after every offset in it is checked. Refuses compressed
// and encrypted members, archives in parts, and zip64 sizes.
//
//===----------------------------------------------------------------------===//
#include "NpyHeader.h"
#include "mlc/Tensor/Npy.h"

#include <array>

using namespace mlc;

namespace {

constexpr int64_t kEndBytes = 22, kEntryBytes = 46, kLocalBytes = 30;
constexpr int64_t kMaxDirectoryBytes = int64_t(1) << 26;
constexpr std::string_view kEndMagic("PK\5\6", 4), kEntryMagic("PK\1\2", 4),
    kLocalMagic("PK\3\4", 4);

/// A little-endian field; `offset + size` is inside `bytes`.
int64_t field(std::string_view bytes, int64_t offset, int size) {
  int64_t value = 0;
  for (int i = 0; i < size; ++i)
    value |=
        static_cast<int64_t>(static_cast<unsigned char>(bytes[static_cast<size_t>(offset + i)]))
        << (8 * i);
  return value;
}

bool startsWith(std::string_view bytes, std::string_view magic) {
  return bytes.substr(0, magic.size()) == magic;
}

struct Member {
  std::string name;
  int64_t flags = 0, method = 0, crc = 0, stored = 0, size = 0, offset = 0;
};

class Archive {
public:
  Archive(const RegularFile &file, std::string name) : file(file), name(std::move(name)) {}

  Error bad(const std::string &what) const { return badInputError(name + ": " + what); }
  Error unsupported(const std::string &what) const { return unsupportedError(name + ": " + what); }

  Result<std::string> bytes(int64_t offset, int64_t count) const {
    std::string result(static_cast<size_t>(count), '\0');
    Status status = file.read(offset, result.data(), count);
    if (!status)
      return status.takeError();
    return result;
  }

  Status readDirectory();
  /// Where the data of a member starts.
  Result<int64_t> dataOffset(const Member &member) const;

  const RegularFile &file;
  std::string name;
  std::vector<Member> members;
  int64_t directoryOffset = 0;
};

} // namespace

Status Archive::readDirectory() {
  // The end record is followed by nothing but a comment of at most 65535 bytes.
  int64_t tailBytes = std::min<int64_t>(file.size(), kEndBytes + 0xffff);
  Result<std::string> tail = bytes(file.size() - tailBytes, tailBytes);
  if (!tail)
    return tail.takeError();
  int64_t end = tailBytes - kEndBytes;
  while (end >= 0 &&
         !(startsWith(std::string_view(*tail).substr(static_cast<size_t>(end)), kEndMagic) &&
           end + kEndBytes + field(*tail, end + 20, 2) == tailBytes))
    --end;
  if (end < 0)
    return bad("not an .npz archive: it has no zip directory");
  int64_t count = field(*tail, end + 10, 2), size = field(*tail, end + 12, 4);
  directoryOffset = field(*tail, end + 16, 4);
  if (count == 0xffff || size == 0xffffffff || directoryOffset == 0xffffffff)
    return unsupported("zip64 archives are not supported; save fewer or smaller arrays");
  if (field(*tail, end + 4, 2) != 0 || field(*tail, end + 6, 2) != 0 ||
      field(*tail, end + 8, 2) != count)
    return unsupported("an archive in several parts is not supported");
  int64_t endOffset = file.size() - tailBytes + end;
  if (directoryOffset + size > endOffset)
    return bad("the zip directory lies outside the file");
  if (size > kMaxDirectoryBytes)
    return resourceError(name + ": the zip directory is too large");

  Result<std::string> directory = bytes(directoryOffset, size);
  if (!directory)
    return directory.takeError();
  std::string_view rest = *directory;
  for (int64_t i = 0; i < count; ++i) {
    if (static_cast<int64_t>(rest.size()) < kEntryBytes || !startsWith(rest, kEntryMagic))
      return bad("the zip directory is malformed at entry " + std::to_string(i));
    int64_t nameBytes = field(rest, 28, 2);
    int64_t entryBytes = kEntryBytes + nameBytes + field(rest, 30, 2) + field(rest, 32, 2);
    if (entryBytes > static_cast<int64_t>(rest.size()))
      return bad("the zip directory is cut off at entry " + std::to_string(i));
    Member member;
    member.name = rest.substr(kEntryBytes, static_cast<size_t>(nameBytes));
    member.flags = field(rest, 8, 2);
    member.method = field(rest, 10, 2);
    member.crc = field(rest, 16, 4);
    member.stored = field(rest, 20, 4);
    member.size = field(rest, 24, 4);
    member.offset = field(rest, 42, 4);
    members.push_back(std::move(member));
    rest.remove_prefix(static_cast<size_t>(entryBytes));
  }
  return {};
}

Result<int64_t> Archive::dataOffset(const Member &member) const {
  const std::string quoted = "member '" + member.name + "' ";
  if (member.flags & 1)
    return unsupported(quoted + "is encrypted");
  if (member.method != 0)
    return unsupported(quoted + "is compressed; save with numpy.savez, not savez_compressed");
  if (member.stored == 0xffffffff || member.size == 0xffffffff || member.offset == 0xffffffff)
    return unsupported(quoted + "has zip64 sizes; save it as .npy");
  if (member.stored != member.size)
    return bad(quoted + "is stored but has two sizes");
  if (member.offset + kLocalBytes > directoryOffset)
    return bad(quoted + "lies outside the file");
  Result<std::string> local = bytes(member.offset, kLocalBytes);
  if (!local)
    return local.takeError();
  if (!startsWith(*local, kLocalMagic))
    return bad(quoted + "has no header where the directory says");
  int64_t start = member.offset + kLocalBytes + field(*local, 26, 2) + field(*local, 28, 2);
  if (start + member.size > directoryOffset)
    return bad(quoted + "runs past the end of the data");
  return start;
}

/// The CRC-32 of zip over bytes of a file.
static Result<uint32_t> checksum(const RegularFile &file, int64_t offset, int64_t count) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
      t[i] = crc;
    }
    return t;
  }();
  std::string buffer(static_cast<size_t>(std::min<int64_t>(count, 1 << 16)), '\0');
  uint32_t crc = ~0u;
  while (count > 0) {
    int64_t piece = std::min(count, static_cast<int64_t>(buffer.size()));
    Status status = file.read(offset, buffer.data(), piece);
    if (!status)
      return status.takeError();
    for (int64_t i = 0; i < piece; ++i)
      crc = crc >> 8 ^
            table[(crc ^ static_cast<unsigned char>(buffer[static_cast<size_t>(i)])) & 0xff];
    offset += piece;
    count -= piece;
  }
  return ~crc;
}

Result<Tensor> mlc::readNpz(const std::string &path, const std::string &name) {
  Result<RegularFile> file = RegularFile::open(path);
  if (!file)
    return file.takeError();
  Archive archive(*file, "'" + path + "'");
  Status status = archive.readDirectory();
  if (!status)
    return status.takeError();
  const Member *found = nullptr;
  std::string all;
  for (const Member &member : archive.members) {
    all += (all.empty() ? "" : ", ") + member.name;
    if (member.name != name && member.name != name + ".npy")
      continue;
    if (found)
      return archive.bad("there are two members '" + name + "'");
    found = &member;
  }
  if (!found)
    return archive.bad("there is no member '" + name + "'; it has: " + all.substr(0, 500));
  Result<int64_t> offset = archive.dataOffset(*found);
  if (!offset)
    return offset.takeError();
  Result<uint32_t> crc = checksum(*file, *offset, found->size);
  if (!crc)
    return crc.takeError();
  if (*crc != static_cast<uint32_t>(found->crc))
    return archive.bad("member '" + found->name + "' is damaged: its checksum differs");
  return readNpyAt(*file, *offset, found->size, archive.name + " member '" + found->name + "'");
}
