"""Data as other libraries have it, in the few lines that rnnfast knows it by."""

import numpy as np


class Column:
    """A pandas Series, a pyarrow Array."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        return np.array(self._values, dtype)

    def to_numpy(self):
        return np.array(self._values)


class Table:
    """A pandas DataFrame."""

    def __init__(self, **columns):
        self._columns = columns

    @property
    def columns(self):
        return list(self._columns)

    @property
    def shape(self):
        return len(next(iter(self._columns.values()))), len(self._columns)

    def __getitem__(self, name):
        return Column(self._columns[name])


class ArrowTable(Table):
    """A pyarrow Table: `columns` are the columns themselves."""

    @property
    def columns(self):
        return [Column(values) for values in self._columns.values()]

    @property
    def column_names(self):
        return list(self._columns)


class Tensor:
    """A PyTorch tensor with a gradient, on another device."""

    def __init__(self, values):
        self._values = values

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")

    def detach(self):
        return Tensor(self._values)

    def cpu(self):
        return self._values


class Exchanged:
    """An array that gives itself by DLPack alone."""

    def __init__(self, values):
        self._values = np.array(values)

    def __dlpack__(self, **options):
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._values.__dlpack_device__()


def as_object(rows):
    """Rows of their own, as a column of lists holds them."""
    column = np.empty(len(rows), object)
    column[:] = [np.array(row) for row in rows]
    return column
