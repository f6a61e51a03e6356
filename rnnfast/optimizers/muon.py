"""Muon: orthogonalised momentum for matrices, Adam for all else."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.optimizers.base import Optimizer
from rnnfast.optimizers.moments import move_means
from rnnfast.variable import Variable


class Muon(Optimizer):
    """Muon (Jordan et al. 2024; Liu et al. 2025, arXiv 2502.16982). A matrix n x k moves along its momentum with all
    singular values brought near 1, by `ns_steps` Newton-Schulz iterations:

        m = momentum m + g;  x = g + momentum m, or m without nesterov;  x /= |x|
        x = muon_a x + (muon_b x x' + muon_c (x x')^2) x, ns_steps times
        w -= learning_rate rms_rate sqrt(max(n, k)) x        (rms_rate None: without that factor and the root)

    Other variables, those with "embedding" in their path (`exclude_embeddings`), and those in whose path one of
    `exclude_layers`, regular expressions, is found, are updated by Adam, with learning_rate `adam_lr_ratio
    learning_rate` and weight decay `adam_weight_decay`. Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Muon
    >>> Muon(0.01, exclude_layers=["output"]).momentum
    0.95
    """

    slot_names = ("momentum", "velocity")
    alternating = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Any = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **options)
        self.adam_beta_1 = self._check_number("adam_beta_1", adam_beta_1, below=1.0)
        self.adam_beta_2 = self._check_number("adam_beta_2", adam_beta_2, below=1.0)
        if adam_weight_decay is not None and self._check_number("adam_weight_decay", adam_weight_decay) < 0:
            raise ValueError(f"Muon: adam_weight_decay must not be negative, got {adam_weight_decay!r}")
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)
        self.muon_a = self._check_number("muon_a", muon_a)
        self.muon_b = self._check_number("muon_b", muon_b)
        self.muon_c = self._check_number("muon_c", muon_c)
        self.adam_lr_ratio = self._check_number("adam_lr_ratio", adam_lr_ratio)
        self.momentum = self._check_number("momentum", momentum, below=1.0)
        self.ns_steps = _arguments.whole_number("Muon: ns_steps", ns_steps, least=0)
        self.nesterov = bool(nesterov)
        self.rms_rate = None if rms_rate is None else self._check_number("rms_rate", rms_rate)
        self.exclude_embeddings = bool(exclude_embeddings)
        excluded = [] if exclude_layers is None else exclude_layers
        self.exclude_layers = _arguments.items("Muon: exclude_layers", excluded, "a list of names")
        for pattern in self.exclude_layers:
            try:
                re.compile(pattern)
            except (TypeError, re.error) as error:
                raise ValueError(
                    f"Muon: exclude_layers must hold regular expressions, got {pattern!r}: {error}"
                ) from None

    def by_adam(self, variable: Variable) -> bool:
        """Whether Adam updates the variable."""
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def slot_shapes(self, variable: Variable) -> dict[str, tuple[int, ...]]:
        shapes = super().slot_shapes(variable)
        return {name: shape for name, shape in shapes.items() if name != "velocity" or self.by_adam(variable)}

    def decay_of(self, variable: Variable) -> float:
        return (self.adam_weight_decay if self.by_adam(variable) else self.weight_decay) or 0.0

    def update_variable(
        self, variable: Variable, gradients: np.ndarray, before: np.ndarray, slots: dict[str, np.ndarray]
    ) -> None:
        if "velocity" in slots:
            self._adam(variable.storage, gradients, slots["momentum"], slots["velocity"])
            return
        momentum = slots["momentum"]
        momentum *= self.momentum
        momentum += gradients
        way = gradients + self.momentum * momentum if self.nesterov else momentum
        length = self.learning_rate
        if self.rms_rate is not None:
            length *= self.rms_rate * max(variable.shape) ** 0.5
        variable.storage[...] -= length * self.orthogonalized(way.reshape(variable.shape)).ravel()

    def _adam(self, w: np.ndarray, g: np.ndarray, momentum: np.ndarray, velocity: np.ndarray) -> None:
        step = self.iterations + 1
        rate = self.learning_rate * self.adam_lr_ratio
        rate *= (1 - self.adam_beta_2**step) ** 0.5 / (1 - self.adam_beta_1**step)
        move_means(momentum, velocity, g, self.adam_beta_1, self.adam_beta_2)
        w -= rate * momentum / (np.sqrt(velocity) + self.epsilon)

    def orthogonalized(self, x: np.ndarray) -> np.ndarray:
        """A matrix of the same singular vectors, its singular values near 1."""
        wide = x if x.shape[0] <= x.shape[1] else x.T  # the smaller products
        wide = wide / (np.linalg.norm(wide) + 1e-7)
        for _ in range(self.ns_steps):
            square = wide @ wide.T
            wide = self.muon_a * wide + (self.muon_b * square + self.muon_c * square @ square) @ wide
        return wide if x.shape[0] <= x.shape[1] else wide.T

    def get_config(self) -> dict[str, Any]:
        own = (
            "adam_beta_1", "adam_beta_2", "adam_weight_decay", "epsilon", "exclude_layers", "exclude_embeddings",
            "muon_a", "muon_b", "muon_c", "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "rms_rate",
        )  # fmt: skip
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
