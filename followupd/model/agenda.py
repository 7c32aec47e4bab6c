"""What waits for one agent on one day: the matter of the digest."""

from dataclasses import dataclass
from datetime import date, datetime

from followupd.model.case import Case


@dataclass(frozen=True, slots=True)
class Item:
    """A case that waits for a person: for what, and since when.

    `account` is what somebody who does not know the case needs; `asks` are lines to answer with, and `matters` the names
    of what the person is told by this item, so that no other mail says it again.
    """

    case: Case
    what: str
    since: datetime
    account: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """All that waits, the longest first. `key` names the digest that says it, so that no digest leaves twice."""

    key: str
    day: date
    suspected: tuple[Item, ...] = ()  # is it a complaint? an agent decides
    waiting: tuple[Item, ...] = ()
    house: tuple[str, ...] = ()  # what concerns no single case
    done: tuple[str, ...] = ()  # lines of an answer that were done
    problems: tuple[str, ...] = ()  # lines of an answer that were not understood
