"""Damaged files, at random and at every offset: a ValueError that names the file, or the very model that was saved."""

import json
import random
import subprocess
import sys
import warnings
import zipfile
from collections import Counter

import numpy as np
import pytest

import rnnfast


def outcome(path, expected):
    """Load; whatever comes must be the saved weights or a ValueError that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = rnnfast.load_model(path)
    except ValueError as error:
        assert path.name in str(error)
        return "refused"
    for actual, weight in zip(loaded.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(actual, weight)
    return "loaded"


def test_truncated(model, saved, tmp_path):
    content = saved.read_bytes()
    ends = {0, 1, 4, 30, len(content) - 1, len(content) - 22} | set(range(0, len(content), max(1, len(content) // 150)))
    path = tmp_path / "short.keras"
    for end in sorted(ends):
        path.write_bytes(content[:end])
        assert outcome(path, model.get_weights()) == "refused", end


def test_flipped_bits(model, saved, tmp_path):
    """A checksum covers every member, so no flip changes a weight unseen."""
    content, rng = saved.read_bytes(), random.Random(0)
    directory = content.rindex(b"PK\x05\x06") - 400
    places = [rng.randrange(len(content)) for _ in range(150)]
    places += [rng.randrange(directory, len(content)) for _ in range(150)]
    path = tmp_path / "flipped.keras"
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        outcome(path, model.get_weights())


VALUES = [
    None, True, False, 0, 1, -1, 2.5, 1e308, float("inf"), float("nan"), 10**9, 10**30, "", "x", "LSTM", "float64",
    "../x", [], [None], [[[]]], {}, {"class_name": "LSTM", "config": {}},
    {"class_name": "__lambda__", "config": {"value": "x"}},
]  # fmt: skip


def places(node, path=()):
    """The path of every value in a JSON tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from places(child, (*path, key))


def test_mangled_config(model, saved, tmp_path):
    """Any value in config.json replaced by any other, or gone: never another error, never another weight."""
    with zipfile.ZipFile(saved) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(contents["config.json"])
    spots = list(places(config))
    rng = random.Random(1)
    path = tmp_path / "mangled.keras"
    outcomes = Counter()
    for _ in range(500):
        changed = json.loads(contents["config.json"])
        spot = rng.choice(spots)
        node = changed
        for key in spot[:-1]:
            node = node[key]
        if rng.random() < 0.2:
            del node[spot[-1]]
        else:
            node[spot[-1]] = rng.choice(VALUES)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, json.dumps(changed) if name == "config.json" else data)
        outcomes[outcome(path, model.get_weights())] += 1
    assert min(outcomes["refused"], outcomes["loaded"]) > 50, outcomes


@pytest.mark.parametrize("seed", range(4))
def test_mangled_text(model, saved, tmp_path, seed):
    """config.json with bytes changed, cut and doubled, under a right checksum."""
    with zipfile.ZipFile(saved) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    rng = random.Random(seed)
    path = tmp_path / "mangled.keras"
    for _ in range(60):
        text = bytearray(contents["config.json"])
        for _ in range(rng.randrange(1, 5)):
            start = rng.randrange(len(text))
            end = start + rng.randrange(1, 20)
            text[start:end] = rng.choice([b"", bytes(rng.randrange(256) for _ in range(3)), bytes(text[start:end]) * 2])
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, bytes(text) if name == "config.json" else data)
        outcome(path, model.get_weights())


MANGLE_WEIGHTS = """
import random, sys, warnings, zipfile
import rnnfast

warnings.simplefilter("ignore")
source, target = sys.argv[1:]
with zipfile.ZipFile(source) as archive:
    contents = {name: archive.read(name) for name in archive.namelist()}
shapes = [weight.shape for weight in rnnfast.load_model(source).get_weights()]
rng = random.Random(0)
refused = 0
for _ in range(400):
    data = bytearray(contents["model.weights.h5"])
    for _ in range(rng.randrange(1, 6)):
        place = rng.randrange(len(data))
        if rng.random() < 0.6:
            data[place] ^= 1 << rng.randrange(8)
        else:
            size = rng.randrange(1, 9)
            data[place : place + size] = bytes([rng.choice([0, 1, 127, 128, 255])]) * size
    if rng.random() < 0.1:
        del data[rng.randrange(len(data)) :]
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, bytes(data) if name == "model.weights.h5" else content)
    try:
        loaded = rnnfast.load_model(target)
    except ValueError as error:
        assert target in str(error), error
        refused += 1
    else:
        assert [weight.shape for weight in loaded.get_weights()] == shapes
print(refused)
"""


def test_mangled_weights(saved, tmp_path):
    """The HDF5 file changed under a right checksum: a ValueError that names the file, or weights of the right shapes.

    In a process of its own, for it is C code that reads the file: it must not crash.
    """
    done = subprocess.run(
        [sys.executable, "-c", MANGLE_WEIGHTS, str(saved), str(tmp_path / "mangled.keras")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 100 < int(done.stdout) < 400
