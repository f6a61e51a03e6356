"""One or two units and steps, worked out by hand. With linear activations every number is exact."""

import numpy as np

from rnnfast.reference import rnn_backward, rnn_forward

LINEAR = {"activation": "linear", "recurrent_activation": "linear"}


def column(*values):
    return np.array(values, float).reshape(1, -1, 1)


def row(*values):
    return np.array([values], float)


def test_simple_rnn():
    # h1 = 2*1 + 3*0 + 1 = 3; h2 = 2*2 + 3*3 + 1 = 14
    output, states, cache = rnn_forward(
        "simple_rnn", column(1, 2), row(2), row(3), np.array([1.0]), activation="linear", return_sequences=True
    )
    np.testing.assert_array_equal(output, column(3, 14))
    np.testing.assert_array_equal(states, [row(14)])
    # L = h1 + 10 h2: dh2 = 10, dh1 = 1 + 3*10 = 31
    dx, dw, du, db, dp, (dh0,) = rnn_backward(cache, column(1, 10))
    np.testing.assert_array_equal(dx, column(62, 20))
    assert (dw.item(), du.item(), db.item(), dp, dh0.item()) == (31 * 1 + 10 * 2, 10 * 3, 41, None, 93)


def test_simple_rnn_two_units():
    # The off-diagonal recurrent kernel is not symmetric: h2 = h1 U, h1 = (1, 2).
    kernel, recurrent = np.array([[1.0, 2.0]]), np.array([[0.0, 3.0], [5.0, 0.0]])
    output, _, _ = rnn_forward("simple_rnn", column(1, 0), kernel, recurrent, activation="linear")
    np.testing.assert_array_equal(output, row(10, 3))


def test_lstm_gate_order():
    # x = 1, h0 = 1, c0 = 10; z = w + u + b: i = 2, f = 3, g = 5, o = 7
    kernel, recurrent, bias = row(1, 1, 2, 3), row(1, 1, 1, 2), np.array([0.0, 1.0, 2.0, 2.0])
    output, states, cache = rnn_forward(
        "lstm", column(1), kernel, recurrent, bias, initial_state=[row(1), row(10)], **LINEAR
    )
    # c = f c0 + i g = 30 + 10 = 40; h = o c = 280
    assert (output.item(), states[0].item(), states[1].item()) == (280, 280, 40)
    # L = h: do = c = 40, dc = o = 7, di = 7*5, df = 7*10, dg = 7*2, dc0 = 7*3
    dx, dw, du, db, _, (dh0, dc0) = rnn_backward(cache, row(1))
    np.testing.assert_array_equal(db, [35, 70, 14, 40])
    np.testing.assert_array_equal(dw, [[35, 70, 14, 40]])
    np.testing.assert_array_equal(du, [[35, 70, 14, 40]])
    assert dx.item() == 35 + 70 + 2 * 14 + 3 * 40
    assert (dh0.item(), dc0.item()) == (35 + 70 + 14 + 2 * 40, 21)


def test_lstm_peephole():
    # As above, with peepholes (1, 2, 3): i = 2 + 1*10 = 12, f = 3 + 2*10 = 23, c = 23*10 + 12*5 = 290, o = 7 + 3*290
    kernel, recurrent, bias = row(1, 1, 2, 3), row(1, 1, 1, 2), np.array([0.0, 1.0, 2.0, 2.0])
    peephole = np.array([[1.0], [2.0], [3.0]])
    output, states, cache = rnn_forward(
        "lstm", column(1), kernel, recurrent, bias, peephole, initial_state=[row(1), row(10)], **LINEAR
    )
    assert (output.item(), states[1].item()) == (877 * 290, 290)
    # L = h: do = 290, dc = 877 + 3*290 = 1747, di = dc*5, df = dc*10, dp = (di*10, df*10, do*290)
    *_, dp, (_, dc0) = rnn_backward(cache, row(1))
    np.testing.assert_array_equal(dp[:, 0], [17470 * 5, 17470 * 10, 290 * 290])
    assert dc0.item() == 1747 * 23 + 8735 * 1 + 17470 * 2


def test_gru_reset_after():
    # x = 1, h0 = 2; z = 1 + 2*1 + 0 = 3, r = 2 + 2*1 + 1 = 5; n = (3 + 1) + r * (2*2 + 3) = 39
    bias = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 3.0]])
    output, _, cache = rnn_forward("gru", column(1), row(1, 2, 3), row(1, 1, 2), bias, initial_state=[row(2)], **LINEAR)
    # h = z h0 + (1 - z) n = 6 - 78
    assert output.item() == -72
    # L = h: dz = h0 - n = -37, dn = 1 - z = -2, dr = -2 * 7, d(h0 U_h + b_h) = -2 * 5
    _, _, du, db, _, (dh0,) = rnn_backward(cache, row(1))
    np.testing.assert_array_equal(db, [[-37, -14, -2], [-37, -14, -10]])
    np.testing.assert_array_equal(du, [[-74, -28, -20]])
    assert dh0.item() == 3 - 37 - 14 - 20


def test_gru_reset_before():
    # As above with one bias: n = (3 + 4) + (r h0) * 2 = 7 + 20 = 27
    bias = np.array([0.0, 1.0, 4.0])
    output, _, cache = rnn_forward(
        "gru", column(1), row(1, 2, 3), row(1, 1, 2), bias, reset_after=False, initial_state=[row(2)], **LINEAR
    )
    assert output.item() == 3 * 2 - 2 * 27
    # dz = 2 - 27, dn = -2, d(r h0) = -4: dr = -8, dU_h = dn * r h0
    _, _, du, db, _, (dh0,) = rnn_backward(cache, row(1))
    np.testing.assert_array_equal(db, [-25, -8, -2])
    np.testing.assert_array_equal(du, [[-50, -16, -20]])
    assert dh0.item() == 3 - 25 - 8 - 4 * 5


def test_masked_outputs():
    # h doubles and adds x; the mask hides steps 0, 2 and 4.
    mask = np.array([[False, True, False, True, False]])
    arguments = ("simple_rnn", column(9, 1, 9, 3, 9), row(1), row(2))
    options = {"activation": "linear", "mask": mask, "initial_state": [row(4)], "return_sequences": True}
    output, states, cache = rnn_forward(*arguments, **options)
    np.testing.assert_array_equal(output, column(0, 9, 9, 21, 21))  # zero before the first step, not the state
    assert states[0].item() == 21
    dx, _, _, _, _, (dh0,) = rnn_backward(cache, column(100, 1, 1, 1, 1))
    np.testing.assert_array_equal(dx, column(0, 6, 0, 2, 0))
    assert dh0.item() == 12

    output, states, cache = rnn_forward(*arguments, **options, zero_output_for_mask=True)
    np.testing.assert_array_equal(output, column(0, 9, 0, 21, 0))
    assert states[0].item() == 21
    dx, *_ = rnn_backward(cache, column(100, 1, 1, 1, 1))
    np.testing.assert_array_equal(dx, column(0, 3, 0, 1, 0))

    output, _, _ = rnn_forward(*arguments, **options, go_backwards=True)
    np.testing.assert_array_equal(output, column(0, 11, 11, 23, 23))  # 2*4 + 3 = 11, 2*11 + 1 = 23


def test_all_masked_gives_zero_output_and_the_initial_state():
    options = {"mask": np.zeros((1, 2), bool), "initial_state": [row(4)]}
    output, states, cache = rnn_forward("simple_rnn", column(1, 2), row(1), row(2), **options)
    assert (output.item(), states[0].item()) == (0, 4)
    dx, dw, du, _, _, (dh0,) = rnn_backward(cache, row(5), [row(7)])
    assert not dx.any() and not dw.any() and not du.any()
    assert dh0.item() == 7
