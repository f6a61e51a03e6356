"""Weights files that do not fit the config, lie about their size or point elsewhere: refused before they are read."""

import pickle

import h5py
import numpy as np
import pytest

LITTLE = 64 << 20


def layer(config, index):
    return config["config"]["layers"][index]


def test_units_far_beyond_the_weights(tamper, refused, peak_memory):
    def change(config):
        layer(config, 3)["config"]["units"] = 10**9

    path = tamper(config=change)
    with peak_memory() as peak:
        refused(path, "gru", "shape", "layers/gru/cell/vars/0")
    assert peak.bytes < LITTLE


def test_embedding_far_beyond_the_weights(tamper, refused, peak_memory):
    def change(config):
        layer(config, 1)["config"].update(input_dim=10**12, output_dim=10**12)

    path = tamper(config=change)
    with peak_memory() as peak:
        refused(path, "layers/embedding/vars/0")
    assert peak.bytes < LITTLE


def replace_dataset(where, **options):
    def change(file):
        group, name = where.rsplit("/", 1)
        del file[group][name]
        file[group].create_dataset(name, **options)

    return change


def test_dataset_that_declares_more_than_it_stores(tamper, refused, peak_memory):
    """Config and dataset agree on a huge shape, but next to nothing is in the file."""

    def config(config):
        layer(config, 1)["config"].update(input_dim=10**7, output_dim=1000)

    path = tamper(
        config=config,
        weights=replace_dataset(
            "layers/embedding/vars/0", shape=(10**7, 1000), dtype="f4", chunks=(1000, 1000), compression="gzip"
        ),
    )
    with peak_memory() as peak:
        refused(path, "not stored in full")
    assert peak.bytes < LITTLE


def test_wrong_shape(tamper, refused):
    refused(
        tamper(weights=replace_dataset("layers/gru/cell/vars/1", data=np.zeros((3, 8), np.float32))),
        "layers/gru/cell/vars/1", "(3, 9)", "(3, 8)",
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f2", "i4", "S4", "bool"])
def test_wrong_dtype(tamper, refused, dtype):
    refused(
        tamper(weights=replace_dataset("layers/dense/vars/1", data=np.zeros(2, dtype))),
        "layers/dense/vars/1", "float32",
    )  # fmt: skip


def test_object_dtype(tamper, refused):
    change = replace_dataset("layers/dense/vars/1", shape=(2,), dtype=h5py.string_dtype())
    refused(tamper(weights=change), "layers/dense/vars/1", "float32")


@pytest.mark.parametrize(
    "where", ["layers", "layers/gru", "layers/gru/cell", "layers/gru/cell/vars", "layers/gru/cell/vars/2"]
)
def test_missing_weights(tamper, refused, where):
    def change(file):
        del file[where]

    refused(tamper(weights=change), "layers")


def test_surplus_weight(tamper, refused):
    def change(file):
        file["layers/dense/vars"]["2"] = np.zeros(2, np.float32)

    refused(tamper(weights=change), "layers/dense", "3", "2")


def test_surplus_layer(tamper, refused):
    def change(file):
        file["layers/lstm/cell/vars/0"] = np.zeros(2, np.float32)

    refused(tamper(weights=change), "'lstm'")


def test_group_where_an_array_belongs(tamper, refused):
    def change(file):
        del file["layers/dense/vars/0"]
        file.create_group("layers/dense/vars/0")

    refused(tamper(weights=change), "layers/dense/vars/0")


def test_array_where_a_group_belongs(tamper, refused):
    def change(file):
        del file["layers/gru"]
        file["layers/gru"] = np.zeros(3)

    refused(tamper(weights=change), "layers/gru")


@pytest.mark.parametrize("where", ["layers/dense/vars/0", "layers/dense/vars", "layers/dense", "layers"])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links(tamper, refused, tmp_path, kind, where):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros((3, 2), np.float32)

    def change(file):
        file.move(where, "elsewhere")
        file[where] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink(tmp_path / "secret.h5", "x")

    refused(tamper(weights=change), "Link")


def test_array_in_another_file(tamper, refused, tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(24))
    change = replace_dataset(
        "layers/dense/vars/0", shape=(3, 2), dtype="f4", external=[(str(tmp_path / "secret.bin"), 0, 24)]
    )
    refused(tamper(weights=change), "not stored in full")


def test_virtual_array(tamper, refused, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.ones((3, 2), np.float32)

    def change(file):
        del file["layers/dense/vars/0"]
        layout = h5py.VirtualLayout(shape=(3, 2), dtype="f4")
        layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", shape=(3, 2))
        file["layers/dense/vars"].create_virtual_dataset("0", layout)

    refused(tamper(weights=change), "not stored in full")


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100, pickle.dumps([1])])
def test_weights_that_are_no_hdf5(tamper, refused, content):
    refused(tamper(members=lambda m: m.update({"model.weights.h5": content})), "model.weights.h5")
