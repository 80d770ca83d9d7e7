//===- ShareKernels.cpp - One kernel for contractions of many sizes -------===//
//
// Works on planned drivers and kernels on memrefs. Contractions with packed right-hand sides,
// and kernels that pack a matrix or copy a vector, take their sizes as arguments.
//
//===----------------------------------------------------------------------===//

#include "Contractions.h"
#include "Product.h"

#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Transforms/Loop/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/OperationSupport.h"

namespace mlc::ir {
#define GEN_PASS_DEF_SHAREKERNELSPASS
#include "mlc/Transforms/Loop/Passes.h.inc"
} // namespace mlc::ir

using namespace mlir;
using namespace mlc::ir;

namespace {

bool yieldsItsInput(linalg::GenericOp op) {
  Block &body = *op.getBlock();
  return body.without_terminator().empty() &&
         body.getTerminator()->getOperand(0) == body.getArgument(0);
}

/// What a dimension of an argument is the size of. Fixed ones stay in the type.
enum Size { Fixed = -1, Rows, Columns, Depth, Panels, kSizes };

/// The sizes of a kernel, and which of them its arguments have, by argument and dimension.
struct Signature {
  int64_t values[kSizes] = {};
  SmallVector<SmallVector<Size>> dims;

  explicit Signature(func::FuncOp kernel) {
    for (Type type : kernel.getArgumentTypes())
      dims.emplace_back(cast<MemRefType>(type).getRank(), Fixed);
  }

  /// Whether a kernel that is given its sizes is given this one: rows of a known number are not,
  /// as tiles are made for them.
  bool isGiven(Size size) const {
    auto has = [&](const SmallVector<Size> &argument) {
      return llvm::is_contained(argument, size);
    };
    return size != Fixed && (size != Rows || ShapedType::isDynamic(values[Rows])) &&
           llvm::any_of(dims, has);
  }

  /// Notes what the results of `map`, which leads from loops to dimensions of `argument`,
  /// are; false if it contradicts what is known.
  bool note(Value argument, AffineMap map, ArrayRef<Size> loops) {
    auto &known = dims[cast<BlockArgument>(argument).getArgNumber()];
    for (auto [size, result] : llvm::zip_equal(known, map.getResults())) {
      Size found = Fixed;
      if (auto loop = dyn_cast<AffineDimExpr>(result))
        found = loops[loop.getPosition()];
      else if (result.getKind() == AffineExprKind::FloorDiv && loops.size() == 3)
        found = Panels; // of the contraction
      else if (result.getKind() == AffineExprKind::FloorDiv)
        return false;
      if (size != Fixed && size != found)
        return false;
      size = found;
    }
    return true;
  }
};

/// A kernel that could take its sizes as arguments.
struct Sized {
  func::FuncOp kernel;
  Signature signature;
  std::optional<int64_t> elements = std::nullopt; ///< Computed or moved, if their number is known.
};

//===--- Contractions ------------------------------------------------------===//

/// A contraction with a packed right-hand side, and what is computed of it.
class SharedContraction {
public:
  explicit SharedContraction(const TileOptions &options) : options(options) {}

  /// Nothing if sizes are more than loops of it, or constants are worth more than sharing.
  std::optional<Sized> match(func::FuncOp kernel) {
    Sized sized{kernel, Signature(kernel)};
    contraction = {};
    linalg::GenericOp epilogue;
    for (Operation &op : kernel.getBody().front().without_terminator()) {
      auto generic = dyn_cast<linalg::GenericOp>(op);
      if (generic && !contraction && Product::match(generic))
        contraction = generic;
      else if (generic && contraction && !epilogue)
        epilogue = generic;
      else if (!isa<arith::ConstantOp, linalg::FillOp>(op))
        return std::nullopt;
      for (Value operand : op.getOperands())
        if (isa<MemRefType>(operand.getType()) && !isa<BlockArgument>(operand))
          return std::nullopt;
    }
    if (!contraction || contraction.getNumLoops() != 3 || packedColumns(contraction) == 0 ||
        (epilogue && (epilogue.getNumLoops() != 2 || epilogue.getNumReductionLoops() != 0)) ||
        !note(sized.signature, contraction, {Rows, Columns, Depth}) ||
        (epilogue && !note(sized.signature, epilogue, {Rows, Columns})) ||
        !findSizes(sized.signature))
      return std::nullopt;
    // Multiply-adds. Constants are worth some ns in a call, and up to 5 % where many columns lie in
    // rows that are far apart, which takes long enough to be compiled for.
    constexpr int64_t kTiny = 1 << 14, kHuge = 1 << 26;
    ContractionSizes sizes = sizesOf(sized.signature);
    if (sizes.rows)
      sized.elements = *sizes.rows * sizes.columns * sizes.depth;
    if (sized.elements && (*sized.elements < kTiny || *sized.elements > kHuge))
      return std::nullopt;
    return sized;
  }

  /// After match: what the kernel's code says of its sizes.
  ContractionForm form(const Signature &signature) {
    int64_t width = packedColumns(contraction);
    PanelShape panels{width, width / lanes(), /*isPacked=*/true,
                      bytesOf(contraction.getDpsInputs()[1])};
    return ContractionForm::of(sizesOf(signature), panels, options);
  }

private:
  static bool note(Signature &signature, linalg::GenericOp op, ArrayRef<Size> loops) {
    return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
      return !isa<MemRefType>(operand.get().getType()) ||
             signature.note(operand.get(), op.getMatchingIndexingMap(&operand), loops);
    });
  }

  static int64_t bytesOf(Value operand) {
    return getElementTypeOrSelf(operand).getIntOrFloatBitWidth() / 8;
  }
  int64_t lanes() { return options.vectorBits / 8 / bytesOf(contraction.getDpsInits()[0]); }

  bool findSizes(Signature &signature) {
    auto out = cast<MemRefType>(contraction.getDpsInits()[0].getType());
    auto panels = cast<MemRefType>(contraction.getDpsInputs()[1].getType());
    signature.values[Rows] = out.getDimSize(0);
    signature.values[Columns] = out.getDimSize(1);
    signature.values[Panels] = panels.getDimSize(0);
    signature.values[Depth] = panels.getDimSize(1);
    int64_t width = packedColumns(contraction);
    return out.getRank() == 2 && !ShapedType::isDynamic(out.getDimSize(1)) &&
           panels.hasStaticShape() && width % lanes() == 0 && out.getDimSize(1) > width - lanes();
  }

  static ContractionSizes sizesOf(const Signature &signature) {
    ContractionSizes sizes{std::nullopt, signature.values[Columns], signature.values[Depth]};
    if (!ShapedType::isDynamic(signature.values[Rows]))
      sizes.rows = signature.values[Rows];
    return sizes;
  }

  const TileOptions &options;
  linalg::GenericOp contraction;
};

//===--- Copies ------------------------------------------------------------===//

/// A kernel that copies a vector, as @prepare does with biases.
std::optional<Sized> matchCopy(func::FuncOp kernel) {
  auto ops = kernel.getBody().front().without_terminator();
  auto copy =
      llvm::hasSingleElement(ops) ? dyn_cast<linalg::GenericOp>(*ops.begin()) : linalg::GenericOp();
  if (!copy || copy.getNumLoops() != 1 || copy.getNumDpsInputs() != 1 || !yieldsItsInput(copy))
    return std::nullopt;
  Sized sized{kernel, Signature(kernel)};
  for (OpOperand &operand : copy->getOpOperands()) {
    auto type = cast<MemRefType>(operand.get().getType());
    if (!isa<BlockArgument>(operand.get()) || !copy.getMatchingIndexingMap(&operand).isIdentity() ||
        !type.hasStaticShape())
      return std::nullopt;
    sized.elements = sized.signature.values[Columns] = type.getDimSize(0);
    sized.signature.note(operand.get(), copy.getMatchingIndexingMap(&operand), {Columns});
  }
  return sized;
}

//===--- Packing -----------------------------------------------------------===//

/// A kernel that packs a matrix into panels, as lowerPack in lib/Conversion/MLCToLinalg
/// makes it.
struct Packing {
  int64_t width = 0, oddColumns = 0;
  bool transposes = false;

  static std::optional<Packing> match(func::FuncOp kernel, Signature &signature);
  void build(func::FuncOp kernel, ArrayRef<Value> sizes) const;
};

} // namespace

/// The sum of `constant` and of loops times factors, as index maps of packing are.
static bool isColumn(AffineExpr expr, AffineExpr panel, AffineExpr lane, int64_t width,
                     int64_t firstPanel) {
  AffineExpr expected = (panel + firstPanel) * width + lane;
  return simplifyAffineExpr(expr - expected, 3, 0) == getAffineConstantExpr(0, expr.getContext());
}

std::optional<Packing> Packing::match(func::FuncOp kernel, Signature &signature) {
  if (kernel.getNumArguments() != 2)
    return std::nullopt;
  auto source = cast<MemRefType>(kernel.getArgumentTypes()[0]);
  auto panels = cast<MemRefType>(kernel.getArgumentTypes()[1]);
  if (source.getRank() != 2 || panels.getRank() != 3 || !source.hasStaticShape() ||
      !panels.hasStaticShape())
    return std::nullopt;
  Packing packing;
  packing.width = panels.getDimSize(2);
  int64_t copied = 0; // columns
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    auto copy = dyn_cast<linalg::GenericOp>(op);
    if (isa<arith::ConstantOp, memref::SubViewOp, linalg::FillOp>(op))
      continue;
    if (!copy || copy.getNumLoops() != 3 || copy.getNumDpsInputs() != 1 ||
        copy.getDpsInputs()[0] != kernel.getArgument(0) || !yieldsItsInput(copy))
      return std::nullopt;
    AffineMap from = copy.getIndexingMapsArray()[0], to = copy.getIndexingMapsArray()[1];
    auto type = cast<MemRefType>(copy.getDpsInits()[0].getType());
    packing.transposes = from.getResult(1) == to.getResult(1);
    if (!isColumn(from.getResult(packing.transposes ? 0 : 1), to.getResult(0), to.getResult(2),
                  packing.width, copied / packing.width) ||
        from.getResult(packing.transposes ? 1 : 0) != to.getResult(1))
      return std::nullopt;
    copied += type.getDimSize(0) * type.getDimSize(2);
    packing.oddColumns = type.getDimSize(2) % packing.width;
  }
  signature.values[Columns] = source.getDimSize(packing.transposes ? 0 : 1);
  signature.values[Depth] = source.getDimSize(packing.transposes ? 1 : 0);
  signature.values[Panels] = panels.getDimSize(0);
  if (copied == 0 || copied != signature.values[Columns])
    return std::nullopt;
  signature.dims[0] = {Depth, Columns};
  if (packing.transposes)
    std::swap(signature.dims[0][0], signature.dims[0][1]);
  signature.dims[1] = {Panels, Depth, Fixed};
  return packing;
}

/// Whole panels first, then the odd columns into a last panel of zeros.
void Packing::build(func::FuncOp kernel, ArrayRef<Value> sizes) const {
  ImplicitLocOpBuilder b(kernel.getLoc(), kernel.getContext());
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value source = kernel.getArgument(0), panels = kernel.getArgument(1);
  AffineExpr p = b.getAffineDimExpr(transposes ? 0 : 1), k = b.getAffineDimExpr(transposes ? 1 : 0),
             i = b.getAffineDimExpr(2);
  auto view = [&](Value of, ArrayRef<OpFoldResult> offsets,
                  ArrayRef<OpFoldResult> lengths) -> Value {
    SmallVector<OpFoldResult> strides(offsets.size(), b.getIndexAttr(1));
    return memref::SubViewOp::create(b, of, offsets, lengths, strides);
  };
  auto copy = [&](Value from, Value to) {
    AffineExpr column = p * width + i;
    AffineMap fromMap =
        AffineMap::get(3, 0, {transposes ? column : k, transposes ? k : column}, b.getContext());
    AffineMap toMap = AffineMap::get(3, 0, {p, k, i}, b.getContext());
    SmallVector<utils::IteratorType> loops(3, utils::IteratorType::parallel);
    linalg::GenericOp::create(b, ValueRange{from}, ValueRange{to}, {fromMap, toMap}, loops,
                              [](OpBuilder &nested, Location loc, ValueRange x) {
                                linalg::YieldOp::create(nested, loc, x[0]);
                              });
  };
  OpFoldResult zero = b.getIndexAttr(0), one = b.getIndexAttr(1), depth = sizes[Depth];
  Value whole = arith::DivUIOp::create(b, sizes[Columns], arith::ConstantIndexOp::create(b, width));
  copy(source, view(panels, {zero, zero, zero}, {whole, depth, b.getIndexAttr(width)}));
  if (oddColumns == 0)
    return;
  Value first = arith::MulIOp::create(b, whole, arith::ConstantIndexOp::create(b, width));
  Value last = view(panels, {whole, zero, zero}, {one, depth, b.getIndexAttr(width)});
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(getElementTypeOrSelf(source)));
  linalg::FillOp::create(b, ValueRange{none}, ValueRange{last});
  OpFoldResult odd = b.getIndexAttr(oddColumns);
  Value rest = transposes ? view(source, {first, zero}, {odd, depth})
                          : view(source, {zero, first}, {depth, odd});
  copy(rest, view(panels, {whole, zero, zero}, {one, depth, odd}));
}

namespace {

struct ShareKernels : mlc::ir::impl::ShareKernelsPassBase<ShareKernels> {
  using ShareKernelsPassBase::ShareKernelsPassBase;

  void runOnOperation() override {
    TileOptions options{vectorBits,           vectorRegisters, blockM, blockK, /*fma=*/true,
                        /*dotProducts=*/false};
    SharedContraction contraction(options);
    groups.clear();
    auto kernels = llvm::to_vector(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp kernel : kernels) {
      auto kind = kernel->getAttrOfType<StringAttr>("mlc.kind");
      if (!kind || kernel.isExternal() ||
          !llvm::all_of(kernel.getArgumentTypes(), llvm::IsaPred<MemRefType>))
        continue;
      if (std::optional<Sized> sized = contraction.match(kernel)) {
        func::FuncOp given = withSizes(*sized);
        contraction.form(sized->signature).noteOn(contractionIn(given));
        add(*sized, given);
      } else if (std::optional<Sized> copy = matchCopy(kernel)) {
        add(*copy, withSizes(*copy));
      } else if (Signature signature(kernel); auto packing = Packing::match(kernel, signature)) {
        Sized packer{kernel, signature, signature.values[Columns] * signature.values[Depth]};
        func::FuncOp given = withSizes(packer);
        rebuild(given, *packing, signature);
        add(packer, given);
      }
    }
    replace();
  }

private:
  /// Kernels that are one once they are given their sizes.
  struct Group {
    func::FuncOp given;
    SmallVector<Sized> members;
  };

  static linalg::GenericOp contractionIn(func::FuncOp kernel) {
    for (auto generic : kernel.getOps<linalg::GenericOp>())
      return generic;
    return {};
  }

  /// A copy of the kernel whose arguments are of any size, with the sizes behind them.
  func::FuncOp withSizes(Sized &sized) {
    OpBuilder b(sized.kernel);
    auto given = cast<func::FuncOp>(b.clone(*sized.kernel));
    Block &body = given.getBody().front();
    unsigned count = body.getNumArguments();
    SmallVector<unsigned> place(kSizes);
    for (Size size : {Rows, Columns, Depth, Panels})
      if (sized.signature.isGiven(size)) {
        place[size] = body.getNumArguments();
        body.addArgument(b.getIndexType(), given.getLoc());
      }
    SmallVector<Attribute> places;
    for (auto [argument, dims] : llvm::zip(body.getArguments(), sized.signature.dims)) {
      auto type = cast<MemRefType>(argument.getType());
      SmallVector<int64_t> shape(type.getShape()), sizes;
      for (auto [extent, size] : llvm::zip(shape, dims))
        if (sized.signature.isGiven(size)) {
          extent = ShapedType::kDynamic;
          sizes.push_back(place[size]);
        }
      argument.setType(MemRefType::get(shape, type.getElementType()));
      places.push_back(b.getDenseI64ArrayAttr(sizes));
    }
    SmallVector<DictionaryAttr> attributes;
    for (unsigned i = 0; i < body.getNumArguments(); ++i)
      attributes.push_back(i < count ? sized.kernel.getArgAttrDict(i)
                                     : DictionaryAttr::get(b.getContext()));
    given.setFunctionType(b.getFunctionType(body.getArgumentTypes(), {}));
    given.setAllArgAttrs(attributes);
    given->setAttr(kSizesAttr, b.getArrayAttr(places));
    int64_t lanes = vectorBits / 32;
    if (sized.elements && *sized.elements / lanes < slice)
      given->setAttr(kShortAttr, b.getUnitAttr());
    return given;
  }

  static void rebuild(func::FuncOp given, const Packing &packing, const Signature &signature) {
    Block &body = given.getBody().front();
    while (&body.front() != body.getTerminator())
      body.getTerminator()->getPrevNode()->erase();
    SmallVector<Value> sizes(kSizes);
    unsigned next = 2;
    for (Size size : {Rows, Columns, Depth, Panels})
      if (signature.isGiven(size))
        sizes[size] = given.getArgument(next++);
    packing.build(given, sizes);
  }

  static bool areEqual(func::FuncOp a, func::FuncOp b) {
    auto attributes = [](func::FuncOp f) {
      NamedAttrList all(f->getAttrDictionary());
      all.erase(SymbolTable::getSymbolAttrName());
      return all.getDictionary(f.getContext());
    };
    return attributes(a) == attributes(b) &&
           OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  }

  /// Adds a kernel to the group of those that are `given` with sizes as arguments.
  void add(const Sized &sized, func::FuncOp given) {
    for (Group &group : groups)
      if (areEqual(group.given, given)) {
        group.members.push_back(sized);
        given.erase();
        return;
      }
    groups.push_back({given, {sized}});
  }

  /// Whether its kernels keep their constants.
  bool isKept(const Group &group) const {
    return static_cast<int64_t>(group.members.size()) < least;
  }

  void replace() {
    llvm::DenseMap<StringAttr, std::pair<Group *, const Signature *>> replaced;
    for (Group &group : groups) {
      if (isKept(group)) {
        group.given.erase();
        continue;
      }
      // The first of the names is the name of all.
      group.given.setSymNameAttr(group.members[0].kernel.getSymNameAttr());
      for (Sized &sized : group.members)
        replaced[sized.kernel.getSymNameAttr()] = {&group, &sized.signature};
    }
    if (replaced.empty())
      return;
    getOperation().walk([&](func::CallOp call) {
      auto found = replaced.find(call.getCalleeAttr().getAttr());
      if (found != replaced.end())
        redirect(call, found->second.first->given, *found->second.second);
    });
    rename(replaced);
    for (Group &group : groups)
      if (!isKept(group))
        for (Sized &sized : group.members)
          sized.kernel.erase();
  }

  static void redirect(func::CallOp call, func::FuncOp given, const Signature &signature) {
    ImplicitLocOpBuilder b(call.getLoc(), call);
    SmallVector<Value> operands;
    for (auto [operand, type] : llvm::zip(call.getOperands(), given.getArgumentTypes()))
      operands.push_back(b.createOrFold<memref::CastOp>(type, operand));
    for (Size size : {Rows, Columns, Depth, Panels}) {
      if (!signature.isGiven(size))
        continue;
      int64_t value = signature.values[size];
      operands.push_back(ShapedType::isDynamic(value)
                             ? rowsOf(call)
                             : arith::ConstantIndexOp::create(b, value).getResult());
    }
    auto made = func::CallOp::create(b, given.getSymName(), TypeRange(), operands);
    made->setDiscardableAttrs(call->getDiscardableAttrDictionary());
    call.erase();
  }

  /// The rows that a call in a chain is for, or the argument of a planned driver.
  static Value rowsOf(func::CallOp call) {
    for (Value operand : call.getOperands())
      if (auto rows = operand.getDefiningOp<RowsOp>())
        return rows.getSize();
    for (Value argument : call->getParentOfType<func::FuncOp>().getArguments())
      if (argument.getType().isIndex())
        return argument;
    llvm_unreachable("a driver of buffers of any size is given it");
  }

  /// In the descriptions of kernels, too.
  template <typename Replaced> void rename(const Replaced &replaced) {
    auto described = getOperation()->getAttrOfType<ArrayAttr>(kKernelsAttr);
    if (!described)
      return;
    SmallVector<Attribute> entries;
    for (auto entry : described.getAsRange<DictionaryAttr>()) {
      NamedAttrList fields(entry);
      auto found = replaced.find(entry.getAs<StringAttr>("function"));
      if (found != replaced.end()) {
        func::FuncOp given = found->second.first->given;
        fields.set("function", given.getSymNameAttr());
      }
      entries.push_back(fields.getDictionary(&getContext()));
    }
    getOperation()->setAttr(kKernelsAttr, ArrayAttr::get(&getContext(), entries));
  }

  SmallVector<Group> groups;
};

} // namespace
