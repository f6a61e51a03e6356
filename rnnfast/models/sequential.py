"""Sequential: a chain of layers, and itself a layer."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast import layers as layer_room
from rnnfast.layers import InputLayer, Layer, NoLoweringError
from rnnfast.layers.base import Shape
from rnnfast.layers.symbolic import SymbolicTensor
from rnnfast.models.model import Model


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

    def __init__(self, layers: Iterable[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
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

    @property
    def sublayers(self) -> list[Layer]:
        return self._layers

    def add(self, layer: Any) -> None:
        """Put a layer at the end; it is built at once where the shape of the data is known."""
        if isinstance(layer, SymbolicTensor) and isinstance(layer.layer, InputLayer):
            layer = layer.layer
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
        Layer.build(self, input_shape)

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
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic input; of the layers, `output` is then known, too. ValueError: the model is not built."""
        return [self._drawn()[0]]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        return [self._drawn()[1]]

    @property
    def input(self) -> SymbolicTensor:
        return self._drawn()[0]

    @property
    def output(self) -> SymbolicTensor:
        return self._drawn()[1]

    def _drawn(self) -> tuple[SymbolicTensor, SymbolicTensor]:
        """Both ends of the chain as a graph, which is drawn when it is first asked for."""
        if not self.built or self.input_shape is None:
            raise ValueError(f"{self.label}: it has no inputs before it is built; give it an Input")
        if self._input is None:
            self._input = InputLayer(batch_shape=self.input_shape, name="input_layer")
        start = end = self._input.start()
        for layer in self._layers:
            node = next((node for node in layer.nodes if node.x is end), None)
            end = layer(end) if node is None else node.outputs[0]
        return start, end

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

    def pack_outputs(self, outputs: Any) -> Any:
        return outputs[0]

    def play(self, inputs: list[Any], training: bool) -> list[Any]:
        for layer in self._layers:
            inputs = [inputs[0].tape.run(layer, inputs[0], {})]
        return inputs

    @property
    def output_activations(self) -> list[str | None]:
        return [self._layers[-1].output_activation if self._layers else None]

    @property
    def input_specs(self) -> list[tuple[Shape, str]]:
        return [(self.input_shape or (), self.input_dtype)]

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

    def lower_through(self, lower: Any, values: list[Any]) -> list[Any]:
        for layer in self._layers:
            values = [lower(layer, values[0], {})]
            if isinstance(values[0], list):
                raise NoLoweringError(f"{self.label}: {layer.label} gives several outputs")
        return values

    # Configuration

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
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Sequential:
        """A model with new weights from `get_config`, also Keras'. custom_objects: the user's own classes, by name."""
        if not isinstance(config, dict) or not isinstance(config.get("layers"), (list, tuple)):
            raise ValueError(f"{cls.__name__}.from_config: expected a dictionary with a list 'layers', got {config!r}")
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for layer in config["layers"]:
            model.add(layer_room.deserialize(layer, custom_objects))
        if not model.built and model._layers and config.get("build_input_shape"):
            model.build(config["build_input_shape"])
        return model


layer_room.registry.add(Sequential)


def _parts(layer: Layer) -> Iterator[Layer]:
    """The layer, and all that it holds."""
    yield layer
    for inner in layer.sublayers:
        yield from _parts(inner)


def _single(model: Sequential, shape: Any) -> Any:
    if isinstance(shape, (list, dict)):
        raise ValueError(
            f"{model.label}: every layer must have one output; a layer with return_state=True or merge_mode=None "
            "cannot stand in a Sequential"
        )
    return shape
