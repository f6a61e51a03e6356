"""Embedding and Masking: where masks come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels, constraints, initializers, regularizers
from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.indexed_rows import IndexedRows
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.layers.mask_of import MaskOf
from rnnfast.layers.traced import Traced
from rnnfast.row_gradient import RowGradient
from rnnfast.variable import Variable

_NO_INTEGER = np.float64(2.0**63)  # and above: floats that are no int64


class Embedding(Layer):
    """Rows of a table by token: x (batch, ...) integers in [0, input_dim), y (batch, ..., output_dim).

    Floats are cut to integers, as in Keras. mask_zero: token 0 is padding, and layers after this one skip it.
    embeddings_regularizer, activity_regularizer (of y): penalties in training, see `regularizers`;
    embeddings_constraint: see `constraints`. Weight: embeddings (input_dim, output_dim). ValueError: a token out of
    range.

    >>> import numpy as np
    >>> from rnnfast.layers import Embedding
    >>> Embedding(10, 4)(np.array([[1, 2, 0]])).shape
    (1, 3, 4)
    """

    axes = "(batch, ...)"
    passes_in_core = True

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        activity_regularizer: Any = None,
        input_length: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.refuse(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        if input_length is not None:
            self.warn_old("input_length", "start the model with rnnfast.layers.Input((input_length,)) instead")
            self.given_input_shape = _arguments.sizes(f"{self.label}: (batch, input_length)", (None, input_length))
        self.input_dim = self.positive("input_dim", input_dim)
        self.output_dim = self.positive("output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = self.regularizer("embeddings_regularizer", embeddings_regularizer)
        self.embeddings_constraint = self.constraint("embeddings_constraint", embeddings_constraint)
        self.activity_regularizer = self.regularizer("activity_regularizer", activity_regularizer)
        self.mask_zero = bool(mask_zero)
        self.embeddings: Variable
        if weights is not None:  # a table, or Keras' list of one
            self.build((None,))
            self.set_weights(weights if isinstance(weights, (list, tuple)) else [weights])

    def create_variables(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight(
            "embeddings", (self.input_dim, self.output_dim), self.embeddings_initializer,
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip

    def cast(self, x: Any) -> np.ndarray:
        array = self.numeric(x)
        if array.dtype.kind == "f":
            self._refuse(array, ~(np.abs(array) < _NO_INTEGER))  # NaN, too
        return np.ascontiguousarray(array, dtype=np.int64)

    def check_values(self, x: np.ndarray) -> None:
        if x.size and (x.min() < 0 or x.max() >= self.input_dim):
            self._refuse(x, (x < 0) | (x >= self.input_dim))

    def _refuse(self, x: np.ndarray, bad: np.ndarray) -> None:
        """ValueError for the first bad token, if there is one."""
        if bad.any():
            place = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), x.shape))
            raise ValueError(
                f"{self.label}: token {x[place]} at {place} is out of range: expected 0 <= token < {self.input_dim}"
            )

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y = _kernels.embedding_forward(self.embeddings.value, x)
        self.penalize(y)
        return y, (x, y, False) if training else None

    def forward_masked(self, x: Any, mask: Any, training: bool, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Each different row once, where so few differ that it pays."""
        found = _kernels.distinct_tokens(x) if x.ndim == 2 and self._looks_up_rows_alone else None
        if found is None:
            return super().forward_masked(x, mask, training, options)
        tokens, index = found
        rows, _ = self.forward(tokens, training=training, **options)
        return IndexedRows(rows, index), self.compute_mask(x, mask), (tokens, rows, True) if training else None

    @property
    def _looks_up_rows_alone(self) -> bool:
        """Not with a penalty on the output, which counts every row as often as it occurs."""
        return self.activity_regularizer is None and self.runs_as(Embedding)

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        x, y, different = cache
        if different:
            self.embeddings.add_grad(RowGradient(x, dy, self.embeddings.shape))
            return None
        dy = np.ascontiguousarray(self.penalized(dy, y))
        self.embeddings.add_grad(_kernels.embedding_backward(x, dy, self.input_dim))
        return None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    @property
    def creates_mask(self) -> bool:  # type: ignore[override]
        return self.mask_zero

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> Any:
        """True where a token is not 0; None without `mask_zero`. In a `call`, x may be what that has got."""
        if not self.mask_zero:
            return None
        return MaskOf(self, 0)(x) if isinstance(x, Traced) else x != 0

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.input_shape = (None, *input_shape[1:])  # given weights build it before there is an input

    def lower(self, program: Any, value: Any) -> Any:
        if self.mask_zero:
            _one_time_axis(self, 2)
        return program.embedding(value, self.embeddings.value, self.mask_zero, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }


class Masking(Layer):
    """Skip the time steps whose features all equal `mask_value`; they are set to zero. x and y (batch, time, features).

    >>> import numpy as np
    >>> from rnnfast.layers import Masking
    >>> Masking()(np.zeros((1, 2, 3))).shape
    (1, 2, 3)
    """

    min_rank = 2
    axes = "(batch, time, features)"
    creates_mask = True

    def __init__(self, mask_value: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.mask_value = _arguments.number(f"{self.label}: mask_value", mask_value)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        real = self.compute_mask(x)
        return np.where(real[..., None], x, x.dtype.type(0)), real

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return np.where(cache[..., None], dy, dy.dtype.type(0)) if need_dx else None

    def compute_mask(self, x: Any, mask: np.ndarray | None = None) -> Any:
        """True for steps with a feature other than `mask_value`. In a `call`, x may be what that has got."""
        if isinstance(x, Traced):
            return MaskOf(self, 1)(x)
        return (x != x.dtype.type(self.mask_value)).any(axis=-1)

    def lower(self, program: Any, value: Any) -> Any:
        _one_time_axis(self, 3)
        return program.masking(value, self.mask_value, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


def _one_time_axis(layer: Layer, rank: int) -> None:
    if layer.input_shape is not None and len(layer.input_shape) > rank:
        raise NoLoweringError(f"{layer.label}: its mask has more than one time axis; the engine's have one")
