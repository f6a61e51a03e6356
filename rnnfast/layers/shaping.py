"""Layers without weights that pass, drop or reshape values: InputLayer, Dropout, Flatten, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rnnfast import _arguments, utils
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.symbolic import Node, SymbolicTensor, add_outputs


class InputLayer(Layer):
    """The shape and dtype of a model's input. `Input(shape)` makes one.

    shape: without the batch axis, None where any size will do; batch_shape: with it. dtype: of the data; values are
    passed on as they are and the next layer casts them. `output`: the symbolic tensor that stands for it.
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
) -> SymbolicTensor:
    """An input of a model: a symbolic tensor to call layers on, or the first entry of a `Sequential`.

    See `InputLayer` for the arguments.

    >>> from rnnfast.layers import Input
    >>> Input((None, 3)).shape
    (None, None, 3)
    """
    return InputLayer(shape, batch_size, dtype, batch_shape=batch_shape, name=name).start()


class Dropout(Layer):
    """In training, set each element to zero with probability `rate` and divide the rest by `1 - rate`.

    noise_shape: axes of size 1 share one draw; None takes the input's size. seed: None draws one from the global
    generator. Input and output have the same, any, shape.

    >>> from rnnfast.layers import Dropout
    >>> Dropout(0.5)([[1.0, 1.0, 1.0]])
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)) or not 0 <= rate <= 1:
            raise ValueError(f"{self.label}: rate must be a number between 0 and 1, got {rate!r}")
        self.rate = float(rate)
        self.noise_shape = None if noise_shape is None else _arguments.sizes(f"{self.label}: noise_shape", noise_shape)
        self.seed = _arguments.seed(f"{self.label}: seed", seed)
        self._generator = np.random.default_rng(utils.draw_seed() if seed is None else seed)

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        noise = shape if self.noise_shape is None else self.noise_shape
        if len(noise) != len(shape) or any(
            None not in (wanted, n) and wanted not in (1, n) for wanted, n in zip(noise, shape, strict=True)
        ):
            raise ValueError(f"{self.label}: noise_shape {self.noise_shape} does not fit input of shape {shape}")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        if not training or self.rate == 0.0:
            return x, None
        shape = x.shape if self.noise_shape is None else tuple(
            n if wanted is None else wanted for n, wanted in zip(x.shape, self.noise_shape, strict=True)
        )  # fmt: skip
        kept = self._generator.random(shape, dtype=np.float32) >= self.rate
        scale = kept * x.dtype.type(0.0 if self.rate == 1.0 else 1.0 / (1.0 - self.rate))
        return x * scale, scale

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dy if cache is None else dy * cache

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        return value

    def get_config(self) -> dict[str, Any]:
        noise_shape = None if self.noise_shape is None else list(self.noise_shape)
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": noise_shape}


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
