"""The same two-layer classifier of sequences with LSTM and with GRU.

    python examples/lstm_and_gru.py [--epochs N]

A Keras program of old, with `input_shape=` and `Adam(lr=...)`: only its import lines have changed (`keras` became
`rnnfast.keras`). Both old arguments still work, and say what to write today.
"""

import argparse

import numpy as np
from rnnfast.keras.layers import GRU, LSTM, Dense
from rnnfast.keras.models import Sequential
from rnnfast.keras.optimizers import Adam

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--epochs", type=int, default=20)
options = parser.parse_args()

# Waves in noise: the class is the frequency, hidden behind a random phase.
SEQUENCES, STEPS, FEATURES, CLASSES = 600, 40, 8, 4
rng = np.random.default_rng(0)
labels = rng.integers(0, CLASSES, SEQUENCES)
phase = rng.uniform(0, 2 * np.pi, (SEQUENCES, 1, FEATURES))
steps = np.arange(STEPS)[None, :, None]
x = np.sin(2 * np.pi * (labels[:, None, None] + 1) * steps / STEPS + phase) + rng.normal(0, 0.5, phase.shape)
y = np.eye(CLASSES)[labels]


def classifier(layer):
    model = Sequential()
    model.add(layer(128, return_sequences=True, input_shape=(STEPS, FEATURES)))
    model.add(layer(64))
    model.add(Dense(CLASSES, activation="softmax"))
    model.compile(optimizer=Adam(lr=0.001), loss="categorical_crossentropy", metrics=["accuracy"])
    return model


for layer in (LSTM, GRU):
    model = classifier(layer)
    history = model.fit(x, y, epochs=options.epochs, batch_size=32, validation_split=0.25, verbose=0)
    print(f"{layer.__name__}: validation accuracy {history.history['val_accuracy'][-1]:.3f}")
