"""The part of a layer, or a model, that is a `call` of the user's own.

Such a class defines no backward pass. Its `call` is run on a tape, with taped values in place of arrays, and is trained
along the calls of layers that it makes. Run on symbolic tensors, a sketch, it tells what can be known without values:
it builds the layers, gives shapes, and is what the engine's program is made of.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from rnnfast import _structure
from rnnfast.layers.drawing import Drawing
from rnnfast.layers.symbolic import SymbolicTensor, sketched
from rnnfast.layers.traced import NotOfLayersError, Traced
from rnnfast.variable import Variable

# What a `call` that does other things than call layers, or wants a mask, raises on symbolic tensors.
NO_SKETCH = (TypeError, AttributeError, AssertionError)


class OwnCall:
    """`call(self, x)`, also with `training`, `mask` and other arguments that hold values, calls layers on what it gets:
    one value, a list or a dictionary; what operators on these do, `Traced` says. It gives values in such a structure,
    too.
    """

    if TYPE_CHECKING:
        name: str
        dtype: str

        @property
        def label(self) -> str: ...
        @property
        def weights(self) -> list[Variable]: ...

    @property
    def runs_own_call(self) -> bool:
        """Whether what it does is a `call` of the user's."""
        raise NotImplementedError

    @property
    def call_parameters(self) -> list[str]:
        """The names of what `call` takes, x first."""
        return list(parameters_of(type(self).call))  # type: ignore[attr-defined]

    @property
    def first_argument(self) -> str:
        return next(iter(self.call_parameters), "x")

    def call_traced(self, x: Any, options: dict[str, Any], training: bool) -> Any:
        """What `call` gives for traced values. As in Keras it gets masks where it asks for them: the one of x as
        `mask`, or those of several arguments as `x_mask`, ... TypeError: it gives something else than traced values."""
        known = self.call_parameters
        given = {name: value for name, value in options.items() if name != "mask" or value is not None}
        beside = {self.first_argument: x, **{k: v for k, v in given.items() if _traced(v)}}
        for argument, value in beside.items():
            asked = "mask" if len(beside) == 1 else f"{argument}_mask"
            if asked in known and given.get(asked) is None:
                masks = _structure.map_leaves(lambda t: t.mask, value)
                given[asked] = masks if any(m is not None for m in _structure.flatten(masks)) else None
        given["training"] = training
        ends = _structure.listed(self.call(x, **{k: v for k, v in given.items() if k in known}))  # type: ignore[attr-defined]
        for end in _structure.flatten(ends):
            if not isinstance(end, Traced):
                raise NotOfLayersError(f"{self.label}: call must give outputs of layers, got a {type(end).__name__}")
        return ends

    def sketch_call(self, shapes: Any, options: dict[str, Any], names: Any = None, masked: bool = False) -> Sketch:
        """`call` in inference on symbolic tensors of these shapes, a structure of tuples, which builds the layers.

        options: the other arguments; symbolic tensors and shapes in them stand for values. names: those of the inputs,
        for messages. masked: whether the inputs have masks.
        """
        inputs: list[SymbolicTensor] = []

        def start(shape: Any, name: str) -> SymbolicTensor:
            inputs.append(sketched(f"input {name!r} of {self.label}", shape, self.dtype, masked))
            return inputs[-1]

        def started(name: str, value: Any) -> Any:
            return _structure.map_leaves(lambda v: start(v, name) if isinstance(v, tuple) else v, value)

        labels = iter([] if names is None else _structure.flatten(names))
        x = _structure.map_leaves(lambda shape: start(shape, next(labels, self.first_argument)), shapes)
        given = {name: started(name, value) for name, value in shapes_in(options).items()}
        return Sketch(self.label, inputs, self.call_traced(x, given, training=False))

    def trace_of(self, shapes: Any, options: dict[str, Any], names: Any = None) -> list[Any]:
        """What is equal for two sketches of the same calls."""
        try:
            return self.sketch_call(shapes, options, names).drawing.trace()
        except NO_SKETCH as error:
            return [str(error)]

    def check_held(self, sketch: Sketch) -> None:
        """ValueError: `call` calls a layer with weights that are not held, so that they would be lost."""
        held = {id(v) for v in self.weights}
        for node in sketch.drawing.nodes:
            if any(id(v) not in held for v in node.layer.weights):
                raise ValueError(
                    f"{self.label}: call uses {node.layer.label}, which it does not hold: make it in __init__ and keep "
                    "it as an attribute, or its weights are neither trained nor saved"
                )


class Sketch(NamedTuple):
    """What `call` does: the symbolic inputs, of x first, and the structure of what it gives."""

    label: str
    inputs: list[SymbolicTensor]
    ends: Any

    @property
    def drawing(self) -> Drawing:
        return Drawing(self.label, self.inputs, _structure.flatten(self.ends))

    @property
    def shapes(self) -> Any:
        return _structure.map_leaves(lambda t: t.shape, self.ends)

    @property
    def masked(self) -> bool:
        return any(t.masked for t in _structure.flatten(self.ends))


def map_values(function: Callable[[Any], Any], x: Any) -> Any:
    """The structure of what a caller gave, with `function` of each value: of a list that holds arrays, not of an array
    that is written as a list."""
    if isinstance(x, dict):
        return {key: map_values(function, value) for key, value in x.items()}
    return [map_values(function, item) for item in x] if holds_values(x) else function(x)


def holds_values(x: Any) -> bool:
    """Whether a list or a tuple holds arrays, or shapes of such, and is not one itself."""
    listed = isinstance(x, (list, tuple)) and len(x) > 0
    return listed and all(getattr(item, "ndim", 0) > 0 or isinstance(item, tuple) for item in x)


def shapes_of(shape: Any) -> Any:
    """A structure of shapes, each a tuple, where JSON and callers have lists."""
    if isinstance(shape, dict):
        return {key: shapes_of(one) for key, one in shape.items()}
    items = list(shape)
    return [shapes_of(one) for one in items] if items and isinstance(items[0], (list, tuple)) else tuple(items)


def common_shape(one: Any, other: Any) -> Any:
    """Two structures of shapes as one, None for sizes in which they differ; `other` where they are not alike."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return {key: common_shape(one[key], other[key]) for key in other}
    if type(one) is not type(other) or len(one) != len(other):
        return other
    if isinstance(one, list):
        return [common_shape(*pair) for pair in zip(one, other, strict=True)]
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def shapes_in(options: dict[str, Any]) -> dict[str, Any]:
    """Call arguments with shapes in place of values."""
    return {name: _structure.map_leaves(_shape, value) for name, value in options.items()}


def _shape(value: Any) -> Any:
    return tuple(value.shape) if hasattr(value, "shape") else value


def _traced(structure: Any) -> list[Any]:
    return [v for v in _structure.flatten(structure) if isinstance(v, Traced)]


@lru_cache(maxsize=1024)
def parameters_of(function: Any) -> dict[str, inspect.Parameter]:
    """What a method takes by name, without `self`."""
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = list(inspect.signature(function).parameters.items())[1:]
    return {name: parameter for name, parameter in given if parameter.kind not in several}
