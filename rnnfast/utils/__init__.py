"""Helpers that programs call directly: seeds, padding and one-hot labels, data that comes in batches, names for classes
of the user's own."""

from rnnfast._absent import absent_from
from rnnfast._custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from rnnfast._registry import clear_session
from rnnfast.decoding import ctc_decode
from rnnfast.utils.downloads import get_file
from rnnfast.utils.py_dataset import PyDataset, Sequence
from rnnfast.utils.seeds import draw_seed, global_generator, set_random_seed
from rnnfast.utils.sequences import normalize, pad_sequences, to_categorical
from rnnfast.utils.timeseries import timeseries_dataset_from_array

__getattr__ = absent_from(__name__)

__all__ = [
    "CustomObjectScope",
    "PyDataset",
    "Sequence",
    "clear_session",
    "ctc_decode",
    "custom_object_scope",
    "draw_seed",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "global_generator",
    "normalize",
    "pad_sequences",
    "register_keras_serializable",
    "set_random_seed",
    "timeseries_dataset_from_array",
    "to_categorical",
]
