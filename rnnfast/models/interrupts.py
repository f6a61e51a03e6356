"""Ctrl-C at a moment that leaves nothing half done."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import threading
from typing import Any

# `_signal` is what `signal` wraps in enums, and that takes as long as an update of a small model; so does a context
# manager that is made of a generator.


class Uninterrupted:
    """What a Ctrl-C does (KeyboardInterrupt, or a handler of the program's own) waits until the block has ended."""

    def __enter__(self) -> None:
        self._came: list[tuple[int, Any]] = []
        self._handler = _signal.getsignal(_signal.SIGINT)
        # Python interrupts the main thread alone.
        self._waits = callable(self._handler) and threading.get_ident() == threading.main_thread().ident
        if self._waits:
            _signal.signal(_signal.SIGINT, self._note)

    def _note(self, *arguments: Any) -> None:
        self._came.append(arguments)

    def __exit__(self, *_: Any) -> None:
        if self._waits:
            _signal.signal(_signal.SIGINT, self._handler)
            if self._came:
                self._handler(*self._came[0])
