"""A functional model's graph as Keras writes it: a list of layers, each with the calls that were made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rnnfast import _structure
from rnnfast.layers import InputLayer, Layer
from rnnfast.layers.symbolic import SymbolicTensor

Config = dict[str, Any]

_TENSOR = "__keras_tensor__"


def to_config(model: Any, serialize: Callable[[Layer], Config]) -> Config:
    """`layers`, `input_layers` and `output_layers` of a functional model; `serialize` writes a layer's own entry."""
    graph = model.graph
    places = {id(node): i for layer in graph.layers for i, node in enumerate(graph.nodes_of(layer))}

    def place(tensor: SymbolicTensor) -> list[Any]:
        return [tensor.name, places[id(tensor.node)], tensor.index]

    def leaf(value: Any) -> Any:
        if isinstance(value, SymbolicTensor):
            config = {"shape": list(value.shape), "dtype": value.dtype, "keras_history": place(value)}
            return {"class_name": _TENSOR, "config": config}
        if value is not None and not isinstance(value, (bool, int, float, str)):
            raise ValueError(f"{model.label}: a {type(value).__name__} among the arguments of a layer has no config")
        return value

    def end(tensor: SymbolicTensor) -> list[Any]:
        name, node, index = place(tensor)
        return [name, node + _first_node(tensor.layer), index]

    entries = []
    for layer in graph.layers:
        calls = [
            {"args": [_structure.map_leaves(leaf, node.x)], "kwargs": _structure.map_leaves(leaf, node.options)}
            for node in graph.nodes_of(layer)
            if not isinstance(layer, InputLayer)
        ]
        entries.append({**serialize(layer), "name": layer.name, "inbound_nodes": calls})
    return {
        "layers": entries,
        "input_layers": _structure.map_leaves(end, model.input),
        "output_layers": _structure.map_leaves(end, model.output),
    }


def from_config(config: Config, deserialize: Callable[[Any], Layer]) -> tuple[Any, Any]:
    """The symbolic inputs and outputs of the graph, its layers newly made by `deserialize`.

    ValueError: a layer, or a call of one, is missing or hangs on itself.
    """
    layers: dict[str, Layer] = {}
    waiting: list[tuple[Layer, list[Config]]] = []
    for entry in _items(config.get("layers"), "layers"):
        layer = deserialize(entry)
        name = entry.get("name") or layer.name  # the configuration of one of the user's own need not have it
        if name in layers:
            raise ValueError(f"layers must have different names, got {name!r} twice")
        layers[name] = layer
        if isinstance(layer, InputLayer):
            layer.start()
        else:
            waiting.append((layer, _items(entry.get("inbound_nodes", []), f"inbound_nodes of {layer.name!r}")))
    while waiting:
        rest = [(layer, calls[_call_ready(layer, calls, layers) :]) for layer, calls in waiting]
        rest = [(layer, calls) for layer, calls in rest if calls]
        if sum(len(calls) for _, calls in rest) == sum(len(calls) for _, calls in waiting):
            stuck = ", ".join(repr(layer.name) for layer, _ in rest)
            raise ValueError(f"the calls of layers {stuck} read outputs that are never made, or their own")
        waiting = rest

    def end(place: Any) -> Any:
        if isinstance(place, dict):
            return {key: end(value) for key, value in place.items()}
        places = _items(place, "input_layers and output_layers")
        if len(places) == 3 and isinstance(places[0], str):
            try:
                return _made(layers, [places[0], _less(places[1], _first_node(layers.get(places[0]))), places[2]])
            except _NotYet:
                raise ValueError(f"expected the place of a tensor, got {places}: no such call") from None
        return [end(value) for value in places]

    return end(config.get("input_layers")), end(config.get("output_layers"))


def _call_ready(layer: Layer, calls: list[Config], layers: dict[str, Layer]) -> int:
    """Make the first calls of a layer, as far as what they read is there. Gives their number."""
    for count, call in enumerate(calls):
        if not isinstance(call, dict) or not isinstance(call.get("kwargs", {}), dict):
            raise ValueError(f"inbound_nodes of {layer.name!r}: expected 'args' and 'kwargs', got {call!r}")
        args = _items(call.get("args"), f"args of {layer.name!r}")
        if not args:
            raise ValueError(f"args of {layer.name!r}: expected an argument, a tensor or several, got none")
        try:
            x, *others = _tensors(args, layers)
            options = _tensors(call.get("kwargs", {}), layers)
        except _NotYet:
            return count
        layer(
            x, *others, **{name: value for name, value in options.items() if name not in ("mask", "training") or value}
        )
    return len(calls)


class _NotYet(Exception):
    """A call reads what no call has made so far."""


def _tensors(value: Any, layers: dict[str, Layer]) -> Any:
    """Serialized arguments, with the tensors of the layers in them."""
    if isinstance(value, (list, tuple)):
        return [_tensors(item, layers) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") != _TENSOR:
        return {key: _tensors(item, layers) for key, item in value.items()}
    return _made(layers, value.get("config", {}).get("keras_history"))


def _made(layers: dict[str, Layer], place: Any) -> SymbolicTensor:
    name, node, index = _items(place, "keras_history") if place is not None and len(place) == 3 else (None, 0, 0)
    if name not in layers:
        raise ValueError(f"expected the place of a tensor, [layer, node, index], got {place!r}; there is no such layer")
    nodes = layers[name].nodes
    if isinstance(node, int) and 0 <= len(nodes) <= node:
        raise _NotYet
    outputs = nodes[node].outputs if isinstance(node, int) and node >= 0 else []
    if not isinstance(index, int) or not 0 <= index < len(outputs):
        raise ValueError(f"layer {name!r} has no output {place!r}")
    return outputs[index]


def _less(node: Any, first: int) -> Any:
    return node - first if isinstance(node, int) else node


def _first_node(layer: Any) -> int:
    """Where `output_layers` begin to count a layer's calls: Keras' functional models have one from the start."""
    return 1 if hasattr(layer, "graph") else 0


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{what}: expected a list, got {value!r}")
    return list(value)
