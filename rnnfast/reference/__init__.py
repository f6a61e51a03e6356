"""The recurrent cells in plain NumPy, forward and backward, written to be read beside their formulas.

This is the oracle that the kernels are tested against (in float64) and the baseline that benchmarks compare with (in
float32). It shares no code with them. Results have the dtype of the arguments.

    step functions     ``simple_rnn_step``, ``lstm_step``, ``gru_step``, ``gru_reset_before_step``, each with
                       ``..._backward``: one time step and its chain rule
    sequences          ``rnn_forward``, ``rnn_backward``: states, masks, direction; back-propagation through time
    element-wise       ``activate``, ``activate_backward``
    the rest of a net  ``dense_forward``, ``dense_backward``, ``mean_squared_error``, ``softmax_crossentropy``
"""

from rnnfast.reference.activations import ELEMENTWISE, activate, activate_backward
from rnnfast.reference.cells import (
    Parameters,
    gru_reset_before_step,
    gru_reset_before_step_backward,
    gru_step,
    gru_step_backward,
    lstm_step,
    lstm_step_backward,
    simple_rnn_step,
    simple_rnn_step_backward,
)
from rnnfast.reference.dense import dense_backward, dense_forward, mean_squared_error, softmax_crossentropy
from rnnfast.reference.sequence import RnnCache, rnn_backward, rnn_forward

__all__ = [
    "ELEMENTWISE",
    "Parameters",
    "RnnCache",
    "activate",
    "activate_backward",
    "dense_backward",
    "dense_forward",
    "gru_reset_before_step",
    "gru_reset_before_step_backward",
    "gru_step",
    "gru_step_backward",
    "lstm_step",
    "lstm_step_backward",
    "mean_squared_error",
    "rnn_backward",
    "rnn_forward",
    "simple_rnn_step",
    "simple_rnn_step_backward",
    "softmax_crossentropy",
]
