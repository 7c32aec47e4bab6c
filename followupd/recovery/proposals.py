"""Proposals: promises and compensation read in an agent's reply, which count once an agent approves them."""

from datetime import datetime

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.events import CompensationGranted, Event, PromiseProposed
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Found, FoundCompensation, FoundPromise, Promise, PromiseState, paired


def proposed(
    case: Case,
    found: Found,
    playbook: Playbook,
    now: datetime,
) -> list[Event]:
    """Return proposals for what was found in a reply, without what the case contains already."""
    known = {promise.text for promise in case.promises}
    promises, grants = paired(found.promises, found.compensation, case.next_promise, known)
    events: list[Event] = []

    for n, promise in promises:
        event = PromiseProposed(at=now, why=_why(promise), promise=_promise(n, promise, case, now))
        events.append(event)

    n = case.next_grant
    for grant, promise_number in grants:
        compensation = _compensation(n, grant, promise_number, playbook)
        if not _is_known(compensation, case):
            events.append(CompensationGranted(at=now, why=_why(grant), compensation=compensation))
            n += 1
    return events


def _why(found: FoundPromise | FoundCompensation) -> str:
    """Return the words that were recognised, for the history."""
    return f"reply: {' ... '.join(found.words)}"


def _promise(n: int, found: FoundPromise, case: Case, now: datetime) -> Promise:
    """Return the proposed promise; it gets its own internal deadline when it is approved."""
    return Promise(
        n=n,
        text=found.text,
        kind=found.kind,
        internal_deadline=found.due,
        promised_by=found.due,
        relation=found.relation,
        since=found.since,
        dated=found.dated,
        state=PromiseState.PROPOSED,
        source="reply",
        owner=case.owner,
        made_at=now,
    )


def _compensation(n: int, found: FoundCompensation, promise: int, playbook: Playbook) -> Compensation:
    """Return the proposed grant; an amount without a currency is in the company's."""
    money = None
    if found.amount:
        money = Money.of(found.amount, found.currency or playbook.company.currency)

    return Compensation(
        n=n,
        kind=Gift(found.kind),
        state=GrantState.PROPOSED,
        money=money,
        text=found.text,
        source="reply",
        promise=promise,
    )


def _is_known(proposal: Compensation, case: Case) -> bool:
    """Return whether the case has this grant already; one without an amount may be any of its kind."""
    amounts = [grant.money for grant in case.compensation if grant.kind is proposal.kind]
    if proposal.money is None:
        return bool(amounts)

    return proposal.money in amounts
