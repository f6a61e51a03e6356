"""The random part of training a recurrent layer: what dropout and zoneout draw, once per call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _kernels, utils


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
        active = self.dropout or self.recurrent_dropout or any(self.zoneout)
        return np.random.default_rng(utils.draw_seed() if active and self.seed is None else self.seed or 0)

    @property
    def acts_in_inference(self) -> bool:
        """Whether inference differs from that of a plain layer: by zoneout's expectation."""
        return any(self.zoneout)

    def in_inference(self) -> dict[str, Any]:
        """Options of `_kernels.rnn_forward`, and of a program's `rnn`."""
        return {"zoneout": list(self.zoneout)} if self.acts_in_inference else {}

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

    def draw_input(self, batch: int, features: int, dtype: str) -> np.ndarray | None:
        """(batch, 1, features), what the input is multiplied with, where several gates see the same: dropout alone.

        As in Keras: with recurrent_dropout every gate has factors of its own, for the input as well (`draw`).
        """
        if not self.dropout or self._by_gate:
            return None
        return self._factors((batch, 1, features), self.dropout, dtype)

    def draw(self, batch: int, time: int, features: int, units: int, dtype: str) -> dict[str, Any]:
        """Options of `_kernels.rnn_forward`."""
        options: dict[str, Any] = {}
        if self.dropout and self._by_gate:
            options["x_factors"] = self._factors((self.gates, batch, features), self.dropout, dtype)
        if self.recurrent_dropout:
            options["h_factors"] = self._factors((self.gates, batch, units), self.recurrent_dropout, dtype)
        if self.acts_in_inference:
            options["zoneout"] = [self._kept((batch, time, units), rate) for rate in self.zoneout]
        return options

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
        """True with probability `rate`. 16 random bits each are cheap, and exact to 1/131072 of a rate."""
        count = math.prod(shape)
        words = self.generator.bit_generator.random_raw(-(-count // 4))
        return (words.view(np.uint16)[:count] < round(rate * 2**16)).reshape(shape)
