// Tests that graphs survive the way to the mlc dialect and back: directly, as
// text, and through the passes of the phase fused.

#include "mlc/Frontend/Frontend.h"
#include "mlc/Dialect/MLCDialect.h"
#include "mlc/Graph/Print.h"
#include "mlc/Graph/Rewrite.h"
#include "mlc/Graph/Serialize.h"
#include "mlc/Graph/Validate.h"
#include "mlc/Transforms/Graph/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

#include <catch2/catch.hpp>

using namespace mlc;

namespace {

struct Context {
  Context() { context.loadDialect<ir::MLCDialect, mlir::func::FuncDialect>(); }
  mlir::MLIRContext context;
};

TensorType f32(Dims dims) { return {DType::F32, std::move(dims)}; }

// A call, several results, parameters, constants, a symbolic dimension, names
// that differ from their nodes', locations.
Graph example() {
  Graph graph;
  graph.parameters = {{"w", f32({4, 3})}, {"unused", f32({2})}, {"b", f32({3})}};
  FunctionBuilder layer(graph, "layer");
  {
    ValueId x = layer.input("x", f32({Dim("rows"), 4}));
    ValueId w = *layer.node(Op::Parameter, {}, {{"parameter", "w"}}, "w");
    ValueId product = *layer.node(Op::MatMul, {x, w}, {}, "product");
    ValueId b = *layer.node(Op::Parameter, {}, {{"parameter", "b"}}, "b");
    ValueId bias =
        *layer.node(Op::Broadcast, {b},
                    {{"shape", Dims{Dim("rows"), 3}}, {"axes", std::vector<int64_t>{1}}}, "bias");
    ValueId sum = *layer.node(Op::Add, {product, bias}, {}, "sum");
    layer.output(*layer.node(Op::Relu, {sum}, {}, "act"), "y");
    layer.output(sum, "before");
  }
  Function layerFunction = layer.finish();
  Graph callees = graph;
  callees.functions = {layerFunction};
  FunctionBuilder main(callees, "main");
  {
    ValueId x = main.input("in", f32({Dim("batch"), 4}));
    std::vector<ValueId> y = *main.nodes(Op::Call, {x}, {{"callee", "layer"}}, "first");
    Tensor half = *Tensor::zeros(DType::F32, {});
    *half.dataAs<float>() = 0.5f;
    ValueId scalar = *main.node(Op::Constant, {}, {{"value", half}}, "half");
    ValueId scale =
        *main.node(Op::Broadcast, {scalar},
                   {{"shape", Dims{Dim("batch"), 3}}, {"axes", std::vector<int64_t>{}}}, "scale");
    ValueId scaled = *main.node(Op::Mul, {y[0], scale}, {}, "scaled");
    ValueId mean = *main.node(Op::Reduce, {scaled},
                              {{"kind", "mean"}, {"axes", std::vector<int64_t>{1}}}, "mean");
    main.output(mean, "mean");
    main.output(y[1], "before");
    main.output(x, "same");
  }
  graph.functions = {main.finish(), layerFunction};
  graph.functions[0].body.nodes[1].location = "model.py:12:3";
  graph.functions[0].body.nodes[2].location = "somewhere";
  REQUIRE(validate(graph).ok());
  return graph;
}

} // namespace

TEST_CASE_METHOD(Context, "a graph comes back as it went, names and places included") {
  Graph graph = example();
  auto module = ir::importGraph(context, graph);
  REQUIRE(module.ok());
  Result<Graph> back = ir::exportGraph(**module);
  REQUIRE(back.ok());
  CHECK(print(*back) == print(graph));
  CHECK(serialize(*back) == serialize(graph));
}

TEST_CASE_METHOD(Context, "text with locations brings names back, too") {
  Graph graph = example();
  auto module = ir::importGraph(context, graph);
  REQUIRE(module.ok());
  std::string text;
  {
    llvm::raw_string_ostream out(text);
    mlir::OpPrintingFlags flags;
    flags.enableDebugInfo();
    (*module)->print(out, flags);
  }
  Result<Graph> back = ir::parseMlir(text);
  REQUIRE(back.ok());
  CHECK(serialize(*back) == serialize(graph));
}

TEST_CASE_METHOD(Context, "a fused module is the same function") {
  Graph graph = example();
  for (bool fuse : {false, true}) {
    auto module = ir::importGraph(context, graph);
    REQUIRE(module.ok());
    mlir::PassManager manager(&context);
    manager.addPass(ir::createInlineCallsPass());
    manager.addNestedPass<mlir::func::FuncOp>(ir::createPackWeightsPass());
    manager.addPass(ir::createHoistParametersPass());
    ir::FusePassOptions options;
    options.fuse = fuse;
    manager.addNestedPass<mlir::func::FuncOp>(ir::createFusePass(options));
    REQUIRE(mlir::succeeded(manager.run(**module)));
    Result<Graph> back = ir::exportGraph(**module);
    if (!back)
      FAIL(back.error().message);
    INFO(print(*back));
    CHECK(validate(*back).ok());
    REQUIRE(back->functions.size() == 1);
    const Function &function = back->functions[0];
    CHECK(function.values[function.body.inputs[0]].name == "in");
    CHECK(function.outputNames == std::vector<std::string>{"mean", "before", "same"});
    // Packing and grouping are undone: the same ops as with calls inlined, but
    // for constants and broadcasts, which fusing repeats.
    auto count = [](const Function &function, Op op) {
      int n = 0;
      walk(function, [&](const Node &node) { n += node.op == op; });
      return n;
    };
    Result<Graph> inlined = inlineCalls(graph, "main");
    REQUIRE(inlined.ok());
    for (Op op : {Op::Parameter, Op::MatMul, Op::Add, Op::Relu, Op::Mul, Op::Reduce})
      CHECK(count(function, op) == count(inlined->functions[0], op));
  }
}

TEST_CASE_METHOD(Context, "what the dialect cannot hold is refused") {
  Graph graph;
  FunctionBuilder builder(graph, "main");
  builder.output(builder.input("x", f32({Dim("m"), Dim("n")})), "y");
  graph.functions.push_back(builder.finish());
  auto module = ir::importGraph(context, graph);
  REQUIRE_FALSE(module.ok());
  CHECK(module.error().kind == ErrorKind::Unsupported);
  CHECK_THAT(module.error().message, Catch::Contains("m, n"));
}
