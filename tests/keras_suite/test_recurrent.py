"""Keras' tests of its recurrent layers, on rnnfast's."""

import pytest

pytest.importorskip("absl.testing", reason="Keras is not installed (pip install '.[peers]')")
import keras_shim

if keras_shim.source_folder() is None:
    pytest.skip("Keras is not installed, or without its tests", allow_module_level=True)

FILES = (
    "simple_rnn_test", "lstm_test", "gru_test", "bidirectional_test", "rnn_test", "stacked_rnn_cells_test",
    "time_distributed_test", "dropout_rnn_cell_test",
)  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore:.*step by step:UserWarning")

# What does not hold here: where, what it fails with, and why. Each test in this table is run, and must fail so.
CUDNN = "asks whether cuDNN would be used; there is none here"
DIFFERENT = {
    ("bidirectional_test", "test_keeps_use_cudnn"): ("no attribute 'use_cudnn'", CUDNN),
    ("bidirectional_test", "test_fused_lstm_eligibility"): ("no attribute '_can_attempt_fused_lstm'", CUDNN),
    ("bidirectional_test", "test_fused_gru_eligibility"): ("no attribute '_can_attempt_fused_gru'", CUDNN),
    ("dropout_rnn_cell_test", "test_basics"): ("dtype must be .* got 'mixed_float16'", "mixed precision in training"),
    ("dropout_rnn_cell_test", "test_seed_tracking"): ("0 != 1", "expects that a seed is a variable"),
    ("time_distributed_test", "test_build"): ("Conv2D is not supported: it works on images", "images"),
}


def cases(file):
    """The test cases of a file, by the name that pytest shows."""
    found = {}
    for name, case in vars(keras_shim.load(file)).items():
        if isinstance(case, type) and issubclass(case, keras_shim.TestCase):
            listed = {test: how for (where, test), how in DIFFERENT.items() if where == file}
            members = {test: _must_fail(getattr(case, test), *how) for test, how in listed.items()}
            found[f"{file}_{name}"] = type(name, (case,), {"__module__": __name__, **members})
    return found


def _must_fail(test, match, reason):
    def run(self):
        with pytest.raises(Exception, match=match):
            test(self)
        pytest.skip(reason)

    return run


for _file in FILES:
    globals().update(cases(_file))
