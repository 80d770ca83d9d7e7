"""The C ABI from Python's ctypes, against numpy; and the library's symbols.

    use.py LIBMLC MODEL IMAGES.npy LOGITS.npy
"""

import ctypes
import subprocess
import sys

import numpy as np


class Tensor(ctypes.Structure):
    _fields_ = [("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("data", ctypes.c_void_p)]


def tensor(array):
    assert array.dtype == np.float32 and array.flags.c_contiguous
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    return Tensor(0, array.ndim, shape, array.ctypes.data_as(ctypes.c_void_p))


def main():
    library, model_path, images_path, logits_path = sys.argv[1:]
    symbols = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library], check=True,
                             capture_output=True, text=True).stdout.split("\n")
    names = {line.split()[0] for line in symbols if line}
    foreign = {name for name in names if not name.startswith(("mlc_", "MLC_"))}
    assert names and not foreign, f"libmlc exports {foreign}"

    mlc = ctypes.CDLL(library)
    mlc.mlc_last_error.restype = ctypes.c_char_p

    def check(status):
        if status != 0:
            sys.exit(mlc.mlc_last_error().decode())

    engine, model, call = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    check(mlc.mlc_engine_create(None, ctypes.byref(engine)))
    check(mlc.mlc_engine_load(engine, model_path.encode(), None, ctypes.byref(model)))
    images = np.ascontiguousarray(np.load(images_path), np.float32)
    expected = np.load(logits_path)
    logits = np.zeros_like(expected)
    check(mlc.mlc_executable_bind(model, ctypes.byref(tensor(images)), ctypes.c_size_t(1),
                                  ctypes.byref(tensor(logits)), ctypes.c_size_t(1), ctypes.byref(call)))
    check(mlc.mlc_call_run(call))
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)

    missing = ctypes.c_void_p()
    assert mlc.mlc_engine_load(engine, b"missing.json", None, ctypes.byref(missing)) == 5
    assert b"missing.json" in mlc.mlc_last_error() and not missing
    mlc.mlc_call_free(call)
    mlc.mlc_executable_free(model)
    mlc.mlc_engine_free(engine)
    print(f"{len(names)} symbols, {len(images)} digits as numpy has them")


main()
