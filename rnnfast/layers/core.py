"""Dense and Activation: layers that end with an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels, activations
from rnnfast.layers.activated import Activated
from rnnfast.layers.affine import Affine
from rnnfast.layers.base import Shape
from rnnfast.layers.traced import operator


@operator("activation")
class Activation(Activated):
    """Apply an activation: `y = activation(x)`, any shape; softmax and log_softmax over the last axis.

    >>> import numpy as np
    >>> from rnnfast.layers import Activation
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    passes_in_core = True

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = activation

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        self.activated_shape(shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.activated_shape(input_shape)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y = self.activation.forward(x)
        return y, (x, y) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        x, y = cache
        return self.activation.backward(x, y, dy) if need_dx else None

    @property
    def carries_mask(self) -> bool:
        return True

    @property
    def output_activation(self) -> str | None:
        return self.activation.name

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dz if need_dx else None

    def lower(self, program: Any, value: Any) -> Any:
        self.check_lowering()
        return program.activation(value, self.activation, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Dense(Affine):
    """`y = activation(x W + b)` over the last axis; x (batch, ..., features), y (batch, ..., units).

    units: size of the output's last axis. activation: None is linear. Weights: kernel (features, units), bias (units,).
    kernel_ and bias_regularizer, activity_regularizer (of y): penalties in training, see `regularizers`; kernel_ and
    bias_constraint: see `constraints`. lora_rank other than None is a ValueError.

    >>> import numpy as np
    >>> from rnnfast.layers import Dense
    >>> Dense(2, kernel_initializer="ones")(np.ones((1, 3)))
    array([[3., 3.]], dtype=float32)
    """

    min_rank = 2
    axes = "(batch, ..., features)"

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **options: Any,
    ) -> None:
        input_dim = options.pop("input_dim", None)
        super().__init__(
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, **options,
        )  # fmt: skip
        if input_dim is not None:
            self.warn_old("input_dim", "start the model with rnnfast.layers.Input((input_dim,)) instead")
            self.given_input_shape = _arguments.sizes(f"{self.label}: (batch, input_dim)", (None, input_dim))
        self.refuse(lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.units = self.positive("units", units)

    def create_variables(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"{self.label}: the last axis of the input must be known, got shape {input_shape}")
        self.add_kernel_and_bias((features, self.units))

    def expected_features(self) -> int | None:
        return self.kernel.shape[0] if self.built else None

    def product(self, x: np.ndarray) -> tuple[Any, np.ndarray, tuple[int, ...]]:
        rows = x.reshape(-1, x.shape[-1])
        return rows, _kernels.matmul(rows, self.kernel.value, bias=self.bias_value), (*x.shape[:-1], self.units)

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        rows, z, _ = cache
        dz_rows = dz.reshape(z.shape)
        self.kernel.add_grad(_kernels.matmul(rows, dz_rows, transpose_a=True))
        if self.bias is not None:
            self.bias.add_grad(_kernels.column_sums(dz_rows))
        if not need_dx:
            return None
        return _kernels.matmul(dz_rows, self.kernel.value, transpose_b=True).reshape(*dz.shape[:-1], rows.shape[1])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.activated_shape((*input_shape[:-1], self.units))

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        self.check_lowering()
        return program.dense(value, self.kernel.value, self.bias_value, self.activation, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
