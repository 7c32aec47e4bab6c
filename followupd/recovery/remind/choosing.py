"""What people are told of options: that nobody chooses, or that one stands alone and is no choice (practice 55)."""

from collections.abc import Iterator
from datetime import datetime

from followupd.model.calendar import Duration
from followupd.model.case import Case, Stage
from followupd.model.option import OptionState
from followupd.model.playbook import Playbook
from followupd.model.said import said
from followupd.recovery.remind.ladder import Matter

_CHOICE = Duration(2, "business day")  # from the question which option suits better to the reminder that nobody chose
_ALONE = Duration(2, "business hour")  # from an option to the question where the other ones are
_OPEN = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED})


def asked_at(case: Case) -> datetime | None:
    """Return when the customer was asked which option suits better, None while there is nothing to choose."""
    asked = {option.letter for option in case.to_choose}
    return max((mark.at for mark in case.letters if mark.key in asked), default=None)


def of_options(case: Case, playbook: Playbook) -> Iterator[Matter]:
    """Give what is to be told while the case is worked on; of a fixed one, its follow-up's gate speaks."""
    if case.stage in _OPEN:
        yield from _nobody_chose(case, playbook)
        yield from _alone(case, playbook)


def _nobody_chose(case: Case, playbook: Playbook) -> Iterator[Matter]:
    since = asked_at(case)
    if since is None:
        return
    asks = tuple(f"{verb}: {each.n}" for verb in ("choose", "withdraw-option") for each in case.to_choose)
    offer = ", ".join(f"{each.n} “{each.text}”" for each in case.to_choose)
    at, stamp = playbook.calendar.after(since, _CHOICE), f"{since:%Y-%m-%dT%H:%M}"
    call = said("the customer has not chosen, please call; on offer: {options}", options=offer)
    yield Matter(f"choice {stamp}", at, "owner", call, asks)
    late = playbook.calendar.after(at, playbook.escalate_manager)
    still = said("the customer has not chosen, and nobody has taken the options back: {options}", options=offer)
    yield Matter(f"choice lead {stamp}", late, "lead", still, asks)


def _alone(case: Case, playbook: Playbook) -> Iterator[Matter]:
    open_ones = [option for option in case.options if option.state is OptionState.OPEN]
    if len(open_ones) != 1 or open_ones[0] not in case.unasked or open_ones[0].offered_at is None:
        return
    [option] = open_ones
    at = playbook.calendar.after(option.offered_at or case.opened_at, _ALONE)
    pattern = "{option} stands alone, and the customer was not asked: offer another one, or promise this one"
    asks = ("option: ", f"promise: {option.text} by ", f"withdraw-option: {option.n} because ")
    yield Matter(f"option-{option.n} alone", at, "owner", said(pattern, option=option.named), asks)
