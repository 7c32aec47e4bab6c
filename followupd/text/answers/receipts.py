"""Read a customer's answer to "has it arrived?": yes, no, or not clear.

A clause counts only if every word in it is known (languages/*/answers.toml). A hedge, a question, a
condition, another amount or another thing contains an unknown word; then the answer is unclear and a person
is asked. Only a plain "the refund has not arrived" may stand among other words: it only makes a person look.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from followupd.domain.compensation import Compensation
from followupd.languages import Catalogue, catalogue
from followupd.text.answers.words import ReceiptWords, folded, receipt_words

#: characters that are read: an answer is short
_LONGEST = 2000

_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*(?:\s|$)|[^.!?;\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*'?|\d[\d.,]*\d|\d|\S")
_MARKS = re.compile(r"[,:;.!?¡¿\"'()\[\]{}…–—-]+")


class Answer(StrEnum):
    """What a customer says about one grant."""

    ARRIVED = "arrived"
    MISSING = "missing"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """The answer for each grant, and whether the mail contains nothing else that needs an answer."""

    answers: dict[int, Answer]
    settled: bool

    def those(self, answer: Answer) -> tuple[int, ...]:
        return tuple(n for n, found in self.answers.items() if found is answer)


@dataclass(frozen=True, slots=True)
class _AnswerClause:
    words: tuple[str, ...]
    contrast: bool = False
    question: bool = False

    def has(self, words: Collection[str]) -> bool:
        return any(word in words for word in self.words)


def read_receipt(
    text: str,
    asked: Sequence[Compensation],
    names: Collection[str] = (),
    languages: Catalogue | None = None,
) -> ReceiptReading:
    """Read the new text of a customer who was asked whether these grants arrived.

    `names` are names of people; they do not make an answer unclear.
    """
    words = receipt_words(languages or catalogue())
    people = {word for name in names for word in folded(name.replace("`", "'")).split()}
    return _Reader(words, asked, words.known | people | _amounts(asked)).read(text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the answer about some grants; `known` are all known words."""

    words: ReceiptWords
    asked: Sequence[Compensation]
    known: frozenset[str] = field(repr=False)

    def read(self, text: str) -> ReceiptReading:
        clauses = [
            clause for sentence in self._sentences(text) for clause in self._merged(self._clauses(sentence))
        ]
        settled = all(set(clause.words) <= self.known and not clause.question for clause in clauses)
        said: dict[int, set[Answer]] = {grant.n: set() for grant in self.asked}
        for clause in clauses:
            bare = not settled and self._is_bare(clause)
            for n, answer in self._said(clause).items():
                said[n].add(Answer.UNCLEAR if bare else answer)
        answers = {n: next(iter(found)) if len(found) == 1 else Answer.UNCLEAR for n, found in said.items()}
        return ReceiptReading(answers, settled and Answer.UNCLEAR not in answers.values())

    def _is_bare(self, clause: _AnswerClause) -> bool:
        """Return whether a clause is a bare yes or no, which may answer something else in the mail."""
        words = self.words
        more = words.arrived | words.denials | words.nothing | words.waiting
        return clause.has(words.yes | words.no) and not clause.has(more)

    def _said(self, clause: _AnswerClause) -> dict[int, Answer]:
        """Return what one clause says about which grants; nothing if it is about something else."""
        unknown = any(word not in self.known for word in clause.words)
        elsewhere = clause.has(self.words.kind_words) and not self._named(clause)
        if clause.question or unknown or elsewhere:
            return self._said_unclearly(clause, elsewhere=elsewhere)
        if not clause.has(self.words.content):
            return {}
        return self._said_plainly(clause)

    def _said_unclearly(self, clause: _AnswerClause, *, elsewhere: bool) -> dict[int, Answer]:
        if not (clause.question or elsewhere) and self._plainly_missing(clause):
            return dict.fromkeys(self._meant(clause), Answer.MISSING)
        if clause.has(self.words.content) or clause.contrast:
            return self._unclear()
        return {}

    def _said_plainly(self, clause: _AnswerClause) -> dict[int, Answer]:
        words = self.words
        if clause.has(words.all) and clause.has(words.denials | words.no):
            return self._unclear()
        one_meant = len(self.asked) == 1 or bool(self._named(clause))
        if clause.has(words.no | words.denials | words.waiting | words.nothing):
            sure = one_meant or clause.has(words.nothing)
            return dict.fromkeys(self._meant(clause), Answer.MISSING if sure else Answer.UNCLEAR)
        if clause.has(words.yes | words.arrived):
            sure = one_meant or clause.has(words.all) or not clause.has(words.arrived)
            return dict.fromkeys(self._meant(clause), Answer.ARRIVED if sure else Answer.UNCLEAR)
        return {}

    def _unclear(self) -> dict[int, Answer]:
        return dict.fromkeys((grant.n for grant in self.asked), Answer.UNCLEAR)

    def _plainly_missing(self, clause: _AnswerClause) -> bool:
        """Return whether the clause says explicitly that a grant has not arrived, whatever else it says."""
        words = self.words
        denied = clause.has(words.denials | words.nothing | words.no) and clause.has(words.arrived)
        missing = denied or clause.has(words.waiting)
        return missing and clause.has(words.kind_words) and not clause.has(words.other_things | words.yes)

    def _meant(self, clause: _AnswerClause) -> Sequence[int]:
        return self._named(clause) or [grant.n for grant in self.asked]

    def _named(self, clause: _AnswerClause) -> list[int]:
        """Return the grants whose kind the clause names."""
        kinds = {kind for kind, words in self.words.kinds.items() if clause.has(words)}
        return [grant.n for grant in self.asked if grant.kind in kinds]

    def _sentences(self, text: str) -> Iterator[str]:
        plain = folded(text[:_LONGEST].replace("`", "'"))
        for ending, apart in self.words.negation_endings:
            plain = ending.sub(apart, plain)
        for line in plain.splitlines():
            yield from (found[0] for found in _SENTENCE.finditer(line))

    def _clauses(self, sentence: str) -> Iterator[_AnswerClause]:
        """Split a sentence at commas and at words that begin another clause."""
        question = sentence.rstrip().endswith("?") or "¿" in sentence
        for part in re.split(r",(?!\d)", sentence):
            words: list[str] = []
            contrast = False
            for word in self._words_of(part):
                if word in self.words.breaks:
                    yield _AnswerClause(tuple(words), contrast, question)
                    words, contrast = [], word in self.words.contrasts
                else:
                    words.append(word)
            yield _AnswerClause(tuple(words), contrast, question)

    def _merged(self, clauses: Iterator[_AnswerClause]) -> Iterator[_AnswerClause]:
        """Join a clause that only names kinds to the next one: "the refund and the coupon have arrived"."""
        names = self.words.kind_words
        waiting: tuple[str, ...] = ()
        for clause in clauses:
            words = (*waiting, *clause.words)
            whole = _AnswerClause(words, clause.contrast, clause.question)
            waiting = words if whole.has(names) and not whole.has(self.words.content - names) else ()
            if words and not waiting:
                yield whole
        if waiting:
            yield _AnswerClause(waiting)

    def _words_of(self, part: str) -> list[str]:
        spelled = self.words.elided.sub(r"\1' ", self.words.currencies.sub(" ", part))
        return [word for word in _WORD.findall(spelled) if not _MARKS.fullmatch(word)]


def _amounts(asked: Sequence[Compensation]) -> set[str]:
    """Return the ways to write the amounts of the grants."""
    plain = {grant.money.amount for grant in asked if grant.money}
    return {way for amount in plain for way in (amount, amount.replace(".", ","), amount.partition(".")[0])}
