"""BatchNormalization: features scaled by the statistics of the batch in training, by moving averages in inference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rnnfast import _arguments, initializers
from rnnfast.layers.base import Shape
from rnnfast.layers.normalization import AffineNormalization
from rnnfast.variable import Variable

# Keras' backend.epsilon(): added to the number of real steps, so that a batch without one has no statistics of NaN.
_COUNT_EPSILON = 1e-7


class BatchNormalization(AffineNormalization):
    """`y = gamma * (x - mean) / sqrt(variance + epsilon) + beta` for each place along `axis` (default: the last).

    Ioffe and Szegedy 2015. In training mean and variance are those of the batch, over all other axes, and move the
    averages `moving_mean` and `moving_variance` (not trainable): `moving = momentum * moving + (1 - momentum) * new`.
    In inference, and with `trainable=False` always, they are these averages. A mask of rank one less than x's leaves
    masked steps out of the statistics, and is passed on. Batch statistics that are not finite leave the averages as
    they are.

    x and y have the same shape. renorm and synchronized are a ValueError.

    >>> import numpy as np
    >>> from rnnfast.layers import BatchNormalization
    >>> layer = BatchNormalization(momentum=0.5, epsilon=0)
    >>> layer(np.array([[1.0], [3.0]]), training=True)
    array([[-1.],
           [ 1.]], dtype=float32)
    >>> layer.moving_mean.numpy()
    array([1.], dtype=float32)
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **options,
        )  # fmt: skip
        self.refuse(renorm=renorm, renorm_clipping=renorm_clipping, synchronized=synchronized)
        if not _arguments.is_whole(axis):
            raise TypeError(f"{self.label}: axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        self.momentum = _arguments.number(f"{self.label}: momentum", momentum)
        self.renorm_momentum = _arguments.number(f"{self.label}: renorm_momentum", renorm_momentum)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.moving_mean: Variable
        self.moving_variance: Variable

    def create_variables(self, input_shape: Shape) -> None:
        super().create_variables(input_shape)
        sizes = self.sizes_along(input_shape)
        self.moving_mean = self.add_weight("moving_mean", sizes, self.moving_mean_initializer, trainable=False)
        self.moving_variance = self.add_weight(
            "moving_variance", sizes, self.moving_variance_initializer, trainable=False
        )

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        real = self.check_mask(mask, x.shape[:-1])
        from_batch = training and self.trainable
        if from_batch:
            with np.errstate(invalid="ignore"):  # where x is not finite
                mean, variance, count = self._moments(x, real)
            self._move(mean, variance)
        else:
            mean, variance, count = self.moving_mean.value, self.moving_variance.value, 0.0
        inverse = self.spread((1 / np.sqrt(variance + self.epsilon)).astype(x.dtype), x.ndim)
        z = (x - self.spread(mean.astype(x.dtype), x.ndim)) * inverse
        return self.affine(z), (z, inverse, real, count if from_batch else None) if training else None

    def _moments(self, x: np.ndarray, real: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, Any]:
        """Mean, variance, and of how many values each."""
        others = self.others(x.ndim)
        if real is None:
            count = x.size / x.shape[self.resolved(x.ndim)[0]]
            mean = x.sum(axis=others, dtype=np.float64) / count
            away = x - self.spread(mean.astype(x.dtype), x.ndim)
        else:
            kept = np.broadcast_to(real[..., None], x.shape)
            count = kept.sum(axis=others) + _COUNT_EPSILON
            mean = np.where(kept, x, 0).sum(axis=others, dtype=np.float64) / count
            away = np.where(kept, x - self.spread(mean.astype(x.dtype), x.ndim), 0)
        return mean, np.square(away).sum(axis=others, dtype=np.float64) / count, count

    def _move(self, mean: np.ndarray, variance: np.ndarray) -> None:
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            return
        for moving, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * self.momentum + new * (1 - self.momentum))

    @property
    def mixes_rows(self) -> bool:
        return self.trainable

    def memories(self) -> list[Callable[[], None]]:
        moves = self.built and self.trainable
        averages = (self.moving_mean, self.moving_variance) if moves else ()
        return [partial(moving.assign, moving.value.copy()) for moving in averages]

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        z, inverse, real, count = cache
        dz = self.affine_backward(dy, z)
        if not need_dx:
            return None
        if count is None:  # mean and variance are constants
            return dz * inverse
        others = self.others(z.ndim)
        # Every output depends on mean and variance, the masked ones too; these depend on the real inputs alone.
        shared = self.spread((dz.sum(axis=others) / count).astype(z.dtype), z.ndim)
        shared = shared + z * self.spread(((dz * z).sum(axis=others) / count).astype(z.dtype), z.ndim)
        return (dz - (shared if real is None else np.where(real[..., None], shared, 0))) * inverse

    def lower(self, program: Any, value: Any) -> Any:
        scale = 1 / np.sqrt(self.moving_variance.value.astype(np.float64) + self.epsilon)
        scale = scale if self.gamma is None else scale * self.gamma.value
        beta = None if self.beta is None else self.beta.value
        shift = self.moving_mean.value
        return self.lower_along(program, value, lambda v: program.scale(v, shift, scale, beta, self.name))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "renorm": False,
            "renorm_clipping": None,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": False,
        }
