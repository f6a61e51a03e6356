"""Classes and functions as a user writes them: one of every kind that configurations and files name."""

import numpy as np
from own_cells import Residual

from rnnfast import layers, losses, metrics, optimizers, regularizers


class Scale(layers.Layer):
    """As Keras' guides write a layer, and with the backward pass that it needs here."""

    def __init__(self, offset=0.0, **options):
        super().__init__(**options)
        self.offset = offset

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer=stairs, name="scale")

    def call(self, x):
        return x * self.scale + self.offset

    def forward(self, x, *, mask=None, training=False):
        return self.call(x), x

    def backward(self, dy, cache, *, need_dx=True):
        self.scale.add_grad((dy * cache).sum(axis=(0, 1)))
        return dy * self.scale.value

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}


class Pair(layers.Layer):
    """Made of layers, and a weight of its own."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.second = layers.Dense(units)
        self.first = layers.LSTM(units, return_sequences=True)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], self.units))
        self.shift = self.add_weight(shape=self.units, initializer="normal")

    def call(self, x):
        return self.second(self.first(x)) + self.shift


class Cubed(losses.Loss):
    def call(self, y_true, y_pred):
        return np.mean(np.abs(y_pred - y_true) ** 3, axis=-1)

    def gradient(self, y_true, y_pred):
        return 3 * (y_pred - y_true) * np.abs(y_pred - y_true) / y_pred.shape[-1]


class Halving(optimizers.schedules.LearningRateSchedule):
    def __init__(self, start=0.1):
        self.start = start

    def __call__(self, step):
        return self.start / 2**step

    def get_config(self):
        return {"start": self.start}


class Quartic(regularizers.Regularizer):
    def __call__(self, x):
        return float((x**4).sum())

    def gradient(self, x):
        return 4 * x**3


class Steps:
    """A callable that is no Initializer, with arguments."""

    def __init__(self, step):
        self.step = step

    def __call__(self, shape, dtype=None):
        return np.arange(np.prod(shape)).reshape(shape).astype(dtype) * self.step

    def get_config(self):
        return {"step": self.step}


def stairs(shape, dtype=None):
    return np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape).astype(dtype)


def halved(w):
    return w / 2


def largest(y_true, y_pred):
    return np.abs(y_true - y_pred).max(axis=-1)


class Worst(metrics.Metric):
    def reset_state(self):
        self.error = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.error = max(self.error, float(np.abs(np.subtract(y_true, y_pred)).max()))

    def result(self):
        return self.error


OWN = {cls.__name__: cls for cls in (Scale, Pair, Cubed, Halving, Quartic, Steps, Residual, Worst)}
OWN |= {function.__name__: function for function in (stairs, halved, largest)}
