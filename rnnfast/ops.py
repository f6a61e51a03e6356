"""Keras' module of this name, on NumPy arrays: what programs do to data, in metrics, in a `call` that only predicts.

The functions are NumPy's where Keras has taken them from there, but what makes an array of nothing makes float32. On
the outputs of layers, in functional models and in the `call` of a layer or a model, these that are layers, too, are
those: `add`, `subtract`, `multiply`, `maximum`, `minimum`, `concatenate` and the activations. They can be trained and
run by the engine; the others say which layer does their work, for there is no automatic differentiation.

>>> import rnnfast
>>> from rnnfast import layers, ops
>>> ops.softmax(ops.zeros((1, 4)))
array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
>>> x = layers.Input((5, 3))
>>> rnnfast.Model(x, ops.add(layers.LSTM(3, return_sequences=True)(x), x)).output_shape
(None, 5, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from rnnfast import activations
from rnnfast.layers import Concatenate, Maximum, Minimum, Softmax
from rnnfast.layers.traced import NotOfLayersError, find_traced

# NumPy's, with Keras' meaning.
_OF_NUMPY = [
    "abs", "absolute", "add", "all", "amax", "amin", "any", "append", "arccos", "arccosh", "arcsin", "arcsinh",
    "arctan", "arctan2", "arctanh", "argmax", "argmin", "argsort", "average", "bincount", "broadcast_to", "ceil",
    "clip", "concatenate", "conj", "copy", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "diag",
    "diagonal", "diff", "digitize", "divide", "dot", "einsum", "equal", "exp", "expand_dims", "expm1", "flip", "floor",
    "floor_divide", "full_like", "greater", "greater_equal", "hstack", "imag", "isclose", "isfinite", "isinf", "isnan",
    "less", "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not", "logical_or",
    "logical_xor", "matmul", "max", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moveaxis",
    "multiply", "nan_to_num", "ndim", "negative", "nonzero", "not_equal", "ones_like", "outer", "pad", "power", "prod",
    "quantile", "ravel", "real", "reciprocal", "repeat", "reshape", "roll", "round", "searchsorted", "sign", "sin",
    "sinh", "sort", "split", "sqrt", "square", "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take",
    "take_along_axis", "tan", "tensordot", "tile", "trace", "transpose", "tril", "triu", "true_divide", "unique", "var",
    "vdot", "vstack", "where", "zeros_like",
]  # fmt: skip

# What does the work of a function on the output of a layer.
_LAYERS = {
    "average": "GlobalAveragePooling1D", "mean": "GlobalAveragePooling1D", "max": "GlobalMaxPooling1D",
    "amax": "GlobalMaxPooling1D", "matmul": "Dense, Dot or Attention", "dot": "Dense or Dot", "einsum": "Dense or Dot",
    "tensordot": "Dense or Dot", "reshape": "Reshape", "ravel": "Flatten", "transpose": "Permute",
    "swapaxes": "Permute", "repeat": "RepeatVector", "tile": "RepeatVector", "pad": "ZeroPadding1D",
    "stack": "Concatenate", "hstack": "Concatenate", "squeeze": "Reshape", "expand_dims": "Reshape",
    "take": "Embedding", "split": "Slice", "divide": "Rescaling", "true_divide": "Rescaling",
}  # fmt: skip


def _merged(layer: Any) -> Callable[..., Any]:
    def merge(x1: Any, x2: Any) -> Any:
        return layer(**find_traced(x1, x2).operator_options(layer.__name__))([x1, x2])  # type: ignore[union-attr]

    return merge


def _concatenated(xs: Any, axis: int = 0) -> Any:
    return Concatenate(axis=axis, **find_traced(xs).operator_options("Concatenate"))(list(xs))  # type: ignore[union-attr]


# Functions that are layers, on what is the output of one.
_AS_LAYERS: dict[str, Callable[..., Any]] = {
    "add": lambda x1, x2: x1 + x2,
    "subtract": lambda x1, x2: x1 - x2,
    "multiply": lambda x1, x2: x1 * x2,
    "maximum": _merged(Maximum),
    "minimum": _merged(Minimum),
    "concatenate": _concatenated,
}


def _of_arrays(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays; of outputs of layers, the layer that it is, or a TypeError that says what to use."""
    instead = _LAYERS.get(name)
    hint = f"the layer {instead} does such work" if instead else "only layers are"

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        found = find_traced(args, options)
        if found is None:
            return function(*args, **options)
        if name in _AS_LAYERS:
            return _AS_LAYERS[name](*args, **options)
        raise NotOfLayersError(f"ops.{name} is not defined for the output of {found.label}: {hint}; on arrays it works")

    return call


def _dtype(dtype: Any) -> Any:
    return "float32" if dtype is None else dtype


def convert_to_tensor(x: Any, dtype: Any = None) -> np.ndarray:
    """x as an array; Python's floats as float32, its integers as int32 where that can hold them.

    >>> from rnnfast import ops
    >>> ops.convert_to_tensor([1.0, 2.0]).dtype.name
    'float32'
    """
    array = np.asarray(x)
    if dtype is None and not isinstance(x, np.ndarray) and not hasattr(x, "__array__"):
        dtype = {"f": "float32", "i": _whole(array)}.get(array.dtype.kind)
    return array.astype(array.dtype if dtype is None else dtype, copy=False)


def _whole(numbers: np.ndarray) -> str:
    """int32, or int64 for integers that need it."""
    bounds = np.iinfo(np.int32)
    return "int32" if ((numbers >= bounds.min) & (numbers <= bounds.max)).all() else "int64"


array = convert_to_tensor


def convert_to_numpy(x: Any) -> np.ndarray:
    """x as an array.

    >>> from rnnfast import ops
    >>> ops.convert_to_numpy([1, 2]).tolist()
    [1, 2]
    """
    return np.asarray(x)


def cast(x: Any, dtype: Any) -> np.ndarray:
    """x in another dtype.

    >>> from rnnfast import ops
    >>> ops.cast([0.0, 2.0], "bool").tolist()
    [False, True]
    """
    return _of_arrays("cast", lambda x, dtype: np.asarray(x).astype(dtype))(x, dtype)


def shape(x: Any) -> tuple[int | None, ...]:
    """The sizes of the axes, None where the output of a layer leaves one open.

    >>> from rnnfast import ops
    >>> ops.shape(ops.ones((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def zeros(shape: Any, dtype: Any = None) -> np.ndarray:
    """Zeros, float32 if no dtype is given.

    >>> from rnnfast import ops
    >>> ops.zeros((2, 3)).dtype.name
    'float32'
    """
    return np.zeros(shape, _dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> np.ndarray:
    """Ones, float32 if no dtype is given.

    >>> from rnnfast import ops
    >>> float(ops.ones((2, 3)).sum())
    6.0
    """
    return np.ones(shape, _dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> np.ndarray:
    """An array of one value, float32 if no dtype is given.

    >>> from rnnfast import ops
    >>> ops.full((2,), 7).tolist()
    [7.0, 7.0]
    """
    return np.full(shape, fill_value, _dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> np.ndarray:
    """Ones on a diagonal, float32 if no dtype is given.

    >>> from rnnfast import ops
    >>> ops.eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(N, M, k, _dtype(dtype))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> np.ndarray:
    """Numbers at equal steps, integers or float32 as the ends are, if no dtype is given.

    >>> from rnnfast import ops
    >>> ops.arange(3).tolist()
    [0, 1, 2]
    """
    start, stop = (0, start) if stop is None else (start, stop)
    whole = all(isinstance(value, (int, np.integer)) for value in (start, stop, step))
    numbers: np.ndarray = np.arange(start, stop, step)
    return numbers.astype((_whole(numbers) if whole else "float32") if dtype is None else dtype)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None) -> np.ndarray:
    """`num` numbers from one end to the other, float32 if no dtype is given.

    >>> from rnnfast import ops
    >>> ops.linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.linspace(start, stop, num, endpoint, dtype=_dtype(dtype))


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / sum(exp(x)) along an axis; of the output of a layer that of a Softmax layer.

    >>> from rnnfast import ops
    >>> ops.softmax([[0.0, 0.0]], axis=0).tolist()
    [[1.0, 1.0]]
    """
    found = find_traced(x)
    if found is None:
        return np.moveaxis(activations.softmax(np.moveaxis(np.asarray(x), axis, -1)), -1, axis)
    return Softmax(axis=axis, **found.operator_options("Softmax"))(x)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> np.ndarray:
    """Class numbers as rows of a one; a number that is no class gives zeros.

    >>> from rnnfast import ops
    >>> ops.one_hot([1, 5], 2).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """

    def rows(x: Any) -> np.ndarray:
        hot = (np.asarray(x)[..., None] == np.arange(num_classes)).astype(_dtype(dtype))
        return np.moveaxis(hot, -1, axis)

    return _of_arrays("one_hot", rows)(x)


_ACTIVATIONS = (activations.Activation, activations.OverLastAxis)
_FUNCTIONS: dict[str, Any] = {
    **{name: _of_arrays(name, getattr(np, name)) for name in _OF_NUMPY},
    **{name: value for name, value in vars(activations).items() if isinstance(value, _ACTIVATIONS)},
}
__all__ = [
    "arange", "array", "cast", "convert_to_numpy", "convert_to_tensor", "eye", "full", "linspace", "one_hot", "ones",
    "shape", "softmax", "zeros",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it has NumPy's functions and the activations")


def __dir__() -> list[str]:
    return sorted({*_FUNCTIONS, *__all__})
