"""The part of a layer that tells when its attributes have been set, and with it what it computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any


class Watched:
    """`changes` counts how often an attribute of the layer has been set, other than one that is the layer's own affair
    and begins with `_`. What is made from a layer, as the engine's programs are, follows this number as it follows the
    versions of variables."""

    changes: int = 0

    if not TYPE_CHECKING:  # for type checkers a layer has only what it names

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if not name.startswith("_"):
                self.changed()

    def changed(self) -> None:
        vars(self)["changes"] = self.changes + 1
