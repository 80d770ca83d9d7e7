"""Evaluates digits.safetensors with numpy alone, as any reader could.

Independent of mlc: it says whether the committed model is as good as it should
be, before any executor is blamed.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "python/mlc_export"))
import mlc_export

weights = mlc_export.load_tensors(HERE / "digits.safetensors")
images = np.load(HERE / "heldout-images.npy").astype(np.float64)
labels = np.load(HERE / "heldout-labels.npy")
hidden = np.maximum(images @ weights["layer0.weights"] + weights["layer0.bias"], 0)
logits = hidden @ weights["layer1.weights"] + weights["layer1.bias"]

assert np.abs(logits - np.load(HERE / "heldout-logits.npy")).max() < 1e-5
accuracy = np.mean(logits.argmax(1) == labels)
print(f"{accuracy:.2%} of {len(labels)} held-out images classified correctly")
assert accuracy >= 0.97
