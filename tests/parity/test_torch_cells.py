"""nn.RNN, nn.LSTM and nn.GRU with their weights mapped to Keras' layout: outputs, states, gradients, ragged batches."""

import numpy as np
import pytest

from rnnfast import _kernels as kernels
from rnnfast import activations

BATCH, TIME, INPUT = 6, 9, 5
LENGTHS = np.array([9, 3, 1, 7, 9, 4])

# cell -> (torch class, its options, rnnfast cell, activation, where each gate of ours lies in PyTorch's order)
CELLS = {
    "rnn_tanh": ("RNN", {"nonlinearity": "tanh"}, "simple_rnn", "tanh", [0]),
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}, "simple_rnn", "relu", [0]),
    "lstm": ("LSTM", {}, "lstm", "tanh", [0, 1, 2, 3]),
    "gru": ("GRU", {}, "gru", "tanh", [1, 0, 2]),
}


def to_keras(parameter, gates):
    """A PyTorch (G*H, ...) parameter as (..., G*H) with our order of gates."""
    blocks = np.split(np.asarray(parameter), len(gates), axis=0)
    return np.ascontiguousarray(np.concatenate([blocks[g] for g in gates], axis=0).T)


def to_keras_bias(b_ih, b_hh, cell, gates):
    """PyTorch's two biases: side by side for GRU, added for the others."""
    b_ih, b_hh = to_keras(b_ih, gates), to_keras(b_hh, gates)
    return np.stack([b_ih, b_hh]) if cell == "gru" else b_ih + b_hh


class Direction:
    """One direction of a PyTorch layer as arguments and expected gradients of rnnfast's kernels."""

    def __init__(self, module, case, suffix):
        _, _, self.cell, activation, gates = CELLS[case]
        parameters = {name: getattr(module, f"{name}_l0{suffix}") for name in
                      ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}  # fmt: skip

        def convert(value_of):
            p = {name: value_of(parameter) for name, parameter in parameters.items()}
            return (
                to_keras(p["weight_ih"], gates),
                to_keras(p["weight_hh"], gates),
                to_keras_bias(p["bias_ih"], p["bias_hh"], self.cell, gates),
            )

        self.weights = convert(lambda p: p.detach().numpy())
        self.d_weights = convert(lambda p: p.grad.numpy())
        if self.cell != "gru":
            # Their two biases add up to our one, and each gets its whole gradient.
            self.d_weights = (*self.d_weights[:2], self.d_weights[2] / 2)
        self.options = {
            "activation": activations.get(activation),
            "recurrent_activation": activations.get("sigmoid"),
            "go_backwards": bool(suffix),
        }

    def run(self, x, initial, lengths, d_output, d_states):
        output, states, cache = kernels.rnn_forward(
            self.cell, x, *self.weights, None, initial_state=initial, lengths=lengths, zero_output_for_mask=True,
            return_sequences=True, training=True, **self.options,
        )  # fmt: skip
        return output, states, kernels.rnn_backward(cache, d_output, d_states)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("units", [1, 8, 19])
@pytest.mark.parametrize("case", CELLS)
def test_cell(torch, draw, same_output, same_gradient, case, units, directions, ragged):
    class_name, options, cell, _, _ = CELLS[case]
    module = getattr(torch.nn, class_name)(
        INPUT, units, batch_first=True, bidirectional=directions == 2, **options
    )  # fmt: skip
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.tensor(draw(*parameter.shape)))
    x_values = draw(BATCH, TIME, INPUT) * 3
    n_states = 2 if cell == "lstm" else 1
    initial_values = [draw(directions, BATCH, units) for _ in range(n_states)]
    d_output = draw(BATCH, TIME, directions * units)
    d_states = [draw(directions, BATCH, units) for _ in range(n_states)]
    lengths = LENGTHS if ragged else None

    x = torch.tensor(x_values, requires_grad=True)
    initial = [torch.tensor(s, requires_grad=True) for s in initial_values]
    rnn = torch.nn.utils.rnn
    inputs = rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), True, enforce_sorted=False) if ragged else x
    output, states = module(inputs, tuple(initial) if cell == "lstm" else initial[0])
    if ragged:
        output, _ = rnn.pad_packed_sequence(output, batch_first=True, total_length=TIME)
    states = states if cell == "lstm" else [states]
    loss = (output * torch.tensor(d_output)).sum()
    for state, gradient in zip(states, d_states, strict=True):
        loss = loss + (state * torch.tensor(gradient)).sum()
    loss.backward()

    dx = np.zeros_like(x_values)
    for k in range(directions):
        columns = slice(k * units, (k + 1) * units)
        direction = Direction(module, case, "_reverse" if k else "")
        upstream = d_output[:, :, columns]
        actual, actual_states, gradients = direction.run(
            x_values, [s[k] for s in initial_values], lengths,
            np.ascontiguousarray(upstream[:, ::-1] if k else upstream), [g[k] for g in d_states],
        )  # fmt: skip
        dx_k, *d_weights, _, d_initial = gradients
        dx += dx_k
        same_output(actual[:, ::-1] if k else actual, output.detach().numpy()[:, :, columns], f"output {k}")
        for i, state in enumerate(states):
            same_output(actual_states[i], state[k].detach().numpy(), f"state {i} of direction {k}")
            same_gradient(d_initial[i], initial[i].grad[k].numpy(), f"d_initial_state {i} of direction {k}")
        for name, gradient, expected in zip(
            ("kernel", "recurrent_kernel", "bias"), d_weights, direction.d_weights, strict=True
        ):
            same_gradient(gradient, expected, f"d{name} of direction {k}")
    same_gradient(dx, x.grad.numpy(), "dx")
