"""TapedNetwork: runs its layers on a tape, in the order in which `play` calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnfast.layers.played import Played
from rnnfast.models.network import Network


class TapedNetwork(Network):
    """Base of functional models, and of models with a `call` of their own. A subclass defines `play`."""

    def play(self, inputs: list[Any], training: bool) -> list[Any]:
        """Call the layers on traced values, one per input; gives one per output."""
        raise TypeError(f"{self.label} does not define play(inputs, training)")

    def run(
        self, inputs: list[np.ndarray], masks: list[np.ndarray | None], training: bool
    ) -> tuple[list[np.ndarray], list[np.ndarray | None], Any]:
        played = Played(self, training)
        starts = [played.start(*given) for given in zip(inputs, masks, self.input_names, strict=True)]
        outputs, out_masks = played.end(self.play(starts, training))
        return outputs, out_masks, played if training else None

    def backward_run(self, gradients: list[np.ndarray | None], tape: Any, at_logits: list[bool]) -> None:
        tape.backward(gradients, at_logits, need_dx=False)

    def prepare_inputs(self, inputs: list[Any]) -> list[np.ndarray]:
        return self.by_name(self.prepare(inputs if len(inputs) > 1 else inputs[0]))

    # A layer like any other: x is one value, a list of them, or a dictionary by the names of the inputs

    def cast(self, x: Any) -> Any:
        arrays = [self.numeric(array) for array in self.flatten_inputs(f"{self.label}: input", x)]
        return arrays if len(arrays) > 1 or isinstance(x, (list, dict)) else arrays[0]

    def forward(self, x: Any, *, mask: Any = None, training: bool = False) -> tuple[Any, Any]:
        y, _, cache = self.forward_masked(x, mask, training, {})
        return y, cache

    def forward_masked(self, x: Any, mask: Any, training: bool, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        inputs = self.by_name(x)
        masks = [None] * len(inputs) if mask is None else self.by_name(mask)
        outputs, out_masks, tape = self.run(inputs, masks, training)
        cache = (tape, mask, [output.dtype for output in outputs]) if training else None
        return self.pack_outputs(outputs), self.pack_outputs(out_masks), cache

    def backward(self, dy: Any, cache: Any, *, need_dx: bool = True) -> Any:
        return self._backward(dy, cache, need_dx, at_logits=False)

    def backward_logits(self, dz: Any, cache: Any, *, need_dx: bool = True) -> Any:
        return self._backward(dz, cache, need_dx, at_logits=True)

    def _backward(self, dy: Any, cache: Any, need_dx: bool, at_logits: bool) -> Any:
        played, mask, dtypes = cache
        given = [dy] if len(dtypes) == 1 and not isinstance(dy, (list, dict)) else self.flatten_outputs("dy", dy)
        gradients = [None if d is None else d.astype(t, copy=False) for d, t in zip(given, dtypes, strict=True)]
        found = played.backward(gradients, [at_logits] * len(dtypes), need_dx)
        if not need_dx:
            return None
        if isinstance(mask, dict):  # in the structure that x came in, which its masks have, too
            return dict(zip(self.input_names, found, strict=True))
        return list(found) if isinstance(mask, list) or len(found) > 1 else found[0]

    @property
    def output_activation(self) -> str | None:
        return self.output_activations[0] if len(self.output_names) == 1 else None

    @property
    def carries_mask(self) -> bool:
        return True  # it may: what becomes of it is known after a run

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return self.forward_masked(self.cast(x), mask, False, {})[1]
