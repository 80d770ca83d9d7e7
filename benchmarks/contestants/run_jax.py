"""JAX as a contestant, `jit` or `eager`."""

import sys

import driver
import jax
from jax_ops import function_of


class Jax:
    def __init__(self, compiled):
        self.compiled = compiled
        self.about = f"jax {jax.__version__}, {'jit' if compiled else 'not jitted'}"

    def load(self, program):
        function = function_of(program)
        self.function = jax.jit(function) if self.compiled else function
        self.inputs = [jax.device_put(a) for a in program.inputs.values()]
        self.run()

    def run(self):
        self.result = self.function(*self.inputs).block_until_ready()

    def output(self):
        return self.result


driver.serve(Jax(sys.argv[1] == "jit"))
