// Names of nodes and values travel as locations, so that passes carry them along
// without knowing of them.

#include "Locations.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace mlc::ir {

// "file:line:column", as a place that MLIR's diagnostics print the same way.
static Location place(MLIRContext *context, llvm::StringRef text) {
  if (text.empty())
    return UnknownLoc::get(context);
  auto [rest, column] = text.rsplit(':');
  auto [file, line] = rest.rsplit(':');
  unsigned lineNumber, columnNumber;
  if (line.getAsInteger(10, lineNumber) || column.getAsInteger(10, columnNumber) ||
      (llvm::Twine(file) + ":" + llvm::Twine(lineNumber) + ":" + llvm::Twine(columnNumber)).str() !=
          text)
    return NameLoc::get(StringAttr::get(context, text));
  return FileLineColLoc::get(context, file, lineNumber, columnNumber);
}

static std::string placeText(Location location) {
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return (file.getFilename().strref() + ":" + llvm::Twine(file.getLine()) + ":" +
            llvm::Twine(file.getColumn()))
        .str();
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  return "";
}

Location toLocation(MLIRContext *context, const NodeNames &names) {
  auto node = NameLoc::get(StringAttr::get(context, names.node), place(context, names.location));
  if (names.results.size() == 1 && names.results[0] == names.node)
    return node;
  llvm::SmallVector<Location> parts = {node};
  for (const std::string &result : names.results)
    parts.push_back(NameLoc::get(StringAttr::get(context, result)));
  return FusedLoc::get(context, parts);
}

NodeNames fromLocation(Location location, size_t numResults) {
  if (auto fused = dyn_cast<FusedLoc>(location)) {
    llvm::ArrayRef<Location> parts = fused.getLocations();
    NodeNames names;
    if (!parts.empty() && isa<NameLoc>(parts[0]))
      names = fromLocation(parts[0], 0);
    names.results.clear();
    for (Location part : parts.drop_front(parts.empty() ? 0 : 1))
      if (auto result = dyn_cast<NameLoc>(part))
        names.results.push_back(result.getName().str());
    if (names.results.size() != numResults)
      names.results.clear();
    return names;
  }
  if (auto name = dyn_cast<NameLoc>(location)) {
    NodeNames names{name.getName().str(), {}, placeText(name.getChildLoc())};
    if (numResults == 1)
      names.results.push_back(names.node);
    return names;
  }
  return {"", {}, placeText(location)};
}

} // namespace mlc::ir
