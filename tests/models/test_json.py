"""Models as JSON."""

import numpy as np
import pytest

import rnnfast
from rnnfast import layers
from rnnfast.models import model_from_json

X = np.random.default_rng(3).normal(size=(4, 5, 3)).astype(np.float32)


class Doubled(layers.Layer):
    def call(self, x):
        return x * 2


def functional():
    x = layers.Input((5, 3))
    masked = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(layers.Masking()(x))
    return rnnfast.Model(x, layers.RNN([layers.GRUCell(2), layers.LSTMCell(3)])(Doubled()(masked)))


@pytest.mark.parametrize("make", [functional, lambda: rnnfast.Sequential([layers.Input((5, 3)), Doubled()])])
def test_round_trip(make):
    model = make()
    copy = model_from_json(model.to_json(indent=1), {"Doubled": Doubled})
    assert copy.get_config() == model.get_config()
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(ValueError, match=r"model_from_json: .*Doubled is custom"):
        model_from_json(model.to_json())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"class_name": "LSTM", "config": {}}', '{"class_name": "Sequential"}']
)
def test_what_is_no_model(text):
    with pytest.raises(ValueError, match="model_from_json"):
        model_from_json(text)


def test_a_model_with_a_call():
    class Called(rnnfast.Model):
        def __init__(self, units):
            super().__init__()
            self.rnn = layers.GRU(units)

        def call(self, x):
            return self.rnn(x)

    model = Called(3)
    model.predict(np.ones((2, 4, 2)), verbose=0)
    copy = rnnfast.models.model_from_json(model.to_json(), {"Called": Called})
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(
        copy.predict(np.ones((2, 4, 2)), verbose=0), model.predict(np.ones((2, 4, 2)), verbose=0)
    )
