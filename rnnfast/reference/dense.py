"""A dense layer and two losses: what it takes beside a recurrent layer to train a model by hand."""

from typing import Any

import numpy as np

from rnnfast.reference.activations import Array, activate, activate_backward, log_softmax


def dense_forward(
    x: Array, kernel: Array, bias: Array | None = None, activation: Any = "linear"
) -> tuple[Array, tuple[Any, ...]]:
    """``y = act(x W + b)`` over the last axis of ``x``: x (..., input), kernel (input, units), bias (units) or None.

    Returns ``(y, cache)``, y (..., units).

    >>> import numpy as np
    >>> y, cache = dense_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    >>> y
    array([[11.5]])
    """
    z = x @ kernel if bias is None else x @ kernel + bias
    y = activate(activation, z)
    return y, (x, kernel, bias is not None, activation, z, y)


def dense_backward(cache: tuple[Any, ...], dy: Array) -> tuple[Array, Array, Array | None]:
    """``(dx, dkernel, dbias)`` from the gradient ``dy`` of the output; dbias is None without a bias.

    >>> import numpy as np
    >>> y, cache = dense_forward(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.array([0.5]))
    >>> dense_backward(cache, np.array([[2.0]]))
    (array([[6., 8.]]), array([[2.],
           [4.]]), array([2.]))
    """
    x, kernel, use_bias, activation, z, y = cache
    dz = activate_backward(activation, z, y, dy)
    flat_x, flat_dz = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
    return dz @ kernel.T, flat_x.T @ flat_dz, flat_dz.sum(axis=0) if use_bias else None


def mean_squared_error(y: Array, target: Array) -> tuple[float, Array]:
    """Mean over all elements of ``(y - target)^2``, and its gradient by ``y``.

    >>> import numpy as np
    >>> mean_squared_error(np.array([1.0, 4.0]), np.array([1.0, 2.0]))
    (2.0, array([0., 2.]))
    """
    difference = y - target
    return float(np.mean(difference * difference)), (2.0 / difference.size) * difference


def softmax_crossentropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Mean over the batch of ``-log softmax(logits)[label]``, and its gradient by ``logits``.

    logits (batch, classes); labels (batch) of integers below ``classes``.

    >>> import numpy as np
    >>> loss, gradient = softmax_crossentropy(np.zeros((1, 2)), np.array([1]))
    >>> round(loss, 4), gradient
    (0.6931, array([[ 0.5, -0.5]]))
    """
    log_p = log_softmax(logits)
    rows = np.arange(len(labels))
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1.0
    return float(-np.mean(log_p[rows, labels])), gradient / len(labels)
