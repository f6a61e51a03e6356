"""The next value of a series, by two SimpleRNN layers and by two LSTM layers, trained on the mean squared error.

    python examples/forecast.py [--data FOLDER] [--epochs N]

A Keras program: only its import lines have changed (`keras` became `rnnfast.keras`).
"""

import argparse

import example_data
import numpy as np
from rnnfast.keras.layers import LSTM, Dense, Input, SimpleRNN
from rnnfast.keras.models import Sequential

WINDOW = 30

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", help="folder with daily-min-temperatures.csv (default: a generated series)")
parser.add_argument("--epochs", type=int, default=10)
options = parser.parse_args()

series, source = example_data.temperatures(options.data)
mean, deviation = series.mean(), series.std()
scaled = (series - mean) / deviation
x = np.lib.stride_tricks.sliding_window_view(scaled, WINDOW)[:-1, :, None]
y = scaled[WINDOW:]

networks = {
    "SimpleRNN": [SimpleRNN(64, return_sequences=True), SimpleRNN(32)],
    "LSTM": [LSTM(64, return_sequences=True), LSTM(32)],
}
for name, layers in networks.items():
    model = Sequential([Input((WINDOW, 1)), *layers, Dense(1)])
    model.compile(optimizer="adam", loss="mean_squared_error")
    history = model.fit(x, y, epochs=options.epochs, batch_size=32, validation_split=0.2, verbose=0)
    error = deviation * history.history["val_loss"][-1] ** 0.5
    print(f"{source}, {name}: root mean squared error of the next day {error:.2f} C")
