"""Network: what compile, fit, evaluate and predict ask of a model, whatever its layers are arranged like."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rnnfast import _arguments
from rnnfast.data.named import in_order
from rnnfast.layers import Layer, NoLoweringError
from rnnfast.layers.base import Shape
from rnnfast.layers.lowered import lower_call
from rnnfast.models.explanation import TrainingExplanation
from rnnfast.models.summary import summary


class Network(Layer):
    """A layer that is run as a whole, with any number of inputs and outputs.

    Lists of arrays, shapes, masks, gradients are in the order of `input_names` and `output_names`. A subclass defines
    `layers`, the two names, `run`, `backward_run`, and the methods below that raise.
    """

    is_model = True

    @property
    def layers(self) -> list[Layer]:
        raise TypeError(f"{self.label} does not define layers")

    @property
    def sublayers(self) -> list[Layer]:
        return self.layers

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs: the keys of dictionaries of data."""
        raise TypeError(f"{self.label} does not define input_names")

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, as dictionaries and logs have them; empty as long as they are not known."""
        raise TypeError(f"{self.label} does not define output_names")

    @property
    def input_specs(self) -> list[tuple[Shape, str]]:
        """Shape, batch axis included, and dtype of each input, of a built model."""
        raise TypeError(f"{self.label} does not define input_specs")

    def prepare_inputs(self, inputs: list[Any]) -> list[np.ndarray]:
        """Cast and check one array per input, and build the model on the first ones."""
        raise TypeError(f"{self.label} does not define prepare_inputs(inputs)")

    def run(
        self, inputs: list[np.ndarray], masks: list[np.ndarray | None], training: bool
    ) -> tuple[list[np.ndarray], list[np.ndarray | None], Any]:
        """Outputs, their masks, and the tape that `backward_run` takes (of no use if not `training`)."""
        raise TypeError(f"{self.label} does not define run(inputs, masks, training)")

    def backward_run(self, gradients: list[np.ndarray | None], tape: Any, at_logits: list[bool]) -> None:
        """Add to the `grad` of the variables. gradients: one per output, None for zero; at_logits: whether each is
        the one before the output's activation, which `output_activations` names."""
        raise TypeError(f"{self.label} does not define backward_run(gradients, tape, at_logits)")

    @property
    def output_activations(self) -> list[str | None]:
        """The activation that each output ends with, where `backward_run` takes gradients before it; else None."""
        return [None] * len(self.output_names)

    @property
    def output_dtypes(self) -> list[str]:
        raise TypeError(f"{self.label} does not define output_dtypes")

    def output_shapes_for(self, input_shapes: list[Shape]) -> list[Any]:
        """The shapes of the outputs for inputs of these shapes, batch axis included."""
        raise TypeError(f"{self.label} does not define output_shapes_for(input_shapes)")

    def lower_through(self, lower: Callable[[Layer, Any, dict[str, Any]], Any], values: list[Any]) -> list[Any]:
        """Hand every layer to `lower(layer, x, options)`, with the engine's handles in place of arrays.

        values: the handles of the inputs. Gives those of the outputs.
        """
        raise NoLoweringError(f"{self.label} cannot be run by the inference engine")

    def lower(self, program: Any, value: Any) -> Any:
        made = self.lower_through(lambda layer, *call: lower_call(layer, program, *call), self.by_name(value))
        return self.pack_outputs(made)

    def output_shapes(self) -> list[Any]:
        """The output shape of each layer, None where it is not known."""
        return [None] * len(self.layers)

    def connections(self) -> list[str] | None:
        """For each layer what it reads, or None where layers are not drawn as a graph."""
        return None

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or by its place."""
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"{self.label}: get_layer takes a name or an index")
        if index is not None:
            if not _arguments.is_whole(index) or not -len(layers) <= index < len(layers):
                raise ValueError(f"{self.label}: it has {len(layers)} layers, got index {index!r}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"{self.label}: no layer {name!r}; it has {', '.join(la.name for la in layers)}")

    # Describing and keeping

    def summary(
        self,
        line_length: int | None = None,
        print_fn: Callable[[str], Any] | None = None,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters.

        line_length: width of the table, default 73. print_fn: called with the text, default `print`.
        """
        summary(self, line_length, print_fn, show_trainable)

    def explain(self) -> TrainingExplanation:
        """What computes each layer in training, what its options cost, and whether `predict` runs on the engine: print
        it, or read its `rows`. (`InferenceModel.explain` tells what the engine runs.) ValueError: not built.

        >>> import rnnfast
        >>> from rnnfast.layers import LSTM, Input
        >>> model = rnnfast.Sequential([Input((None, 3)), LSTM(4, recurrent_dropout=0.2)])
        >>> model.explain().rows[0]["costs"]["recurrent_dropout"]
        'per step a product per gate, over a copy of the state as that gate sees it'
        """
        if not self.built:
            raise ValueError(f"{self.label} is not built: give it an Input, or call it on data first")
        return TrainingExplanation(self)

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the model to a `.keras` file, which Keras opens too."""
        from rnnfast.formats.keras_file import save_model

        save_model(self, filepath, overwrite=overwrite)  # type: ignore[arg-type]

    def export(self, *args: Any, **options: Any) -> None:
        """ValueError: formats of other engines are Keras' to write."""
        raise ValueError(f"{self.label}: export: save the model to a .keras file and let Keras export that")

    def to_json(self, **options: Any) -> str:
        """The model without its weights, as `models.model_from_json`, here and in Keras, reads it. options: those of
        json.dumps."""
        from rnnfast.formats.model_config import model_to_config

        return json.dumps(model_to_config(self), **options)  # type: ignore[arg-type]

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write weights and optimizer to a `.weights.h5` file, which Keras reads too."""
        from rnnfast.formats.weights_file import save_weights

        save_weights(self, filepath, overwrite=overwrite)  # type: ignore[arg-type]

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Read a file of `save_weights`, Keras' or from here, into the same layers; skip_mismatch: into those that are
        the same, with a UserWarning for each of the others."""
        from rnnfast.formats.weights_file import load_weights

        load_weights(self, filepath, skip_mismatch)  # type: ignore[arg-type]

    # The caller's structures

    def by_name(self, values: Any) -> list[Any]:
        """What came in the structure of the inputs - one, a list, a dictionary - in the order of `input_names`."""
        if isinstance(values, dict):
            return [values[name] for name in self.input_names]
        return list(values) if isinstance(values, list) else [values]

    def flatten_inputs(self, what: str, x: Any) -> list[Any]:
        """What a caller gave for the inputs, one entry per input. what: its name in messages."""
        return in_order(what, x, self.input_names)

    def flatten_outputs(self, what: str, values: Any) -> list[Any]:
        """What a caller gave for the outputs (labels, weights), one entry per output, None where there is none."""
        return in_order(what, values, self.output_names, partial=True)

    def pack_outputs(self, outputs: Sequence[Any]) -> Any:
        """Outputs in the structure that the model gives them in: one alone, several as a list."""
        return outputs[0] if len(outputs) == 1 else list(outputs)
