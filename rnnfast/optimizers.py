"""Optimizers: Keras 3's update rules, run as one fused loop over all parameters of a dtype.

>>> import rnnfast
>>> rnnfast.optimizers.Adam(learning_rate=1e-2, clipnorm=1.0).learning_rate
0.01
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast._deprecation import warn_old_argument
from rnnfast._registry import Registry
from rnnfast.variable import Variable


class _Group:
    """All trainable variables of one dtype: they live side by side in `parameters`, their gradients in `gradients`."""

    def __init__(self, variables: list[Variable], slot_names: Sequence[str]) -> None:
        self.variables = variables
        size = sum(v.size for v in variables)
        dtype = variables[0].dtype
        self.parameters = np.empty(size, dtype)
        self.gradients = np.zeros(size, dtype)
        self.before = np.empty(size, dtype)  # the parameters before the last update
        self.slots = {name: np.zeros(size, dtype) for name in slot_names}
        self.adopt()

    def parts(self, flat: np.ndarray) -> list[np.ndarray]:
        """One view of `flat` per variable, in its shape."""
        ends = np.cumsum([v.size for v in self.variables])
        return [flat[end - v.size : end].reshape(v.shape) for v, end in zip(self.variables, ends, strict=True)]

    def adopt(self) -> None:
        """Move the variables into `parameters`, unless they are there: another optimizer may have moved them out."""
        if not all(v.lives_in(self.parameters) for v in self.variables):
            for variable, part in zip(self.variables, self.parts(self.parameters), strict=True):
                variable.move_into(part)

    def collect(self) -> None:
        """Gather the gradients; a variable without one counts as zero."""
        np.concatenate(
            [np.zeros(v.size, v.dtype) if v.grad is None else v.grad.reshape(-1) for v in self.variables],
            out=self.gradients,
        )

    def touch(self) -> None:
        for variable in self.variables:
            variable.touch()


class Optimizer:
    """Base class. At most one of `clipnorm` (norm of each gradient), `clipvalue` (each element) and `global_clipnorm`
    (norm of all gradients together) may be given. `learning_rate` can be set at any time; `lr=` is its old name.

    weight_decay, use_ema, loss_scale_factor and gradient_accumulation_steps other than their default are a ValueError.
    """

    slot_names: tuple[str, ...] = ()  # what is kept per parameter between updates

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
        self._groups: list[_Group] = []
        self._built_for: list[Variable] = []

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
        """Take charge of the variables: their values move into flat buffers, the slots start at zero."""
        self._built_for = list(variables)
        by_dtype: dict[Any, list[Variable]] = {}
        for variable in variables:
            by_dtype.setdefault(variable.dtype, []).append(variable)
        self._groups = [_Group(group, self.slot_names) for group in by_dtype.values()]

    def apply(self, variables: Sequence[Variable]) -> None:
        """One update of the variables from their `grad`. ValueError, with nothing written, if one is not finite."""
        if not self._built_for:
            self.build(variables)
        elif len(variables) != len(self._built_for) or any(
            a is not b for a, b in zip(variables, self._built_for, strict=True)
        ):
            raise ValueError(
                f"optimizer {self.name!r} was built for other variables, of another model or of this one before its "
                "layers or what is trainable changed; compile the model again, with a new optimizer"
            )
        for group in self._groups:
            group.adopt()
            group.collect()
            if not _all_finite(group.gradients):
                raise NonFiniteError("the gradients are not finite")
        self._clip()
        self.iterations += 1
        for group in self._groups:
            np.copyto(group.before, group.parameters)
            self.update(group.parameters, group.gradients, **group.slots)
            group.touch()

    def undo(self) -> bool:
        """Put back the parameters that the last update changed (not the slots). False: there was none yet."""
        if self.iterations == 0:
            return False
        for group in self._groups:
            np.copyto(group.parameters, group.before)
            group.touch()
        return True

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        """One step of the rule over flat arrays, in place."""
        raise TypeError(f"{type(self).__name__} does not define update(parameters, gradients)")

    def _clip(self) -> None:
        if self.clipvalue is not None:
            for group in self._groups:
                np.clip(group.gradients, -self.clipvalue, self.clipvalue, out=group.gradients)
        elif self.clipnorm is not None:
            for group in self._groups:
                for part in group.parts(group.gradients):
                    part *= _norm_scale(self.clipnorm, _norm(part))
        elif self.global_clipnorm is not None:
            norm = math.hypot(*(_norm(group.gradients) for group in self._groups))
            for group in self._groups:
                group.gradients *= _norm_scale(self.global_clipnorm, norm)

    def get_state(self) -> dict[str, Any]:
        """Copies of the step count and, by name, of each slot: one array per trainable variable."""
        order = {id(v): i for i, v in enumerate(self._built_for)}
        state: dict[str, Any] = {"iterations": self.iterations}
        for name in self.slot_names if self._groups else ():
            arrays: list[Any] = [None] * len(order)
            for group in self._groups:
                for variable, part in zip(group.variables, group.parts(group.slots[name]), strict=True):
                    arrays[order[id(variable)]] = part.copy()
            state[name] = arrays
        return state

    def set_state(self, state: dict[str, Any], variables: Sequence[Variable]) -> None:
        """Go on from a state of `get_state` with these variables. ValueError if it does not fit them."""
        for name in self.slot_names:
            shapes = [np.shape(a) for a in state.get(name, [])]
            if shapes and shapes != [v.shape for v in variables]:
                raise ValueError(f"optimizer {self.name!r}: slot {name!r} has shapes {shapes}, not the model's")
        self.build(variables)
        self.iterations = int(state["iterations"])
        index = {id(v): i for i, v in enumerate(variables)}
        for group in self._groups:
            for name, flat in group.slots.items():
                for variable, part in zip(group.variables, group.parts(flat), strict=True):
                    if state.get(name):
                        part[...] = state[name][index[id(variable)]]

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
    """Training met NaN or infinity; the weights are those of before the bad update."""


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

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        _kernels.sgd_update(
            parameters, gradients, slots.get("momentum"), self.learning_rate, self.momentum, self.nesterov
        )

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

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        _kernels.rmsprop_update(
            parameters, gradients, slots["velocity"], slots.get("momentum"), slots.get("average_gradient"),
            self.learning_rate, self.rho, self.momentum, self.epsilon,
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

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        _kernels.adam_update(
            parameters, gradients, slots["momentum"], slots["velocity"],
            self.learning_rate, self.beta_1, self.beta_2, self.epsilon, self.iterations,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": False}
        return {**super().get_config(), **own}


def _norm(array: np.ndarray) -> float:
    return math.sqrt(float(np.square(array, dtype=np.float64).sum()))


def _norm_scale(limit: float, norm: float) -> float:
    return limit / max(norm, limit)


def _all_finite(flat: np.ndarray) -> bool:
    # A finite sum needs one read and is the rule; a sum that is not may have overflowed, so look closely.
    with np.errstate(all="ignore"):
        return math.isfinite(float(flat.sum())) or bool(np.isfinite(flat).all())


_registry: Registry[Optimizer] = Registry("optimizer", Optimizer, "keras.optimizers")
for _cls in (SGD, RMSprop, Adam):
    _registry.add(_cls, name=_cls.__name__.lower())  # rmsprop: snake case would break it after RM

get = _registry.get
serialize = _registry.serialize
