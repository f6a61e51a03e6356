"""Dense and Activation: layers that end with an activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels, activations, initializers
from rnnfast.layers.base import Layer, Shape
from rnnfast.variable import Variable


class Activation(Layer):
    """Apply an activation: `y = activation(x)`, any shape; softmax and log_softmax over the last axis.

    >>> import numpy as np
    >>> from rnnfast.layers import Activation
    >>> Activation("relu")(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, activation: Any, **options: Any) -> None:
        super().__init__(**options)
        self.activation = layer_activation(self, activation)

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y = _kernels.activation_forward(self.activation, x)
        return y, (x, y) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        x, y = cache
        return _kernels.activation_backward(self.activation, x, y, dy) if need_dx else None

    @property
    def carries_mask(self) -> bool:
        return True

    @property
    def output_activation(self) -> str:
        return self.activation.name

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return dz if need_dx else None

    def lower(self, program: Any, value: Any) -> Any:
        return program.activation(value, self.activation, self.name)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}


class Dense(Layer):
    """`y = activation(x W + b)` over the last axis; x (batch, ..., features), y (batch, ..., units).

    units: size of the output's last axis. activation: None is linear. Weights: kernel (features, units), bias (units,).
    Regularizers, constraints and lora_rank other than None are a ValueError.

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
        super().__init__(**options)
        if input_dim is not None:
            self.warn_old("input_dim", "start the model with rnnfast.layers.Input((input_dim,)) instead")
            self.given_input_shape = _arguments.sizes(f"{self.label}: (batch, input_dim)", (None, input_dim))
        self.refuse(
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer, kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint, lora_rank=lora_rank, lora_alpha=lora_alpha,
            quantization_config=quantization_config,
        )  # fmt: skip
        self.units = self.positive("units", units)
        self.activation = layer_activation(self, activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel: Variable
        self.bias: Variable | None = None

    def create_variables(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"{self.label}: the last axis of the input must be known, got shape {input_shape}")
        self.kernel = self.add_weight("kernel", (features, self.units), self.kernel_initializer)
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.units,), self.bias_initializer)

    def expected_features(self) -> int | None:
        return self.kernel.shape[0] if self.built else None

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        rows = x.reshape(-1, x.shape[-1])
        z = _kernels.matmul(rows, self.kernel.value, bias=None if self.bias is None else self.bias.value)
        y = z if self.activation.name == "linear" else _kernels.activation_forward(self.activation, z)
        return y.reshape(*x.shape[:-1], self.units), (rows, z, y) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        _, z, y = cache
        dz = dy.reshape(z.shape)
        if self.activation.name != "linear":
            dz = _kernels.activation_backward(self.activation, z, y, dz)
        return self.backward_logits(dz.reshape(dy.shape), cache, need_dx=need_dx)

    @property
    def output_activation(self) -> str:
        return self.activation.name

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
        return (*input_shape[:-1], self.units)

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        bias = None if self.bias is None else self.bias.value
        return program.dense(value, self.kernel.value, bias, self.activation, self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        }


def layer_activation(layer: Layer, identifier: Any) -> activations.Activation:
    try:
        return activations.get(identifier)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{layer.label}: activation: {error}") from None
