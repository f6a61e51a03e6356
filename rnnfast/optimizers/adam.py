"""The family of Adam: running means of the gradient and of its size. Adam, AdamW, Nadam, Adamax."""

from __future__ import annotations

from typing import Any, ClassVar

from rnnfast.optimizers.fused import Fused
from rnnfast.optimizers.moments import Moments


class _FusedMoments(Moments, Fused):
    """Adam's slots in the core, and what it is told."""

    all_slots: ClassVar[tuple[str, ...]] = ("momentum", "velocity")

    def numbers(self) -> dict[str, Any]:
        return self.rates


class Adam(_FusedMoments):
    """Adam (Kingma and Ba 2015): `m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;
    w -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)`. amsgrad: the largest v so far takes
    the place of v (Reddi et al. 2018). Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Adam
    >>> Adam(learning_rate=1e-2, clipnorm=1.0).learning_rate
    0.01
    """

    rule = "adam"
    all_slots = ("momentum", "velocity", "velocity_hat")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **options)
        self.amsgrad = bool(amsgrad)
        self.slot_names = self.all_slots if self.amsgrad else self.all_slots[:2]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "amsgrad": self.amsgrad}


class AdamW(Adam):
    """Adam with weight decay that is no part of the gradient (Loshchilov and Hutter 2019): see `Optimizer`.

    >>> from rnnfast.optimizers import AdamW
    >>> AdamW(weight_decay=0.01).weight_decay
    0.01
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number, got None; use Adam for none")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options)


class Adamax(_FusedMoments):
    """Adam with the largest gradient in the place of its root mean square (Kingma and Ba 2015, section 7):
    `u = max(beta_2 u, |g|); w -= learning_rate m / ((1 - beta_1^t) (u + epsilon))`. Further arguments are those of
    `Optimizer`.

    >>> from rnnfast.optimizers import Adamax
    >>> Adamax().slot_names
    ('momentum', 'norm')
    """

    rule = "adamax"
    all_slots = ("momentum", "norm")


class Nadam(_FusedMoments):
    """Adam with Nesterov's momentum (Dozat 2016): with `u_t = beta_1 (1 - 0.96^t / 2)` and `p_t = u_1 ... u_t`,
    `w -= learning_rate (u_{t+1} m / (1 - p_{t+1}) + (1 - u_t) g / (1 - p_t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)`.
    Further arguments are those of `Optimizer`.

    >>> from rnnfast.optimizers import Nadam
    >>> round(Nadam().momentum_product(2), 4)
    0.2271
    """

    rule = "nadam"
    _product = (0, 1.0)  # a step and the product up to it: the next one needs one factor more

    def _momentum(self, step: int) -> float:
        return self.beta_1 * (1 - 0.5 * 0.96**step)

    def momentum_product(self, step: int) -> float:
        """The product of the momenta of all steps up to `step`."""
        known, product = self._product if self._product[0] <= step else (0, 1.0)
        for t in range(known + 1, step + 1):
            product *= self._momentum(t)
        self._product = (step, product)
        return product

    def numbers(self) -> dict[str, Any]:
        step = self.iterations + 1
        product, next_momentum = self.momentum_product(step), self._momentum(step + 1)
        shares = {
            "slot_share": next_momentum / (1 - product * next_momentum),
            "grad_share": (1 - self._momentum(step)) / (1 - product),
        }
        return {**super().numbers(), **shares}
