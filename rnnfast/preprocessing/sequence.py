"""Keras' module of this name."""

from rnnfast.utils.sequences import pad_sequences

__all__ = ["pad_sequences"]
