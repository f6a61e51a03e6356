"""Cells of a user's own, as the tests of RNN write them, and what those tests call layers on."""

import numpy as np

from rnnfast import layers
from rnnfast.variable import Variable

MASK = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 0, 0]], bool)
X = np.random.default_rng(0).normal(size=(4, 5, 3)).astype(np.float32)
CALLS = [{}, {"mask": MASK}, {"lengths": [5, 2, 1, 0]}]


def flat(outputs):
    """The arrays of nested outputs."""
    return [a for item in outputs for a in flat(item)] if isinstance(outputs, list) else [outputs]


class CallOnly:
    """Keras' minimal cell, as a plain object: h = x W + h U."""

    def __init__(self, units):
        self.units = self.state_size = units
        self.built = False
        self.weights = []

    def build(self, input_shape):
        rng = np.random.default_rng(self.units)
        shapes = {"kernel": (input_shape[-1], self.units), "recurrent_kernel": (self.units, self.units)}
        self.weights = [Variable(rng.normal(0, 0.5, shape), name=name) for name, shape in shapes.items()]

    def call(self, inputs, states):
        kernel, recurrent_kernel = self.weights
        output = inputs @ kernel.value + states[0] @ recurrent_kernel.value
        return output, [output]


class Trainable(CallOnly):
    """The same with the two passes."""

    def forward(self, inputs, states, training):
        output, states_after = self.call(inputs, states)
        return output, states_after, (inputs, states[0])

    def backward(self, d_output, d_states, cache):
        inputs, before = cache
        d = d_output + d_states[0]
        kernel, recurrent_kernel = self.weights
        kernel.add_grad(inputs.T @ d)
        recurrent_kernel.add_grad(before.T @ d)
        return d @ kernel.value.T, [d @ recurrent_kernel.value.T]


class Residual(layers.Layer):
    """A cell made of a built-in one, with a nested state: output = inputs + h, and it counts what it has seen."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.inner = layers.LSTMCell(units, name="inner", dtype=self.dtype)
        self.state_size = [[units, units], 1]
        self.output_size = units

    def create_variables(self, input_shape):
        self.inner.build(input_shape)

    def forward(self, inputs, states, training):
        output, new_states, cache = self.inner.forward(inputs, states[0], training)
        return inputs + output, [new_states, states[1] + inputs.sum(1, keepdims=True)], cache

    def backward(self, d_output, d_states, cache):
        d_inputs, d_before = self.inner.backward(d_output, d_states[0], cache)
        return d_inputs + d_output + d_states[1], [d_before, d_states[1]]

    @property
    def weights(self):
        return self.inner.weights

    def get_config(self):
        return {**super().get_config(), "units": self.units}
