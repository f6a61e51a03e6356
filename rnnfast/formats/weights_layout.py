"""Where each weight of a model lies in the weights file of a `.keras` archive, and its way in and out.

Layers are found by class and order (`layers/lstm`, `layers/lstm_1`, ...), not by name. The weights of a recurrent layer
are its cell's (`layers/lstm/cell`), those of a stack of cells theirs (`layers/rnn/cell/cells/lstm_cell`), those of a
wrapper its inner layers' (`layers/bidirectional/forward_layer/cell`), those of a model inside a model its layers'
(`layers/functional/layers/dense`), those of the layers in a layer of the user's own lie under the attribute's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnnfast import layers
from rnnfast._registry import snake_case
from rnnfast.formats.h5_weights import Group, WeightsReader
from rnnfast.formats.layer_config import class_name
from rnnfast.initializers import Initializer
from rnnfast.layers.base import Layer
from rnnfast.models.network import Network
from rnnfast.variable import Variable

LAYERS = "layers"


def layer_paths(model_layers: Sequence[Layer], folder: str = LAYERS) -> list[tuple[str, Layer]]:
    """(path, layer) of every layer of a model."""
    return numbered(folder, model_layers, _folder_name)


def numbered(folder: str, members: Sequence[Any], name_of: Callable[[Any], str]) -> list[tuple[str, Any]]:
    """(path, member): the name of its class, with a number from the second one on."""
    counts: Counter[str] = Counter()
    paths = []
    for member in members:
        name = name_of(member)
        paths.append((f"{folder}/{name}_{counts[name]}" if counts[name] else f"{folder}/{name}", member))
        counts[name] += 1
    return paths


def parts(path: str, layer: Any) -> Iterator[tuple[str, str, Any]]:
    """(path, name, layer or cell whose own weights lie there, or None) of `layer` and of what it holds."""
    inner: dict[str, Layer] = {}
    if isinstance(layer, layers.Bidirectional):
        inner = {"forward_layer": layer.forward_layer, "backward_layer": layer.backward_layer}
    elif isinstance(layer, layers.TimeDistributed):
        inner = {"layer": layer.layer}
    elif isinstance(layer, layers.RNN):
        inner = {"cell": layer.cell}
    elif isinstance(layer, layers.StackedRNNCells):
        inner = dict(numbered("cells", layer.cells, _folder_name))
    elif isinstance(layer, Network):
        inner = dict(layer_paths(layer.layers))
    made_of = inner or isinstance(layer, Network)
    if not made_of and not isinstance(layer, layers.RecurrentCell):
        inner = dict(_held(layer))
    if isinstance(layer, layers.Recurrent):
        yield path, layer.name, None
        yield f"{path}/cell", f"{snake_case(class_name(layer))}_cell", layer
    else:
        owner = layer.layer if isinstance(layer, layers.RecurrentCell) else layer
        yield path, getattr(layer, "name", type(layer).__name__), None if made_of else owner
    for name, held in inner.items():
        yield from parts(f"{path}/{name}", held)


def _held(layer: Any) -> list[tuple[str, Layer]]:
    """(attribute, layer) of the layers that one of the user's own is made of, in the order of Keras' files."""
    return [(name, held) for name, held in sorted(vars(layer).items()) if isinstance(held, Layer)]


def _own_weights(owner: Any) -> list[Variable]:
    """The weights of a layer or a cell without those of the layers in it. None has none."""
    if owner is None:
        return []
    of_others = {id(v) for _, held in _held(owner) for v in held.weights}
    return [v for v in getattr(owner, "weights", []) if id(v) not in of_others]


def weight_groups(model_layers: Sequence[Layer]) -> dict[str, Group]:
    """Every group of the weights file of a model, with the values of its layers' weights."""
    return {
        path: Group(name, [v.numpy() for v in _own_weights(owner)])
        for top, layer in layer_paths(model_layers)
        for path, name, owner in parts(top, layer)
    }


def _folder_name(layer: Layer) -> str:
    return snake_case(class_name(layer))


class _Stored(Initializer):
    """Stands in for a layer's initializers: zeros, once the file is known to hold a weight of this shape."""

    def __init__(self, reader: WeightsReader, path: str, label: str) -> None:
        self.reader, self.path, self.label = reader, path, label
        self.count = 0

    def __call__(self, shape: tuple[int, ...], dtype: Any = "float32") -> np.ndarray:
        self.reader.claim(self.path, self.count, self.label, shape, str(dtype))
        self.count += 1
        return np.zeros(shape, dtype)


@contextmanager
def sized_by(reader: WeightsReader, model_layers: Sequence[Layer], folder: str = LAYERS) -> Iterator[None]:
    """While this is open, building a layer takes memory only for weights that `reader` holds, shape for shape.

    It also spares the work of drawing initial values that would be overwritten.
    """
    originals: list[tuple[Layer, str, Any]] = []
    try:
        for top, layer in layer_paths(model_layers, folder):
            for path, _, owner in parts(top, layer):
                if owner is None:
                    continue
                mine = [(owner, name, value) for name, value in vars(owner).items() if isinstance(value, Initializer)]
                originals += mine
                stored = _Stored(reader, path, layer.label)
                for _, attribute, _ in mine:
                    setattr(owner, attribute, stored)
        yield
    finally:
        for target, attribute, value in originals:
            setattr(target, attribute, value)


def read_weights(reader: WeightsReader, model_layers: Sequence[Layer]) -> None:
    """Assign every weight of built layers from the file. ModelFileError where one is missing, surplus or differs."""
    paths = layer_paths(model_layers)
    reader.check_no_other(LAYERS, {path.removeprefix(f"{LAYERS}/") for path, _ in paths})
    for top, layer in paths:
        for path, _, owner in parts(top, layer):
            variables = _own_weights(owner)
            reader.check_count(path, layer.label, [v.name for v in variables])
            for index, variable in enumerate(variables):
                dataset = reader.claim(path, index, layer.label, variable.shape, str(variable.dtype))
                variable.assign(reader.read(dataset))
