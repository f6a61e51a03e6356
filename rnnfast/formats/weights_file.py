"""`.weights.h5` files: the weights of a model, and its optimizer's state, without the model itself; Keras' layout."""

from __future__ import annotations

import os

from rnnfast._warnings import warn_caller
from rnnfast.formats import archive, optimizer_state
from rnnfast.formats.errors import ModelFileError
from rnnfast.formats.h5_weights import Group, WeightsReader, import_h5py, write_weights
from rnnfast.formats.weights_layout import read_weights, weight_groups
from rnnfast.models import Model

_ENDING = ".weights.h5"


def save_weights(model: Model, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the weights of a built model, and its optimizer's state, for `load_weights` here and in Keras 3.

    The file is replaced in one step. ImportError: h5py is missing. ValueError: `path` does not end in `.weights.h5`, or
    exists and `overwrite` is False; the model is not built.

    >>> import rnnfast
    >>> model = rnnfast.Sequential([rnnfast.layers.Input((None, 3)), rnnfast.layers.LSTM(4)])
    >>> model.save_weights("lstm.weights.h5")
    >>> model.load_weights("lstm.weights.h5")
    """
    target = _checked("save_weights", path)
    if not overwrite and os.path.exists(target):
        raise ValueError(f"save_weights: {target} exists; pass overwrite=True to replace it")
    if not model.built:
        raise ValueError(f"save_weights: model {model.name!r} has no weights yet; build it first")
    archive.replace(target, lambda file: file.write(write_weights(weights_and_optimizer(model))))


def load_weights(model: Model, path: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Read the weights of a built model with the same layers, and the state of its optimizer if it is compiled.

    skip_mismatch: layers whose weights are missing, or differ in number or shape, are left as they are, and the
    optimizer with them, with a UserWarning for each.

    ImportError: h5py is missing. ModelFileError (a ValueError): the file is damaged, or does not fit the model.
    """
    source = _checked("load_weights", path)
    if not model.built:
        raise ValueError(f"load_weights: model {model.name!r} has no weights yet; build it first")
    with open(source, "rb") as file:
        data = file.read()
    with WeightsReader(source, data) as reader:
        read_weights(reader, model, skip_mismatch)
        if model.optimizer is None:
            return
        try:
            optimizer_state.read_state(reader, model.optimizer, model.trainable_weights)
        except ModelFileError as error:
            if not skip_mismatch:
                raise
            warn_caller(f"load_weights: the optimizer is skipped: {error}")


def weights_and_optimizer(model: Model) -> dict[str, Group]:
    """What a weights file holds of a model."""
    groups = weight_groups(model)
    if model.optimizer is not None:
        groups[optimizer_state.PATH] = optimizer_state.state_group(model.optimizer, model.trainable_weights)
    return groups


def _checked(method: str, path: str | os.PathLike[str]) -> str:
    name = os.fspath(path)
    if not name.endswith(_ENDING):
        raise ValueError(f"{method}: path must end in {_ENDING!r}, got {name!r}")
    import_h5py()
    return name
