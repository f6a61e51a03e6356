"""nn.LSTM with proj_size: outputs, states and gradients."""

import numpy as np
import pytest

import rnnfast

BATCH, TIME, FEATURES = 5, 7, 3


@pytest.mark.parametrize(("units", "size"), [(6, 2), (19, 8), (40, 33)])
def test_projection(torch, draw, same_output, same_gradient, units, size):
    theirs = torch.nn.LSTM(FEATURES, units, proj_size=size, batch_first=True)
    parameters = [theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0, theirs.weight_hr_l0]
    ours = rnnfast.layers.LSTM(units, projection_size=size, return_sequences=True, return_state=True)
    ours.build((BATCH, TIME, FEATURES))
    with torch.no_grad():
        theirs.bias_hh_l0.zero_()
    ours.set_weights([p.detach().numpy().T for p in parameters])

    values = draw(BATCH, TIME, FEATURES), draw(BATCH, size), draw(BATCH, units)
    x, h, c = (torch.tensor(v, requires_grad=True) for v in values)
    y, (last_h, last_c) = theirs(x, (h[None], c[None]))
    gradients = draw(BATCH, TIME, size), draw(BATCH, size), draw(BATCH, units)
    parts = zip((y, last_h[0], last_c[0]), gradients, strict=True)
    sum((part * torch.tensor(d)).sum() for part, d in parts).backward()

    (output, *states), tape = ours.forward(values[0], initial_state=list(values[1:]), training=True)
    same_output(output, y.detach().numpy())
    same_output(states[0], last_h[0].detach().numpy(), "h")
    same_output(states[1], last_c[0].detach().numpy(), "c")
    same_gradient(ours.backward(list(gradients), tape), x.grad.numpy(), "dx")
    for variable, parameter in zip(ours.weights, parameters, strict=True):
        same_gradient(variable.grad, parameter.grad.numpy().T, variable.name)
    for state, gradient in zip((h, c), tape.d_initial_state, strict=True):
        same_gradient(gradient, state.grad.numpy(), "initial state")
    assert np.isfinite(output).all()
