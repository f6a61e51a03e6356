"""Two LSTM layers over an embedding: a text is good or bad.

    python examples/text_classifier.py [--data FOLDER] [--epochs N] [--rows N]

A Keras program of old: only its import line has changed (`import tensorflow as tf` became `import rnnfast as tf`).
"""

import argparse

import example_data

import rnnfast as tf

VOCABULARY, LENGTH = 10000, 50

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--data", help="folder with review_polarity.tar.gz (default: generated text)")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--rows", type=int, default=2000)
options = parser.parse_args()
x, y, source = example_data.reviews(options.data, VOCABULARY, LENGTH, options.rows)

model = tf.keras.Sequential(
    [
        tf.keras.layers.Embedding(VOCABULARY, 64, input_length=LENGTH),
        tf.keras.layers.LSTM(64, return_sequences=True),
        tf.keras.layers.LSTM(64),
        tf.keras.layers.Dense(64, activation="relu"),
        tf.keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.summary()
history = model.fit(x, y, epochs=options.epochs, batch_size=32, validation_split=0.2, verbose=2)
print(f"{source}: validation accuracy {history.history['val_accuracy'][-1]:.3f}")
