"""Files that are downloaded: from this machine, in place of the network."""

import hashlib
import io
import random
import tarfile
import zipfile
from pathlib import Path

import pytest

from rnnfast.utils import get_file

TEXT = b"so it goes"


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "corpus.txt").write_bytes(TEXT)
    return (tmp_path / "corpus.txt").as_uri()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def test_it_is_downloaded_once(corpus, cache, tmp_path, capsys):
    path = Path(get_file(origin=corpus, cache_dir=cache))
    assert path == cache / "datasets" / "corpus.txt" and path.read_bytes() == TEXT
    (tmp_path / "corpus.txt").unlink()
    assert get_file(origin=corpus, cache_dir=cache) == str(path)
    assert capsys.readouterr().out.count("Downloading") == 1
    with pytest.raises(ValueError, match=r"cannot download .*corpus\.txt"):
        get_file(origin=corpus, cache_dir=cache, force_download=True)
    assert path.read_bytes() == TEXT and [p.name for p in path.parent.iterdir()] == ["corpus.txt"]


def test_the_default_is_the_cache_of_keras(corpus, cache, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(cache))
    assert get_file("book.txt", corpus, cache_subdir="books") == str(cache / "books" / "book.txt")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_digests(corpus, cache, algorithm):
    right = hashlib.new(algorithm, TEXT).hexdigest()
    path = Path(get_file(origin=corpus, cache_dir=cache, file_hash=right))
    path.write_bytes(b"damaged")
    assert get_file(origin=corpus, cache_dir=cache, file_hash=right.upper(), hash_algorithm=algorithm) == str(path)
    assert path.read_bytes() == TEXT  # downloaded anew
    with pytest.raises(ValueError, match="has not the digest"):
        get_file("other", corpus, cache_dir=cache, file_hash="0" * len(right))
    assert not (path.parent / "other").exists()


def make_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inner/a.txt", TEXT)


def make_tar(path, member="inner/a.txt"):
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo(member)
        entry.size = len(TEXT)
        archive.addfile(entry, io.BytesIO(TEXT))


@pytest.mark.parametrize(("make", "name"), [(make_zip, "data.zip"), (make_tar, "data.tar.gz")])
def test_archives(tmp_path, cache, make, name):
    make(tmp_path / name)
    origin = (tmp_path / name).as_uri()
    folder = Path(get_file(name, origin, extract=True, cache_dir=cache))
    assert folder == cache / "datasets" / "data_extracted" and (folder / "inner" / "a.txt").read_bytes() == TEXT
    assert Path(get_file("data", origin, extract=True, cache_dir=cache)) == cache / "datasets" / "data"
    assert (cache / "datasets" / "data" / "inner" / "a.txt").exists()


@pytest.mark.parametrize("filters", [True, False])
def test_members_stay_in_the_folder(tmp_path, cache, filters, monkeypatch):
    if not filters:  # as in the first releases of Python 3.10
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        make_tar(tmp_path / "good.tar.gz")
        good = Path(get_file("good", (tmp_path / "good.tar.gz").as_uri(), untar=True, cache_dir=cache))
        assert (good / "inner" / "a.txt").read_bytes() == TEXT
    make_tar(tmp_path / "bad.tar.gz", "../../outside.txt")
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
    with tarfile.open(tmp_path / "link.tar", "w") as archive:
        archive.addfile(link)
    for name in ("bad.tar.gz", "link.tar"):
        with pytest.raises(ValueError, match="cannot unpack"):
            get_file(name, (tmp_path / name).as_uri(), untar=True, cache_dir=cache)
    assert not list(tmp_path.rglob("outside.txt")) and not list(tmp_path.rglob("link"))


def test_an_archive_that_breaks_off_leaves_what_is_there(tmp_path, cache):
    """No half of it is found the next time, and a folder of that name keeps what it holds."""
    with tarfile.open(tmp_path / "whole.tar.gz", "w:gz") as archive:
        for name in ("a", "b"):
            entry = tarfile.TarInfo(name)
            entry.size = 50000
            archive.addfile(entry, io.BytesIO(random.Random(0).randbytes(entry.size)))
    whole = (tmp_path / "whole.tar.gz").read_bytes()
    (tmp_path / "half.tar.gz").write_bytes(whole[:60000])
    kept = cache / "datasets" / "data" / "kept.txt"
    for _ in range(2):
        with pytest.raises(ValueError, match="cannot unpack"):
            get_file("data", (tmp_path / "half.tar.gz").as_uri(), extract=True, cache_dir=cache, force_download=True)
        assert {path.name for path in kept.parent.parent.iterdir()} - {"data"} == {"data_archive"}
        assert kept.parent.exists() == kept.exists()
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("mine")
    get_file("data", (tmp_path / "whole.tar.gz").as_uri(), extract=True, cache_dir=cache, force_download=True)
    assert sorted(path.name for path in kept.parent.iterdir()) == ["a", "b", "kept.txt"]


def test_what_is_refused(corpus, cache):
    with pytest.raises(ValueError, match="give origin"):
        get_file("a.txt")
    with pytest.raises(ValueError, match=r"name without folders, got '\.\./a\.txt'"):
        get_file("../a.txt", corpus, cache_dir=cache)
    with pytest.raises(ValueError, match=r"name without folders, got '\.\.'"):
        get_file("..", corpus, cache_dir=cache)
    with pytest.raises(ValueError, match="no archive of a format in \\['zip'\\]"):
        get_file(origin=corpus, extract=True, archive_format="zip", cache_dir=cache)
    with pytest.raises(ValueError, match="hash_algorithm must be"):
        get_file(origin=corpus, file_hash="0", hash_algorithm="crc", cache_dir=cache)
