"""Optimizers: Keras 3's update rules, run as one fused loop over each variable.

>>> import rnnfast
>>> rnnfast.optimizers.Adam(learning_rate=1e-2, clipnorm=1.0).learning_rate
0.01
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast._deprecation import warn_old_argument
from rnnfast._registry import Registry
from rnnfast.variable import Variable


class Optimizer:
    """Base class. At most one of `clipnorm` (norm of each gradient), `clipvalue` (each element) and `global_clipnorm`
    (norm of all gradients together) may be given. `learning_rate` can be set at any time; `lr=` is its old name.

    weight_decay, use_ema, loss_scale_factor and gradient_accumulation_steps other than their default are a ValueError.
    """

    slot_names: tuple[str, ...] = ()  # what is kept per parameter between updates

    # Rules whose update also writes the old parameters, to an argument `before`, in the same pass.
    _fills_before = False

    def __init__(
        self,
        learning_rate: float,
        *,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
        lr: float | None = None,
        weight_decay: Any = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: Any = None,
        loss_scale_factor: Any = None,
        gradient_accumulation_steps: Any = None,
    ) -> None:
        if lr is not None:
            warn_old_argument(type(self).__name__, "lr", "use learning_rate= instead")
            learning_rate = lr
        unsupported = {
            "weight_decay": weight_decay,
            "use_ema": use_ema,
            "ema_overwrite_frequency": ema_overwrite_frequency,
            "loss_scale_factor": loss_scale_factor,
            "gradient_accumulation_steps": gradient_accumulation_steps,
        }
        for argument, value in unsupported.items():
            if value:
                raise ValueError(f"{type(self).__name__}: {argument}={value!r} is not supported yet; leave it out")
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [argument for argument, value in clips.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{type(self).__name__}: give one of clipnorm, clipvalue and global_clipnorm, got {given}")
        for argument in given:
            self._check_number(argument, clips[argument], above=0.0)
        self.name = type(self).__name__.lower() if name is None else name
        self.learning_rate = learning_rate
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.iterations = 0
        self._built_for: list[Variable] = []
        self._slots: list[dict[str, np.ndarray]] = []  # of each variable, flat
        self._before: list[np.ndarray] = []  # the variables before the last update, flat
        self._versions: list[int] = []  # of the variables after it; empty: there is nothing to undo

    def _check_number(self, argument: str, value: Any, above: float | None = None, below: float | None = None) -> float:
        value = _arguments.number(f"{type(self).__name__}: {argument}", value)
        if (above is not None and value <= above) or (below is not None and not 0 <= value < below):
            expected = "a number" if below is None else f"a number from 0 to below {below}"
            expected = expected if above is None else f"a number above {above}"
            raise ValueError(f"{type(self).__name__}: {argument} must be {expected}, got {value!r}")
        return value

    @property
    def learning_rate(self) -> float:
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = self._check_number("learning_rate", value)
        if self._learning_rate < 0:
            raise ValueError(f"{type(self).__name__}: learning_rate must not be negative, got {value!r}")

    def build(self, variables: Sequence[Variable]) -> None:
        """Take charge of the variables: the slots start at zero."""
        self._built_for = list(variables)
        self._slots = [{name: _kernels.empty((v.size,), v.dtype) for name in self.slot_names} for v in variables]
        for slots in self._slots:
            for slot in slots.values():
                slot.fill(0)
        self._before = [_kernels.empty((v.size,), v.dtype) for v in variables]
        self._versions = []

    def apply(self, variables: Sequence[Variable]) -> None:
        """One update of the variables from their `grad`; one without counts as zero. ValueError, with nothing written,
        if one is not finite."""
        if not self._built_for:
            self.build(variables)
        elif len(variables) != len(self._built_for) or any(map(operator.is_not, variables, self._built_for)):
            raise ValueError(
                f"optimizer {self.name!r} was built for other variables, of another model or of this one before its "
                "layers or what is trainable changed; compile the model again, with a new optimizer"
            )
        gradients = [_flat_gradient(v) for v in variables]
        if not all(map(_kernels.all_finite, gradients)):
            raise NonFiniteError("the gradients are not finite")
        gradients = self._clipped(gradients)
        self._versions = []
        self.iterations += 1
        for variable, gradient, before, slots in zip(variables, gradients, self._before, self._slots, strict=True):
            if self._fills_before:
                self.update(variable.storage, gradient, before=before, **slots)
            else:
                before[...] = variable.storage
                self.update(variable.storage, gradient, **slots)
            variable.touch()
        self._versions = [v.version for v in variables]

    def undo(self) -> bool:
        """Put back the parameters that the last update changed (not the slots). False, and nothing changed: there was
        none in this process, or the parameters have been assigned since."""
        if not self._versions or self._versions != [v.version for v in self._built_for]:
            return False
        for variable, before in zip(self._built_for, self._before, strict=True):
            variable.assign(before.reshape(variable.shape))
        return True

    def __getstate__(self) -> dict[str, Any]:
        """A copied or pickled optimizer has made no update of its own variables yet."""
        return {**self.__dict__, "_versions": []}

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        """One step of the rule over one variable's flat arrays, in place; the slots by their names."""
        raise TypeError(f"{type(self).__name__} does not define update(parameters, gradients, **slots)")

    def _clipped(self, gradients: list[np.ndarray]) -> list[np.ndarray]:
        if self.clipvalue is not None:
            return [np.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        if self.clipnorm is not None:
            return [g * _norm_scale(self.clipnorm, _norm(g)) for g in gradients]
        if self.global_clipnorm is not None:
            scale = _norm_scale(self.global_clipnorm, math.hypot(*map(_norm, gradients)))
            return [g * scale for g in gradients]
        return gradients

    def get_state(self) -> dict[str, Any]:
        """Copies of the step count and, by name, of each slot: one array per trainable variable."""
        state: dict[str, Any] = {"iterations": self.iterations}
        for name in self.slot_names if self._slots else ():
            state[name] = [
                slots[name].reshape(v.shape).copy() for v, slots in zip(self._built_for, self._slots, strict=True)
            ]
        return state

    def set_state(self, state: dict[str, Any], variables: Sequence[Variable]) -> None:
        """Go on from a state of `get_state` with these variables. ValueError if it does not fit them."""
        for name in self.slot_names:
            shapes = [np.shape(a) for a in state.get(name, [])]
            if shapes and shapes != [v.shape for v in variables]:
                raise ValueError(f"optimizer {self.name!r}: slot {name!r} has shapes {shapes}, not the model's")
        self.build(variables)
        self.iterations = int(state["iterations"])
        for i, slots in enumerate(self._slots):
            for name, slot in slots.items():
                if state.get(name):
                    slot[...] = np.reshape(state[name][i], -1)

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "learning_rate": self.learning_rate,
            "weight_decay": None,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": False,
            "ema_momentum": 0.99,
            "ema_overwrite_frequency": None,
            "loss_scale_factor": None,
            "gradient_accumulation_steps": None,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        return cls(**config)


class NonFiniteError(ValueError):
    """Training met NaN or infinity: the update that is to blame has been undone, or none was made."""


class SGD(Optimizer):
    """`m = momentum m - learning_rate g; w += m`, with nesterov `w += momentum m - learning_rate g`."""

    def __init__(
        self, learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False, **options: Any
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = self._check_number("momentum", momentum)
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"SGD: momentum must be a number from 0 to 1, got {momentum!r}")
        self.nesterov = bool(nesterov)
        self.slot_names = ("momentum",) if self.momentum else ()

    _fills_before = True

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, before: np.ndarray, **slots: np.ndarray
    ) -> None:
        _kernels.sgd_update(
            parameters, gradients, slots.get("momentum"), self.learning_rate, self.momentum, self.nesterov,
            before=before,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


class RMSprop(Optimizer):
    """`v = rho v + (1 - rho) g^2; w -= learning_rate g / sqrt(v + epsilon)`; with momentum the step goes through
    `m = momentum m + step; w -= m`; centered subtracts the squared mean gradient from v."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.rho = self._check_number("rho", rho, below=1.0)
        self.momentum = self._check_number("momentum", momentum, below=1.0)
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)
        self.centered = bool(centered)
        extra = (("momentum",) if self.momentum else ()) + (("average_gradient",) if self.centered else ())
        self.slot_names = ("velocity", *extra)

    _fills_before = True

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, before: np.ndarray, **slots: np.ndarray
    ) -> None:
        _kernels.rmsprop_update(
            parameters, gradients, slots["velocity"], slots.get("momentum"), slots.get("average_gradient"),
            self.learning_rate, self.rho, self.momentum, self.epsilon, before=before,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        own = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **own}


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): `m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;
    w -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)`. amsgrad: only False."""

    slot_names = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        if amsgrad:
            raise ValueError("Adam: argument amsgrad=True is not supported yet; leave it out")
        self.beta_1 = self._check_number("beta_1", beta_1, below=1.0)
        self.beta_2 = self._check_number("beta_2", beta_2, below=1.0)
        self.epsilon = self._check_number("epsilon", epsilon, above=0.0)

    _fills_before = True

    def update(  # type: ignore[override]
        self, parameters: np.ndarray, gradients: np.ndarray, *, before: np.ndarray, **slots: np.ndarray
    ) -> None:
        _kernels.adam_update(
            parameters, gradients, slots["momentum"], slots["velocity"],
            self.learning_rate, self.beta_1, self.beta_2, self.epsilon, self.iterations, before=before,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": False}
        return {**super().get_config(), **own}


def _norm(array: np.ndarray) -> float:
    return math.sqrt(float(np.square(array, dtype=np.float64).sum()))


def _norm_scale(limit: float, norm: float) -> float:
    return limit / max(norm, limit)


def _flat_gradient(variable: Variable) -> np.ndarray:
    if variable.grad is None:
        return np.zeros(variable.size, variable.dtype)
    return np.ascontiguousarray(variable.grad, variable.dtype).reshape(-1)


_registry: Registry[Optimizer] = Registry("optimizer", Optimizer, "keras.optimizers")
for _cls in (SGD, RMSprop, Adam):
    _registry.add(_cls, name=_cls.__name__.lower())  # rmsprop: snake case would break it after RM

get = _registry.get
serialize = _registry.serialize
