"""Layers of the user's own that are made of layers, as Keras' programs write them."""

import numpy as np

from rnnfast import layers


class Encoder(layers.Layer):
    """Layers as attributes, in lists and dictionaries, one of them called twice; a penalty and dropout inside."""

    def __init__(self, units=3, rate=0.0, **options):
        super().__init__(**options)
        self.units, self.rate = units, rate
        self.lift = layers.Dense(units, "tanh", kernel_regularizer="l2", dtype=self.dtype)
        self.mix = layers.Dense(units, "sigmoid", dtype=self.dtype)
        self.layers = [
            layers.GRU(units, return_sequences=True, dtype=self.dtype),
            layers.Dropout(rate, seed=3, dtype=self.dtype),
        ]
        self.ends = {"norm": layers.LayerNormalization(dtype=self.dtype)}

    def call(self, x, training=False):
        self.trained = training
        y = x = self.lift(x)
        for layer in self.layers:
            y = layer(y)
        return self.ends["norm"](y + self.mix(x) * self.mix(y))

    def get_config(self):
        return {**super().get_config(), "units": self.units, "rate": self.rate}


def drawn(encoder, x):
    """What `encoder` does, by its very layers."""
    lifted = encoder.lift(x)
    y = encoder.layers[1](encoder.layers[0](lifted))
    return encoder.ends["norm"](layers.add([y, layers.multiply([encoder.mix(lifted), encoder.mix(y)])]))


class Reader(layers.Layer):
    """Attends from its first argument over the second; several arguments, a list and a dictionary of results."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.units = units

    def build(self, query_shape, context_shape):
        assert query_shape[1:] == (4, 3) and context_shape[1:] == (5, 2)
        self.attention = layers.Attention(dtype=self.dtype)
        self.key = layers.Dense(self.units, dtype=self.dtype)

    def call(self, query, context, scale=None):
        read = self.attention([query, self.key(context)])
        return {"read": read, "both": [layers.concatenate([query, read], dtype=self.dtype), read - query]}


class Scaled(layers.Layer):
    """Layers and, beside them, what is no layer: it can predict."""

    def __init__(self, units=3, **options):
        super().__init__(**options)
        self.dense = layers.Dense(units, dtype=self.dtype)

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],), "ones")

    def call(self, x):
        return np.tanh(self.dense(x * self.scale.value))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.dense.units)


def randomized(layer, seed=5):
    """The layer with other weights than those it starts from."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layer
