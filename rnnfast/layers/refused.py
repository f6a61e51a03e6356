"""Keras' layers that are refused on purpose, with the reason and what to use instead."""

from __future__ import annotations

from typing import Any, NoReturn

from rnnfast.layers.base import Layer

# class -> why not, and what instead. Files that hold one are refused with the same words.
REFUSED = {
    "Lambda": (
        "it holds Python code, which has no gradient here, is not run by the inference engine and is never run from a "
        "file; use a built-in layer, or derive a class of your own from rnnfast.layers.Layer with forward and backward"
    ),
    "TextVectorization": (
        "layers take numbers, not text; call keras.layers.TextVectorization on the text, or number its words with a "
        "dictionary, and give the numbers to a model that starts with an rnnfast.layers.Embedding"
    ),
}


class _Refused(Layer):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._refuse()

    @classmethod
    def from_config(cls, config: Any) -> NoReturn:
        cls._refuse()

    @classmethod
    def _refuse(cls) -> NoReturn:
        raise ValueError(f"layer {cls.__name__} is not supported: {REFUSED[cls.__name__]}")


class Lambda(_Refused):
    """Refused: a ValueError that says why."""


class TextVectorization(_Refused):
    """Refused: a ValueError that says what to use instead."""
