"""A layer's backward pass against finite differences of its forward pass, in float64."""

import numpy as np
from numeric import assert_close, finite_difference


def parts(y):
    return y if isinstance(y, list) else [y]


def check(layer, x, tolerance=1e-6, **options):
    """dx, and the grad of every variable, for a random gradient of every part of the output."""
    rng = np.random.default_rng(1)
    x = np.array(layer.prepare(x))
    for variable in layer.weights:
        variable.assign(rng.normal(0.0, 0.5, variable.shape))
    y, cache = layer.forward(x, training=True, **options)
    dy = [rng.normal(size=part.shape) for part in parts(y)]

    def projection():
        return sum(float((d * part).sum()) for d, part in zip(dy, parts(layer.forward(x, **options)[0]), strict=True))

    dx = layer.backward(dy if isinstance(y, list) else dy[0], cache)
    if dx is not None:
        assert_close(dx, finite_difference(projection, x), tolerance, f"{layer}: dx")
    for variable in layer.weights:
        value = variable.numpy().copy()

        def at(variable=variable, value=value):
            variable.assign(value)
            return projection()

        expected = finite_difference(at, value)
        variable.assign(value)
        assert_close(variable.grad, expected, tolerance, f"{layer}: {variable.path}")
        assert variable.grad.dtype == np.float64
    return cache
