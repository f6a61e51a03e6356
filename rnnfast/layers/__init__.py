"""Layers, with Keras 3's names, arguments and defaults.

>>> import numpy as np
>>> from rnnfast.layers import LSTM
>>> LSTM(8)(np.zeros((2, 5, 3))).shape
(2, 8)
"""

from __future__ import annotations

from rnnfast._absent import absent_from
from rnnfast.layers.attention import AdditiveAttention, Attention
from rnnfast.layers.base import Layer
from rnnfast.layers.batch_normalization import BatchNormalization
from rnnfast.layers.bidirectional import Bidirectional
from rnnfast.layers.by_name import deserialize, registry, serialize
from rnnfast.layers.cells import GRUCell, LSTMCell, RecurrentCell, SimpleRNNCell
from rnnfast.layers.concatenation import Concatenate, concatenate
from rnnfast.layers.convolution import Conv1D
from rnnfast.layers.core import Activation, Dense
from rnnfast.layers.dot import Dot, dot
from rnnfast.layers.embedding import Embedding, Masking
from rnnfast.layers.gru import GRU
from rnnfast.layers.lowered import NoLoweringError
from rnnfast.layers.lstm import LSTM
from rnnfast.layers.merging import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from rnnfast.layers.noise import Dropout, GaussianDropout, GaussianNoise, SpatialDropout1D
from rnnfast.layers.normalization import LayerNormalization, UnitNormalization
from rnnfast.layers.over_time import OverTime
from rnnfast.layers.pooling import AveragePooling1D, GlobalAveragePooling1D, GlobalMaxPooling1D, MaxPooling1D
from rnnfast.layers.preprocessing import Normalization, Rescaling
from rnnfast.layers.rectifiers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from rnnfast.layers.recurrent import Recurrent
from rnnfast.layers.rnn import RNN
from rnnfast.layers.shaping import Flatten, Input, InputLayer, Permute, RepeatVector, Reshape
from rnnfast.layers.simple_rnn import SimpleRNN
from rnnfast.layers.slicing import Slice
from rnnfast.layers.stacked_cells import StackedRNNCells
from rnnfast.layers.steps import Cropping1D, UpSampling1D, ZeroPadding1D
from rnnfast.layers.wrappers import TimeDistributed, Wrapper

# Keras' other names.
Convolution1D = Conv1D
MaxPool1D, GlobalMaxPool1D = MaxPooling1D, GlobalMaxPooling1D
AvgPool1D, GlobalAvgPool1D = AveragePooling1D, GlobalAveragePooling1D

__getattr__ = absent_from(__name__)

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Add",
    "AdditiveAttention",
    "Attention",
    "Average",
    "AveragePooling1D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Cropping1D",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPooling1D",
    "Maximum",
    "Minimum",
    "Multiply",
    "NoLoweringError",
    "Normalization",
    "OverTime",
    "PReLU",
    "Permute",
    "ReLU",
    "Recurrent",
    "RecurrentCell",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Slice",
    "Softmax",
    "SpatialDropout1D",
    "StackedRNNCells",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "Wrapper",
    "ZeroPadding1D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

# The layers that a model is made of and that a file may hold.
BUILT_IN: tuple[type[Layer], ...] = (
    InputLayer, Embedding, Masking, SimpleRNN, LSTM, GRU, RNN, Bidirectional, TimeDistributed, Dense, Dropout,
    Activation, Flatten, RepeatVector,
    Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot,
    Reshape, Permute, Slice, ZeroPadding1D, Cropping1D, UpSampling1D,
    LayerNormalization, BatchNormalization, UnitNormalization, Conv1D,
    MaxPooling1D, AveragePooling1D, GlobalMaxPooling1D, GlobalAveragePooling1D,
    SpatialDropout1D, GaussianNoise, GaussianDropout, Attention, AdditiveAttention,
    Rescaling, Normalization, ReLU, LeakyReLU, PReLU, ELU, Softmax,
)  # fmt: skip

# What RNN runs over time, and files hold within it.
BUILT_IN_CELLS: tuple[type[Layer], ...] = (SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells)

for _cls in (*BUILT_IN, *BUILT_IN_CELLS):
    registry.add(_cls)
