"""Learning rates that follow the number of batches trained on, with Keras 3's names, arguments and formulas."""

from __future__ import annotations

import math
from typing import Any

from rnnfast import _arguments
from rnnfast._registry import Registry


class LearningRateSchedule:
    """Base class: override `__call__(step)`, the learning rate of batch `step` (from 0 on), and `get_config`.

    >>> import rnnfast
    >>> from rnnfast.optimizers.schedules import ExponentialDecay
    >>> rnnfast.optimizers.SGD(ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)).learning_rate
    0.1
    """

    def __call__(self, step: int) -> float:
        raise TypeError(f"{type(self).__name__} does not define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        raise TypeError(f"{type(self).__name__} does not define get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        return cls(**config)

    def _number(self, argument: str, value: Any) -> float:
        return _arguments.number(f"{type(self).__name__}: {argument}", value)

    def _positive(self, argument: str, value: Any) -> Any:
        if self._number(argument, value) <= 0:
            raise ValueError(f"{type(self).__name__}: {argument} must be positive, got {value!r}")
        return value


class _RateDecay(LearningRateSchedule):
    """From `initial_learning_rate` down by `decay_rate` in `decay_steps`; staircase: all at once at their end."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.decay_rate = self._number("decay_rate", decay_rate)
        self.staircase = bool(staircase)
        self.name = type(self).__name__ if name is None else name

    def _decays(self, step: int) -> float:
        decays = step / self.decay_steps
        return float(math.floor(decays)) if self.staircase else decays

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class ExponentialDecay(_RateDecay):
    """`initial_learning_rate decay_rate ^ (step / decay_steps)`; staircase: the exponent is rounded down.

    >>> from rnnfast.optimizers.schedules import ExponentialDecay
    >>> ExponentialDecay(0.1, decay_steps=100, decay_rate=0.5)(200)
    0.025
    """

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate * self.decay_rate ** self._decays(step)


class InverseTimeDecay(_RateDecay):
    """`initial_learning_rate / (1 + decay_rate step / decay_steps)`; staircase: the quotient is rounded down.

    >>> from rnnfast.optimizers.schedules import InverseTimeDecay
    >>> InverseTimeDecay(0.1, decay_steps=100, decay_rate=1.0)(100)
    0.05
    """

    def __call__(self, step: int) -> float:
        return self.initial_learning_rate / (1 + self.decay_rate * self._decays(step))


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and with step `boundaries[i]`, the last value from then on.

    >>> from rnnfast.optimizers.schedules import PiecewiseConstantDecay
    >>> PiecewiseConstantDecay([100, 200], [0.1, 0.05, 0.01])(150)
    0.05
    """

    def __init__(self, boundaries: Any, values: Any, name: str = "PiecewiseConstant") -> None:
        label = type(self).__name__
        self.boundaries = _arguments.items(f"{label}: boundaries", boundaries, "a list of steps")
        self.values = _arguments.items(f"{label}: values", values, "a list of learning rates")
        if not self.boundaries or len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"{label}: values must hold one number more than boundaries, and boundaries at least one, "
                f"got {len(self.values)} and {len(self.boundaries)}"
            )
        for argument, numbers in (("boundaries", self.boundaries), ("values", self.values)):
            for number in numbers:
                self._number(argument, number)
        if self.boundaries != sorted(self.boundaries):
            raise ValueError(f"{label}: boundaries must ascend, got {self.boundaries}")
        self.name = name

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]

    def get_config(self) -> dict[str, Any]:
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}


class PolynomialDecay(LearningRateSchedule):
    """`(initial_learning_rate - end_learning_rate) (1 - step / decay_steps) ^ power + end_learning_rate` up to
    `decay_steps`, then `end_learning_rate`; cycle: it goes up again, over the next multiple of `decay_steps`.

    >>> from rnnfast.optimizers.schedules import PolynomialDecay
    >>> PolynomialDecay(0.5, decay_steps=100, end_learning_rate=0.0)(50)
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.end_learning_rate = self._number("end_learning_rate", end_learning_rate)
        self.power = self._number("power", power)
        self.cycle = bool(cycle)
        self.name = name

    def __call__(self, step: int) -> float:
        cycles = max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1
        done = min(1.0, step / (self.decay_steps * cycles))
        return (self.initial_learning_rate - self.end_learning_rate) * (1 - done) ** self.power + self.end_learning_rate

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class CosineDecay(LearningRateSchedule):
    """Half a cosine from `initial_learning_rate` to its share `alpha` in `decay_steps` (Loshchilov and Hutter 2017).

    warmup_target: a learning rate that is reached first, in a straight line over `warmup_steps`, and that the decay
    then starts from; None: no warm-up.

    >>> from rnnfast.optimizers.schedules import CosineDecay
    >>> CosineDecay(0.0, decay_steps=1000, warmup_target=0.5, warmup_steps=100)(50)
    0.25
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._positive("decay_steps", decay_steps)
        self.alpha = self._number("alpha", alpha)
        self.name = name
        self.warmup_target = None if warmup_target is None else self._number("warmup_target", warmup_target)
        if self._number("warmup_steps", warmup_steps) < 0:
            raise ValueError(f"CosineDecay: warmup_steps must not be negative, got {warmup_steps!r}")
        self.warmup_steps = warmup_steps

    def __call__(self, step: int) -> float:
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if step < self.warmup_steps:
                return (self.warmup_target - start) * (step / self.warmup_steps) + start
            step, start = step - self.warmup_steps, self.warmup_target
        return start * _cosine(min(1.0, step / self.decay_steps), 1.0, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine decay that starts again (SGDR, Loshchilov and Hutter 2017): each period is `t_mul` times as long as the
    one before, and starts `m_mul` times as high; the first one takes `first_decay_steps`.

    >>> from rnnfast.optimizers.schedules import CosineDecayRestarts
    >>> [CosineDecayRestarts(0.5, 100, m_mul=0.5)(step) for step in (0, 100, 300)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = self._number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._positive("first_decay_steps", first_decay_steps)
        if self._number("t_mul", t_mul) < 1:
            raise ValueError(f"CosineDecayRestarts: t_mul must be at least 1, got {t_mul!r}")
        self.t_mul, self.m_mul = float(t_mul), self._number("m_mul", m_mul)
        self.alpha = self._number("alpha", alpha)
        self.name = name

    def __call__(self, step: int) -> float:
        done = step / self.first_decay_steps
        if self.t_mul == 1.0:
            restarts = math.floor(done)
            done -= restarts
        else:
            restarts = math.floor(math.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            # The logarithm may be off by a rounding at a restart.
            restarts += self._start(restarts + 1) <= done
            restarts -= self._start(restarts) > done
            done = (done - self._start(restarts)) / self.t_mul**restarts
        return self.initial_learning_rate * _cosine(done, self.m_mul**restarts, self.alpha)

    def _start(self, restarts: int) -> float:
        """Where the period after so many restarts begins, in lengths of the first."""
        return (1.0 - self.t_mul**restarts) / (1.0 - self.t_mul)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }


def _cosine(done: float, height: float, alpha: float) -> float:
    """Half a cosine from `height` to 0, raised to end at alpha."""
    return (1 - alpha) * (0.5 * height * (1.0 + math.cos(math.pi * done))) + alpha


_registry: Registry[LearningRateSchedule] = Registry(
    "learning rate schedule", LearningRateSchedule, "keras.optimizers.schedules"
)
for _cls in (
    ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay, CosineDecay, CosineDecayRestarts,
):  # fmt: skip
    _registry.add(_cls)

serialize = _registry.serialize
deserialize = _registry.deserialize
