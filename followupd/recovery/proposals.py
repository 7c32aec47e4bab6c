"""What a reply of ours seems to promise and to give is proposed; only an agent's word makes it hold."""

from collections.abc import Sequence
from datetime import datetime

from followupd.domain.case import Case
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.events import CompensationGranted, Event, PromiseProposed
from followupd.domain.playbook import Playbook
from followupd.domain.promise import FoundCompensation, FoundPromise, Promise, PromiseState, paired


def proposed(
    case: Case,
    heard: tuple[Sequence[FoundPromise], Sequence[FoundCompensation]],
    playbook: Playbook,
    now: datetime,
) -> list[Event]:
    """Return proposals for what a reply seems to promise and to give, leaving out what stands already."""
    first = max((promise.n for promise in case.promises), default=0) + 1
    promises, grants = paired(*heard, first, {promise.text for promise in case.promises})
    proposed: list[Event] = [
        PromiseProposed(
            at=now,
            why=f"reply: {' ... '.join(each.words)}",
            promise=Promise(
                n=n,
                text=each.text,
                kind=each.kind,
                internal_deadline=each.due,
                promised_by=each.due,
                state=PromiseState.PROPOSED,
                source="reply",
                owner=case.owner,
                made_at=now,
            ),
        )
        for n, each in promises
    ]
    return proposed + _proposed_grants(case, grants, playbook, now)


def _proposed_grants(
    case: Case, grants: Sequence[tuple[FoundCompensation, int]], playbook: Playbook, now: datetime
) -> list[Event]:
    found: list[Event] = []
    for heard, promise in grants:
        money = Money.of(heard.amount, heard.currency or playbook.company.currency) if heard.amount else None
        kind = Gift(heard.kind)
        if any(grant.kind is kind and (grant.money == money or money is None) for grant in case.compensation):
            continue
        grant = Compensation(
            n=max((each.n for each in case.compensation), default=0) + 1 + len(found),
            kind=kind,
            state=GrantState.PROPOSED,
            money=money,
            text=heard.text,
            source="reply",
            promise=promise,
        )
        found.append(
            CompensationGranted(at=now, why=f"reply: {' ... '.join(heard.words)}", compensation=grant)
        )
    return found
