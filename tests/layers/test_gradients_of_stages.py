"""Backward passes of the layers that stand around recurrent ones, against finite differences in float64."""

import numpy as np
import pytest
from layer_gradients import check
from numeric import assert_close, finite_difference, projected

from rnnfast import layers

MASK = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(4, 4, 3))
LONG = np.random.default_rng(5).normal(size=(2, 9, 4))


def name_of(layer):
    return f"{type(layer).__name__}-{layer.name}"


def in_float64(name, *arguments, **options):
    return getattr(layers, name)(*arguments, dtype="float64", **options)


@pytest.mark.parametrize(
    "layer",
    [
        in_float64("LayerNormalization"),
        in_float64("LayerNormalization", axis=[1, 2], epsilon=0.1),
        in_float64("LayerNormalization", axis=1, center=False),
        in_float64("LayerNormalization", scale=False),
        in_float64("LayerNormalization", rms_scaling=True),
        in_float64("UnitNormalization"),
        in_float64("UnitNormalization", axis=[1, 2]),
        in_float64("Conv1D", 3, 2),
        in_float64("Conv1D", 4, 3, strides=2, padding="same", activation="tanh"),
        in_float64("Conv1D", 4, 2, dilation_rate=3, padding="causal", use_bias=False),
        in_float64("Conv1D", 6, 3, groups=2, padding="same", activation="gelu"),
        in_float64("Conv1D", 4, 1, activation="softmax"),
        in_float64("MaxPooling1D", 2),
        in_float64("MaxPooling1D", 3, 2, "same"),
        in_float64("AveragePooling1D", 3, 1),
        in_float64("AveragePooling1D", 4, 3, "same"),
        in_float64("GlobalMaxPooling1D", keepdims=True),
        in_float64("GlobalAveragePooling1D"),
        in_float64("Reshape", (4, -1, 3)),
        in_float64("Permute", (2, 1)),
        in_float64("ZeroPadding1D", (1, 2)),
        in_float64("Cropping1D", (2, 1)),
        in_float64("Slice", np.s_[:, -1]),
        in_float64("Slice", np.s_[..., None, 1:8:2]),
        in_float64("UpSampling1D", 3),
        in_float64("ReLU", max_value=0.5, negative_slope=0.25, threshold=0.1),
        in_float64("LeakyReLU", 0.2),
        in_float64("PReLU"),
        in_float64("PReLU", shared_axes=[1]),
        in_float64("ELU", 0.7),
        in_float64("Softmax"),
        in_float64("Softmax", axis=[1, 2]),
        in_float64("Rescaling", [1.5, 2.0, -1.0, 0.5], 0.3),
        in_float64("Normalization", axis=[1, 2], mean=0.5, variance=2.0),
        in_float64("Normalization", mean=[0.5, 1, 2, 3], variance=[1, 2, 3, 4], invert=True),
    ],
    ids=name_of,
)
def test_layer(layer):
    check(layer, LONG if type(layer).__name__ != "Reshape" else LONG[:, :, :4])


@pytest.mark.parametrize(
    ("layer", "mask"),
    [
        (in_float64("GlobalAveragePooling1D", keepdims=True), MASK[:3]),
        (in_float64("Softmax"), np.array([[[True, False, True]]])),
        (in_float64("LayerNormalization"), MASK[:3]),
    ],
    ids=str,
)
def test_layer_with_mask(layer, mask):
    check(layer, X[:3], mask=mask)


class Frozen(layers.BatchNormalization):
    """Its moving averages stay, so that its forward pass can be repeated."""

    def _move(self, mean, variance):
        pass


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", [{}, {"axis": 1}, {"center": False, "scale": False}], ids=str)
def test_batch_normalization(options, masked):
    layer = Frozen(dtype="float64", **options)
    check(layer, X, lambda x: layer.forward(x, training=True, mask=MASK if masked else None))


def test_batch_normalization_of_each_step():
    layer = layers.TimeDistributed(Frozen(dtype="float64"), dtype="float64")
    check(layer, X, lambda x: layer.forward(x, training=True))


def test_frozen_batch_normalization():
    layer = layers.BatchNormalization(dtype="float64", trainable=False)
    x = layer.prepare(X)
    layer.set_weights([np.random.default_rng(2).uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    before = layer.get_weights()
    y, cache = layer.forward(x, training=True)
    dy = np.random.default_rng(2).normal(size=y.shape)
    expected = finite_difference(lambda: projected(dy, layer.forward(x)[0]), x)
    assert_close(layer.backward(dy, cache), expected, 1e-6, "dx")
    for now, then in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


ATTENTIONS = {
    "dot": lambda: layers.Attention(dtype="float64"),
    "scaled": lambda: layers.Attention(use_scale=True, dtype="float64"),
    "concat": lambda: layers.Attention(score_mode="concat", dtype="float64"),
    "concat_scaled": lambda: layers.Attention(score_mode="concat", use_scale=True, dtype="float64"),
    "additive": lambda: layers.AdditiveAttention(dtype="float64"),
    "additive_plain": lambda: layers.AdditiveAttention(use_scale=False, dtype="float64"),
}


@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("masked", [False, True])
def test_attention(name, inputs, masked):
    rng = np.random.default_rng(4)
    x = [rng.normal(size=shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 4))[:inputs]]
    options = {"return_attention_scores": True}
    if masked:
        options |= {"mask": [rng.random((2, 3)) < 0.6, rng.random((2, 5)) < 0.6], "use_causal_mask": True}
        options["mask"][1][:, 0] = True  # every query sees something
    check(ATTENTIONS[name](), x, **options)


@pytest.mark.parametrize("make", [layers.GaussianNoise, layers.GaussianDropout, layers.SpatialDropout1D])
def test_noise(make):
    """The gradient is that of the very noise that was drawn, which has the mean and deviation it should have."""
    x = np.random.default_rng(1).normal(size=(40, 50, 6)) + 3
    layer = make(0.3, seed=2, dtype="float64")
    y, cache = layer.forward(layer.prepare(x), training=True)
    slope = layer.backward(np.ones_like(x), cache)
    noise = {"GaussianNoise": y - x}.get(make.__name__, y / x)
    np.testing.assert_allclose(slope, 1 if make is layers.GaussianNoise else noise, rtol=1e-12)
    mean, deviation = {"GaussianNoise": (0, 0.3)}.get(make.__name__, (1, (0.3 / 0.7) ** 0.5))
    spread = 4 * deviation / np.sqrt(noise.size / (50 if make is layers.SpatialDropout1D else 1))
    assert abs(noise.mean() - mean) < spread and abs(noise.std() - deviation) < spread
    if make is layers.SpatialDropout1D:
        np.testing.assert_allclose(noise, np.broadcast_to(noise[:, :1], x.shape), rtol=1e-12)
    np.testing.assert_array_equal(layer(x), x)
    assert not np.array_equal(layer(x, training=True), y)
