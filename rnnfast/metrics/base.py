"""What every metric has: a name, a state that batches are added to, and a result."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, losses
from rnnfast._registry import auto_name
from rnnfast.losses.base import matched


class Metric:
    """Base class: a subclass defines `update_state`, `result` and `reset_state`, and `__init__` ends with the latter.

    name: default the class's. dtype: accepted as Keras' argument; states are kept in float64.
    direction: "up" or "down", whether more of it is better, for callbacks that are told `mode="auto"`.

    >>> import numpy as np
    >>> from rnnfast.metrics import Metric
    >>> class Largest(Metric):
    ...     direction = "down"
    ...     def reset_state(self):
    ...         self.error = 0.0
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.error = max(self.error, float(np.abs(np.subtract(y_true, y_pred)).max()))
    ...     def result(self):
    ...         return self.error
    >>> Largest()([1.0, 2.0], [1.5, 5.0])
    3.0
    """

    default_name: ClassVar[str | None] = None  # None: a free name of the class
    direction: ClassVar[str | None] = None
    share = 1.0  # how much of each sample is in the batch that is added: less where `fit` cuts it into pieces

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or self.default_name or auto_name(type(self).__name__)
        self.dtype = "float32" if dtype is None else _arguments.dtype_name(f"{type(self).__name__}: dtype", dtype)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch. sample_weight: one weight per sample, or per sample and step."""
        raise TypeError(f"metric {self.name!r} does not define update_state(y_true, y_pred, sample_weight)")

    def follow(self, y_true: Any, y_pred: Any, sample_weight: Any, mask: np.ndarray | None) -> None:
        """`update_state` as `fit` and `evaluate` call it. mask: of the output; only means over samples leave out what
        it masks, as in Keras."""
        self.update_state(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        """The number of all batches since `reset_state`, or an array where there are several."""
        raise TypeError(f"metric {self.name!r} does not define result()")

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.update_state(*args, **options)
        return self.result()

    def pair(self, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
        """Both as arrays of one shape and one floating dtype; ranks may differ by a last axis of size 1."""
        y_pred = losses.floating(y_pred, f"metric {self.name!r}: y_pred")
        return matched(f"metric {self.name!r}", y_true, y_pred), y_pred

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
