"""The HDF5 file of weights inside a `.keras` archive.

Keras 3 keeps the variables of the object at path `p` (`layers/lstm/cell`, `optimizer`, ...) as datasets `0`, `1`, ...
of group `p/vars`, and the object's name as that group's attribute `name`; the model itself is at the root.

A dataset is trusted with memory only after its shape, dtype and storage have been checked: it must be a plain
hard-linked array stored in full inside this file. So what is read can never be larger than the file itself.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from rnnfast.formats.archive import WEIGHTS
from rnnfast.formats.errors import ModelFileError, reading

if TYPE_CHECKING:
    import h5py


class Group(NamedTuple):
    """The variables of one object: its name and their values in Keras' order."""

    name: str
    values: Sequence[np.ndarray]


def import_h5py() -> Any:
    """h5py, or an ImportError that says how to get it."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError('reading and writing .keras files needs h5py: pip install "rnnfast[keras]"') from error
    return h5py


def write_weights(groups: Mapping[str, Group]) -> bytes:
    """The HDF5 file that holds `groups`, by object path (`""` is the model itself)."""
    h5py = import_h5py()
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, group in groups.items():
            variables = file.create_group(f"{path}/vars" if path else "vars")
            variables.attrs["name"] = group.name
            for index, value in enumerate(group.values):
                variables.create_dataset(str(index), data=value)
    return buffer.getvalue()


class WeightsReader:
    """Reads checked variables from an HDF5 file given as bytes. Use as a context manager.

    Args:
        path: the `.keras` file, for errors.
        data: the HDF5 file.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self._h5py = import_h5py()
        self._where = f"{path}: {WEIGHTS}"
        self._unclaimed = len(data)
        self._groups: dict[str, h5py.Group | None] = {}
        self._claimed: dict[tuple[str, int], h5py.Dataset] = {}
        with reading(self._where):
            self._file = self._h5py.File(io.BytesIO(data), "r")

    def __enter__(self) -> WeightsReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def check_no_other(self, path: str, expected: set[str]) -> None:
        """ModelFileError if there are groups directly under `path` that are not `expected`.

        One that is missing shows when its weights are looked for; layers without weights have none in some files.
        """
        with reading(f"{self._where}: {path}"):
            group = self._member(self._file, path, path)
            surplus = set(group) - expected if isinstance(group, self._h5py.Group) else set()
        if surplus:
            raise ModelFileError(f"{self._where}: {path} holds {sorted(surplus)}, which config.json does not describe")

    def check_count(self, path: str, label: str, names: Sequence[str]) -> None:
        """ModelFileError unless the object at `path` has exactly as many variables as `names`."""
        found = self.count(path)
        if found != len(names):
            expected = f"{len(names)} ({', '.join(names)})" if names else "none"
            raise ModelFileError(f"{self._where}: {path}: holds {found} weights, {label} expects {expected}")

    def count(self, path: str) -> int:
        """How many variables the object at `path` has."""
        group = self._find(path)
        with reading(f"{self._where}: {path}"):
            return 0 if group is None else len(group)

    def claim(self, path: str, index: int, label: str, shape: tuple[int, ...], *dtypes: str) -> h5py.Dataset:
        """Variable `index` of the object at `path`, checked but not yet read.

        Args:
            path: object path, as `layers/lstm/cell`.
            label: whose variable it is, for errors.
            shape, dtypes: what config.json implies for it; one of the dtypes.

        Raises:
            ModelFileError: it is missing, of another shape or dtype, not stored in full in this file, or behind a soft
                or external link.
        """
        where = f"{self._where}: {path}/vars/{index} ({label})"
        with reading(f"{self._where}: {path}"):
            dataset = self._claimed.get((path, index))
            if dataset is None:
                group = self._find(path)
                dataset = None if group is None else self._member(group, str(index), path)
            if not isinstance(dataset, self._h5py.Dataset):
                raise ModelFileError(f"{where}: the weight of shape {tuple(shape)} is missing")
            if dataset.shape != tuple(shape):
                raise ModelFileError(f"{where}: expected shape {tuple(shape)}, as in config.json, got {dataset.shape}")
            if dataset.dtype.newbyteorder("=") not in [np.dtype(dtype) for dtype in dtypes]:
                raise ModelFileError(f"{where}: expected dtype {' or '.join(dtypes)}, got {dataset.dtype}")
            if (path, index) not in self._claimed:
                self._check_storage(dataset, where)
                self._claimed[path, index] = dataset
            return dataset

    def read(self, dataset: h5py.Dataset) -> np.ndarray:
        """The values of a dataset from `claim`, in native byte order."""
        with reading(self._where):
            return np.asarray(dataset[()], dtype=dataset.dtype.newbyteorder("="))

    def _find(self, path: str) -> h5py.Group | None:
        """The group of the variables of the object at `path`, or None."""
        if path not in self._groups:
            with reading(f"{self._where}: {path}"):
                group = self._file
                for part in (*filter(None, path.split("/")), "vars"):
                    group = None if group is None else self._member(group, part, path)
                if not isinstance(group, self._h5py.Group | None):
                    raise ModelFileError(f"{self._where}: {path}/vars: expected a group")
                self._groups[path] = group
        return self._groups[path]

    def _member(self, group: h5py.Group, name: str, path: str) -> Any:
        if not isinstance(group, self._h5py.Group):
            raise ModelFileError(f"{self._where}: {path}: expected a group, got {type(group).__name__}")
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, self._h5py.HardLink):
            raise ModelFileError(
                f"{self._where}: {path}: {name!r} is a {type(link).__name__}; links out of a model file are refused"
            )
        return group[name]

    def _check_storage(self, dataset: h5py.Dataset, where: str) -> None:
        size = dataset.size * dataset.dtype.itemsize
        whole = not dataset.is_virtual and not dataset.external and dataset.id.get_storage_size() == size
        # Two names for one array would pass one by one, so all that is claimed has to fit into the file together.
        if not whole or size > self._unclaimed:
            raise ModelFileError(
                f"{where}: the array of {size} bytes is not stored in full in this file; only plain uncompressed "
                "arrays are read, as Keras writes them"
            )
        self._unclaimed -= size
