"""What the templates of letters may name: plain values made from a case, and nothing that can do anything."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from babel.dates import format_timedelta

from followupd.adapters.templates.formatter import Formatter, Named, given
from followupd.adapters.templates.markdown import flat, one_line
from followupd.domain.calendar import has_come
from followupd.domain.case import FACT_NAMES, QUOTABLE, Case, Facts, Fault, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState
from followupd.domain.decision import Agenda, AgendaItem, LetterContent, LookedUp, PrintedGiftCard, stated
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Agent, Company, Playbook
from followupd.domain.promise import Promise, PromiseState
from followupd.languages import Catalogue
from followupd.text.mail.headers import bare_subject
from followupd.text.names import SHIPPED, PersonName, addressed, first_name
from followupd.text.wording.facts import COACHED_FACTS, is_stub

#: compensation that the customer has, or has been sent
GIVEN = frozenset({GrantState.ISSUED, GrantState.CONFIRMED})
#: compensation that a letter may put in writing
AGREED = frozenset({GrantState.GRANTED, *GIVEN})
#: words for agents, by the stage of the case
_WORDS = {
    Stage.SUSPECTED: ("complaint", "dismiss", "promise", "owner"),
    Stage.FIXED: ("cause", "resolution", "prevention", "reached", "refund", "hold"),
    Stage.FOLLOWED_UP: ("reached", "received", "missing", "close"),
    Stage.CLOSED: ("complaint", "promise"),
    Stage.DISMISSED: ("complaint",),
}
_WORDS_OF_WORK = ("promise", "kept", "refund", "fixed", "hold", "owner")
_WORDS_OF_ALL = ("note", "show", "help")
_WORDS_OF_DIGEST = ("show", "today", "help")
#: characters of the customer's text beside a case in the digest
_MAX_EXCERPT = 200
#: the digest says "1 minute" of something newer
_MIN_AGE = timedelta(minutes=1)


def people_context(
    case: Case, playbook: Playbook, languages: Catalogue = SHIPPED, language: str = ""
) -> dict[str, Any]:
    """Return what every letter and every playbook sentence may name: `owner`, `company`, `vars` and `customer`.

    Args:
        case: the case.
        playbook: the playbook of the case.
        languages: the languages to use.
        language: the language of the letter, by default that of the case.
    """
    language = language or case.language or playbook.language or playbook.company.locale
    return {
        "owner": agent_values(playbook.owner_of(case.owner), languages),
        "company": company_values(playbook.company),
        "vars": own_values(playbook.company),
        "customer": customer_values(case, language, languages),
    }


def customer_context(
    kind: LetterKind, case: Case, playbook: Playbook, content: LetterContent, fmt: Formatter
) -> dict[str, Any]:
    """Return what a letter to the customer may name; there is no gift card in it (practice 47).

    Args:
        kind: the kind of the letter.
        case: the case that the letter belongs to.
        playbook: the playbook of the case.
        content: what the letter is about, beyond the case.
        fmt: writes dates and amounts in the letter's language.
    """
    promises = _promises_of(kind, content)
    numbers = {promise.n for promise in promises}
    owed = [promise for promise in case.owed if promise.n not in case.awaiting_approval]
    kept = [promise for promise in case.promises_in(PromiseState.KEPT) if promise.source != "playbook"]
    missed = [promise for promise in owed if has_come(promise.promised_by, fmt.now)]
    others = [promise for promise in owed if promise.n not in numbers]
    fault = case.facts.fault
    admits_fault = kind == LetterKind.FOLLOW_UP or not case.by_machine
    return people_context(case, playbook, fmt.languages, fmt.locale.language) | {
        "case": Named(
            ref=case.ref,
            subject=given("case.subject", _subject_to_repeat(case, content)),
            severity=case.severity,
            playbook=case.playbook,
            again=case.again,
        ),
        "facts": fact_values(_facts_to_repeat(case, content), case.insisted),
        "quoted": _quotations(case, content, fmt),
        "our_fault": admits_fault and fault is Fault.OURS,
        "shared_fault": admits_fault and fault is Fault.SHARED,
        "not_our_fault": fault is Fault.NOT_OURS,
        "promises": [fmt.promise(promise, case) for promise in promises],
        "done": [fmt.promise(promise, case) for promise in kept],
        "missed": [fmt.promise(promise, case) for promise in missed],
        "still_open": [fmt.promise(promise, case) for promise in owed],
        "others_open": [fmt.promise(promise, case) for promise in others],
        "first": not case.was_sent(LetterKind.CONFIRMATION),
        "by_machine": content.reply,
        "agreed": any(promise.source != "playbook" for promise in content.promises),
        "options": list(map(fmt.option, content.options)),
        "compensation": list(map(fmt.grant, _grants_of(kind, case, content))),
    }


def stated_in(kind: LetterKind, case: Case, content: LetterContent) -> tuple[str, ...]:
    """Return the promises and gifts that a letter puts in writing, one line each.

    Args:
        kind: the kind of the letter.
        case: the case that the letter belongs to.
        content: what the letter is about, beyond the case.
    """
    return stated(_promises_of(kind, content), _grants_of(kind, case, content))


def _promises_of(kind: LetterKind, content: LetterContent) -> list[Promise]:
    """Return the promises that the letter puts in writing; a delay letter has them with their new date."""
    promises = [promise for promise in content.promises if promise.state is not PromiseState.KEPT]
    if kind != LetterKind.DELAY or not content.until:
        return promises
    moved = []
    for promise in promises:
        keeps_date = promise.state in {PromiseState.LATE, PromiseState.WITHDRAWN}
        moved.append(promise if keeps_date else replace(promise, promised_by=content.until))
    return moved


def _grants_of(kind: LetterKind, case: Case, content: LetterContent) -> list[Compensation]:
    """Return the compensation that the letter names: in a follow-up what was given, else what was agreed."""
    if kind == LetterKind.FOLLOW_UP:
        return _named_in_letters(case.compensation, GIVEN)
    return _named_in_letters(content.compensation, AGREED)


def _named_in_letters(grants: Iterable[Compensation], states: frozenset[GrantState]) -> list[Compensation]:
    """Return the compensation in one of these states; gift cards have a separate letter."""
    return [grant for grant in grants if grant.state in states and grant.kind is not Gift.GIFT_CARD]


def _quotations(case: Case, content: LetterContent, fmt: Formatter) -> Named:
    """Return the facts in the customer's own words, in quotation marks; the others are missing.

    Args:
        case: the case.
        content: says whether the letter answers a stranger by machine, so that nothing is quoted.
        fmt: sets the quotation marks of the letter's language.
    """
    facts = _facts_to_repeat(case, content)
    quoted = case.quoted_facts
    words = {name: facts.text(name) if name in quoted else "" for name in QUOTABLE}
    return Named(
        **{name: given(f"quoted.{name}", fmt.quotation(words[name]), flat=False) for name in QUOTABLE}
    )


def _facts_to_repeat(case: Case, content: LetterContent) -> Facts:
    """Return the facts that the letter may repeat."""
    return Facts() if repeats_nothing(case, content) else case.facts


def repeats_nothing(case: Case, content: LetterContent) -> bool:
    """Return whether a letter repeats no word of the mail that came in.

    The first automatic mail to a stranger does not: its sender's address may be forged, and the words a message of
    the forger's to the person who has that address.
    """
    return content.reply and case.by_machine


def _subject_to_repeat(case: Case, content: LetterContent) -> str:
    """Return the subject that the letter may repeat, "" for none."""
    return "" if repeats_nothing(case, content) else bare_subject(one_line(case.subject))


def agent_context(
    case: Case, playbook: Playbook, content: LetterContent, to: Agent, fmt: Formatter
) -> dict[str, Any]:
    """Return what a desk mail may name: all that an agent needs, on a phone, without opening anything else.

    Args:
        case: the case that the mail is about.
        playbook: the playbook of the case.
        content: why the mail is written, and what it asks for.
        to: who gets it.
        fmt: writes dates, amounts and sentences in the company's language.
    """
    evidence = sorted(content.evidence, key=lambda item: -abs(item[1]))
    issued = _named_in_letters(case.compensation, GIVEN)
    return people_context(case, playbook, fmt.languages) | {
        "agent": agent_values(to, fmt.languages),
        "case": _case_values(case, fmt),
        "facts": fact_values(case.facts),
        "because": given("because", fmt.say(content.because)),
        "asks": _orders(content.asks, fmt),
        "asked": _plain_lines(content.asks),
        "words": _other_words(case.stage, content.asks, fmt),
        "colleague": given("colleague", content.colleague),
        "remark": given("remark", content.remark, flat=False),
        "looked_up": [_looked_up(found, fmt) for found in content.looked_up],
        "done": _orders(content.done, fmt),
        "problems": _sentences(content.problems, fmt),
        "unsure": _plain_lines(content.unsure),
        "findings": _sentences(content.findings, fmt),
        "account": _sentences(content.account, fmt),
        "evidence": _plain_lines(text for text, weight in evidence if weight > 0),
        "against": _plain_lines(text for text, weight in evidence if weight < 0),
        "promises": [fmt.promise(promise, case) for promise in content.promises],
        "still_open": [fmt.promise(promise, case) for promise in case.owed],
        "compensation": list(map(fmt.grant, content.compensation)),
        "given": list(map(fmt.grant, issued)),
        "quote": given("quote", content.quote, flat=False),
        "letter": given("letter", content.letter, flat=False),
        "attachments": _plain_lines(case.attachments),
        "story": given("story", content.story, flat=False),
        "about": given("about", content.about),
        "until": given("until", content.until and fmt.day(content.until)),
        "time": given("time", content.until and fmt.time(content.until)),
    }


def _case_values(case: Case, fmt: Formatter) -> Named:
    """Return `case` as a desk mail may name it."""
    return Named(
        ref=case.ref,
        subject=given("case.subject", bare_subject(one_line(case.subject))),
        stage=str(case.stage),
        severity=case.severity,
        playbook=case.playbook,
        opened=fmt.day(case.opened_at),
        by_machine=case.by_machine,
        score=f"{case.score:.0%}",
    )


def gift_card_context(
    case: Case, playbook: Playbook, card: PrintedGiftCard, fmt: Formatter
) -> dict[str, Any]:
    """Return what the gift card's letter may name.

    The people and the card, nothing of the complaint (practice 47).

    Args:
        case: the case whose customer gets the card.
        playbook: the playbook of the case.
        card: the card with its code.
        fmt: writes the amount and the last day in the letter's language.
    """
    try:
        expires = fmt.date(date.fromisoformat(card.expires))
    except ValueError:  # the provider's own words
        expires = card.expires
    values = Named(
        code=one_line(card.code),
        amount=fmt.money(card.money) if card.money else one_line(card.amount),
        is_link=card.code.startswith("https://"),
        expires=given("card.expires", expires, flat=False),
    )
    return people_context(case, playbook, fmt.languages, fmt.locale.language) | {"card": values}


def digest_context(agenda: Agenda, playbook: Playbook, to: Agent, fmt: Formatter) -> dict[str, Any]:
    """Return what the digest may name. It has no `case`, since it is about several.

    Args:
        agenda: everything that waits for the agent.
        playbook: the playbook that provides company and calendar.
        to: who gets the digest.
        fmt: writes dates and sentences in the company's language.
    """
    answers = [f"{item.case.ref}: {line}" for item in agenda.waiting for line in item.asks]
    return {
        "agent": agent_values(to, fmt.languages),
        "owner": agent_values(to, fmt.languages),
        "company": company_values(playbook.company),
        "vars": own_values(playbook.company),
        "day": fmt.date(agenda.day),
        "suspected": [_item_values(item, fmt) for item in agenda.suspected],
        "waiting": [_item_values(item, fmt) for item in agenda.waiting],
        "groups": _groups(agenda.waiting, fmt),
        "letters": [_item_values(item, fmt) for item in agenda.waiting if item.letter],
        "house": _sentences(agenda.general, fmt),
        "asks": [f"{item.case.ref}: " for item in agenda.suspected],
        "answers": _orders(answers, fmt),
        "words": list(map(fmt.order, _WORDS_OF_DIGEST)),
        "looked_up": [_looked_up(found, fmt) for found in agenda.looked_up],
        "done": _orders(agenda.done, fmt),
        "problems": _sentences(agenda.problems, fmt),
    }


def _groups(items: Iterable[AgendaItem], fmt: Formatter) -> list[Named]:
    """Return the cases of the digest in the order of their urgency: overdue, today, tomorrow, the rest."""
    groups: dict[str, list[Named]] = {"overdue": [], "today": [], "tomorrow": [], "": []}
    for item in items:
        groups[item.group].append(_item_values(item, fmt))
    return [Named(name=name, cases=found) for name, found in groups.items() if found]


def _item_values(item: AgendaItem, fmt: Formatter) -> Named:
    """Return one case of the digest, on a line or two."""
    case = item.case
    age = max(fmt.now - item.since, _MIN_AGE)
    words = dict(case.suggested).get("issue") or case.latest or case.story
    return Named(
        ref=case.ref,
        customer=one_line(case.customer.name) or one_line(case.customer.address),
        subject=bare_subject(one_line(case.subject)),
        what=one_line(fmt.say(item.what)),
        account=_sentences(item.account, fmt),
        severity=case.severity,
        age=one_line(format_timedelta(age, locale=fmt.locale)),
        letter=given("letter", item.letter, flat=False),
        words=_excerpt(words),
    )


def agent_values(agent: Agent, languages: Catalogue = SHIPPED) -> Named:
    """Return `owner` or `agent` as templates name them.

    Args:
        agent: who it is.
        languages: the languages to use.
    """
    return agent_named(agent, first_name(agent.name, languages))


def agent_named(agent: Agent, first: str) -> Named:
    """Return `owner` or `agent` as templates name them.

    Args:
        agent: who it is.
        first: the first name, "" where it is not certain.
    """
    return Named(
        name=given("owner.name", agent.name),
        first_name=given("owner.name", first or agent.name),
        phone=given("owner.phone", agent.phone),
        dial=given("owner.phone", re.sub(r"[^+\d]", "", agent.phone)),
        email=given("owner.email", agent.email),
    )


def company_values(company: Company) -> Named:
    """Return `company` as templates name it."""
    return Named(name=given("company.name", company.name))


def own_values(company: Company) -> Named:
    """Return `vars` as templates name them: the admin's own texts."""
    return Named(**{name: given(f"vars.{name}", text) for name, text in company.vars})


def customer_values(case: Case, language: str, languages: Catalogue = SHIPPED) -> Named:
    """Return `customer` as templates name it; a name that should not be repeated is missing.

    Where the mail came from a company or a device, the person who signed it is greeted.

    Args:
        case: the case.
        language: the language of the letter.
        languages: the languages to use.
    """
    names = (one_line(case.customer.name), case.signed_by)
    persons = (addressed(name, language, languages) for name in names)
    person = next(filter(attrgetter("name"), persons), PersonName())
    return customer_named(case.customer, person, case.salutation)


def customer_named(customer: Person, person: PersonName, salutation: str = "") -> Named:
    """Return `customer` as templates name it.

    Args:
        customer: the address and the name of the mail.
        person: as whom the customer is addressed.
        salutation: an agent's own.
    """
    return Named(
        name=given("customer.name", person.name),
        first_name=given("customer.first_name", person.first_name or person.name),
        salutation=given("customer.salutation", salutation),
        address=one_line(customer.address),
        anybody=one_line(customer.name) or one_line(customer.address),
    )


def fact_values(facts: Facts, insisted: Collection[str] = ()) -> Named:
    """Return `facts` as templates name them; one that was not stated, or says nothing, is missing."""
    texts: dict[str, Any] = {name: getattr(facts, name) for name in FACT_NAMES}
    silent = {name for name in COACHED_FACTS if texts[name] not in insisted and is_stub(facts.text(name))}
    texts |= dict.fromkeys(silent)
    return Named(**{name: given(f"facts.{name}", text) for name, text in texts.items()})


def _orders(lines: Iterable[str], fmt: Formatter) -> list[str]:
    """Return lines to answer with, in the words of the mail's language."""
    return [flat(fmt.order(line)) for line in lines]


def _other_words(stage: Stage, asks: Iterable[str], fmt: Formatter) -> list[str]:
    """Return further words that an agent may need in this stage, `help` last.

    Args:
        stage: the stage of the case.
        asks: lines that the mail offers already ("kept: 1"); their words are left out.
        fmt: writes the words in the language of the mail.
    """
    offered = {line.partition(":")[0].strip() for line in asks}
    likely = _WORDS.get(stage, _WORDS_OF_WORK)
    return [fmt.order(word) for word in (*likely, *_WORDS_OF_ALL) if word not in offered]


def _looked_up(found: LookedUp, fmt: Formatter) -> Named:
    """Return what an agent asked to see as templates name it."""
    return Named(
        title=one_line(fmt.say(found.title)), lines=_sentences(found.lines, fmt), is_help=found.is_help
    )


def _plain_lines(lines: Iterable[str]) -> list[str]:
    return list(map(flat, lines))


def _sentences(sentences: Iterable[str], fmt: Formatter) -> list[str]:
    """Return sentences for agents in the mail's language, each on one line."""
    return [flat(fmt.say(sentence)) for sentence in sentences]


def _excerpt(text: str) -> str:
    """Return the beginning of a text, cut between two words."""
    words = one_line(text)
    if len(words) <= _MAX_EXCERPT:
        return words
    return words[:_MAX_EXCERPT].rsplit(" ", 1)[0] + "…"
