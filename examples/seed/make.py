"""Writes the two graphs whose calls scripts/demo times.

    python3 examples/seed/make.py DIRECTORY

seed.safetensors: 512 -> 256 -> 128 -> 2, relu between, batch 1, weights from a
fixed seed. adds.json: 100 adds in a chain on 4 elements, where dispatching is
everything.
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "python/mlc_export"))
import mlc_export

SIZES = [512, 256, 128, 2]


def build_seed():
    random = np.random.RandomState(2024)  # its stream is frozen, unlike default_rng's
    graph = mlc_export.Graph()
    main = graph.function("main")
    value = main.input("x", "f32", [1, SIZES[0]])
    for i, (rows, columns) in enumerate(zip(SIZES, SIZES[1:])):
        bound = 1 / np.sqrt(rows)
        weights = random.uniform(-bound, bound, (rows, columns)).astype(np.float32)
        bias = random.uniform(-bound, bound, columns).astype(np.float32)
        value = main.linear(value, f"layer{i}", weights, bias)
        if columns != SIZES[-1]:
            value = main.relu(value)
    main.output("y", value)
    return graph


def build_adds():
    graph = mlc_export.Graph()
    main = graph.function("main")
    value = x = main.input("x", "f32", [4])
    for _ in range(100):
        value = main.add(value, x)
    main.output("y", value)
    return graph


def main():
    directory = pathlib.Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    build_seed().save(directory / "seed.safetensors")
    build_adds().save(directory / "adds.json")


if __name__ == "__main__":
    main()
