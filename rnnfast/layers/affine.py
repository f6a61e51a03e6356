"""Affine: what layers of the form `activation(a product with the kernel + bias)` share but the product."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import activations, constraints, initializers, regularizers
from rnnfast.layers.activated import Activated
from rnnfast.variable import Variable


class Affine(Activated):
    """Base of Dense and Conv1D: the options of kernel and bias, the penalty of the output, and the activation in both
    directions.

    A subclass makes its weights with `add_kernel_and_bias`, and defines `product` and `backward_logits`.
    """

    passes_in_core = True

    def __init__(
        self,
        *,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.activation = activation
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = self.regularizer("kernel_regularizer", kernel_regularizer)
        self.bias_regularizer = self.regularizer("bias_regularizer", bias_regularizer)
        self.activity_regularizer = self.regularizer("activity_regularizer", activity_regularizer)
        self.kernel_constraint = self.constraint("kernel_constraint", kernel_constraint)
        self.bias_constraint = self.constraint("bias_constraint", bias_constraint)
        self.kernel: Variable
        self.bias: Variable | None = None

    def add_kernel_and_bias(self, shape: tuple[int, ...]) -> None:
        """shape: of the kernel; its last axis is the bias'."""
        self.kernel = self.add_weight(
            "kernel", shape, self.kernel_initializer,
            regularizer=self.kernel_regularizer, constraint=self.kernel_constraint,
        )  # fmt: skip
        if self.use_bias:
            self.bias = self.add_weight(
                "bias", shape[-1:], self.bias_initializer,
                regularizer=self.bias_regularizer, constraint=self.bias_constraint,
            )  # fmt: skip

    @property
    def bias_value(self) -> np.ndarray | None:
        return None if self.bias is None else self.bias.value

    def product(self, x: np.ndarray) -> tuple[Any, np.ndarray, tuple[int, ...]]:
        """What `backward_logits` needs of x, the output before the activation in rows, and the output's shape."""
        raise TypeError(f"{self.label} does not define product(x)")

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        kept, z, shape = self.product(x)
        y = self.activation.forward(z.reshape(shape))
        self.penalize(y)
        return y, (kept, z, y) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        _, z, y = cache
        dz = self.activation.backward(z.reshape(*y.shape[:-1], z.shape[-1]), y, self.penalized(dy, y))
        return self.backward_logits(dz, cache, need_dx=need_dx)

    @property
    def output_activation(self) -> str | None:
        # The penalty of the output has no short form before the activation.
        return self.activation.name if self.activity_regularizer is None else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }
