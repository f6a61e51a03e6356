"""Models: `Sequential`, functional ones and those of one's own, and reading and writing them.

>>> from rnnfast.models import Sequential
"""

from __future__ import annotations

from typing import Any

from rnnfast.models.cloning import clone_model
from rnnfast.models.functional import Functional
from rnnfast.models.model import Model
from rnnfast.models.sequential import Sequential

__all__ = ["Functional", "Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, **options: Any) -> Any:
    """The model in a `.keras` file, written by rnnfast or by Keras. See `rnnfast.formats.keras_file.load_model`."""
    from rnnfast.formats import keras_file

    return keras_file.load_model(filepath, custom_objects, **options)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model, with new weights, of what `to_json` gives, here or in Keras. custom_objects: the user's own classes.

    >>> from rnnfast.layers import GRU, Input
    >>> model_from_json(Sequential([Input((5, 3)), GRU(4)]).to_json()).output_shape
    (None, 4)
    """
    from rnnfast.formats import model_config

    return model_config.model_from_json(json_string, custom_objects)


def save_model(model: Any, filepath: Any, **options: Any) -> None:
    """Write a model to a `.keras` file. See `rnnfast.formats.keras_file.save_model`."""
    from rnnfast.formats import keras_file

    keras_file.save_model(model, filepath, **options)
