"""Layers, with Keras 3's names, arguments and defaults.

>>> import numpy as np
>>> from rnnfast.layers import LSTM
>>> LSTM(8)(np.zeros((2, 5, 3))).shape
(2, 8)
"""

from __future__ import annotations

from rnnfast._registry import Registry
from rnnfast.layers.base import Layer, NoLoweringError
from rnnfast.layers.bidirectional import Bidirectional
from rnnfast.layers.cells import GRUCell, LSTMCell, RecurrentCell, SimpleRNNCell
from rnnfast.layers.core import Activation, Dense
from rnnfast.layers.embedding import Embedding, Masking
from rnnfast.layers.gru import GRU
from rnnfast.layers.lstm import LSTM
from rnnfast.layers.over_time import OverTime
from rnnfast.layers.recurrent import Recurrent
from rnnfast.layers.rnn import RNN
from rnnfast.layers.shaping import Dropout, Flatten, Input, InputLayer, RepeatVector
from rnnfast.layers.simple_rnn import SimpleRNN
from rnnfast.layers.stacked_cells import StackedRNNCells
from rnnfast.layers.wrappers import TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Bidirectional",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "Masking",
    "NoLoweringError",
    "OverTime",
    "Recurrent",
    "RecurrentCell",
    "RepeatVector",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
    "deserialize",
    "serialize",
]

# The layers that a model is made of and that a file may hold.
BUILT_IN: tuple[type[Layer], ...] = (
    InputLayer, Embedding, Masking, SimpleRNN, LSTM, GRU, RNN, Bidirectional, TimeDistributed, Dense, Dropout,
    Activation, Flatten, RepeatVector,
)  # fmt: skip

# What RNN runs over time, and files hold within it.
BUILT_IN_CELLS: tuple[type[Layer], ...] = (SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells)

registry: Registry[Layer] = Registry("layer", Layer, "keras.layers")
for _cls in (*BUILT_IN, *BUILT_IN_CELLS):
    registry.add(_cls)

serialize = registry.serialize
deserialize = registry.deserialize
