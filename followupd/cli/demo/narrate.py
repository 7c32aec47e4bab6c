"""What the ledger's history says, in sentences for a newcomer: one event in, one sentence out."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from itertools import groupby

from followupd.model import event as e
from followupd.model.agent import Team
from followupd.model.compensation import Compensation
from followupd.model.event import Event
from followupd.model.letter import CONFIRMATION, FOLLOW_UP, GIFT_CARD
from followupd.model.promise import Promise

#: words of a verdict that are shown
_WORDS = 4
_CALLED = {CONFIRMATION: "confirmation", FOLLOW_UP: "follow-up", GIFT_CARD: "gift-card letter"}


def sentences(events: Iterable[Event], zone: tzinfo, team: Team) -> list[tuple[datetime, str]]:
    """Return what happened, in order; facts that were stated one after the other make one sentence."""
    found = []
    for kind, group in groupby(events, type):
        if kind is e.FactsStated:
            stated = [event for event in group if isinstance(event, e.FactsStated)]
            names = ", ".join(name.replace("_", " ") for event in stated for name, _ in event.facts)
            found.append((stated[0].at, f"Noted for the letters, from {stated[0].by}: {names}."))
        else:
            found += [(event.at, said) for event in group if (said := _sentence(event, zone, team))]
    return found


def _sentence(event: Event, zone: tzinfo, team: Team) -> str:
    """Return the sentence for an event, "" for one that the mails tell better themselves."""
    match event:
        case e.CaseOpened():
            owner = team.by_id(event.owner)
            return f"followupd opens case {event.ref}; {owner.name if owner else event.owner} looks after it."
        case e.ComplaintHeard() | e.ComplaintSuspected():
            return _heard(event)
        case e.PromiseMade() | e.PromiseProposed():
            return _promise(event.promise, zone, proposed=isinstance(event, e.PromiseProposed))
        case e.PromiseKept():
            return f"Promise {event.n} is kept ({event.why})."
        case e.CompensationGranted():
            return _grant(event.compensation)
        case e.CompensationIssued():
            return f"Compensation {event.n} is issued ({event.why})."
        case e.Fixed():
            return f"The matter is called fixed by {event.by}; the follow-up's time begins."
        case e.MissingAsked():
            return f"Before the follow-up can leave: {event.why}. The owner is asked, once."
        case _:
            return _letter_sentence(event)


def _letter_sentence(event: Event) -> str:
    match event:
        case e.LetterInDoubt():
            return f"The {called(event.kind)} is in doubt: {event.why}. Nobody knows whether it left, so it stays."
        case e.LetterRefused():
            return f"The {called(event.kind)} was refused: {event.why}."
        case e.LetterStopped():
            return f"A letter was not written: {event.why}."
        case e.NextStepConfirmed() | e.FollowedUp() | e.GiftCardSent() | e.CustomerTold():
            return f"The {called(event.kind)} has left{_reply(event.why)}."
        case e.CallAsked():
            return "The owner is asked to call, on the same day."
        case e.GiftCardDue():
            return f"A gift card of {event.money.amount} {event.money.currency} is due; it goes in a thread of its own."
        case e.GiftCardLacking():
            return f"No gift card leaves: {event.why}."
        case e.CustomerReached():
            return f"The customer was reached by phone, says {event.by}."
        case e.Closed():
            return f"The case is closed: {event.why}."
        case e.Parked():
            return f"The case is parked for a person: {event.why}."
        case _:
            return ""


def called(kind: str) -> str:
    return _CALLED.get(kind, kind.removeprefix("desk/") + " mail")


def moment(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M}"


def _heard(event: e.ComplaintHeard | e.ComplaintSuspected) -> str:
    spoke = [f'"{words}"' for words, weight in event.evidence if weight > 0]
    words = ", ".join(spoke[:_WORDS])
    because = f" The words that spoke: {words}." if words else ""
    if isinstance(event, e.ComplaintSuspected):
        return f"It may be a complaint (score {event.score:.2f}); an agent decides.{because}"
    if event.by_machine:
        return f"It hears a complaint by itself (score {event.score:.2f}).{because}"
    return f"It is a complaint, says {event.by} ({event.why})."


def _promise(promise: Promise, zone: tzinfo, *, proposed: bool) -> str:
    verb = "Read in the reply, waiting for an agent's word:" if proposed else f"Promise {promise.n} is logged:"
    told = f", by {moment(promise.told, zone)}" if promise.told else ", no date"
    ours = promise.due if promise.due != promise.told else None
    return f'{verb} "{promise.text}"{told}{f" (our own date: {moment(ours, zone)})" if ours else ""}.'


def _grant(grant: Compensation) -> str:
    kind, text = grant.kind.replace("-", " "), f" ({grant.text})" if grant.text not in {"", grant.kind} else ""
    value = f" of {grant.money.amount} {grant.money.currency}" if grant.money else text
    return f"Compensation {grant.n}: a {kind}{value} is {grant.state.replace('-', ' ')}."


def _reply(why: str) -> str:
    return f" ({why})" if why else ""
