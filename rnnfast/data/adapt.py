"""Which source fits what a caller gave."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rnnfast import utils
from rnnfast.data.batch import Batch
from rnnfast.data.foreign import is_array_like
from rnnfast.data.source import Arrays, Indexed, Iterated, Source

Read = Callable[[Any, Any, Any], Batch]  # x, y, sample_weight as a caller gives them -> the batch, checked


def source_of(
    method: str,
    x: Any,
    y: Any,
    sample_weight: Any,
    read: Read,
    batch_size: int | None,
    steps: int | None,
    usual: Callable[[], int],
) -> Source:
    """The source for a caller's data. method: whose arguments these are, for messages.

    Arrays, lists, dictionaries of arrays, tables and columns are data in memory, cut into batches of `batch_size`; by
    default as many samples as `steps` batches need, or `usual()`. A `PyDataset`, or anything else that can be
    iterated, gives batches of its own: x, (x, y) or (x, y, sample_weight).
    """
    if x is None:
        raise ValueError(f"{method}: x is missing")
    if is_array_like(x):
        with placed(method):
            whole = read(x, y, sample_weight)
        return Arrays(whole, batch_size, steps, usual())
    indexed = isinstance(x, utils.PyDataset) or all(
        hasattr(x, name) for name in ("__len__", "__getitem__", "on_epoch_end")
    )
    if not indexed and (not isinstance(x, Iterable) or isinstance(x, (str, bytes))):
        raise TypeError(
            f"{method}: x must be an array, a list or dictionary of arrays, a table, a utils.PyDataset or an iterable "
            f"of batches, got {type(x).__name__}"
        )
    for argument, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"{method}: {argument} must be left out where x gives batches, which hold it: (x, y) or "
                f"(x, y, sample_weight); x is a {type(x).__name__}"
            )

    def checked(items: Iterable[Any]) -> Iterator[Batch]:
        for number, item in enumerate(items, 1):
            with placed(f"{method}: batch {number}"):
                batch = read(*_unpacked(item))
            yield batch

    return Indexed(x, checked) if indexed else Iterated(x, checked)


def _unpacked(item: Any) -> tuple[Any, Any, Any]:
    if isinstance(item, Mapping) or not isinstance(item, (tuple, list)):
        return item, None, None
    if not 1 <= len(item) <= 3:
        raise ValueError(f"expected x, (x, y) or (x, y, sample_weight), got {len(item)} values")
    x, y, sample_weight = (*item, None, None)[:3]
    return x, y, sample_weight


@contextlib.contextmanager
def placed(where: str) -> Iterator[None]:
    """Errors that are raised inside begin with where it was."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    except TypeError as error:
        raise TypeError(f"{where}: {error}") from error
