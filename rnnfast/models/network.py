"""Network: what compile, fit, evaluate and predict ask of a model, whatever its layers are arranged like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rnnfast.data.structure import flatten
from rnnfast.layers import Layer
from rnnfast.layers.base import Shape


class Network(Layer):
    """A layer that is run as a whole, with any number of inputs and outputs.

    Lists of arrays, shapes, masks, gradients are in the order of `input_names` and `output_names`. A subclass defines
    `layers`, the two names, `run`, `backward_run`, and the methods below that raise.
    """

    @property
    def layers(self) -> list[Layer]:
        raise TypeError(f"{self.label} does not define layers")

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs: the keys of dictionaries of data."""
        raise TypeError(f"{self.label} does not define input_names")

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs, as dictionaries and logs have them; empty as long as they are not known."""
        raise TypeError(f"{self.label} does not define output_names")

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

    def carry_state(self, carried: bool) -> None:
        for layer in self.layers:
            layer.carry_state(carried)

    # The caller's structures

    def flatten_inputs(self, what: str, x: Any) -> list[Any]:
        """What a caller gave for the inputs, one entry per input. what: its name in messages."""
        return flatten(what, x, self.input_names)

    def flatten_outputs(self, what: str, values: Any) -> list[Any]:
        """What a caller gave for the outputs (labels, weights), one entry per output, None where there is none."""
        return flatten(what, values, self.output_names, partial=True)

    def pack_outputs(self, outputs: Sequence[Any]) -> Any:
        """Outputs in the structure that the model gives them in: one alone, several as a list."""
        return outputs[0] if len(outputs) == 1 else list(outputs)
