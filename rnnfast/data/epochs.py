"""Epochs: how many batches of a source each one takes, and what happens where data ends too soon."""

from __future__ import annotations

from collections.abc import Iterator

from rnnfast._warnings import warn_caller
from rnnfast.data.batch import Batch
from rnnfast.data.source import Source


class Epochs:
    """The batches of a source, epoch after epoch.

    method: whose data it is, for messages. steps: batches per epoch; None: one pass through the data. With `steps` a
    pass goes on from epoch to epoch; where one ends, so does the epoch, with a warning unless it was its last batch.
    """

    def __init__(self, method: str, source: Source, steps: int | None = None, shuffle: bool = False) -> None:
        self._method = method
        self._source = source
        self._steps = steps
        self._shuffle = shuffle
        self._pass: Iterator[Batch] | None = None
        self._next: Batch | None = None  # already taken from the pass

    @property
    def steps(self) -> int | None:
        """How many batches an epoch has, as far as that is known."""
        return self._source.steps if self._steps is None else self._steps

    @property
    def ends_with_first(self) -> bool:
        """Whether one epoch takes all there is."""
        return self._source.once and self._steps is None

    def restart(self) -> None:
        """Begin a new pass with the next epoch, where the data can be begun anew."""
        if not self._source.once:
            self._pass = None

    def has_more(self) -> bool:
        """Whether there is a batch for one more epoch: a generator may have come to its end."""
        if self._source.once and self._next is None:
            self._next = self._take()
        return not self._source.once or self._next is not None

    def epoch(self) -> Iterator[Batch]:
        """The batches of one epoch. ValueError: there is none."""
        self._source.on_epoch_begin()
        if self._steps is None:
            self.restart()
        count = 0
        while self._steps is None or count < self._steps:
            batch = self._take()
            if batch is None and count == 0 and not self._source.once:
                batch = self._take()  # a new pass: the last one ended with the last epoch
            if batch is None:
                break
            yield batch
            count += 1
        if count == 0:
            raise ValueError(f"{self._method}: the data gave no batch")
        if self._steps is not None and count < self._steps:
            warn_caller(
                f"{self._method}: the data ended after batch {count} of an epoch of {self._steps}, which ends with it; "
                "give data that lasts longer, or fewer steps"
            )
        self._source.on_epoch_end()

    def _take(self) -> Batch | None:
        """The next batch of the pass, or None where it ends; the call after that begins a new one."""
        if self._next is not None:
            batch, self._next = self._next, None
            return batch
        if self._pass is None:
            self._pass = self._source.batches(self._shuffle)
        taken = next(self._pass, None)
        if taken is None and not self._source.once:
            self._pass = None
        return taken
