"""What the digest may speak of: the cases that wait for one agent, each on a line or two."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from babel.dates import format_timedelta

from followupd.adapters.templates.formatter import Formatter, Named, given
from followupd.adapters.templates.markdown import one_line
from followupd.domain.case import FACT_NAMES, Case, Facts, Fault
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import Agenda, AgendaItem, LetterContent, PrintedGiftCard
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.domain.team import Agent, Company
from followupd.languages import Catalogue, catalogue

#: grants that the customer has, or has been sent
GIVEN = frozenset({GrantState.ISSUED, GrantState.CONFIRMED})
#: grants that a letter may put in writing
AGREED = frozenset({GrantState.GRANTED, *GIVEN})
# a name that could carry a message of its own to whoever's address was forged is not repeated
_NO_NAME = re.compile(r"[@/<>\[\](){}|=\\*_`#:;!?%$\"]|www\.|\d|\w{2}\.\w{2}", re.IGNORECASE)
_GIVEN_NAME = re.compile(r"([^\W\d_][^\W\d_]+(?:[-'’][^\W\d_]+)*)((?: [^\W\d_][^\W\d_'’-]*\.?){1,2})")
#: what mail programs put before a subject when somebody answers or forwards
_MARK = re.compile(
    rf"\s*(?:{'|'.join(map(re.escape, catalogue().mail_clients.subjects.prefixes))})\s*(?:\[\d+\])?\s*:\s*",
    re.IGNORECASE,
)


@lru_cache(maxsize=8)
def _titles(languages: Catalogue) -> frozenset[str]:
    return frozenset[str]().union(*(language.info.letters.titles for language in languages.all()))


def people(case: Case, playbook: Playbook, languages: Catalogue | None = None) -> dict[str, Any]:
    """The scope that every letter and every playbook sentence has: who writes, for whom, to whom."""
    return {
        "owner": agent(playbook.owner_of(case.owner), languages),
        "company": company(playbook.company),
        "customer": customer(case.customer, languages),
    }


def to_customer(
    kind: LetterKind, case: Case, playbook: Playbook, brief: LetterContent, pen: Formatter
) -> dict[str, Any]:
    """The scope of a letter to the customer; it knows no gift card (practice 47)."""
    grants = case.compensation if kind == LetterKind.FOLLOW_UP else brief.compensation
    said = [promise for promise in brief.promises if promise.state is not PromiseState.KEPT]
    admits = kind == LetterKind.FOLLOW_UP or not case.by_machine
    if kind == LetterKind.DELAY:
        said = [_moved(promise, brief) for promise in said]
    return people(case, playbook, pen.languages) | {
        "case": Named(ref=case.ref, subject=given("case.subject", bare_subject(case.subject))),
        "facts": facts(_sayable(case, brief)),
        "our_fault": admits and case.facts.fault is Fault.OURS,
        "shared_fault": admits and case.facts.fault is Fault.SHARED,
        "not_our_fault": case.facts.fault is Fault.NOT_OURS,
        "promises": [pen.promise(promise, case) for promise in said],
        "done": [pen.promise(p, case) for p in case.promises if p.state is PromiseState.KEPT],
        "still_open": [pen.promise(p, case) for p in case.owed],
        "others_open": [
            pen.promise(p, case) for p in case.owed if p.n not in {promise.n for promise in said}
        ],
        "first": not case.was_sent(LetterKind.CONFIRMATION),
        "by_machine": brief.reply,
        "agreed": any(promise.source != "playbook" for promise in brief.promises),
        "options": [pen.option(option) for option in brief.options],
        "compensation": [
            pen.grant(grant) for grant in _tellable(grants, GIVEN if kind == LetterKind.FOLLOW_UP else AGREED)
        ],
    }


def to_agent(
    case: Case, playbook: Playbook, brief: LetterContent, to: Agent, pen: Formatter
) -> dict[str, Any]:
    """The scope of a desk mail: all that an agent needs, on a phone, without opening anything else."""
    return people(case, playbook, pen.languages) | {
        "agent": agent(to, pen.languages),
        "case": Named(
            ref=case.ref,
            subject=given("case.subject", bare_subject(case.subject)),
            stage=str(case.stage),
            severity=case.severity,
            playbook=case.playbook,
            opened=pen.day(case.opened_at),
            by_machine=case.by_machine,
            score=f"{case.score:.0%}",
        ),
        "facts": facts(case.facts),
        "because": given("because", pen.say(brief.because)),
        "asks": [one_line(line) for line in brief.asks],
        "done": [one_line(line) for line in brief.done],
        "problems": [one_line(pen.say(line)) for line in brief.problems],
        "findings": [one_line(pen.say(line)) for line in brief.findings],
        "account": [one_line(pen.say(line)) for line in brief.account],
        "evidence": [
            one_line(words) for words, weight in _strongest(brief.evidence or case.evidence) if weight > 0
        ],
        "against": [
            one_line(words) for words, weight in _strongest(brief.evidence or case.evidence) if weight < 0
        ],
        "promises": [pen.promise(promise, case) for promise in brief.promises],
        "still_open": [pen.promise(promise, case) for promise in case.owed],
        "compensation": [pen.grant(grant) for grant in brief.compensation],
        "given": [pen.grant(grant) for grant in _tellable(case.compensation, GIVEN)],
        "quote": given("quote", brief.quote, flat=False),
        "about": given("about", brief.about),
        "until": given("until", brief.until and pen.day(brief.until)),
        "time": given("time", brief.until and pen.time(brief.until)),
    }


def of_gift_card(case: Case, playbook: Playbook, card: PrintedGiftCard, pen: Formatter) -> dict[str, Any]:
    """The scope of the gift card's letter: people and the card; nothing of the complaint (practice 47)."""
    try:
        expires = pen.date(date.fromisoformat(card.expires))
    except ValueError:
        expires = card.expires
    amount = pen.money(card.money) if card.money else one_line(card.amount)
    shown = Named(code=one_line(card.code), amount=amount, is_link=card.code.startswith("https://"))
    shown.expires = given("card.expires", expires, flat=False)
    return people(case, playbook, pen.languages) | {"card": shown}


def agent(one: Agent, languages: Catalogue | None = None) -> Named:
    return Named(
        name=given("owner.name", one.name),
        first_name=given("owner.name", given_name(one.name, languages) or one.name),
        phone=given("owner.phone", one.phone),
        email=given("owner.email", one.email),
    )


def company(one: Company) -> Named:
    return Named(name=given("company.name", one.name))


def customer(one: Person, languages: Catalogue | None = None) -> Named:
    name = sayable_name(one.name)
    return Named(
        name=given("customer.name", name),
        first_name=given("customer.first_name", given_name(name, languages) or name),
        address=one_line(one.address),
        anybody=one_line(one.name) or one_line(one.address),
    )


def facts(known: Facts) -> Named:
    values: dict[str, Any] = {name: given(f"facts.{name}", getattr(known, name)) for name in FACT_NAMES}
    return Named(**values)


def bare_subject(subject: str) -> str:
    """Return the subject without the marks of earlier answers ("Re:", "AW:", "Fwd:")."""
    rest = one_line(subject)
    while found := _MARK.match(rest):
        rest = rest[found.end() :]
    return rest


def sayable_name(name: str) -> str:
    """Return the customer's name for a greeting, "" when it is none that a letter should repeat."""
    flat = one_line(name).strip("'’ ,")
    if "," in flat and flat.count(",") == 1:
        last, first = flat.split(",")
        flat = f"{first.strip()} {last.strip()}"
    return (
        flat
        if 1 < len(flat) <= 50 and flat.count(" ") <= 4 and not _NO_NAME.search(flat.replace(". ", " "))
        else ""
    )


def given_name(name: str, languages: Catalogue | None = None) -> str:
    """Return the first name where it is plain which one it is, else ""; a wrong name is worse than a stiff one."""
    found = _GIVEN_NAME.fullmatch(name)
    titled = {word.strip(".").lower() for word in name.split()} & _titles(languages or catalogue())
    plain = found and not titled and all(word[0].isupper() for word in name.split()) and not name.isupper()
    return found[1] if found and plain else ""


def _moved(promise: Promise, brief: LetterContent) -> Promise:
    """Return a delayed promise with the date that the brief gives, where the promise itself was not yet moved."""
    return (
        promise
        if promise.state is PromiseState.LATE or not brief.until
        else replace(promise, promised_by=brief.until)
    )


def _sayable(case: Case, brief: LetterContent) -> Facts:
    # the first mail by machine to a stranger repeats nothing of the words that came in: an address can be forged
    return Facts() if brief.reply and case.by_machine else case.facts


def _tellable(grants: Iterable[Compensation], states: frozenset[GrantState]) -> list[Compensation]:
    return [grant for grant in grants if grant.state in states and grant.kind is not Gift.GIFT_CARD]


def _strongest(evidence: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(evidence, key=lambda each: -abs(each[1]))


#: as much of the customer's words as stands beside a case
_WORDS = 200
_LEAST = timedelta(minutes=1)


def of_digest(agenda: Agenda, playbook: Playbook, to: Agent, pen: Formatter) -> dict[str, Any]:
    """The scope of the digest. It has no `case`: it speaks of several."""
    return {
        "agent": agent(to, pen.languages),
        "owner": agent(to, pen.languages),
        "company": company(playbook.company),
        "day": pen.date(agenda.day),
        "suspected": [_item(item, pen) for item in agenda.suspected],
        "waiting": [_item(item, pen) for item in agenda.waiting],
        "house": [one_line(pen.say(line)) for line in agenda.general],
        "asks": [f"{item.case.ref}: " for item in agenda.suspected],
        "answers": [f"{item.case.ref}: {one_line(line)}" for item in agenda.waiting for line in item.asks],
        "done": _lines(agenda.done),
        "problems": _lines(agenda.problems),
    }


def _item(item: AgendaItem, pen: Formatter) -> Named:
    case = item.case
    return Named(
        ref=case.ref,
        customer=one_line(case.customer.name) or one_line(case.customer.address),
        subject=bare_subject(case.subject),
        what=one_line(pen.say(item.what)),
        account=[one_line(pen.say(line)) for line in item.account],
        severity=case.severity,
        age=one_line(format_timedelta(max(pen.now - item.since, _LEAST), locale=pen.locale)),
        words=_shortened(dict(case.suggested).get("issue") or case.latest or case.story),
    )


def _lines(lines: Iterable[str]) -> list[str]:
    return [one_line(line) for line in lines]


def _shortened(words: str) -> str:
    flat = one_line(words)
    return flat if len(flat) <= _WORDS else f"{flat[:_WORDS].rsplit(' ', 1)[0]}…"
