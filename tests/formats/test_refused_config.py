"""Configs with what is not supported: the error names the file, the place and what is wrong."""

import json

import numpy as np
import pytest

import rnnfast
from rnnfast import layers


def layer(config, index):
    return config["config"]["layers"][index]


def with_layer(entry, index=-1):
    """A change of config.json that puts `entry` in the place of a layer."""

    def change(config):
        config["config"]["layers"][index] = entry

    return change


def entry(class_name, module="keras.layers", registered_name=None, **config):
    return {"module": module, "class_name": class_name, "config": config, "registered_name": registered_name}


def test_lambda(tamper, refused):
    code = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    refused(tamper(config=with_layer(entry("Lambda", name="f", function=code))), "Lambda", "code", "layers[6]")


def test_text_vectorization(tamper, refused):
    refused(
        tamper(config=with_layer(entry("TextVectorization", name="t", max_tokens=9), 3)),
        "layers[3]", "numbers, not text", "Embedding",
    )  # fmt: skip


@pytest.mark.parametrize("key", ["activation", "kernel_initializer", "name", "units", "dtype"])
def test_lambda_inside_an_option(tamper, refused, key):
    def change(config):
        layer(config, -1)["config"][key] = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}

    refused(tamper(config=change), "layers[6]")


@pytest.mark.parametrize("name", ["ConvLSTM1D", "Discretization", "LSTMCell", "os.system", "__import__", "Layer"])
def test_unsupported_layer_says_what_is(tamper, refused, name):
    refused(tamper(config=with_layer(entry(name, name="here"), 3)), name, "layers[3]", "Supported", "LSTM")


def test_custom_class(tamper, refused):
    refused(
        tamper(config=with_layer(entry("MyLSTM", "my.module", "my>MyLSTM", units=3))),
        "my>MyLSTM",
        "custom",
        "layers[6]",
    )


def test_custom_class_behind_a_known_name(tamper, refused):
    refused(tamper(config=with_layer(entry("Dense", "my.module", "my>Dense", units=2))), "my>Dense", "layers[6]")


def test_custom_cell(tamper, refused):
    for cell in (entry("MyCell", "my.module", "MyCell", units=3), entry("Dense", units=3), {"cells": []}, 3):
        refused(tamper(config=with_layer(entry("RNN", cell=cell))), "layers[6]", "cell")
    stack = entry("StackedRNNCells", cells=[entry("GRUCell", units=2), entry("LSTM", units=2)])
    refused(tamper(config=with_layer(entry("RNN", cell=stack))), "cell 1", "LSTM is not supported", "LSTMCell")


def test_other_models(tamper, refused):
    def change(config):
        config["class_name"] = "MyModel"

    refused(tamper(config=change), "MyModel", "Sequential", "functional")


def calls(config, index):
    return layer(config, index)["inbound_nodes"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: layer(c, 1).update(inbound_nodes=3), ["inbound_nodes"]),
        (lambda c: calls(c, 1)[0].pop("args"), ["args of"]),
        (lambda c: calls(c, 1)[0]["args"].append(1), ["at most 1 arguments"]),
        (lambda c: calls(c, 1)[0]["args"][0]["config"].update(keras_history=["nobody", 0, 0]), ["no such layer"]),
        (lambda c: calls(c, 1)[0]["args"][0]["config"].update(keras_history=["rnn", 0, 0]), ["never made"]),
        (lambda c: calls(c, 1)[0]["args"][0]["config"].update(keras_history=["feat", 0, 7]), ["no output"]),
        (lambda c: calls(c, 1)[0]["args"][0]["config"].update(keras_history=["feat", -1, 0]), ["no output"]),
        (lambda c: calls(c, 1)[0]["kwargs"].update(magic=True), ["magic"]),
        (lambda c: layer(c, 0)["config"].update(name="rnn"), ["different names"]),
        (lambda c: c["config"].update(output_layers=["rnn", 3, 0]), ["place"]),
        (lambda c: c["config"].update(input_layers=[]), ["at least one"]),
        (lambda c: c["config"].update(input_layers=7), ["expected a list"]),
        (lambda c: layer(c, 3).update(module="keras.src.ops.numpy", class_name="Tanh"), ["operation"]),
    ],
)
def test_functional_graph(tmp_path, tamper_file, refused, change, words):
    feat, more = rnnfast.Input((5, 3), name="feat"), rnnfast.Input((4,), name="more")
    y = rnnfast.layers.concatenate([rnnfast.layers.LSTM(4, name="rnn")(feat), more])
    model = rnnfast.Model([feat, more], rnnfast.layers.Dense(2, name="end")(y))
    model.save(tmp_path / "graph.keras")
    refused(tamper_file(tmp_path / "graph.keras", config=change), *words)


def test_inside_a_wrapper(tamper, refused):
    def change(config):
        layer(config, 4)["config"]["layer"] = entry("Conv2D", name="c")

    refused(tamper(config=change), "layers[4]", "TimeDistributed", "Conv2D")


@pytest.mark.parametrize(
    ("index", "key", "value"),
    [
        (3, "units", 0), (3, "units", -3), (3, "units", "3"), (3, "units", None), (3, "units", 2.5), (3, "units", True),
        (3, "activation", "nonsense"), (3, "activation", "softmax"), (3, "activation", ["relu"]),
        (3, "activation", {"class_name": "function", "config": "os.system", "registered_name": "os>system"}),
        (3, "activation", {"class_name": "LeakyReLU", "config": {"negative_slope": "x"}}),
        (3, "dropout", 1.5), (3, "recurrent_dropout", -0.1), (3, "zoneout", [0.1, 0.2, 0.3]),
            (3, "kernel_regularizer", {"class_name": "L2", "config": {"l3": 0.1}}),
        (3, "kernel_constraint", {"class_name": "MaximumNorm", "config": {}}),
        (3, "kernel_initializer", {"class_name": "Nonsense", "config": {}}),
        (3, "kernel_initializer", {"class_name": "Constant", "config": {"value": [1]}}),
        (3, "kernel_initializer", {"class_name": "Constant", "config": {"code": "x"}}),
        (3, "kernel_initializer", {"class_name": "Constant", "config": 3}),
        (3, "dtype", "float16"), (3, "dtype", "mixed_bfloat16"), (3, "dtype", 7), (3, "dtype", {"config": []}),
        (3, "name", 5), (3, "name", ""), (3, "peephole", True), (3, "weights", [[1.0]]), (3, "cell", "lstm"),
        (2, "merge_mode", "nonsense"), (2, "layer", None), (2, "layer", 3),
        (2, "backward_layer", {"class_name": "LSTM"}),
        (1, "input_dim", "many"), (1, "weights", [[[0.0] * 5] * 11]), (0, "batch_shape", [None, -1]),
        (0, "batch_shape", "x"), (0, "sparse", True), (6, "lora_rank", 4),
    ],
)  # fmt: skip
def test_bad_option_names_its_place(tamper, refused, index, key, value):
    def change(config):
        layer(config, index)["config"][key] = value

    refused(tamper(config=change), f"layers[{index}]")


@pytest.mark.parametrize("value", [None, 3, "layers", {}, [], [3], [None], [[]], [{"class_name": "LSTM"}]])
def test_bad_list_of_layers(tamper, refused, value):
    def change(config):
        config["config"]["layers"] = value

    refused(tamper(config=change))


def test_layers_that_do_not_fit_together(tamper, refused):
    def change(config):
        del config["config"]["layers"][1]

    refused(tamper(config=change))


def test_older_keras(tamper, refused):
    metadata = json.dumps({"keras_version": "2.15.0"}).encode()
    refused(tamper(members=lambda m: m.update({"metadata.json": metadata})), "2.15.0", "Keras 3")


# How it was compiled: the model is worth having without


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["optimizer"].update(class_name="Muon"),
        lambda c: c["optimizer"]["config"].update(weight_decay=-0.1),
        lambda c: c["optimizer"]["config"].update(learning_rate={"class_name": "CosineDecay", "config": {}}),
        lambda c: c.update(loss="nonsense"),
        lambda c: c.update(loss={"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}),
        lambda c: c.update(metrics=["mean_iou"]),
        lambda c: c.update(loss_weights=[0.5, 0.5]),
        lambda c: c.update(loss_weights="x"),
        lambda c: c.update(metrics=[[[["mse"]]]]),
        lambda c: c.update(optimizer=3),
    ],
)
def test_compiled_with_what_is_not_supported(tamper, model, change):
    path = tamper(config=lambda config: change(config["compile_config"]))
    with pytest.warns(UserWarning, match=r"(?s)tampered.*not compiled"):
        loaded = rnnfast.load_model(path)
    tokens = np.arange(12).reshape(2, 6) % 11
    np.testing.assert_array_equal(loaded.predict(tokens, verbose=0), model.predict(tokens, verbose=0))
    with pytest.raises(ValueError, match="compile"):
        loaded.fit(tokens, np.zeros(2), verbose=0)


def test_inference_model_refuses_too(tamper):
    path = tamper(config=with_layer(entry("Lambda", name="f")))
    with pytest.raises(ValueError, match="Lambda"):
        rnnfast.InferenceModel(path)


def test_supported_layers_are_all_there():
    from rnnfast.formats.layer_config import SUPPORTED

    assert set(SUPPORTED) == {
        "InputLayer", "Embedding", "Masking", "SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional",
        "TimeDistributed", "Dense", "Dropout", "Activation", "Flatten", "RepeatVector", "Reshape", "Permute",
        "ZeroPadding1D", "Cropping1D", "UpSampling1D", "LayerNormalization", "BatchNormalization",
        "UnitNormalization", "Conv1D", "MaxPooling1D", "AveragePooling1D", "GlobalMaxPooling1D",
        "GlobalAveragePooling1D", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "Attention",
        "AdditiveAttention", "Rescaling", "Normalization", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
        "Slice", "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate", "Dot",
    }  # fmt: skip
    assert all(cls is getattr(layers, name) for name, cls in SUPPORTED.items())
