"""60000 written digits to train on, and 10000 to test: images whose rows make a sequence of 28 steps."""

from __future__ import annotations

from typing import Any

from rnnfast.datasets import _store

_DIGEST = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Any:
    """`(x_train, y_train), (x_test, y_test)`: x (images, 28, 28) of bytes, y of digits. path: the name of the file in
    the cache. ValueError: it cannot be downloaded."""
    files = _store.arrays(path, "mnist.npz", _DIGEST)
    return (files["x_train"], files["y_train"]), (files["x_test"], files["y_test"])
