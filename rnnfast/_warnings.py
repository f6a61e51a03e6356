"""Warnings, shown at the line of the caller's program that they are about."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """A warning that points to the line outside of the package that it comes from."""
    depth = 1
    while sys._getframe(depth).f_code.co_filename.startswith(_PACKAGE):
        depth += 1
    warnings.warn(message, category, stacklevel=depth + 1)


def warn_old_argument(owner: str, argument: str, instead: str) -> None:
    """DeprecationWarning that names the owner, the argument and what to write instead."""
    warn_caller(f"{owner}: argument {argument}= is from older versions of Keras; {instead}.", DeprecationWarning)
