"""Conv1D: a product over windows of time."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _kernels, regularizers
from rnnfast.layers.affine import Affine
from rnnfast.layers.base import Shape
from rnnfast.layers.windows import Windowed, Windows, check_channels_last, one_size, padding_name


class Conv1D(Windowed, Affine):
    """`y[t] = activation(sum over k of x[strides * t + dilation_rate * k - padded] kernel[k] + bias)`.

    x (batch, time, features), y (batch, new_time, filters). padding: "valid", new_time = (time - span) // strides + 1
    with span = dilation_rate * (kernel_size - 1) + 1; "same" and "causal": ceil(time / strides), with zeros around the
    sequence or before it. groups: features and filters are cut into so many groups, each of which sees its own.
    Weights: kernel (kernel_size, features / groups, filters), bias (filters,). A mask ends here, as in Keras.

    kernel_ and bias_regularizer, activity_regularizer (of y): penalties in training, see `regularizers`; kernel_ and
    bias_constraint: see `constraints`.

    ValueError: fewer steps than a window spans; strides and dilation_rate both above 1; filters or features that groups
    does not divide; data_format "channels_first".

    >>> import numpy as np
    >>> from rnnfast.layers import Conv1D
    >>> Conv1D(1, 2, kernel_initializer="ones")(np.array([[[1.0], [2.0], [3.0]]]))
    array([[[3.],
            [5.]]], dtype=float32)
    """

    paddings = ("valid", "same", "causal")

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: Any = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        **options: Any,
    ) -> None:
        super().__init__(
            activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer, activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint, **options,
        )  # fmt: skip
        self.refuse(lora_rank=lora_rank, lora_alpha=lora_alpha)
        check_channels_last(self, data_format)
        self.filters = self.positive("filters", filters)
        self.groups = self.positive("groups", groups)
        self.windows = self.checked(
            Windows(
                one_size(self, "kernel_size", kernel_size),
                one_size(self, "strides", strides),
                one_size(self, "dilation_rate", dilation_rate),
                padding_name(self, padding, self.paddings),
            )
        )
        if self.filters % self.groups:
            raise ValueError(f"{self.label}: filters={self.filters} must be a multiple of groups={self.groups}")

    def checked(self, windows: Windows) -> Windows:
        if windows.stride > 1 and windows.dilation > 1:
            raise ValueError(
                f"{self.label}: strides={windows.stride} and dilation_rate={windows.dilation} cannot both be greater "
                "than 1"
            )
        return windows

    @property
    def kernel_size(self) -> tuple[int]:
        return (self.windows.size,)

    @property
    def dilation_rate(self) -> tuple[int]:
        return (self.windows.dilation,)

    @dilation_rate.setter
    def dilation_rate(self, value: Any) -> None:
        self._set_windows(dilation=one_size(self, "dilation_rate", value))

    def create_variables(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        features = input_shape[-1]
        if features is None or features % self.groups:
            raise ValueError(
                f"{self.label}: the last axis of the input must be known and a multiple of groups={self.groups}, "
                f"got shape {input_shape}"
            )
        self.add_kernel_and_bias((self.windows.size, features // self.groups, self.filters))

    def expected_features(self) -> int | None:
        return self.kernel.shape[1] * self.groups if self.built else None

    # One product per group: `rows` holds for each the windows of its features, a row per output step.

    def product(self, x: np.ndarray) -> tuple[Any, np.ndarray, tuple[int, ...]]:
        windows = self.windows.of(x)
        rows = [self._rows(part) for part in np.split(windows, self.groups, axis=3)]
        products = [
            _kernels.matmul(r, kernel, bias=bias)
            for r, kernel, bias in zip(rows, self.group_kernels(), self.group_biases(), strict=True)
        ]
        z = products[0] if self.groups == 1 else np.concatenate(products, axis=1)
        return (rows, x.shape[1]), z, (*windows.shape[:2], self.filters)

    def _rows(self, windows: np.ndarray) -> np.ndarray:
        batch, count, size, features = windows.shape
        return np.ascontiguousarray(windows).reshape(batch * count, size * features)

    def group_kernels(self) -> list[np.ndarray]:
        """The kernel of each group as a matrix (kernel_size * features / groups, filters / groups)."""
        flat = self.kernel.value.reshape(-1, self.filters)
        return [np.ascontiguousarray(part) for part in np.split(flat, self.groups, axis=1)]

    def group_biases(self) -> list[np.ndarray | None]:
        return [None] * self.groups if self.bias is None else list(np.split(self.bias.value, self.groups))

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        (rows, time), z, _ = cache
        groups = [np.ascontiguousarray(part) for part in np.split(dz.reshape(z.shape), self.groups, axis=1)]
        gradients = [_kernels.matmul(r, d, transpose_a=True) for r, d in zip(rows, groups, strict=True)]
        self.kernel.add_grad(np.concatenate(gradients, axis=1).reshape(self.kernel.shape))
        if self.bias is not None:
            self.bias.add_grad(_kernels.column_sums(dz.reshape(z.shape)))
        if not need_dx:
            return None
        size, features = self.kernel.shape[:2]
        d_windows = [
            _kernels.matmul(d, kernel, transpose_b=True).reshape(*dz.shape[:2], size, features)
            for d, kernel in zip(groups, self.group_kernels(), strict=True)
        ]
        return self.windows.backward(np.concatenate(d_windows, axis=3), time)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        time = input_shape[1]
        count = None if time is None else self.windows.count(time)
        return self.activated_shape((input_shape[0], count, self.filters))

    def lower(self, program: Any, value: Any) -> Any:
        self.check_lowering()
        return program.conv1d(
            value, self.kernel.value, self.bias_value, self.windows, self.groups, self.activation, self.name
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": list(self.dilation_rate),
            "groups": self.groups,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
