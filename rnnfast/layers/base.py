"""What every layer has: a name, a dtype, weights, checks of its input, and the two passes."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from rnnfast import _arguments, _structure, constraints, initializers, regularizers
from rnnfast._registry import auto_name
from rnnfast._warnings import warn_old_argument
from rnnfast.constraints import Constraint
from rnnfast.layers.composite import Composite
from rnnfast.layers.drawn import Drawn
from rnnfast.layers.explained import Explained
from rnnfast.layers.lowered import NoLoweringError, lower_call
from rnnfast.layers.own_call import map_values, shapes_of
from rnnfast.layers.penalties import Penalized
from rnnfast.layers.subclassing import Subclassed
from rnnfast.layers.traced import find_traced
from rnnfast.layers.watched import Watched
from rnnfast.layers.weighted import Weighted
from rnnfast.regularizers import Regularizer
from rnnfast.variable import Variable

Shape = tuple[int | None, ...]


class Layer(Subclassed, Composite, Drawn, Explained, Penalized, Weighted, Watched):
    """Base class of layers.

    A layer is called on arrays, `layer(x)`, and gives an array, in inference unless `training=True`; it builds its
    weights on the first call. Called on symbolic tensors (`Input`) it gives symbolic tensors, from which functional
    models are made. Training goes through two methods: `forward` gives the output and a cache, `backward` takes the
    gradient of the output and that cache, adds to the `grad` of the layer's variables and gives the gradient of the
    input. A layer of several inputs takes a list, its masks come as a list, and its `backward` gives one. A subclass
    defines `create_variables`, `forward`, `backward` and `compute_output_shape`; or, if it is made of layers, holds
    them as attributes and calls them in `call(self, x)`, and needs nothing else (see `layers.own_call`).

    name: default a free name of the class, `dense`, `dense_1`, ... dtype: of weights and computation, "float32"
    (default) or "float64"; input of another numeric dtype is cast to it, as Keras casts it.
    trainable: False keeps the weights as they are in training.

    >>> from rnnfast.layers import Layer
    >>> class Scale(Layer):
    ...     def create_variables(self, input_shape):
    ...         self.factor = self.add_weight("factor", (), "ones")
    ...     def forward(self, x, *, mask=None, training=False):
    ...         return x * self.factor.value, x
    ...     def backward(self, dy, cache, *, need_dx=True):
    ...         self.factor.add_grad((dy * cache).sum())
    ...         return dy * self.factor.value if need_dx else None
    >>> Scale()([[1.0, 2.0]])
    array([[1., 2.]], dtype=float32)
    """

    rank: ClassVar[int | None] = None  # of the input, batch included; None = any from min_rank on
    min_rank: ClassVar[int] = 1
    axes: ClassVar[str] = ""  # names of the input's axes, for messages
    creates_mask: bool = False
    carried_masks: int | None = None  # `carries_mask` is about so many first inputs; None: about all

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        input_shape: Any = None,
        batch_input_shape: Any = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        if unknown:
            raise self._unknown_argument(next(iter(unknown)))
        self.name = name if name is not None else auto_name(type(self).__name__)
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"{type(self).__name__}: name must be a non-empty string, got {name!r}")
        self.dtype = self._dtype_name(dtype)
        self._trainable = bool(trainable)
        self.built = False
        self.input_shape: Shape | None = None  # with the batch axis; known once built
        self.given_input_shape = self._given_shape(input_shape, batch_input_shape)

    # Construction

    def _dtype_name(self, dtype: Any) -> str:
        if isinstance(dtype, dict):  # Keras' serialized DTypePolicy
            config = dtype.get("config")
            dtype = config.get("name") if isinstance(config, dict) else None
        return _arguments.dtype_name(f"{self.label}: dtype", "float32" if dtype is None else dtype)

    @classmethod
    def argument_names(cls) -> set[str]:
        """The arguments that the constructors of a layer name."""
        constructors = {base.__init__ for base in cls.__mro__ if issubclass(base, Layer)}
        named = {name for c in constructors for name in inspect.signature(c).parameters}
        return named - {"self", "options", "unknown", "args", "kwargs"}

    @classmethod
    def _unknown_argument(cls, argument: str) -> TypeError:
        near = difflib.get_close_matches(argument, cls.argument_names(), n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        return TypeError(f"{cls.__name__}: unknown argument {argument!r}{hint}")

    def _given_shape(self, input_shape: Any, batch_input_shape: Any) -> Shape | None:
        given: Shape | None = None
        for argument, value in (("input_shape", input_shape), ("batch_input_shape", batch_input_shape)):
            if value is not None:
                self.warn_old(argument, "start the model with rnnfast.layers.Input(shape) instead")
                shape = _arguments.sizes(f"{self.label}: {argument}", value)
                given = shape if argument == "batch_input_shape" else (None, *shape)
        return given

    def warn_old(self, argument: str, instead: str) -> None:
        warn_old_argument(self.label, argument, instead)

    def refuse(self, **arguments: Any) -> None:
        """Raise for Keras arguments that are not at their default and that this version does not build."""
        for argument, value in arguments.items():
            if value is not None and value is not False and not (isinstance(value, float | int) and value == 0):
                raise ValueError(f"{self.label}: argument {argument}={value!r} is not supported yet; leave it out")

    def positive(self, argument: str, value: Any) -> int:
        """Check an integer argument that must be at least 1."""
        return _arguments.whole_number(f"{self.label}: {argument}", value)

    def regularizer(self, argument: str, identifier: Any) -> Regularizer | None:
        """An argument that takes a regularizer."""
        return self._named(regularizers.get, argument, identifier)

    def constraint(self, argument: str, identifier: Any) -> Constraint | None:
        """An argument that takes a constraint."""
        return self._named(constraints.get, argument, identifier)

    def _named(self, get: Callable[[Any], Any], argument: str, identifier: Any) -> Any:
        try:
            return get(identifier)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{self.label}: {argument}: {error}") from None

    def build(self, input_shape: Any) -> None:
        """Create the weights for an input of `input_shape`, batch axis included and None where unknown."""
        sizes = self._sizes(input_shape)
        self.check_shape(sizes)
        if not self.built:
            self.create_variables(sizes)
            self.set_built(sizes)

    def set_built(self, shape: Any) -> None:
        """Note that the layer is built, for inputs of this shape."""
        self.input_shape = _structure.map_leaves(lambda sizes: (None, *sizes[1:]), shapes_of(shape))
        self.built = True
        self.build_called(self.input_shape)

    def _sizes(self, input_shape: Any) -> Any:
        def checked(given: Any) -> Shape:
            shape = _arguments.items(f"{self.label}: input_shape", given, "a shape: a tuple of integers and None")
            if any(n is not None and not _arguments.is_whole(n) for n in shape):
                raise ValueError(f"{self.label}: input_shape must hold integers or None, got {tuple(shape)}")
            return tuple(None if n is None else int(n) for n in shape)

        return map_values(checked, input_shape) if self.runs_own_call else checked(input_shape)

    def add_weight(
        self,
        name: str | None = None,
        shape: Any = (),
        initializer: Any = "glorot_uniform",
        *,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Variable:
        """A new weight of the layer. name: default "variable", "variable_1", ... dtype: None is the layer's;
        trainable=False: no optimizer changes it.

        regularizer: a penalty on it in training; constraint: what it is held to after an update.
        """
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{self.label}: add_weight: name must be a string, got {name!r}; give shape= by name")
        shape = (shape,) if _arguments.is_whole(shape) else tuple(shape)
        count = len(self._variables)
        name = name or (f"variable_{count}" if count else "variable")
        if None in shape:
            raise ValueError(f"{self.label}: weight {name!r} of shape {shape}: all sizes must be known")
        dtype = self.dtype if dtype is None else dtype
        try:
            given = initializers.get("glorot_uniform" if initializer is None else initializer)(shape, dtype)
            value = _arguments.numeric("the initializer's value", given).astype(dtype, copy=False)
            if value.shape != shape:
                raise ValueError(f"the initializer gave an array of shape {value.shape}")
        except (MemoryError, OverflowError, ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{self.label}: weight {name!r} of shape {shape}: {error}") from error
        variable = Variable(value, name=name, path=f"{self.name}/{name}", trainable=trainable)
        variable.regularizer = self.regularizer(f"regularizer of {name!r}", regularizer)
        variable.constraint = self.constraint(f"constraint of {name!r}", constraint)
        self._variables.append(variable)
        return variable

    # Checks

    @property
    def label(self) -> str:
        """How messages name the layer."""
        return f"layer {getattr(self, 'name', type(self).__name__)!r} ({type(self).__name__})"

    def check_shape(self, shape: Shape) -> None:
        """ValueError if an input of this shape cannot be taken."""
        expected = f" {self.axes}" if self.axes else ""
        if self.rank is not None and len(shape) != self.rank:
            raise ValueError(f"{self.label}: expected input of rank {self.rank}{expected}, got shape {shape}")
        if len(shape) < self.min_rank:
            raise ValueError(f"{self.label}: expected rank {self.min_rank} or more{expected}, got shape {shape}")
        features = self.expected_features()
        if features is not None and shape[-1] != features:
            raise ValueError(f"{self.label}: expected {features} features on the last axis, got input of shape {shape}")

    def expected_features(self) -> int | None:
        """Size of the last axis that the built weights want, or None if any will do."""
        return None

    def cast(self, x: Any) -> np.ndarray:
        """The input as an array of the layer's dtype: integers, bools and other floats are cast, as in Keras."""
        if self.runs_own_call:
            return self.cast_for_call(x)
        return self.numeric(x).astype(self.dtype, copy=False)

    def numeric(self, x: Any) -> np.ndarray:
        if type(x) is np.ndarray and x.dtype.kind in "fiub":
            return x  # without a text for the message
        return _arguments.numeric(f"{self.label}: input", x)

    def check_mask(self, mask: Any, shape: tuple[int, ...]) -> np.ndarray | None:
        """A mask as a boolean array of `shape`."""
        if mask is None:
            return None
        array = _arguments.numeric(f"{self.label}: mask", mask)
        if array.dtype.kind == "f":
            raise TypeError(f"{self.label}: mask must be boolean, got dtype {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{self.label}: mask must have shape {shape}, got {array.shape}")
        return array.astype(bool, copy=False)

    def prepare(self, x: Any) -> np.ndarray:
        """Cast and check an input, and build the layer on the first one."""
        array = self.cast(x)
        self.build_call(_structure.map_leaves(np.shape, array), {})
        self.check_values(array)
        return array

    def build_call(self, shape: Any, options: dict[str, Any]) -> None:
        """Build the layer for a call, or check that it can take the call.

        shape: that of x, or a structure of several. options: the other arguments, with shapes in place of arrays.
        """
        for argument in options:
            own = self.runs_own_call
            known = [*self.call_parameters, "mask", "training"] if own else inspect.signature(self.forward).parameters
            if argument not in known:
                raise TypeError(f"{self.label}: unknown call argument {argument!r}; it takes {', '.join(known)}")
        if self.built:
            self.check_shape(shape)
        else:
            self.build(shape, *self.other_shapes(options))

    def check_values(self, x: np.ndarray) -> None:
        """ValueError for values that the layer cannot take. The default takes all."""

    # The two passes

    def __call__(self, x: Any, *others: Any, training: bool | None = None, **options: Any) -> Any:
        """The output for an array, in inference unless `training`; other arguments are those of `forward`, or of a
        `call` of the class's own.

        On symbolic tensors, a symbolic tensor (or several); in the `call` of a model, its taped values.
        """
        if isinstance(x, Layer):
            raise TypeError(
                f"{self.label}: expected an array or the output of a layer, got {x.label}; to chain layers use "
                "rnnfast.Sequential, or call one on the output of the other"
            )
        if others:
            options = {**self.by_position(others), **options}
        traced = find_traced(x, options)
        if traced is not None:
            if training is not None:
                options["training"] = training
            return traced.call(self, _structure.listed(x), _structure.listed(options))
        array = self.prepare_call(x, options) if self.runs_own_call else self.prepare(x)
        self.clear_losses()
        if self.runs_own_call:
            y = self.forward_called(array, options.pop("mask", None), bool(training), options, {})[0]
        else:
            y = self.forward(array, training=bool(training), **options)[0]
        # A layer that passes its input on gives the caller a copy of it, which may be written to.
        shared = isinstance(y, np.ndarray) and any(np.may_share_memory(y, a) for a in _structure.flatten(array))
        return y.copy() if shared else y

    call = __call__

    def runs_as(self, base: type[Layer]) -> bool:
        """Whether the two passes are those of `base`, and not a user's own, which may do more and expect arrays."""
        return type(self).forward is base.forward and type(self).backward is base.backward

    @property
    def takes_indexed_rows(self) -> bool:
        """Whether `forward` takes IndexedRows in place of an array; `backward` then gives the gradient of the rows."""
        return False

    def forward_masked(self, x: Any, mask: Any, training: bool, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """`forward` and `compute_mask` at once: output, its mask, cache. How a tape calls a layer: the output may be
        IndexedRows, and `backward` then gets the gradient of the rows."""
        if self.runs_own_call:
            return self.forward_called(x, mask, training, options, {})
        y, cache = self.forward(x, mask=mask, training=training, **options)
        return y, self.compute_mask(x, mask), cache

    def forward_beside(
        self, x: Any, mask: Any, training: bool, options: dict[str, Any], masks: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        """`forward_masked` where other values came beside x, which then has, as in Keras, no mask. masks: theirs."""
        if self.runs_own_call:
            return self.forward_called(x, mask, training, options, masks)
        y, cache = self.forward(x, training=training, **options)
        return y, self.compute_mask(x, mask), cache

    @property
    def output_activation(self) -> str | None:
        """Name of the activation that the layer ends with, where `backward_logits` exists."""
        return None

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        """`backward`, given the gradient before the output activation."""
        raise TypeError(f"{self.label} has no output activation")

    def lower(self, program: Any, value: Any) -> Any:
        """Describe the layer to the inference engine: add its nodes to `program`, give the handle of its output."""
        if self.runs_own_call:
            return lower_call(self, program, value, {})
        raise NoLoweringError(f"{self.label} cannot be run by the inference engine")

    @property
    def stateful(self) -> bool:
        """Whether a call leaves something behind that the next one starts from."""
        return any(layer.stateful for layer in self.sublayers)

    def reset_state(self) -> None:
        """Start again from zero states, in the layers inside, too."""
        for layer in self.sublayers:
            layer.reset_state()

    def memories(self) -> list[Callable[[], None]]:
        """Functions that bring back what calls from now on leave behind in training: states, moving averages."""
        return [memory for layer in self.sublayers for memory in layer.memories()]

    def reset_states(self) -> None:
        self.reset_state()

    @property
    def mixes_time(self) -> bool:
        """Whether pieces of a sequence, cut on axis 1, give other than the pieces of its output: a step of that
        depends, other than by states, on other steps or on its place among them."""
        return False

    @property
    def mixes_rows(self) -> bool:
        """Whether, in training, a row of the output depends on other rows of the batch."""
        return any(layer.mixes_rows for layer in self.sublayers)

    def carry_state(self, carried: bool) -> None:
        """While `carried`, a call starts from the states that the one before left, whether the layer is stateful or
        not: truncated back-propagation asks for it. ValueError: the layer cannot be run on pieces of a sequence."""
        if carried and self.mixes_time:
            raise ValueError(f"{self.label} is not the same on a piece of the time steps: it needs all of them at once")
        for layer in self.sublayers:
            layer.carry_state(carried)

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, in Keras' form; also those of a class that defines no `get_config`, if plain."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return self.taken_config({**self._plain_arguments(), **config}) if self._lacks_config() else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        return cls(**cls.taken_config(config))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name!r} built={self.built}>"
