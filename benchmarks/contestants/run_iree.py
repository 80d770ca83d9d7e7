"""IREE as a contestant: StableHLO that JAX writes, compiled ahead of time for this processor."""

import driver
import iree.compiler as compiler
import iree.compiler.version as compiler_version
import iree.runtime as runtime
import jax
from jax_ops import function_of

# local-sync runs on the calling thread. The workers of local-task are not pinned if they are given by number.
DRIVER = "local-sync"
if driver.THREADS > 1:
    DRIVER = "local-task"
    runtime.flags.parse_flags(f"--task_topology_group_count={driver.THREADS}")
FLAGS = ["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3", "--iree-opt-data-tiling"]


class Iree:
    about = f"IREE {getattr(compiler_version, 'VERSION', '')}, flags {' '.join(FLAGS)}"

    def load(self, program):
        lowered = jax.jit(function_of(program)).lower(*program.inputs.values())
        module = lowered.compiler_ir("stablehlo").operation.get_asm(binary=True)
        image = compiler.compile_str(module, input_type="stablehlo", target_backends=["llvm-cpu"], extra_args=FLAGS)
        config = runtime.Config(DRIVER)
        self.context = runtime.VmContext(config.vm_instance, [
            runtime.create_hal_module(config.vm_instance, config.device),
            loaded := runtime.VmModule.copy_buffer(config.vm_instance, image)])
        self.function = loaded.lookup_function("main")
        self.arguments = runtime.VmVariantList(len(program.inputs))
        self.device = config.device
        self.arrays = [runtime.asdevicearray(config.device, a) for a in program.inputs.values()]
        for array in self.arrays:
            self.arguments.push_ref(array._buffer_view)
        self.run()

    def run(self):
        self.results = runtime.VmVariantList(1)
        self.context.invoke(self.function, self.arguments, self.results)

    def output(self):
        view = self.results.get_as_object(0, runtime.HalBufferView)
        return runtime.DeviceArray(self.device, view).to_host()


driver.serve(Iree())
