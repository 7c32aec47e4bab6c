"""Find what an agent's reply commits the company to: promises with their dates, and gifts with their amounts.

Precision counts more than recall: a sentence counts only with a known phrase, and a question, a condition, a
negation, a hedge or another person's words exclude it (a bare "will" is right in 42 of 100 cases).

- A commitment with a date is a promise. A gift without a date is a gift only: the compensation ledger records
  it, and a promise beside it would say the same twice. A gift with a date is both.
- What depends on an event ("as soon as I hear", "once we receive") is an estimate without a date, and grants
  nothing.
- What is done already is `past`.

Agents in a hurry leave the phrase out: "Collection is booked for Thursday", "new one Friday". A clause with a
future date and without a known phrase is a promise if service speaks of its topic, and if it is not about the
past, about what the customer may or must do, or about opening hours, prices and rules.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.domain.promise import FoundCompensation, FoundPromise, PromiseKind
from followupd.languages import Language
from followupd.text.promises.clauses import Clause, clauses, promise_line
from followupd.text.promises.dates import date_reader
from followupd.text.promises.money import gifts_in
from followupd.text.promises.patterns import PromisePatterns, promise_patterns
from followupd.text.promises.sentences import sentences

#: characters of a clause that may promise without a known phrase; a longer one has a verb, and says something
#: else
MAX_TOPIC_CLAUSE = 140


@dataclass(frozen=True, slots=True)
class _Phrase:
    """The words of a clause that promise, and how firmly they do."""

    kind: PromiseKind
    match: re.Match[str]


def find_commitments(
    text: str,
    *,
    sent_at: datetime,
    calendar: Calendar,
    language: Language,
    doubtful: Collection[str] = (),
    currency: str = "",
) -> tuple[tuple[FoundPromise, ...], tuple[FoundCompensation, ...]]:
    """Return the promises and the gifts in an agent's reply, in the order of the text.

    Args:
        text: the new text of the reply.
        sent_at: when the mail was sent: "by Friday" counts from it.
        calendar: the company's; "by Friday" means its close of business in its time zone.
        language: of the reply.
        doubtful: lines that may be quoted and are skipped.
        currency: the company's ISO 4217 code, which decides which dollar is meant.
    """
    patterns = promise_patterns(language)
    reader = date_reader(language, now=sent_at, calendar=calendar)
    promises: list[FoundPromise] = []
    gifts: list[FoundCompensation] = []
    for sentence in sentences(text, language.catalogue, doubtful):
        for clause in clauses(sentence, patterns, reader):
            granted = gifts_in(clause, patterns, currency, language.catalogue)
            for gift in granted:
                if gift not in gifts:
                    gifts.append(gift)

            promise = _promise(clause, patterns, grants=bool(granted))
            if promise and promise not in promises:
                promises.append(promise)
    return tuple(promises), tuple(gifts)


def _promise(clause: Clause, patterns: PromisePatterns, *, grants: bool) -> FoundPromise | None:
    """Return the promise of a clause, open or done already; None if it makes none.

    Args:
        clause: the clause.
        patterns: of its language.
        grants: the clause grants a gift, which is a promise only with a date.
    """
    if grants and not clause.when:
        return None
    phrase = _promising_phrase(clause, patterns)
    if phrase:
        return _open_promise(clause, patterns, phrase)
    done = patterns.done.search(clause.low)
    if done is None or grants:
        return None
    line = promise_line(clause.text, None, patterns)
    return FoundPromise(text=line, kind=PromiseKind.FIRM, due=None, words=(done[0].strip(),), past=True)


def _open_promise(clause: Clause, patterns: PromisePatterns, phrase: _Phrase) -> FoundPromise:
    """Return the promise that a phrase makes, due on the clause's date unless an event decides when."""
    words = [phrase.match[0].strip()]
    when = None if clause.depends_on_event else clause.when
    due = None
    if when:
        due = when.moment
        words.append(clause.text[when.start : when.end].strip())
    return FoundPromise(
        text=promise_line(clause.text, when, patterns, start=_line_start(clause, phrase)),
        kind=phrase.kind,
        due=due,
        words=tuple(filter(None, words)),
    )


def _line_start(clause: Clause, phrase: _Phrase) -> int:
    """Return where the promise begins: after "I am so sorry, ", but not after an event."""
    start = phrase.match.start()
    opening = clause.text[:start].rstrip()
    if clause.trigger is None and opening.endswith(","):
        return start
    return 0


def _promising_phrase(clause: Clause, patterns: PromisePatterns) -> _Phrase | None:
    """Return the words that promise, None if the clause promises nothing.

    A known phrase promises with and without a date; some words promise only beside one.
    """
    update = patterns.update.search(clause.low)
    firm = patterns.firm.search(clause.low)
    if clause.depends_on_event:
        return _first_match((PromiseKind.ESTIMATE, update), (PromiseKind.ESTIMATE, firm))

    known = _first_match((PromiseKind.NEXT_UPDATE, update), (PromiseKind.FIRM, firm))
    if clause.when is None:
        return known
    arranged = patterns.topics.arranged.search(clause.low)
    if arranged:
        return _Phrase(PromiseKind.FIRM, arranged)
    is_report = known is None and patterns.given.search(clause.low) is not None
    if is_report:
        return None
    estimate = patterns.estimate.search(clause.low)
    if estimate:
        return _Phrase(PromiseKind.ESTIMATE, estimate)
    return known or _phrase_beside_date(clause.low, patterns)


def _phrase_beside_date(low: str, patterns: PromisePatterns) -> _Phrase | None:
    """Return the words that promise only because there is a date in their clause.

    Args:
        low: the clause in lower case.
        patterns: of its language.
    """
    topics = patterns.topics
    if topics.idle.search(low):
        return None
    dated = patterns.dated.search(low)
    if dated:
        return _Phrase(PromiseKind.FIRM, dated)

    topic = topics.topic.search(low)
    update = topics.update.search(low)
    is_service = topic is not None or update is not None
    if not is_service or len(low) > MAX_TOPIC_CLAUSE:
        return None
    return _first_match(
        (PromiseKind.ESTIMATE, topics.doubt.search(low)),
        (PromiseKind.NEXT_UPDATE, update),
        (PromiseKind.FIRM, topic),
    )


def _first_match(*candidates: tuple[PromiseKind, re.Match[str] | None]) -> _Phrase | None:
    """Return the first of these that was found in the clause."""
    for kind, match in candidates:
        if match is not None:
            return _Phrase(kind, match)
    return None
