"""LayerNormalization and UnitNormalization: layers that scale each sample by what they find in it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments, constraints, initializers, regularizers
from rnnfast.layers.axes import AxisLayer, given_axes
from rnnfast.layers.base import Shape
from rnnfast.variable import Variable


class AffineNormalization(AxisLayer):
    """Base of normalizations that end with `gamma * z + beta`, z the normalized input."""

    min_rank = 2

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any,
        gamma_initializer: Any,
        beta_regularizer: Any,
        gamma_regularizer: Any,
        beta_constraint: Any,
        gamma_constraint: Any,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.axis = given_axes(f"{self.label}: axis", axis)
        self.epsilon = _arguments.number(f"{self.label}: epsilon", epsilon)
        self.center, self.scale = bool(center), bool(scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = self.regularizer("beta_regularizer", beta_regularizer)
        self.gamma_regularizer = self.regularizer("gamma_regularizer", gamma_regularizer)
        self.beta_constraint = self.constraint("beta_constraint", beta_constraint)
        self.gamma_constraint = self.constraint("gamma_constraint", gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def create_variables(self, input_shape: Shape) -> None:
        sizes = self.sizes_along(input_shape)
        if self.has_gamma:
            self.gamma = self.add_weight(
                "gamma", sizes, self.gamma_initializer,
                regularizer=self.gamma_regularizer, constraint=self.gamma_constraint,
            )  # fmt: skip
        if self.has_beta:
            self.beta = self.add_weight(
                "beta", sizes, self.beta_initializer,
                regularizer=self.beta_regularizer, constraint=self.beta_constraint,
            )  # fmt: skip

    @property
    def has_gamma(self) -> bool:
        return self.scale

    @property
    def has_beta(self) -> bool:
        return self.center

    def affine(self, z: np.ndarray) -> np.ndarray:
        y = z if self.gamma is None else z * self.spread(self.gamma.value, z.ndim)
        return y if self.beta is None else y + self.spread(self.beta.value, z.ndim)

    def affine_backward(self, dy: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Adds to the gradients of gamma and beta and gives that of z."""
        others = self.others(z.ndim)
        if self.beta is not None:
            self.beta.add_grad(dy.sum(axis=others))
        if self.gamma is None:
            return dy
        self.gamma.add_grad((dy * z).sum(axis=others))
        return dy * self.spread(self.gamma.value, z.ndim)

    @property
    def carries_mask(self) -> bool:
        return True

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
        }


class LayerNormalization(AffineNormalization):
    """`y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`, mean and variance of each sample along `axis`.

    Ba, Kiros and Hinton 2016. x and y have the same shape; weights gamma and beta have the sizes of `axis` (default:
    the last). rms_scaling: `gamma * x / sqrt(variance + epsilon)` instead, as Keras means it. A mask is passed on.

    >>> import numpy as np
    >>> from rnnfast.layers import LayerNormalization
    >>> LayerNormalization(epsilon=0)(np.array([[1.0, 3.0], [5.0, 5.5]]))
    array([[-1.,  1.],
           [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        *,
        rms_scaling: bool = False,
        **options: Any,
    ) -> None:
        self.rms_scaling = bool(rms_scaling)
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **options,
        )  # fmt: skip

    # Keras: root-mean-square scaling has a gamma always and a beta never, whatever center and scale say.

    @property
    def has_gamma(self) -> bool:
        return self.scale or self.rms_scaling

    @property
    def has_beta(self) -> bool:
        return self.center and not self.rms_scaling

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        axes = self.resolved(x.ndim)
        centered = x - x.mean(axis=axes, keepdims=True)
        inverse = 1 / np.sqrt(np.square(centered).mean(axis=axes, keepdims=True) + x.dtype.type(self.epsilon))
        z = (x if self.rms_scaling else centered) * inverse
        return self.affine(z), (z, centered, inverse) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        z, centered, inverse = cache
        dz = self.affine_backward(dy, z)
        if not need_dx:
            return None
        axes = self.resolved(z.ndim)
        # inverse depends on x by its variance: d inverse / dx = -inverse^3 (x - mean) / n.
        through_scale = centered * (np.square(inverse) * (dz * z).mean(axis=axes, keepdims=True))
        dx = dz * inverse - through_scale
        return dx if self.rms_scaling else dx - dz.mean(axis=axes, keepdims=True) * inverse

    def lower(self, program: Any, value: Any) -> Any:
        gamma, beta = (None if w is None else w.value.ravel() for w in (self.gamma, self.beta))
        mode = "rms" if self.rms_scaling else "layer"
        return self.lower_along(
            program, value, lambda v: program.normalize(v, mode, self.epsilon, gamma, beta, self.name)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}


class UnitNormalization(AxisLayer):
    """`y = x / max(norm, 1e-12)`, norm the Euclidean one along `axis` (default: the last). A mask is passed on.

    >>> import numpy as np
    >>> from rnnfast.layers import UnitNormalization
    >>> UnitNormalization()(np.array([[3.0, 4.0]])).round(3)
    array([[0.6, 0.8]], dtype=float32)
    """

    min_rank = 2
    needs_sizes = False
    epsilon = 1e-12  # Keras' own; no argument

    def __init__(self, axis: Any = -1, **options: Any) -> None:
        super().__init__(**options)
        axes = given_axes(f"{self.label}: axis", axis)
        self.axis = axes if isinstance(axis, (list, tuple)) else axes[0]

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        norm = np.sqrt(np.square(x).sum(axis=self.resolved(x.ndim), keepdims=True))
        bounded = np.maximum(norm, x.dtype.type(self.epsilon))
        y = x / bounded
        return y, (y, bounded, norm > self.epsilon) if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        y, norm, moves = cache
        if not need_dx:
            return None
        along = (dy * y).sum(axis=self.resolved(y.ndim), keepdims=True)
        return (dy - y * along * moves) / norm

    @property
    def carries_mask(self) -> bool:
        return True

    def lower(self, program: Any, value: Any) -> Any:
        return self.lower_along(
            program, value, lambda v: program.normalize(v, "unit", self.epsilon, None, None, self.name)
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
