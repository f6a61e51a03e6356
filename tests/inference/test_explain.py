"""explain() names what runs for each layer, and why."""

import rnnfast
from rnnfast.layers import LSTM, Bidirectional, Dense, Dropout, Input, Masking


def test_rows():
    model = rnnfast.Sequential(
        [
            Input((None, 4)),
            Masking(name="skip"),
            Bidirectional(LSTM(8, return_sequences=True), name="both"),
            Dropout(0.5),
            LSTM(6, activation="relu", name="last"),
            Dense(2, activation="softmax", name="answer"),
        ]
    )
    told = rnnfast.InferenceModel(model, threads=2).explain()
    assert [row["layer"] for row in told.rows] == ["skip", "both", "both", "both", "both", "last", "answer"]
    by_layer = {row["layer"]: row for row in told.rows}
    assert by_layer["last"]["runs"] == "lstm"
    assert by_layer["last"]["isa"] == rnnfast.cpu_info()["isa"]
    assert by_layer["last"]["threads"] == 2
    assert by_layer["both"]["layout"] == "packed"
    assert by_layer["answer"]["layout"] == "rows"
    assert by_layer["last"]["weight_bytes"] >= 4 * (16 + 6) * 4 * 6
    assert all(row["why"] and row["kernel"] for row in told.rows)
    assert by_layer["last"]["why"] != told.rows[1]["why"]  # activations of its own


def test_text():
    engine = rnnfast.InferenceModel(rnnfast.Sequential([Input((None, 4)), LSTM(8, name="cells")]))
    text = str(engine.explain())
    assert "cells" in text and rnnfast.cpu_info()["isa"] in text and "threads" in text
    assert str(engine.explain()) == repr(engine.explain())
