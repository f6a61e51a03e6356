"""What the layers around recurrent ones mean: masks, shapes, statistics, configurations, and what they refuse."""

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 6, 4)).astype("float32")
MASK = np.array([[1, 1, 0, 1, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]], bool)

STAGES = [
    layers.LayerNormalization([1, 2], epsilon=0.1, center=False),
    layers.LayerNormalization(rms_scaling=True, gamma_initializer="glorot_uniform"),
    layers.BatchNormalization(1, momentum=0.5, moving_mean_initializer="glorot_uniform"),
    layers.UnitNormalization([1, 2]),
    layers.Conv1D(6, 2, padding="same", groups=2, activation="relu", bias_initializer="ones"),
    layers.Conv1D(6, 2, dilation_rate=2, padding="causal", use_bias=False),
    layers.MaxPooling1D(3, 2, "same"),
    layers.AveragePooling1D(3),
    layers.GlobalAveragePooling1D(keepdims=True),
    layers.GlobalMaxPooling1D(),
    layers.SpatialDropout1D(0.3, seed=1),
    layers.GaussianNoise(0.3, seed=1),
    layers.GaussianDropout(0.3, seed=1),
    layers.Reshape((-1, 3)),
    layers.Permute((2, 1)),
    layers.ZeroPadding1D((1, 2)),
    layers.Cropping1D((1, 2)),
    layers.UpSampling1D(2),
    layers.Rescaling([1.0, 2.0, 3.0, 4.0], 0.5),
    layers.Normalization(1, invert=True),
    layers.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[1.0, 2.0, 3.0, 4.0]),
    layers.ReLU(1.0, 0.1, 0.2),
    layers.LeakyReLU(0.1),
    layers.PReLU("glorot_uniform", shared_axes=[1]),
    layers.ELU(0.5),
    layers.Softmax(axis=1),
]
CARRYING = {
    "LayerNormalization", "BatchNormalization", "UnitNormalization", "SpatialDropout1D", "GaussianNoise",
    "GaussianDropout", "Rescaling", "Normalization", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
}  # fmt: skip


@pytest.mark.parametrize("layer", STAGES, ids=lambda layer: layer.name)
def test_shape_mask_and_configuration(layer):
    y = layer(X)
    assert layer.compute_output_shape(X.shape) == y.shape
    unknown = layer.compute_output_shape((None, None, 4))
    assert len(unknown) == y.ndim and all(n in (None, m) for n, m in zip(unknown, y.shape, strict=True))
    assert (layer.compute_mask(X, MASK) is MASK) == (type(layer).__name__ in CARRYING)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    again.build(X.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X), y)
    assert layers.deserialize(layers.serialize(layer)).get_config() == config


@pytest.mark.parametrize("layer", STAGES, ids=lambda layer: layer.name)
def test_a_row_does_not_depend_on_its_batch(layer):
    y = layer(X)
    for row in range(3):
        assert_close(layer(X[row : row + 1])[0], y[row], 1e-6, f"row {row}")


def test_convolution_is_a_sum_over_windows():
    layer = layers.Conv1D(6, 3, strides=2, padding="same", groups=2, dtype="float64")
    y = layer(X)
    kernel, bias = layer.get_weights()
    padded = np.pad(X.astype("float64"), ((0, 0), (0, 1), (0, 0)))
    for t in range(3):
        for f in range(6):
            window = padded[:, 2 * t : 2 * t + 3, 2 * (f // 3) : 2 * (f // 3) + 2]
            assert_close(y[:, t, f], (window * kernel[:, :, f]).sum(axis=(1, 2)) + bias[f], 1e-12, f"{t}, {f}")


def test_a_causal_convolution_does_not_look_ahead():
    layer = layers.Conv1D(5, 3, dilation_rate=2, padding="causal")
    y = layer(X)
    changed = X.copy()
    changed[:, 4:] += 1
    np.testing.assert_array_equal(layer(changed)[:, :4], y[:, :4])
    assert (layer(changed)[:, 4:] != y[:, 4:]).any()


def test_masked_steps_do_not_reach_means():
    spoiled = np.where(MASK[..., None], X, np.nan)
    mean = layers.GlobalAveragePooling1D()
    assert_close(
        mean(spoiled, mask=MASK), np.stack([x[m].mean(axis=0) for x, m in zip(X, MASK, strict=True)]), 1e-6, "y"
    )
    layer = layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    layer(spoiled, training=True, mask=MASK)
    assert_close(layer.moving_mean.numpy(), X[MASK].mean(axis=0), 1e-6, "mean")
    assert_close(layer.moving_variance.numpy(), X[MASK].var(axis=0), 1e-6, "variance")


def test_moving_averages():
    layer = layers.BatchNormalization(momentum=0.75)
    mean, variance = np.zeros(4), np.ones(4)
    for scale in (1.0, 3.0):
        layer(scale * X, training=True)
        mean = 0.75 * mean + 0.25 * (scale * X).mean(axis=(0, 1))
        variance = 0.75 * variance + 0.25 * (scale * X).var(axis=(0, 1))
    assert_close(layer.moving_mean.numpy(), mean, 1e-6, "mean")
    assert_close(layer.moving_variance.numpy(), variance, 1e-6, "variance")
    expected = (X - mean) / np.sqrt(variance + 1e-3)
    assert_close(layer(X), expected, 1e-6, "inference")
    layer(np.full_like(X, np.inf), training=True)
    layer.trainable = False
    assert_close(layer(100 * X, training=True), (100 * X - mean) / np.sqrt(variance + 1e-3), 1e-6, "frozen")
    assert_close(layer.moving_mean.numpy(), mean, 1e-6, "mean after infinite and frozen batches")
    assert [w.name for w in layer.non_trainable_weights] == ["gamma", "beta", "moving_mean", "moving_variance"]


def test_batch_normalization_trains_in_a_model():
    rnnfast.utils.set_random_seed(1)
    model = rnnfast.Sequential([layers.Input((6, 4)), layers.BatchNormalization(), layers.GRU(5), layers.Dense(1)])
    model.compile(rnnfast.optimizers.Adam(0.01), "mse")
    x = 50 * X + 200
    before = model.predict(x, verbose=0)
    losses = model.fit(x, X[:, :1, 0], epochs=60, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]
    assert (model.predict(x, verbose=0) != before).all()
    np.testing.assert_allclose(model.predict(x, verbose=0), model(x), atol=1e-5)


@pytest.mark.parametrize("invert", [False, True])
def test_normalization(invert):
    layer = layers.Normalization(invert=invert)
    data = 5 * RNG.normal(size=(100, 6, 4)) + 3
    layer.adapt(data)
    whole = layer.get_weights()
    layer.adapt(data[i : i + 7] for i in range(0, 100, 7))
    for a, b in zip(layer.get_weights(), whole, strict=True):
        assert_close(a, b, 1e-6, "statistics by batches")
    mean, deviation = data.mean(axis=(0, 1)), data.std(axis=(0, 1))
    assert_close(layer(X), X * deviation + mean if invert else (X - mean) / deviation, 1e-5, "output")
    assert layer.trainable_weights == [] and [w.name for w in layer.weights] == ["mean", "variance", "count"]


def test_a_masked_query_is_zero_and_a_masked_value_has_no_weight():
    query, value = X[:, :3], X.copy()
    query_mask = np.array([[1, 0, 1]] * 3, bool)
    value[~MASK] = 1e3
    y, scores = layers.Attention()([query, value], mask=[query_mask, MASK], return_attention_scores=True)
    assert not y[:, 1].any() and not scores.transpose(0, 2, 1)[~MASK].any()
    alone = layers.Attention()([query[:1], value[:1, MASK[0]]])
    assert_close(y[0, [0, 2]], alone[0, [0, 2]], 1e-5, "as if the masked values were not there")
    assert layers.Attention().compute_mask([query, value], [query_mask, MASK]) is query_mask
    causal = layers.AdditiveAttention()([X, X], use_causal_mask=True, return_attention_scores=True)[1]
    assert not np.triu(causal, 1).any() and (np.tril(causal) > 0).sum() == 3 * 21


def test_causal_attention_past_masked_values():
    """Query i sees the real ones of the values up to i."""
    scores = layers.Attention()([X, X], mask=[None, MASK], use_causal_mask=True, return_attention_scores=True)[1]
    seen = MASK[:, None] & np.tri(X.shape[1], dtype=bool)
    some = seen.any(axis=-1)
    np.testing.assert_array_equal((scores > 0)[some], seen[some])


def test_equals_share_the_gradient_of_a_maximum():
    x = X.copy()
    x[:, 1] = x[:, 4] = X.max(axis=1) + 1
    _, cache = layers.GlobalMaxPooling1D().forward(x, training=True)
    dy = RNG.normal(size=(len(x), x.shape[2])).astype(np.float32)
    dx = layers.GlobalMaxPooling1D().backward(dy, cache)
    np.testing.assert_array_equal(dx[:, [1, 4]], np.stack([dy / 2, dy / 2], axis=1))
    assert not dx[:, [0, 2, 3, 5]].any()


def test_attention_dropout():
    layer = layers.Attention(dropout=0.5, seed=3)
    x = [X, X]
    _, plain = layer(x, return_attention_scores=True)
    _, dropped = layer(x, training=True, return_attention_scores=True)
    kept = dropped != 0
    np.testing.assert_allclose(dropped[kept], 2 * plain[kept], rtol=1e-6)
    assert 0.2 < kept.mean() < 0.8


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: layers.LayerNormalization("last"), TypeError, "axis must be an integer or a list of integers"),
        (lambda: layers.LayerNormalization([1, 1]), ValueError, "different axes"),
        (lambda: layers.LayerNormalization(3)(X), ValueError, r"axis=\[3\] does not fit an input of 3 axes"),
        (lambda: layers.LayerNormalization([-1, 2])(X), ValueError, "does not fit"),
        (lambda: layers.LayerNormalization(1).build((None, None, 4)), ValueError, "size of axis 1 must be known"),
        (lambda: built(layers.LayerNormalization())(X[..., :3]), ValueError, r"expected input of shape \(None, 6, 4\)"),
        (lambda: layers.BatchNormalization([1, 2]), TypeError, "axis must be an integer, got"),
        (lambda: layers.BatchNormalization(renorm=True), ValueError, "renorm=True is not supported"),
        (lambda: layers.BatchNormalization()(X, mask=MASK[:, :3]), ValueError, r"mask must have shape \(3, 6\)"),
        (lambda: layers.Conv1D(0, 2), ValueError, "filters must be a positive integer"),
        (lambda: layers.Conv1D(2, (2, 2)), ValueError, "kernel_size must be a positive integer"),
        (lambda: layers.Conv1D(2, 2, padding="full"), ValueError, "padding must be one of 'valid', 'same', 'causal'"),
        (lambda: layers.Conv1D(2, 2, strides=2, dilation_rate=2), ValueError, "strides=2 and dilation_rate=2"),
        (lambda: layers.Conv1D(3, 2, groups=2), ValueError, "filters=3 must be a multiple of groups=2"),
        (lambda: layers.Conv1D(3, 2, groups=3)(X), ValueError, "multiple of groups=3"),
        (lambda: layers.Conv1D(3, 4, dilation_rate=2)(X), ValueError, r"spans 7 steps, got input of shape \(3, 6, 4\)"),
        (lambda: built(layers.Conv1D(3, 2))(X[..., :3]), ValueError, "expected 4 features"),
        (lambda: layers.Conv1D(3, 2, data_format="channels_first"), ValueError, "data_format must be None or"),
        (lambda: layers.MaxPooling1D(padding="causal"), ValueError, "padding must be one of 'valid', 'same', got"),
        (lambda: layers.MaxPooling1D(7)(X), ValueError, "a window spans 7 steps"),
        (lambda: layers.AveragePooling1D(0), ValueError, "pool_size must be a positive integer"),
        (lambda: layers.GlobalAveragePooling1D()(X[0]), ValueError, "rank 3"),
        (lambda: layers.GlobalAveragePooling1D()(X, mask=MASK[:2]), ValueError, "mask must have shape"),
        (lambda: layers.GaussianNoise(2.0), ValueError, "stddev must be a number between 0 and 1, got 2.0"),
        (lambda: layers.GaussianDropout(1.0), ValueError, "rate must be less than 1"),
        (lambda: layers.SpatialDropout1D(0.1)(X[0]), ValueError, "rank 3"),
        (lambda: layers.Reshape((0, 3)), ValueError, "target_shape must be a shape"),
        (lambda: layers.Reshape((-1, -1)), ValueError, "at most one -1"),
        (lambda: layers.Reshape((5, -1))(X), ValueError, r"\(5, -1\) does not fit input of shape \(3, 6, 4\)"),
        (lambda: layers.Permute((0, 1)), ValueError, "each of 1, 2, ... once"),
        (lambda: layers.Permute((2, 1))(X[0]), ValueError, "expects rank 3"),
        (lambda: layers.ZeroPadding1D((1, 2, 3)), ValueError, "padding must be an integer or a pair"),
        (lambda: layers.ZeroPadding1D(-1), ValueError, "padding must be a non-negative integer"),
        (lambda: layers.Cropping1D((3, 3))(X), ValueError, "no time step would be left"),
        (lambda: layers.UpSampling1D(0), ValueError, "size must be a positive integer"),
        (lambda: layers.Rescaling("a"), TypeError, "scale must be numeric"),
        (lambda: layers.Rescaling([1.0, 2.0])(X), ValueError, r"scale of shape \(2,\) cannot be broadcast"),
        (lambda: layers.Normalization(mean=1.0), ValueError, "mean and variance must both be given"),
        (lambda: layers.Normalization(mean=1.0, variance=[1.0]), ValueError, r"one shape, got \(\) and \(1,\)"),
        (lambda: layers.Normalization(mean=[1, 2], variance=[1, 2])(X), ValueError, r"\(2,\) do not fit .*\(3, 6, 4\)"),
        (lambda: layers.Normalization(0)(X), ValueError, "names the batch"),
        (lambda: layers.Normalization().adapt([]), ValueError, "data holds no values"),
        (lambda: layers.Normalization().adapt(3), TypeError, "array or an iterable of arrays, got int"),
        (lambda: layers.Normalization().adapt([X, X[..., :2]]), ValueError, "expected input of shape"),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(X), ValueError, "were given to the layer"),
        (lambda: layers.Normalization().mean, ValueError, "not built"),
        (lambda: layers.ReLU(-1.0), ValueError, "max_value must not be negative"),
        (lambda: layers.LeakyReLU(-1.0), ValueError, "negative_slope must not be negative"),
        (lambda: layers.PReLU(shared_axes=[3])(X), ValueError, r"shared_axes=\[3\] do not fit"),
        (lambda: layers.PReLU().build((None, None, 4)), ValueError, "must stand in shared_axes"),
        (lambda: built(layers.PReLU())(X[:, :5]), ValueError, "expected input of shape"),
        (lambda: layers.Softmax()(X, mask=MASK), ValueError, r"mask of shape \(3, 6\) cannot be broadcast"),
        (lambda: layers.Attention(score_mode="sum"), ValueError, "score_mode must be 'dot' or 'concat'"),
        (lambda: layers.Attention()(X), ValueError, "expected arrays .query, value. or .*, got ndarray"),
        (lambda: layers.Attention()([X]), ValueError, "got 1"),
        (lambda: layers.Attention()([X, X[..., :3]]), ValueError, "expected .query .*got shapes"),
        (lambda: layers.Attention()([X, X], mask=MASK), ValueError, "mask must be a list"),
        (lambda: layers.Lambda(lambda x: x), ValueError, "Lambda is not supported.*Python code"),
        (lambda: layers.TextVectorization(max_tokens=5), ValueError, "TextVectorization is not supported.*Embedding"),
        (lambda: layers.deserialize({"class_name": "Lambda", "config": {}}), ValueError, "Lambda is not supported"),
    ],
)  # fmt: skip
def test_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def built(layer):
    layer.build((None, 6, 4))
    return layer


@pytest.mark.parametrize(
    ("time", "size", "strides", "expected"),
    [(7, 4, 3, [2, 4.5, 6.5]), (5, 4, 1, [2, 2.5, 3.5, 4, 4.5]), (6, 4, 3, [2.5, 5]), (5, 2, 2, [1.5, 3.5, 5])],
)
def test_averages_with_more_padding_behind(time, size, strides, expected):
    """Padding does not count: the values of Keras on TensorFlow and JAX. On torch it repeats the last step instead."""
    x = np.arange(1.0, time + 1).reshape(1, time, 1)
    np.testing.assert_allclose(layers.AveragePooling1D(size, strides, "same")(x)[0, :, 0], expected, rtol=1e-6)
