"""A PyTorch network as an mlc model file.

    python3 examples/export/torch_mlp.py mlp.safetensors

The network of examples/seed, 512 -> 256 -> 128 -> 2 with relu between. Needs torch.
"""

import pathlib
import sys

import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python/mlc_export"))  # or pip install it
import mlc_export


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        self.head = nn.Linear(128, 2)

    def forward(self, x):
        return self.head(self.hidden(x))


def main(path):
    torch.manual_seed(0)
    model = MLP().eval()
    mlc_export.torch.export(model, [torch.zeros(1, 512)], path, dynamic_batch="batch")


if __name__ == "__main__":
    main(sys.argv[1])
