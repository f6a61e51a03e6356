"""Where batches come from: the ways in which data can be walked through, once per epoch."""

from __future__ import annotations

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from rnnfast import utils
from rnnfast.data.batch import Batch

Checked = Callable[[Iterable[Any]], Iterator[Batch]]  # what a caller's data gives, one after the other -> batches


class Source:
    """A pass through data gives its batches in order.

    steps: how many batches a pass has; None: it is known when it has ended. once: there is one pass alone.
    """

    steps: int | None = None
    once = False

    def batches(self, shuffle: bool) -> Iterator[Batch]:
        """One pass. shuffle: in a new order, where the source has a say in it."""
        raise TypeError(f"{type(self).__name__} does not define batches(shuffle)")

    def on_epoch_begin(self) -> None:
        """Before every epoch."""

    def on_epoch_end(self) -> None:
        """After every epoch."""


class Arrays(Source):
    """Data that lies in memory: checked as a whole, then cut into batches.

    batch_size: None means as many samples as `steps` batches need, or `usual` where that is None, too.
    """

    def __init__(self, whole: Batch, batch_size: int | None, steps: int | None = None, usual: int = 32) -> None:
        self.whole = whole
        self._sizes = batch_size, steps, usual
        self.batch_size = max(1, batch_size or (-(-whole.rows // steps) if steps else usual))
        self.steps = -(-whole.rows // self.batch_size)

    def batches(self, shuffle: bool) -> Iterator[Batch]:
        rows, size = self.whole.rows, self.batch_size
        order = utils.global_generator().permutation(rows) if shuffle else None
        for start in range(0, rows, size):
            yield self.whole.take(slice(start, start + size) if order is None else order[start : start + size])

    def split(self, fraction: float) -> tuple[Arrays, Batch]:
        """All but the last `fraction` of the samples, and those. ValueError: one part is empty."""
        at = int(self.whole.rows * (1 - fraction))
        if at in (0, self.whole.rows):
            raise ValueError(f"validation_split={fraction} of {self.whole.rows} samples leaves one part empty")
        return Arrays(self.whole.take(slice(at)), *self._sizes), self.whole.take(slice(at, None))


class Indexed(Source):
    """A `utils.PyDataset`, or what has its methods."""

    def __init__(self, dataset: Any, checked: Checked) -> None:
        self._dataset = dataset
        self._checked = checked
        self.steps = dataset.num_batches if hasattr(dataset, "num_batches") else len(dataset)

    def batches(self, shuffle: bool) -> Iterator[Batch]:
        order: Iterable[int] = itertools.count() if self.steps is None else range(self.steps)
        if shuffle and self.steps is not None:
            order = utils.global_generator().permutation(self.steps).tolist()
        return self._checked(self._items(order))

    def _items(self, order: Iterable[int]) -> Iterator[Any]:
        workers = getattr(self._dataset, "workers", 1)
        if workers <= 1:
            yield from map(self._dataset.__getitem__, order)
            return
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(workers) as pool, contextlib.ExitStack() as unless_done:
            unless_done.callback(lambda: [future.cancel() for future in waiting])
            for index in order:
                waiting.append(pool.submit(self._dataset.__getitem__, index))
                if len(waiting) > getattr(self._dataset, "max_queue_size", 10):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def on_epoch_begin(self) -> None:
        getattr(self._dataset, "on_epoch_begin", lambda: None)()

    def on_epoch_end(self) -> None:
        getattr(self._dataset, "on_epoch_end", lambda: None)()


class Iterated(Source):
    """Anything that can be iterated and gives batches: a PyTorch DataLoader, a generator."""

    def __init__(self, batches: Iterable[Any], checked: Checked) -> None:
        self._batches = batches
        self._checked = checked
        self.once = iter(batches) is batches
        with contextlib.suppress(TypeError):  # a DataLoader over an endless data set has a __len__ that raises
            self.steps = len(batches)  # type: ignore[arg-type]

    def batches(self, shuffle: bool) -> Iterator[Batch]:
        return self._checked(self._batches)
