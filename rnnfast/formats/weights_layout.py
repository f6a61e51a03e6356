"""Where each weight of a model lies in the weights file of a `.keras` archive, and its way in and out.

Layers are found by class and order (`layers/lstm`, `layers/lstm_1`, ...), not by name. The weights of a recurrent layer
are its cell's (`layers/lstm/cell`), those of a stack of cells theirs (`layers/rnn/cell/cells/lstm_cell`), those of a
wrapper its inner layers' (`layers/bidirectional/forward_layer/cell`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from rnnfast import layers
from rnnfast._registry import snake_case
from rnnfast.formats.h5_weights import Group, WeightsReader
from rnnfast.formats.layer_config import class_name
from rnnfast.initializers import Initializer
from rnnfast.layers.base import Layer

LAYERS = "layers"


def layer_paths(model_layers: Sequence[Layer]) -> list[tuple[str, Layer]]:
    """(path, layer) of every layer of a model but its InputLayer, which Keras leaves out."""
    return _numbered(LAYERS, [layer for layer in model_layers if not isinstance(layer, layers.InputLayer)])


def _numbered(folder: str, members: Sequence[Layer]) -> list[tuple[str, Layer]]:
    counts: Counter[str] = Counter()
    paths = []
    for member in members:
        name = snake_case(class_name(member))
        paths.append((f"{folder}/{name}_{counts[name]}" if counts[name] else f"{folder}/{name}", member))
        counts[name] += 1
    return paths


def parts(path: str, layer: Layer) -> Iterator[tuple[str, str, Layer | None]]:
    """(path, name, layer whose own weights lie there, or None) of `layer` and of what it holds."""
    inner: dict[str, Layer] = {}
    if isinstance(layer, layers.Bidirectional):
        inner = {"forward_layer": layer.forward_layer, "backward_layer": layer.backward_layer}
    elif isinstance(layer, layers.TimeDistributed):
        inner = {"layer": layer.layer}
    elif isinstance(layer, layers.RNN):
        inner = {"cell": layer.cell}
    elif isinstance(layer, layers.StackedRNNCells):
        inner = dict(_numbered("cells", layer.cells))
    if isinstance(layer, layers.Recurrent):
        yield path, layer.name, None
        yield f"{path}/cell", f"{snake_case(class_name(layer))}_cell", layer
    else:
        owner = layer.layer if isinstance(layer, layers.RecurrentCell) else layer
        yield path, layer.name, None if inner else owner
    for name, held in inner.items():
        yield from parts(f"{path}/{name}", held)


def weight_groups(model_layers: Sequence[Layer]) -> dict[str, Group]:
    """Every group of the weights file of a model, with the values of its layers' weights."""
    return {
        path: Group(name, [v.numpy() for v in owner.weights] if owner else [])
        for top, layer in layer_paths(model_layers)
        for path, name, owner in parts(top, layer)
    }


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
def sized_by(reader: WeightsReader, model_layers: Sequence[Layer]) -> Iterator[None]:
    """While this is open, building a layer takes memory only for weights that `reader` holds, shape for shape.

    It also spares the work of drawing initial values that would be overwritten.
    """
    originals: list[tuple[Layer, str, Any]] = []
    try:
        for top, layer in layer_paths(model_layers):
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
            variables = owner.weights if owner else []
            reader.check_count(path, layer.label, [v.name for v in variables])
            for index, variable in enumerate(variables):
                dataset = reader.claim(path, index, layer.label, variable.shape, str(variable.dtype))
                variable.assign(reader.read(dataset))
