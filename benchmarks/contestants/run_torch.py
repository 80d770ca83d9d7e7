"""PyTorch as a contestant, `eager` or `compile`."""

import sys

import driver
import torch
import torch.nn.functional as F

OPS = {
    "matmul": torch.matmul,
    "linear": lambda x, w, b: torch.addmm(b, x, w),
    "linear_relu": lambda x, w, b: torch.relu(torch.addmm(b, x, w)),
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "relu": torch.relu,
    "softmax": lambda x: torch.softmax(x, -1),
    "layer_norm": lambda x, scale, shift: F.layer_norm(x, x.shape[-1:], scale, shift, 1e-5),
    "attention": lambda q, k, v: F.scaled_dot_product_attention(q[None], k[None], v[None])[0],
}


class Network(torch.nn.Module):
    def __init__(self, program):
        super().__init__()
        self.program, self.names = program, list(program.inputs)
        for name, array in program.weights.items():
            setattr(self, name, torch.nn.Parameter(torch.from_numpy(array), requires_grad=False))

    def forward(self, *inputs):
        weights = {name: getattr(self, name) for name in self.program.weights}
        return self.program.evaluate(dict(zip(self.names, inputs)) | weights, OPS)


class Torch:
    def __init__(self, compiled):
        torch.set_num_threads(1)
        self.compiled = compiled
        self.about = f"torch {torch.__version__}, {'compile, max-autotune, freezing' if compiled else 'eager'}"
        if compiled:
            import torch._inductor.config as config
            config.freezing = True

    @torch.inference_mode()
    def load(self, program):
        self.network = Network(program).eval()
        if self.compiled:
            torch._dynamo.reset()
            self.network = torch.compile(self.network, mode="max-autotune", dynamic=False)
        self.inputs = [torch.from_numpy(a) for a in program.inputs.values()]
        self.run()

    @torch.inference_mode()
    def run(self):
        self.result = self.network(*self.inputs)

    def output(self):
        return self.result.numpy()


driver.serve(Torch(sys.argv[1] == "compile"))
