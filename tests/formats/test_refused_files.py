"""Archives that are foreign, incomplete or bombs: one ValueError that names the file and what is wrong, at no cost."""

import io
import pickle
import zipfile

import numpy as np
import pytest

import rnnfast

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


# Foreign files


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"PK", "damaged"),
        (b"not a model at all", "zip"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (pickle.dumps({"weights": [1, 2, 3]}), "zip"),
        (bytes(1000), "zip"),
    ],
)
def test_foreign_file(tmp_path, refused, content, word):
    path = tmp_path / "foreign.keras"
    path.write_bytes(content)
    refused(path, word)


def test_foreign_zip(tmp_path, refused):
    path = tmp_path / "foreign.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1, 2]))
    refused(path, "archive/data.pkl", "unexpected member")


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        rnnfast.load_model(tmp_path / "none.keras")


@pytest.mark.parametrize("missing", MEMBERS)
def test_missing_member(tamper, refused, missing):
    refused(tamper(members=lambda m: m.pop(missing)), missing)


@pytest.mark.parametrize(
    "name", ["../config.json", "/etc/passwd", "a/../../x", "C:\\x", "config.json/", "assets/x", "x.py"]
)
def test_unexpected_member_names(tamper, refused, tmp_path, name):
    refused(tamper(members=lambda m: m.update({name: b"{}"})), "unexpected member")
    assert not [p for p in tmp_path.rglob("*") if p.suffix != ".keras"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_member_that_appears_twice(tamper, refused):
    path = tamper()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.json", b"{}")
    refused(path, "twice")


# Bombs: a small file must not take much memory

LITTLE = 64 << 20


@pytest.mark.parametrize("name", MEMBERS)
def test_decompression_bomb(tamper, refused, peak_memory, name):
    path = tamper(members=lambda m: m.update({name: bytes(300 << 20)}), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with peak_memory() as peak:
        refused(path, name, "declares")
    assert peak.bytes < LITTLE


def test_bomb_that_declares_to_be_small(tamper, refused, peak_memory):
    path = tamper(members=lambda m: m.update({"config.json": bytes(300 << 20)}), compression=zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    real = (300 << 20).to_bytes(4, "little")
    assert content.count(real) >= 1
    path.write_bytes(bytes(content).replace(real, (1000).to_bytes(4, "little")))
    with peak_memory() as peak:
        refused(path)
    assert peak.bytes < LITTLE


def test_other_compression(tamper, refused):
    refused(tamper(compression=zipfile.ZIP_LZMA), "compression")


@pytest.mark.parametrize("depth", [70, 100_000])
def test_deep_json(tamper, refused, depth):
    refused(tamper(members=lambda m: m.update({"config.json": b"[" * depth + b"]" * depth})), "config.json", "deeper")


def test_large_json(tamper, refused):
    refused(tamper(members=lambda m: m.update({"config.json": b" " * (9 << 20)})), "config.json", "limit")


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"{", b'{"a": \xff}', b"\xef\xbb\xbf{}", b'{"class_name": 1}'])
def test_no_config(tamper, refused, text):
    refused(tamper(members=lambda m: m.update({"config.json": text})), "config.json")


def test_nothing_is_unpickled(tamper, refused, monkeypatch):
    def never(*_, **__):
        raise AssertionError("unpickled")

    monkeypatch.setattr(pickle, "loads", never)
    monkeypatch.setattr(pickle, "load", never)
    monkeypatch.setattr(pickle, "Unpickler", never)
    payload = io.BytesIO()
    np.save(payload, np.array([{"a": 1}], object), allow_pickle=True)
    refused(tamper(members=lambda m: m.update({"model.weights.h5": payload.getvalue()})))
