"""The Tokenizer on odd input; beside Keras' it is in `tests/parity/test_keras_programs.py`."""

import pytest

from rnnfast.preprocessing.text import Tokenizer


def test_one_string_is_no_list_of_texts():
    tokenizer = Tokenizer()
    with pytest.raises(TypeError, match="fit_on_texts: expected a list of texts, got one string"):
        tokenizer.fit_on_texts("so it goes")
    tokenizer.fit_on_texts(["so it goes"])
    with pytest.raises(TypeError, match="texts_to_sequences: expected a list of texts, got one string"):
        tokenizer.texts_to_matrix("so it goes")


def test_one_string_is_a_text_for_each_of_its_characters():
    """With `char_level`, as programs that learn characters have it: there are as many texts as characters."""
    tokenizer = Tokenizer(char_level=True)
    tokenizer.fit_on_texts("To be or not to be")
    assert tokenizer.document_count == 18 and tokenizer.word_index[" "] == 1
    assert tokenizer.texts_to_sequences("to") == [[3], [2]] and tokenizer.texts_to_sequences(["to"]) == [[3, 2]]


def test_numbers_that_no_word_has():
    tokenizer = Tokenizer(num_words=3)
    assert tokenizer.sequences_to_matrix([[-1, 1, 3]]).tolist() == [[0, 1, 0]]
