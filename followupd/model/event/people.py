"""Whom we asked, told and reached."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from followupd.model.event.base import Event

if TYPE_CHECKING:
    from followupd.model.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingAsked(Event):
    """The owner was asked for what the next letter lacks."""

    missing: tuple[str, ...] = ()

    def on(self, case: "Case") -> "Case":
        return replace(case, asked_at=self.at, asked=self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerNudged(Event):
    """The owner, a lead or a manager was reminded; `matter` says of what ("silence", "promise 1 due")."""

    matter: str
    whom: str = ""

    def on(self, case: "Case") -> "Case":
        others = tuple((whom, at) for whom, at in case.told if whom != self.whom)
        told = (*others, (self.whom, self.at)) if self.whom else case.told
        return replace(case, nudges=(*case.nudges, (self.matter, self.at)), told=told)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAsked(Event):
    """The owner was asked to call the customer (practice 45)."""

    def on(self, case: "Case") -> "Case":
        return replace(case, call_asked_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReached(Event):
    """Somebody spoke with the customer."""

    def on(self, case: "Case") -> "Case":
        return replace(case, reached=True, not_reached="")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotReached(Event):
    """The customer did not answer the phone, or a letter came back; a voice mail is not reached (practice 69)."""

    def on(self, case: "Case") -> "Case":
        return replace(case, reached=False, not_reached=self.why or "not reached", not_reached_at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAway(Event):
    """An absence note came: letters wait for the return."""

    until: datetime

    def on(self, case: "Case") -> "Case":
        return replace(case, away_until=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Event):
    """An agent approved a letter that waited for review."""

    key: str
    kind: str

    def on(self, case: "Case") -> "Case":
        return case.with_letter(self.key, self.kind, "pending", self.at)
