"""Text as numbers; tests/parity/test_keras_programs.py compares it with Keras'."""

import math

import numpy as np
import pytest

from rnnfast.preprocessing.text import MODES, Tokenizer, hashing_trick, one_hot, tokenizer_from_json

TEXTS = ["the cat sat", "the dog sat on the cat"]  # the 3, cat 2, sat 2, dog 1, on 1


def fitted(**options):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(TEXTS)
    return tokenizer


def test_words_are_numbered_by_how_often_they_occur():
    tokenizer = fitted()
    assert tokenizer.word_index == {"the": 1, "cat": 2, "sat": 3, "dog": 4, "on": 5}
    assert tokenizer.texts_to_sequences(["The dog, unknown!", ["on", "CAT"], ""]) == [[1, 4], [5, 2], []]
    assert tokenizer.sequences_to_texts([[1, 99, 4]]) == ["the dog"]
    tokenizer.fit_on_texts(["dog dog dog"])
    assert tokenizer.word_index["dog"] == 1 and tokenizer.document_count == 3 and tokenizer.index_docs[1] == 2


def test_words_that_are_not_kept():
    assert fitted(num_words=3).texts_to_sequences(TEXTS) == [[1, 2], [1, 1, 2]]
    assert fitted(num_words=3, oov_token="?").texts_to_sequences(["the cat"]) == [[2, 1]]
    assert fitted(char_level=True).texts_to_sequences(["T t"]) == [[1, 2, 1]]
    assert fitted(analyzer=lambda text: text.split("a")).texts_to_sequences(["t satt"]) == [[3]]


@pytest.mark.parametrize("mode", MODES)
def test_rows(mode):
    count = np.array([0, 2, 1, 1, 1, 1])
    rarity = np.array([0, *(math.log(1 + 2 / (1 + documents)) for documents in (2, 2, 2, 1, 1))])
    expected = {"binary": count > 0, "count": count, "freq": count / 6, "tfidf": rarity * (1 + np.log(count.clip(1)))}
    np.testing.assert_allclose(fitted().texts_to_matrix(TEXTS[1:], mode)[0], expected[mode])


def test_json():
    tokenizer = fitted(num_words=4, oov_token="?")
    again = tokenizer_from_json(tokenizer.to_json(indent=1))
    assert again.texts_to_sequences(TEXTS) == tokenizer.texts_to_sequences(TEXTS)
    np.testing.assert_array_equal(again.texts_to_matrix(TEXTS, "tfidf"), tokenizer.texts_to_matrix(TEXTS, "tfidf"))
    assert again.to_json() == tokenizer.to_json()


def test_hashes():
    numbers = hashing_trick("b a b", 5, lambda word: {"a": 8, "b": 3}[word])
    assert numbers == [4, 1, 4]
    assert one_hot("so it goes", 9) == hashing_trick("so it goes", 9) and set(one_hot("a b c d e f", 3)) <= {1, 2}


def test_misuse():
    with pytest.raises(TypeError, match="expected a list of texts, got one string"):
        Tokenizer().fit_on_texts("the cat")
    with pytest.raises(TypeError, match="Tokenizer: unknown argument 'words'"):
        Tokenizer(words=3)
    with pytest.raises(ValueError, match="mode must be one of binary, count, freq, tfidf, got 'sum'"):
        fitted().texts_to_matrix(TEXTS, "sum")
    with pytest.raises(ValueError, match="give num_words, or call fit_on_texts first"):
        Tokenizer().sequences_to_matrix([[1]])
    with pytest.raises(ValueError, match="'tfidf' needs fit_on_texts or fit_on_sequences"):
        Tokenizer(num_words=3).sequences_to_matrix([[1]], "tfidf")
    with pytest.raises(TypeError, match="text must be a string, got 3"):
        fitted().texts_to_sequences([3])
    with pytest.raises(ValueError, match="hashing_trick: n must be an integer of at least 2, got 1"):
        hashing_trick("a", 1)
