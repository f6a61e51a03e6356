"""Warnings for arguments of older versions of Keras, shown at the line of the caller's program that has them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


def warn_old_argument(owner: str, argument: str, instead: str) -> None:
    """DeprecationWarning that names the owner, the argument and what to write instead."""
    depth = 1
    while sys._getframe(depth).f_code.co_filename.startswith(_PACKAGE):
        depth += 1
    message = f"{owner}: argument {argument}= is from older versions of Keras; {instead}."
    warnings.warn(message, DeprecationWarning, stacklevel=depth + 1)
