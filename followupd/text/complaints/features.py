"""The features of a text, and its score: their weighted sum in log-odds, as a probability."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise, repeat
from operator import mul
from typing import Any

from followupd.languages import complaint_weights, mail_weights
from followupd.text.complaints.cues import STRONG, Cues
from followupd.text.complaints.phrases import Hit
from followupd.text.complaints.words import READ, Vocabulary, sentences_of, words_of
from followupd.text.mail.headers import bare_subject
from followupd.text.ngrams import Classes, LinearModel, Meanings, places, places_of_word, sequences, tokens

#: cues count for less in a mail of more words than this, because long mails contain most words once
FULL_WEIGHT = 80
#: where meanings count (a mail, its subject, its first and last sentence), and what all of them count there together
MEANT: Mapping[str, float] = {"says": 3.0, "subject": 1.5, "first": 1.5, "last": 1.5}
#: of a language whose words have no meanings
NOTHING_MEANT = Meanings.of()
#: the fewest meanings that count as much together as many
_FEW_MEANINGS = 20
#: more different phrases of one group than this do not count
MAX_PHRASES = 6
#: sentences, and characters of each, that are scored for tone: VADER takes most of the time of a verdict
_TONE_SENTENCES, _TONE_CHARACTERS = 10, 240
#: VADER's valence from which a word counts as negative
_NEGATIVE = -1.0
_SHOUTED = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True, slots=True)
class Features:
    """The features of a text.

    `said` maps each cue group to its phrases in the customer's words, `meant` what words mean to the first of them,
    for each of MEANT; `edges` are the words, numbers and signs of the first and the last sentence.
    """

    words: Sequence[str] = field(repr=False)
    hits: Sequence[Hit]
    said: Mapping[str, Sequence[str]]
    tone: Mapping[str, float]
    marks: Mapping[str, float]
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    sentences: Sequence[str] = field(default=("",), repr=False)
    edges: tuple[Sequence[str], Sequence[str]] = field(default=((), ()), repr=False)
    meant: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def groups(self) -> frozenset[str]:
        """The cue groups that were found."""
        return frozenset(self.said)

    def count(self, *groups: str) -> int:
        """Return how many different phrases of these groups were found.

        Args:
            groups: names of cue groups; one that no phrase was found of, or that does not exist, counts 0.
        """
        return sum(len(self.said.get(group, ())) for group in groups)

    def dense(self) -> dict[str, float]:
        """Return the named features: "cue:money", "tone:neg", "mark:shouting".

        Cues count by the logarithm of how many different phrases of the group there are, and less in a long
        mail. Tone and marks are as they were measured, from 0 to about 1.
        """
        share = min(1.0, FULL_WEIGHT / max(1, len(self.words)))
        cues = {
            group: math.log2(1 + min(len(phrases), MAX_PHRASES) * share)
            for group, phrases in self.said.items()
        }
        return _named("cue", cues) | _named("tone", self.tone) | _named("mark", self.marks)

    def grams(self, known: AbstractSet[str] | None = None) -> dict[str, float]:
        """Return words and pairs with their weights, whose squares sum to one.

        Args:
            known: the only words and pairs to return; None for all.
        """
        grams = grams_of(self.words)
        if known is not None:
            grams = [gram for gram in grams if gram in known]
        weighted = {gram: 1 + math.log(count) for gram, count in Counter(grams).items()}
        norm = math.sqrt(sum(weight * weight for weight in weighted.values())) or 1.0
        return {gram: weight / norm for gram, weight in weighted.items()}


def _named(kind: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values under the names that the weights have for them: kind, colon, name."""
    return {f"{kind}:{name}": float(value) for name, value in values.items()}


def grams_of(words: Sequence[str]) -> list[str]:
    """Return the words, and the pairs of neighbours."""
    return [*words, *map(" ".join, pairwise(words))]


def features_of(
    subject: str, text: str, cues: Cues, *, with_tone: bool = True, concepts: Meanings = NOTHING_MEANT
) -> Features:
    """Return the features of a mail.

    Args:
        subject: the mail's subject.
        text: its new text.
        cues: the cues of its language.
        with_tone: score the tone, which works for English only.
        concepts: what words of its language mean.
    """
    whole = f"{subject}\n{text}".strip()
    words = words_of(whole, cues.vocabulary)
    hits = cues.hits(words)
    said: dict[str, list[str]] = {}
    for hit in hits:
        phrases = said.setdefault(hit.group, [])
        phrase = " ".join(words[hit.start : hit.end])
        if phrase not in phrases:
            phrases.append(phrase)

    sentences = sentences_of(text) or [""]
    tone = tone_of([subject[:_MAX_SUBJECT], *sentences]) if with_tone else {}
    marks = _marks(whole, words, cues.vocabulary)
    subject = subject[:_MAX_SUBJECT]
    edges = tokens(sentences[0]), tokens(sentences[-1])
    parts = (tokens(text), tokens(subject), *edges)
    meant = dict(zip(MEANT, map(concepts.spoken, parts), strict=True))
    return Features(words, hits, said, tone, marks, subject, text[:READ], sentences, edges, meant)


def _marks(text: str, words: Sequence[str], vocabulary: Vocabulary) -> dict[str, float]:
    """Measure the style of a text. A customer writes of "my order" and to "you"; an article does neither."""
    total = max(1, len(words))
    second_person = sum(map(vocabulary.second_person.__contains__, words))
    first_person = sum(map(vocabulary.first_person.__contains__, words))
    return {
        "exclaiming": math.log1p(min(text.count("!"), 5)),
        "shouting": min(1.0, 5 * len(_SHOUTED.findall(text[:READ])) / total),
        "yours": min(1.0, 5 * second_person / total),
        "mine": min(1.0, 5 * first_person / total),
    }


@cache
def _vader() -> Any:
    """Return the sentiment analyser, loaded on first use: its lexicon takes 20 ms and 4 MB."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    # Both attributes keep the text of a whole file, a megabyte that is not used any more.
    vader.lexicon_full_filepath = vader.emoji_full_filepath = ""
    return vader


def tone_of(sentences: Sequence[str]) -> dict[str, float]:
    """Return the sentiment of English sentences by VADER (Hutto and Gilbert 2014).

    Returns:
        `neg` and `pos`, the shares of negative and positive words, and `low` and `high`, the scores of the
        worst and the best sentence, each from 0 to 1; empty for an empty text.
    """
    sentences = [sentence[:_TONE_CHARACTERS] for sentence in sentences if sentence.strip()][:_TONE_SENTENCES]
    total = sum(map(len, sentences))
    if not total:
        return {}

    negative = positive = 0.0
    compounds = []
    for sentence in sentences:
        score = _vader().polarity_scores(sentence)
        share = len(sentence) / total
        negative += score["neg"] * share
        positive += score["pos"] * share
        compounds.append(score["compound"])
    return {
        "neg": negative,
        "pos": positive,
        "low": max(0.0, -min(compounds)),
        "high": max(0.0, *compounds),
    }


def worst_words(words: list[str], most: int = 2) -> list[str]:
    """Return the most negative words, for the explanation of a verdict.

    Args:
        words: English words in lower case, as `words_of` returns them; others are not in VADER's lexicon.
        most: how many to return at most.

    Returns:
        The most negative first; each once.
    """
    lexicon: Mapping[str, float] = _vader().lexicon
    negative = {word: lexicon[word] for word in words if lexicon.get(word, 0.0) <= _NEGATIVE}
    return sorted(negative, key=lambda word: (negative[word], word))[:most]


#: log-odds of the first stage that the second one takes, and what divides them: signs are about as large as one
_MAX_FIRST, _FIRST_SCALE = 6.0, 4.0
#: divides the logarithms of lengths
_LENGTH_SCALE = 5.0
#: characters of a subject that are read
_MAX_SUBJECT = 300
#: letters from which a word of a cue is no word of every day
_LONG_WORD = 5
_NUMBER = re.compile(r"\d{4,}")
_AMOUNT = re.compile(r"[€$£]|\b(?:EUR|GBP|USD|CHF)\b")
_DATE = re.compile(r"\b\d{1,2}[./]\d{1,2}\b")
_QUOTED = re.compile(r"[\"„“«»]")
_LINK = re.compile(r"https?:|www\.")


def second_signs(seen: Features, log_odds: float, language: str) -> dict[str, float]:
    """Return what the second stage is told beside the words: cue groups, style, shape, the first stage's score.

    Args:
        seen: the features of the text.
        log_odds: the first stage's score.
        language: of the text.
    """
    signs = _named("cue", dict.fromkeys(seen.groups, 1.0))
    signs |= _named("mark", seen.marks) | _named("shape", shape_of(seen))
    signs["stage:first"] = max(-_MAX_FIRST, min(_MAX_FIRST, log_odds)) / _FIRST_SCALE
    signs[f"language:{language}"] = 1.0
    for where, meant in seen.meant.items():
        share = MEANT[where] / math.sqrt(max(_FEW_MEANINGS, len(meant)))
        signs |= _named(where, dict.fromkeys(meant, share))
    return signs


def shape_of(seen: Features) -> dict[str, float]:
    """Measure the shape of a mail: orders and questions ask, notes to machines are short, stories have sentences.

    Returns:
        Each sign by its name, scaled to about one at most. What is present or not is 1 or 0. Lengths are
        logarithms, since the tenth sentence says less than the second one.
    """
    text = seen.text
    sentences = seen.sentences
    asking = ["?" in sentence for sentence in sentences]
    return {
        "words": math.log1p(len(seen.words)) / _LENGTH_SCALE,
        "sentences": math.log1p(len(sentences)) / _LENGTH_SCALE,
        "lines": math.log1p(text.count("\n")) / _LENGTH_SCALE,
        "long sentences": min(1.0, len(seen.words) / len(sentences) / 30),
        "asking": sum(asking) / len(asking),
        "asking last": any(asking[-2:]),
        "asking first": "?" in seen.subject,
        "number": bool(_NUMBER.search(f"{seen.subject} {text}")),
        "amount": bool(_AMOUNT.search(text)),
        "date": bool(_DATE.search(text)),
        "link": bool(_LINK.search(text)),
        "quoting": bool(_QUOTED.search(text)),
        "pausing": "..." in text or "…" in text,
        "colons": min(text.count(":"), 4) / 4,
    }


#: what the explanation of a verdict calls the signs of a mail's style and shape; the others are not shown
SHOWN_SIGNS: Mapping[str, str] = {
    "exclaiming": "!",
    "shouting": "CAPITALS",
    "yours": "addresses the company",
    "mine": "tells of the writer",
    "asking": "asks a question",
    "asking last": "ends with a question",
    "asking first": "a question in the subject",
    "number": "names a number",
    "amount": "names an amount",
    "link": "has a link",
    "quoting": "quotes somebody",
}


def second_words(seen: Features) -> list[str]:
    """Return the words, numbers and signs that the second stage reads, the subject's before a bar."""
    subject = bare_subject(seen.subject)
    return tokens(f"{subject} | {seen.text}" if subject.strip() else seen.text)


def second_places(seen: Features, words: Sequence[str], strong: Container[str], bits: int) -> set[int]:
    """Return where the weights are that the second stage reads; words of the first and last sentence count once more.

    Args:
        seen: the features of the text.
        words: as `second_words` returns them.
        strong: as `strong_words` returns them; they count as a whole only.
        bits: of the table's size.
    """
    grams = sequences(words)
    for mark, sentence in zip("FL", seen.edges, strict=True):
        grams.update(f"{mark}{word}" for word in sentence if word not in strong)
    at = set(places(grams, bits))
    for word in set(words):
        at.update(places_of_word(word, bits, is_whole=word in strong))
    return at


def strong_words(seen: Features) -> set[str]:
    """Return the words of strong cues for a complaint; they count as a whole only, and never against one.

    Args:
        seen: the features of the text, with the phrases that it says of each group.

    Returns:
        The tokens of those phrases, in lower case; none shorter than `_LONG_WORD`, since a short word of a
        strong cue is a word of every day.
    """
    phrases = map(tokens, strong_phrases(seen))
    return {word for phrase in phrases for word in phrase if len(word) >= _LONG_WORD}


def strong_phrases(seen: Features) -> list[str]:
    """Return the phrases of strong cues for a complaint that a text has."""
    return [phrase for group in seen.groups & STRONG for phrase in seen.said[group]]


#: log-odds from which an agent is asked; what is above them counts so much, so that of complaints without a person's
#: decision 98 in 100 are right (docs/recognising.md, rule 5)
_ASKED, _ABOVE = -0.85, 0.8


def second_score(seen: Features, signs: Mapping[str, float]) -> "Score":
    """Return the second stage's score, with the shares of words and pairs, and of signs by their names.

    Args:
        seen: the features of the text.
        signs: how strong each sign is, by name; unknown ones count nothing.
    """
    second = shipped_second()
    model = second.models["complaint"]
    words, strong = second_words(seen), strong_words(seen)
    at = second_places(seen, words, strong, second.bits)
    shares = _shares(model, signs)
    log_odds = model.score(at, ()) + sum(shares.values())
    log_odds = min(log_odds, _ASKED + (log_odds - _ASKED) * _ABOVE)

    unit = model.step / math.sqrt(len(at))
    pairs = [f"{first} {second}" for first, second in pairwise(words) if first.isalpha() and second.isalpha()]
    at_pairs = places([f"b{pair}" for pair in pairs], second.bits)
    shares.update((word, unit * _steps_of(word, word in strong)) for word in words if word.isalpha())
    shares.update((pair, unit * model.weights[place]) for pair, place in zip(pairs, at_pairs, strict=True))
    return Score(log_odds, shares, _circumstances(at, signs))


def _circumstances(at: Iterable[int], signs: Mapping[str, float]) -> dict[str, float]:
    """Return the log-odds of danger, a threat, a grave and a mild complaint, by the same places and signs."""
    found = shipped_circumstances()
    mask = (1 << found.bits) - 1
    near = [place & mask for place in at]
    return {
        name: model.score(near, ()) + sum(map(mul, map(model.signs.get, signs, repeat(0.0)), signs.values()))
        for name, model in found.models.items()
    }


def _shares(model: LinearModel, signs: Mapping[str, float]) -> dict[str, float]:
    """Return what each sign adds to the log-odds, by its name."""
    return {name: model.signs.get(name, 0.0) * value for name, value in signs.items()}


@lru_cache(maxsize=20_000)
def _steps_of(word: str, is_strong: bool) -> int:
    """Return the weights of a word and its parts together, in the second stage's steps; a strong one has none."""
    second = shipped_second()
    own = places_of_word(word, second.bits, is_whole=is_strong)
    return sum(map(second.models["complaint"].weights.__getitem__, own))


#: log-odds beyond this make no difference
_MAX_LOG_ODDS = 30.0


def probability(log_odds: float) -> float:
    """Return the probability for log-odds: 0.5 for 0, 0.9 for about 2.2."""
    bounded = max(-_MAX_LOG_ODDS, min(_MAX_LOG_ODDS, log_odds))
    return 1 / (1 + math.exp(-bounded))


@dataclass(frozen=True, slots=True)
class Weights:
    """One weight per feature, in log-odds, and the calibration (benchmarks/train_recogniser.py)."""

    intercept: float
    dense: Mapping[str, float]
    grams: Mapping[str, float] = field(repr=False)
    stretch: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, parsed: Mapping[str, object]) -> "Weights":
        """Return the weights of a parsed file.

        Raises:
            TypeError: it has no tables named dense and grams.
        """
        dense, grams = parsed["dense"], parsed.get("grams", {})
        if not isinstance(dense, Mapping) or not isinstance(grams, Mapping):
            raise TypeError("a weights file has tables named dense and grams")
        return cls(
            intercept=float(str(parsed.get("intercept", 0))),
            dense=dict(dense),
            grams=dict(grams),
            stretch=float(str(parsed.get("stretch", 1))),
            shift=float(str(parsed.get("shift", 0))),
        )

    def parts(self, seen: Features) -> tuple[dict[str, float], dict[str, float]]:
        """Return the parts of the sum in calibrated log-odds.

        Returns:
            The shares of the dense features, and those of words and pairs of words, each by its name. What
            is not in the text or has no weight has no entry.
        """
        dense = {
            name: value * self.dense[name] * self.stretch
            for name, value in seen.dense().items()
            if value and name in self.dense
        }
        grams = {
            gram: value * self.grams[gram] * self.stretch
            for gram, value in seen.grams(self.grams.keys()).items()
        }
        return dense, grams

    @property
    def start(self) -> float:
        """The log-odds of a text without features."""
        return self.intercept * self.stretch + self.shift


@cache
def shipped_weights() -> tuple[Weights, Weights]:
    """Return the weights for the measured language, and those for languages that have only cues.

    The second ones have no words and pairs of words, which mean nothing in another language.
    """
    parsed = complaint_weights()
    return Weights.of(parsed["words"]), Weights.of(parsed["cues"])


@cache
def shipped_second() -> Classes:
    """Return the second stage's weights, of which `complaint` is the only class."""
    return Classes.of(mail_weights())


@cache
def shipped_circumstances() -> Classes:
    """Return the weights of what is told of a mail beside its score: `danger`, `threat`, `grave` and `mild`."""
    return Classes.of(mail_weights()["circumstances"])


@dataclass(frozen=True, slots=True)
class Score:
    """The log-odds of a text, and the words that raised (+) and lowered (-) them, each with its share.

    `circumstances` are the log-odds of danger, a threat, a grave and a mild complaint; {} where they are not trained.
    """

    log_odds: float
    evidence: Mapping[str, float]
    circumstances: Mapping[str, float] = field(default_factory=dict)


def weigh(seen: Features, weights: Weights, delta: Mapping[str, float]) -> Score:
    """Return the score of a text.

    Args:
        seen: the features of the text.
        weights: the weights for its language.
        delta: what this site's tags taught, by "cue:GROUP", word or pair of words, or "start".
    """
    dense, grams = weights.parts(seen)
    for name in delta.keys() & {f"cue:{group}" for group in seen.groups}:
        dense[name] = dense.get(name, 0.0) + delta[name]
    for gram in delta.keys() & set(grams_of(seen.words)):
        grams[gram] = grams.get(gram, 0.0) + delta[gram]
    total = weights.start + delta.get("start", 0.0) + sum(dense.values()) + sum(grams.values())
    return Score(total, _by_words(seen, dense, grams))


def _by_words(seen: Features, dense: Mapping[str, float], grams: Mapping[str, float]) -> dict[str, float]:
    """Attribute each part of the sum to words; a pair within the phrase of a cue belongs to the phrase."""
    shares: defaultdict[str, float] = defaultdict(float)
    for group, phrases in seen.said.items():
        for phrase in phrases:
            shares[phrase] += dense.get(f"cue:{group}", 0.0) / len(phrases)

    phrase_of = {gram: phrase for phrase in sorted(shares, key=len) for gram in grams_of(phrase.split())}
    for gram, weight in grams.items():
        shares[phrase_of.get(gram, gram)] += weight
    for name, weight in _style(seen, dense).items():
        shares[name] += weight
    return dict(shares)


def _style(seen: Features, dense: Mapping[str, float]) -> dict[str, float]:
    """Return the shares of tone and marks, under names for the explanation."""
    tone = sum(weight for name, weight in dense.items() if name.startswith("tone:"))
    worst = worst_words(list(seen.words)) if seen.tone and tone > 0 else []
    shares = {
        f"tone: {', '.join(worst)}" if worst else "tone": tone,
        "!": dense.get("mark:exclaiming", 0.0),
        "CAPITALS": dense.get("mark:shouting", 0.0),
        "addresses the company": dense.get("mark:yours", 0.0),
        "tells of the writer": dense.get("mark:mine", 0.0),
    }
    return {name: weight for name, weight in shares.items() if weight}
