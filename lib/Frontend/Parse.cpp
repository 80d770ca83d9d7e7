// .mlir text -> Graph, for people who develop passes. Text of unknown origin:
// size and nesting are bounded by a scan before MLIR's recursive parser runs,
// and everything else is checked again on the graph. Refuses bytecode, resource
// sections, affine maps, and ops of other dialects than mlc and func.

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Frontend/Frontend.h"
#include "mlc/Graph/Validate.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace mlc::ir {

namespace {

constexpr size_t kMaxBytes = size_t(16) << 20;
constexpr int64_t kMaxNesting = 128;

// A scan of the tokens that matter: brackets, aliases, comments and strings.
class Scanner {
public:
  explicit Scanner(llvm::StringRef text) : text(text) {}

  Status run() {
    while (at < text.size()) {
      char c = text[at];
      if (c == '\n') {
        ++line;
        lineStart = ++at;
      } else if (c == '\0') {
        return fail("the file is not text");
      } else if (c == '/' && next() == '/') {
        at = std::min(text.find('\n', at), text.size());
      } else if (c == '"') {
        skipString();
      } else if (c == '-' && next() == '>') {
        at += 2;
      } else if (c == '{' && next() == '-') {
        return fail("resource sections are not accepted");
      } else if (llvm::StringRef("([{<").contains(c)) {
        if (++depth > kMaxNesting)
          return fail("brackets are nested more than " + std::to_string(kMaxNesting) + " deep");
        ++at;
      } else if (llvm::StringRef(")]}>").contains(c)) {
        --depth;
        ++at;
      } else if (c == '#' || c == '!') {
        if (Status status = alias(); !status)
          return status;
      } else if (isWordStart(c)) {
        llvm::StringRef word = takeWord();
        if (word == "affine_map" || word == "affine_set")
          return fail("affine maps and sets are not accepted");
      } else {
        ++at;
      }
    }
    return {};
  }

private:
  static bool isWordStart(char c) { return llvm::isAlpha(c) || c == '_'; }
  static bool isWordPart(char c) { return llvm::isAlnum(c) || c == '_' || c == '$' || c == '.'; }
  char next() const { return at + 1 < text.size() ? text[at + 1] : '\0'; }

  llvm::StringRef takeWord() {
    size_t start = at;
    while (at < text.size() && isWordPart(text[at]))
      ++at;
    return text.slice(start, at);
  }

  // To the closing quote, or to the end of the line, where the parser stops.
  void skipString() {
    for (++at; at < text.size() && text[at] != '\n'; ++at) {
      if (text[at] == '\\' && next() != '\n')
        ++at;
      else if (text[at] == '"') {
        ++at;
        return;
      }
    }
  }

  // A definition `#name = ...` at the start of a line nests one level deeper than
  // the aliases it mentions.
  Status alias() {
    size_t start = at++;
    llvm::StringRef name = text.slice(start, start + 1 + takeWord().size());
    if (start == lineStart) {
      llvm::StringRef rest = text.substr(at).ltrim(" \t");
      if (rest.consume_front("=") && !rest.starts_with("="))
        defined = name, aliasDepth[name] = 1;
      return {};
    }
    if (auto known = aliasDepth.find(name); known != aliasDepth.end() && name != defined) {
      int64_t &mine = aliasDepth[defined];
      mine = std::max(mine, known->second + 1);
      if (mine > kMaxNesting)
        return fail("aliases are nested more than " + std::to_string(kMaxNesting) + " deep");
    }
    return {};
  }

  Error fail(const std::string &message) const {
    return badInputError("line " + std::to_string(line) + ", column " +
                         std::to_string(at - lineStart + 1) + ": " + message);
  }

  llvm::StringRef text;
  size_t at = 0, lineStart = 0;
  int64_t line = 1, depth = 0;
  llvm::StringRef defined;
  llvm::StringMap<int64_t> aliasDepth;
};

std::string place(Location location) {
  if (auto file = location->findInstanceOf<FileLineColLoc>())
    return "line " + std::to_string(file.getLine()) + ", column " +
           std::to_string(file.getColumn()) + ": ";
  return "";
}

} // namespace

Result<Graph> parseMlir(llvm::StringRef text) {
  if (text.size() > kMaxBytes)
    return resourceError("the text has " + std::to_string(text.size()) +
                         " bytes, more than the limit of " + std::to_string(kMaxBytes));
  if (text.starts_with("ML\xefR"))
    return badInputError("MLIR bytecode is not accepted; expected text");
  if (Status status = Scanner(text).run(); !status)
    return status.takeError();

  DialectRegistry registry;
  registry.insert<MLCDialect, func::FuncDialect>();
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  // Generic ops of other dialects parse, so that the message can name them.
  context.allowUnregisteredDialects();
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      message = place(diagnostic.getLocation()) + diagnostic.str();
    return success();
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  if (!module)
    return badInputError(message.empty() ? "the text is not an MLIR module" : message);

  Result<Graph> graph = exportGraph(*module);
  if (!graph)
    return graph;
  if (Status status = validate(*graph); !status)
    return status.takeError();
  return graph;
}

} // namespace mlc::ir
