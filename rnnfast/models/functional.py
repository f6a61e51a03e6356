"""Functional models: a graph of layers from inputs to outputs, and itself a layer."""

from __future__ import annotations

from typing import Any

from rnnfast import _structure
from rnnfast import layers as layer_room
from rnnfast._custom_objects import CustomObjectScope
from rnnfast.layers import InputLayer, Layer
from rnnfast.layers.base import Shape
from rnnfast.layers.symbolic import Node, SymbolicTensor
from rnnfast.layers.tape import TapedTensor
from rnnfast.models import graph_config
from rnnfast.models.graph import Graph
from rnnfast.models.model import Model


class Functional(Model):
    """A model of the layers between symbolic `inputs` and `outputs`: `Model(inputs, outputs)` makes one.

    inputs, outputs: a symbolic tensor, or a list or dictionary of them; the model takes arrays in the structure of the
    one and gives them in that of the other. Dictionaries of data go by the names of the inputs. Layers may be called
    more than once (they are shared: gradients add up), and be models. name: default `functional`, `functional_1`, ...

    ValueError: an output hangs on a tensor that is not among the inputs; layers of one name. TypeError: no tensor.

    >>> import rnnfast
    >>> from rnnfast.layers import LSTM, Dense, Input, concatenate
    >>> text, meta = Input((None, 3), name="text"), Input((4,), name="meta")
    >>> model = rnnfast.Model([text, meta], Dense(1)(concatenate([LSTM(8)(text), meta])))
    >>> model.output_shape
    (None, 1)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(name=name, trainable=trainable)
        self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        inputs, outputs = _structure.listed(inputs), _structure.listed(outputs)
        graph = Graph(self.label, inputs, outputs)
        if any(not isinstance(t.layer, InputLayer) for t in graph.inputs):  # a part of another graph, drawn anew
            starts = [
                t if isinstance(t.layer, InputLayer) else InputLayer(batch_shape=t.shape, dtype=t.dtype).start()
                for t in graph.inputs
            ]
            ends = graph.replay(starts, lambda node, x, options: node.layer(x, **options))
            inputs, outputs = _structure.pack(inputs, starts), _structure.pack(outputs, ends)
            graph = Graph(self.label, inputs, outputs)
        self._graph = graph
        self._input_structure, self._output_structure = inputs, outputs
        self.input_shape = _structure.map_leaves(lambda t: t.shape, inputs)
        self.built = True

    @property
    def layers(self) -> list[Layer]:
        """The layers, those of the inputs included, in Keras' order."""
        return list(self._graph.layers)

    def in_order(self, layers: list[Layer]) -> Functional:
        """The model, with its layers in this order; those that are not its own are left out."""
        own = set(map(id, self._graph.layers))
        self._graph.layers = [layer for layer in layers if id(layer) in own]
        return self

    @property
    def graph(self) -> Graph:
        return self._graph

    # The two ends

    @property
    def inputs(self) -> list[SymbolicTensor]:
        return list(self._graph.inputs)

    @property
    def outputs(self) -> list[SymbolicTensor]:
        return list(self._graph.outputs)

    @property
    def input(self) -> Any:
        return self._input_structure

    @property
    def output(self) -> Any:
        return self._output_structure

    @property
    def output_shape(self) -> Any:
        return _structure.map_leaves(lambda t: t.shape, self._output_structure)

    @property
    def input_names(self) -> list[str]:
        return _names(self._input_structure, self._graph.inputs)

    @property
    def output_names(self) -> list[str]:
        return _names(self._output_structure, self._graph.outputs)

    @property
    def output_dtypes(self) -> list[str]:
        return [t.dtype for t in self._graph.outputs]

    @property
    def output_activations(self) -> list[str | None]:
        """That of an output which nothing else reads."""
        read = [id(t) for node in self._graph.nodes for t in node.inputs] + [id(t) for t in self._graph.outputs]
        return [
            t.layer.output_activation if len(t.node.outputs) == 1 and read.count(id(t)) == 1 else None
            for t in self._graph.outputs
        ]

    @property
    def input_specs(self) -> list[tuple[Shape, str]]:
        return [(t.shape, t.dtype) for t in self._graph.inputs]

    def pack_outputs(self, outputs: Any) -> Any:
        return _structure.pack(self._output_structure, list(outputs))

    # Shapes and values

    def build(self, input_shape: Any = None) -> None:
        """The graph is built as it is drawn: this only checks the shape, if one is given."""
        if input_shape is not None:
            self.check_shape(input_shape)

    def check_shape(self, shape: Any) -> None:
        shapes = self._flat_shapes(shape)
        for tensor, one in zip(self._graph.inputs, shapes, strict=True):
            tensor.layer.check_shape(tuple(one))
        self._propagate(shapes, check=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.pack_outputs(self.output_shapes_for(self._flat_shapes(input_shape)))

    def output_shapes_for(self, input_shapes: list[Shape]) -> list[Any]:
        return self._propagate(input_shapes, check=False)

    def _propagate(self, input_shapes: list[Any], check: bool) -> list[Any]:
        def step(node: Node, shape: Any, options: dict[str, Any]) -> Any:
            if check:
                node.layer.check_shape(shape)
            return node.layer.call_output_shape(shape, options)

        return self._graph.replay([tuple(shape) for shape in input_shapes], step)

    def _flat_shapes(self, shape: Any) -> list[Shape]:
        if isinstance(shape, dict):
            return [tuple(shape[name]) for name in self.input_names]
        several = len(shape) > 0 and isinstance(shape[0], (list, tuple))
        shapes = [tuple(s) for s in shape] if several else [tuple(shape)]
        if len(shapes) != len(self._graph.inputs):
            raise ValueError(f"{self.label}: expected {len(self._graph.inputs)} inputs, got input of shape {shape}")
        return shapes

    def check_values(self, x: Any) -> None:
        starts = {id(t): array for t, array in zip(self._graph.inputs, self.by_name(x), strict=True)}
        for node in self._graph.nodes:
            if node.inputs and all(id(t) in starts for t in node.inputs):
                arrays = _structure.map_leaves(lambda t: starts[id(t)], node.x)
                node.layer.check_values(node.layer.cast(arrays))

    # Running

    def output_shapes(self) -> list[Any]:
        """Of each layer's first call: a shape, or a list of them."""
        calls = [self._graph.nodes_of(layer)[0].outputs for layer in self._graph.layers]
        return [made[0].shape if len(made) == 1 else [t.shape for t in made] for made in calls]

    def connections(self) -> list[str] | None:
        def place(tensor: SymbolicTensor) -> str:
            node = self._graph.nodes_of(tensor.layer).index(tensor.node)
            return f"{tensor.name}[{node}][{tensor.index}]"

        calls = [[t for node in self._graph.nodes_of(layer) for t in node.inputs] for layer in self._graph.layers]
        return [", ".join(place(t) for t in read) or "-" for read in calls]

    def play(self, inputs: list[Any], training: bool) -> list[TapedTensor]:
        return self._graph.replay(inputs, lambda node, x, options: inputs[0].tape.run(node.layer, x, options))

    @property
    def creates_mask(self) -> bool:  # type: ignore[override]
        return any(t.masked for t in self._graph.outputs)

    def lower_through(self, lower: Any, values: list[Any]) -> list[Any]:
        return self._graph.replay(values, lambda node, x, options: lower(node.layer, x, options))

    # Configuration

    def get_config(self) -> dict[str, Any]:
        config = graph_config.to_config(self, layer_room.serialize)
        return {"name": self.name, "trainable": self.trainable, **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Functional:
        """A model with new weights from `get_config`, also Keras'. custom_objects: the user's own classes, by name."""
        if not isinstance(config, dict) or not isinstance(config.get("layers"), (list, tuple)):
            raise ValueError(f"{cls.__name__}.from_config: expected a dictionary with a list 'layers', got {config!r}")
        with CustomObjectScope(custom_objects):
            inputs, outputs = graph_config.from_config(config, layer_room.deserialize)
        return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True))

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for name in ("_graph", "_input_structure", "_output_structure"):
            del state[name]
        return {**state, "_drawing": graph_config.to_config(self, lambda layer: {"layer": layer})}

    def __setstate__(self, state: dict[str, Any]) -> None:
        drawing = state.pop("_drawing")
        self.__dict__.update(state)
        self._connect(*graph_config.from_config(drawing, lambda entry: entry["layer"]))


def _names(structure: Any, tensors: list[SymbolicTensor]) -> list[str]:
    """Keys of a dictionary, else the names of the layers, numbered where one has several outputs."""
    if isinstance(structure, dict):
        return sorted(structure)
    names: list[str] = []
    for tensor in tensors:
        count = sum(name == tensor.name or name.startswith(f"{tensor.name}:") for name in names)
        names.append(f"{tensor.name}:{count}" if count else tensor.name)
    return names


layer_room.registry.add(Functional)
