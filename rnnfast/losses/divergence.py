"""Losses between distributions: Kullback-Leibler divergence, and the likelihood of counts."""

from __future__ import annotations

import numpy as np

from rnnfast.losses.base import EPSILON, NamedLoss, mean_over_last, per_sample


class KLDivergence(NamedLoss):
    """Sum over the last axis of `y_true log(y_true / y_pred)`, both clipped to [1e-7, 1].

    >>> from rnnfast.losses import KLDivergence
    >>> round(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]), 4)
    0.1438
    """

    default_name = "kl_divergence"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p = np.clip(y_true, EPSILON, 1)
        return (p * np.log(p / np.clip(y_pred, EPSILON, 1))).sum(axis=-1)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        q = np.clip(y_pred, EPSILON, 1)
        return np.where(q == y_pred, -np.clip(y_true, EPSILON, 1) / q, 0)


class Poisson(NamedLoss):
    """Mean over the last axis of `y_pred - y_true log(y_pred + 1e-7)`.

    >>> from rnnfast.losses import Poisson
    >>> round(Poisson()([[1.0]], [[2.0]]), 4)  # 2 - log(2)
    1.3069
    """

    default_name = "poisson"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return mean_over_last(y_pred - y_true * np.log(y_pred + EPSILON))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return (1 - y_true / (y_pred + EPSILON)) / y_pred.shape[-1]


kl_divergence = per_sample(KLDivergence)
poisson = per_sample(Poisson)
