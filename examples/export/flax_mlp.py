"""A flax network as an mlc model file.

    python3 examples/export/flax_mlp.py mlp.safetensors

The network of examples/seed, 512 -> 256 -> 128 -> 2 with relu between. Needs jax and flax.
"""

import pathlib
import sys

import flax.linen as nn
import jax
import jax.numpy as jnp

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python/mlc_export"))  # or pip install it
import mlc_export


class MLP(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Dense(256)(x))
        x = nn.relu(nn.Dense(128)(x))
        return nn.Dense(2)(x)


def main(path):
    model = MLP()
    example = jnp.zeros((1, 512))
    params = model.init(jax.random.key(0), example)
    mlc_export.jax.export(model.apply, params, [example], path, input_names=["x"], dynamic_batch="batch")


if __name__ == "__main__":
    main(sys.argv[1])
