"""A case as an ONNX model: LSTM, GRU or RNN nodes with the transposes around them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import case as cases
from .case import Case, Weights, reorder_gates

# Our gate at each position of ONNX' order: LSTM i o f c from i f g o; GRU z r h is ours.
_GATE_ORDER = {"rnn": (0,), "lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}
_OPSET = 17
_STATES = {"rnn": ("h",), "lstm": ("h", "c"), "gru": ("h",)}


def _to_onnx(directions: list[Weights], cell: str) -> list[np.ndarray]:
    """W (directions, gates*units, inputs), R (directions, gates*units, units), B (directions, 2*gates*units)."""
    order = _GATE_ORDER[cell]
    two_biases = [w.bias if cell == "gru" else np.stack([w.bias, np.zeros_like(w.bias)]) for w in directions]
    return [
        np.stack([reorder_gates(w.kernel, order).T for w in directions]),
        np.stack([reorder_gates(w.recurrent_kernel, order).T for w in directions]),
        np.stack([reorder_gates(bias, order).reshape(-1) for bias in two_biases]),
    ]


def _layer_states(case: Case, layer: int) -> list[str]:
    return [f"{state}{layer}" for state in _STATES[case.cell]]


def state_names(case: Case) -> list[str]:
    """Names of a streaming model's state inputs, layer by layer; the outputs have "_out" behind them."""
    return [name for layer in range(case.layers) for name in _layer_states(case, layer)]


def state_zeros(case: Case) -> np.ndarray:
    """A streaming model's state before the first step."""
    return np.zeros((case.directions, case.batch, case.units), np.float32)


def build(case: Case, mode: str) -> bytes:
    """The model, serialized: x (batch, steps, inputs) -> y (batch, steps, width).

    mode "stream" has one step, and every layer's states (1, batch, units) as inputs and outputs beside them.
    """
    steps = 1 if mode == "stream" else case.steps
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, (case.batch, steps, case.inputs))]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, (case.batch, steps, case.width))]

    def constant(name: str, value: np.ndarray) -> str:
        initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    nodes.append(helper.make_node("Transpose", ["x"], ["x0"], perm=(1, 0, 2)))
    merged = constant("merged", np.array((steps, case.batch, case.width), np.int64))
    for layer, directions in enumerate(cases.weights(case)):
        arrays = zip("WRB", _to_onnx(directions, case.cell), strict=True)
        feeds = [f"x{layer}"] + [constant(f"{name}{layer}", array) for name, array in arrays]
        results = [f"y{layer}"]
        if mode == "stream":
            names = _layer_states(case, layer)
            feeds += ["", *names]  # no sequence lengths
            results += [f"{name}_out" for name in names]
            shape = state_zeros(case).shape
            inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
            outputs += [helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, shape) for name in names]
        attributes = {"hidden_size": case.units, "direction": "bidirectional" if case.bidirectional else "forward"}
        if case.cell == "gru":
            attributes["linear_before_reset"] = 1
        nodes.append(helper.make_node(case.cell.upper(), feeds, results, **attributes))
        # y (steps, directions, batch, units) -> (steps, batch, directions * units)
        nodes.append(helper.make_node("Transpose", [f"y{layer}"], [f"t{layer}"], perm=(0, 2, 1, 3)))
        nodes.append(helper.make_node("Reshape", [f"t{layer}", merged], [f"x{layer + 1}"]))
    nodes.append(helper.make_node("Transpose", [f"x{case.layers}"], ["y"], perm=(1, 0, 2)))

    graph = helper.make_graph(nodes, case.name, inputs, outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()
