"""What Keras' TestCase checks, for rnnfast's layers: shapes, weights, configuration, masks, dtypes, training."""

from __future__ import annotations

import json

import numpy as np
from absl.testing import parameterized

import rnnfast
from rnnfast import layers
from rnnfast.layers import cell_protocol


class TestCase(parameterized.TestCase):
    def assertAllClose(self, actual, desired, atol=1e-6, rtol=1e-6, tpu_atol=None, tpu_rtol=None, msg=""):
        np.testing.assert_allclose(np.asarray(actual), np.asarray(desired), atol=atol, rtol=rtol, err_msg=msg or "")

    def assertLen(self, container, expected_len, msg=None):
        self.assertEqual(len(container), expected_len, msg)

    def run_class_serialization_test(self, instance, custom_objects=None):
        """Through JSON text: from the class, and, where no cell of the test's own is in it, by name."""
        text = json.dumps(instance.get_config())
        own = own_cells(instance)
        made = type(instance).from_config(json.loads(text), **({"custom_objects": own} if own else {}))
        self.assertEqual(json.dumps(made.get_config()), text)
        if not own:
            by_name = layers.deserialize(json.loads(json.dumps(layers.serialize(instance))))
            self.assertEqual(json.dumps(by_name.get_config()), text)
        return made

    def run_layer_test(
        self,
        layer_cls,
        init_kwargs,
        input_shape,
        call_kwargs=None,
        expected_output_shape=None,
        expected_num_trainable_weights=None,
        expected_num_non_trainable_weights=None,
        expected_num_non_trainable_variables=None,
        expected_num_seed_generators=None,
        expected_num_losses=None,
        supports_masking=None,
        custom_objects=None,
        run_mixed_precision_check=True,
    ):
        """Keras' checks but for those of its backends.

        Seeds are no variables here, so what Keras expects of these is not asked.
        """
        call_kwargs = call_kwargs or {}
        x = np.random.default_rng(0).normal(size=input_shape).astype(np.float32)

        def made():
            return layer_cls(**init_kwargs)

        self.run_class_serialization_test(made(), custom_objects)
        symbol = layers.Input(batch_shape=input_shape)
        for call in (
            lambda made: made.build(input_shape),
            lambda made: made(symbol),
            lambda made: made(x, **call_kwargs),
        ):
            layer = made()
            call(layer)
            self.assertTrue(layer.built)
            self.assertLen(layer.trainable_weights, expected_num_trainable_weights)
            self.assertLen(layer.non_trainable_weights, expected_num_non_trainable_weights)
        self.assertEqual(layer(x, **call_kwargs).shape, expected_output_shape)
        self.assertEqual(layer.compute_output_shape(input_shape), expected_output_shape)
        self.assertEqual(made()(symbol, **call_kwargs).shape, expected_output_shape)
        if expected_num_losses is not None:
            self.assertLen(layer.losses, expected_num_losses)
        for number in (np.float64, np.int64):
            self.assertEqual(layer(x.astype(number)).dtype, layer.dtype)
        if supports_masking:
            real = np.ones(input_shape[:2], bool)
            self.assertAllClose(layer(x, mask=real), layer(x))
            self.assertEqual(layer.compute_mask(x, real) is not None, len(expected_output_shape) == len(input_shape))
        self.check_training(made(), x, expected_output_shape)

    def check_training(self, layer, x, output_shape):
        """A step moves every trainable weight; a cell that defines no passes says so instead."""
        model = rnnfast.Sequential([layer])
        model.compile("sgd", "mse")
        target = np.random.default_rng(1).normal(size=output_shape)
        if any(map(cell_protocol.untrainable, own_cells(layer, instances=True))):
            with self.assertRaisesRegex(TypeError, r"define forward\(.*backward\("):
                model.fit(x, target, verbose=0)
            return
        model.build(x.shape)
        before = layer.get_weights()
        self.assertTrue(np.isfinite(model.fit(x, target, verbose=0).history["loss"][0]))
        for variable, value in zip(layer.weights, before, strict=True):
            self.assertEqual(variable.trainable, bool((variable.value != value).any()), variable.path)


def own_cells(layer, instances=False):
    """The cells within a layer that are classes of the test's own, or these classes by name."""
    cells = cell_protocol.parts(layer.cell) if isinstance(layer, layers.RNN) else []
    own = [cell for cell in cells if not type(cell).__module__.startswith("rnnfast.")]
    return own if instances else {type(cell).__name__: type(cell) for cell in own}
