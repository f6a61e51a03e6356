"""Sequential: a chain of layers, and itself a layer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast import layers as layer_room
from rnnfast.layers import InputLayer, Layer, TimeDistributed
from rnnfast.layers.base import Shape
from rnnfast.models.model import Model
from rnnfast.models.summary import summary
from rnnfast.variable import Variable


class Sequential(Model):
    """A chain of layers, each taking the output of the one before.

    layers: Layer instances; an `Input` first fixes the shape of the data, else it is taken from the first data seen.
    name: default `sequential`, `sequential_1`, ...

    >>> import rnnfast
    >>> from rnnfast.layers import LSTM, Dense, Input
    >>> model = rnnfast.Sequential([Input((8, 3)), LSTM(16), Dense(1)])
    >>> model.output_shape
    (None, 1)
    """

    def __init__(self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=name, trainable=trainable)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        for layer in [] if layers is None else _arguments.items(f"{self.label}: layers", layers, "a list of layers"):
            self.add(layer)

    # The chain

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the `Input`."""
        return list(self._layers)

    def add(self, layer: Layer) -> None:
        """Put a layer at the end; it is built at once where the shape of the data is known."""
        if not isinstance(layer, Layer):
            raise TypeError(f"{self.label}: add takes a layer, got {layer!r} of type {type(layer).__name__}")
        if isinstance(layer, InputLayer):
            if self._layers or self._input is not None:
                raise ValueError(f"{self.label}: an Input must come first and only once, got {layer.label}")
            self._input = layer
            return
        if any(part is self for part in _parts(layer)):
            raise ValueError(f"{self.label}: it cannot be a layer of itself")
        if any(other.name == layer.name for other in self._layers):
            raise ValueError(f"{self.label}: layers must have different names, got {layer.name!r} twice")
        if not self._layers and self._input is None and layer.given_input_shape is not None:
            self._input = InputLayer(batch_shape=layer.given_input_shape)
        start = self._input.batch_shape if self._input is not None else self.input_shape
        if start is not None:
            layer.build(_single(self, self._shape_after(start)))
            _single(self, layer.compute_output_shape(self._shape_after(start)))
            self.input_shape = start
            self.built = True
        self._layers.append(layer)
        self.layers_changed()

    def pop(self) -> Layer:
        """Remove the last layer and give it back."""
        if not self._layers:
            raise ValueError(f"{self.label}: it has no layers")
        layer = self._layers.pop()
        self.built = self.built and bool(self._layers)
        self.layers_changed()
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for data of `input_shape`, batch axis included; not needed after an `Input`."""
        if input_shape is None:
            if self._input is None:
                raise ValueError(f"{self.label}: build needs input_shape, for it has no Input")
            input_shape = self._input.batch_shape
        super().build(input_shape)

    def create_variables(self, input_shape: Shape) -> None:
        if not self._layers:
            raise ValueError(f"{self.label}: it has no layers; add some first")
        shape: Any = (None, *input_shape[1:])
        for layer in self._layers:
            layer.build(_single(self, shape))
            shape = layer.compute_output_shape(shape)
        _single(self, shape)

    def _shape_after(self, shape: Any) -> Any:
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
        return shape

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return self._shape_after(tuple(input_shape))

    def output_shapes(self) -> list[Any]:
        """The output shape of each layer, or None before the model is built."""
        shape: Any = self.input_shape
        shapes = []
        for layer in self._layers:
            shape = None if shape is None else layer.compute_output_shape(shape)
            shapes.append(shape)
        return shapes

    @property
    def output_shape(self) -> Any:
        return self.output_shapes()[-1] if self._layers else self.input_shape

    @property
    def input_dtype(self) -> str:
        """The dtype that the data is declared to have: that of `Input`, or of the model."""
        return self.dtype if self._input is None else self._input.data_dtype

    # A network of one input and one output

    @property
    def input_names(self) -> list[str]:
        return ["input_layer" if self._input is None else self._input.name]

    @property
    def output_names(self) -> list[str]:
        return [layer.name for layer in self._layers[-1:]]

    def prepare_inputs(self, inputs: list[Any]) -> list[np.ndarray]:
        return [self.prepare(x) for x in inputs]

    def run(
        self, inputs: list[np.ndarray], masks: list[np.ndarray | None], training: bool
    ) -> tuple[list[np.ndarray], list[np.ndarray | None], Any]:
        output, mask, tape = self._chain(inputs[0], masks[0], training)
        return [output], [mask], tape

    def backward_run(self, gradients: list[np.ndarray | None], tape: Any, at_logits: list[bool]) -> None:
        if gradients[0] is not None:
            self._backward(gradients[0], tape, need_dx=False, at_logits=at_logits[0])

    @property
    def output_activations(self) -> list[str | None]:
        return [self.output_activation]

    @property
    def output_dtypes(self) -> list[str]:
        return [d for la in self._layers[-1:] for d in (la.output_dtypes if isinstance(la, Model) else [la.dtype])]

    def output_shapes_for(self, input_shapes: list[Shape]) -> list[Any]:
        return [self.compute_output_shape(shape) for shape in input_shapes]

    # A layer like any other

    def cast(self, x: Any) -> np.ndarray:
        return self._layers[0].cast(x) if self._layers else self.numeric(x)

    def prepare(self, x: Any) -> np.ndarray:
        """The first data builds a model without `Input`: for any number of steps where the layers allow that."""
        if not self.built and self._input is None and self._layers:
            shape = self.cast(x).shape
            candidates: list[Shape] = [(None,) * len(shape), (*(None,) * (len(shape) - 1), shape[-1]), shape]
            for candidate in candidates if shape else []:
                with contextlib.suppress(ValueError):  # what is wrong with the data itself is raised below
                    self.build(candidate)
                    break
        return super().prepare(x)

    def check_shape(self, shape: Shape) -> None:
        if self._input is not None:
            self._input.check_shape(shape)
        for layer in self._layers if self.built else self._layers[:1]:
            layer.check_shape(shape)
            shape = layer.compute_output_shape(shape)

    def check_values(self, x: np.ndarray) -> None:
        if self._layers:
            self._layers[0].check_values(x)

    def _chain(self, x: np.ndarray, mask: np.ndarray | None, training: bool) -> tuple[np.ndarray, Any, list[Any]]:
        """Output, its mask, and the tape: a cache per layer."""
        tape = []
        for layer, reader in zip(self._layers, [*self._layers[1:], None], strict=True):
            x = layer.cast(x)
            y, cache = layer.forward_to(reader, x, mask=mask, training=training)
            mask = layer.compute_mask(x, mask)
            tape.append(cache)
            x = y
        return x, mask, tape

    def forward(self, x: np.ndarray, *, mask: np.ndarray | None = None, training: bool = False) -> tuple[Any, Any]:
        y, _, tape = self._chain(x, mask, training)
        return y, tape if training else None

    def backward(self, dy: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(dy, cache, need_dx, at_logits=False)

    @property
    def output_activation(self) -> str | None:
        return self._layers[-1].output_activation if self._layers else None

    def backward_logits(self, dz: np.ndarray, cache: Any, *, need_dx: bool = True) -> np.ndarray | None:
        return self._backward(dz, cache, need_dx, at_logits=True)

    def _backward(self, gradient: np.ndarray, tape: list[Any], need_dx: bool, at_logits: bool) -> np.ndarray | None:
        last = len(self._layers) - 1
        first = 0 if need_dx else self._first_trainable()
        dy: np.ndarray | None = gradient
        for i in range(last, first - 1, -1):
            layer = self._layers[i]
            step = layer.backward_logits if at_logits and i == last else layer.backward
            dy = step(_as(dy, layer), tape[i], need_dx=need_dx or i > first)
            if dy is None:
                break
        return dy

    def _first_trainable(self) -> int:
        """No layer before this one has anything to learn."""
        for i, layer in enumerate(self._layers):
            if layer.trainable_weights:
                return i
        return len(self._layers)

    @property
    def carries_mask(self) -> bool:
        return all(layer.carries_mask for layer in self._layers)

    @property
    def creates_mask(self) -> bool:  # type: ignore[override]
        """Whether the output has a mask though the input has none."""
        masked = False
        for layer in self._layers:
            masked = layer.creates_mask or (masked and layer.carries_mask)
        return masked

    def compute_mask(self, x: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray | None:
        if not self.creates_mask:
            return mask if self.carries_mask else None
        return self._chain(x, mask, training=False)[1]

    def lower(self, program: Any, value: Any) -> Any:
        for layer in self._layers:
            value = layer.lower(program, value)
        return value

    @property
    def stateful(self) -> bool:
        return any(layer.stateful for layer in self._layers)

    def reset_state(self) -> None:
        """Start every stateful layer from zero states again."""
        for layer in self._layers:
            layer.reset_state()

    # Weights and description

    @property
    def weights(self) -> list[Variable]:
        return [v for layer in self._layers for v in layer.weights]

    @property
    def trainable_weights(self) -> list[Variable]:
        return [v for layer in self._layers for v in layer.trainable_weights] if self.trainable else []

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or by its place."""
        if (name is None) == (index is None):
            raise ValueError(f"{self.label}: get_layer takes a name or an index")
        if index is not None:
            if not _arguments.is_whole(index) or not -len(self._layers) <= index < len(self._layers):
                raise ValueError(f"{self.label}: it has {len(self._layers)} layers, got index {index!r}")
            return self._layers[index]
        for layer in self._layers:
            if layer.name == name:
                return layer
        raise ValueError(f"{self.label}: no layer {name!r}; it has {', '.join(la.name for la in self._layers)}")

    def summary(
        self,
        line_length: int | None = None,
        print_fn: Callable[[str], Any] | None = None,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters.

        line_length: width of the table, default 73. print_fn: called with the text, default `print`.
        """
        summary(self, line_length, print_fn, show_trainable)

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the model to a `.keras` file, which Keras opens too."""
        from rnnfast.formats.keras_file import save_model

        save_model(self, filepath, overwrite=overwrite)

    def get_config(self) -> dict[str, Any]:
        start = self._input
        if start is None and self.input_shape is not None:
            start = InputLayer(batch_shape=self.input_shape, name="input_layer")
        chain = self._layers if start is None else [start, *self._layers]
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        config["layers"] = [layer_room.serialize(layer) for layer in chain]
        if self.input_shape is not None:
            config["build_input_shape"] = list(self.input_shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """A model with new weights from `get_config`, also Keras'."""
        if not isinstance(config, dict) or not isinstance(config.get("layers"), (list, tuple)):
            raise ValueError(f"{cls.__name__}.from_config: expected a dictionary with a list 'layers', got {config!r}")
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for layer in config["layers"]:
            model.add(layer_room.deserialize(layer))
        if not model.built and model._layers and config.get("build_input_shape"):
            model.build(config["build_input_shape"])
        return model


layer_room.registry.add(Sequential)


def _parts(layer: Layer) -> Iterator[Layer]:
    """The layer, and all that it holds."""
    yield layer
    held = layer.layers if isinstance(layer, Model) else [layer.layer] if isinstance(layer, TimeDistributed) else []
    for inner in held:
        yield from _parts(inner)


def _single(model: Sequential, shape: Any) -> Any:
    if isinstance(shape, list):
        raise ValueError(
            f"{model.label}: every layer must have one output; a layer with return_state=True or merge_mode=None "
            "cannot stand in a Sequential"
        )
    return shape


def _as(gradient: Any, layer: Layer) -> Any:
    """In the dtype of the layer; a model's layers look after their own."""
    return gradient if isinstance(layer, Model) else gradient.astype(layer.dtype, copy=False)
