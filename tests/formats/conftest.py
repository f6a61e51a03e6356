"""A small model of many layers and its `.keras` file, as text, arrays and bytes to tamper with."""

import io
import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed (pip install '.[keras]')")

import h5py

import rnnfast
from rnnfast import layers


def randomize(model, seed=0):
    """Random values for every weight of a built model, biases too."""
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.3, np.shape(w)) for w in model.get_weights()])
    return model


@pytest.fixture
def model():
    """Tokens to classes through every kind of layer that has weights, compiled."""
    built = rnnfast.Sequential(
        [
            layers.Input((6,)),
            layers.Embedding(11, 5, mask_zero=True),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True), merge_mode="sum"),
            layers.GRU(3, return_sequences=True),
            layers.TimeDistributed(layers.Dense(4, activation="relu")),
            layers.SimpleRNN(3),
            layers.Dense(2, activation="softmax"),
        ],
        name="reader",
    )
    built.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return randomize(built)


@pytest.fixture
def saved(model, tmp_path):
    """Path of the model's file."""
    path = tmp_path / "model.keras"
    model.save(path)
    return path


@pytest.fixture
def tamper(saved, tamper_file):
    """tamper(...): path of a changed copy of the model's file. See `tamper_file`."""
    return lambda **changes: tamper_file(saved, **changes)


@pytest.fixture
def tamper_file(tmp_path):
    """tamper_file(path, config=..., weights=..., members=...): path of a changed copy of a file.

    config: a function that changes the parsed config.json in place; weights: one that changes the open HDF5 file;
    members: a function that changes the {name: bytes} of the archive in place.
    """
    counter = iter(range(10**6))

    def tamper(saved, *, config=None, weights=None, members=None, compression=zipfile.ZIP_STORED):
        with zipfile.ZipFile(saved) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        if config is not None:
            parsed = json.loads(contents["config.json"])
            config(parsed)
            contents["config.json"] = json.dumps(parsed).encode()
        if weights is not None:
            buffer = io.BytesIO(contents["model.weights.h5"])
            with h5py.File(buffer, "r+") as file:
                weights(file)
            contents["model.weights.h5"] = buffer.getvalue()
        if members is not None:
            members(contents)
        path = tmp_path / f"tampered{next(counter)}.keras"
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in contents.items():
                archive.writestr(name, data)
        return path

    return tamper


@pytest.fixture
def refused():
    """refused(path, *words): loading raises ValueError whose message names the file and holds each word."""

    def refused(path, *words):
        with pytest.raises(ValueError) as caught:
            rnnfast.load_model(path)
        message = str(caught.value)
        for word in (path.name, *words):
            assert str(word) in message
        return message

    return refused


@pytest.fixture
def peak_memory():
    """with peak_memory() as peak: ... then peak.bytes is the most that Python and NumPy held at once."""
    import tracemalloc
    from contextlib import contextmanager

    @contextmanager
    def measure():
        peak = SimpleNamespace(bytes=0)
        tracemalloc.start()
        try:
            yield peak
        finally:
            peak.bytes = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()

    return measure
