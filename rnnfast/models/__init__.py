"""Models: `Sequential`, functional ones and those of one's own, and reading and writing them.

>>> from rnnfast.models import Sequential
"""

from __future__ import annotations

from typing import Any

from rnnfast.models.cloning import clone_model
from rnnfast.models.functional import Functional
from rnnfast.models.model import Model
from rnnfast.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "save_model"]


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, **options: Any) -> Any:
    """The model in a `.keras` file, written by rnnfast or by Keras. See `rnnfast.formats.keras_file.load_model`."""
    from rnnfast.formats import keras_file

    return keras_file.load_model(filepath, custom_objects, **options)


def save_model(model: Any, filepath: Any, **options: Any) -> None:
    """Write a model to a `.keras` file. See `rnnfast.formats.keras_file.save_model`."""
    from rnnfast.formats import keras_file

    keras_file.save_model(model, filepath, **options)
