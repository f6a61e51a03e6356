"""Weights of classes as weights of samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments


def weights_of_classes(y: np.ndarray, class_weight: Any) -> np.ndarray:
    """One weight per sample from a dictionary class number -> weight; classes that it does not name weigh one."""
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight must be a dictionary, got {type(class_weight).__name__}")
    if y.ndim > 2:
        raise ValueError(f"class_weight needs y of rank 1 or 2, got shape {y.shape}; use sample_weight")
    for label, weight in class_weight.items():
        if not _arguments.is_whole(label):
            raise TypeError(f"class_weight must have class numbers as keys, got {label!r}")
        _arguments.number(f"class_weight[{label}]", weight)
    labels = y.argmax(axis=-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y)).round().astype(np.int64)
    classes, index = np.unique(labels, return_inverse=True)
    return np.array([float(class_weight.get(int(c), 1.0)) for c in classes])[index]
