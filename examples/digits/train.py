"""Trains the digits classifier and writes what is committed beside this file.

Run once, by hand: it needs scikit-learn (pip install scikit-learn), whose 1797
8x8 images of handwritten digits it uses. The split and the seeds are fixed.

    python3 examples/digits/train.py

writes digits.safetensors (64 -> 64 -> 10, relu between) and the 360 images the
network never saw, with their labels and the logits that numpy computes for them.
"""

import pathlib
import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "python/mlc_export"))
import mlc_export


def train():
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)  # 0 ... 1
    images, heldout, labels, heldout_labels = train_test_split(
        images, digits.target, test_size=360, random_state=0, stratify=digits.target)
    network = MLPClassifier((64,), alpha=0.01, learning_rate_init=0.003, batch_size=64,
                            max_iter=300, random_state=0)
    network.fit(images, labels)
    # Weights of pixels that are always blank decay to denormal numbers, which add nothing to any
    # result and which CPUs multiply a hundred times more slowly.
    weights = [np.where(np.abs(w) < 1e-30, 0, w).astype(np.float32) for w in network.coefs_]
    biases = [b.astype(np.float32) for b in network.intercepts_]
    return weights, biases, heldout, heldout_labels.astype(np.int64)


def build(weights, biases):
    graph = mlc_export.Graph()
    main = graph.function("main")
    images = main.input("images", "f32", ["batch", 64])
    hidden = main.relu(main.linear(images, "layer0", weights[0], biases[0]))
    main.output("logits", main.linear(hidden, "layer1", weights[1], biases[1]))
    return graph


def main():
    weights, biases, heldout, labels = train()
    wide = [[a.astype(np.float64) for a in arrays] for arrays in (weights, biases)]
    hidden = np.maximum(heldout @ wide[0][0] + wide[1][0], 0)
    logits = (hidden @ wide[0][1] + wide[1][1]).astype(np.float32)
    graph = build(weights, biases)
    graph.golden({"images": heldout[:4]}, {"logits": logits[:4]}, 1e-5, 1e-5)
    graph.save(HERE / "digits.safetensors")
    np.save(HERE / "heldout-images.npy", heldout)
    np.save(HERE / "heldout-labels.npy", labels)
    np.save(HERE / "heldout-logits.npy", logits)
    accuracy = np.mean(logits.argmax(1) == labels)
    print(f"{accuracy:.2%} of {len(labels)} held-out images classified correctly")


if __name__ == "__main__":
    main()
