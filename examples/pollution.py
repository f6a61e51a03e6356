"""Tomorrow's first hour of Beijing's air: a day of weather through an LSTM or a GRU, beside the time of the year.

    python examples/pollution.py [--data FOLDER] [--epochs N] [--rows N] [--figure FILE]

A model of two inputs: the window (24 hours, 8 measurements) goes through the recurrent layer, and what is known of the
hour to be forecast (hour and month as points on a circle) joins it afterwards. Draws forecast and truth.
"""

import argparse

import example_data
import numpy as np

from rnnfast import keras

HOURS, BATCH = 24, 64


def network(keras, cell="LSTM"):
    """For any package that has Keras' names. cell: "LSTM" or "GRU"."""
    layers = keras.layers
    window = layers.Input((HOURS, 8), name="window")
    when = layers.Input((4,), name="when")
    past = getattr(layers, cell)(64)(window)
    joined = layers.Concatenate()([past, when])
    forecast = layers.Dense(1, name="pm25")(layers.Dense(32, activation="relu")(joined))
    return keras.Model([window, when], forecast)


def windows(table):
    """({"window": (n, 24, 8), "when": (n, 4)}, y (n, 1)) of standardised hours, and the scale of y in ug/m3."""
    mean, deviation = table.mean(axis=0), table.std(axis=0)
    scaled = (table - mean) / deviation
    window = np.lib.stride_tricks.sliding_window_view(scaled, HOURS, axis=0)[:-1].swapaxes(1, 2)
    hour = np.arange(HOURS, len(table))
    day, year = 2 * np.pi * hour / 24, 2 * np.pi * hour / (24 * 365.25)
    when = np.stack([np.sin(day), np.cos(day), np.sin(year), np.cos(year)], axis=1).astype(np.float32)
    return {"window": window, "when": when}, scaled[HOURS:, :1], float(deviation[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with pollution.csv (default: a generated series)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=43_800, help="hours")
    parser.add_argument("--figure", default="pollution.png")
    options = parser.parse_args()
    import matplotlib.pyplot as plt  # here, so that `network` can be had without it

    table, _, source = example_data.pollution(options.data)
    x, y, scale = windows(table[: options.rows])
    split = len(y) * 4 // 5
    train, test = ({name: part[rows] for name, part in x.items()} for rows in (slice(split), slice(split, None)))

    figure, axes = plt.subplots(figsize=(9, 3.5), layout="constrained")
    shown = slice(0, 24 * 7)
    axes.plot(scale * y[split:][shown], "k", lw=1, label="measured")
    for cell in ("LSTM", "GRU"):
        keras.utils.set_random_seed(0)
        model = network(keras, cell)
        model.compile("adam", "mse")
        model.fit(train, y[:split], batch_size=BATCH, epochs=options.epochs, verbose=0)
        forecast = model.predict(test, verbose=0)
        error = scale * float(np.sqrt(np.mean((forecast - y[split:]) ** 2)))
        axes.plot(scale * forecast[shown], lw=1, label=f"{cell}, an hour ahead")
        print(f"{source}, {cell}: root mean squared error {error:.1f} ug/m3")
    axes.set(xlabel="hour", ylabel="PM2.5 above the mean, ug/m3", title=source)
    axes.legend()
    figure.savefig(options.figure, dpi=120)
    print(f"drawn to {options.figure}")


if __name__ == "__main__":
    main()
