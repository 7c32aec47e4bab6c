"""Find what an agent's reply commits the company to: promises with their dates, and gifts with their amounts.

Precision counts more than recall: a sentence counts only in a known turn of phrase, and a question, a
condition, a negation, a hedge or another person's words exclude it (a bare "will" is right in 42 of 100
cases).

- A commitment with a date is a promise. A gift without a date is a gift only: the compensation ledger keeps
  it, and a promise beside it would say the same twice. A gift with a date is both.
- What depends on an event ("as soon as I hear", "once we receive") is an estimate without a date, and grants
  nothing.
- What is done already is `past`.
"""

import re
from collections.abc import Collection
from datetime import datetime

from followupd.domain.calendar import Calendar
from followupd.domain.promise import FoundCompensation, FoundPromise, PromiseKind
from followupd.languages import Language
from followupd.text.promises.clauses import Clause, clauses
from followupd.text.promises.dates import reader_of
from followupd.text.promises.gifts import gifts_in
from followupd.text.promises.grammar import Grammar, grammar_of
from followupd.text.promises.sentences import sentences
from followupd.text.promises.wording import promised_text


def hear(
    text: str,
    *,
    said_at: datetime,
    calendar: Calendar,
    language: Language,
    doubtful: Collection[str] = (),
    currency: str = "",
) -> tuple[tuple[FoundPromise, ...], tuple[FoundCompensation, ...]]:
    """Return the promises and the gifts in an agent's reply, in the order of the text.

    `said_at` is when the mail was sent: "by Friday" counts from it, and means the close of business in the
    company's time zone. `doubtful` lines may be quotes and yield nothing. `currency` decides which dollar is
    meant.
    """
    grammar = grammar_of(language)
    reader = reader_of(language, now=said_at, calendar=calendar)
    promises: list[FoundPromise] = []
    grants: list[FoundCompensation] = []
    for sentence in sentences(text, language.catalogue, doubtful):
        for clause in clauses(sentence, grammar, reader):
            gifts = gifts_in(clause, grammar, currency, language.catalogue)
            promise = _promise(clause, grammar, given=bool(gifts))
            grants.extend(gift for gift in gifts if gift not in grants)
            if promise and promise not in promises:
                promises.append(promise)
    return tuple(promises), tuple(grants)


def _promise(clause: Clause, grammar: Grammar, *, given: bool) -> FoundPromise | None:
    if given and not clause.when:
        return None
    kind, turn = _kind(clause, grammar)
    if kind and turn:
        return _made(clause, grammar, kind, turn)
    done = grammar.done.search(clause.low)
    if not done or given:
        return None
    text = promised_text(clause.text, None, grammar)
    return FoundPromise(text=text, kind=PromiseKind.FIRM, due=None, words=(done[0].strip(),), past=True)


def _made(clause: Clause, grammar: Grammar, kind: PromiseKind, turn: re.Match[str]) -> FoundPromise:
    due = None if clause.depends_on_event else clause.when
    evidence = (turn[0].strip(), clause.text[due.start : due.end].strip() if due else "")
    return FoundPromise(
        text=promised_text(clause.text, due, grammar, start=_start(clause, turn)),
        kind=kind,
        due=due.moment if due else None,
        words=tuple(words for words in evidence if words),
    )


def _start(clause: Clause, turn: re.Match[str]) -> int:
    """Return where the promise begins: after "I am so sorry, ", but not after an event."""
    opening = clause.text[: turn.start()]
    return turn.start() if opening.rstrip().endswith(",") and clause.trigger is None else 0


def _kind(clause: Clause, grammar: Grammar) -> tuple[PromiseKind | None, re.Match[str] | None]:
    """Return how firmly the clause promises, and the words that do."""
    low = clause.low
    update, firm = grammar.update.search(low), grammar.firm.search(low)
    if clause.depends_on_event:
        return PromiseKind.ESTIMATE, update or firm
    if clause.when and (arranged := grammar.fallback.arranged.search(low)):
        return PromiseKind.FIRM, arranged
    if grammar.given.search(low) and not (update or firm):
        return None, None
    if clause.when and (estimate := grammar.estimate.search(low)):
        return PromiseKind.ESTIMATE, estimate
    if update:
        return PromiseKind.NEXT_UPDATE, update
    if firm or not clause.when:
        return PromiseKind.FIRM, firm
    return _with_date_only(low, grammar)


def _with_date_only(low: str, grammar: Grammar) -> tuple[PromiseKind | None, re.Match[str] | None]:
    """Return the same of words that promise only because a date stands beside them."""
    dated = grammar.dated.search(low)
    if dated and not grammar.fallback.idle.search(low):
        return PromiseKind.FIRM, dated
    return grammar.fallback.found(low)
