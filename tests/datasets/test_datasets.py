"""Data that is downloaded: from files on this machine, in place of the network."""

import hashlib
import json

import numpy as np
import pytest

from rnnfast import datasets
from rnnfast.datasets import _store, imdb, mnist, reuters


def ragged(*rows):
    made = np.empty(len(rows), dtype=object)
    made[:] = rows
    return made


@pytest.fixture
def served(tmp_path, monkeypatch):
    """served(module, name, arrays): the module finds a file of these arrays where it looks on the network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(_store, "_FOLDER", tmp_path.as_uri() + "/")

    def served(module, name, content):
        if isinstance(content, dict) and name.endswith("json"):
            (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
            digest, constant = hashlib.md5((tmp_path / name).read_bytes()), "_WORDS_DIGEST"
        else:
            np.savez(tmp_path / name, **content)
            digest, constant = hashlib.sha256((tmp_path / name).read_bytes()), "_DIGEST"
        monkeypatch.setattr(module, constant, digest.hexdigest())

    return served


TEXTS = [[1, 2, 3], [4, 1], [9, 8, 7, 6], [5]]


@pytest.fixture
def reviews(served):
    served(imdb, "imdb.npz", {
        "x_train": ragged(*TEXTS), "y_train": np.array([0, 1, 0, 1]),
        "x_test": ragged([2, 9], [3]), "y_test": np.array([1, 0]),
    })  # fmt: skip


def by_label(x, y):
    return sorted((int(label), list(text)) for text, label in zip(x, y, strict=True))


def test_reviews_begin_with_the_start_and_are_moved_up(reviews):
    (x, y), (x_test, y_test) = imdb.load_data()
    # without num_words the largest number of all is already unknown
    moved = [[1, *(word + 3 for word in text)] for text in TEXTS]
    expected = [[2 if word >= 12 else word for word in text] for text in moved]
    assert by_label(x, y) == by_label(expected, [0, 1, 0, 1])
    assert by_label(x_test, y_test) == [(0, [1, 6]), (1, [1, 5, 2])]


def test_words_that_are_left_out(reviews):
    (x, y), _ = imdb.load_data(num_words=8, skip_top=5)
    assert by_label(x, y) == by_label([[2, 2, 5, 6], [2, 7, 2], [2, 2, 2, 2, 2], [2, 2]], [0, 1, 0, 1])
    (x, y), _ = imdb.load_data(num_words=8, skip_top=5, oov_char=None, start_char=None)
    assert by_label(x, y) == by_label([[5, 6], [7], [], []], [0, 1, 0, 1])


def test_long_reviews_are_left_out(reviews):
    (x, y), (x_test, _) = imdb.load_data(maxlen=4)
    assert by_label(x, y) == by_label([[1, 7, 4], [1, 8]], [1, 1]) and len(x_test) == 2
    with pytest.raises(ValueError, match="no text has fewer than maxlen=2 words"):
        imdb.load_data(maxlen=2)


def test_news_are_split(served):
    texts = [[i, i + 1] for i in range(1, 11)]
    served(reuters, "reuters.npz", {"x": ragged(*texts), "y": np.arange(10)})
    (x, y), (x_test, y_test) = reuters.load_data(test_split=0.3, index_from=0, start_char=None, num_words=50)
    assert len(x) == 7 and len(x_test) == 3
    assert by_label([*x, *x_test], [*y, *y_test]) == by_label(texts, range(10))


def test_digits(served):
    images = np.random.default_rng(0).integers(0, 255, (3, 28, 28)).astype("uint8")
    served(mnist, "mnist.npz", {"x_train": images, "y_train": [1, 2, 3], "x_test": images[:1], "y_test": [4]})
    (x, y), (x_test, y_test) = mnist.load_data()
    assert np.array_equal(x, images) and y.tolist() == [1, 2, 3] and len(x_test) == 1 and y_test.tolist() == [4]


@pytest.mark.parametrize("module", [imdb, reuters])
def test_words(served, module):
    served(module, f"{module.__name__.rpartition('.')[2]}_word_index.json", {"the": 1, "film": 2})
    assert module.get_word_index() == {"the": 1, "film": 2}


def test_other_files_are_not_unpickled(reviews, monkeypatch):
    monkeypatch.setattr(imdb, "_DIGEST", "0" * 64)
    with pytest.raises(ValueError, match="has not the digest"):
        imdb.load_data()


def test_what_is_not_here():
    with pytest.raises(AttributeError, match="cifar10 is not supported: it works on images"):
        datasets.cifar10.load_data  # noqa: B018
