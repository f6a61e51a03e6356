"""One recurrent layer, forward and backward, against Keras: every cell, mask, direction, state and activation."""

import numpy as np
import pytest

from rnnfast import _kernels as kernels
from rnnfast import activations

BATCH, TIME, INPUT = 6, 7, 5

CELLS = {
    "simple_rnn": ("SimpleRNN", "simple_rnn", {}),
    "lstm": ("LSTM", "lstm", {}),
    "gru": ("GRU", "gru", {"reset_after": True}),
    "gru_reset_before": ("GRU", "gru", {"reset_after": False}),
}

# One pattern per row of the batch.
_PATTERNS = {
    "post": ["1111111", "1111100", "1110000", "1000000", "1111110", "1100000"],
    "pre": ["1111111", "0011111", "0000111", "0000001", "0111111", "0000011"],
    "gaps": ["1011011", "0101010", "1100011", "0011100", "1010101", "0110110"],
    "some_all_masked": ["0000000", "1111111", "0000000", "1010101", "0000001", "1000000"],
    "all_masked": ["0000000"] * BATCH,
    "none_masked": ["1111111"] * BATCH,
}
MASKS = {"no_mask": None} | {
    name: np.array([[step == "1" for step in row] for row in rows]) for name, rows in _PATTERNS.items()
}

ELEMENTWISE = [
    "tanh", "sigmoid", "hard_sigmoid", "relu", "linear", "softsign", "softplus", "elu", "selu", "gelu", "silu",
    "exponential", "leaky_relu", "relu6", "hard_tanh", "hard_silu", "celu", "mish", "log_sigmoid",
    "hard_shrink", "soft_shrink", "tanh_shrink", "sparse_plus", "sparse_sigmoid", "squareplus",
]  # fmt: skip


class KerasRun:
    """A Keras layer's outputs, states and gradients under a random loss, as NumPy arrays."""

    def __init__(self, keras, torch, draw, cell, units, *, time, mask, with_state, **options):
        layer_name, _, cell_options = CELLS[cell]
        layer = getattr(keras.layers, layer_name)(units, return_state=True, **cell_options, **options)
        layer.build((BATCH, time, INPUT))
        self.weights = [draw(*w.shape) for w in layer.weights]
        layer.set_weights(self.weights)
        self.x = draw(BATCH, time, INPUT) * 3
        n_states = 2 if layer_name == "LSTM" else 1
        self.initial = [draw(BATCH, units) for _ in range(n_states)] if with_state else None

        x = torch.tensor(self.x, requires_grad=True)
        initial = [torch.tensor(s, requires_grad=True) for s in self.initial] if with_state else None
        output, *states = layer(
            x, mask=None if mask is None else torch.tensor(mask), initial_state=initial, training=True
        )
        self.d_output = draw(*output.shape)
        self.d_states = [draw(BATCH, units) for _ in states]
        loss = (output * torch.tensor(self.d_output)).sum()
        for state, gradient in zip(states, self.d_states, strict=True):
            loss = loss + (state * torch.tensor(gradient)).sum()
        loss.backward()

        self.output = output.detach().numpy()
        self.states = [s.detach().numpy() for s in states]
        self.dx = x.grad.numpy()
        self.d_weights = [w.value.grad.numpy() for w in layer.trainable_weights]
        self.d_initial = [s.grad.numpy() for s in initial] if with_state else None


def check(run, same_output, same_gradient, cell, *, activation="tanh", recurrent_activation="sigmoid", **options):
    """rnnfast's kernels give what the Keras run gave."""
    _, name, cell_options = CELLS[cell]
    kernel, recurrent_kernel, *bias = run.weights
    output, states, cache = kernels.rnn_forward(
        name, run.x, kernel, recurrent_kernel, bias[0] if bias else None, None,
        activation=activations.get(activation), recurrent_activation=activations.get(recurrent_activation),
        initial_state=run.initial, training=True, **cell_options, **options,
    )  # fmt: skip
    same_output(output, run.output)
    for i, (state, expected) in enumerate(zip(states, run.states, strict=True)):
        same_output(state, expected, f"state {i}")

    # Without a cache for training the answer is the same.
    output, states, _ = kernels.rnn_forward(
        name, run.x, kernel, recurrent_kernel, bias[0] if bias else None, None,
        activation=activations.get(activation), recurrent_activation=activations.get(recurrent_activation),
        initial_state=run.initial, training=False, **cell_options, **options,
    )  # fmt: skip
    same_output(output, run.output, "inference output")
    same_output(states[-1], run.states[-1], "inference state")

    dx, dkernel, drecurrent, dbias, _, d_initial = kernels.rnn_backward(cache, run.d_output, run.d_states)
    same_gradient(dx, run.dx, "dx")
    same_gradient(dkernel, run.d_weights[0], "dkernel")
    same_gradient(drecurrent, run.d_weights[1], "drecurrent_kernel")
    if bias:
        same_gradient(dbias, run.d_weights[2], "dbias")
    if run.initial:
        for i, (gradient, expected) in enumerate(zip(d_initial, run.d_initial, strict=True)):
            same_gradient(gradient, expected, f"d_initial_state {i}")


@pytest.fixture
def compare(keras, torch, draw, same_output, same_gradient):
    def compare(cell, units, *, activation=None, recurrent_activation=None, time=TIME, mask=None, with_state=False,
                use_bias=True, **options):  # fmt: skip
        functions = {}
        if activation:
            functions["activation"] = activation
        if recurrent_activation:
            functions["recurrent_activation"] = recurrent_activation
        run = KerasRun(
            keras, torch, draw, cell, units,
            time=time, mask=mask, with_state=with_state, use_bias=use_bias, **functions, **options,
        )  # fmt: skip
        check(run, same_output, same_gradient, cell, mask=mask, **functions, **options)

    return compare


@pytest.mark.parametrize("units", [1, 4, 16, 19, 33])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_sizes(compare, cell, units, return_sequences):
    compare(cell, units, return_sequences=return_sequences)


@pytest.mark.parametrize("cell", CELLS)
def test_without_bias(compare, cell):
    compare(cell, 5, return_sequences=True, use_bias=False)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_masks_and_states(compare, cell, mask, go_backwards):
    compare(cell, 6, return_sequences=True, mask=MASKS[mask], go_backwards=go_backwards, with_state=True)


@pytest.mark.parametrize("mask", ["post", "gaps", "some_all_masked"])
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_zero_output_for_mask(compare, cell, mask, go_backwards):
    compare(cell, 6, return_sequences=True, mask=MASKS[mask], go_backwards=go_backwards, zero_output_for_mask=True)


@pytest.mark.parametrize("mask", ["pre", "gaps", "some_all_masked"])
@pytest.mark.parametrize("cell", CELLS)
def test_last_output_under_a_mask(compare, cell, mask):
    compare(cell, 6, return_sequences=False, mask=MASKS[mask], with_state=True)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("cell", CELLS)
def test_activation_of_the_candidate(compare, cell, name):
    # Three steps: an unbounded activation that feeds on itself overflows soon after.
    compare(cell, 4, time=3, return_sequences=True, activation=name)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("cell", ["lstm", "gru", "gru_reset_before"])
def test_activation_of_the_gates(compare, cell, name):
    compare(cell, 4, time=3, return_sequences=True, recurrent_activation=name)
