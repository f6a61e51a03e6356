"""PyTorch: nn.LSTM, nn.GRU and nn.RNN, batch first; with and without oneDNN, eager and traced; streams by cells too.

bfloat16 as a converted module and by autocast, int8 by dynamic quantization.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from . import case as cases
from .case import Case, Weights, reorder_gates
from .terms import Terms
from .work import Work, stream_work

_MODULES = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
_CELLS = {"rnn": torch.nn.RNNCell, "lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}
# Our gate at each position of PyTorch's order, and theirs in ours: GRU r z n from z r h swaps two, so it is both.
_GATE_ORDER = {"rnn": (0,), "lstm": (0, 1, 2, 3), "gru": (1, 0, 2)}
ONEDNN = ((", oneDNN", True), ("", False))  # both are tried everywhere
_LEARNING_RATE = 1e-8  # the weights change on every iteration, and do not run away


def version() -> str:
    return torch.__version__


def _to_torch(weights: Weights, cell: str) -> list[np.ndarray]:
    """weight_ih, weight_hh, bias_ih, bias_hh. The GRU has two biases; elsewhere they add, and one is zero."""
    biases = tuple(weights.bias) if cell == "gru" else (weights.bias, np.zeros_like(weights.bias))
    ours = (weights.kernel, weights.recurrent_kernel, *biases)
    return [np.ascontiguousarray(reorder_gates(array, _GATE_ORDER[cell]).T) for array in ours]


def _from_torch(arrays: list[np.ndarray], cell: str) -> Weights:
    """Gradients of PyTorch's four weights as gradients of ours."""
    kernel, recurrent_kernel, bias_ih, bias_hh = (reorder_gates(array.T, _GATE_ORDER[cell]) for array in arrays)
    return Weights(kernel, recurrent_kernel, np.stack([bias_ih, bias_hh]) if cell == "gru" else bias_ih)


def _parameters(net: torch.nn.RNNBase, case: Case) -> Iterator[tuple[int, int, list[torch.nn.Parameter]]]:
    """layer, direction, and weight_ih, weight_hh, bias_ih, bias_hh of each."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for layer in range(case.layers):
        for direction, suffix in enumerate(("", "_reverse")[: case.directions]):
            yield layer, direction, [getattr(net, f"{kind}_l{layer}{suffix}") for kind in kinds]


def load_weights(net: torch.nn.RNNBase, case: Case) -> None:
    weights = cases.weights(case)
    with torch.no_grad():
        for layer, direction, parameters in _parameters(net, case):
            for parameter, values in zip(parameters, _to_torch(weights[layer][direction], case.cell), strict=True):
                parameter.copy_(torch.from_numpy(values))


def build(case: Case) -> torch.nn.RNNBase:
    """The case's stack as one module, with its weights."""
    net = _MODULES[case.cell](case.inputs, case.units, case.layers, batch_first=True, bidirectional=case.bidirectional)
    load_weights(net, case)
    return net


def onednn(enabled: bool) -> Callable[[], None]:
    """What turns oneDNN on or off when it is called."""

    def prepare() -> None:
        torch.backends.mkldnn.set_flags(_enabled=enabled)

    return prepare


@contextmanager
def _autocast() -> Iterator[None]:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        yield


class _Form(NamedTuple):
    """A network converted for a precision, the type of its input and states, and what it has to run within."""

    name: str
    net: torch.nn.Module
    dtype: torch.dtype = torch.float32
    context: Callable[[], AbstractContextManager] = torch.inference_mode
    traceable: bool = True


def _forms(case: Case, precision: str) -> list[_Form]:
    """The ways of having a network in that precision; there is no dynamic int8 RNN."""
    net = build(case).eval()
    if precision == "float32":
        return [_Form("", net)]
    if precision == "bfloat16":
        cast = _Form("module ", copy.deepcopy(net).bfloat16(), torch.bfloat16)
        return [cast, _Form("autocast ", net, context=_autocast, traceable=False)]
    if case.cell == "rnn":
        return []
    quantized = torch.ao.quantization.quantize_dynamic(torch.nn.ModuleList([net]), {_MODULES[case.cell]})
    return [_Form("dynamic ", quantized[0], traceable=False)]


def _ways(form: _Form, example: tuple) -> Iterator[tuple[str, Callable, Callable[[], None]]]:
    """Name, callable and preparation of each way of running a network."""
    for label, enabled in ONEDNN:
        prepare = onednn(enabled)
        prepare()
        yield f"{form.name}eager{label}", form.net, prepare
        if form.traceable:
            with torch.inference_mode():
                yield f"{form.name}traced{label}", torch.jit.freeze(torch.jit.trace(form.net, example)), prepare


def _infer(case: Case, precision: str) -> list[Work]:
    def work(form: _Form, x: torch.Tensor, variant: str, call: Callable, prepare: Callable[[], None]) -> Work:
        def run() -> torch.Tensor:
            with form.context():
                return call(x)[0]

        return Work(run, lambda: {"output": run().float().numpy()}, variant=variant, prepare=prepare)

    works = []
    for form in _forms(case, precision):
        x = torch.from_numpy(cases.inputs(case, "infer")).to(form.dtype)
        works += [work(form, x, *way) for way in _ways(form, (x,))]
    return works


class _Stream:
    """A stream of a whole network, its state passed in again."""

    def __init__(self, call: Callable, state: object) -> None:
        self._call = call
        self._state = state
        self._y = torch.empty(0)

    def step(self, x: torch.Tensor) -> None:
        self._y, self._state = self._call(x, self._state)

    def output(self) -> np.ndarray:
        return self._y.float().numpy()


class _CellStream:
    """A stream of single cells, one per layer."""

    def __init__(self, cells: list[torch.nn.Module]) -> None:
        self._layers = [[cell, None] for cell in cells]
        self._y = torch.empty(0)

    def step(self, x: torch.Tensor) -> None:
        x = x[:, 0]
        for layer in self._layers:
            cell, state = layer
            state = layer[1] = cell(x, state)
            x = state[0] if isinstance(state, tuple) else state
        self._y = x

    def output(self) -> np.ndarray:
        return self._y.float().numpy()[:, None]


def _cells(net: torch.nn.RNNBase, case: Case) -> list[torch.nn.Module]:
    cells = []
    for layer, _, parameters in _parameters(net, case):
        cell = _CELLS[case.cell](case.layer_inputs(layer), case.units)
        cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh = parameters
        cells.append(cell.eval())
    return cells


def _stream(case: Case, precision: str) -> list[Work]:
    works: list[Work] = []
    for form in _forms(case, precision):
        steps = [torch.from_numpy(step).to(form.dtype) for step in cases.stream_steps(case)]
        zeros = torch.zeros(case.layers, case.batch, case.units, dtype=form.dtype)
        state = (zeros, zeros.clone()) if case.cell == "lstm" else zeros
        for variant, call, prepare in _ways(form, (steps[0], state)):
            works.append(stream_work(partial(_Stream, call, state), steps, variant, form.context, prepare))
        if precision != "int8":
            cells = _cells(form.net, case)
            works.append(stream_work(partial(_CellStream, cells), steps, f"{form.name}cells", form.context))
    return works


def _train(case: Case, precision: str) -> list[Work]:
    if precision != "float32":
        return []
    net = build(case).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=_LEARNING_RATE, fused=True)
    x = torch.from_numpy(cases.inputs(case, "train"))
    dy = torch.from_numpy(cases.output_gradient(case))

    def gradients() -> torch.Tensor:
        optimizer.zero_grad(set_to_none=True)
        y, _ = net(x)
        y.backward(dy)
        return y

    def run() -> None:
        gradients()
        optimizer.step()

    def answer() -> dict[str, np.ndarray]:
        load_weights(net, case)  # runs have changed them
        result = {"output": gradients().detach().numpy()}
        for layer, direction, parameters in _parameters(net, case):
            ours = _from_torch([parameter.grad.numpy() for parameter in parameters], case.cell)
            for field, value in ours._asdict().items():
                result[cases.gradient_name(layer, direction, field)] = value
        return result

    return [Work(run, answer, variant=f"SGD{label}", prepare=onednn(enabled)) for label, enabled in ONEDNN]


_MODES = {"infer": _infer, "stream": _stream, "train": _train}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """Every way PyTorch has of doing the case."""
    torch.set_num_threads(terms.threads)
    return _MODES[mode](case, terms.precision)
