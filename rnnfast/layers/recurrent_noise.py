"""The random part of training a recurrent layer: what dropout and zoneout draw, once per call."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from rnnfast import _kernels, utils


class Draws(NamedTuple):
    """What one call works with, None for what does not disturb it. `input_factors`, (batch, 1, features), is multiplied
    with x before the layer; the others are options of `_kernels.rnn_forward`: factors, (gates, batch, features) and
    (gates, batch, units), and for each state its rate or (batch, time, units), True where it is kept."""

    input_factors: np.ndarray | None = None
    x_factors: np.ndarray | None = None
    h_factors: np.ndarray | None = None
    zoneout: list[Any] | None = None


_SILENT = Draws()


class RecurrentNoise:
    """Dropout of a recurrent layer's input and state, and zoneout of its states.

    dropout, recurrent_dropout: rates in [0, 1). gates: of the cell. seed: None draws one from the global generator.
    `use_zoneout`, where a layer has it: one rate in [0, 1] per state, in the order of the states.
    """

    def __init__(self, dropout: float, recurrent_dropout: float, gates: int, seed: int | None) -> None:
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.zoneout: tuple[float, ...] = ()
        self.gates = gates
        self.seed = seed
        self.generator = self._new_generator()

    def use_zoneout(self, rates: tuple[float, ...]) -> None:
        self.zoneout = rates
        self.generator = self._new_generator()

    def _new_generator(self) -> np.random.Generator:
        # A layer without noise leaves the global generator, from which others draw, alone.
        return np.random.default_rng(utils.draw_seed() if self._active and self.seed is None else self.seed or 0)

    @property
    def _active(self) -> bool:
        return bool(self.dropout or self.recurrent_dropout or self.acts_in_inference)

    @property
    def acts_in_inference(self) -> bool:
        """Whether inference differs from that of a plain layer: by zoneout's expectation."""
        return any(self.zoneout)

    def in_inference(self) -> Draws:
        return Draws(zoneout=list(self.zoneout)) if self.acts_in_inference else _SILENT

    def costs(self) -> dict[str, str]:
        """What training pays for each, in kind."""
        costs = {}
        if self.dropout:
            costs["dropout"] = (
                "per gate a product with the input, over a copy of it as that gate sees it"
                if self._by_gate
                else "per batch a product of the input with a mask, before the layer"
            )
        if self.recurrent_dropout:
            costs["recurrent_dropout"] = "per step a product per gate, over a copy of the state as that gate sees it"
        if any(self.zoneout):
            costs["zoneout"] = "a byte per element of a state and step, drawn per batch and read where it is written"
        return costs

    @property
    def _by_gate(self) -> bool:
        """Whether each gate, or the one there is, has factors of its own, which the kernels then multiply with."""
        return self.recurrent_dropout > 0 or self.gates == 1

    def draw(self, batch: int, time: int, features: int, units: int, dtype: str) -> Draws:
        """As in Keras, `dropout` alone multiplies the input of all gates with the same factors; with
        `recurrent_dropout` every gate has factors of its own, for the input as well."""
        if not self._active:
            return _SILENT
        input_factors = x_factors = h_factors = zoneout = None
        if self.dropout and self._by_gate:
            x_factors = self._factors((self.gates, batch, features), self.dropout, dtype)
        elif self.dropout:
            input_factors = self._factors((batch, 1, features), self.dropout, dtype)
        if self.recurrent_dropout:
            h_factors = self._factors((self.gates, batch, units), self.recurrent_dropout, dtype)
        if self.acts_in_inference:
            zoneout = [self._kept((batch, time, units), rate) for rate in self.zoneout]
        return Draws(input_factors, x_factors, h_factors, zoneout)

    def _factors(self, shape: tuple[int, ...], rate: float, dtype: str) -> np.ndarray:
        factors = _kernels.empty(shape, np.dtype(dtype))  # kept memory: fresh pages would cost more than all else here
        return np.multiply(~self._chosen(shape, rate), factors.dtype.type(1.0 / (1.0 - rate)), out=factors)

    def _kept(self, shape: tuple[int, int, int], rate: float) -> Any:
        """True where a state stays what it was."""
        if rate in (0.0, 1.0):
            return rate
        batch, time, units = shape
        return self._chosen((time, batch, units), rate).transpose(1, 0, 2)

    def _chosen(self, shape: tuple[int, ...], rate: float) -> np.ndarray:
        """True with probability `rate`. 16 random bits each are cheap, and meet a rate to within 1/131072."""
        count = math.prod(shape)
        words = self.generator.bit_generator.random_raw(-(-count // 4))
        return (words.view(np.uint16)[:count] < round(rate * 2**16)).reshape(shape)
