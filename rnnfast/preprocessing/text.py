"""Keras' module of this name: text as numbers, one for each word (or character).

>>> from rnnfast.preprocessing.text import Tokenizer
>>> tokenizer = Tokenizer(num_words=4, oov_token="?")
>>> tokenizer.fit_on_texts(["The cat sat.", "The dog sat on the cat!"])
>>> tokenizer.texts_to_sequences(["the cat ran"])
[[2, 3, 1]]
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from rnnfast import _arguments

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
MODES = ("binary", "count", "freq", "tfidf")


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text, what stands between `split`s. filters: characters that count as `split`.

    >>> from rnnfast.preprocessing.text import text_to_word_sequence
    >>> text_to_word_sequence("So it goes, Billy.")
    ['so', 'it', 'goes', 'billy']
    """
    if not isinstance(text, str):
        raise TypeError(f"text_to_word_sequence: text must be a string, got {text!r} of type {type(text).__name__}")
    text = (text.lower() if lower else text).translate({ord(character): split for character in filters})
    return [word for word in text.split(split) if word]


def one_hot(
    input_text: str,
    n: int,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to n - 1 for each word, which words may share: `hashing_trick` with Python's `hash`, which is
    another in every process.

    >>> from rnnfast.preprocessing.text import one_hot
    >>> a, b, c = one_hot("work no work", 50)
    >>> a == c
    True
    """
    return hashing_trick(input_text, n, hash, filters, lower, split, analyzer)


def hashing_trick(
    text: str,
    n: int,
    hash_function: Any = None,
    filters: str = FILTERS,
    lower: bool = True,
    split: str = " ",
    analyzer: Callable[[str], list[str]] | None = None,
) -> list[int]:
    """A number from 1 to n - 1 for each word, by its hash: words may share one. hash_function: default Python's `hash`,
    "md5" the same in every process, or a function of a word. analyzer: gives the words of a text.

    >>> from rnnfast.preprocessing.text import hashing_trick
    >>> hashing_trick("so it goes", 10, "md5")
    [8, 5, 6]
    """
    function: Any = hash if hash_function is None else hash_function
    if hash_function == "md5":
        function = lambda word: int(hashlib.md5(word.encode()).hexdigest(), 16)  # noqa: E731
    _arguments.whole_number("hashing_trick: n", n, least=2)
    words = text_to_word_sequence(text, filters, lower, split) if analyzer is None else analyzer(text)
    return [function(word) % (n - 1) + 1 for word in words]


class Tokenizer:
    """Numbers words by how often they occur: 1 is the most frequent, 0 is no word, and left to padding.

    num_words: texts keep the numbers below it alone; default all. filters, lower, split: as in `text_to_word_sequence`.
    char_level: number characters instead. oov_token: what stands, as number 1, for words that are not known or not
    kept; default they are left out. analyzer: a function that gives the words of a text, instead of all that.

    After `fit_on_texts` there are `word_index`, `index_word`, `word_counts`, `word_docs` (in how many texts a word
    occurs), `index_docs` and `document_count`. A text may also be a list of words.

    >>> from rnnfast.preprocessing.text import Tokenizer
    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["to be or not to be"])
    >>> tokenizer.word_index
    {'to': 1, 'be': 2, 'or': 3, 'not': 4}
    """

    def __init__(
        self,
        num_words: int | None = None,
        filters: str = FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
        oov_token: str | None = None,
        analyzer: Callable[[str], list[str]] | None = None,
        **options: Any,
    ) -> None:
        self.document_count = int(options.pop("document_count", 0))
        if options:
            raise TypeError(f"Tokenizer: unknown argument {next(iter(options))!r}")
        self.num_words = None if num_words is None else _arguments.whole_number("Tokenizer: num_words", num_words)
        self.filters, self.lower, self.split = filters, lower, split
        self.char_level, self.oov_token, self.analyzer = char_level, oov_token, analyzer
        self.word_counts: OrderedDict[str, int] = OrderedDict()
        self.word_docs: dict[str, int] = defaultdict(int)
        self.index_docs: dict[int, int] = defaultdict(int)
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, (list, tuple)):
            lowered = [piece.lower() for piece in text] if self.lower else list(text)
            return lowered
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def _listed(self, texts: Iterable[Any], method: str) -> Iterable[Any]:
        if isinstance(texts, str) and not self.char_level:  # there each character may be a text, as in Keras
            raise TypeError(f"Tokenizer.{method}: expected a list of texts, got one string; put it into a list")
        return texts

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Count the words of these texts, beside those of before, and number them anew."""
        for text in self._listed(texts, "fit_on_texts"):
            words = self._words(text)
            self.document_count += 1
            for word in words:
                self.word_counts[word] = self.word_counts.get(word, 0) + 1
            for word in set(words):
                self.word_docs[word] += 1
        ranked = sorted(self.word_counts, key=self.word_counts.__getitem__, reverse=True)
        known = ([] if self.oov_token is None else [self.oov_token]) + ranked
        self.word_index = {word: number for number, word in enumerate(known, start=1)}
        self.index_word = {number: word for word, number in self.word_index.items()}
        for word, count in self.word_docs.items():
            self.index_docs[self.word_index[word]] = count

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Count in how many sequences a number occurs: what `sequences_to_matrix` needs for "tfidf"."""
        for sequence in sequences:
            self.document_count += 1
            for number in set(sequence):
                self.index_docs[number] += 1

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """A list of numbers for each text."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """`texts_to_sequences`, one by one."""
        for text in self._listed(texts, "texts_to_sequences"):
            numbers = (self._kept(self.word_index.get(word)) for word in self._words(text))
            yield [number for number in numbers if number is not None]

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of each list of numbers, with spaces between."""
        return list(self.sequences_to_texts_generator(sequences))

    def sequences_to_texts_generator(self, sequences: Iterable[Iterable[int]]) -> Iterator[str]:
        """`sequences_to_texts`, one by one."""
        for sequence in sequences:
            numbers = (self._kept(number if number in self.index_word else None) for number in sequence)
            yield " ".join(self.index_word[number] for number in numbers if number is not None)

    def _kept(self, number: int | None) -> int | None:
        if number is not None and (not self.num_words or number < self.num_words):
            return number
        return None if self.oov_token is None else self.word_index.get(self.oov_token)

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray:
        """A row (num_words,) for each text: see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Any, mode: str = "binary") -> np.ndarray:
        """A row for each list of numbers, an element for each number: 1 where it occurs ("binary"), how often
        ("count"), that over the length of the list ("freq"), or `(1 + log(count)) log(1 + documents / (1 + documents
        with it))` ("tfidf")."""
        if mode not in MODES:
            raise ValueError(f"Tokenizer: mode must be one of {', '.join(MODES)}, got {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("Tokenizer: give num_words, or call fit_on_texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Tokenizer: mode 'tfidf' needs fit_on_texts or fit_on_sequences first")
        width = self.num_words or len(self.word_index) + 1
        rows = np.zeros((len(sequences), width))
        for row, sequence in zip(rows, sequences, strict=True):
            for number, count in Counter(n for n in sequence if 0 <= n < width).items():
                row[number] = self._weight(mode, number, count, len(sequence))
        return rows

    def _weight(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            rarity = math.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return (1 + math.log(count)) * rarity
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """Arguments and counts, in Keras' form: the latter as JSON."""
        counts = ("word_counts", "word_docs", "index_docs", "index_word", "word_index")
        return {
            "num_words": self.num_words,
            "filters": self.filters,
            "lower": self.lower,
            "split": self.split,
            "char_level": self.char_level,
            "oov_token": self.oov_token,
            "document_count": self.document_count,
            **{name: json.dumps(getattr(self, name)) for name in counts},
        }

    def to_json(self, **options: Any) -> str:
        """What `tokenizer_from_json`, here and in Keras, reads. options: those of json.dumps."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **options)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer of what `Tokenizer.to_json` gives, here or in Keras.

    >>> from rnnfast.preprocessing.text import Tokenizer, tokenizer_from_json
    >>> tokenizer = Tokenizer()
    >>> tokenizer.fit_on_texts(["so it goes"])
    >>> tokenizer_from_json(tokenizer.to_json()).texts_to_sequences(["it goes"])
    [[2, 3]]
    """
    config = dict(json.loads(json_string)["config"])
    counts = {name: json.loads(config.pop(name)) for name in ("word_counts", "word_docs", "word_index")}
    by_number = {name: json.loads(config.pop(name)) for name in ("index_docs", "index_word")}
    tokenizer = Tokenizer(**config)
    tokenizer.word_counts = OrderedDict(counts["word_counts"])
    tokenizer.word_docs.update(counts["word_docs"])
    tokenizer.word_index = counts["word_index"]
    tokenizer.index_docs.update({int(number): count for number, count in by_number["index_docs"].items()})
    tokenizer.index_word = {int(number): word for number, word in by_number["index_word"].items()}
    return tokenizer
