"""Epochs: how many batches of a source each one takes, and what happens where data ends too soon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rnnfast._warnings import warn_caller
from rnnfast.data.batch import Batch
from rnnfast.data.source import Source
from rnnfast.utils.seeds import global_stream, set_global_stream


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
        self._taken = 0  # how many batches have been
        self._stream: dict[str, Any] = {}  # the random stream when the pass began, by which it is shuffled
        self._earlier: dict[str, Any] | None = None  # the position of a run that is still to be gone on from

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
            self._pass = self._earlier = None

    @property
    def position(self) -> dict[str, Any] | None:
        """Where the pass is that goes on with the next epoch, or within this one; None: a new one begins."""
        if self._pass is None:
            return None
        return {"batches": self._taken - (self._next is not None), "stream": self._stream}

    def go_on(self, position: dict[str, Any] | None) -> None:
        """Continue, with the next epoch, the pass that another run was in at this `position`."""
        self._earlier = position

    def has_more(self) -> bool:
        """Whether there is a batch for one more epoch: a generator may have come to its end."""
        self._catch_up()
        if self._source.once and self._next is None:
            self._next = self._take()
        return not self._source.once or self._next is not None

    def epoch(self, done: int = 0) -> Iterator[Batch]:
        """The batches of one epoch but for the first `done`, which the run that is gone on from has had. ValueError:
        there is none."""
        self._source.on_epoch_begin()
        if self._steps is None and not done:
            self.restart()
        self._catch_up()
        return self._rest_of_epoch(done)

    def _rest_of_epoch(self, count: int) -> Iterator[Batch]:
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
            self._taken, self._stream = 0, global_stream()
            self._pass = self._source.batches(self._shuffle)
        taken = next(self._pass, None)
        if taken is not None:
            self._taken += 1
        elif not self._source.once:
            self._pass = None
        return taken

    def _catch_up(self) -> None:
        """Begin the pass of an earlier run as it was begun there, and leave out what that run has taken."""
        if self._earlier is None:
            return
        earlier, self._earlier = self._earlier, None
        now = global_stream()
        set_global_stream(earlier["stream"])
        for _ in range(earlier["batches"]):
            self._take()
        set_global_stream(now)
