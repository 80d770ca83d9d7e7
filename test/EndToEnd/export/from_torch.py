"""mlc_export.torch: what mlc-run makes of exported PyTorch modules is what PyTorch computes."""

import inspect

import exported
import mlc_export
import numpy as np
import torch
import torch.nn.functional as F
import torch_mlp
from exported import floats
from mlc_export.torch.rules import RULES
from torch import nn
from torch._higher_order_ops import scan, while_loop


class Block(nn.Module):
    """softmax, layer norm, batch norm, gelu of both kinds, attention: no two layers alike."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(6, 24), nn.LayerNorm(24)
        self.qkv = nn.Linear(8, 24, bias=False)
        self.batch_norm = nn.BatchNorm1d(24)
        self.gate, self.up = nn.Linear(24, 16), nn.Linear(24, 16)
        self.policy, self.value = nn.Linear(16, 5), nn.Linear(16, 1)
        self.register_buffer("temperature", torch.tensor(1.5))
        self.dropout = nn.Dropout(0.5)
        with torch.no_grad():  # a fresh batch norm changes next to nothing
            self.batch_norm.running_mean.uniform_(-1, 1)
            self.batch_norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.norm(F.gelu(self.first(x)))
        q, k, v = (part.view(-1, 3, 2, 4).transpose(1, 2) for part in self.qkv(x.view(-1, 3, 8)).chunk(3, -1))
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, 24)
        x = self.dropout(self.batch_norm(x + attended))
        x = F.silu(self.gate(x)) * F.gelu(self.up(x), approximate="tanh")
        return torch.softmax(self.policy(x) / self.temperature, -1), torch.tanh(self.value(x)).squeeze(-1)


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def cases():
    """Functions of x : f32[batch, 6] that return a tuple of results; in them all rules occur."""
    w, w3, v6 = (torch.from_numpy(floats(*shape)) for shape in ((6, 6), (3, 5), (6,)))

    def elementwise(x):
        y = x.abs()
        return (-x, y, x.exp(), y.log(), y.sqrt(), (y + 1).rsqrt(), x.tanh(), x.sigmoid(), x.relu(),
                x.erf(), x * y, x * 2, x / (y + 1), x / 2, torch.maximum(x, y / 2), torch.minimum(x, y / 2),
                x + y, x - y, x + 1, 1 - x, x - 0.5, torch.add(x, y, alpha=3), torch.sub(x, y, alpha=0.5),
                torch.reciprocal(y + 1), x.square(), x**3, y**0.5, x.expm1(), y.log1p(), x.erfc(), x.sign(),
                F.silu(x), F.leaky_relu(x, 0.2), F.elu(x), F.selu(x), F.gelu(x), F.gelu(x,
                approximate="tanh"), x.clamp(-1, 0.5), x.clamp(min=0.1), x.clamp(max=0.1), F.hardtanh(x),
                F.relu6(x * 5), F.hardswish(x), F.softplus(x), F.mish(x), torch.rsub(x, 3), F.celu(x),
                torch.ops.aten.sub.Scalar(x, 2), torch.ops.aten.div.Scalar(x, 2), (x * 3).floor(),
                (x * 3).ceil(), (x * 3).trunc(), (x * 3).round(), y.log2(), y.log10(), x.clamp(v6, v6 + 1))

    def predicates(x):
        a, b, i = x > 0, x < 0.5, (x * 10).int()
        return (i == 3, x != x, x <= 1, x >= v6, x < v6, x > v6, x <= v6, x >= 1, a & b, a | b, a ^ b, ~a,
                torch.logical_not(a), torch.logical_and(a, b), torch.logical_or(a, b), torch.logical_xor(a,
                b), torch.where(a, x, -1.0), x.masked_fill(b, 9), x.isnan(), i, i + 0.5, i * i, i > 2.5,
                x.long(), x.bool(), a.float(), a.any(1), b.all(1, keepdim=True), x.view(-1, 2,
                3).bool().any((1, 2)), (x.view(-1, 2, 3) > -1).all((1, 2)), x.new_full((x.shape[0], 2),
                3.5), a + i, x.new_zeros(2, 3), torch.full_like(x, 3), torch.arange(6) + x,
                x.to(torch.float32), torch.clamp_min(x, 0), torch.clamp_max(x, 0), x.isfinite(), i / 4, i // 3,
                i % 3, torch.div(i, -3, rounding_mode="trunc"), i.fmod(3), (i + 20).remainder(i.clamp(1, 9)),
                i.fmod(i.clamp(1, 9)), torch.ops.aten.div.Scalar_mode(i, 3, rounding_mode="floor"))

    def shapes(x):
        a, b = x.split([2, 4], 1)
        c, d, e = x.chunk(3, -1)
        first, *_ = x.split(4, 1)
        t = x.view(-1, 2, 3)
        return (t, t.permute(0, 2, 1), t.transpose(1, 2), t.mT, x[:, 2], x[:, -1], x[:, 1:4], x[:, ::2],
                x[:, None], x.unsqueeze(-1).squeeze(-1), torch.cat([b, a], 1), torch.stack([c, d, e], 1),
                F.pad(x, (1, 2)), first, F.pad(x, (-1, 2), value=3.0), x[:, None].expand(-1, 4, -1),
                t.flatten(1), x.contiguous(), x.clone(), x.detach(), x * w.t()[0], t.reshape(-1, 6),
                x.unbind(1)[3], x.flip(1), x.repeat(1, 2), x * torch.tensor(2.0), F.dropout(x,
                training=False), torch.full((3,), 2.0) * t, x[:, :1].squeeze(1), x.index_select(1,
                torch.tensor([5, 0, 0])), t.index_select(-1, torch.tensor(2)), F.embedding(x.abs().long().clamp(
                max=5), w, padding_idx=1), F.embedding(torch.tensor([[2, 5]]), w) * x[:, None, None, :1])

    def reductions(x):
        t = x.view(-1, 2, 3)
        return (x.sum(1), x.mean(1, keepdim=True), t.sum((1, 2)), x.amax(1), t.amin((1, 2)), *x.max(1),
                *x.min(1, keepdim=True), x.argmax(1), x.argmin(-1, keepdim=True), x.softmax(-1),
                x.log_softmax(-1), x.var(1), x.std(1, unbiased=False), x.norm(dim=1), F.normalize(x),
                F.layer_norm(x, (6,)), F.layer_norm(t, (2, 3)), x.int().sum(1), x.logsumexp(1), (x >
                0).sum(1), F.rms_norm(x, (6,)), F.group_norm(x, 2, w[0], w[1]), F.group_norm(t, 2))

    def products(x):
        t = x.view(-1, 2, 3)
        return (x @ w, F.linear(x, w, v6), torch.addmm(v6, x, w, beta=0.5, alpha=2), torch.mm(x, w), x @ v6,
                t @ w3, torch.bmm(t, t.mT), torch.baddbmm(t @ t.mT, t, t.mT), torch.einsum("bij,bkj->bik",
                t, t), F.linear(t, w3.t()), torch.matmul(t, t.mT), torch.mv(x, v6),
                torch.dot(w.view(-1), w.view(-1)) * x,
                F.scaled_dot_product_attention(t, t, t), F.scaled_dot_product_attention(t, t, t,
                is_causal=True), F.scaled_dot_product_attention(t, t, t, attn_mask=w[:2, :2], scale=0.3))

    return [elementwise, predicates, shapes, reductions, products]


class Branches(nn.Module):
    """Branches on a value, one in the other, with weights in them."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        def positive(x):
            return torch.cond(x.sum() > 30, lambda x: self.layer(x) + 1, lambda x: x * 2, (x,))
        return torch.cond(x.sum() > 0, positive, lambda x: self.layer(x - 1), (x,)), x


class Loops(nn.Module):
    """Loops that carry rows along, over a table and as often as a number says."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.register_buffer("table", torch.from_numpy(floats(4, 6)))

    def forward(self, x):
        _, repeated = while_loop(lambda i, x: i < 5, lambda i, x: (i + 1, torch.tanh(self.layer(x))),
                                 (torch.tensor(0), x))
        # Results of a step must not be one tensor.
        total, sums = scan(lambda total, row: (total + row, total * 2), torch.zeros(6), self.table)
        _, backwards = scan(lambda total, row: (total + row, total * 2), torch.zeros(6), self.table,
                            reverse=True)
        return repeated, x + total, sums, backwards


def over_everything(x):
    """Results in which the batch is no dimension any more."""
    return (x.sum(), x.mean(), (x > 2).any(), (x > -9).all(), x.argmax(), x[:1].squeeze(), x.mean(0), x[1:],
            x.amax())


class FromTorch(exported.ExportTest):
    def setUp(self):
        super().setUp()
        torch.manual_seed(1)

    def outputs(self, module, x):
        with torch.no_grad():
            results = module(torch.from_numpy(x))
        results = torch.utils._pytree.tree_leaves(results)
        names = ["y"] if len(results) == 1 else [f"y{i}" for i in range(len(results))]
        return {name: result.numpy() for name, result in zip(names, results)}

    def static(self, module, x, change=lambda program: program):
        """Exported for the size of x from a program that was changed, it computes the same."""
        program = change(torch.export.export(module, (torch.from_numpy(x),)))
        mlc_export.torch.export(program, None, self.dir / "static.safetensors")
        self.runs("static.safetensors", {"x": x}, self.outputs(module, x))

    def export(self, module, **options):
        """With a symbolic batch, traced at 1 and run at odd sizes."""
        path = self.dir / "model.safetensors"
        mlc_export.torch.export(module.eval(), [torch.zeros(1, 6)], path, dynamic_batch="batch", **options)
        return path

    def test_the_example(self):
        path = self.dir / "mlp.safetensors"
        torch_mlp.main(path)
        torch.manual_seed(0)
        model = torch_mlp.MLP()
        for batch in (1, 3, 17):
            x = floats(batch, 512)
            self.runs(path, {"x": x}, self.outputs(model, x))
        self.differs(path, {"x": x}, self.outputs(model, x))
        state = model.state_dict()
        weights = mlc_export.load_tensors(path)
        self.assertEqual(set(weights), set(state))
        for name, array in weights.items():  # as PyTorch has them: [out, in]
            np.testing.assert_array_equal(array, state[name].numpy())

    def test_block(self):
        model = Block().eval()
        path = self.export(model)
        for batch in (1, 5):
            x = floats(batch, 6)
            self.runs(path, {"x": x}, self.outputs(model, x))
        self.differs(path, {"x": x}, self.outputs(model, x))
        names = set(mlc_export.load_tensors(path))
        self.assertEqual(set(model.state_dict()) - names, {"batch_norm.num_batches_tracked"})

    def test_static_and_decomposed(self):
        x = floats(3, 6)
        model = Block().eval()
        program = torch.export.export(model, (torch.from_numpy(x),))
        for name, given in (("static", program), ("decomposed", program.run_decompositions())):
            path = self.dir / f"{name}.safetensors"
            mlc_export.torch.export(given, None, path, output_names=["policy", "value"])
            expected = dict(zip(("policy", "value"), self.outputs(model, x).values()))
            self.runs(path, {"x": x}, expected)

    def test_encoder(self):
        model = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, activation="gelu").eval()
        x = floats(3, 4, 6)
        path = self.dir / "encoder.safetensors"
        mlc_export.torch.export(model, [torch.from_numpy(x)], path)
        self.runs(path, {"src": x}, self.outputs(model, x))

    def test_every_rule(self):
        used = exported.recording(RULES)
        for case in cases():
            with self.subTest(case.__name__):
                model = Function(case)
                path = self.export(model)
                for batch in (1, 5):
                    x = floats(batch, 6)
                    self.runs(path, {"x": x}, self.outputs(model, x))
        for case in [*cases(), over_everything]:
            for decompose in (lambda program: program, torch.export.ExportedProgram.run_decompositions):
                with self.subTest(case.__name__, static=decompose):
                    self.static(Function(case), floats(3, 6), decompose)
        self.test_static_and_decomposed()
        self.test_recurrent()
        self.test_control_flow()
        self.assertEqual(set(RULES) - used, set())

    def test_recurrent(self):
        for kind, options in ((nn.GRU, {}), (nn.LSTM, {"num_layers": 2, "bidirectional": True}),
                              (nn.RNN, {"bias": False, "bidirectional": True}),
                              (nn.LSTM, {"proj_size": 2, "num_layers": 2}),
                              (nn.RNN, {"nonlinearity": "relu"})):
            for batch in (1, 3, 17):
                with self.subTest(kind.__name__, **options, batch=batch):
                    model = Function(kind(4, 5, batch_first=batch == 3, **options)).eval()
                    x = floats(*((3, 6) if batch == 3 else (6, batch)), 4)
                    self.static(model, x)
                    loops = self.succeeds("static.safetensors", "--emit=graph").count(" = scan ")
                    self.assertEqual(loops, model.function.num_layers * (1 + model.function.bidirectional))
        state = torch.from_numpy(floats(1, 3, 5))
        self.static(Function(lambda x, gru=nn.GRU(4, 5): gru(x, state)), floats(6, 3, 4))
        self.static(Function(nn.GRU(4, 5)), floats(6, 4))
        self.static(Function(nn.GRU(4, 5)), floats(3, 2, 4),
                    torch.export.ExportedProgram.run_decompositions)
        self.missing(lambda path: mlc_export.torch.export(
            nn.GRU(4, 5, num_layers=2, dropout=0.5).train(), [torch.zeros(6, 3, 4)], path),
            ("aten.gru.input: with dropout", 1))

    def test_recurrent_cells(self):
        class Loop(nn.Module):
            def __init__(self, cell):
                super().__init__()
                self.cell = cell

            def forward(self, x):
                state = None
                for _ in range(3):
                    state = self.cell(x, state)
                return state
        for cell in (nn.GRUCell, nn.LSTMCell, nn.RNNCell):
            model = Loop(cell(6, 5))
            path = self.export(model)
            for batch in (1, 3, 17):
                x = floats(batch, 6)
                self.runs(path, {"x": x}, self.outputs(model, x))

    def test_control_flow(self):
        model = Branches()
        for x in (floats(1, 6) + 9, floats(3, 6) - 9, floats(17, 6) / 9 + 0.1):
            self.static(model, x)
            self.static(model, x, torch.export.ExportedProgram.run_decompositions)
        model = Loops()
        path = self.export(model)
        for batch in (1, 3, 17):
            x = floats(batch, 6)
            self.runs(path, {"x": x}, self.outputs(model, x))
        nodes = exported.graph_of(path)["nodes"]
        self.assertEqual([n["op"] for n in nodes if "blocks" in n], ["while", "scan", "scan"])
        self.assertIn("layer.weight", mlc_export.load_tensors(path))

    def test_numbers_of_the_batch(self):
        """A symbolic size is no number that a node could have."""
        def counting(x):
            return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x + 1), (0, x))[1]

        def f(x):
            n = x.shape[0]
            branch = torch.cond(n > 5, lambda x: x + 1, lambda x: x - 1, (x,))
            return x + n, x / n, torch.full((2,), n), x[:, :2].sum(1) * n, branch, counting(x)
        self.missing(lambda path: self.export(Function(f)),
                     ("aten.add.Tensor: of a symbolic size", 1), ("aten.div.Tensor: of a symbolic size", 1),
                     ("aten.full.default: of a symbolic size", 1), ("aten.mul.Tensor: of a symbolic size", 1),
                     ("a symbolic size as a value", 1), ("while_loop: a result that is a number", 1))

    def test_locations(self):
        path = self.export(Function(torch.exp))
        node, = exported.graph_of(path)["nodes"]
        line = inspect.getsourcelines(Function.forward)[1] + 1
        self.assertEqual(node["location"], f"from_torch.py:{line}:1")

    def test_names(self):
        path = self.export(Function(lambda x: x * 2), input_names=["given"], output_names=["made"])
        x = floats(2, 6)
        self.runs(path, {"given": x}, {"made": x * 2})
        for names in ({"input_names": ["a", "b"]}, {"output_names": ["a", "b"]}):
            with self.assertRaisesRegex(mlc_export.ExportError, "names"):
                self.export(Function(lambda x: x * 2), **names)

    def test_missing(self):
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm, self.dropout = nn.Conv1d(1, 1, 3), nn.BatchNorm1d(6), nn.Dropout()

            def forward(self, x):
                y = self.dropout(self.norm(x)).sort()[0] + x.cumsum(1)
                z = self.conv(y[:, None])[:, 0]
                return y.sort()[0], z.double(), x.sum(0), x.reshape(-1), x.to(torch.bfloat16), torch.rand(6)
        first = inspect.getsourcelines(Model.forward)[1]
        missing = self.missing(
            lambda path: mlc_export.torch.export(Model().train(), [torch.zeros(2, 6)], path,
                                                 dynamic_batch="batch"),
            ("aten.sort.default", 2), ("aten.cumsum.default", 1), ("aten.convolution.default", 1),
            ("aten.native_dropout.default", 1), ("aten._native_batch_norm_legit_functional.default", 1),
            ("aten.sum.dim_IntList: reduce along the symbolic dimension", 1), ("aten.rand.default", 1),
            ("dimension 6*batch", 1), ("dtype bfloat16", 1), ("dtype f64", 1),
            ("changing a tensor in place (buffer_mutation)", 3))
        self.assertEqual(missing["aten.sort.default"], [f"from_torch.py:{first + i}:1" for i in (1, 3)])

    def test_other_dtypes(self):
        self.missing(lambda path: mlc_export.torch.export(
            nn.Linear(2, 2).to(torch.bfloat16), [torch.zeros(2, 2, dtype=torch.bfloat16)], path),
            ("dtype bfloat16", 4))


if __name__ == "__main__":
    exported.tool.main()
