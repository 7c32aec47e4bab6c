"""Hears what an agent's reply commits us to: promises with their dates, and gifts with their amounts.

Better deaf than wrong: a sentence counts only in a known turn of phrase, and a question, a condition, a negation, a
hedge or another person's words make it silent (RECOGNISE.md: a bare "will" is right in 42 of 100 cases).

- A commitment with a date is a promise. One that grants a gift without a date is a gift only: the compensation ledger
  keeps it, and a promise beside it would say the same twice. With a date it is both.
- What hangs on an event ("as soon as I hear", "once we receive") is an estimate without a date and grants nothing yet.
- What is done already is `past`.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from followupd.domain.calendar import Calendar
from followupd.domain.promise import FoundCompensation, FoundPromise, PromiseKind
from followupd.languages import Language
from followupd.text.promises.dates import DateReader, When, reader_of
from followupd.text.promises.gift_words import gift_words
from followupd.text.promises.grammar import Grammar, grammar_of
from followupd.text.promises.money import Amount, find_money
from followupd.text.promises.sentences import lowered, sentences
from followupd.text.promises.wording import fragment, promised_text, without

#: gifts that only say how another gift is given: "credited the refund", "a replacement free of charge"
_WEAK = ("credit", "gesture")
#: gifts that are things; what they are worth is not said in a promise
_GOODS = ("replacement", "free-shipping")


@dataclass(frozen=True, slots=True)
class _Clause:
    """One clause as written, in lower case, the date that it promises for, and where an event begins on which it hangs."""

    text: str
    low: str
    when: When | None
    trigger: int | None

    @property
    def hangs(self) -> bool:
        """Whether it hangs on an event: "on Monday, once I have read it" has a date of its own before the event."""
        return self.trigger is not None and not (self.when and self.when.start < self.trigger)


def hear(
    text: str,
    *,
    said_at: datetime,
    calendar: Calendar,
    language: Language,
    doubtful: Collection[str] = (),
    currency: str = "",
) -> tuple[tuple[FoundPromise, ...], tuple[FoundCompensation, ...]]:
    """Return the promises and the gifts in an agent's reply, in the order in which they stand.

    `said_at` is the moment at which the mail was sent: "by Friday" counts from it, and means the close of business in
    the company's zone. `doubtful` lines may be quoted and never yield anything. `currency` settles whose dollars.
    """
    grammar = grammar_of(language)
    reader = reader_of(language, now=said_at, calendar=calendar)
    amounts = partial(find_money, currency=currency, languages=language.catalogue)
    promises: list[FoundPromise] = []
    grants: list[FoundCompensation] = []
    for sentence in sentences(text, language.catalogue, doubtful):
        for clause in _clauses(sentence, grammar, reader):
            gifts = _grants(clause, grammar, amounts)
            promise = _promise(clause, grammar, given=bool(gifts))
            grants.extend(gift for gift in gifts if gift not in grants)
            promises.extend([promise] if promise and promise not in promises else [])
    return tuple(promises), tuple(grants)


def _clauses(sentence: str, grammar: Grammar, reader: DateReader) -> Iterator[_Clause]:
    """Give the clauses that may commit us; a condition silences its own clause and those after it."""
    if sentence.rstrip("\"') ").endswith("?") or sentence.startswith("¿"):
        return
    for part in _parts(sentence, grammar, reader):
        low = lowered(part)
        plain = grammar.complement.sub(" … ", low)  # "I let you know whether": not a condition of ours
        if grammar.unreal.search(plain):
            return
        if not grammar.hedged.search(plain):
            when, trigger = _when(part, reader), grammar.trigger.search(plain)
            yield _Clause(part, low, when, trigger.start() if trigger else None)


def _parts(sentence: str, grammar: Grammar, reader: DateReader) -> Iterator[str]:
    """Cut a sentence into its clauses; a bare comma cuts none from its date or from the event that it hangs on."""
    begin, low = 0, lowered(sentence)
    for cut in grammar.cut.finditer(low):
        opening = low[begin : cut.start()]
        if cut[0].strip() == "," and (grammar.trigger.search(opening) or _when(opening, reader)):
            continue
        yield from _carried(sentence[begin : cut.start()], grammar, reader)
        begin = cut.end()
    yield from _carried(sentence[begin:], grammar, reader)


def _carried(part: str, grammar: Grammar, reader: DateReader) -> Iterator[str]:
    """Cut "I will refund you by Friday and send a lamp tomorrow" in two, each with its subject and its own date."""
    cut = grammar.carried.search(lowered(part))
    subject = grammar.subject.search(part) if cut else None
    if (
        not cut
        or not subject
        or subject.end() > cut.start()
        or not (_when(part[: cut.start()], reader) and _when(part[cut.end() :], reader))
    ):
        yield part
        return
    yield part[: cut.start()]
    yield f"{subject[0]} {part[cut.end() :]}"


def _when(part: str, reader: DateReader) -> When | None:
    """Return the date that counts: a deadline before a mere day, the first before the second, none that is over."""
    found = [when for when in reader.find(part) if when.moment > reader.now]
    return next((when for when in found if when.firm), found[0] if found else None)


def _promise(clause: _Clause, grammar: Grammar, *, given: bool) -> FoundPromise | None:
    low, when = clause.low, clause.when
    if given and not when:
        return None
    kind, frame = _kind(clause, grammar)
    if kind and frame:
        due = when if when and not clause.hangs else None
        evidence = (frame[0].strip(), clause.text[due.start : due.end].strip() if due else "")
        text = promised_text(clause.text, when if due else None, grammar, start=_start(clause, frame))
        return FoundPromise(
            text=text,
            kind=kind,
            due=due.moment if due else None,
            words=tuple(word for word in evidence if word),
        )
    done = grammar.done.search(low)
    if done and not given:
        text = promised_text(clause.text, None, grammar)
        return FoundPromise(text=text, kind=PromiseKind.FIRM, due=None, words=(done[0].strip(),), past=True)
    return None


def _start(clause: _Clause, frame: re.Match[str]) -> int:
    """Return where the promise itself begins: after "I am so sorry, ", but never after the event it hangs on."""
    opening = clause.text[: frame.start()]
    return frame.start() if opening.rstrip().endswith(",") and clause.trigger is None else 0


def _kind(clause: _Clause, grammar: Grammar) -> tuple[PromiseKind | None, re.Match[str] | None]:
    """Return how firm the clause promises, and the words that do; without a date only the plain ones count."""
    low = clause.low
    estimate = grammar.estimate.search(low)
    update = grammar.update.search(low)
    firm = grammar.firm.search(low)
    if clause.hangs:
        return PromiseKind.ESTIMATE, update or firm
    if clause.when and (arranged := grammar.fallback.arranged.search(low)):
        return PromiseKind.FIRM, arranged
    if grammar.given.search(low) and not (update or firm):
        return None, None
    if estimate and clause.when:
        return PromiseKind.ESTIMATE, estimate
    if update:
        return PromiseKind.NEXT_UPDATE, update
    if firm or not clause.when:
        return PromiseKind.FIRM, firm
    dated = grammar.dated.search(low)
    if dated and not grammar.fallback.idle.search(low):
        return PromiseKind.FIRM, dated
    return grammar.fallback.heard(low)


def _grants(
    clause: _Clause, grammar: Grammar, amounts: Callable[[str], Iterator[Amount]]
) -> list[FoundCompensation]:
    if clause.trigger is not None:
        return []
    given = grammar.given.search(clause.low)
    giving = grammar.giving.search(clause.low)
    frame = given or giving
    if not frame:
        return []
    gifts = _gifts(clause.low, grammar)
    shares = _shared_out(list(amounts(clause.text)), gifts)
    return [
        _grant(clause, grammar, kind, gift, frame, amount, gifts, past=bool(given))
        for (kind, gift), amount in zip(gifts, shares, strict=True)
    ]


def _shared_out(money: list[Amount], gifts: list[tuple[str, re.Match[str]]]) -> list[Amount | None]:
    """Give each amount to one gift, the nearest that is counted in money: a refund beside a replacement is the refund's."""
    counted = [n for n, (kind, _) in enumerate(gifts) if kind not in _GOODS] or list(range(len(gifts)))
    found: list[Amount | None] = [None] * len(gifts)
    pairs = ((abs(amount.start - gifts[n][1].start()), n, amount) for n in counted for amount in money)
    for _, n, amount in sorted(pairs, key=lambda pair: pair[:2]):
        if found[n] is None and amount not in found:
            found[n] = amount
    return found


def _gifts(low: str, grammar: Grammar) -> list[tuple[str, re.Match[str]]]:
    found: list[tuple[str, re.Match[str]]] = []
    for kind, pattern in grammar.gifts:
        match = pattern.search(low)
        if match and not any(
            match.start() < other.end() and other.start() < match.end() for _, other in found
        ):
            found.append((kind, match))
    strong = [item for item in found if item[0] not in _WEAK]
    return strong or found[:1]


def _own_end(low: str, end: int, gifts: list[tuple[str, re.Match[str]]], grammar: Grammar) -> int:
    """Return where a gift's own words end: at the "and" before the next gift, else with the clause."""
    following = min((gift.start() for _, gift in gifts if gift.start() >= end), default=None)
    joint = grammar.joint.search(low, end, following) if following is not None else None
    return joint.start() if joint else len(low)


def _grant(
    clause: _Clause,
    grammar: Grammar,
    kind: str,
    gift: re.Match[str],
    frame: re.Match[str],
    nearest: Amount | None,
    others: list[tuple[str, re.Match[str]]],
    *,
    past: bool,
) -> FoundCompensation:
    start, end = gift.span()
    if nearest:
        start, end = min(start, nearest.start), max(end, nearest.end)
    said = clause.text[nearest.start : nearest.end] if nearest else ""
    evidence = (frame[0].strip(), clause.text[gift.start() : gift.end()], said)
    own = fragment(clause.text[: _own_end(clause.low, end, others, grammar)], start, end, clause.when)
    return FoundCompensation(
        kind=kind,
        amount=nearest.amount if nearest else "",
        currency=nearest.currency if nearest else "",
        text=gift_words(kind, own, without(clause.text, clause.when), grammar.names),
        words=tuple(word for word in evidence if word),
        past=past,
    )
