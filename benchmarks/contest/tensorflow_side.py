"""TensorFlow: Keras layers in a tf.function, plain and compiled by XLA; streams by cells."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # or it reports about itself on standard error
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf

from . import case as cases
from .case import Case
from .terms import Terms
from .work import Work, stream_work

_LAYERS = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
_CELLS = {"rnn": keras.layers.SimpleRNNCell, "lstm": keras.layers.LSTMCell, "gru": keras.layers.GRUCell}
_WAYS = (("tf.function", False), ("tf.function, XLA", True))  # name, and whether XLA compiles
_LEARNING_RATE = 1e-8  # the weights change on every iteration, and do not run away


def version() -> str:
    return f"{tf.__version__}, Keras {keras.__version__}"


def use_threads(threads: int) -> None:
    """Once per process, before TensorFlow computes anything; later calls with the same number change nothing."""
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _load_weights(model: keras.Model, case: Case) -> None:
    model.set_weights(cases.flat_weights(case))


def recurrent_layers(case: Case, last_returns_sequences: bool = True) -> list[keras.Layer]:
    """The case's stack, without weights yet."""
    layers = []
    for index in range(case.layers):
        sequences = last_returns_sequences or index < case.layers - 1
        layer = _LAYERS[case.cell](case.units, return_sequences=sequences)
        layers.append(keras.layers.Bidirectional(layer) if case.bidirectional else layer)
    return layers


def _build(case: Case) -> keras.Model:
    shape = keras.layers.Input((case.steps, case.inputs), batch_size=case.batch)
    model = keras.Sequential([shape, *recurrent_layers(case)])
    _load_weights(model, case)
    return model


def _infer(case: Case) -> list[Work]:
    model = _build(case)
    x = tf.constant(cases.inputs(case, "infer"))

    def work(variant: str, jit: bool) -> Work:
        call = tf.function(lambda x: model(x, training=False), jit_compile=jit)
        return Work(lambda: call(x), lambda: {"output": call(x).numpy()}, variant=variant)

    return [work(*way) for way in _WAYS]


class _Stream:
    """A stream of single cells, their states passed in again."""

    def __init__(self, call: Callable, states: list) -> None:
        self._call = call
        self._states = states
        self._y: tf.Tensor | None = None

    def step(self, x: tf.Tensor) -> None:
        self._y, self._states = self._call(x, self._states)

    def output(self) -> np.ndarray:
        return self._y.numpy()[:, None]


def _cells(case: Case) -> list:
    cells = []
    for layer, directions in enumerate(cases.weights(case)):
        cell = _CELLS[case.cell](case.units)
        cell.build((case.batch, case.layer_inputs(layer)))
        for variable, array in zip(cell.trainable_weights, directions[0], strict=True):
            variable.assign(array)
        cells.append(cell)
    return cells


def _stream(case: Case) -> list[Work]:
    cells = _cells(case)
    steps = [tf.constant(step[:, 0]) for step in cases.stream_steps(case)]
    zeros = tf.zeros((case.batch, case.units))
    states = [[zeros] * (2 if case.cell == "lstm" else 1) for _ in cells]

    def step(x: tf.Tensor, states: list) -> tuple:
        after = []
        for cell, state in zip(cells, states, strict=True):
            x, state = cell(x, state, training=False)
            after.append(list(state) if isinstance(state, (list, tuple)) else [state])
        return x, after

    def work(variant: str, jit: bool) -> Work:
        call = tf.function(step, jit_compile=jit)
        return stream_work(lambda: _Stream(call, states), steps, f"cells, {variant}")

    return [work(*way) for way in _WAYS]


def _train(case: Case) -> list[Work]:
    model = _build(case)
    x = tf.constant(cases.inputs(case, "train"))
    dy = tf.constant(cases.output_gradient(case))
    variables = [variable.value for variable in model.trainable_variables]

    def gradients() -> tuple:
        with tf.GradientTape() as tape:
            y = model(x, training=True)
        return y, tape.gradient(y, variables, output_gradients=dy)

    def step() -> None:
        for variable, gradient in zip(variables, gradients()[1], strict=True):
            variable.assign_sub(_LEARNING_RATE * gradient)

    def work(variant: str, jit: bool) -> Work:
        ask = tf.function(gradients, jit_compile=jit)

        def answer() -> dict[str, np.ndarray]:
            _load_weights(model, case)  # runs have changed them
            y, found = ask()
            names = cases.gradient_names(case)
            return {"output": y.numpy(), **{name: g.numpy() for name, g in zip(names, found, strict=True)}}

        return Work(tf.function(step, jit_compile=jit), answer, variant=f"SGD, {variant}")

    return [work(*way) for way in _WAYS]


_MODES = {"infer": _infer, "stream": _stream, "train": _train}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """Every way TensorFlow has of doing the case, in float32."""
    if terms.precision != "float32":
        return []
    use_threads(terms.threads)
    return _MODES[mode](case)
