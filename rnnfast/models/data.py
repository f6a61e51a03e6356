"""The arrays of a `fit` or `evaluate` call: checked once, then cut into batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rnnfast import _arguments, utils


class Dataset(NamedTuple):
    """Samples on the first axis of each array."""

    x: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray | None

    @classmethod
    def of(cls, method: str, x: np.ndarray, y: Any, sample_weight: Any = None, class_weight: Any = None) -> Dataset:
        """Check what came with x. method: whose arguments these are, for messages."""
        if y is None:
            raise ValueError(f"{method}: y is missing")
        y = _arguments.numeric(f"{method}: y", y)
        if y.ndim == 0 or len(y) != len(x):
            raise ValueError(f"{method}: x has {len(x)} samples, y has shape {y.shape}")
        if len(x) == 0:
            raise ValueError(f"{method}: x has no samples")
        if sample_weight is not None:
            if class_weight is not None:
                raise ValueError(f"{method}: give either sample_weight or class_weight, got both")
            sample_weight = _arguments.numeric(f"{method}: sample_weight", sample_weight).astype(np.float64)
            if sample_weight.shape[:1] != (len(x),):
                raise ValueError(
                    f"{method}: sample_weight must have one entry per sample, {len(x)}, got shape {sample_weight.shape}"
                )
        elif class_weight is not None:
            sample_weight = _weights_of_classes(method, y, class_weight)
        return cls(x, y, sample_weight)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Any) -> Dataset:
        """The samples at an index array or slice."""
        return Dataset(self.x[rows], self.y[rows], None if self.sample_weight is None else self.sample_weight[rows])

    def split(self, method: str, fraction: float) -> tuple[Dataset, Dataset]:
        """All but the last `fraction` of the samples, and those."""
        if not 0 < _arguments.number(f"{method}: validation_split", fraction) < 1:
            raise ValueError(f"{method}: validation_split must lie between 0 and 1, got {fraction!r}")
        at = int(len(self) * (1 - fraction))
        if at in (0, len(self)):
            raise ValueError(f"{method}: validation_split={fraction} of {len(self)} samples leaves one part empty")
        return self.take(slice(at)), self.take(slice(at, None))

    def batches(self, size: int, shuffle: bool = False) -> Iterator[Dataset]:
        order = utils.global_generator().permutation(len(self)) if shuffle else None
        for start in range(0, len(self), size):
            yield self.take(slice(start, start + size) if order is None else order[start : start + size])

    def steps(self, size: int) -> int:
        return -(-len(self) // size)


def _weights_of_classes(method: str, y: np.ndarray, class_weight: Any) -> np.ndarray:
    """One weight per sample from a dictionary class number -> weight; classes that it does not name weigh one."""
    if not isinstance(class_weight, dict):
        raise TypeError(f"{method}: class_weight must be a dictionary, got {type(class_weight).__name__}")
    if y.ndim > 2:
        raise ValueError(f"{method}: class_weight needs y of rank 1 or 2, got shape {y.shape}; use sample_weight")
    labels = y.argmax(axis=-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).round().astype(np.int64)
    classes, index = np.unique(labels, return_inverse=True)
    for label, weight in class_weight.items():
        if not _arguments.is_whole(label):
            raise TypeError(f"{method}: class_weight must have class numbers as keys, got {label!r}")
        _arguments.number(f"{method}: class_weight[{label}]", weight)
    return np.array([float(class_weight.get(int(c), 1.0)) for c in classes])[index]
