"""Connectionist temporal classification: labels that are not aligned with the time steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast.losses.base import NamedLoss, per_sample

BLANK = 0  # Keras' class of "no label", and the padding of labels


class CTC(NamedLoss):
    """Minus the logarithm of the probability of the labels, summed over all their alignments with the time steps.

    y_true: (samples, labels) class numbers from 1 on, padded with 0 at the end; y_pred: (samples, time, classes)
    logits, class 0 being the blank. A mask (samples, time) leaves out time steps: so sequences may differ in length.
    sample_weight: one per sample. ValueError: labels that cannot fit the time steps that the mask leaves, which are at
    least their number, and one more for every label that is the same as the one before.

    Graves et al. 2006, in logarithms and float64; https://www.cs.toronto.edu/~graves/icml_2006.pdf. To decode
    predictions: `rnnfast.utils.ctc_decode`.

    >>> import numpy as np, rnnfast
    >>> round(rnnfast.losses.CTC()([[1, 0]], np.zeros((1, 2, 3))), 4)  # -log(3 / 9): 11, 1- and -1 of 9 paths
    1.0986
    """

    default_name = "ctc"
    value_axes = (-2, -1)

    def match(self, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
        """y_true as integers. ValueError: shapes, labels out of range or after the padding, or too many of them."""
        what = f"loss {self.name!r}"
        labels = _arguments.numeric(f"{what}: y_true", y_true)
        if y_pred.ndim != 3:
            raise ValueError(f"{what}: expected y_pred of shape (samples, time, classes), got {y_pred.shape}")
        if labels.ndim != 2 or len(labels) != len(y_pred):
            raise ValueError(f"{what}: expected y_true of shape ({len(y_pred)}, labels), got {labels.shape}")
        time, classes = y_pred.shape[1:]
        with np.errstate(invalid="ignore"):
            whole = labels.astype(np.int64)
        bad = (whole != labels) | (whole < 0) | (whole >= classes)
        if bad.any():
            raise ValueError(
                f"{what}: label {labels[bad][0]} in y_true is out of range: expected an integer from 1 to "
                f"{classes - 1}, or 0 after the last one"
            )
        real = whole != BLANK
        if (real[:, 1:] & ~real[:, :-1]).any():
            raise ValueError(f"{what}: y_true has a label after a 0, which is the padding at the end")
        self._check_fit(whole, np.full(len(whole), time), "y_pred has")
        return whole

    def _check_fit(self, labels: np.ndarray, steps: np.ndarray, has: str) -> None:
        """ValueError: labels that need more time steps than there are. steps: one number per sample."""
        real = labels != BLANK
        needed = real.sum(axis=1) + ((labels[:, 1:] == labels[:, :-1]) & real[:, 1:]).sum(axis=1)
        if (needed > steps).any():
            row = int((needed > steps).argmax())
            raise ValueError(
                f"loss {self.name!r}: the labels of sample {row} need {needed[row]} time steps, {has} {steps[row]}"
            )

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self.values(y_true, y_pred, None)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        return self._run(y_true, y_pred, None, True)[1]

    def values(self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        return self._run(y_true, y_pred, mask, False)[0]

    def values_and_slope(
        self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None, at_logits: bool
    ) -> tuple[np.ndarray, Callable[[Any], np.ndarray]]:
        values, gradient = self._run(y_true, y_pred, mask, True)  # one pass gives both
        return values, lambda scale: gradient * scale

    def value_mask(self, y_true: np.ndarray, shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray | None:
        return None  # what it masks is no part of the values, and every sample counts

    def check_weights(self, what: str, shape: tuple[int, ...], **weights: Any) -> None:
        """Nothing to do: its values are computed from the steps that the mask leaves, and are one per sample."""

    def _run(self, y_true: np.ndarray, y_pred: np.ndarray, mask: np.ndarray | None, with_gradient: bool) -> Any:
        lengths = (y_true != BLANK).sum(axis=1)
        steps = None if mask is None else np.array(np.broadcast_to(mask, y_pred.shape[:2]), bool)
        if steps is not None:
            self._check_fit(y_true, steps.sum(axis=1), "its mask leaves")
        return _kernels.ctc_loss(y_pred, y_true, lengths, blank=BLANK, mask=steps, with_gradient=with_gradient)


ctc = per_sample(CTC)
