"""What programs call around training: metrics, frozen layers, logs, learning rates, weights that fit in part."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from numeric import assert_close

import rnnfast
from rnnfast import callbacks, layers, optimizers

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 5, 3)).astype("float32")
Y = RNG.normal(size=(12, 1)).astype("float32")


def make(out=1, optimizer="adam", **options):
    rnn, head = layers.LSTM(4, name="rnn"), layers.Dense(out, name="out")
    model = rnnfast.Sequential([layers.Input((5, 3)), rnn, head])
    for variable in model.weights:
        variable.assign(RNG.normal(size=variable.shape, scale=0.5))
    model.compile(optimizer, "mse", **options)
    return model


def test_metrics_of_a_model():
    model = rnnfast.Sequential([layers.Input((5, 3)), layers.GRU(1)])
    assert model.metrics == [] and model.metrics_names == [] and model.get_metrics_result() == {}
    model = make(metrics=["mae"])
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert model.get_metrics_result() == {name: values[-1] for name, values in history.items()}
    values = model.evaluate(X, Y, verbose=0)
    assert dict(zip(model.metrics_names, values, strict=True)) == model.evaluate(X, Y, verbose=0, return_dict=True)
    assert model.get_metrics_result() == dict(zip(["loss", "mae"], values, strict=True))
    assert [metric.result() for metric in model.metrics] == values
    model.reset_metrics()
    assert model.get_metrics_result() != dict(zip(["loss", "mae"], values, strict=True))
    assert model.test_on_batch(X, Y) == pytest.approx(values, rel=1e-5)


def test_metrics_of_several_outputs():
    x = layers.Input((5, 3))
    h = layers.GRU(3)(x)
    model = rnnfast.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(1, name="b")(h)])
    model.compile("sgd", "mse", metrics={"b": ["mae"]})
    values = model.evaluate(X, [Y, Y], verbose=0)
    assert model.metrics_names == ["loss", "a_loss", "b_loss", "b_mae"]
    assert [metric.result() for metric in model.metrics] == values


@pytest.mark.parametrize(
    "optimizer",
    ["adam", "sgd", "lamb", "muon", lambda: optimizers.SGD(0.1, momentum=0.9, gradient_accumulation_steps=2)],
    ids=str,
)
def test_layers_that_are_frozen_between_two_fits(optimizer):
    model = make(optimizer=optimizer() if callable(optimizer) else optimizer)
    model.fit(X, Y, batch_size=4, verbose=0)
    model.get_layer("rnn").trainable = False
    before, state = model.get_weights(), model.optimizer.get_state()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    assert [bool((a != b).any()) for a, b in zip(before, model.get_weights(), strict=True)] == [False] * 3 + [True] * 2
    for name, slots in model.optimizer.get_state().items():
        if name not in ("iterations", "gradient_accumulator"):  # what is frozen keeps its slots
            for old, new in zip(state[name][:3], slots[:3], strict=True):
                assert old is new is None or (old == new).all()
    model.get_layer("rnn").trainable = True
    before = model.get_weights()
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_layers_that_were_frozen_at_the_first_update():
    model = make()
    model.get_layer("rnn").trainable = False
    model.fit(X, Y, verbose=0)
    model.get_layer("rnn").trainable = True
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"built for other variables.*compile the model again"):
        model.fit(X, Y, verbose=0)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_with_frozen_layers_is_saved_with_all_of_its_optimizer(tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py (pip install '.[keras]')")
    model = make()
    model.fit(X, Y, verbose=0)
    model.get_layer("rnn").trainable = False
    model.fit(X, Y, verbose=0)
    model.save_weights(tmp_path / "w.weights.h5")
    model.get_layer("rnn").trainable = True
    other = make()
    other.load_weights(tmp_path / "w.weights.h5")
    for one in (model, other):
        one.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_weights_that_fit_in_part(tmp_path):
    pytest.importorskip("h5py", reason="model files need h5py (pip install '.[keras]')")
    model, other = make(), make(out=2)
    model.fit(X, Y, verbose=0)
    before = other.get_weights()
    model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"'out' \(Dense\).*expected shape \(4, 2\)"):
        other.load_weights(tmp_path / "w.weights.h5")
    assert all((a == b).all() for a, b in zip(before, other.get_weights(), strict=True))
    with pytest.warns(UserWarning) as shown:
        other.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    told = [str(warning.message) for warning in shown]
    assert len(told) == 2 and "layer 'out' (Dense) is skipped" in told[0] and "optimizer is skipped" in told[1]
    assert shown[0].filename == __file__
    for after, old, wanted in zip(other.get_weights(), before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(after, wanted if old.shape == wanted.shape and old.ndim > 1 else after)
    for after, old in zip(other.get_weights()[3:], before[3:], strict=True):
        np.testing.assert_array_equal(after, old)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make().load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)


def test_hooks_always_get_logs():
    """A dictionary each, `{}` where there is nothing to say."""
    seen = {}

    def hook(name):
        return lambda self, *args: seen.setdefault(name, []).append(args[-1])

    hooks = [name for name in dir(callbacks.Callback) if name.startswith("on_")]
    follower = type("Follower", (callbacks.Callback,), {name: hook(name) for name in hooks})()
    model = make()
    model.fit(X, Y, batch_size=12, validation_data=(X, Y), verbose=0, callbacks=[follower])
    y = model.predict(X, batch_size=6, callbacks=[follower], verbose=0)
    older = {"on_batch_begin", "on_batch_end"}  # which those of Callback call, and the follower's do not
    assert seen.keys() == set(hooks) - older
    assert all(isinstance(logs, dict) for given in seen.values() for logs in given)
    for name in ("on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_test_begin", "on_predict_begin"):
        assert seen[name] == [{}]
    assert [sorted(logs) for logs in seen["on_epoch_end"]] == [["loss", "val_loss"]]
    assert [sorted(logs) for logs in seen["on_test_batch_end"]] == [["loss"]]
    np.testing.assert_array_equal(np.concatenate([logs["outputs"] for logs in seen["on_predict_batch_end"]]), y)


def test_a_learning_rate_can_be_assigned():
    model = make(optimizer="sgd")
    rate = model.optimizer.learning_rate
    rate.assign(rate * 4)
    assert (float(rate), model.optimizer.learning_rate) == (0.01, 0.04)
    assert model.optimizer.learning_rate.numpy() == 0.04 and repr(model.optimizer.learning_rate) == "0.04"
    assert type(model.optimizer.get_config()["learning_rate"]) is float
    for again in (copy.deepcopy(rate), pickle.loads(pickle.dumps(rate))):
        assert type(again) is float and again == 0.01
    with pytest.raises(ValueError, match="learning_rate must not be negative"):
        rate.assign(-1)
    scheduled = optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(TypeError, match="follows it"):
        scheduled.learning_rate.assign(0.1)


def test_export_says_what_to_do():
    with pytest.raises(ValueError, match=r"export: save the model to a .keras file"):
        make().export("somewhere", format="onnx")


def test_a_second_compile_starts_afresh():
    model = make(metrics=["mae"])
    model.fit(X, Y, verbose=0)
    weights = model.get_weights()
    model.compile("adam", "mae")
    assert model.optimizer.iterations == 0 and list(model.fit(X, Y, verbose=0, shuffle=False).history) == ["loss"]
    other = make()
    other.set_weights(weights)
    other.compile("adam", "mae")
    other.fit(X, Y, verbose=0, shuffle=False)
    assert_close(model.predict(X), other.predict(X), 1e-6, "the same steps")
