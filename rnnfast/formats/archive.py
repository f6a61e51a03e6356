"""The zip archive around a `.keras` file, read within limits and written in one atomic step.

Nothing is ever extracted: the three members a `.keras` file may hold are read into memory, each within a limit that is
checked against the archive's directory before a byte is decompressed and enforced again while it is.
"""

from __future__ import annotations

import os
import secrets
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

from rnnfast.formats.errors import ModelFileError, reading

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = "model.weights.h5"
MEMBERS = (METADATA, CONFIG, WEIGHTS)

_CHUNK = 1 << 20
# Keras stores its members uncompressed, and weights hardly compress. Above this size, a member that unpacks to more
# than this many times its packed size is taken for a decompression bomb.
_SMALL = 1 << 24
_EXPANSION = 8
_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


class Archive:
    """An open `.keras` archive whose members have been checked by name; read them with `read`."""

    def __init__(self, path: str, zip_file: zipfile.ZipFile) -> None:
        self.path = path
        self._zip = zip_file
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in zip_file.infolist():
            self._admit(info)
        for name in MEMBERS:
            if name not in self._members:
                raise ModelFileError(f"{path}: not a .keras file: the archive has no {name}")

    def _admit(self, info: zipfile.ZipInfo) -> None:
        name = info.filename
        if name not in MEMBERS:
            raise ModelFileError(
                f"{self.path}: unexpected member {name!r} in the archive; a .keras file of the layers that rnnfast has "
                f"holds {', '.join(MEMBERS)} and nothing else"
            )
        if name in self._members:
            raise ModelFileError(f"{self.path}: member {name} appears twice in the archive")
        if info.flag_bits & _ENCRYPTED:
            raise ModelFileError(f"{self.path}: member {name} is encrypted; save the model without a password")
        if info.compress_type not in _COMPRESSION:
            raise ModelFileError(
                f"{self.path}: member {name} uses compression method {info.compress_type}; "
                "expected stored or deflated, as Keras writes"
            )
        if info.file_size > max(_SMALL, _EXPANSION * info.compress_size):
            raise ModelFileError(
                f"{self.path}: member {name} declares {info.file_size} bytes, but only {info.compress_size} are stored"
            )
        self._members[name] = info

    def read(self, name: str, limit: int | None = None) -> bytes:
        """Member `name` of `MEMBERS`, whole, its checksum verified.

        ModelFileError if it declares more than `limit` bytes, or is damaged.
        """
        info = self._members[name]
        if limit is not None and info.file_size > limit:
            raise ModelFileError(f"{self.path}: {name} declares {info.file_size} bytes; the limit is {limit}")
        data = bytearray()
        with reading(f"{self.path}: {name}"), self._zip.open(info) as member:
            # In chunks: one large read would decompress whatever the member really holds before cutting it.
            while chunk := member.read(_CHUNK):
                data += chunk
        if len(data) != info.file_size:
            raise ModelFileError(f"{self.path}: {name} is truncated: {len(data)} of {info.file_size} bytes")
        return bytes(data)


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """Open the `.keras` file at `path` for reading.

    Raises:
        OSError: the file cannot be opened.
        ModelFileError: it is not a zip archive, is truncated, or holds members that a `.keras` file has not.
    """
    with open(path, "rb") as file:
        _reject_other_formats(path, file)
        with reading(path):
            zip_file = zipfile.ZipFile(file)
        with zip_file:
            yield Archive(path, zip_file)


def _reject_other_formats(path: str, file: BinaryIO) -> None:
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"PK"):
        return
    if head == b"\x89HDF\r\n\x1a\n":
        raise ModelFileError(
            f"{path}: this is an HDF5 file (Keras' older .h5 format), not a .keras archive; load it in Keras and save "
            "it again with model.save('model.keras')"
        )
    found = f"it begins with {head!r}" if head else "it is empty"
    raise ModelFileError(f"{path}: not a .keras file: expected a zip archive, but {found}")


def write_archive(path: str, members: Mapping[str, bytes]) -> None:
    """Write `members` to a zip archive at `path`, uncompressed as Keras does, replacing `path` in one step.

    A reader sees the old file or the new one, never a part; on an error the old file stays as it was.
    """

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as zip_file:
            for name, data in members.items():
                zip_file.writestr(name, data)

    replace(path, write)


def replace(path: str, write: Callable[[BinaryIO], object]) -> None:
    """Replace the file by what `write` writes, in one step."""
    # Beside the target, so that the rename stays within one file system; created by open() rather than mkstemp() so
    # that the file gets the permissions the user's umask asks for.
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise
