"""rnnfast, as its users call it: InferenceModel, its stream, and the layers of a Sequential in training."""

from __future__ import annotations

import numpy as np

import rnnfast

from . import case as cases
from .case import Case
from .terms import Terms
from .work import Work, stream_work

_LAYERS = {"rnn": rnnfast.layers.SimpleRNN, "lstm": rnnfast.layers.LSTM, "gru": rnnfast.layers.GRU}
_LEARNING_RATE = 1e-8  # the weights change on every iteration, and do not run away


def version() -> str:
    return rnnfast.__version__


def recurrent_layers(case: Case, last_returns_sequences: bool = True) -> list:
    """The case's stack, without weights yet."""
    layers = []
    for index in range(case.layers):
        sequences = last_returns_sequences or index < case.layers - 1
        layer = _LAYERS[case.cell](case.units, return_sequences=sequences)
        layers.append(rnnfast.layers.Bidirectional(layer) if case.bidirectional else layer)
    return layers


def _build(case: Case) -> rnnfast.Sequential:
    model = rnnfast.Sequential([rnnfast.layers.Input((None, case.inputs)), *recurrent_layers(case)])
    _load_weights(model, case)
    return model


def _load_weights(model: rnnfast.Sequential, case: Case) -> None:
    model.set_weights(cases.flat_weights(case))


def engine_of(model: rnnfast.Sequential, terms: Terms) -> rnnfast.InferenceModel:
    """The model as these terms want it. "high" is no dtype but a setting that is read when the model is built."""
    high = terms.precision == "high"
    rnnfast.set_float32_matmul_precision("high" if high else "highest")
    dtype = "float32" if high else terms.precision
    return rnnfast.InferenceModel(model, dtype=dtype, threads=terms.threads, optimize_for=terms.optimize_for)


def _infer(case: Case, terms: Terms) -> list[Work]:
    engine = engine_of(_build(case), terms)
    x = cases.inputs(case, "infer")
    return [Work(lambda: engine(x), lambda: {"output": engine(x)}, variant=f"InferenceModel, {terms.optimize_for}")]


class _Stream:
    def __init__(self, engine: rnnfast.InferenceModel, batch: int) -> None:
        stream = engine.stream(batch_size=batch)
        self._step = stream.step
        self._y = np.empty(0)

    def step(self, x: np.ndarray) -> None:
        self._y = self._step(x)

    def output(self) -> np.ndarray:
        return self._y[:, None]


def _stream(case: Case, terms: Terms) -> list[Work]:
    engine = engine_of(_build(case), terms)
    steps = [step[:, 0] for step in cases.stream_steps(case)]
    return [stream_work(lambda: _Stream(engine, case.batch), steps, f"stream, {terms.optimize_for}")]


def _train(case: Case, terms: Terms) -> list[Work]:
    """Forward, backward and the optimizer's update; the gradient of the input is asked of all layers but the first."""
    rnnfast.set_num_threads(terms.threads)
    model = _build(case)
    optimizer = rnnfast.optimizers.SGD(_LEARNING_RATE)
    x = cases.inputs(case, "train")
    dy = cases.output_gradient(case)
    layers = [layer for layer in model.layers if layer.weights]
    variables = model.trainable_weights

    def gradients() -> np.ndarray:
        for variable in variables:
            variable.grad = None
        tapes = []
        y = x
        for layer in layers:
            y, tape = layer.forward(y, training=True)
            tapes.append(tape)
        gradient = dy
        for index in reversed(range(len(layers))):
            gradient = layers[index].backward(gradient, tapes[index], need_dx=index > 0)
        return y

    def run() -> None:
        gradients()
        optimizer.apply(variables)

    def answer() -> dict[str, np.ndarray]:
        _load_weights(model, case)  # runs have changed them
        result = {"output": gradients()}
        names = cases.gradient_names(case)
        result.update({name: variable.grad for name, variable in zip(names, variables, strict=True)})
        return result

    return [Work(run, answer, variant="layers, SGD")]


_MODES = {"infer": _infer, "stream": _stream, "train": _train}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """rnnfast's way of doing the case."""
    return _MODES[mode](case, terms)
