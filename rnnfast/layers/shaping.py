"""Layers that say how values are arranged: InputLayer, Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.symbolic import Node, SymbolicTensor, add_outputs


class InputLayer(Layer):
    """The shape and dtype of a model's input. `Input(shape)` makes one.

    shape: without the batch axis, None where any size will do; batch_shape: with it. dtype: of the data; values are
    passed on as they are and the next layer casts them. `output`: the symbolic tensor that stands for it.

    >>> from rnnfast.layers import InputLayer
    >>> InputLayer((8, 3), name="x").output.shape
    (None, 8, 3)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: Any = None,
        ragged: Any = None,
        batch_shape: Any = None,
        optional: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.refuse(sparse=sparse, ragged=ragged, optional=optional)
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"{self.label}: give either shape or batch_shape, got {shape!r} and {batch_shape!r}")
        if shape is not None:
            sizes = (shape,) if _arguments.is_whole(shape) else _arguments.sizes(f"{self.label}: shape", shape)
            batch_shape = (batch_size, *sizes)
        self.batch_shape: Shape = _arguments.sizes(f"{self.label}: batch_shape", batch_shape)
        self.given_input_shape = self.batch_shape
        try:
            self.data_dtype = "float32" if dtype is None else np.dtype(dtype).name
        except (TypeError, ValueError) as error:
            raise TypeError(f"{self.label}: dtype: {error}") from None
        self.build(self.batch_shape)
        self.start()

    def start(self) -> SymbolicTensor:
        """The symbolic tensor, made anew where a copied layer has left its graph behind."""
        if not self.nodes:
            add_outputs(Node(self, None, {}), self.batch_shape, self.data_dtype, False)
        return self.nodes[0].outputs[0]

    def check_shape(self, shape: Shape) -> None:
        wanted = self.batch_shape
        fits = len(shape) == len(wanted) and all(
            w is None or n is None or w == n for w, n in zip(wanted[1:], shape[1:], strict=True)
        )
        if not fits:
            raise ValueError(f"{self.label}: expected input of shape {wanted}, got {shape}")

    def cast(self, x: Any) -> np.ndarray:
        return self.numeric(x)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return x, None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        return value

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": list(self.batch_shape),
            "dtype": self.data_dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    *,
    batch_shape: Any = None,
    name: str | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> SymbolicTensor:
    """An input of a model: a symbolic tensor to call layers on, or the first entry of a `Sequential`.

    See `InputLayer` for the arguments. sparse, ragged: ValueError if True, for inputs are arrays.

    >>> from rnnfast.layers import Input
    >>> Input((None, 3)).shape
    (None, None, 3)
    """
    for argument, value in (("sparse", sparse), ("ragged", ragged)):
        if value:
            raise ValueError(
                f"Input: {argument}=True is not supported: inputs are arrays; pad sequences, and mask them"
            )
    return InputLayer(shape, batch_size, dtype, batch_shape=batch_shape, name=name).start()


class Flatten(Layer):
    """(batch, ...) to (batch, product of the rest). A mask ends here.

    >>> from rnnfast.layers import Flatten
    >>> Flatten()([[[1, 2], [3, 4]]])
    array([[1., 2., 3., 4.]], dtype=float32)
    """

    axes = "(batch, ...)"

    def __init__(self, data_format: Any = None, **options: Any) -> None:
        super().__init__(**options)
        if data_format not in (None, "channels_last"):
            raise ValueError(f"{self.label}: data_format must be None or 'channels_last', got {data_format!r}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return x.reshape(len(x), math.prod(x.shape[1:])), x.shape

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy.reshape(cache)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(n for n in rest if n is not None))

    def lower(self, program: Any, value: Any) -> Any:
        return program.flatten(value, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": "channels_last"}


class Reshape(Layer):
    """(batch, ...) to (batch, *target_shape), in the same order. A mask ends here.

    target_shape: one entry may be -1: what remains. ValueError: the sizes do not multiply to the same.

    >>> from rnnfast.layers import Reshape
    >>> Reshape((-1, 2))([[1, 2, 3, 4]])
    array([[[1., 2.],
            [3., 4.]]], dtype=float32)
    """

    axes = "(batch, ...)"

    def __init__(self, target_shape: Any, **options: Any) -> None:
        super().__init__(**options)
        expected = "a shape: a tuple of positive integers and at most one -1"
        shape = _arguments.items(f"{self.label}: target_shape", target_shape, expected)
        if any(not _arguments.is_whole(n) or (n < 1 and n != -1) for n in shape) or shape.count(-1) > 1:
            raise ValueError(f"{self.label}: target_shape must be {expected}, got {target_shape!r}")
        self.target_shape = tuple(int(n) for n in shape)

    @property
    def mixes_time(self) -> bool:
        return self.target_shape[:1] != (-1,)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.compute_output_shape(shape)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return x.reshape(len(x), *self.compute_output_shape(x.shape)[1:]), x.shape

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy.reshape(cache)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        known = math.prod(n for n in self.target_shape if n != -1)
        sizes = [n for n in input_shape[1:] if n is not None]
        if len(sizes) < len(input_shape) - 1:  # what is not known yet takes the place of -1
            return (input_shape[0], *(None if n == -1 else n for n in self.target_shape))
        total = math.prod(sizes)
        if total % known if -1 in self.target_shape else total != known:
            raise ValueError(
                f"{self.label}: target_shape {self.target_shape} does not fit input of shape {input_shape}"
            )
        return (input_shape[0], *(total // known if n == -1 else n for n in self.target_shape))

    def lower(self, program: Any, value: Any) -> Any:
        return program.reshape(value, list(self.target_shape), self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}


class Permute(Layer):
    """The axes of each sample in another order: output axis i is input axis dims[i - 1], from 1 on. A mask ends here.

    >>> from rnnfast.layers import Permute
    >>> Permute((2, 1))([[[1, 2], [3, 4]]])
    array([[[1., 3.],
            [2., 4.]]], dtype=float32)
    """

    axes = "(batch, ...)"

    def __init__(self, dims: Any, **options: Any) -> None:
        super().__init__(**options)
        order = _arguments.items(f"{self.label}: dims", dims, "a permutation: a tuple of integers")
        if not order or not all(map(_arguments.is_whole, order)) or sorted(order) != list(range(1, len(order) + 1)):
            raise ValueError(f"{self.label}: dims must hold each of 1, 2, ... once, got {dims!r}")
        self.dims = tuple(int(n) for n in order)

    @property
    def mixes_time(self) -> bool:
        return self.dims[0] != 1

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        if len(shape) != len(self.dims) + 1:
            raise ValueError(f"{self.label}: dims={self.dims} expects rank {len(self.dims) + 1}, got shape {shape}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return np.ascontiguousarray(x.transpose(0, *self.dims)), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return np.ascontiguousarray(dy.transpose(0, *(np.argsort(self.dims) + 1)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *(input_shape[n] for n in self.dims))

    def lower(self, program: Any, value: Any) -> Any:
        return program.permute(value, [n - 1 for n in self.dims], self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": list(self.dims)}


class RepeatVector(Layer):
    """(batch, features) to (batch, n, features): the same vector at every step. A mask ends here.

    >>> from rnnfast.layers import RepeatVector
    >>> RepeatVector(2)([[1, 2]])
    array([[[1., 2.],
            [1., 2.]]], dtype=float32)
    """

    rank = 2
    axes = "(batch, features)"

    def __init__(self, n: int, **options: Any) -> None:
        super().__init__(**options)
        self.n = self.positive("n", n)

    @property
    def mixes_time(self) -> bool:
        return True

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        return np.repeat(x[:, None, :], self.n, axis=1), None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy.sum(axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.n, input_shape[1])

    def lower(self, program: Any, value: Any) -> Any:
        return program.repeat(value, self.n, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
