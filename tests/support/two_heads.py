"""A model of two inputs and two outputs: two chains side by side."""

import rnnfast
from rnnfast import layers
from rnnfast.models.model import Model


class TwoHeads(Model):
    """`left` is a class from a sequence, `right` a number per step of another."""

    def __init__(self, dtype="float64", stateful=False):
        super().__init__(name="two_heads")
        options = {"dtype": dtype}
        self.left = rnnfast.Sequential(
            [layers.Input((5, 3)), layers.GRU(4, **options), layers.Dense(3, activation="softmax", **options)]
        )
        self.right = rnnfast.Sequential(
            [
                layers.Input((None, 2)),
                layers.Masking(**options),
                layers.LSTM(3, return_sequences=True, stateful=stateful, **options),
                layers.Dense(1, **options),
            ]
        )
        self.built = True

    input_names = ("a", "b")
    output_names = ("left", "right")
    output_activations = ("softmax", None)

    @property
    def layers(self):
        return [self.left, self.right]

    @property
    def weights(self):
        return self.left.weights + self.right.weights

    @property
    def trainable_weights(self):
        return self.left.trainable_weights + self.right.trainable_weights

    input_specs = (((None, 5, 3), "float64"), ((None, None, 2), "float64"))

    def lower_through(self, lower, values):
        return [chain.lower_through(lower, [value])[0] for chain, value in zip(self.layers, values, strict=True)]

    creates_mask = True
    output_dtypes = ("float64", "float64")

    def prepare_inputs(self, inputs):
        return [chain.prepare(x) for chain, x in zip(self.layers, inputs, strict=True)]

    def output_shapes_for(self, input_shapes):
        return [chain.compute_output_shape(shape) for chain, shape in zip(self.layers, input_shapes, strict=True)]

    def run(self, inputs, masks, training):
        runs = [chain.run([x], [mask], training) for chain, x, mask in zip(self.layers, inputs, masks, strict=True)]
        return [r[0][0] for r in runs], [r[1][0] for r in runs], [r[2] for r in runs]

    def backward_run(self, gradients, tape, at_logits):
        for chain, gradient, part, at_logit in zip(self.layers, gradients, tape, at_logits, strict=True):
            chain.backward_run([gradient], part, [at_logit])
