"""Reads a customer's answer to "has it arrived?": yes, no, or not clear enough for a machine.

Better unsure than wrong: a clause says something only when every word in it is known (words.py). A hedge, a question, a
condition, another amount or another thing brings in a word that is not, and then nothing is concluded and a person is
asked. Only a plain "the refund has not arrived" may stand among other words, since it merely sends a person to look.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from followupd.domain.compensation import Compensation
from followupd.text.answers.receipt_words import (
    ALL,
    ARRIVED,
    BREAKS,
    CONTRASTS,
    COURTESY,
    KINDS,
    NO,
    NOT,
    NOTHING,
    PLAIN,
    UNLIKE,
    WAITING,
    YES,
)

#: an answer is short; what stands further down is something else
_LONGEST = 2000

_SENTENCE = re.compile(r"[^.!?;\n]+[.!?;]*(?:\s|$)|[^.!?;\n]+")
_WORD = re.compile(r"[^\W\d_]+(?:[-'][^\W\d_]+)*'?|\d[\d.,]*\d|\d|\S")
_MARKS = re.compile(r"[,:;.!?¡¿\"'()\[\]{}…–—-]+")
_ENGLISH_NOT = re.compile(r"\b(\w+?)n't\b")
_ELISION = re.compile(r"\b([cdjlmnst]|qu)'(?=\w)")
_CURRENCY = re.compile(r"[€$£¥]|\b(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|francs?|franken)\b")

_KIND_WORDS = frozenset[str]().union(*KINDS.values())
_CONTENT = YES | NO | NOT | NOTHING | WAITING | ARRIVED | _KIND_WORDS
_KNOWN = _CONTENT | ALL | PLAIN | COURTESY


class Answer(StrEnum):
    """What a customer says about one grant."""

    ARRIVED = "arrived"
    MISSING = "missing"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """What was read for each grant, and whether the mail held nothing else that somebody should answer."""

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


def read_receipt(text: str, asked: Sequence[Compensation], names: Collection[str] = ()) -> ReceiptReading:
    """Read the new words of a customer's mail, asked whether these grants arrived; `names` are people's, and say nothing."""
    known = _KNOWN | {word for name in names for word in _folded(name).split()} | _amounts(asked)
    clauses = [clause for sentence in _sentences(text) for clause in _merged(_clauses(sentence))]
    settled = all(set(clause.words) <= known and not clause.question for clause in clauses)
    said: dict[int, set[Answer]] = {grant.n: set() for grant in asked}
    for clause in clauses:
        # "Yes, please transfer it": a bare yes or no may answer something else when there is more in the mail.
        bare = not settled and clause.has(YES | NO) and not clause.has(ARRIVED | NOT | NOTHING | WAITING)
        for n, answer in _said(clause, asked, known).items():
            said[n].add(Answer.UNCLEAR if bare else answer)
    answers = {n: next(iter(found)) if len(found) == 1 else Answer.UNCLEAR for n, found in said.items()}
    return ReceiptReading(answers, settled and Answer.UNCLEAR not in answers.values())


def _said(clause: _AnswerClause, asked: Sequence[Compensation], known: Collection[str]) -> dict[int, Answer]:
    """Return what one clause says about which grants; nothing for a greeting, or a thought about something else."""
    unknown = [word for word in clause.words if word not in known]
    speaks = clause.has(_CONTENT)
    elsewhere = clause.has(_KIND_WORDS) and not _named(clause, asked)
    if clause.question or unknown or elsewhere:
        if not (clause.question or elsewhere) and _plainly_missing(clause):
            return dict.fromkeys(_meant(clause, asked), Answer.MISSING)
        return (
            dict.fromkeys((grant.n for grant in asked), Answer.UNCLEAR) if speaks or clause.contrast else {}
        )
    if not speaks or (clause.has(ALL) and clause.has(NOT | NO)):
        return dict.fromkeys((grant.n for grant in asked), Answer.UNCLEAR) if speaks else {}
    if clause.has(NO | NOT | WAITING | NOTHING):
        sure = len(asked) == 1 or clause.has(NOTHING) or bool(_named(clause, asked))
        return dict.fromkeys(_meant(clause, asked), Answer.MISSING if sure else Answer.UNCLEAR)
    if clause.has(YES | ARRIVED):
        sure = len(asked) == 1 or clause.has(ALL) or bool(_named(clause, asked)) or not clause.has(ARRIVED)
        return dict.fromkeys(_meant(clause, asked), Answer.ARRIVED if sure else Answer.UNCLEAR)
    return {}


def _plainly_missing(clause: _AnswerClause) -> bool:
    """Say whether the clause says in so many words that a grant has not arrived, whatever else it says."""
    denied = clause.has(NOT | NOTHING | NO) and clause.has(ARRIVED)
    return (denied or clause.has(WAITING)) and clause.has(_KIND_WORDS) and not clause.has(UNLIKE | YES)


def _meant(clause: _AnswerClause, asked: Sequence[Compensation]) -> Sequence[int]:
    return _named(clause, asked) or [grant.n for grant in asked]


def _named(clause: _AnswerClause, asked: Sequence[Compensation]) -> list[int]:
    """Return the grants that the clause calls by their kind; another kind than those asked for names none."""
    kinds = {kind for kind, words in KINDS.items() if clause.has(words)}
    return [grant.n for grant in asked if grant.kind in kinds]


def _sentences(text: str) -> Iterator[str]:
    plain = _ENGLISH_NOT.sub(r"\1 not", _folded(text[:_LONGEST]))
    for line in plain.splitlines():
        yield from (found[0] for found in _SENTENCE.finditer(line))


def _clauses(sentence: str) -> Iterator[_AnswerClause]:
    """Cut a sentence at commas and at words that begin another thought."""
    question = sentence.rstrip().endswith("?") or "¿" in sentence
    for part in re.split(r",(?!\d)", sentence):
        words: list[str] = []
        contrast = False
        for word in _words_of(part):
            if word in BREAKS:
                yield _AnswerClause(tuple(words), contrast, question)
                words, contrast = [], word in CONTRASTS
            else:
                words.append(word)
        yield _AnswerClause(tuple(words), contrast, question)


def _merged(clauses: Iterator[_AnswerClause]) -> Iterator[_AnswerClause]:
    """Join a clause that only names things to the next one: "the refund and the coupon have arrived"."""
    waiting: tuple[str, ...] = ()
    for clause in clauses:
        words = (*waiting, *clause.words)
        whole = _AnswerClause(words, clause.contrast, clause.question)
        waiting = words if whole.has(_KIND_WORDS) and not whole.has(_CONTENT - _KIND_WORDS) else ()
        if words and not waiting:
            yield whole
    if waiting:
        yield _AnswerClause(waiting)


def _words_of(part: str) -> list[str]:
    spelled = _ELISION.sub(r"\1' ", _CURRENCY.sub(" ", part))
    return [word for word in _WORD.findall(spelled) if not _MARKS.fullmatch(word)]


def _amounts(asked: Sequence[Compensation]) -> set[str]:
    """Return how the amounts that were given may be written."""
    plain = {grant.money.amount for grant in asked if grant.money}
    return {way for amount in plain for way in (amount, amount.replace(".", ","), amount.partition(".")[0])}


def _folded(text: str) -> str:
    """Return the text in lower case, without accents, with one kind of apostrophe."""
    even = unicodedata.normalize("NFKD", text.casefold().replace("’", "'").replace("`", "'"))
    return "".join(letter for letter in even if not unicodedata.combining(letter))
