"""SketchedNetwork: what is known of a model that is a `call` of the user's own, from a sketch of that call."""

from __future__ import annotations

from typing import Any, NamedTuple

from rnnfast import _structure
from rnnfast._custom_objects import CustomObjectScope
from rnnfast.layers import Layer
from rnnfast.layers.base import Shape
from rnnfast.layers.held import held_layers
from rnnfast.layers.own_call import Sketch, holds_values, shapes_of
from rnnfast.layers.played import Played
from rnnfast.models.taped import TapedNetwork


class SketchedNetwork(TapedNetwork):
    """Base of models. Calling `call` on symbolic tensors builds the layers, and tells what a model needs beside it.

    `call(self, x)` gets what the model was given, with taped values in place of arrays (see `layers.own_call`); what it
    does beside calling layers is an error. Layers held as attributes, also in lists and dictionaries, are the model's.
    """

    _input_form: Any = None  # the structure of x, with the names of the inputs as leaves; None: not known yet
    _ends: Any = None  # the structure of the outputs, with symbolic tensors as leaves
    _first_shapes: list[Shape] | None = None  # of the inputs that it was built on

    @property
    def layers(self) -> list[Layer]:
        return held_layers(self)

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
        shapes = shapes_of(input_shape)
        if not self.input_names:
            self._input_form = _form(shapes)
        self._first_shapes = known = [(None, *shape[1:]) for shape in self.by_name(shapes)]
        sketch = self._sketch(known)
        self.check_held(sketch)
        known, sketch = self._loosened(known, sketch)
        self._ends = _structure.map_leaves(lambda t: _End(t.shape, t.dtype, t.masked), sketch.ends)
        self.input_shape = _structure.pack(self._input_form, known)
        self.built = True

    def _loosened(self, known: list[Shape], sketch: Sketch) -> tuple[list[Shape], Sketch]:
        """Shapes of the inputs with None for sizes that the layers leave open, and what `call` gives for them: of all
        axes but the last of three or more, which is that of features."""
        for i, shape in enumerate(known):
            steps = (*(None,) * (len(shape) - 1), shape[-1])
            for looser in (steps,) if len(shape) > 2 else ((None,) * len(shape), steps):
                try:
                    sketch = self._sketch([*known[:i], looser, *known[i + 1 :]])
                except (ValueError, TypeError, AttributeError):
                    continue
                known = [*known[:i], looser, *known[i + 1 :]]
                break
        return known, sketch

    def check_shape(self, shape: Any) -> None:
        """The layers check what they are called on."""

    def _sketch(self, shapes: list[Shape]) -> Sketch:
        """What `call` gives for symbolic inputs of these shapes."""
        return self.sketch_call(_structure.pack(self._input_form, shapes), {}, self._input_form)

    def call_traced(self, x: Any, options: dict[str, Any], training: bool) -> Any:
        if not self.has_own_call:
            raise TypeError(f"{self.label}: a subclass of Model must define call(self, x)")
        return super().call_traced(x, options, training)

    @property
    def has_own_call(self) -> bool:
        return type(self).call is not Layer.call

    def trace_call(self) -> list[Any]:
        if not self.has_own_call or not self.built:
            return []
        return self.trace_of(self.input_shape, {}, self._input_form)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A model with new weights from `get_config`; a functional one, if the class has no `call` of its own.

        custom_objects: the user's own classes, by name.
        """
        if cls.call is Layer.call:
            from rnnfast.models.functional import Functional

            return Functional.from_config(config, custom_objects)
        with CustomObjectScope(custom_objects):
            return cls(**cls.taken_config(config))

    def __call__(self, *given: Any, **options: Any) -> Any:
        if not given and self.first_argument in options:
            given = (options.pop(self.first_argument),)
        return super().__call__(*given, **options)

    def by_position(self, others: Any) -> dict[str, Any]:
        return dict(zip(self.call_parameters[1:], others, strict=False))

    def forward(self, x: Any, *, mask: Any = None, training: bool = False, **options: Any) -> tuple[Any, Any]:
        """With other arguments than x, `call` may give something else, which is not trained."""
        if not options:
            return super().forward(x, mask=mask, training=training)
        unknown = [name for name in options if name not in self.call_parameters]
        if unknown:
            known = ", ".join(self.call_parameters)
            raise TypeError(f"{self.label}: unknown call argument {unknown[0]!r}; it takes {known}")
        played = Played(self, training)
        first = played.starts(x, None, self.first_argument)
        beside = {name: played.starts(value, None, name) for name, value in options.items()}
        return played.end(self.call_traced(first, beside, training))[0], None

    def play(self, inputs: list[Any], training: bool) -> list[Any]:
        return _structure.flatten(self.call_traced(_structure.pack(self._input_form, inputs), {}, training))

    @property
    def input_specs(self) -> list[tuple[Shape, str]]:
        return [(shape, self.dtype) for shape in self.by_name(self.input_shape)]

    @property
    def first_specs(self) -> list[tuple[Shape, str]]:
        """`input_specs` with the sizes that the model was built on, if a `call` of its own leaves some of them open."""
        return self.input_specs if self._first_shapes is None else [(s, self.dtype) for s in self._first_shapes]

    def lower_through(self, lower: Any, values: list[Any]) -> list[Any]:
        """The layers that `call` calls now, in inference."""
        drawing = self._sketch(self.by_name(self.input_shape)).drawing
        return drawing.replay(values, lambda node, x, options: lower(node.layer, x, options))

    def pack_outputs(self, outputs: Any) -> Any:
        return super().pack_outputs(outputs) if self._ends is None else _structure.pack(self._ends, list(outputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._sketch(self.by_name(shapes_of(input_shape))).shapes

    def output_shapes_for(self, input_shapes: list[Shape]) -> list[Any]:
        shapes = self._sketch([(None, *shape[1:]) for shape in input_shapes]).shapes
        return [(input_shapes[0][0], *shape[1:]) for shape in _structure.flatten(shapes)]


class _End(NamedTuple):
    """What is known of an output."""

    shape: Shape
    dtype: str
    masked: bool


def _form(x: Any) -> Any:
    """The structure of what a model is called on, its leaves named: by the keys of a dictionary, else by number."""
    if isinstance(x, dict):
        return {key: key for key in sorted(x)}
    return [f"input_{i + 1}" for i in range(len(x))] if holds_values(x) else "input_1"
