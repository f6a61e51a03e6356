"""`.keras` files: written so that Keras 3 loads them, read when Keras 3 or rnnfast wrote them.

A `.keras` file is a zip archive of `config.json` (layers, and how the model was compiled), `model.weights.h5` (weights,
and the optimizer's state) and `metadata.json`.

Files are untrusted input. Nothing in them is ever run, unpickled or extracted; every size, class, option, shape and
dtype is checked before memory is taken for it, and whatever is wrong is a ValueError that names the file and the place.
"""

from __future__ import annotations

import datetime
import json
import os
import warnings
from typing import Any

from rnnfast._custom_objects import CustomObjectScope, is_custom
from rnnfast.formats import archive, compile_config, optimizer_state
from rnnfast.formats.errors import ModelFileError
from rnnfast.formats.h5_weights import WeightsReader, import_h5py, write_weights
from rnnfast.formats.json_text import MAX_BYTES, parse_json
from rnnfast.formats.layer_config import Config
from rnnfast.formats.model_config import is_model, model_from_config, model_to_config
from rnnfast.formats.weights_layout import read_weights, weight_groups
from rnnfast.models import Model

# The oldest version of Keras that files from here were opened with.
_KERAS_VERSION = "3.6.0"


def save_model(model: Model, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a built model, with its weights, how it was compiled and the state of its optimizer, to a `.keras` file.

    Keras 3 opens the file with `keras.models.load_model(path)`. A layer with an option of rnnfast's own, such as
    `LSTM(peephole=True)`, has no counterpart there: a file that holds one is for rnnfast, and Keras refuses it with its
    message for unknown classes. The file is replaced in one step: a reader sees the old one or the new one.

    Args:
        model: a built `Sequential` or functional model, or one with a `call` of its own.
        path: ends in `.keras`.
        overwrite: False makes it an error if `path` exists.

    Raises:
        ImportError: h5py is missing (`pip install "rnnfast[keras]"`).
        ValueError: `path` does not end in `.keras` or exists and `overwrite` is False; the model is not built, or is
            of a class of your own without a `call`; it holds a lambda, or an instance of a class without `get_config`.
        OSError: the file cannot be written.

    Example:
        >>> import rnnfast
        >>> model = rnnfast.Sequential([rnnfast.layers.Input((None, 3)), rnnfast.layers.LSTM(4)])
        >>> model.save("lstm.keras")
        >>> rnnfast.load_model("lstm.keras").layers[0].units
        4
    """
    target = os.fspath(path)
    if not target.endswith(".keras"):
        raise ValueError(f"save: path must end in '.keras', got {target!r}")
    if not overwrite and os.path.exists(target):
        raise ValueError(f"save: {target} exists; pass overwrite=True to replace it")
    if not model.built:
        raise ValueError(f"save: model {model.name!r} has no weights yet; build it first: model.build(input_shape)")
    import_h5py()
    config = model_to_config(model)
    compiled = compile_config.compile_to_config(model)
    if compiled:
        config["compile_config"] = compiled
    groups = weight_groups(model)
    if "compile_config" in config and model.optimizer is not None:
        groups[optimizer_state.PATH] = optimizer_state.state_group(model.optimizer, model.trainable_weights)
    metadata = {
        "keras_version": _KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        "written_by": "rnnfast",
    }
    members = {
        archive.METADATA: json.dumps(metadata).encode(),
        archive.CONFIG: json.dumps(config).encode(),
        archive.WEIGHTS: write_weights(groups),
    }
    archive.write_archive(target, members)


def load_model(
    path: str | os.PathLike[str],
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Model:
    """Read a model from a `.keras` file that Keras 3 or rnnfast wrote: Sequential, functional, or of a known class.

    Weights come back bit for bit. If the model was compiled with something that rnnfast does not have (an optimizer, a
    loss of your own that is not named), it is loaded all the same, not compiled, with a UserWarning that says why.

    Args:
        path: the file.
        custom_objects: classes and functions of your own that the file names, by name; those that are registered
            (`rnnfast.utils.register_keras_serializable`) are known without.
        compile: False leaves the model uncompiled.
        safe_mode: accepted as Keras' argument; code in a file is never run.

    Returns:
        The model; built if it was built when it was saved.

    Raises:
        ImportError: h5py is missing (`pip install "rnnfast[keras]"`).
        ModelFileError: (a ValueError) the file is damaged, foreign, or holds a layer or option that is not supported;
            the message names the place.
        OSError: the file cannot be read.

    Example:
        >>> import rnnfast
        >>> rnnfast.Sequential([rnnfast.layers.Input((5, 3)), rnnfast.layers.GRU(2)]).save("gru.keras")
        >>> rnnfast.load_model("gru.keras").output_shape
        (None, 2)
    """
    source = os.fspath(path)
    import_h5py()
    where = f"{source}: {archive.CONFIG}"
    with archive.open_archive(source) as members:
        _check_version(source, parse_json(members.read(archive.METADATA, MAX_BYTES), f"{source}: {archive.METADATA}"))
        config = parse_json(members.read(archive.CONFIG, MAX_BYTES), where)
        if not is_model(config) and not is_custom(config):
            name = config.get("class_name")
            raise ModelFileError(f"{where}: expected a Sequential or functional model, got {name!r}")
        weights = members.read(archive.WEIGHTS)
    with CustomObjectScope(custom_objects), WeightsReader(source, weights) as reader:
        model = model_from_config(config, reader, where)
        read_weights(reader, model)
        if compile and config.get("compile_config"):
            _compile(model, config["compile_config"], reader, where)
    return model


def _compile(model: Model, config: Any, reader: WeightsReader, where: str) -> None:
    try:
        compile_config.compile_model(model, config, f"{where}: compile_config")
    except ModelFileError as error:
        message = f"{error}. The model is loaded, but not compiled: call model.compile() to train it"
        warnings.warn(message, stacklevel=3)
        return
    if model.built and model.optimizer is not None:
        try:
            optimizer_state.read_state(reader, model.optimizer, model.trainable_weights)
        except ModelFileError as error:
            warnings.warn(f"{error}. The optimizer starts afresh", stacklevel=3)


def _check_version(source: str, metadata: Config) -> None:
    version = metadata.get("keras_version")
    if isinstance(version, str) and version.startswith(("0.", "1.", "2.")):
        raise ModelFileError(
            f"{source}: written by Keras {version}, whose files are laid out otherwise; load it there, or in tf_keras, "
            "and save its layers and weights with Keras 3"
        )
