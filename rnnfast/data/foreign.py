"""Tables, columns and tensors of other libraries as NumPy arrays, known by what they can do: none is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def is_table(value: Any) -> bool:
    """A pandas or polars DataFrame, or a pyarrow Table."""
    return not isinstance(value, Mapping) and (hasattr(value, "columns") and hasattr(value, "shape"))


def columns_of(table: Any) -> dict[str, Any]:
    """The columns of a table by name."""
    names = getattr(table, "column_names", None)  # pyarrow, whose `columns` are the columns themselves
    return {str(name): table[name] for name in (table.columns if names is None else names)}


def is_column(value: Any) -> bool:
    """A pandas or polars Series, or a pyarrow Array or ChunkedArray."""
    return hasattr(value, "to_numpy") and not is_table(value)


def is_array_like(value: Any) -> bool:
    """Whether a value holds all its numbers at once; anything else may still be a way to get batches."""
    return (
        isinstance(value, (list, tuple, Mapping))
        or hasattr(value, "__array__")
        or hasattr(value, "__dlpack__")
        or is_column(value)
        or is_table(value)
    )


def to_array(what: str, value: Any, *, column_as_matrix: bool = False) -> Any:
    """A table (rows, columns), a column (rows,) or a tensor as an array; what needs no such help is given back.

    column_as_matrix: a column of numbers is (rows, 1), as Keras takes the inputs of a model. TypeError: a column of
    something else than numbers, or lists of numbers of one length.
    """
    if isinstance(value, (np.ndarray, list, tuple)):
        return value
    if is_table(value):
        parts = [_column(f"{what}: column {name!r}", column) for name, column in columns_of(value).items()]
        return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1) if parts else np.empty((0, 0))
    if is_column(value):
        array = _column(what, value)
        return array[:, None] if column_as_matrix and array.ndim == 1 else array
    if hasattr(value, "detach"):  # a PyTorch tensor, maybe on another device or with a gradient
        value = value.detach().cpu()
    if hasattr(value, "__array__") or not hasattr(value, "__dlpack__"):
        return value
    return np.from_dlpack(value)


def _column(what: str, column: Any) -> np.ndarray:
    array = np.asarray(column)
    if array.dtype.kind == "O":  # lists, or numbers of mixed types
        try:
            array = np.array([np.asarray(item) for item in array])
        except ValueError:
            raise TypeError(f"{what}: its lists differ in length; pad them with utils.pad_sequences") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{what} must hold numbers, or lists of them, got dtype {array.dtype}")
    return array
