"""What every metric has: a name, a state that batches are added to, and a result."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, initializers, losses
from rnnfast._registry import auto_name
from rnnfast.losses.base import matched
from rnnfast.variable import Variable


class _BeginsReset(type):
    """A metric begins as `reset_state` leaves it, whatever its constructor does before and after that of the base."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        metric = super().__call__(*args, **options)
        if not hasattr(metric, "_variables"):
            raise TypeError(f"{cls.__name__}: __init__ must call super().__init__()")
        metric.reset_state()
        return metric


class Metric(metaclass=_BeginsReset):
    """Base class: a subclass defines `update_state`, `result` and `reset_state`, which a metric begins with; or keeps
    what it counts in variables, `add_weight`, as Keras' own do: then `reset_state` is there.

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
        self._variables: list[Variable] = []

    def add_variable(
        self, shape: Any, initializer: Any = None, dtype: Any = None, aggregation: Any = None, name: str | None = None
    ) -> Variable:
        """A variable that `reset_state` sets to zero, with `assign`, `assign_add` and `assign_sub`; in arithmetic it is
        an array. initializer: default zeros; dtype: default float64; aggregation: accepted as Keras' argument.

        >>> from rnnfast.metrics import Metric
        >>> class Count(Metric):
        ...     def __init__(self, **options):
        ...         super().__init__(**options)
        ...         self.count = self.add_weight(name="count")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.count.assign_add(len(y_true))
        ...     def result(self):
        ...         return self.count
        >>> float(Count()([1.0, 2.0], [0.5, 0.5]))
        2.0
        """
        shape = (shape,) if _arguments.is_whole(shape) else shape
        if not isinstance(shape, (list, tuple)) or not all(map(_arguments.is_whole, shape)):
            raise TypeError(f"metric {self.name!r}: a variable's shape must be integers, got {shape!r}; give name=")
        start = initializers.get("zeros" if initializer is None else initializer)
        dtype = np.dtype(np.float64 if dtype is None else dtype)
        value = np.asarray(start(tuple(shape), dtype.name)).astype(dtype)
        variable = Variable(value, name=name or f"variable_{len(self._variables)}", trainable=False)
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """`add_variable`, by Keras' older name."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """Those that `add_variable` made."""
        return list(self._variables)

    def reset_state(self) -> None:
        """Forget all batches."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape))

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
