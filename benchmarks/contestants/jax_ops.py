"""A program as a JAX function: for JAX and for IREE."""

import math

import jax
import jax.numpy as jnp

HIGHEST = jax.lax.Precision.HIGHEST


def matmul(a, b):
    return jnp.matmul(a, b, precision=HIGHEST)


def layer_norm(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred * jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5) * scale + shift


def attention(q, k, v):
    scores = jnp.einsum("hqd,hkd->hqk", q, k, precision=HIGHEST) / math.sqrt(q.shape[-1])
    return jnp.einsum("hqk,hkd->hqd", jax.nn.softmax(scores, -1), v, precision=HIGHEST)


OPS = {
    "matmul": matmul,
    "linear": lambda x, w, b: matmul(x, w) + b,
    "linear_relu": lambda x, w, b: jnp.maximum(matmul(x, w) + b, 0),
    "add": jnp.add, "sub": jnp.subtract, "mul": jnp.multiply,
    "relu": lambda x: jnp.maximum(x, 0),
    "softmax": lambda x: jax.nn.softmax(x, -1),
    "layer_norm": layer_norm,
    "attention": attention,
}


def function_of(program):
    """A function of the inputs, in their order, with the weights as constants."""
    return program.function(OPS, {name: jnp.asarray(array) for name, array in program.weights.items()})
