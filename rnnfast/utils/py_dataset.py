"""PyDataset: data that makes its batches one by one, by number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from rnnfast import _arguments


class PyDataset:
    """Base class of data for `fit`, `evaluate` and `predict` that is made batch by batch.

    A subclass defines `__getitem__(index)`, which gives a whole batch, `(x, y)` or `(x, y, sample_weight)` (for
    `predict` also x alone), and `__len__`, the number of batches; or `num_batches`, None where they never end.
    `on_epoch_begin` and `on_epoch_end` are called around every epoch. `fit` takes the batches in a new order each
    epoch unless `shuffle=False`.

    workers: above 1, as many threads make batches ahead, which arrive in order. max_queue_size: how many at most,
    default 10. use_multiprocessing is accepted and has no effect: threads do the work.

    >>> import numpy as np, rnnfast
    >>> class Squares(rnnfast.utils.PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.full((2, 4, 1), float(index))
    ...         return x, x[:, 0] ** 2
    >>> [float(y[0, 0]) for x, y in Squares()]
    [0.0, 1.0, 4.0]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        label = type(self).__name__
        self.workers = _arguments.whole_number(f"{label}: workers", workers, least=0)
        self.use_multiprocessing = bool(use_multiprocessing)
        self.max_queue_size = _arguments.whole_number(f"{label}: max_queue_size", max_queue_size)

    def __getitem__(self, index: int) -> Any:
        raise TypeError(f"{type(self).__name__} does not define __getitem__(index), which gives a batch")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has; None: they never end."""
        if not hasattr(self, "__len__"):
            raise TypeError(f"{type(self).__name__} defines neither __len__ nor num_batches")
        return len(self)

    def on_epoch_begin(self) -> None:
        """Before every epoch."""

    def on_epoch_end(self) -> None:
        """After every epoch."""


Sequence = PyDataset  # its name in Keras 2
