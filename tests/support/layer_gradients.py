"""A layer's backward pass against finite differences of its forward pass, in float64."""

import numpy as np
from numeric import assert_close, assert_variable_gradients, finite_difference, parts, projected

from rnnfast import _structure


def check(layer, x, forward=None, **options):
    """The shape of the output; dx and the grad of every variable, for a random gradient of it. Gives the cache.

    x: an array, or a list for a layer of several inputs. options: of the call. forward(x) -> (output, cache): the pass
    that is derived, where it is not a function that training and inference have in common.
    """
    rng = np.random.default_rng(1)
    prepared = layer.prepare(x)
    x = [np.array(part) for part in prepared] if isinstance(prepared, list) else np.array(prepared)
    for variable in layer.weights:
        variable.assign(rng.normal(0.0, 0.5, variable.shape))
    y, cache = forward(x) if forward else layer.forward(x, training=True, **options)
    shapes = layer.call_output_shape(_structure.map_leaves(np.shape, x), options)
    assert [part.shape for part in parts(y)] == _structure.flatten(shapes)
    dy = [rng.normal(size=part.shape) for part in parts(y)]

    def value():
        return projected(dy, (forward(x) if forward else layer.forward(x, **options))[0])

    dx = layer.backward(dy if isinstance(y, list) else dy[0], cache)
    if dx is not None:
        for i, (gradient, part) in enumerate(zip(parts(dx), parts(x), strict=True)):
            assert_close(gradient, finite_difference(value, part), 1e-6, f"{layer}: dx {i}")
    assert_variable_gradients(value, layer.trainable_weights, what=f"{layer}:")
    return cache
