"""The one error of a model file that cannot be read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")

# What zipfile, zlib and h5py raise on damaged input.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    OverflowError,
    LookupError,
    TypeError,
    ValueError,
)


class ModelFileError(ValueError):
    """A model file is damaged, foreign or holds what is not supported; the message begins with file and place."""


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Turn what a damaged file makes a library raise into a ModelFileError at `where`."""
    try:
        yield
    except ModelFileError:
        raise
    except _DAMAGE as error:
        raise ModelFileError(f"{where}: damaged or truncated: {error}") from error


def construct(make: Callable[..., T], arguments: dict[str, Any], where: str) -> T:
    """`make(**arguments)` with arguments from a file; what it refuses is a ModelFileError at `where`."""
    try:
        return make(**arguments)
    except ModelFileError:
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ModelFileError(f"{where}: {error}") from error
