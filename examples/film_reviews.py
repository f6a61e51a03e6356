"""Film reviews, good or bad: Embedding, a bidirectional LSTM that skips the padding, Dense.

    python examples/film_reviews.py [--data FOLDER] [--epochs N] [--rows N] [--figure FILE]

Draws the loss and the accuracy of every epoch.
"""

import argparse

import example_data

from rnnfast import keras

VOCABULARY, LENGTH, BATCH = 10_000, 400, 32


def network(keras):
    """For any package that has Keras' names."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(VOCABULARY, 64, mask_zero=True),
            layers.Bidirectional(layers.LSTM(64)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with review_polarity.tar.gz (default: generated text)")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--figure", default="film_reviews.png")
    options = parser.parse_args()
    import matplotlib.pyplot as plt  # here, so that `network` can be had without it

    x, y, source = example_data.reviews(options.data, VOCABULARY, LENGTH, options.rows)

    keras.utils.set_random_seed(0)
    model = network(keras)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=BATCH, epochs=options.epochs, validation_split=0.2, verbose=2).history

    epochs = range(1, len(history["loss"]) + 1)
    figure, (loss, accuracy) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(epochs, history[name], "o-", label="training")
        axes.plot(epochs, history[f"val_{name}"], "o-", label="validation")
        axes.set(xlabel="epoch", title=name)
        axes.legend()
    figure.suptitle(source)
    figure.savefig(options.figure, dpi=120)
    print(f"{source}: validation accuracy {max(history['val_accuracy']):.3f}; drawn to {options.figure}")


if __name__ == "__main__":
    main()
