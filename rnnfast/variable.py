"""Arrays with one writer: weights, and what metrics and optimizers of the user's own keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast.row_gradient import RowGradient


def _of_value(sign: str) -> Any:
    """An operator between a variable and a number or an array: that of its value."""

    def apply(self: Variable, *other: Any) -> Any:
        given = [np.asarray(one) if isinstance(one, Variable) else one for one in other]
        return getattr(self.value, sign)(*given)

    return apply


class Variable:
    """One weight of a layer. In arithmetic and comparisons it is its value, but `==` tells whether it is the same one.

    `value` and `numpy()` hand out a read-only view; only `assign` and optimizers write, and each write bumps `version`,
    which packed copies of the weight follow. `grad` is the gradient that the last backward pass left, an array, or
    None. `regularizer` and `constraint` are what training makes of it: see the modules of these names. `storage` is the
    value, flat, for optimizers to write to, which call `touch` then.

    >>> import numpy as np
    >>> from rnnfast.variable import Variable
    >>> v = Variable(np.zeros(3, "float32"), name="bias")
    >>> v.assign([1, 2, 3]); v.numpy(), v.version
    (array([1., 2., 3.], dtype=float32), 1)
    """

    def __init__(self, value: np.ndarray, *, name: str, path: str | None = None, trainable: bool = True) -> None:
        value = np.asarray(value)
        self.shape: tuple[int, ...] = value.shape
        self._storage = flat_copy(value)
        self._view = self._look()
        self.name = name
        self.path = path or name
        self.trainable = trainable
        self.version = 0
        self.gradient: np.ndarray | RowGradient | None = None  # `grad` as the layers have left it
        self.regularizer: Any = None
        self.constraint: Any = None

    @classmethod
    def over(cls, storage: np.ndarray, shape: tuple[int, ...], name: str) -> Variable:
        """One that writes to a flat array of somebody else's."""
        variable = cls(np.zeros(shape, storage.dtype), name=name, trainable=False)
        variable._storage = storage
        variable._view = variable._look()
        return variable

    def _look(self) -> np.ndarray:
        # A read-only buffer cannot be made writeable through the view, which every caller shares.
        return np.asarray(self._storage.data.toreadonly()).reshape(self.shape)

    def __getstate__(self) -> dict[str, Any]:
        """Without the view, which would be stored as a second copy of the value."""
        return {name: value for name, value in self.__dict__.items() if name != "_view"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copied or pickled variable looks at its own storage."""
        self.__dict__.update(state)
        self._view = self._look()

    @property
    def storage(self) -> np.ndarray:
        if not self._storage.flags.writeable:  # it has come with a pickle whose buffers belong to somebody else
            self._storage = flat_copy(self._storage)
            self._view = self._look()
        return self._storage

    @property
    def value(self) -> np.ndarray:
        return self._view

    def numpy(self) -> np.ndarray:
        return self.value

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._storage.dtype

    @property
    def size(self) -> int:
        return self._storage.size

    def assign(self, value: Any) -> None:
        """Write a new value of the same shape, cast to the variable's dtype. ValueError: another shape; TypeError: not
        numeric."""
        array = _arguments.numeric(f"variable {self.path!r}: value", value)
        if array.shape != self.shape:
            raise ValueError(f"variable {self.path!r}: expected a value of shape {self.shape}, got {array.shape}")
        self.storage[...] = array.reshape(-1)
        self.touch()

    def assign_add(self, value: Any) -> None:
        """`assign` the value and this."""
        self.assign(self.value + value)

    def assign_sub(self, value: Any) -> None:
        """`assign` the value without this."""
        self.assign(self.value - value)

    def touch(self) -> None:
        """Tell followers that the value has changed."""
        self.version += 1

    @property
    def grad(self) -> np.ndarray | None:
        return self.gradient.to_array() if isinstance(self.gradient, RowGradient) else self.gradient

    @grad.setter
    def grad(self, value: np.ndarray | None) -> None:
        self.gradient = value

    def add_grad(self, gradient: np.ndarray | RowGradient) -> None:
        """Add a contribution to `grad`: a layer that is called twice in a step contributes twice."""
        before = None if self.gradient is None else self.grad
        self.gradient = gradient
        if before is not None:
            self.grad = before + self.grad

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy:
            return np.array(self.value, dtype=dtype)
        return np.asarray(self.value, dtype=dtype)

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    __add__, __radd__, __sub__, __rsub__ = map(_of_value, ("__add__", "__radd__", "__sub__", "__rsub__"))
    __mul__, __rmul__, __truediv__ = map(_of_value, ("__mul__", "__rmul__", "__truediv__"))
    __matmul__, __rmatmul__, __rtruediv__ = map(_of_value, ("__matmul__", "__rmatmul__", "__rtruediv__"))
    __pow__, __rpow__, __neg__, __abs__ = map(_of_value, ("__pow__", "__rpow__", "__neg__", "__abs__"))
    __floordiv__, __rfloordiv__ = map(_of_value, ("__floordiv__", "__rfloordiv__"))
    __mod__, __rmod__ = map(_of_value, ("__mod__", "__rmod__"))
    __lt__, __le__, __gt__, __ge__ = map(_of_value, ("__lt__", "__le__", "__gt__", "__ge__"))  # == is identity

    def __repr__(self) -> str:
        return f"<Variable {self.path!r} shape={self.shape} dtype={self.dtype} version={self.version}>"


def flat_copy(value: np.ndarray) -> np.ndarray:
    """Flat; of floats on a cache line, which every vector access of the kernels then stays in."""
    if value.dtype not in (np.float32, np.float64):
        return np.array(value, order="C").reshape(-1)
    storage = _kernels.empty((value.size,), value.dtype)
    storage[...] = value.reshape(-1)
    return storage
