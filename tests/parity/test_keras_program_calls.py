"""What programs call around training, step by step beside Keras."""

import numpy as np
import pytest

import rnnfast

RNG = np.random.default_rng(12)
X, Y = RNG.normal(size=(20, 5, 3)).astype("float32"), RNG.normal(size=(20, 1)).astype("float32")


def regressor(n, **options):
    layers = n.layers
    shape = {"batch_shape": (5, 5, 3)} if options else {"shape": (5, 3)}
    return n.Sequential([layers.Input(**shape), layers.LSTM(4, name="rnn", **options), layers.Dense(1, name="out")])


@pytest.fixture
def both(keras, randomize):
    """run(program, **options): what the program gives for the model of each package, of the same weights."""

    def run(program, **options):
        peer, fast = regressor(keras, **options), regressor(rnnfast, **options)
        fast.set_weights(randomize(peer))
        expected, actual = program(keras, peer), program(rnnfast, fast)
        assert len(actual) == len(expected) > 0
        for one, other in zip(actual, expected, strict=True):
            if isinstance(other, dict):
                assert sorted(one) == sorted(other)
                one, other = ([logs[name] for name in sorted(logs)] for logs in (one, other))
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)

    return run


def test_several_fits_and_compiles(both):
    def program(n, model):
        model.compile("adam", "mse", metrics=["mae"])
        found = [model.fit(X, Y, epochs=2, shuffle=False, verbose=0).history]
        found.append(model.fit(X, Y, epochs=4, initial_epoch=2, shuffle=False, verbose=0).history)
        model.compile(n.optimizers.SGD(0.1, momentum=0.9), "mae", metrics=["mse"])
        found.append(model.fit(X, Y, shuffle=False, verbose=0).history)
        return [*found, *model.get_weights(), int(model.optimizer.iterations)]

    both(program)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "nadam"])
def test_a_layer_is_frozen_between_two_fits(both, optimizer):
    def program(n, model):
        model.compile(optimizer, "mse")
        model.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
        found = []
        for trainable in (False, True):
            model.get_layer("rnn").trainable = trainable
            model.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
            found += model.get_weights()
        return found

    both(program)


def test_batches_and_their_metrics(both):
    def program(n, model):
        model.compile("sgd", "mse", metrics=["mae"])
        found = [model.train_on_batch(X[i : i + 4], Y[i : i + 4], return_dict=True) for i in (0, 4, 8)]
        model.reset_metrics()
        found += [model.train_on_batch(X, Y), model.test_on_batch(X, Y, return_dict=True), model.get_metrics_result()]
        found += [model.evaluate(X, Y, verbose=0), model.get_metrics_result()]
        model.fit(X, Y, shuffle=False, verbose=0)
        return [*found, model.get_metrics_result()]

    both(program)


def test_a_learning_rate_is_assigned(both):
    def program(n, model):
        model.compile("sgd", "mse")
        model.optimizer.learning_rate.assign(0.25)
        model.fit(X, Y, shuffle=False, verbose=0)
        return [*model.get_weights(), float(model.optimizer.learning_rate.numpy())]

    both(program)


def test_training_goes_on_from_a_file(both, tmp_path):
    def program(n, model):
        path = tmp_path / f"{n.__name__}.keras"
        model.compile(n.optimizers.Adam(0.01), "mse", metrics=["mae"])
        model.fit(X, Y, epochs=2, shuffle=False, verbose=0)
        model.save(path)
        loaded = n.models.load_model(path)
        return [one.fit(X, Y, epochs=2, shuffle=False, verbose=0).history for one in (model, loaded)]

    both(program)


@pytest.mark.parametrize("options", [{"stateful": True}, {"stateful": True, "return_sequences": True}], ids=len)
def test_a_stateful_model_predicts_and_evaluates_in_turn(both, options):
    def program(n, model):
        model.compile("sgd", "mse")
        y = np.repeat(Y[:, None], 5, axis=1) if "return_sequences" in options else Y
        found = [model.predict(X, batch_size=5, verbose=0)]
        found += [model.predict(X, batch_size=5, verbose=0), model.predict_on_batch(X[5:10])]
        found.append(model.evaluate(X, y, batch_size=5, verbose=0))
        model.get_layer("rnn").reset_state()
        return [*found, model.predict(X, batch_size=5, verbose=0)]

    both(program, **options)
