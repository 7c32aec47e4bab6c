"""A letter as it would leave: for a real case with what its chapter would say, or for a sample case."""

from datetime import datetime
from pathlib import Path

from followupd.cli.house import open_house
from followupd.edges.letter_check import try_out
from followupd.edges.samples import sample_card, sample_case
from followupd.edges.settings import load
from followupd.errors import FollowupdError
from followupd.model.case import Case
from followupd.model.compensation import Gift, GrantState
from followupd.model.letter import CONFIRMATION, CUSTOMER_LETTERS, DESK_MAILS, DIGEST, GIFT_CARD, Brief
from followupd.model.outgoing import Outgoing
from followupd.model.playbook import Playbook
from followupd.model.promise import PromiseState
from followupd.wiring import House, letters_of


def previewed(directory: Path, kind: str, ref: str, sample: str, now: datetime) -> Outgoing:
    """Return the letter; a code from the stock is never shown in a preview. A sample case needs no ledger.

    Raises:
        FollowupdError: there is no letter of that kind.
        LetterError: the letter lacks something that it must say.
    """
    if kind not in (*CUSTOMER_LETTERS, *DESK_MAILS):
        raise FollowupdError(f"{kind!r} is no letter; there are {', '.join((*CUSTOMER_LETTERS, *DESK_MAILS))}")
    if not ref:
        settings = load(directory)
        playbook = settings.playbooks["default"]
        letters = letters_of(settings, lambda key, domain: f"<{key.replace('/', '.')}.preview@{domain}>")
        return try_out(letters, kind, sample_case(playbook, now, sample), playbook, now)
    house = open_house(directory)
    case, playbook, brief = _real(house, ref, kind)
    if kind == GIFT_CARD:
        return house.letters.gift_card(case, playbook, now, sample_card(case, playbook))
    if kind == DIGEST:
        raise FollowupdError("a digest is about several cases; preview it without --case")
    if kind in DESK_MAILS:
        return house.letters.desk(kind, case, playbook, now, brief, playbook.owner_of(case.owner))
    return house.letters.letter(kind, case, playbook, now, brief)


def _real(house: House, ref: str, kind: str) -> tuple[Case, Playbook, Brief]:
    with house.ledger.work() as work:
        case = work.cases.get(ref)
    playbook = house.settings.playbooks.get(case.playbook) or house.settings.playbooks["default"]
    given = tuple(
        grant for grant in case.compensation
        if grant.state in {GrantState.ISSUED, GrantState.CONFIRMED} and grant.kind is not Gift.GIFT_CARD
    )  # fmt: skip
    waiting = case.unwritten or tuple(p for p in case.promises if p.state is PromiseState.OPEN)
    standing = all(promise.source == "playbook" for promise in waiting)
    return case, playbook, Brief(
        promises=waiting, compensation=case.compensation if kind == CONFIRMATION else given, quote=case.story,
        automatic=standing, reply=kind == CONFIRMATION and standing,
    )  # fmt: skip
