"""Layers by name, as configs hold them. Apart from the list of them, so that layers which hold others can ask it."""

from __future__ import annotations

from rnnfast._registry import Registry
from rnnfast.layers.base import Layer

registry: Registry[Layer] = Registry("layer", Layer, "keras.layers")
serialize = registry.serialize
deserialize = registry.deserialize
