"""The layers that stand around recurrent ones against Keras: outputs, training steps, and `.keras` files both ways."""

import inspect

import numpy as np
import pytest

import rnnfast

BATCH, TIME, FEATURES = 6, 8, 4


def penalty(name):
    """A regularizer in serialized form; Keras keeps its factor in float32."""
    config = {name.lower(): 0.125}
    return {"module": "keras.regularizers", "class_name": name, "config": config, "registered_name": None}


# name -> layers of a namespace, between Input((TIME, FEATURES)) and a Dense; None: they end the model
STAGES = {
    "layer_normalization": lambda n: [n.LayerNormalization()],
    "layer_normalization_axes": lambda n: [n.LayerNormalization(axis=[1, 2], center=False, epsilon=0.1)],
    "batch_normalization": lambda n: [n.BatchNormalization(momentum=0.8)],
    "batch_normalization_axis": lambda n: [n.BatchNormalization(axis=1, center=False, epsilon=0.01)],
    "batch_normalization_frozen": lambda n: [n.BatchNormalization(trainable=False)],
    "batch_normalization_masked": lambda n: [n.Masking(), n.BatchNormalization(momentum=0.5), n.GRU(3)],
    "batch_normalization_of_steps": lambda n: [n.TimeDistributed(n.BatchNormalization(momentum=0.8)), n.GRU(3)],
    "batch_normalization_of_masked_steps": lambda n: [n.Masking(), n.TimeDistributed(n.BatchNormalization()), n.GRU(3)],
    "unit_normalization": lambda n: [n.UnitNormalization(), n.UnitNormalization(axis=[1, 2])],
    "conv": lambda n: [n.Conv1D(5, 3, activation="relu")],
    "conv_same_strides": lambda n: [n.Conv1D(5, 4, strides=3, padding="same", use_bias=False)],
    "conv_causal_dilation": lambda n: [n.Conv1D(5, (2,), dilation_rate=3, padding="causal")],
    "conv_groups": lambda n: [n.Conv1D(6, 3, groups=2, padding="same", activation="tanh"), n.LSTM(3)],
    "conv_masked": lambda n: [n.Masking(), n.Conv1D(5, 2), n.GRU(3)],
    "penalized": lambda n: [
        n.Conv1D(5, 3, kernel_regularizer=penalty("L2"), activity_regularizer=penalty("L1"), bias_constraint="non_neg"),
        n.LayerNormalization(gamma_regularizer=penalty("L1"), beta_regularizer=penalty("L2")),
        n.BatchNormalization(gamma_constraint="max_norm", beta_constraint="non_neg"),
        n.PReLU(alpha_regularizer=penalty("L2"), alpha_constraint="non_neg"),
    ],
    "max_pooling": lambda n: [n.MaxPooling1D()],
    "max_pooling_same": lambda n: [n.MaxPooling1D(3, strides=2, padding="same")],
    "average_pooling": lambda n: [n.AveragePooling1D(3, strides=2)],
    "average_pooling_same": lambda n: [n.AveragePooling1D(3, strides=1, padding="same")],
    "global_max": lambda n: [n.GRU(5, return_sequences=True), n.GlobalMaxPooling1D()],
    "global_average": lambda n: [n.GlobalAveragePooling1D(keepdims=True)],
    "global_average_masked": lambda n: [n.Masking(), n.LSTM(5, return_sequences=True), n.GlobalAveragePooling1D()],
    "reshape": lambda n: [n.Reshape((4, -1)), n.GRU(3)],
    "permute": lambda n: [n.Permute((2, 1)), n.GRU(3)],
    "steps": lambda n: [n.ZeroPadding1D((2, 1)), n.UpSampling1D(3), n.Cropping1D((1, 4)), n.GRU(3)],
    "noise": lambda n: [n.GaussianNoise(0.0), n.GaussianDropout(0.0), n.SpatialDropout1D(0.0), n.Dropout(0.0)],
    "relu": lambda n: [n.ReLU(max_value=0.5, negative_slope=0.2, threshold=0.1), n.ReLU(6.0), n.ReLU()],
    "leaky_relu": lambda n: [n.LeakyReLU(), n.ELU(0.6)],
    "prelu": lambda n: [n.PReLU(), n.PReLU(shared_axes=[1])],
    "softmax": lambda n: [n.Softmax(), n.Softmax(axis=1)],
    "rescaling": lambda n: [n.Rescaling(0.5, -1.0)],
    "normalization": lambda n: [n.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[1, 2, 3, 4.0])],
    "normalization_inverse": lambda n: [n.Normalization(axis=None, mean=0.5, variance=2.0, invert=True)],
    "normalization_adapted": lambda n: [n.Normalization(axis=(1, 2))],
}  # fmt: skip


@pytest.fixture
def x(draw):
    values = 3 * draw(BATCH, TIME, FEATURES)
    values[0, 5:] = values[1, :2] = values[2, ::2] = 0
    return values


def model_of(namespace, name):
    n = namespace.layers
    return namespace.Sequential([n.Input((TIME, FEATURES)), *STAGES[name](n), n.Dense(2)], name="staged")


def give_weights(model, draw, x):
    """Random ones; variances positive, adapted statistics measured."""
    values = []
    for layer in model.layers:
        if type(layer).__name__ == "Normalization" and layer.input_mean is None:
            layer.adapt(x)
        for weight in layer.weights:
            value = draw(*weight.shape)
            values.append(value if "variance" not in weight.name else np.abs(value) + 0.5)
            weight.assign(values[-1].astype(str(weight.dtype)))
    return values


def weights_of(model):
    return [np.asarray(w) for w in model.get_weights()]


@pytest.fixture(params=STAGES)
def pair(request, keras, draw, x):
    """The same model in Keras and here, with the same random weights."""
    peer, fast = model_of(keras, request.param), model_of(rnnfast, request.param)
    give_weights(peer, draw, x)
    assert [w.shape for w in weights_of(peer)] == [w.shape for w in weights_of(fast)]
    assert [w.name for w in peer.weights if w.trainable] == [w.name for w in fast.trainable_weights]
    fast.set_weights(weights_of(peer))
    return peer, fast


def test_output(pair, same_output, x):
    peer, fast = pair
    expected = peer.predict(x, verbose=0)
    same_output(fast.predict(x, verbose=0), expected, "engine")
    same_output(fast(x), expected, "layers")
    assert fast.output_shape == peer.output_shape


def test_training_step(pair, same_step, draw, x):
    """Of all weights, the moving averages among them."""
    peer, fast = pair
    same_step(peer, fast, x, draw(*fast.compute_output_shape(x.shape)), "mse")


def test_files_both_ways(keras, pair, same_output, x, tmp_path):
    peer, fast = pair
    expected = peer.predict(x, verbose=0)
    fast.save(tmp_path / "here.keras")
    there = keras.models.load_model(tmp_path / "here.keras")
    same_output(there.predict(x, verbose=0), expected, "written here, read by Keras")
    there.save(tmp_path / "there.keras")
    back = rnnfast.load_model(tmp_path / "there.keras")
    for actual, wanted in zip(weights_of(back), weights_of(fast), strict=True):
        np.testing.assert_array_equal(actual, wanted)
    assert back.get_config()["layers"] == fast.get_config()["layers"]
    peer.save(tmp_path / "peer.keras")
    same_output(rnnfast.load_model(tmp_path / "peer.keras").predict(x, verbose=0), expected, "written by Keras")


@pytest.mark.parametrize("axis", [-1, None, (1, 2)])
def test_adapt(keras, same_output, x, axis):
    """To an array as Keras; Keras needs TensorFlow to look at batches, which must give what the whole gives."""
    peer, fast = keras.layers.Normalization(axis), rnnfast.layers.Normalization(axis)
    peer.adapt(x)
    for data in (x, (x[i : i + 2] for i in range(0, BATCH, 2)), [(x[:1], 0), (x[1:], 1)]):
        fast.adapt(data)
        for a, b in zip(fast.get_weights(), peer.get_weights(), strict=True):
            same_output(a, b, "statistics")
        same_output(fast(x), peer(x).detach().numpy())


ATTENTIONS = {
    "dot": lambda n: n.Attention(),
    "scaled": lambda n: n.Attention(use_scale=True),
    "concat": lambda n: n.Attention(score_mode="concat", use_scale=True),
    "additive": lambda n: n.AdditiveAttention(),
    "additive_plain": lambda n: n.AdditiveAttention(use_scale=False),
}


@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("masks", ["none", "both", "query", "causal"])
def test_attention(keras, torch, draw, same_output, name, inputs, masks):
    peer, fast = ATTENTIONS[name](keras.layers), ATTENTIONS[name](rnnfast.layers)
    arrays = [3 * draw(2, 5, 4), 3 * draw(2, 6, 4), 3 * draw(2, 6, 4)][:inputs]
    both = [draw(2, 5) > 0, draw(2, 6) > 0]
    given = {"both": both, "query": [both[0], None]}.get(masks)
    options = {"return_attention_scores": True, "use_causal_mask": masks == "causal"}
    for layer in (peer, fast):
        layer.build([a.shape for a in arrays])
    for ours, theirs in zip(fast.weights, peer.weights, strict=True):
        value = draw(*theirs.shape)
        theirs.assign(value)
        ours.assign(value)
    to_torch = None if given is None else [None if m is None else torch.tensor(m) for m in given]
    expected = peer([torch.tensor(a) for a in arrays], mask=to_torch, **options)
    actual = fast(arrays, mask=given, **options)
    for what, a, b in zip(("output", "scores"), actual, expected, strict=True):
        same_output(a, b.detach().numpy(), what)
    assert fast.compute_output_shape([a.shape for a in arrays]) == tuple(expected[0].shape)


NEW = [
    "LayerNormalization",
    "BatchNormalization",
    "UnitNormalization",
    "Conv1D",
    "MaxPooling1D",
    "AveragePooling1D",
    "GlobalMaxPooling1D",
    "GlobalAveragePooling1D",
    "SpatialDropout1D",
    "GaussianNoise",
    "GaussianDropout",
    "Reshape",
    "Permute",
    "ZeroPadding1D",
    "Cropping1D",
    "UpSampling1D",
    "Attention",
    "AdditiveAttention",
    "Rescaling",
    "Normalization",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "Softmax",
]


@pytest.mark.parametrize("name", NEW)
def test_arguments_and_config(keras, name):
    """Positional arguments in Keras' order with its defaults, and the keys of its config."""

    def arguments(cls):
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
        parameters = {p.name: p.default for p in inspect.signature(cls).parameters.values() if p.kind in kinds}
        return {key: default for key, default in parameters.items() if key not in ("name", "dtype")}

    ours, theirs = (arguments(getattr(n.layers, name)) for n in (rnnfast, keras))
    assert list(ours)[: len(theirs)] == list(theirs)
    assert {key: ours[key] for key in theirs} == theirs
    needed = {"Reshape": [(4, 2)], "Permute": [(2, 1)], "Rescaling": [2.0], "Conv1D": [3, 2], "AveragePooling1D": [2]}
    values = needed.get(name, [0.5] if {"rate", "stddev"} & set(theirs) else [])
    configs = [getattr(n.layers, name)(*values).get_config() for n in (rnnfast, keras)]
    assert set(configs[0]) - {"activity_regularizer"} == set(configs[1]) - {"activity_regularizer"}
    again = getattr(rnnfast.layers, name).from_config(configs[0])
    assert again.get_config() == configs[0]
