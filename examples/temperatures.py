"""Melbourne's minimum temperature of the next day, by a GRU over the last month; then day by day as a stream.

    python examples/temperatures.py [--data FOLDER] [--epochs N] [--figure FILE]

Draws the last year's forecasts.
"""

import argparse

import example_data
import numpy as np

from rnnfast import InferenceModel, keras

DAYS, BATCH = 30, 32


def network(keras):
    """For any package that has Keras' names."""
    layers = keras.layers
    return keras.Sequential([layers.Input((None, 1)), layers.GRU(32), layers.Dense(1)])


def windows(series):
    """x (n, 30, 1) and y (n, 1) of the standardised series; its mean and deviation in degrees."""
    mean, deviation = float(series.mean()), float(series.std())
    scaled = (series - mean) / deviation
    x = np.lib.stride_tricks.sliding_window_view(scaled, DAYS)[:-1, :, None]
    return x, scaled[DAYS:, None], mean, deviation


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with daily-min-temperatures.csv (default: a generated series)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--figure", default="temperatures.png")
    options = parser.parse_args()
    import matplotlib.pyplot as plt  # here, so that `network` can be had without it

    series, source = example_data.temperatures(options.data)
    x, y, mean, deviation = windows(series)
    split = len(y) - 365

    keras.utils.set_random_seed(0)
    model = network(keras)
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(x[:split], y[:split], batch_size=BATCH, epochs=options.epochs, verbose=0)
    error = deviation * model.evaluate(x[split:], y[split:], verbose=0, return_dict=True)["mae"]
    yesterday = deviation * float(np.abs(y[split:] - y[split - 1 : -1]).mean())

    # The same model day by day: a stream keeps the state, so that a new day costs one step and not thirty.
    stream = InferenceModel(model).stream()
    streamed = np.array([stream.step(day[None, None])[0, 0] for day in (series - mean) / deviation])

    figure, axes = plt.subplots(figsize=(9, 3.5), layout="constrained")
    axes.plot(mean + deviation * y[split:, 0], "k", lw=0.8, label="measured")
    axes.plot(mean + deviation * model.predict(x[split:], verbose=0)[:, 0], label="forecast from 30 days")
    axes.plot(mean + deviation * streamed[-366:-1], label="forecast of the stream")
    axes.set(xlabel="day", ylabel="minimum temperature, C", title=source)
    axes.legend()
    figure.savefig(options.figure, dpi=120)
    print(f"{source}: mean absolute error {error:.2f} C ({yesterday:.2f} C if tomorrow were as today)")
    print(f"drawn to {options.figure}")


if __name__ == "__main__":
    main()
