"""OpenVINO: the model of onnx_model.py, read in memory; input and output are the request's own tensors."""

from __future__ import annotations

import numpy as np
import openvino
import openvino.properties as properties
import openvino.properties.hint as hints
from openvino._offline_transformations import apply_make_stateful_transformation

from . import case as cases
from . import onnx_model
from .case import Case
from .terms import Terms
from .work import Work, stream_work

# Its int8 for recurrent layers takes calibration with a tool of its own, so it takes no part in that precision.
_TYPES = {"float32": openvino.Type.f32, "bfloat16": openvino.Type.bf16}


def version() -> str:
    return openvino.__version__.split("-")[0]


def _read(case: Case, mode: str) -> openvino.Model:
    return openvino.Core().read_model(onnx_model.build(case, mode))


def _compile(model: openvino.Model, terms: Terms) -> openvino.CompiledModel:
    settings = {
        hints.performance_mode(): hints.PerformanceMode.LATENCY,
        hints.inference_precision(): _TYPES[terms.precision],
        properties.inference_num_threads(): terms.threads,
    }
    return openvino.Core().compile_model(model, "CPU", settings)


def _infer(case: Case, terms: Terms) -> list[Work]:
    request = _compile(_read(case, "infer"), terms).create_infer_request()
    request.get_tensor("x").data[...] = cases.inputs(case, "infer")

    def run() -> None:
        request.infer(share_outputs=True)

    def answer() -> dict[str, np.ndarray]:
        run()
        return {"output": request.get_tensor("y").data.copy()}

    return [Work(run, answer, variant="in place")]


class _Stream:
    """A stream whose states stay inside the request (quicker than passing them)."""

    def __init__(self, model: openvino.CompiledModel, case: Case) -> None:
        self._request = model.create_infer_request()
        self._x = self._request.get_tensor("x").data

    def step(self, x: np.ndarray) -> None:
        self._x[...] = x
        self._request.infer(share_outputs=True)

    def output(self) -> np.ndarray:
        return self._request.get_tensor("y").data


def _stream(case: Case, terms: Terms) -> list[Work]:
    model = _read(case, "stream")
    apply_make_stateful_transformation(model, {name: f"{name}_out" for name in onnx_model.state_names(case)})
    compiled = _compile(model, terms)
    return [stream_work(lambda: _Stream(compiled, case), cases.stream_steps(case), "stateful")]


_MODES = {"infer": _infer, "stream": _stream}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """Every way OpenVINO has of doing the case; it does not train."""
    return _MODES[mode](case, terms) if mode in _MODES and terms.precision in _TYPES else []
