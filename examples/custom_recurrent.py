"""A recurrent model as a class of one's own, trained step by step with Adam and categorical cross-entropy.

    python examples/custom_recurrent.py [--steps N]

The program that this one puts right kept what `compile` returns and called it:

    model = CustomRNN(...).compile(optimizer="adam", loss="categorical_crossentropy")
    model(x)  # TypeError: 'NoneType' object is not callable

`compile` sets the model up and returns None; the model is the object it was called on. One step of training is then
`train_on_batch`, which gives the loss from before its update.
"""

import argparse

import numpy as np

import rnnfast as tf


class CustomRNN(tf.keras.Model):
    """An LSTM layer, dropout, and a softmax over the classes."""

    def __init__(self, units, classes):
        super().__init__()
        self.recurrent = tf.keras.layers.LSTM(units)
        self.dropout = tf.keras.layers.Dropout(0.2)
        self.classify = tf.keras.layers.Dense(classes, activation="softmax")

    def call(self, x, training=False):
        return self.classify(self.dropout(self.recurrent(x), training=training))


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=300)
options = parser.parse_args()

# Which of the symbols came first? The model has to remember it to the end.
SYMBOLS, LENGTH, BATCH = 5, 8, 32
rng = np.random.default_rng(0)


def batch():
    symbols = rng.integers(0, SYMBOLS, (BATCH, LENGTH))
    return np.eye(SYMBOLS)[symbols], np.eye(SYMBOLS)[symbols[:, 0]]


model = CustomRNN(32, SYMBOLS)
model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.01), loss="categorical_crossentropy")
for step in range(1, options.steps + 1):
    loss = model.train_on_batch(*batch())
    if step % max(1, options.steps // 6) == 0:
        print(f"step {step}: loss {loss:.3f}")

x, y = batch()
right = (model.predict(x, verbose=0).argmax(-1) == y.argmax(-1)).mean()
print(f"first symbol remembered: {right:.2f}")
