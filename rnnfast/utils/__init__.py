"""Helpers that programs call directly: seeds, padding and one-hot labels, data that comes in batches."""

from rnnfast.utils.py_dataset import PyDataset, Sequence
from rnnfast.utils.seeds import draw_seed, global_generator, set_random_seed
from rnnfast.utils.sequences import pad_sequences, to_categorical
from rnnfast.utils.timeseries import timeseries_dataset_from_array

__all__ = [
    "PyDataset",
    "Sequence",
    "draw_seed",
    "global_generator",
    "pad_sequences",
    "set_random_seed",
    "timeseries_dataset_from_array",
    "to_categorical",
]
