"""Keras' module of this name."""

from rnnfast.utils.sequences import pad_sequences
from rnnfast.utils.timeseries import TimeseriesGenerator

__all__ = ["TimeseriesGenerator", "pad_sequences"]
