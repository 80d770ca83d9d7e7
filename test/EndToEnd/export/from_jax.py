"""mlc_export.jax: what mlc-run makes of exported JAX functions and flax modules is what JAX computes."""

import inspect

import exported
import flax.linen as nn
import flax.nnx as nnx
import flax_mlp
import jax
import jax.numpy as jnp
import mlc_export
import numpy as np
from exported import floats
from jax import lax
from mlc_export.jax.rules import RULES


class Block(nn.Module):
    """softmax, layer norm, gelu of both kinds, silu, attention: no two layers alike."""

    @nn.compact
    def __call__(self, x):
        x = nn.Dense(24)(x)
        x = nn.LayerNorm()(nn.gelu(x, approximate=False))
        tokens = x.reshape(-1, 3, 8)
        tokens = tokens + nn.MultiHeadDotProductAttention(num_heads=2)(tokens, tokens)
        x = nn.RMSNorm()(tokens).reshape(-1, 24)
        x = nn.silu(nn.Dense(16, use_bias=False)(x)) + nn.gelu(nn.Dense(16, name="gate")(x))
        return {"policy": nn.softmax(nn.Dense(5)(x)), "value": jnp.tanh(nn.Dense(1)(x))[:, 0]}


@jax.custom_vjp
def doubled(x):
    return x * 2


doubled.defvjp(lambda x: (x * 2, None), lambda _, g: (g,))

WEIGHTS = floats(6, 6)


def cases():
    """Functions of x : f32[batch, 6] that return results by name; in them all rules occur."""
    def elementwise(x):
        y = jnp.abs(x)
        return {"neg": -x, "abs": y, "exp": jnp.exp(x), "log": jnp.log(y), "sqrt": jnp.sqrt(y), "rsqrt":
                lax.rsqrt(y), "tanh": jnp.tanh(x), "erf": lax.erf(x), "erfc": lax.erfc(x), "logistic":
                jax.nn.sigmoid(x), "square": jnp.square(x), "cube": x**3, "inverse": x**-2, "root": y**0.5,
                "expm1": jnp.expm1(x), "log1p": jnp.log1p(y), "sign": jnp.sign(x), "add": x + y, "sub": x -
                y, "mul": x * y, "div": x / (1 + y), "min": jnp.minimum(x, 0.5), "max": jnp.maximum(x, y),
                "relu": jax.nn.relu(x), "clip": jnp.clip(x, -1, 1), "clamp": lax.clamp(-0.5, x, 0.5),
                "where": jnp.where(x > 0, x, -1.), "floor": jnp.floor(x * 3), "ceil": jnp.ceil(x *
                3), "round": jnp.round(x * 3)}

    def predicates(x):
        a, b = x > 0, x < 0.5
        i = (x * 10).astype(jnp.int32)
        return {"eq": i == 3, "ne": i != 3, "le": x <= 1, "ge": x >= 1, "and": a & b, "or": a | b, "not":
                ~a, "xor": a ^ b, "finite": jnp.isfinite(x / jnp.floor_divide(i, i + 100)), "rem":
                lax.rem(i, 3), "int": i, "bool": x.astype(bool), "back": a.astype(jnp.float32), "any":
                a.any(1), "all": a.all(1)}

    def shapes(x):
        a, b = jnp.split(x, [2], 1)
        return {"reshape": x.reshape(-1, 2, 3), "swap": x.reshape(-1, 2, 3).swapaxes(1, 2), "squeeze": x[:,
                :1].squeeze(1), "cat": jnp.concatenate([b, a], 1), "stack": jnp.stack([x, x], 1), "pad":
                jnp.pad(x, ((0, 0), (1, 2))), "slice": lax.slice_in_dim(x, 1, 6, 2, axis=1), "column": x[:,
                2], "last": x[:, -1], "some": x[:, 1:4], "step": x[:, ::2], "pick": x[:, jnp.array([3, 0,
                3])], "dynamic": lax.dynamic_slice_in_dim(x, 2, 3, 1), "broadcast": jnp.broadcast_to(x[:,
                None], (x.shape[0], 2, 6)), "copy": jnp.array(x, copy=True), "stop": lax.stop_gradient(x),
                "barrier": lax.optimization_barrier(x), "flip": x[:, ::-1], "tile": jnp.tile(x, (1, 2))}

    def reductions(x):
        return {"sum": x.sum(1), "max": x.max(1), "min": x.min(1), "mean": x.mean(1, keepdims=True), "var":
                x.var(1), "argmax": jnp.argmax(x, 1), "argmin": jnp.argmin(x, 1), "one_hot":
                jax.nn.one_hot(x.argmax(1), 6), "softmax": jax.nn.softmax(x), "log_softmax":
                jax.nn.log_softmax(x), "norm": jnp.linalg.norm(x, axis=1), "softplus": jax.nn.softplus(x),
                "elu": jax.nn.elu(x), "lse": jax.nn.logsumexp(x, axis=1)}

    def products(x):
        t = x.reshape(-1, 2, 3)
        return {"captured": x @ WEIGHTS, "turned": x @ WEIGHTS.T, "batched": jnp.einsum("bij,bkj->bik", t,
                t), "tokens": t @ WEIGHTS[:3], "outer": jnp.einsum("bi,bj->bij", x, x), "vector":
                jnp.einsum("i,bi->b", WEIGHTS[0], x), "masked": jnp.where(jnp.tril(jnp.ones((6, 6), bool)),
                x[:, None], 0)}

    def calls(x):
        grad = jax.grad(lambda v: (v * v * v).sum())(x)
        return {"jit": jax.jit(lambda v: v + 1)(x), "remat": jax.checkpoint(lambda v: v * 3)(x),
                "custom": doubled(x), "grad": grad, "known": jnp.arange(6) * 2 + x.astype(jnp.int32)}

    def control(x):
        def branches(i, c):  # the index is beyond them at either end
            return lax.switch(i - 2, [lambda c: c + 1, lambda c: c @ WEIGHTS, jnp.tanh], c)
        return {"scan": lax.scan(lambda c, row: (jnp.tanh(c @ WEIGHTS + row), None), x, WEIGHTS)[0],
                "rows": lax.map(lambda row: jnp.where(row > 0, row, row[::-1]), x),
                "fori": lax.fori_loop(0, 3, lambda i, c: c * 2 + i, x),
                "while": lax.while_loop(lambda c: c[0] < jnp.sin(1.) * 5, lambda c: (
                    c[0] + 2, jnp.cos(WEIGHTS[0]) * c[1] @ WEIGHTS), (0, x))[1],
                "triangle": lax.fori_loop(1, 4, lambda n, c: lax.fori_loop(0, n, lambda i, c: c + i, c), x),
                "cond": lax.fori_loop(0, 3, lambda i, c: lax.cond(i == 1, lambda c: c * 3, jnp.tanh, c), x),
                "switch": lax.fori_loop(0, 7, branches, x),
                "known": lax.switch(5, [jnp.exp, jnp.tanh], x),
                "select": lax.select_n((x > 0).astype(jnp.int32) + (x > 1), x, -x, x * x)}

    return [elementwise, predicates, shapes, reductions, products, calls, control]


class FromJax(exported.ExportTest):
    def export(self, fn, params=None, width=6, **options):
        """With a symbolic batch, traced at 1 and run at odd sizes."""
        path = self.dir / "model.safetensors"
        mlc_export.jax.export(fn, {} if params is None else params, [jnp.zeros((1, width))], path,
                              dynamic_batch="batch", **options)
        return path

    def test_the_example(self):
        path = self.dir / "mlp.safetensors"
        flax_mlp.main(path)
        params = flax_mlp.MLP().init(jax.random.key(0), jnp.zeros((1, 512)))
        for batch in (1, 3, 17):
            x = floats(batch, 512)
            y = flax_mlp.MLP().apply(params, x)
            self.runs(path, {"x": x}, {"y": y})
        self.differs(path, {"x": x}, {"y": y})
        weights = mlc_export.load_tensors(path)
        self.assertEqual(set(weights), {f"Dense_{i}.{kind}" for i in range(3) for kind in ("bias", "kernel")})
        np.testing.assert_array_equal(weights["Dense_1.kernel"], params["params"]["Dense_1"]["kernel"])

    def test_block(self):
        params = Block().init(jax.random.key(1), jnp.zeros((1, 6)))
        path = self.export(Block().apply, params)
        for batch in (1, 5):
            x = floats(batch, 6)
            y = Block().apply(params, x)
            self.runs(path, {"x": x}, y)
        self.differs(path, {"x": x}, y)
        self.assertIn("MultiHeadDotProductAttention_0.query.kernel", mlc_export.load_tensors(path))

    def test_static_batch(self):
        params = Block().init(jax.random.key(1), jnp.zeros((3, 6)))
        x = floats(3, 6)
        path = self.dir / "static.safetensors"
        mlc_export.jax.export(Block().apply, params, [x], path)
        self.runs(path, {"x": x}, Block().apply(params, x))
        self.fails(5, path, f"--input=x=@{self.npy('two.npy', floats(2, 6)).name}")

    def test_every_rule(self):
        used = exported.recording(RULES)
        for case in cases():
            with self.subTest(case.__name__):
                path = self.export(lambda _, x, case=case: case(x), input_names=["x"])
                for batch in (1, 5):
                    x = floats(batch, 6)
                    self.runs(path, {"x": x}, case(x))
        self.assertEqual(set(RULES) - used, set())

    def computes(self, fn, *inputs, params=()):
        """Exported for the sizes of the inputs."""
        names = [f"x{i}" for i in range(len(inputs))]
        path = self.dir / "static.safetensors"
        mlc_export.jax.export(fn, params, inputs, path, input_names=names)
        results = jax.tree.leaves(fn(params, *inputs))
        outputs = [f"y{i}" for i in range(len(results))] if len(results) > 1 else ["y"]
        self.runs(path, dict(zip(names, inputs)), dict(zip(outputs, results)))
        return path

    def test_recurrent(self):
        for cell, options in ((nn.GRUCell(5), {}), (nn.OptimizedLSTMCell(5), {"return_carry": True}),
                              (nn.SimpleCell(5), {"reverse": True, "keep_order": True})):
            for batch in (1, 3, 17):
                with self.subTest(type(cell).__name__, batch=batch):
                    x, model = floats(batch, 7, 4), nn.RNN(cell, **options)
                    params = model.init(jax.random.key(2), x)

                    def apply(params, x):
                        return model.apply(params, x)
                    path = self.computes(apply, x, params=params)
                    graph = self.succeeds(path, "--emit=graph")
                    self.assertEqual(graph.count(" = scan "), 1)
        # The steps see the weights under their names, and lie where the model was called.
        self.assertIn("cell.i.kernel", mlc_export.load_tensors(path))
        scan, = (n for n in exported.graph_of(path)["nodes"] if n["op"] == "scan")
        line = inspect.getsourcelines(apply)[1] + 1
        self.assertEqual({n["location"] for n in [scan, *scan["blocks"][0]["nodes"]]},
                         {f"from_jax.py:{line}:1"})

    def test_control_flow(self):
        bias, x, xs = floats(20), floats(20), floats(5, 20)

        def sequence(_, x, xs):
            def step(carry, x):
                count, total = carry
                return (count + 1, jnp.tanh(total + x * bias)), {"before": total, "count": count}
            return lax.scan(step, (0, x), xs), lax.scan(step, (0, x), xs, reverse=True)
        self.computes(sequence, x, xs)
        self.computes(sequence, x, xs[:1])

        def until(_, x, bound):
            return lax.while_loop(lambda c: jnp.abs(c * bias).sum() < bound, lambda c: c * 2 + bias, x)
        for bound in (0, 1e3, 1e5):
            self.computes(until, x, np.float32(bound))
        for count in (-1, 0, 1, 6):
            self.computes(lambda _, x, n: lax.fori_loop(0, n, lambda i, c: jnp.sin(bias[0]) * c + i, x), x,
                          np.int32(count))
        for flag in (False, True):
            self.computes(lambda _, x, p: lax.cond(p, lambda x: (x + bias, 1), lambda x: (-x, 2), x), x,
                          np.bool_(flag))
        for count in (1, 2, 3, 5):
            branches = [lambda x, i=i: jnp.tanh(x) * i + bias for i in range(count)]
            for index in (-3, 0, count - 1, count, 2**31 - 1):
                self.computes(lambda _, x, i, b=branches: lax.switch(i, b, x), x, np.int32(index))

    def test_rows_leave_a_loop_one_by_one(self):
        def collatz(n):
            return lax.while_loop(lambda c: c[0] != 1, lambda c: (
                jnp.where(c[0] % 2 == 0, c[0] // 2, 3 * c[0] + 1), c[1] + 1), (n, 0))
        numbers = np.array([1, 27, 6, 2], np.int32)
        self.computes(lambda _, n: jax.vmap(collatz)(n), numbers)
        self.assertEqual(jax.vmap(collatz)(numbers)[1].tolist(), [0, 111, 8, 1])
        self.missing(
            lambda path: mlc_export.jax.export(lambda _, n: jax.vmap(collatz)(n), (), [numbers], path,
                                               dynamic_batch="batch"),
            ("while: of the symbolic dimension", 1))

    def test_nnx(self):
        rngs = nnx.Rngs(0)
        model = nnx.Sequential(nnx.Linear(6, 4, rngs=rngs), nnx.relu, nnx.Linear(4, 2, rngs=rngs))
        graph, state = nnx.split(model)
        path = self.export(lambda state, x: nnx.merge(graph, state)(x), state)
        x = floats(3, 6)
        self.runs(path, {"x": x}, {"y": model(x)})
        self.assertEqual(sorted(mlc_export.load_tensors(path)),
                         ["layers.0.bias", "layers.0.kernel", "layers.2.bias", "layers.2.kernel"])

    def test_inputs_and_outputs(self):
        def f(params, a, state):
            return a + state["h"] @ params["w"], state["h"], params["n"]
        params = {"w": floats(2, 2), "n": np.int32([1, 2])}
        a, h = floats(3, 2), floats(3, 2)
        path = self.dir / "f.safetensors"
        mlc_export.jax.export(f, params, [a, {"h": h}], path)
        self.runs(path, {"a": a, "state.h": h}, {"y0": a + h @ params["w"], "y1": h, "y2": params["n"]})
        mlc_export.jax.export(f, params, [a, {"h": h}], path, input_names=["p", "q"],
                              output_names=["r", "s", "t"])
        self.runs(path, {"p": a, "q": h}, {"r": a + h @ params["w"]})
        for names in ({"input_names": ["p"]}, {"output_names": ["r"]}):
            with self.assertRaisesRegex(mlc_export.ExportError, "names"):
                mlc_export.jax.export(f, params, [a, {"h": h}], path, **names)

    def test_captured_arrays_keep_their_name(self):
        path = self.export(lambda _, x: x @ WEIGHTS, input_names=["x"])
        np.testing.assert_array_equal(mlc_export.load_tensors(path)["WEIGHTS"], WEIGHTS)

    def test_locations(self):
        path = self.export(lambda _, x: jax.nn.softmax(x) + jax.nn.silu(x))
        nodes = exported.graph_of(path)["nodes"]
        line = inspect.getsourcelines(FromJax.test_locations)[1] + 1
        self.assertEqual({n["location"] for n in nodes}, {f"from_jax.py:{line}:1"})

    def test_missing(self):
        def f(params, x):
            y = jnp.sort(x) + lax.cumsum(x, 1)
            y = lax.conv_general_dilated(y[:, None], params["k"], (1,), "SAME")[:, 0]
            y = lax.scan(lambda c, t: (lax.cumsum(c, 1), None), y, jnp.ones((3, 6)))[0] + jnp.sort(y)
            y = lax.fori_loop(0, x.shape[0], lambda i, c: c + 1, lax.round(y))
            return y, x.sum(0), x.reshape(-1), x.T, x.astype(jnp.bfloat16)
        first = inspect.getsourcelines(f)[1]
        missing = self.missing(
            lambda path: mlc_export.jax.export(f, {"k": floats(1, 1, 3)}, [floats(2, 6)], path,
                                               dynamic_batch="batch"),
            ("sort", 2), ("cumsum", 2), ("conv_general_dilated", 1),
            ("round: of halves away from zero", 1), ("dim_as_value", 1),
            ("reduce_sum: reduce along the symbolic dimension", 1), ("dimension 6*batch", 1),
            ("symbolic dimension that is not the leading one", 1), ("dtype bfloat16", 1))
        self.assertEqual(missing["sort"], [f"from_jax.py:{first + 1}:1", f"from_jax.py:{first + 3}:1"])

    def test_other_dtypes(self):
        self.missing(lambda path: mlc_export.jax.export(
            lambda p, x: x * p["w"], {"w": np.float16([1])}, [np.float16([2])], path),
            ("dtype f16", 3))
        with jax.enable_x64(True):
            self.missing(lambda path: mlc_export.jax.export(lambda p, x: x, {}, [np.float64([2])], path),
                         ("dtype f64", 1))


if __name__ == "__main__":
    exported.tool.main()
