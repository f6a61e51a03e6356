"""Models of one's own: a subclass of `Model` whose `call` calls layers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from rnnfast import _structure
from rnnfast._custom_objects import CustomObjectScope
from rnnfast.layers import InputLayer, Layer
from rnnfast.layers.base import Shape
from rnnfast.layers.traced import Traced
from rnnfast.models.composed import Composed
from rnnfast.models.graph import Graph


class OwnCall(Composed):
    """What a model needs beside its `call`: found out by calling it on symbolic tensors, which also builds the layers.

    `call(self, x)`, or `call(self, x, training)`, gets what the model was given, one value, a list or a dictionary,
    with taped values in place of arrays: layers take them, +, - and * are the layers Add, Subtract and Multiply, and
    any other operation is an error. It gives one such value, a list or a dictionary. Layers held as attributes, also
    in lists and dictionaries, are the model's.
    """

    _input_form: Any = None  # the structure of x, with the names of the inputs as leaves; None: not known yet
    _ends: Any = None  # the structure of the outputs, with symbolic tensors as leaves

    @property
    def layers(self) -> list[Layer]:
        found = {id(la): la for value in vars(self).values() for la in _held(value)}
        return list(found.values())

    @property
    def input_names(self) -> list[str]:
        return [] if self._input_form is None else _structure.flatten(self._input_form)

    @property
    def output_names(self) -> list[str]:
        if self._ends is None:
            return []
        if isinstance(self._ends, dict):
            return sorted(self._ends)
        return [f"output_{i + 1}" for i in range(len(_structure.flatten(self._ends)))]

    @property
    def output_dtypes(self) -> list[str]:
        return [t.dtype for t in _structure.flatten(self._ends)]

    @property
    def creates_mask(self) -> bool:  # type: ignore[override]
        return self._ends is not None and any(t.masked for t in _structure.flatten(self._ends))

    @property
    def output_shape(self) -> Any:
        return _structure.map_leaves(lambda t: t.shape, self._ends)

    def flatten_inputs(self, what: str, x: Any) -> list[Any]:
        if not self.input_names:
            self._input_form = _form(x)
        return super().flatten_inputs(what, x)

    def build(self, input_shape: Any = None) -> None:
        """Build the layers for inputs of these shapes, batch axis included: one, a list or a dictionary of them."""
        shapes = _shapes(input_shape)
        if not self.input_names:
            self._input_form = _form(shapes)
        known = [(None, *shape[1:]) for shape in self.by_name(shapes)]
        _, ends = self._sketch(known)
        self._check_held(_structure.flatten(ends))
        self._ends = _structure.map_leaves(lambda t: _End(t.shape, t.dtype, t.masked), ends)
        self.input_shape = _structure.pack(self._input_form, known)
        self.built = True

    def check_shape(self, shape: Any) -> None:
        """The layers check what they are called on."""

    def _sketch(self, shapes: list[Shape]) -> tuple[list[Any], Any]:
        """Symbolic inputs of these shapes, and what `call` gives for them."""
        starts = [
            InputLayer(batch_shape=shape, name=name).start()
            for shape, name in zip(shapes, self.input_names, strict=True)
        ]
        for start in starts:
            start.recorded = False
        return starts, self._call_on(starts, training=False)

    def _check_held(self, ends: list[Any]) -> None:
        """ValueError: `call` calls a layer with weights that the model does not hold, so that they would be lost."""
        held = {id(v) for v in self.weights}
        ahead, seen = [end.node for end in ends], set()
        while ahead:
            node = ahead.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if any(id(v) not in held for v in node.layer.weights):
                raise ValueError(
                    f"{self.label}: call uses {node.layer.label}, which the model does not hold: make it in __init__ "
                    "and keep it as an attribute, or its weights are neither trained nor saved"
                )
            ahead += [t.node for t in node.inputs]

    def _call_on(self, values: list[Any], training: bool) -> Any:
        function: Any = type(self).call
        if function is Layer.call:
            raise TypeError(f"{self.label}: a subclass of Model must define call(self, x)")
        options = {"training": training} if "training" in inspect.signature(function).parameters else {}
        ends = _structure.listed(self.call(_structure.pack(self._input_form, values), **options))
        for end in _structure.flatten(ends):
            if not isinstance(end, Traced):
                raise TypeError(f"{self.label}: call must give outputs of layers, got a {type(end).__name__}")
        return ends

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A model with new weights from `get_config`; a functional one, if the class has no `call` of its own.

        custom_objects: the user's own classes, by name.
        """
        if cls.call is Layer.call:
            from rnnfast.models.functional import Functional

            return Functional.from_config(config, custom_objects)
        with CustomObjectScope(custom_objects):
            return cls(**config)

    def play(self, inputs: list[Any], training: bool) -> list[Any]:
        return _structure.flatten(self._call_on(inputs, training))

    @property
    def input_specs(self) -> list[tuple[Shape, str]]:
        return [(shape, self.dtype) for shape in self.by_name(self.input_shape)]

    def lower_through(self, lower: Any, values: list[Any]) -> list[Any]:
        """The layers that `call` calls now, in inference."""
        starts, ends = self._sketch(self.by_name(self.input_shape))
        replay = Graph(self.label, starts, ends).replay
        return replay(values, lambda node, x, options: lower(node.layer, x, options))

    def pack_outputs(self, outputs: Any) -> Any:
        return super().pack_outputs(outputs) if self._ends is None else _structure.pack(self._ends, list(outputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        _, ends = self._sketch(self.by_name(_shapes(input_shape)))
        return _structure.map_leaves(lambda t: t.shape, ends)

    def output_shapes_for(self, input_shapes: list[Shape]) -> list[Any]:
        _, ends = self._sketch([(None, *shape[1:]) for shape in input_shapes])
        return [(input_shapes[0][0], *t.shape[1:]) for t in _structure.flatten(ends)]


class _End(NamedTuple):
    """What is known of an output."""

    shape: Shape
    dtype: str
    masked: bool


def _form(x: Any) -> Any:
    """The structure of what a model is called on, its leaves named: by the keys of a dictionary, else by number."""
    if isinstance(x, dict):
        return {key: key for key in sorted(x)}
    several = isinstance(x, (list, tuple)) and len(x) > 0 and all(_is_value(item) for item in x)
    return [f"input_{i + 1}" for i in range(len(x))] if several else "input_1"


def _is_value(item: Any) -> bool:
    """An array or a shape: what a list holds for several inputs, and not where it is an array written as a list."""
    return getattr(item, "ndim", 0) > 0 or isinstance(item, tuple)


def _shapes(shape: Any) -> Any:
    """Shapes as tuples, where JSON and callers have lists."""
    if isinstance(shape, dict):
        return {key: tuple(one) for key, one in shape.items()}
    items = list(shape)
    return [tuple(one) for one in items] if items and isinstance(items[0], (list, tuple)) else tuple(items)


def _held(value: Any) -> Iterator[Layer]:
    """The layers in an attribute."""
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _held(item)
