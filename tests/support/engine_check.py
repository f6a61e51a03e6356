"""Models on the engine against their layers."""

import numpy as np
from numeric import assert_close, assert_same_bits

import rnnfast


def randomized(model, rng):
    """The model with random weights, biases among them."""
    for weight in model.weights:
        value = 0.5 * rng.standard_normal(weight.shape)
        weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)
    return model


def check_engine(model, x, rng, dtype="float32", tolerance=0.0):
    """With random weights InferenceModel and predict give what the layers give, bit for bit where tolerance is 0, and
    each row has the same bits by itself."""
    randomized(model, rng)
    wanted = model.run(x, [None] * len(x), training=False)[0]
    engine = rnnfast.InferenceModel(model, dtype=dtype)
    given = x if len(x) > 1 else x[0]
    made = [engine(given), engine.predict(given, batch_size=1), model.predict(given, verbose=0)]
    got, *again = [[y] if len(wanted) == 1 else y for y in made]
    for i, (y, expected) in enumerate(zip(got, wanted, strict=True)):
        if tolerance:
            assert_close(y, expected, tolerance, f"output {i}")
        else:
            assert_same_bits(y, expected, f"output {i}")
        for one in again:
            assert_same_bits(one[i], y, f"output {i}, row by row or by predict")
    assert model.explain().off_engine is None
