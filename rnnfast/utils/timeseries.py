"""Windows over a long series, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.utils.py_dataset import PyDataset
from rnnfast.utils.seeds import draw_seed, global_generator


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str | None = None,
) -> PyDataset:
    """Windows of a series, as a `PyDataset` that `fit` takes and that can be iterated.

    Window i holds the steps `data[s], data[s + r], data[s + 2 r], ...`, `sequence_length` of them, with
    `s = start_index + i * sequence_stride` and `r = sampling_rate`.

    Args:
        data: (time, ...) array of numbers.
        targets: `targets[s]` belongs to the window that begins at s; None: the batches hold windows alone.
        sequence_length, sequence_stride, sampling_rate: positive integers.
        batch_size: windows per batch, default 128; None: each item is one window, without a batch axis.
        shuffle: draw the order of the windows, once, from `seed` (default: from the stream of `set_random_seed`).
        start_index, end_index: use `data[start_index:end_index]` alone; default all. `targets` is counted from
            `data[0]` all the same.
        format: accepted for Keras' sake; has no effect.

    Raises:
        ValueError: an index or a length that `data` does not have, or not one whole window. TypeError: no numbers.

    Example:
        >>> import numpy as np, rnnfast
        >>> series = np.arange(10.0)
        >>> windows = rnnfast.utils.timeseries_dataset_from_array(series[:-3], series[3:], sequence_length=3)
        >>> x, y = windows[0]
        >>> x[1].tolist(), float(y[1])
        ([1.0, 2.0, 3.0], 4.0)
    """
    return _Windows(
        data, targets, sequence_length, sequence_stride, sampling_rate, batch_size, shuffle, seed,
        start_index, end_index,
    )  # fmt: skip


class TimeseriesGenerator(PyDataset):
    """Windows of a series in batches, as Keras 2 made them: the target of a window is the one of the step after it.

    data: (time, ...); targets: as long. length: steps that a window spans, of which it holds every `sampling_rate`-th.
    stride: steps between windows. start_index, end_index: the first and the last step of data to be used, default all.
    shuffle: draw the windows of every batch at random, from the stream of `set_random_seed`. reverse: the last step of
    a window comes first. batch_size: default 128. ValueError: data and targets differ in length, or hold no window.

    >>> import numpy as np, rnnfast
    >>> series = np.arange(10.0)
    >>> x, y = rnnfast.preprocessing.sequence.TimeseriesGenerator(series, series, length=3)[0]
    >>> x[1].tolist(), float(y[1])
    ([1.0, 2.0, 3.0], 4.0)
    """

    def __init__(
        self, data: Any, targets: Any, length: int, sampling_rate: int = 1, stride: int = 1, start_index: int = 0,
        end_index: int | None = None, shuffle: bool = False, reverse: bool = False, batch_size: int = 128,
    ) -> None:  # fmt: skip
        super().__init__()
        what = "TimeseriesGenerator"
        self.data, self.targets = _series(f"{what}: data", data), _series(f"{what}: targets", targets)
        if len(self.data) != len(self.targets):
            raise ValueError(f"{what}: data has {len(self.data)} steps, targets has {len(self.targets)}")
        self.length = _arguments.whole_number(f"{what}: length", length)
        self.sampling_rate = _arguments.whole_number(f"{what}: sampling_rate", sampling_rate)
        self.stride = _arguments.whole_number(f"{what}: stride", stride)
        self.batch_size = _arguments.whole_number(f"{what}: batch_size", batch_size)
        first = _arguments.whole_number(f"{what}: start_index", start_index, least=0) + self.length
        last = len(self.data) - 1 if end_index is None else _arguments.whole_number(f"{what}: end_index", end_index)
        self.start_index, self.end_index = first, last  # of the targets
        if not first <= last < len(self.data):
            raise ValueError(f"{what}: the {len(self.data)} steps hold no target between {first} and {last}")
        self.shuffle, self.reverse = bool(shuffle), bool(reverse)

    def __len__(self) -> int:
        return -(-(self.end_index + 1 - self.start_index) // (self.batch_size * self.stride))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        span = self.batch_size * self.stride
        begin = self.start_index + index * span
        ends = np.arange(begin, min(begin + span, self.end_index + 1), self.stride)
        if self.shuffle:
            ends = global_generator().integers(self.start_index, self.end_index + 1, self.batch_size)
        x = self.data[ends[:, None] + np.arange(-self.length, 0, self.sampling_rate)]
        return x[:, ::-1] if self.reverse else x, self.targets[ends]


class _Windows(PyDataset):
    def __init__(
        self, data: Any, targets: Any, length: Any, stride: Any, rate: Any, batch_size: Any, shuffle: bool, seed: Any,
        start: Any, end: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        what = "timeseries_dataset_from_array"
        self._data = _series(f"{what}: data", data)
        self._targets = None if targets is None else _series(f"{what}: targets", targets)
        length = _arguments.whole_number(f"{what}: sequence_length", length)
        stride = _arguments.whole_number(f"{what}: sequence_stride", stride)
        rate = _arguments.whole_number(f"{what}: sampling_rate", rate)
        self._batch_size = None if batch_size is None else _arguments.whole_number(f"{what}: batch_size", batch_size)
        steps = len(self._data)
        start = 0 if start is None else _arguments.whole_number(f"{what}: start_index", start, least=0)
        end = steps if end is None else _arguments.whole_number(f"{what}: end_index", end)
        if not start < end <= steps:
            raise ValueError(
                f"{what}: start_index and end_index must name a part of the {steps} steps of data, got {start} to {end}"
            )
        last = end - (length - 1) * rate
        if self._targets is not None:
            last = min(last, len(self._targets))
        if last <= start:
            raise ValueError(
                f"{what}: the steps from {start} to {end} hold no window of sequence_length={length} at sampling_rate="
                f"{rate}" + ("" if self._targets is None else f" with one of the {len(self._targets)} targets")
            )
        self._starts = np.arange(start, last, stride)
        self._offsets = np.arange(length) * rate
        seed = _arguments.seed(f"{what}: seed", seed)
        if shuffle:
            np.random.default_rng(draw_seed() if seed is None else seed).shuffle(self._starts)

    def __len__(self) -> int:
        return -(-len(self._starts) // (self._batch_size or 1))

    def take(self, count: int) -> list[Any]:
        """The first `count` batches, or all that there are."""
        return [self[i] for i in range(min(count, len(self)))]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        index %= len(self)
        size = self._batch_size
        starts = self._starts[index] if size is None else self._starts[index * size : (index + 1) * size]
        x = self._data[starts[..., None] + self._offsets]
        return x if self._targets is None else (x, self._targets[starts])


def _series(what: str, value: Any) -> np.ndarray:
    array = _arguments.numeric(what, value)
    if array.ndim == 0 or len(array) == 0:
        raise ValueError(f"{what} must have at least one step, got shape {array.shape}")
    return array
