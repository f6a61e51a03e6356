"""The package under Keras' paths: `rnnfast.keras.layers` is `rnnfast.layers`, and so for every other room.

A program that says `from tensorflow.keras.layers import LSTM` needs the first name changed, one that says
`tf.keras.Sequential` runs after `import rnnfast as tf`. There are no copies: a room is loaded when it is first used,
and is the same module under both names.

>>> import rnnfast as tf
>>> from rnnfast.keras.layers import LSTM
>>> from rnnfast.layers import LSTM as same
>>> LSTM is same, tf.keras.layers is tf.layers
(True, True)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import rnnfast
from rnnfast._absent import reason, stand_in

_PREFIX = f"{__name__}."

# Names that Keras has in its own module, beside those of `rnnfast` itself.
_HOMES = {
    "Initializer": "initializers",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
}

__all__ = sorted({*_HOMES, *rnnfast.__all__} - {"keras"})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"rnnfast.{_HOMES[name]}"), name)
    return getattr(rnnfast, name) if name in (*rnnfast.__all__, "__version__") else stand_in(__name__, name)


def __dir__() -> list[str]:
    return sorted({*_HOMES, *rnnfast.__all__})


class _SameModule(MetaPathFinder, Loader):
    """Imports `rnnfast.keras.x` as the module `rnnfast.x`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        room = fullname.removeprefix(_PREFIX)
        if room == fullname or room.startswith("_"):
            return None
        if find_spec(f"rnnfast.{room}") is None:
            module, _, name = room.rpartition(".")
            why = reason(module or "keras", name)
            if why is not None:
                raise ModuleNotFoundError(f"{fullname} is not supported: {why}", name=fullname)
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(f"rnnfast.{spec.name.removeprefix(_PREFIX)}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run already; the import system has put the spec of its second name in place of its own."""
        if module.__spec__ is not None and module.__spec__.loader is self:
            module.__spec__ = module.__spec__.loader_state


sys.meta_path.insert(0, _SameModule())  # before the one that would load the file of a room a second time
