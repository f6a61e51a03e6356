"""SimpleRNNCell, LSTMCell and GRUCell: one step of the layers of these names."""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from rnnfast.layers.base import Layer, Shape
from rnnfast.layers.gru import GRU
from rnnfast.layers.lstm import LSTM
from rnnfast.layers.over_time import SEQUENCE_OPTIONS
from rnnfast.layers.recurrent import Recurrent
from rnnfast.layers.simple_rnn import SimpleRNN
from rnnfast.variable import Variable

# What only a layer has: a cell knows no sequence, and what it gives is not the layer's output yet.
_NOT_OF_CELLS = (*SEQUENCE_OPTIONS, "activity_regularizer", "input_shape", "batch_input_shape", "input_dim")


class RecurrentCell(Layer):
    """Base of the built-in cells: inputs (batch, features) and states, a list of arrays (batch, units), to the output
    (batch, units) and the list of new states.

    Its arguments are those of the layer of its name, but for what concerns sequences; `RNN(LSTMCell(64))` runs the
    kernels of `LSTM(64)`. By position they stand as in Keras' cells. A cell also has the layer's attributes: `units`,
    `kernel`, `activation`, ... What is drawn at random in training is drawn once per sequence in `RNN`, and at every
    call of a cell by itself.
    """

    rank = 2
    axes = "(batch, features)"
    layer_class: ClassVar[type[Recurrent]]

    def __init__(self, units: int, *positional: Any, **options: Any) -> None:
        arguments = self._positional()[1:]
        if len(positional) > len(arguments):
            raise TypeError(f"{type(self).__name__}: give what follows {arguments[-1]} by name")
        options = {**dict(zip(arguments, positional, strict=False)), **options}
        for argument in options:
            if argument in _NOT_OF_CELLS:
                raise self._unknown_argument(argument)
        super().__init__(**{key: options.pop(key) for key in ("name", "dtype", "trainable") if key in options})
        # The layer holds the arguments, the weights and the formula; here it runs over one step.
        self.layer = self.layer_class(units, return_state=True, name=self.name, dtype=self.dtype, **options)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        known = inspect.signature(cls.layer_class).parameters
        own = [parameter for name, parameter in known.items() if name not in (*_NOT_OF_CELLS, *cls._positional())]
        cls.__signature__ = inspect.Signature([*(known[name] for name in cls._positional()), *own])  # type: ignore[attr-defined]

    @classmethod
    def _positional(cls) -> list[str]:
        """The arguments that may be given by position: the layer's that are no sequence's, the seed last."""
        parameters = inspect.signature(cls.layer_class).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        return [name for name in names if name not in (*_NOT_OF_CELLS, "seed")] + ["seed"]

    @classmethod
    def argument_names(cls) -> set[str]:
        return (super().argument_names() | cls.layer_class.argument_names()) - {*_NOT_OF_CELLS, "positional"}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "layer" not in vars(self):
            return super().__getattr__(name)  # type: ignore[misc]
        return getattr(self.layer, name)

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            mine = name.startswith("_") or name in vars(self) or hasattr(type(self), name) or "layer" not in vars(self)
            if mine or not hasattr(self.layer, name):
                super().__setattr__(name, value)
            else:
                setattr(self.layer, name, value)
                self.changed()

    @property
    def state_size(self) -> Any:
        sizes = self.layer.state_size
        return sizes if len(sizes) > 1 else sizes[0]

    @property
    def output_size(self) -> int:
        return self.layer.output_size

    @property
    def runs_on(self) -> str:
        return self.layer.runs_on

    @property
    def untrainable(self) -> str | None:
        return self.layer.untrainable

    def option_costs(self) -> dict[str, str]:
        return self.layer.option_costs()

    def get_initial_state(self, batch_size: int) -> list[np.ndarray]:
        """Zeros, an array (batch_size, units) per state."""
        return [np.zeros((batch_size, size), self.dtype) for size in self.layer.state_size]

    def create_variables(self, input_shape: Shape) -> None:
        self.layer.build((None, 1, input_shape[1]))

    def expected_features(self) -> int | None:
        return self.layer.expected_features()

    # One step

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[np.ndarray, list[np.ndarray]]:  # type: ignore[override]
        """The output and the new states."""
        output, states, _ = self.forward(self.prepare(inputs), states, training)
        return output, states

    def __call__(self, inputs: Any, states: Any, training: bool = False) -> Any:  # type: ignore[override]
        return self.call(inputs, states, training)

    def forward(self, inputs: np.ndarray, states: Any, training: bool = False) -> Any:  # type: ignore[override]
        """Output, new states, and what `backward` needs."""
        (output, *states), tape = self.layer.forward(inputs[:, None], initial_state=states, training=training)
        return output, states, tape

    def backward(self, d_output: Any, d_states: Any, cache: Any) -> Any:  # type: ignore[override]
        """Gradients of the inputs and of the states; those of the weights are added to their `grad`."""
        dx = self.layer.backward([d_output, *d_states], cache)
        assert dx is not None
        return dx[:, 0], cache.d_initial_state

    # Many steps

    def over_time(self, **options: Any) -> Recurrent:
        """The layer that runs this built cell over time, with its very weights; it gives its states, too."""
        layer = copy.copy(self.layer)
        for option, value in options.items():
            setattr(layer, option, value)
        return layer

    # Weights and description

    @property
    def weights(self) -> list[Variable]:
        return self.layer.weights

    def get_config(self) -> dict[str, Any]:
        config = {key: value for key, value in self.layer.get_config().items() if key not in _NOT_OF_CELLS}
        return {**config, **super().get_config()}


class SimpleRNNCell(RecurrentCell):
    """One step of `SimpleRNN`: arguments and formula stand there. State: h, which is also the output.

    >>> import numpy as np
    >>> from rnnfast.layers import RNN, SimpleRNNCell
    >>> RNN(SimpleRNNCell(4))(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    layer_class = SimpleRNN


class LSTMCell(RecurrentCell):
    """One step of `LSTM`: arguments and formula stand there. States: h, which is also the output, and c.

    >>> import numpy as np
    >>> from rnnfast.layers import LSTMCell
    >>> cell = LSTMCell(4)
    >>> output, (h, c) = cell(np.ones((2, 3)), cell.get_initial_state(batch_size=2))
    >>> output.shape, c.shape
    ((2, 4), (2, 4))
    """

    layer_class = LSTM


class GRUCell(RecurrentCell):
    """One step of `GRU`: arguments and formula stand there. State: h, which is also the output.

    >>> import numpy as np
    >>> from rnnfast.layers import RNN, GRUCell
    >>> RNN([GRUCell(4), GRUCell(6)], return_sequences=True)(np.ones((2, 5, 3))).shape
    (2, 5, 6)
    """

    layer_class = GRU
