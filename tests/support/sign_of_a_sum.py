"""A small task for training: the sign of a sum over time, and an LSTM for it."""

import numpy as np

import rnnfast
from rnnfast import layers

X = np.random.default_rng(0).normal(size=(64, 6, 3)).astype("float32")
SIGN = (X[:, :, 0].sum(1) > 0).astype("int64")


def classifier(**options):
    rnnfast.utils.set_random_seed(1)
    return rnnfast.Sequential([layers.Input((6, 3)), layers.LSTM(8, **options), layers.Dense(2, activation="softmax")])


def compiled(optimizer="adam", loss="sparse_categorical_crossentropy", **options):
    model = classifier()
    model.compile(optimizer, loss, **options)
    return model
