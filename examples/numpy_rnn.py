"""A recurrent network by hand, forward and backward, beside rnnfast: the same loss and the same gradients.

    python examples/numpy_rnn.py

    h_t = tanh(x_t W + h_{t-1} U + b),   p = softmax(h_T V + c),   loss = -log p[label], the mean over the batch

Programs of this kind often get the backward pass wrong. What was wrong in the one that this puts right, and why:

1.  It multiplied weight gradients with the outputs and never with the error `p - y`: such "gradients" are the same
    whatever the labels are, so nothing is learned. Every gradient below starts from `dz = (p - y) / batch`.
2.  It left out tanh's derivative. `h = tanh(a)` gives `da = dh * (1 - h^2)`, at every step.
3.  It used the error of the last step only. The weights are shared by all steps: their gradient is a sum over time,
    and the error travels back by `dh_{t-1} = da_t U^T`.
4.  Its shapes did not meet: it took `x_t da_t` where the gradient of W, which maps features to units, is
    `x_t^T da_t`, features by units; the batch is what is summed over. Biases are summed over the batch too.
"""

import numpy as np

import rnnfast


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))  # the maximum changes nothing but keeps exp from overflowing
    return e / e.sum(axis=1, keepdims=True)


def forward(x, W, U, b, V, c):
    """x (batch, time, features). The states (time + 1, batch, units), the first one zero, and p (batch, classes)."""
    batch, time, _ = x.shape
    h = np.zeros((time + 1, batch, U.shape[0]))
    for t in range(time):
        h[t + 1] = np.tanh(x[:, t] @ W + h[t] @ U + b)
    return h, softmax(h[-1] @ V + c)


def backward(x, y, h, p, U, V):
    """Gradients of W, U, b, V, c for one-hot labels y (batch, classes)."""
    batch, time, features = x.shape
    dz = (p - y) / batch  # softmax and cross-entropy together
    dV, dc = h[-1].T @ dz, dz.sum(axis=0)
    dW, dU, db = np.zeros((features, U.shape[0])), np.zeros_like(U), np.zeros(U.shape[0])
    dh = dz @ V.T
    for t in reversed(range(time)):
        da = dh * (1 - h[t + 1] ** 2)
        dW += x[:, t].T @ da
        dU += h[t].T @ da
        db += da.sum(axis=0)
        dh = da @ U.T
    return dW, dU, db, dV, dc


BATCH, TIME, FEATURES, UNITS, CLASSES = 16, 12, 5, 8, 3
rng = np.random.default_rng(0)
x = rng.normal(size=(BATCH, TIME, FEATURES))
labels = (x[:, :, 0].sum(axis=1) > 0).astype(int) + (x[:, -1, 1] > 0)
y = np.eye(CLASSES)[labels]

model = rnnfast.Sequential(
    [
        rnnfast.layers.Input((TIME, FEATURES)),
        rnnfast.layers.SimpleRNN(UNITS, dtype="float64"),
        rnnfast.layers.Dense(CLASSES, activation="softmax", dtype="float64"),
    ]
)
model.compile(rnnfast.optimizers.SGD(learning_rate=0.5), "categorical_crossentropy")
weights = model.get_weights()

worst = 0.0
for step in range(1, 201):
    states, p = forward(x, *weights)
    by_hand = -np.log((p * y).sum(axis=1)).mean()
    gradients = backward(x, y, states, p, weights[1], weights[3])
    weights = [weight - 0.5 * gradient for weight, gradient in zip(weights, gradients, strict=True)]

    loss = model.train_on_batch(x, y)
    worst = max(
        worst, abs(loss - by_hand), *(np.abs(a - b).max() for a, b in zip(weights, model.get_weights(), strict=True))
    )
    if step in (1, 10, 50, 100, 200):
        print(f"step {step}: loss by hand {by_hand:.6f}, rnnfast {loss:.6f}")
print(f"largest difference in any loss or weight: {worst:.1e}")
if worst > 1e-9:
    raise SystemExit("the two do not agree")
