"""The container of a model: safetensors whose metadata carries the graph."""

import json
import os
import pathlib
import struct

import numpy as np

# mlc's name of a dtype, numpy's and that of safetensors.
DTYPES = [("f32", "float32", "F32"), ("f64", "float64", "F64"), ("f16", "float16", "F16"),
          ("i8", "int8", "I8"), ("u8", "uint8", "U8"), ("i16", "int16", "I16"),
          ("i32", "int32", "I32"), ("i64", "int64", "I64"), ("bool", "bool", "BOOL")]
FROM_NUMPY = {numpy: mlc for mlc, numpy, _ in DTYPES}
TO_NUMPY = {mlc: numpy for mlc, numpy, _ in DTYPES}
TO_SAFETENSORS = {numpy: safetensors for _, numpy, safetensors in DTYPES}
FROM_SAFETENSORS = {safetensors: numpy for _, numpy, safetensors in DTYPES}


def little_endian(array):
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def model_bytes(graph, tensors, goldens):
    """The file of a graph's JSON, arrays by name and the list of recorded calls."""
    metadata = {"mlc.format_version": "1", "mlc.graph": json.dumps(graph, separators=(",", ":"))}
    if goldens:
        metadata["mlc.golden"] = json.dumps(goldens, separators=(",", ":"))
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    # Larger elements first, so that each tensor is aligned to its elements.
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        blobs.append(little_endian(array).tobytes())
        header[name] = {"dtype": TO_SAFETENSORS[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [offset, offset + len(blobs[-1])]}
        offset += len(blobs[-1])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 64)
    return struct.pack("<Q", len(text)) + text + b"".join(blobs)


def write_whole(path, content):
    """Writes a file that is there completely or not at all."""
    path = pathlib.Path(path)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path):
    """The tensors of a safetensors file by name, as any reader sees them."""
    data = pathlib.Path(path).read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    return {name: np.frombuffer(data[start + t["data_offsets"][0]:start + t["data_offsets"][1]],
                                np.dtype(FROM_SAFETENSORS[t["dtype"]]).newbyteorder("<")).reshape(t["shape"])
            for name, t in header.items() if name != "__metadata__"}
