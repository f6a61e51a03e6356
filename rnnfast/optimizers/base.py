"""What every optimizer has: its arguments, a learning rate, one update, and what is kept between updates."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from rnnfast import _arguments, _kernels
from rnnfast._warnings import warn_old_argument
from rnnfast.optimizers import schedules
from rnnfast.optimizers.clipping import clip
from rnnfast.optimizers.keras_form import KerasForm
from rnnfast.optimizers.rate import Rate
from rnnfast.optimizers.schedules import LearningRateSchedule
from rnnfast.row_gradient import RowGradient, values_of, with_values
from rnnfast.variable import Variable, flat_copy

# Slots that belong to the options, not to a rule.
_AVERAGE, _ACCUMULATOR = "average", "gradient_accumulator"


class NonFiniteError(ValueError):
    """Training met NaN or infinity: the update that is to blame has been undone, or none was made."""


class Optimizer(KerasForm):
    """Base class, with Keras 3's arguments.

    learning_rate: a number, a `schedules.LearningRateSchedule`, or a function without arguments. A number can be set
    at any time; `lr=` is its old name, and `decay=` has no effect. weight_decay: before an update the weights shrink
    by `learning_rate * weight_decay` of themselves (`exclude_from_weight_decay` spares some). At most one of `clipnorm`
    (norm of each gradient), `clipvalue` (each element) and `global_clipnorm` (norm of all gradients together). use_ema:
    an average of the weights, `average = ema_momentum average + (1 - ema_momentum) weights`, replaces them every
    `ema_overwrite_frequency` updates (None: never) and at the end of `fit`. gradient_accumulation_steps: one update, by
    the mean gradient, for so many batches (2 or more). loss_scale_factor is accepted and has no effect: float32 and
    float64 need no scaling.

    A rule of your own is a subclass with `update`, and `slot_names` where it keeps something; or one with
    `update_step`, as Keras has it (see `keras_form.KerasForm`):

    >>> import numpy as np
    >>> from rnnfast.optimizers import Optimizer
    >>> class SignSGD(Optimizer):
    ...     def update(self, parameters, gradients, **slots):
    ...         parameters -= self.learning_rate * np.sign(gradients)
    >>> SignSGD(0.01).learning_rate
    0.01
    """

    slot_names: tuple[str, ...] = ()  # what the rule keeps per parameter between updates
    takes_rows = False  # whether `update_all` takes a RowGradient for a gradient
    alternating = 0  # how many of the first slots Keras' files hold variable by variable

    def __init__(
        self,
        learning_rate: Any,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        lr: float | None = None,
        decay: float | None = None,
    ) -> None:
        if lr is not None:
            warn_old_argument(type(self).__name__, "lr", "use learning_rate= instead")
            learning_rate = lr
        if decay is not None:
            instead = "it has no effect, as in Keras 3; give learning_rate= a schedules.InverseTimeDecay"
            warn_old_argument(type(self).__name__, "decay", instead)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [argument for argument, value in clips.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{type(self).__name__}: give one of clipnorm, clipvalue and global_clipnorm, got {given}")
        for argument in given:
            self._check_number(argument, clips[argument], above=0.0)
        if weight_decay is not None and self._check_number("weight_decay", weight_decay) < 0:
            raise ValueError(f"{type(self).__name__}: weight_decay must not be negative, got {weight_decay!r}")
        if loss_scale_factor is not None:
            self._check_number("loss_scale_factor", loss_scale_factor, above=0.0)
        if not 0 <= self._check_number("ema_momentum", ema_momentum) <= 1:
            raise ValueError(f"{type(self).__name__}: ema_momentum must be a number from 0 to 1, got {ema_momentum!r}")
        self.name = type(self).__name__.lower() if name is None else name
        self._learning_rate: float | LearningRateSchedule | Callable[[], float] = 0.0
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema = bool(use_ema)
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = self._check_count("ema_overwrite_frequency", ema_overwrite_frequency, 1)
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = self._check_count(
            "gradient_accumulation_steps", gradient_accumulation_steps, 2
        )
        self.batches = 0  # gradients taken so far; more than `iterations` where they are accumulated
        self._spared: tuple[list[Variable], str | None] = ([], None)  # from weight decay: variables, a pattern of names
        self.built_for: list[Variable] = []  # that it was built for
        self._updated: list[Variable] = []  # those of them that the last update was for
        self._slots: list[dict[str, np.ndarray]] = []  # of each variable, flat
        self._rule_slots: list[dict[str, np.ndarray]] = []  # of each updated one, as the rule takes them
        self._decaying: list[bool] = []  # whether weight decay is for it
        self._before: list[np.ndarray] = []  # the variables before the last update, flat
        self._versions: list[int] = []  # of the variables after it; empty: there is nothing to undo

    # Arguments

    def _check_number(self, argument: str, value: Any, above: float | None = None, below: float | None = None) -> float:
        value = _arguments.number(f"{type(self).__name__}: {argument}", value)
        if (above is not None and value <= above) or (below is not None and not 0 <= value < below):
            expected = "a number" if below is None else f"a number from 0 to below {below}"
            expected = expected if above is None else f"a number above {above}"
            raise ValueError(f"{type(self).__name__}: {argument} must be {expected}, got {value!r}")
        return value

    def _check_count(self, argument: str, value: Any, least: int) -> int | None:
        """None, which False and 0 mean too, or an integer from `least` on."""
        return _arguments.whole_number(f"{type(self).__name__}: {argument}", value, least) if value else None

    @property
    def learning_rate(self) -> Rate:
        """The learning rate of the next update, a float."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            rate = rate(self.batches)
        return Rate(rate() if callable(rate) else rate, partial(setattr, self, "learning_rate"))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value) and not isinstance(value, type):
            self._learning_rate = value
            return
        if self.schedule is not None:
            raise TypeError(
                f"{type(self).__name__}: learning_rate is a {type(self.schedule).__name__} and follows it; make the "
                "optimizer with a number, or set another schedule"
            )
        number = self._check_number("learning_rate", value)
        if number < 0:
            raise ValueError(f"{type(self).__name__}: learning_rate must not be negative, got {value!r}")
        self._learning_rate = number

    @property
    def schedule(self) -> LearningRateSchedule | None:
        """What the learning rate follows, if it follows a schedule."""
        return self._learning_rate if isinstance(self._learning_rate, LearningRateSchedule) else None

    @property
    def iterations(self) -> int:
        """Updates so far."""
        return self.batches // (self.gradient_accumulation_steps or 1)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Spare these variables, and those in whose name one of `var_names` is found, from weight decay.

        ValueError after the first update.

        >>> import rnnfast
        >>> optimizer = rnnfast.optimizers.AdamW()
        >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
        """
        if self.built_for:
            raise ValueError(f"optimizer {self.name!r}: exclude_from_weight_decay must come before the first update")
        names = [] if var_names is None else _arguments.items("var_names", var_names, "a list of names")
        self._spared = (list(var_list or []), "|".join(names) or None)

    def decay_of(self, variable: Variable) -> float:
        """The weight decay of a variable that is not spared."""
        return self.weight_decay or 0.0

    def _decays(self, variable: Variable) -> bool:
        variables, pattern = self._spared
        return not (any(variable is v for v in variables) or (pattern and re.search(pattern, variable.name)))

    # Updates

    @property
    def state_slots(self) -> tuple[str, ...]:
        """All that is kept per parameter, in the order of Keras' files."""
        averages = (_AVERAGE,) if self.use_ema else ()
        accumulators = (_ACCUMULATOR,) if self.gradient_accumulation_steps else ()
        return (*averages, *accumulators, *self.slot_names)

    def slot_shapes(self, variable: Variable) -> dict[str, tuple[int, ...]]:
        """The shape of each slot that is kept for a variable, in the order of Keras' files."""
        return dict.fromkeys(self.state_slots, variable.shape)

    def slot_start(self, name: str) -> float:
        """What a slot starts from."""
        return 0.0

    def build(self, variables: Sequence[Variable]) -> None:
        """Take charge of the variables, with new slots."""
        self.built_for, self._named = list(variables), [set() for _ in variables]
        self._slots = [
            {name: _kernels.empty((math.prod(shape),), v.dtype) for name, shape in self.slot_shapes(v).items()}
            for v in variables
        ]
        for slots in self._slots:
            for name, slot in slots.items():
                slot.fill(self.slot_start(name))
        self.arrange(variables)

    def arrange(self, variables: Sequence[Variable]) -> None:
        """Lay out what updates of these variables work on, some or all of those that the optimizer was built for."""
        own = {id(v): slots for v, slots in zip(self.built_for, self._slots, strict=True)}
        self._updated, self._versions = list(variables), []
        self._rule_slots = [{n: own[id(v)][n] for n in self.slot_names if n in own[id(v)]} for v in variables]
        self._decaying = list(map(self._decays, variables))
        self._before = [_kernels.empty((v.size,), v.dtype) for v in variables]

    def apply(self, variables: Sequence[Variable]) -> None:
        """One update of the variables from their `grad`; one without stays as it is, and so do its slots. They are
        those of the first update, or some of them: others may have been frozen since. ValueError, with nothing written,
        if a gradient is not finite, or a variable is new."""
        if not self.built_for:
            self.build(variables)
        taught = [variable for variable in variables if variable.gradient is not None]
        if taught != self._updated:
            if not {id(v) for v in variables} <= {id(v) for v in self.built_for}:
                raise ValueError(
                    f"optimizer {self.name!r} was built for other variables, of another model or of this one before "
                    "its layers or what is trainable changed; compile the model again, with a new optimizer"
                )
            if not self._updated:  # slots of a pickle may lie in memory that belongs to somebody else
                self._slots = [
                    {name: slot if slot.flags.writeable else flat_copy(slot) for name, slot in slots.items()}
                    for slots in self._slots
                ]
        by_rows = self.takes_rows and not self.gradient_accumulation_steps and not self.in_python
        gradients: list[Any] | None = [_flat_gradient(v, by_rows) for v in taught]
        if not _kernels.all_finite(*values_of(gradients or [])):
            raise NonFiniteError("the gradients are not finite")
        undoable = bool(self._versions) and self._versions == [v.version for v in self._updated]
        if self.gradient_accumulation_steps:
            gradients = self._accumulated(taught, gradients or [], self.gradient_accumulation_steps)
        if gradients is not None:
            if taught != self._updated:
                self.arrange(taught)
            self._versions = []
            clipped = clip(gradients, self.clipnorm, self.clipvalue, self.global_clipnorm)
            decays = zip(taught, self._decaying, strict=True)
            self.update_all(clipped, [self.decay_of(v) if decaying else 0.0 for v, decaying in decays])
        if self.use_ema:
            self._average()
        for variable in taught:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable.value))
        self.batches += 1
        self._versions = [v.version for v in self._updated] if undoable or gradients is not None else []

    def update_all(self, gradients: list[Any], weight_decays: list[float]) -> None:
        """Decay and update the `_updated` variables, by a gradient each; `_before` receives what they were."""
        for variable, gradient, before, slots, decay in zip(
            self._updated, gradients, self._before, self._rule_slots, weight_decays, strict=True
        ):
            before[...] = variable.storage
            if decay:
                variable.storage[...] *= 1 - self.learning_rate * decay
            self.update_variable(variable, gradient, before, slots)
            variable.touch()

    @property
    def in_python(self) -> bool:
        """Whether a subclass has a rule written in Python, in either form."""
        return self.has_update_step or type(self).update is not Optimizer.update

    def update_variable(
        self, variable: Variable, gradients: np.ndarray, before: np.ndarray, slots: dict[str, np.ndarray]
    ) -> None:
        """One step of the rule over one variable, by flat arrays; `update`, for rules that need not know which."""
        if self.has_update_step:
            self.step_of(variable, gradients, self.learning_rate)
            return
        result: Any = self.update(variable.storage, gradients, **slots)  # type: ignore[func-returns-value]
        if result is not None and result is not variable.storage:
            variable.storage[...] = before
            raise TypeError(
                f"{type(self).__name__}: update must change parameters in place and return None, got "
                f"{type(result).__name__}: write `parameters -= ...` or `parameters[...] = ...`"
            )

    def update(self, parameters: np.ndarray, gradients: np.ndarray, **slots: np.ndarray) -> None:
        """One step of the rule over one variable's flat arrays, in place; the slots by their names."""
        raise TypeError(f"{type(self).__name__} does not define update(parameters, gradients, **slots)")

    def _accumulated(self, taught: list[Variable], gradients: list[np.ndarray], steps: int) -> list[np.ndarray] | None:
        """The mean gradient of the last `steps` batches, or None where it is not complete yet. As in Keras, what the
        others have been given goes to nobody if the last batch leaves a variable without."""
        own = {id(v): slots[_ACCUMULATOR] for v, slots in zip(self.built_for, self._slots, strict=True)}
        sums = [own[id(v)] for v in taught]
        for total, gradient in zip(sums, gradients, strict=True):
            total += gradient
        if (self.batches + 1) % steps:
            return None
        means = [total / total.dtype.type(steps) for total in sums]
        for total in own.values():
            total.fill(0)
        return means

    def _average(self) -> None:
        momentum = self.ema_momentum if self.iterations else 0.0
        for variable, slots in zip(self.built_for, self._slots, strict=True):
            slots[_AVERAGE] *= momentum
            slots[_AVERAGE] += (1 - momentum) * variable.storage
        if self.ema_overwrite_frequency and (self.iterations + 1) % self.ema_overwrite_frequency == 0:
            self.finalize_variable_values(self.built_for)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """With `use_ema`, replace the variables by their averages, as at the end of `fit`; nothing else."""
        if self.use_ema and self.built_for:
            averages = {id(v): slots[_AVERAGE] for v, slots in zip(self.built_for, self._slots, strict=True)}
            for variable in var_list:
                if id(variable) in averages:
                    variable.assign(averages[id(variable)].reshape(variable.shape))

    def undo(self) -> bool:
        """Put back the parameters that the last update changed (not the slots). False, and nothing changed: there was
        none in this process, or the parameters have been assigned since."""
        if not self._versions or self._versions != [v.version for v in self._updated]:
            return False
        for variable, before in zip(self._updated, self._before, strict=True):
            variable.assign(before.reshape(variable.shape))
        return True

    # State and configuration

    def __getstate__(self) -> dict[str, Any]:
        """A copied or pickled optimizer has made no update of its own variables yet."""
        return {**self.__dict__, "_versions": [], "_updated": [], "_rule_slots": [], "_before": []}

    def get_state(self) -> dict[str, Any]:
        """Copies of the count of batches, as `iterations`, and of each slot by its name: one array per variable, None
        where the rule keeps none."""
        state: dict[str, Any] = {"iterations": self.batches}
        for name in self.state_slots if self._slots else ():
            shapes = [self.slot_shapes(v).get(name) for v in self.built_for]
            kept = zip(shapes, self._slots, strict=True)
            state[name] = [None if shape is None else slots[name].reshape(shape).copy() for shape, slots in kept]
        return state

    def set_state(self, state: dict[str, Any], variables: Sequence[Variable]) -> None:
        """Go on from a state of `get_state` with these variables. ValueError if it does not fit them, or this rule."""
        kept = {name for name in state if name != "iterations"}
        if kept != set(self.state_slots) and (kept or state["iterations"]) and not self.has_update_step:
            raise ValueError(f"optimizer {self.name!r} keeps {self.state_slots}, and the state is of {sorted(kept)}")
        for name in self.state_slots:
            shapes = [None if a is None else np.shape(a) for a in state.get(name, [])]
            if shapes and shapes != [self.slot_shapes(v).get(name) for v in variables]:
                raise ValueError(f"optimizer {self.name!r}: slot {name!r} has shapes {shapes}, not the model's")
        self.build(variables)
        self.batches = int(state["iterations"])
        for i, slots in enumerate(self._slots):
            for name, slot in slots.items():
                if state.get(name):
                    slot[...] = np.reshape(state[name][i], -1)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, in Keras' form. ValueError: the learning rate is a function."""
        if self.schedule is None and callable(self._learning_rate):
            raise ValueError(f"{type(self).__name__}: a learning_rate that is a function has no serialized form")
        return {
            "name": self.name,
            "learning_rate": float(self.learning_rate) if self.schedule is None else schedules.serialize(self.schedule),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Optimizer:
        rate = config.get("learning_rate")
        return cls(**{**config, "learning_rate": schedules.deserialize(rate)} if isinstance(rate, dict) else config)


def _flat_gradient(variable: Variable, by_rows: bool) -> np.ndarray | RowGradient:
    """The gradient in the dtype of the variable, contiguous, and flat but for a RowGradient."""
    gradient, dtype = variable.gradient, variable.dtype
    if isinstance(gradient, RowGradient):
        if by_rows:
            return with_values(gradient, partial(np.ascontiguousarray, dtype=dtype))
        gradient = gradient.to_array()
    return np.ascontiguousarray(gradient, dtype).reshape(-1)
