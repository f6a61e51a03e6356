"""Run by `python -I smoke.py` beside an installed wheel, with nothing else installed: train, serve, stream."""

import numpy as np

import rnnfast

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 6, 4)).astype("float32")
y = (x.sum(axis=(1, 2)) > 0).astype("float32")[:, None]

model = rnnfast.Sequential(
    [rnnfast.layers.Input((6, 4)), rnnfast.layers.LSTM(8), rnnfast.layers.Dense(1, activation="sigmoid")]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=3, verbose=0)
if not history.history["loss"][-1] < history.history["loss"][0]:
    raise SystemExit(f"the loss did not fall: {history.history['loss']}")

engine = rnnfast.InferenceModel(model)
np.testing.assert_array_equal(engine(x), model.predict(x, verbose=0))
stream = engine.stream(batch_size=64)
for t in range(6):
    last = stream.step(x[:, t])
np.testing.assert_array_equal(last, engine(x))
print(f"smoke test passed: rnnfast {rnnfast.__version__}")
