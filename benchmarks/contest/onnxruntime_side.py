"""ONNX Runtime: the model of onnx_model.py, with inputs and outputs bound once (never slower than a plain call)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime import OrtValue, quantization

from . import case as cases
from . import onnx_model
from .case import Case
from .terms import Terms
from .work import Work, stream_work


def version() -> str:
    return onnxruntime.__version__


def _quantized(model: bytes) -> bytes:
    """The model with int8 weights, activations quantized on the fly (DynamicQuantizeLSTM)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        proto = onnx.load_model_from_string(model)
        quantization.quantize_dynamic(proto, path, weight_type=quantization.QuantType.QInt8)
        return path.read_bytes()


def _session(case: Case, mode: str, terms: Terms) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = terms.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3  # errors only
    model = onnx_model.build(case, mode)
    if terms.precision == "int8":
        model = _quantized(model)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _infer(case: Case, terms: Terms) -> list[Work]:
    session = _session(case, "infer", terms)
    x = OrtValue.ortvalue_from_numpy(cases.inputs(case, "infer"))
    y = OrtValue.ortvalue_from_shape_and_type((case.batch, case.steps, case.width), np.float32)
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)

    def run() -> None:
        session.run_with_iobinding(binding)

    def answer() -> dict[str, np.ndarray]:
        run()
        return {"output": y.numpy().copy()}

    return [Work(run, answer, variant="bound")]


class _Stream:
    """A stream whose states go to and fro between two sets of buffers, each bound once."""

    def __init__(self, session: onnxruntime.InferenceSession, case: Case) -> None:
        self._session = session
        self._x = np.zeros((case.batch, 1, case.inputs), np.float32)
        self._y = OrtValue.ortvalue_from_shape_and_type((case.batch, 1, case.width), np.float32)
        x = OrtValue.ortvalue_from_numpy(self._x)  # shares the array's memory
        names = onnx_model.state_names(case)
        self._states = [
            {name: OrtValue.ortvalue_from_numpy(onnx_model.state_zeros(case)) for name in names} for _ in range(2)
        ]
        self._bindings = []
        for before, after in (self._states, self._states[::-1]):
            binding = session.io_binding()
            binding.bind_ortvalue_input("x", x)
            binding.bind_ortvalue_output("y", self._y)
            for name in names:
                binding.bind_ortvalue_input(name, before[name])
                binding.bind_ortvalue_output(f"{name}_out", after[name])
            self._bindings.append(binding)

    def step(self, x: np.ndarray) -> None:
        self._x[...] = x
        here, there = self._bindings
        self._session.run_with_iobinding(here)
        self._bindings = [there, here]

    def output(self) -> np.ndarray:
        return self._y.numpy()


def _stream(case: Case, terms: Terms) -> list[Work]:
    session = _session(case, "stream", terms)
    return [stream_work(lambda: _Stream(session, case), cases.stream_steps(case), "bound")]


_MODES = {"infer": _infer, "stream": _stream}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """Every way ONNX Runtime has of doing the case; it does not train, and has an int8 LSTM alone."""
    able = terms.precision == "float32" or (terms.precision == "int8" and case.cell == "lstm")
    return _MODES[mode](case, terms) if mode in _MODES and able else []
