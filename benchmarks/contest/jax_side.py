"""JAX: the cells written out, the input projection of all steps as one product, lax.scan over the steps, jitted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import case as cases
from .case import Case, Weights
from .terms import Terms
from .work import Work, stream_work

_LEARNING_RATE = 1e-8  # the weights change on every iteration, and do not run away
_UNROLL = (1, 4)  # steps of lax.scan that are written out


def version() -> str:
    return jax.__version__


# A cell takes the step's projected input, U and its bias (GRU), and the state; it gives the next state, output first.


def _rnn(projected: jax.Array, recurrent: Weights, state: tuple) -> tuple:
    return (jnp.tanh(projected + state[0] @ recurrent.recurrent_kernel),)


def _lstm(projected: jax.Array, recurrent: Weights, state: tuple) -> tuple:
    h, c = state
    i, f, g, o = jnp.split(projected + h @ recurrent.recurrent_kernel, 4, axis=-1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def _gru(projected: jax.Array, recurrent: Weights, state: tuple) -> tuple:
    (h,) = state
    xz, xr, xh = jnp.split(projected, 3, axis=-1)
    hz, hr, hh = jnp.split(h @ recurrent.recurrent_kernel + recurrent.bias[1], 3, axis=-1)
    z = jax.nn.sigmoid(xz + hz)
    return (z * h + (1 - z) * jnp.tanh(xh + jax.nn.sigmoid(xr + hr) * hh),)


_CELLS = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
_STATES = {"rnn": 1, "lstm": 2, "gru": 1}


def _project(case: Case, x: jax.Array, weights: Weights) -> jax.Array:
    return x @ weights.kernel + (weights.bias[0] if case.cell == "gru" else weights.bias)


def _zeros(case: Case) -> tuple:
    return tuple(jnp.zeros((case.batch, case.units)) for _ in range(_STATES[case.cell]))


def _direction(case: Case, unroll: int, x: jax.Array, weights: Weights, reverse: bool) -> jax.Array:
    """x (time, batch, features) -> (time, batch, units)"""

    def step(state: tuple, projected: jax.Array) -> tuple:
        state = _CELLS[case.cell](projected, weights, state)
        return state, state[0]

    return lax.scan(step, _zeros(case), _project(case, x, weights), reverse=reverse, unroll=unroll)[1]


def _forward(case: Case, unroll: int, weights: list[list[Weights]], x: jax.Array) -> jax.Array:
    """x (batch, time, features) -> (batch, time, width)"""
    x = x.swapaxes(0, 1)
    for layer in weights:
        outputs = [_direction(case, unroll, x, own, bool(index)) for index, own in enumerate(layer)]
        x = jnp.concatenate(outputs, axis=-1)
    return x.swapaxes(0, 1)


def _weights(case: Case) -> list[list[Weights]]:
    return jax.tree.map(jnp.asarray, cases.weights(case))


def _infer(case: Case) -> list[Work]:
    weights = _weights(case)
    x = jnp.asarray(cases.inputs(case, "infer"))

    def work(unroll: int) -> Work:
        call = jax.jit(partial(_forward, case, unroll))

        def run() -> jax.Array:
            return call(weights, x).block_until_ready()

        return Work(run, lambda: {"output": np.asarray(run())}, variant=f"scan, unroll {unroll}")

    return [work(unroll) for unroll in _UNROLL]


class _Stream:
    """A stream of jitted steps through all layers; the state's buffers are given to the next step."""

    def __init__(self, call: Callable, states: list) -> None:
        self._call = call
        self._states = states
        self._y = jnp.empty(0)

    def step(self, x: jax.Array) -> None:
        self._y, self._states = self._call(x, self._states)
        self._y.block_until_ready()

    def output(self) -> np.ndarray:
        return np.asarray(self._y)[:, None]


def _stream(case: Case) -> list[Work]:
    weights = _weights(case)

    @partial(jax.jit, donate_argnums=1)
    def call(x: jax.Array, states: list) -> tuple:
        after = []
        for (own,), state in zip(weights, states, strict=True):
            state = _CELLS[case.cell](_project(case, x, own), own, state)
            x = state[0]
            after.append(state)
        return x, after

    steps = [jnp.asarray(step[:, 0]) for step in cases.stream_steps(case)]
    return [stream_work(lambda: _Stream(call, [_zeros(case) for _ in weights]), steps, "jitted step")]


def _train(case: Case) -> list[Work]:
    x = jnp.asarray(cases.inputs(case, "train"))
    dy = jnp.asarray(cases.output_gradient(case))

    def work(unroll: int) -> Work:
        def gradients(weights: list[list[Weights]], x: jax.Array, dy: jax.Array) -> tuple:
            y, pull_back = jax.vjp(lambda weights: _forward(case, unroll, weights, x), weights)
            return y, pull_back(dy)[0]

        @partial(jax.jit, donate_argnums=0)
        def update(weights: list[list[Weights]], x: jax.Array, dy: jax.Array) -> list[list[Weights]]:
            return jax.tree.map(lambda w, g: w - _LEARNING_RATE * g, weights, gradients(weights, x, dy)[1])

        weights = _weights(case)

        def run() -> None:
            nonlocal weights
            weights = jax.block_until_ready(update(weights, x, dy))

        def answer() -> dict[str, np.ndarray]:
            y, found = jax.jit(gradients)(_weights(case), x, dy)
            arrays = map(np.asarray, jax.tree.leaves(found))
            return {"output": np.asarray(y), **dict(zip(cases.gradient_names(case), arrays, strict=True))}

        return Work(run, answer, variant=f"SGD, scan, unroll {unroll}")

    return [work(unroll) for unroll in _UNROLL]


_MODES = {"infer": _infer, "stream": _stream, "train": _train}


def works(case: Case, mode: str, terms: Terms) -> list[Work]:
    """Every way JAX has of doing the case, in float32."""
    return _MODES[mode](case) if terms.precision == "float32" else []
