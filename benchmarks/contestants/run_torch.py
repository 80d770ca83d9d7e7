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
    """Freezing folds and packs the parameters of modules."""

    def __init__(self, function, weights):
        super().__init__()
        self.function = function
        self.weights = torch.nn.ParameterDict({n: torch.nn.Parameter(w, requires_grad=False)
                                               for n, w in weights.items()})

    def forward(self, *inputs):
        return self.function(*inputs, **self.weights)


class Torch:
    def __init__(self, compiled):
        torch.set_num_threads(driver.THREADS)
        torch.inference_mode().__enter__()  # for good: entering it takes a microsecond
        self.compiled = compiled
        self.about = f"torch {torch.__version__}, {'compile, max-autotune, freezing' if compiled else 'eager'}"
        if compiled:
            import torch._inductor.config as config
            config.freezing = True

    def load(self, program):
        weights = {name: torch.from_numpy(array) for name, array in program.weights.items()}
        if self.compiled:
            torch._dynamo.reset()
            network = Network(program.function(OPS, {}, list(weights)), weights).eval()
            self.network = torch.compile(network, mode="max-autotune", dynamic=False)
        else:
            self.network = program.function(OPS, weights)
        self.inputs = [torch.from_numpy(a) for a in program.inputs.values()]
        self.run()

    def run(self):
        self.result = self.network(*self.inputs)

    def output(self):
        return self.result.numpy()


driver.serve(Torch(sys.argv[1] == "compile"))
