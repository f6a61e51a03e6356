"""The part of a layer that runs a class with a `call` alone: by the layers that it calls, or else on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnfast import _arguments, _structure
from rnnfast.layers.own_call import (
    NO_SKETCH,
    OwnCall,
    Sketch,
    common_shape,
    map_values,
    parameters_of,
    shapes_in,
    shapes_of,
)
from rnnfast.layers.traced import NotOfLayersError


class Composite(OwnCall):
    """A layer of the user's own without `forward`. Where its `call` calls layers alone, they give its two passes, its
    shapes, its masks and its way into the engine. One that does something else with arrays is called on arrays: it can
    predict, and cannot be trained."""

    if TYPE_CHECKING:
        built: bool
        input_shape: Any
        call: Callable[..., Any]
        sublayers: Any
        activity_regularizer: Any
        memories: Callable[[], list[Callable[[], None]]]
        penalize: Callable[[Any], None]
        penalized: Callable[[Any, Any], Any]

        def numeric(self, x: Any) -> np.ndarray: ...
        def build_call(self, shape: Any, options: dict[str, Any]) -> None: ...

    supports_masking: bool = False  # whether the mask of the input is the output's where `call` has left it out

    def __init__(self) -> None:
        super().__init__()
        self._passes_masks = False  # whether `call` may give masked values
        self._option_shapes: dict[str, Any] = {}  # of what it was called on beside x
        self._on_arrays: dict[bool, str | None] = {}  # why not on a tape, without masks and with them; None: it is

    @property
    def runs_own_call(self) -> bool:
        cls: Any = type(self)
        return cls.forward is Composite.forward and cls.call is not cls.__call__

    # Building

    def create_variables(self, input_shape: Any) -> None:
        """Make the layer's weights with `add_weight`. The default has none."""

    def build_called(self, input_shape: Any) -> None:
        """Build the layers that `call` calls, and see what it does with masks, as far as that shows without arrays."""
        if not self.runs_own_call:
            return
        self._passes_masks = True
        if self._needs_more_than_x:
            return  # the first call brings it
        try:
            self.creates_mask = self._held_sketch(input_shape, {}).masked
            self._passes_masks = self.sketch_call(input_shape, {}, masked=True).masked
        except NO_SKETCH:
            self._passes_masks = False
            if not all(layer.built for layer in self.sublayers):
                self._shapes_on_arrays(input_shape, {})

    @property
    def _needs_more_than_x(self) -> bool:
        others = list(parameters_of(type(self).call).items())[1:]
        return any(p.default is inspect.Parameter.empty and name not in ("mask", "training") for name, p in others)

    def other_shapes(self, options: dict[str, Any]) -> list[Any]:
        """What a `build(self, x_shape, other_shape)` takes beside the shape of x, by the names of call arguments."""
        wanted = [] if not self.runs_own_call else list(parameters_of(type(self).build))[1:]  # type: ignore[attr-defined]
        return [options.get(name.removesuffix("_shape")) for name in wanted]

    # The two passes

    def by_position(self, others: Any) -> dict[str, Any]:
        """The names of arguments that follow x. TypeError: there are no such arguments, or they need a name."""
        names = self.call_parameters[1:] if self.runs_own_call else []
        if len(others) > len(names):
            raise TypeError(
                f"{self.label}: expected at most {1 + len(names)} arguments without a name, got {1 + len(others)}; "
                "give several values as a list in one argument"
            )
        return dict(zip(names, others, strict=False))

    def cast_for_call(self, x: Any) -> Any:
        """Floats in the layer's dtype. The layers inside cast integers, such as tokens, by themselves."""

        def cast(value: Any) -> np.ndarray:
            array = self.numeric(value)
            return array.astype(self.dtype, copy=False) if array.dtype.kind == "f" else array

        return map_values(cast, x)

    def prepare_call(self, x: Any, options: dict[str, Any]) -> Any:
        """Cast what a call has brought, and build the layer on the first one. options: the arguments other than x."""
        array = self.cast_for_call(x)
        self.build_call(_structure.map_leaves(np.shape, array), shapes_in(_structure.listed(options)))
        return array

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        """Output and what `backward` needs. x has been cast and checked. A cache is used at most once.

        The default runs `call`, of a class that has, as in Keras, only that.
        """
        y, _, cache = self.forward_called(x, mask, training, {}, {})
        return y, cache

    def forward_called(
        self, x: Any, mask: Any, training: bool, options: dict[str, Any], masks: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        """Output, its mask, and what `backward` needs. masks: those of the options, by name."""
        if not self.runs_own_call:
            raise TypeError(f"{self.label} does not define forward(x, mask, training)")
        mask = np.asarray(mask) if isinstance(x, np.ndarray) and isinstance(mask, (list, tuple)) else mask
        masked = any(m is not None for m in _structure.flatten([mask, masks]))
        if masked not in self._on_arrays:
            before = self.memories()
            try:
                played = self._play(x, mask, training, options, masks)
                self._on_arrays[masked] = None
                return played
            except NotOfLayersError as error:
                self._on_arrays[masked] = str(error)
                for bring_back in before:
                    bring_back()
        if self._on_arrays[masked] is None:
            return self._play(x, mask, training, options, masks)
        known = self.call_parameters
        given = {**options, "mask": mask, "training": training}
        arrays = _structure.map_leaves(lambda array: array.astype(self.dtype, copy=False), x)
        y = self.call(arrays, **{name: value for name, value in given.items() if name in known})
        what = f"{self.label}: what call gives"
        y = _structure.map_leaves(lambda value: _arguments.numeric(what, value), y)
        return y, self.compute_mask(x, mask), None

    def _play(
        self, x: Any, mask: Any, training: bool, options: dict[str, Any], masks: dict[str, Any]
    ) -> tuple[Any, Any, Any]:
        from rnnfast.layers.played import Played  # whose tape holds a layer

        played = Played(self, training)
        first = played.starts(x, mask, self.first_argument)
        beside = {name: played.starts(value, masks.get(name), name) for name, value in options.items()}
        y, found = played.end(self.call_traced(first, beside, training))
        self.penalize(y)
        cache = _Cache(played, _places(x), _places(options), y if self.activity_regularizer is not None else None, {})
        return y, self._mask_of_output(x, mask, found), cache if training else None

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        """Gradient of the input (None if not `need_dx`), and of the variables in their `grad`."""
        if not isinstance(cache, _Cache):
            reasons = [f": {why}; or define both passes" for why in self._on_arrays.values() if why]
            reasons += [", and was called with training=False" for why in self._on_arrays.values() if why is None]
            raise TypeError(f"{self.label} does not define backward(dy, cache){reasons[0] if reasons else ''}")
        gradients = _structure.flatten(self.penalized(dy, cache.y))
        found = iter(cache.played.backward(gradients, [False] * len(gradients), need_dx))
        if not need_dx:
            return None
        dx = _structure.map_leaves(lambda _: next(found), cache.x)
        for name, places in cache.options.items():
            cache.of_options[name] = _structure.map_leaves(lambda put: next(found) if put else None, places)
        return dx

    def option_gradient(self, option: str, cache: Any) -> Any:
        """After `backward`: the gradient of a call argument other than x that holds arrays."""
        if not isinstance(cache, _Cache):
            raise TypeError(f"{self.label} has no gradient of its call argument {option!r}")
        return cache.of_options[option]

    # Masks

    @property
    def carries_mask(self) -> bool:
        """Whether the output has a mask where the input has one."""
        return self.supports_masking or self._passes_masks or (self.runs_own_call and self._hands_on_masks)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return mask if self._hands_on_masks else None

    @property
    def _hands_on_masks(self) -> bool:
        """Whether the class says so, and be it as in Keras by having `compute_mask`, whatever its `call` does."""
        if not self.runs_own_call:
            return self.carries_mask
        return self.supports_masking or type(self).compute_mask is not Composite.compute_mask

    def _mask_of_output(self, x: Any, mask: Any, found: Any) -> Any:
        """What `call` has made of the masks, and where it has left one out, `compute_mask`."""
        if not self._hands_on_masks or all(m is not None for m in _structure.flatten(found)):
            return found
        own = self.compute_mask(x, mask)
        others = iter(_structure.flatten(own) if isinstance(own, (list, dict)) else [own])
        return _structure.map_leaves(lambda m: next(others, None) if m is None else m, found)

    # Without values

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.sketched_shape(input_shape, {})

    def call_output_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """`compute_output_shape` of a call with other arguments than x, where these change what it gives."""
        if self.runs_own_call:
            self._remember(options)
        if type(self).compute_output_shape is not Composite.compute_output_shape:
            return self.compute_output_shape(input_shape)
        return self.sketched_shape(input_shape, options)

    def _remember(self, options: dict[str, Any]) -> None:
        """Keep the shapes of values that came beside x, which the engine does not tell."""
        for name, given in shapes_in(options).items():
            if any(isinstance(shape, tuple) for shape in _structure.flatten(given)):
                self._option_shapes[name] = common_shape(self._option_shapes.get(name, given), given)

    def sketched_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """The shape of the output, as `call` gives it on symbolic tensors or else on arrays."""
        if self.runs_own_call:
            try:
                return self._held_sketch(input_shape, options).shapes
            except (NotOfLayersError, AssertionError):
                return self._shapes_on_arrays(shapes_of(input_shape), shapes_in(options))
        return shapes_of(input_shape)

    def _shapes_on_arrays(self, shapes: Any, options: dict[str, Any]) -> Any:
        """What `call` gives for arrays of these shapes and of any sizes that they leave open; builds the layers. Where
        it cannot be run on ones, the shape of the input."""

        def ones(size: int, structure: Any) -> Any:
            def array(shape: Any) -> Any:
                given = isinstance(shape, tuple)
                return np.ones([size if n is None else n for n in shape], self.dtype) if given else shape

            return _structure.map_leaves(array, structure)

        before, found = self.memories(), []
        try:
            for size in (2, 3):
                y, _, _ = self.forward_called(ones(size, shapes), None, False, ones(size, options), {})
                found.append(_structure.map_leaves(np.shape, _structure.listed(y)))
        except Exception:  # of the user's code, which may want other values; the call itself will tell
            return shapes
        finally:
            for bring_back in before:
                bring_back()
        return common_shape(*found)

    def _held_sketch(self, input_shape: Any, options: dict[str, Any]) -> Sketch:
        shapes = shapes_of(input_shape)
        sketch = self.sketch_call(shapes, options)
        self.check_held(sketch)
        if self.built:
            self.input_shape = common_shape(self.input_shape, shapes)
        return sketch

    def trace_call(self) -> list[Any]:
        """What is equal as long as `call` does the same; of a layer without one nothing."""
        return self.trace_of(self.input_shape, self._option_shapes) if self.runs_own_call and self.built else []

    @property
    def calls_layers_alone(self) -> bool:
        """Whether `call` can be run without values: it can be trained then, and run by the engine."""
        try:
            self.sketch_call(self.input_shape, self._option_shapes)
        except NO_SKETCH:
            return False
        return True

    def lower_calls(self, program: Any, lower: Callable[[Any, Any, Any], Any], x: Any, options: dict[str, Any]) -> Any:
        """The calls of layers, with the engine's handles in place of values, each by `lower(layer, x, options)`.

        ValueError: `call` does something else, or what it does depends on masks.
        """
        values = {name: shapes for name, shapes in self._option_shapes.items() if name in options}
        others = {name: value for name, value in options.items() if name not in values}
        options = {name: value for name, value in options.items() if name != "training"}
        handles = _structure.flatten([x, *(options[name] for name in values)])
        masked = any(program.masked(handle) for handle in handles)
        if masked and any(name == "mask" or name.endswith("_mask") for name in self.call_parameters):
            raise ValueError(f"{self.label}: its call asks for masks, which the engine keeps to itself")
        try:
            sketch = self.sketch_call(self.input_shape, {**others, **values}, masked=masked)
        except NO_SKETCH as error:
            raise ValueError(f"{self.label}: its call cannot be run without values: {error}") from None
        if masked and self._hands_on_masks and not all(t.masked for t in _structure.flatten(sketch.ends)):
            raise ValueError(f"{self.label}: masks do not go past its layers in the engine")
        made = sketch.drawing.replay(handles, lambda node, x, options: lower(node.layer, x, options))
        return _structure.pack(sketch.ends, made)


class _Cache(NamedTuple):
    """played: the calls; x, options: the structures of what came in, True for arrays; y: the output, where it has a
    penalty; of_options: the gradients of the options, after `backward`."""

    played: Any
    x: Any
    options: dict[str, Any]
    y: Any
    of_options: dict[str, Any]


def _places(structure: Any) -> Any:
    return _structure.map_leaves(lambda value: isinstance(value, np.ndarray), _structure.listed(structure))
