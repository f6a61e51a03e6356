"""Data that lies in memory: checked once as a whole, then cut into batches."""

from __future__ import annotations

from collections.abc import Iterator

from rnnfast import _arguments, utils
from rnnfast.data.batch import Batch


class Arrays:
    """Checked arrays, and the size of the batches that they are cut into."""

    def __init__(self, whole: Batch, batch_size: int) -> None:
        self.whole = whole
        self.batch_size = batch_size

    @property
    def steps(self) -> int:
        return -(-self.whole.rows // self.batch_size)

    def batches(self, shuffle: bool = False) -> Iterator[Batch]:
        """shuffle: in an order drawn from the global generator."""
        rows, size = self.whole.rows, self.batch_size
        order = utils.global_generator().permutation(rows) if shuffle else None
        for start in range(0, rows, size):
            yield self.whole.take(slice(start, start + size) if order is None else order[start : start + size])


def split(method: str, whole: Batch, fraction: float) -> tuple[Batch, Batch]:
    """All but the last `fraction` of the samples, and those."""
    if not 0 < _arguments.number(f"{method}: validation_split", fraction) < 1:
        raise ValueError(f"{method}: validation_split must lie between 0 and 1, got {fraction!r}")
    at = int(whole.rows * (1 - fraction))
    if at in (0, whole.rows):
        raise ValueError(f"{method}: validation_split={fraction} of {whole.rows} samples leaves one part empty")
    return whole.take(slice(at)), whole.take(slice(at, None))
