"""fit and evaluate: learning, histories, callbacks, weights of samples, what stops them."""

import numpy as np
import pytest
from numeric import assert_close, assert_same_bits, assert_variable_gradients
from sign_of_a_sum import SIGN, X, classifier, compiled

import rnnfast
from rnnfast import layers, optimizers
from rnnfast.callbacks import Callback

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(1, 8, (20, 5))
TOKENS[3:9, 2:] = 0
NEXT = (TOKENS + 1) % 8


@pytest.mark.parametrize("cell", [layers.SimpleRNN, layers.LSTM, layers.GRU])
@pytest.mark.parametrize("optimizer", [lambda: optimizers.Adam(0.02), lambda: optimizers.RMSprop(0.02),
                                       lambda: optimizers.SGD(0.2, momentum=0.9, nesterov=True)])  # fmt: skip
def test_learns_the_sign_of_a_sum(cell, optimizer):
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential([cell(12), layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(X, SIGN, epochs=25, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    assert model.evaluate(X, SIGN, verbose=0, return_dict=True)["accuracy"] >= 0.98


@pytest.mark.parametrize("cell", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_weights_do_not_depend_on_threads(cell):
    x = np.random.default_rng(3).normal(size=(150, 12, 20)).astype("float32")
    trained = []
    try:
        for threads in (1, 2):
            rnnfast.set_num_threads(threads)
            rnnfast.utils.set_random_seed(0)
            both_ways = layers.Bidirectional(cell(48, return_sequences=True))
            model = rnnfast.Sequential([both_ways, cell(40), layers.Dense(1)])
            model.compile(optimizers.Adam(0.01), "mse")
            model.fit(x, x[:, -1, :1], epochs=2, batch_size=64, verbose=0)
            trained.append(model.get_weights())
    finally:
        rnnfast.set_num_threads(None)
    for one, two in zip(*trained, strict=True):
        assert_same_bits(two, one, "weight")


def test_learns_sequences_under_a_mask():
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential(
        [
            layers.Embedding(8, 6, mask_zero=True),
            layers.Bidirectional(layers.GRU(8, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(8, activation="softmax")),
        ]
    )
    model.compile(optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(TOKENS, NEXT, epochs=20, batch_size=10, verbose=0)
    loss, accuracy = model.evaluate(TOKENS, NEXT, verbose=0)
    assert loss < 0.2 and accuracy == 1.0
    y_pred, real = model.predict(TOKENS), TOKENS != 0
    chosen = np.take_along_axis(y_pred, NEXT[..., None], -1)[..., 0]
    assert loss == pytest.approx(-np.log(chosen[real]).mean(), rel=1e-5, abs=1e-6)  # masked steps do not count


def every_layer():
    f64 = {"dtype": "float64"}
    return rnnfast.Sequential(
        [
            layers.Embedding(8, 3, mask_zero=True, **f64),
            layers.Bidirectional(layers.LSTM(2, return_sequences=True, **f64), **f64),
            layers.GRU(3, return_sequences=True, **f64),
            layers.TimeDistributed(layers.Dense(3, activation="tanh", **f64), **f64),
            layers.SimpleRNN(3, return_sequences=True, **f64),
            layers.Dense(8, activation="softmax", **f64),
        ]
    )


@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "mse"])
def test_gradients_of_a_whole_model(loss):
    model = every_layer()
    target = NEXT[:4] if loss.startswith("sparse") else np.eye(8)[NEXT[:4]]
    weight = np.array([1.0, 2.0, 0.5, 1.0])
    model.compile(optimizers.SGD(1.0), loss)
    model.build((None, 5))
    before = [RNG.normal(0.0, 0.7, v.shape) for v in model.weights]
    model.set_weights(before)
    given = TOKENS[:4], target, weight
    model.train_on_batch(*given)
    steps = [old - v.numpy() for old, v in zip(before, model.weights, strict=True)]
    model.set_weights(before)
    assert_variable_gradients(lambda: model.test_on_batch(*given), model.weights, steps, loss)


def test_history_and_validation():
    model = compiled(metrics=["accuracy"])
    history = model.fit(X, SIGN, epochs=3, verbose=0, validation_split=0.25, batch_size=10)
    assert history is model.history and history.epoch == [0, 1, 2]
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 3 for values in history.history.values())
    assert history.params["steps"] == 5 and history.params["epochs"] == 3
    last = model.evaluate(X[48:], SIGN[48:], batch_size=10, verbose=0)
    assert last == pytest.approx([history.history["val_loss"][-1], history.history["val_accuracy"][-1]])
    more = model.fit(X, SIGN, epochs=5, initial_epoch=3, verbose=0, validation_data=(X[:8], SIGN[:8]),
                     validation_freq=2)  # fmt: skip
    assert more.epoch == [3, 4] and len(more.history["val_loss"]) == 1


def test_same_seed_same_weights():
    runs = []
    for _ in range(2):
        model = compiled()
        model.add(layers.Dropout(0.0))
        model.fit(X, SIGN, epochs=2, verbose=0)
        runs.append(model.get_weights())
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_shuffle_only_when_asked():
    class Rows(layers.Layer):
        def forward(self, x, *, mask=None, training=False):
            if training:
                seen.extend(x[:, 0, 0])
            return x, None

        def backward(self, dy, cache, *, need_dx=True):
            return dy

    for shuffle in (False, True):
        seen = []
        model = rnnfast.Sequential([Rows(), layers.GRU(2), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, SIGN, verbose=0, shuffle=shuffle)
        assert (seen == list(X[:, 0, 0])) is not shuffle and sorted(seen) == sorted(X[:, 0, 0])


def test_batch_methods():
    model = compiled(optimizers.SGD(0.1), metrics=["accuracy"])
    before = model.test_on_batch(X, SIGN)
    trained = model.train_on_batch(X, SIGN)
    assert trained == pytest.approx(before, rel=1e-5)  # measured before the update
    assert model.test_on_batch(X, SIGN, return_dict=True)["loss"] < trained[0]
    plain = compiled()
    assert isinstance(plain.train_on_batch(X, SIGN), float) and isinstance(plain.evaluate(X, SIGN, verbose=0), float)


def test_weights_of_samples_and_classes():
    by_class, by_sample = compiled("sgd"), compiled("sgd")
    by_class.fit(X, SIGN, class_weight={0: 1.0, 1: 3.0}, epochs=2, shuffle=False, verbose=0)
    by_sample.fit(X, SIGN, sample_weight=np.where(SIGN, 3.0, 1.0), epochs=2, shuffle=False, verbose=0)
    for a, b in zip(by_class.get_weights(), by_sample.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    one_hot = compiled("sgd", "categorical_crossentropy")
    one_hot.fit(X, np.eye(2)[SIGN], class_weight={1: 3.0}, epochs=2, shuffle=False, verbose=0)
    assert_close(one_hot.get_weights()[0], by_class.get_weights()[0], 1e-6, "one-hot labels")
    ignored = compiled("sgd", weighted_metrics=["accuracy"])
    right = ignored.predict(X).argmax(1) == SIGN
    assert ignored.evaluate(X, SIGN, sample_weight=right, verbose=0)[1] == 1.0


def test_classes_do_not_weigh_in_the_validation_split():
    model, weights, at = compiled("sgd"), {0: 0.25, 1: 3.0}, len(X) // 2
    history = model.fit(X, SIGN, class_weight=weights, validation_split=0.5, verbose=0).history
    assert history["val_loss"] == [model.evaluate(X[at:], SIGN[at:], verbose=0)]
    by_sample = np.where(SIGN, 3.0, 0.25)
    history = compiled("sgd").fit(X, SIGN, sample_weight=by_sample, validation_split=0.5, verbose=0).history
    assert history["val_loss"] == [model.evaluate(X[at:], SIGN[at:], sample_weight=by_sample[at:], verbose=0)]


def test_frozen_layers_stay():
    model = classifier()
    model.layers[0].trainable = False
    model.compile(optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, SIGN, verbose=0)
    after = model.get_weights()
    for i in range(3):
        np.testing.assert_array_equal(before[i], after[i])
    assert np.abs(before[3] - after[3]).max() > 0
    model.layers[0].trainable = True
    with pytest.raises(ValueError, match="compile the model again"):
        model.fit(X, SIGN, verbose=0)


def test_stateful_training():
    model = rnnfast.Sequential([layers.GRU(4, stateful=True), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, SIGN, batch_size=16, shuffle=False, epochs=2, verbose=0)
    with pytest.raises(ValueError, match="16 rows, got 32"):
        model.fit(X, SIGN, batch_size=32, verbose=0)
    model.reset_states()
    model.fit(X, SIGN, batch_size=32, verbose=0)


def test_callbacks_are_called_in_order():
    class Recorder(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_") and "batch" not in name:
                calls.append(name)
            return super().__getattribute__(name)

        def on_batch_end(self, batch, logs=None):
            calls.append(batch)
            assert logs["loss"] > 0 and self.model is model and self.params["steps"] == 2

    calls, model = [], compiled()
    model.fit(X, SIGN, epochs=2, batch_size=32, validation_split=0.25, callbacks=[Recorder()], verbose=0)
    epoch = ["on_epoch_begin", 0, 1, "on_test_begin", "on_test_end", "on_epoch_end"]
    assert calls == ["on_train_begin", *epoch, *epoch, "on_train_end"]
    calls.clear()
    model.predict(X, callbacks=Recorder())
    assert calls == ["on_predict_begin", "on_predict_end"]


def test_stop_training():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert compiled().fit(X, SIGN, epochs=9, callbacks=[Stop()], verbose=0).epoch == [0, 1]


def test_verbose(capsys):
    model = compiled(metrics=["accuracy"])
    model.fit(X, SIGN, epochs=2, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(X, SIGN, epochs=2, verbose=2, validation_split=0.5)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/2" and lines[2] == "Epoch 2/2" and len(lines) == 4
    assert lines[1].startswith("1/1 - 0s - ") and "/step - loss: 0." in lines[1] and " - val_accuracy: " in lines[1]
    model.fit(X, SIGN)
    out = capsys.readouterr().out
    assert "Epoch 1/1" in out and "2/2 ━━━━" in out and "accuracy: " in out
    model.evaluate(X, SIGN)
    assert "2/2 ━━━━" in capsys.readouterr().out
    assert model.predict(X).shape == (64, 2) and capsys.readouterr().out == ""


@pytest.mark.parametrize("where", ["x", "y", "weight"])
def test_nan_in_the_data_stops_fit_and_keeps_the_weights(where):
    rnnfast.utils.set_random_seed(0)
    model = rnnfast.Sequential([layers.LSTM(4), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y, weight = X.copy(), SIGN.astype("float32"), np.ones(64)
    {"x": x, "y": y, "weight": weight}[where][40] = np.nan
    model.fit(X, SIGN, verbose=0)
    twin = rnnfast.Sequential.from_config(model.get_config())
    twin.compile("sgd", "mse")
    twin.set_weights(model.get_weights())
    twin.fit(X[:32], SIGN[:32].astype("float32"), batch_size=16, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match=f"epoch 1, batch 3: the loss is nan: .*{where}"):
        model.fit(x, y, sample_weight=weight, batch_size=16, shuffle=False, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # the two good batches count


def test_a_learning_rate_that_explodes_leaves_finite_weights():
    model = rnnfast.Sequential([layers.SimpleRNN(4, activation="relu"), layers.Dense(1)])
    model.compile(optimizers.SGD(1e18), "mse")
    with pytest.raises(ValueError, match=r"fit: epoch \d+, batch \d+: .*(finite|undone)"):
        model.fit(X, 10.0 + SIGN, epochs=20, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert np.isfinite(model.predict(X)).all()


def test_tokens_out_of_range_are_found_before_the_first_batch():
    model = rnnfast.Sequential([layers.Embedding(8, 3), layers.GRU(3), layers.Dense(1)])
    model.compile("sgd", "mse")
    tokens = TOKENS.copy()
    tokens[-1, -1] = 8
    model.build((None, 5))
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"token 8 at \(19, 4\)"):
        model.fit(tokens, np.zeros(20), batch_size=4, verbose=0)
    np.testing.assert_array_equal(before[0], model.get_weights()[0])
