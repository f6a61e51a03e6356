"""Losses of a user's own, as the tests write them: what they give, and its derivative by hand."""

import numpy as np

from rnnfast import losses


def per_sample(y_true, y_pred):
    """Over the last axis, as Keras' own."""
    return np.mean((y_pred - y_true) ** 4, axis=-1)


per_sample.gradient = lambda y_true, y_pred: 4 * (y_pred - y_true) ** 3 / y_pred.shape[-1]


def kept_axis(y_true, y_pred):
    return per_sample(y_true, y_pred)[..., None]


kept_axis.gradient = per_sample.gradient


def per_element(y_true, y_pred):
    return np.log(np.cosh(y_pred - y_true))


per_element.gradient = lambda y_true, y_pred: np.tanh(y_pred - y_true)


def one_number(y_true, y_pred):
    return np.sqrt(np.mean(np.square(y_pred - y_true)))


one_number.gradient = lambda y_true, y_pred: (y_pred - y_true) / (y_pred.size * one_number(y_true, y_pred))


def over_time(y_true, y_pred):
    return np.abs((y_pred - y_true).sum(axis=(1, 2))) ** 1.5


def _over_time_gradient(y_true, y_pred):
    total = (y_pred - y_true).sum(axis=(1, 2), keepdims=True)
    return np.broadcast_to(1.5 * np.sign(total) * np.abs(total) ** 0.5, y_pred.shape)


over_time.gradient = _over_time_gradient


def no_gradient(y_true, y_pred):
    return np.mean(np.abs(y_pred - y_true), axis=-1)


class Pinball(losses.Loss):
    """A callable with an argument, as a subclass."""

    def __init__(self, quantile=0.3, name="pinball", **options):
        super().__init__(name=name, **options)
        self.quantile = quantile

    def call(self, y_true, y_pred):
        d = y_true - y_pred
        return np.mean(np.maximum(self.quantile * d, (self.quantile - 1) * d), axis=-1)

    def gradient(self, y_true, y_pred):
        return np.where(y_true > y_pred, -self.quantile, 1 - self.quantile) / y_pred.shape[-1]

    def get_config(self):
        return {**super().get_config(), "quantile": self.quantile}


class LabelsOfClasses(losses.Loss):
    """Labels of another shape than the predictions: (n, ...) class numbers."""

    def call(self, y_true, y_pred):
        return -np.take_along_axis(y_pred, y_true[..., None].astype(int), axis=-1)[..., 0]

    def gradient(self, y_true, y_pred):
        return -np.eye(y_pred.shape[-1])[y_true.astype(int)]


class CallAlone(losses.Loss):
    def call(self, y_true, y_pred):
        return np.mean((y_pred - y_true) ** 2, axis=-1)
