"""Inference graphs to test with: between them they hold every layer, every mask and every change of layout."""

import numpy as np

import rnnfast
from rnnfast.layers import (
    ELU,
    GRU,
    LSTM,
    Activation,
    AveragePooling1D,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Cropping1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Input,
    LayerNormalization,
    LeakyReLU,
    Masking,
    MaxPooling1D,
    Normalization,
    Permute,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    SimpleRNN,
    Softmax,
    SpatialDropout1D,
    TimeDistributed,
    UnitNormalization,
    UpSampling1D,
    ZeroPadding1D,
)

FEATURES, VOCABULARY = 5, 11


def numbers(rng, batch, time):
    return rng.standard_normal((batch, time, FEATURES))


def gaps(rng, batch, time):
    """Numbers with masked steps anywhere; one row has only masked steps, one has none."""
    x = numbers(rng, batch, time)
    x[rng.random((batch, time)) < 0.4] = 0.0
    x[batch // 2] = 0.0
    x[0] = 1.0
    return x


def some_gaps(rng, batch, time):
    """Numbers with masked steps; every row has a real one."""
    x = gaps(rng, batch, time)
    x[:, time // 2] = 1.0
    return x


def tokens(rng, batch, time):
    x = rng.integers(0, VOCABULARY, (batch, time))
    x[:, time // 2 :][rng.random((batch, time - time // 2)) < 0.5] = 0
    return x


def steps(*layers):
    return [Input((None, FEATURES)), *layers]


def words(*layers):
    return [Input((None,), dtype="int32"), Embedding(VOCABULARY, 6, mask_zero=True), *layers]


# name -> (input, layers, whether it can run step by step)
GRAPHS = {
    "simple_rnn": (numbers, lambda: steps(SimpleRNN(7)), True),
    "lstm": (numbers, lambda: steps(LSTM(17, return_sequences=True)), True),
    "lstm_norm": (numbers, lambda: steps(LSTM(17, layer_norm=True, return_sequences=True)), True),
    "gru_norm": (gaps, lambda: steps(Masking(), Bidirectional(GRU(9, layer_norm=True, reset_after=False))), False),
    "lstm_peephole": (numbers, lambda: steps(LSTM(9, peephole=True)), True),
    "lstm_projected": (
        numbers,
        lambda: steps(LSTM(9, projection_size=3, return_sequences=True), LSTM(5, projection_size=70), Dense(3)),
        True,
    ),
    "zoned_out": (
        numbers,
        lambda: steps(
            LSTM(17, zoneout=(0.3, 0.6), return_sequences=True), GRU(7, zoneout=0.4, return_sequences=True),
            GRU(5, zoneout=0.2, reset_after=False),
        ),
        True,
    ),
    "gru": (numbers, lambda: steps(GRU(16)), True),
    "gru_reset_before": (numbers, lambda: steps(GRU(5, reset_after=False, return_sequences=True)), True),
    "relu_lstm": (numbers, lambda: steps(LSTM(6, activation="relu", recurrent_activation="hard_sigmoid")), True),
    "stack": (
        numbers,
        lambda: steps(LSTM(8, return_sequences=True), Dropout(0.5), Dense(6, "relu"), GRU(7), Dense(3, "softmax")),
        True,
    ),
    "sequence_out": (numbers, lambda: steps(GRU(8, return_sequences=True), Dense(3), Activation("tanh")), True),
    "time_distributed": (
        numbers,
        lambda: steps(SimpleRNN(4, return_sequences=True), TimeDistributed(Dense(2, "log_softmax"))),
        True,
    ),
    "backwards": (numbers, lambda: steps(LSTM(5, go_backwards=True, return_sequences=True), GRU(4)), False),
    "backwards_twice": (
        numbers,
        lambda: steps(GRU(5, go_backwards=True, return_sequences=True), GRU(4, go_backwards=True), Dense(2)),
        False,
    ),
    "bidirectional": (
        numbers,
        lambda: steps(Bidirectional(LSTM(4, return_sequences=True)), Dense(3), Bidirectional(GRU(5), merge_mode="ave")),
        False,
    ),
    "bidirectional_sequence": (
        numbers,
        lambda: steps(Bidirectional(GRU(6, return_sequences=True), merge_mode="mul"), Dense(2)),
        False,
    ),
    "encoder_decoder": (
        numbers,
        lambda: steps(LSTM(6), RepeatVector(3), LSTM(5, return_sequences=True), Dense(2)),
        False,
    ),
    "masked": (gaps, lambda: steps(Masking(), LSTM(8, return_sequences=True), Dense(5, "relu"), GRU(6)), True),
    "masked_sequence": (gaps, lambda: steps(Masking(), GRU(8, return_sequences=True), Dense(5)), True),
    "masked_zero": (
        gaps,
        lambda: steps(Masking(), LSTM(4, return_sequences=True, zero_output_for_mask=True), Dense(2)),
        True,
    ),
    "masked_zero_end": (gaps, lambda: steps(Masking(), GRU(4, zero_output_for_mask=True), Dense(2)), True),
    "masked_zero_start": (
        gaps,
        lambda: steps(Masking(), LSTM(4, go_backwards=True, zero_output_for_mask=True), Dense(2)),
        False,
    ),
    "masked_projected": (
        gaps,
        lambda: steps(Masking(), LSTM(18, projection_size=5, return_sequences=True), LSTM(4, projection_size=9)),
        True,
    ),
    "masked_zoned_out": (
        gaps,
        lambda: steps(Masking(), LSTM(7, zoneout=(0.3, 0.6), return_sequences=True), GRU(6, zoneout=0.4)),
        True,
    ),
    "masked_backwards": (
        gaps,
        lambda: steps(Masking(), GRU(4, go_backwards=True, return_sequences=True), LSTM(3)),
        False,
    ),
    "masked_bidirectional": (
        gaps,
        lambda: steps(
            Masking(),
            Bidirectional(LSTM(4, return_sequences=True)),
            Bidirectional(GRU(3, return_sequences=True), merge_mode="sum"),
        ),
        False,
    ),
    "masked_only": (gaps, lambda: steps(Masking(), Dense(3)), True),
    "words_projected": (tokens, lambda: words(LSTM(8, projection_size=3)), True),
    "words": (tokens, lambda: words(LSTM(8), Dense(1, "sigmoid")), True),
    "words_sequence": (tokens, lambda: words(GRU(8, return_sequences=True), Dense(4)), True),
    "words_bidirectional": (
        tokens,
        lambda: words(Bidirectional(LSTM(4, return_sequences=True)), Bidirectional(LSTM(3))),
        False,
    ),
    "flatten": (
        numbers,
        lambda: [Input((6, FEATURES)), GRU(4, return_sequences=True), Flatten(), Dense(3)],
        False,
    ),
    "frames": (
        lambda rng, batch, time: rng.standard_normal((batch, time, 3, FEATURES)),
        lambda: [Input((None, 3, FEATURES)), TimeDistributed(GRU(4)), TimeDistributed(Dense(3)), LSTM(5)],
        True,
    ),
    "scaled": (
        numbers,
        lambda: steps(
            Rescaling(0.5, 0.1), Normalization(), BatchNormalization(), LSTM(20, return_sequences=True),
            LayerNormalization(), BatchNormalization(center=False), GRU(7, return_sequences=True),
            UnitNormalization(), GaussianNoise(0.1), SpatialDropout1D(0.1), LayerNormalization(rms_scaling=True),
            LayerNormalization(scale=False, center=False),
        ),
        True,
    ),
    "masked_scaled": (
        gaps,
        lambda: steps(Masking(), LSTM(6, return_sequences=True), BatchNormalization(), LayerNormalization(), GRU(4)),
        True,
    ),
    "rectified": (numbers, lambda: steps(LeakyReLU(0.1), Dense(4), ELU(0.5), ReLU(6.0), ReLU(), Softmax()), True),
    "convolutions": (
        numbers,
        lambda: steps(
            Conv1D(9, 3, activation="tanh"), Conv1D(8, 3, strides=2, padding="same"),
            Conv1D(6, 2, dilation_rate=2, padding="causal", use_bias=False),
            Conv1D(8, 3, groups=2, padding="same", activation="softmax"), GRU(4),
        ),
        False,
    ),
    "wide_convolution": (numbers, lambda: steps(Conv1D(70, 5, padding="same"), GlobalMaxPooling1D()), False),
    "convolution_of_one_step": (numbers, lambda: steps(Conv1D(7, 1, activation="relu"), GRU(4)), True),
    "pooling": (
        numbers,
        lambda: steps(
            UpSampling1D(3), MaxPooling1D(3, 2), AveragePooling1D(4, 3, "same"), MaxPooling1D(2, 1, "same"),
            AveragePooling1D(2, 1), GlobalAveragePooling1D(keepdims=True), LSTM(3),
        ),
        False,
    ),
    "masked_pooling": (
        some_gaps,
        lambda: steps(Masking(), LSTM(6, return_sequences=True), GlobalAveragePooling1D(), Dense(2)),
        False,
    ),
    "moved_steps": (
        numbers,
        lambda: steps(ZeroPadding1D((2, 1)), GRU(4, return_sequences=True), Cropping1D((1, 0)), UpSampling1D(), GRU(3)),
        False,
    ),
    "moved_axes": (
        numbers,
        lambda: [
            Input((6, FEATURES)), Permute((2, 1)), Reshape((3, 2, -1)), Permute((3, 1, 2)), Reshape((15, 2)), GRU(3),
        ],
        False,
    ),
    "permuted_frames": (
        lambda rng, batch, time: rng.standard_normal((batch, time, 3, FEATURES)),
        lambda: [
            Input((None, 3, FEATURES)), Permute((1, 3, 2)), TimeDistributed(Conv1D(4, 2, padding="same")),
            TimeDistributed(GlobalMaxPooling1D()), LSTM(5),
        ],
        True,
    ),
}  # fmt: skip
STREAMS = [name for name, (_, _, causal) in GRAPHS.items() if causal]


def build(layers, rng):
    """The model with random weights, biases among them, so that a swapped gate or a lost bias shows."""
    model = rnnfast.Sequential(layers)
    for weight in model.weights:
        value = 0.5 * rng.standard_normal(weight.shape)
        weight.assign(np.abs(value) + 0.1 if "variance" in weight.name else value)
    return model
