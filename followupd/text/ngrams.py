"""Classify short texts by words, letters and meanings: hashed n-grams, one weight for each class, trees after them.

The weights are data (`followupd/languages/*.json`), made by the training scripts in `benchmarks/`. Reading needs no
library: a text of fifteen words costs a third of a millisecond.
"""

import base64
import math
import re
import sys
import zlib
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from operator import and_
from typing import Any

from followupd.languages import Language
from followupd.text import without_accents

#: n-grams fall into 2 ** BITS places
BITS = 16
#: words of a text that are read
MAX_TOKENS = 400
#: lengths of the parts of words; shorter words count as a whole only
_PARTS = (3, 4, 5)
_MIN_PARTED = 4
#: letters from which the beginning of a word may tell its meaning
_SHORTEST_BEGINNING = 2
#: letters of one word that are read
_MAX_WORD = 30
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_PLAIN = str.maketrans({"\u2019": "'", "\u2018": "'", "\u00df": "ss"})


def folded(text: str) -> str:
    """Return the text in lower case and without accents, as people type on phones."""
    return without_accents(text.lower().translate(_PLAIN))


def tokens(text: str) -> list[str]:
    """Return the words, numbers and signs of a text; of a number only how many digits it has, three at most."""
    found = []
    for token in _TOKEN.findall(folded(text))[:MAX_TOKENS]:
        found.append("0" * min(len(token), 3) if token[0].isdigit() else token)
    return found


def ngrams(words: Sequence[str], whole: Container[str] = ()) -> set[str]:
    """Return the features of a text: words, pairs, triples, pairs around a word, and parts of words.

    Args:
        words: the words of the text.
        whole: words whose parts do not count.
    """
    found = sequences(words)
    for word in set(words):
        found.update(_of_word(word, is_whole=word in whole))
    return found


def sequences(words: Sequence[str]) -> set[str]:
    """Return the pairs, triples and pairs around a word of a text."""
    padded = ["^", *words, "$"]
    found = {f"b{a} {b}" for a, b in pairwise(padded)}
    found.update(f"t{a} {b} {c}" for a, b, c in zip(padded, padded[1:], padded[2:], strict=False))
    found.update(f"s{a} {c}" for a, c in zip(padded, padded[2:], strict=False))
    return found


def _of_word(word: str, *, is_whole: bool) -> list[str]:
    """Return a word and its parts, with marks of beginning and end; one that counts as a whole has no parts."""
    if is_whole or len(word) < _MIN_PARTED:
        return [f"w{word}"]
    part = f"<{word[:_MAX_WORD]}>"
    parts = [f"c{part[at : at + size]}" for size in _PARTS for at in range(len(part) - size + 1)]
    return [f"w{word}", *parts]


@lru_cache(maxsize=4_096)
def places_of_word(word: str, bits: int, *, is_whole: bool, language: str = "") -> tuple[int, ...]:
    """Return where the weights of a word and its parts are; most words of a mail are in the next one too."""
    return tuple(places((language + part for part in _of_word(word, is_whole=is_whole)), bits))


def places_in(text: str, bits: int, language: str = "") -> set[int]:
    """Return where the weights of a text's n-grams are.

    Args:
        text: one sentence.
        bits: of the table's size, with which the weights were made.
        language: the tag of the language for which they count; "" where they are of all languages.
    """
    words = tokens(text)
    found = set(places((language + gram for gram in sequences(words)), bits))
    for word in set(words):
        found.update(places_of_word(word, bits, is_whole=False, language=language))
    return found


def places(features: Iterable[str], bits: int = BITS) -> list[int]:
    """Return where the weights of these features are.

    Args:
        features: n-grams, as `ngrams` returns them.
        bits: the bits of the table's size, with which the weights were made.

    Returns:
        an index from 0 to 2 ** bits - 1 for each feature; two features may share one.
    """
    mask = (1 << bits) - 1
    return [zlib.crc32(feature.encode()) & mask for feature in features]


def paired(firsts: Iterable[str], seconds: Iterable[str], bits: int) -> set[int]:
    """Return where the weights of the seconds are, and of all pairs "first second", as `places` does but faster."""
    mask = (1 << bits) - 1
    behind = [second.encode() for second in seconds]
    before = [0, *(zlib.crc32(f"{first} ".encode()) for first in firsts)]
    return {zlib.crc32(second, start) & mask for start in before for second in behind}


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """What words of one language mean ("send", "money"), by names that are the same in all languages.

    `names` has them by word, and by how words begin ("refund*"), `phrases` by the first two of several words, with the
    words behind these.
    """

    names: Mapping[str, Sequence[str]]
    phrases: Mapping[tuple[str, str], Sequence[tuple[list[str], str]]]

    @classmethod
    def of(cls, *tables: Mapping[str, Iterable[str]]) -> "Meanings":
        """Return the meanings of a language from its words by meaning; words of a phrase are joined by "_"."""
        names: defaultdict[str, list[str]] = defaultdict(list)
        phrases: defaultdict[tuple[str, str], list[tuple[list[str], str]]] = defaultdict(list)
        for name, own in chain.from_iterable(table.items() for table in tables):
            for word in own:
                first, *behind = word.split("_")
                if behind:
                    phrases[first, behind[0]].append((behind[1:], name))
                else:
                    names[word].append(name)
        return cls(dict(names), dict(phrases))

    def spoken(self, words: Sequence[str]) -> dict[str, str]:
        """Return what words and phrases of a text mean, each meaning with the first words that have it."""
        found: dict[str, str] = {}
        for word in words:
            for name in _names_of(self, word):
                found.setdefault(name, word)
        for at, pair in enumerate(pairwise(words), 2):
            for behind, name in self.phrases.get(pair, ()):
                if words[at : at + len(behind)] == behind:
                    found.setdefault(name, " ".join((*pair, *behind)))
        return found

    def of_word(self, word: str) -> frozenset[str]:
        """Return what a word means; most words have no meaning here, some several."""
        keys = [word, *(f"{word[:size]}*" for size in range(_SHORTEST_BEGINNING, len(word) + 1))]
        return frozenset(chain.from_iterable(self.names.get(key, ()) for key in keys))


@lru_cache(maxsize=20_000)
def _names_of(meanings: Meanings, word: str) -> tuple[str, ...]:
    """Return what a word means, in their order."""
    return tuple(sorted(meanings.of_word(word)))


@lru_cache(maxsize=32)
def concepts_of(language: Language) -> Meanings:
    """Return what words of a language mean; nothing where it has no `concepts.toml`."""
    return Meanings.of(language.concepts().concepts)


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Weights of one class: of hashed n-grams in steps of `step`, and of named signs."""

    weights: "array[int]"
    step: float
    signs: Mapping[str, float]
    bias: float

    def score(self, at: Collection[int], signs: Iterable[str]) -> float:
        """Return the log-odds of the class.

        Args:
            at: the places of the text's n-grams, from `places`.
            signs: the names of the signs that were seen; unknown ones count nothing.
        """
        total = self.bias + sum(self.signs.get(sign, 0.0) for sign in signs)
        if not at:
            return total
        return total + self.step * sum(map(self.weights.__getitem__, at)) / math.sqrt(len(at))


@dataclass(frozen=True, slots=True)
class Classes:
    """The models of several classes, of which a text may belong to none or to several."""

    bits: int
    models: Mapping[str, LinearModel]

    @classmethod
    def of(cls, data: Mapping[str, Any], group: str = "classes") -> "Classes":
        """Read the weights that `benchmarks/train_promises.py` writes.

        Args:
            data: `bits`, and for each class its `weights` (bytes, compressed, in base 85), the `step` by which they are
                multiplied, its `signs` and its `bias`.
            group: under which the classes are.
        """
        models = {}
        for name, model in data[group].items():
            weights = array("b", zlib.decompress(base64.b85decode(model["weights"])))
            models[name] = LinearModel(weights, model["step"], model["signs"], model["bias"])
        return cls(data["bits"], models)

    def scores(self, text: str, language: str, signs: Iterable[str] = ()) -> dict[str, float]:
        """Return the log-odds of each class by the n-grams of a text, which count for its language alone.

        Args:
            text: one sentence.
            language: the tag with which the models were trained; "" where they are of all languages.
            signs: what other readers saw in it, by the names that the model was trained with.
        """
        at = places((language + gram for gram in ngrams(tokens(text))), self.bits)
        return self.scores_at(at, tuple(signs))

    def scores_at(
        self, at: Collection[int], signs: Collection[str] = (), *, names: Iterable[str] = ()
    ) -> dict[str, float]:
        """Return the log-odds of each class.

        Args:
            at: the places of a text's n-grams, from `places` or `places_in`, as when the models were trained.
            signs: what other readers saw in it, by the names that the model was trained with.
            names: of the classes that are asked for; all of them without.
        """
        return {name: self.models[name].score(at, signs) for name in names or self.models}


#: a tree asks for one number after the other, (name, most, below, above), and ends with what it adds
Tree = float | list[Any]
#: leaves of a tree at most, which are bits of one number for all trees together
_LEAVES = 16


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that trees ask of one number: the leaves that are left, by how many of the bounds are below it."""

    name: str
    bounds: Sequence[float]
    left: Sequence[int]


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees of one class: they weigh the scores of other classes and named signs together.

    Each leaf is a bit, from the left to the right. A number above a bound takes away the leaves below it, and the first
    leaf that is left counts: so all trees are walked at once, by one number after the other.
    """

    bias: float
    asked: Sequence[_Asked]
    leaves: Sequence[Mapping[int, float]]

    @classmethod
    def of(cls, bias: float, trees: Sequence[Tree]) -> "Trees":
        """Read trees of at most 16 leaves.

        Args:
            bias: log-odds of the class where nothing is known.
            trees: each asks for (name, most, below, above), and ends with a number.
        """
        taken: dict[str, list[tuple[float, int]]] = {}
        leaves = [_walked(tree, at * _LEAVES, taken) for at, tree in enumerate(trees)]
        asked = []
        for name, bounds in sorted(taken.items()):
            bounds.sort()
            left = accumulate((~bits for _, bits in bounds), and_, initial=-1)
            asked.append(_Asked(name, [bound for bound, _ in bounds], list(left)))
        values = [{1 << at: value for at, value in enumerate(some)} for some in leaves]
        return cls(bias, asked, values)

    def score(self, seen: Mapping[str, float]) -> float:
        """Return the log-odds of the class.

        Args:
            seen: numbers by their name; one that is missing is 0.
        """
        left = (1 << _LEAVES * len(self.leaves)) - 1
        for one in self.asked:
            left &= one.left[bisect_left(one.bounds, seen.get(one.name, 0.0))]
        blocks = array("H", left.to_bytes(2 * len(self.leaves), sys.byteorder))
        in_order = blocks if sys.byteorder == "little" else reversed(blocks)
        return self.bias + sum(
            values[block & -block] for values, block in zip(self.leaves, in_order, strict=True)
        )


def _walked(tree: Tree, begin: int, taken: dict[str, list[tuple[float, int]]]) -> list[float]:
    """Return the values of the leaves of a tree from the left to the right.

    Args:
        tree: the tree.
        begin: the bit of its first leaf.
        taken: by name, the bounds of all trees so far, each with the leaves that a number above it takes away.
    """
    if not isinstance(tree, list):
        return [tree]
    name, most, below, above = tree
    left = _walked(below, begin, taken)
    taken.setdefault(name, []).append((most, ((1 << len(left)) - 1) << begin))
    return left + _walked(above, begin + len(left), taken)


def shifted(chance: float, by: float) -> float:
    """Return a probability after adding to its log-odds.

    Args:
        chance: a probability; 0 and 1 stay what they are.
        by: what is added to its log-odds; below 0 it becomes less likely.
    """
    if not 0 < chance < 1:
        return chance
    return probability(math.log(chance / (1 - chance)) + by)


def probability(log_odds: float) -> float:
    """Return the probability of log-odds, without an overflow."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))
