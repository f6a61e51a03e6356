"""Files from the network, kept where Keras keeps them."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import tarfile
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_FORMATS = ("tar", "zip")


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file that is downloaded, unless it has been before.

    Args:
        fname: its name, without folders; default the last part of `origin`.
        origin: its URL.
        untar, extract: unpack it, a tar or zip archive, and give the path of the folder: `fname`, or if that has an
            extension what stands before it and `_extracted`.
        md5_hash, file_hash: the digest that it must have, md5 or sha256 as its length tells; one that is there already
            and has another is downloaded anew.
        cache_subdir: a folder in `cache_dir`, or an absolute path.
        hash_algorithm: "auto", "md5" or "sha256".
        archive_format: "auto", "tar", "zip" or a list of them.
        cache_dir: default the environment's KERAS_HOME, or `~/.keras`: what Keras has downloaded is found.
        force_download: download it in any case.

    Raises:
        ValueError: no `origin`, a name with folders, a download that fails or has another digest, no such archive, or
            one whose members lie outside the folder.

    Example:
        >>> import pathlib, tempfile, rnnfast
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "corpus.txt").write_text("so it goes")
        >>> url = (folder / "corpus.txt").as_uri()
        >>> path = rnnfast.utils.get_file(origin=url, cache_dir=folder)  # doctest: +ELLIPSIS
        Downloading data from file:///...corpus.txt
        >>> open(path).read()
        'so it goes'
    """
    if origin is None:
        raise ValueError("get_file: give origin, the URL of the file")
    name = str(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if name in ("", ".", "..") or os.path.basename(name) != name:
        raise ValueError(f"get_file: fname must be a name without folders, got {name!r}; give cache_subdir for these")
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    folder = Path(home if cache_dir is None else cache_dir).expanduser() / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    unpack = extract or untar
    whole = bool(fname) and "." in name
    target = folder / (name if whole or not unpack else f"{name}_archive")
    digest = md5_hash if file_hash is None else file_hash
    fresh = force_download or not target.exists() or not _has_digest(target, digest, hash_algorithm)
    if fresh:
        _download(origin, target, digest, hash_algorithm)
    if not unpack:
        return str(target)
    unpacked = folder / (f"{name.partition('.')[0]}_extracted" if whole else name)
    if fresh or not unpacked.exists():
        _unpack(target, unpacked, "tar" if untar else archive_format)
    return str(unpacked)


def _has_digest(path: Path, digest: str | None, algorithm: str) -> bool:
    if digest is None:
        return True
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(f"get_file: hash_algorithm must be 'auto', 'md5' or 'sha256', got {algorithm!r}")
    function = algorithm if algorithm != "auto" else ("sha256" if len(digest) == 64 else "md5")
    found = hashlib.new(function, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest() == digest.lower()


def _download(origin: str, target: Path, digest: str | None, algorithm: str) -> None:
    """The file takes its place when it is whole and has the digest."""
    print(f"Downloading data from {origin}")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with urllib.request.urlopen(origin) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
        if not _has_digest(part, digest, algorithm):
            raise ValueError(f"get_file: what came from {origin} has not the digest {digest}")
        part.replace(target)
    except OSError as error:
        raise ValueError(f"get_file: cannot download {origin}: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _unpack(path: Path, folder: Path, formats: Any) -> None:
    """Unpack an archive, whose members must stay within the folder: it is there when all of them are."""
    wanted = _FORMATS if formats == "auto" else [formats] if isinstance(formats, str) else list(formats or ())
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        _extract(path, part, wanted)
        if folder.exists():
            shutil.copytree(part, folder, symlinks=True, dirs_exist_ok=True)
        else:
            part.rename(folder)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"get_file: cannot unpack {path}: {error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _extract(path: Path, folder: Path, formats: Sequence[str]) -> None:
    if "tar" in formats and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder, filter="data")
                return
            for member in archive:  # the first releases of Python 3.10 and 3.11
                within = (folder / member.name).resolve().is_relative_to(folder.resolve())
                if not within or not (member.isfile() or member.isdir()):
                    raise tarfile.TarError(f"{member.name!r} is a link, or outside the destination")
                archive.extract(member, folder, set_attrs=False)
        return
    if "zip" in formats and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        return
    raise ValueError(f"get_file: {path} is no archive of a format in {list(formats)}")
