"""OpenVINO as a contestant."""

import driver
import openvino
from onnx_model import model_of

CONFIGURATION = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1,
                 "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}


class OpenVino:
    about = f"openvino {openvino.__version__}"
    core = openvino.Core()

    def load(self, program):
        model = self.core.read_model(model_of(program))
        self.request = self.core.compile_model(model, "CPU", CONFIGURATION).create_infer_request()
        self.inputs = [openvino.Tensor(a, shared_memory=True) for a in program.inputs.values()]
        for name, tensor in zip(program.inputs, self.inputs):
            self.request.set_tensor(name, tensor)
        self.run()

    def run(self):
        self.request.start_async()  # without arguments, the binding does least
        self.request.wait()

    def output(self):
        return self.request.get_output_tensor(0).data


driver.serve(OpenVino())
