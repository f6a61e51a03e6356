"""A character language model of two LSTM layers, trained on long texts piece by piece, that then writes.

    python examples/shakespeare.py [--data FOLDER] [--epochs N] [--characters N] [--figure FILE]

The text is laid out as parallel streams. `fit(tbptt=100)` walks them a hundred characters at a time: each piece is
an update, and the states go on from piece to piece (truncated back-propagation through time). Draws the perplexity.
"""

import argparse

import example_data
import numpy as np

from rnnfast import InferenceModel, keras

STREAMS, PIECE = 32, 100


def network(keras, symbols, stateful=False):
    """For any package that has Keras' names. stateful: for programs that walk the pieces themselves."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input(batch_shape=(STREAMS if stateful else None, None), dtype="int32"),
            layers.Embedding(symbols, 64),
            layers.LSTM(256, return_sequences=True, stateful=stateful),
            layers.LSTM(256, return_sequences=True, stateful=stateful),
            layers.Dense(symbols, activation="softmax"),
        ]
    )


def streams(text, limit):
    """(x, y), each (STREAMS, whole pieces): y is one character ahead of x."""
    pieces = (min(len(text), limit) - 1) // (STREAMS * PIECE)
    if pieces < 1:
        raise SystemExit(f"the text must have more than {STREAMS * PIECE} characters")
    used = STREAMS * pieces * PIECE
    return text[:used].reshape(STREAMS, -1), text[1 : used + 1].reshape(STREAMS, -1)


def write(model, first, count, rng):
    """Characters drawn one by one, each fed from the last."""
    stream = InferenceModel(model).stream()
    written = [first]
    for _ in range(count):
        p = stream.step(np.array([written[-1]]))[0].astype(np.float64)
        written.append(int(rng.choice(len(p), p=p / p.sum())))
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with tinyshakespeare.txt (default: generated text)")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--figure", default="shakespeare.png")
    options = parser.parse_args()
    import matplotlib.pyplot as plt  # here, so that `network` can be had without it

    text, symbols, source = example_data.characters(options.data)
    x, y = streams(text, options.characters)
    held_out = max(PIECE, x.shape[1] // 10 // PIECE * PIECE)  # the end of every stream
    if held_out == x.shape[1]:
        raise SystemExit(f"--characters {options.characters}: expected at least {2 * STREAMS * PIECE + 1}")

    keras.utils.set_random_seed(0)
    model = network(keras, len(symbols))
    model.compile(keras.optimizers.Adam(0.002, clipnorm=1.0), "sparse_categorical_crossentropy")
    training, validation = [], []
    for epoch in range(options.epochs):
        history = model.fit(x[:, :-held_out], y[:, :-held_out], batch_size=STREAMS, tbptt=PIECE, verbose=0).history
        training.append(np.exp(history["loss"][0]))
        validation.append(np.exp(model.evaluate(x[:, -held_out:], y[:, -held_out:], verbose=0)))
        print(f"epoch {epoch + 1}: perplexity {training[-1]:.2f}, held out {validation[-1]:.2f}", flush=True)

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot(range(1, len(training) + 1), training, "o-", label="training")
    axes.plot(range(1, len(training) + 1), validation, "o-", label="held out")
    axes.set(xlabel="epoch", ylabel="perplexity per character", title=source)
    axes.legend()
    figure.savefig(options.figure, dpi=120)
    print("".join(symbols[i] for i in write(model, int(x[0, 0]), 300, np.random.default_rng(0))))
    print(f"{source}: held-out perplexity {validation[-1]:.2f}; drawn to {options.figure}")


if __name__ == "__main__":
    main()
