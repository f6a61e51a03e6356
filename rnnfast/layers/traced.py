"""What a layer may be called on beside arrays: values that stand for one, and remember which layers made them.

There are two kinds: `SymbolicTensor` has a shape alone, and is what functional models are drawn with; `TapedTensor` has
an array, and is what the `call` of a model of one's own gets. Both know layers only: other operations are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from rnnfast import _arguments, _structure

_INSTEAD = "use layers: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot, Activation, ..."

# What values can do that are arrays, and these cannot.
_OF_ARRAYS = {name for name in dir(np.ndarray) if not name.startswith("_")} | {"value", "numpy"}

_OF_NUMBERS = {np.add: "__radd__", np.subtract: "__rsub__", np.multiply: "__rmul__"}

_Class = TypeVar("_Class", bound=type)
_OPERATORS: dict[str, type] = {}


def operator(sign: str) -> Callable[[_Class], _Class]:
    """Decorator of the layer that `sign` between two traced values calls, or an activation of one."""

    def note(layer: _Class) -> _Class:
        _OPERATORS[sign] = layer
        return layer

    return note


class NotOfLayersError(TypeError):
    """A `call` does with its values what no layer does."""


def _refused(what: str) -> Any:
    """A method for what values that are no arrays cannot do."""

    def refuse(self: Traced, *_: Any, **__: Any) -> NoReturn:
        self._refuse(what)

    return refuse


class Traced:
    """Base of both kinds. +, - and * are the layers Add, Subtract and Multiply, or with a number Rescaling, as / is; an
    index is the layer Slice."""

    shape: Any
    dtype: str
    mask: Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def label(self) -> str:
        """How messages name the value: by what made it."""
        raise NotImplementedError

    def call(self, layer: Any, x: Any, options: dict[str, Any]) -> Any:
        """Call a layer on a structure of values of this kind."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self._merged("+", other)

    def __sub__(self, other: Any) -> Any:
        return self._merged("-", other)

    def __mul__(self, other: Any) -> Any:
        return self._merged("*", other)

    def __truediv__(self, other: Any) -> Any:
        if not _is_number(other):
            self._refuse("/")
        return self._scaled(1 / other, 0)

    def __neg__(self) -> Any:
        return self._scaled(-1, 0)

    def __radd__(self, other: Any) -> Any:
        return self._merged("+", other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __rmul__(self, other: Any) -> Any:
        return self._merged("*", other)

    def __getitem__(self, key: Any) -> Any:
        try:
            layer = _OPERATORS["[]"](key, **self.operator_options("Slice"))
        except ValueError as error:
            raise NotOfLayersError(f"[] is not defined so for the output of {self.label}: {error}") from None
        return layer(self)

    def _scaled(self, scale: Any, offset: Any) -> Any:
        return _OPERATORS["scale"](scale, offset, **self.operator_options("Rescaling"))(self)

    def _merged(self, sign: str, other: Any) -> Any:
        if _is_number(other):
            return self._scaled(*{"+": (1, other), "-": (1, -other), "*": (other, 0)}[sign])
        if not isinstance(other, type(self)):
            self._refuse(f"{sign} with a {type(other).__name__}")
        layer = _OPERATORS[sign]
        return layer(**self.operator_options(layer.__name__))([self, other])

    def activated_by(self, activation: Any) -> Any:
        return _OPERATORS["activation"](activation, **self.operator_options("Activation"))(self)

    def operator_options(self, name: str) -> dict[str, Any]:
        """Arguments of the layer of this name that an operator calls."""
        return {"dtype": self.dtype} if self.dtype in _arguments.DTYPES else {}

    def _refuse(self, what: str) -> NoReturn:
        raise NotOfLayersError(f"{what} is not defined for the output of {self.label}, only layers are; {_INSTEAD}")

    def __getattr__(self, name: str) -> Any:
        if name in _OF_ARRAYS:
            self._refuse(f".{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    __rtruediv__ = _refused("/")
    __matmul__ = __rmatmul__ = _refused("@")
    __pow__ = __rpow__ = _refused("**")
    __floordiv__ = __rfloordiv__ = _refused("//")
    __mod__ = __rmod__ = _refused("%")
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = _refused("a logical operator")
    __lt__ = __le__ = __gt__ = __ge__ = _refused("a comparison")
    __invert__, __pos__ = _refused("~"), _refused("+")
    __abs__, __float__ = _refused("abs()"), _refused("float()")
    __iter__, __len__, __bool__ = _refused("iteration"), _refused("len()"), _refused("a truth value")
    __array__ = _refused("conversion to an array")

    def __array_ufunc__(self, function: Any, method: str, *given: Any, **options: Any) -> Any:
        sign = _OF_NUMBERS.get(function)
        if sign and method == "__call__" and _is_number(given[0]) and not options:  # a number of NumPy's, and this
            return getattr(self, sign)(given[0])
        self._refuse(f"numpy.{function.__name__}")

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        self._refuse(f"numpy.{function.__name__}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)


def find_traced(*structures: Any) -> Traced | None:
    """The first traced value in nested structures, or None: then these are arrays."""
    for structure in structures:
        if isinstance(structure, Traced):
            return structure
        if isinstance(structure, (list, tuple)):
            found = find_traced(*structure)
        else:
            found = find_traced(*structure.values()) if isinstance(structure, dict) else None
        if found is not None:
            return found
    return None


def need_kind(layer: Any, x: Any, options: dict[str, Any], kind: type[Traced]) -> None:
    """TypeError if the inputs of one call are not all of one kind. (Options may be arrays.)"""
    leaves = _structure.flatten(x)
    for leaf in [*leaves, *(v for v in _structure.flatten(options) if isinstance(v, Traced))]:
        if not isinstance(leaf, kind):
            given = leaf.label if isinstance(leaf, Traced) else f"a value of type {type(leaf).__name__}"
            expected = "expected outputs of layers as inputs, all of one model"
            raise NotOfLayersError(f"{layer.label}: {expected}, got {given}")
