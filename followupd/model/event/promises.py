"""What becomes of a promise."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from followupd.model.event.base import Event
from followupd.model.promise import Promise, PromiseState

if TYPE_CHECKING:
    from followupd.model.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseProposed(Event):
    """An agent's reply sounds like a promise; an agent's word makes it one."""

    promise: Promise

    def on(self, case: "Case") -> "Case":
        return replace(case, promises=(*case.promises, self.promise))


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade(Event):
    """We owe this from now on. A proposed promise of the same number becomes this one."""

    promise: Promise

    def on(self, case: "Case") -> "Case":
        others = tuple(promise for promise in case.promises if promise.n != self.promise.n)
        promises = tuple(sorted((*others, self.promise), key=lambda promise: promise.n))
        return replace(case, promises=promises, promised_at=self.at, closed_at=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _PromiseTurned(Event):
    n: int

    def on(self, case: "Case") -> "Case":
        return case.with_promise(self.n, **self.changes())

    def changes(self) -> dict[str, object]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseKept(_PromiseTurned):
    """What was promised was done."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.KEPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseLate(_PromiseTurned):
    """It will not be kept by the date we told; the customer hears the new date, before the old one."""

    due: datetime
    told: datetime
    because: str = ""

    def changes(self) -> dict[str, object]:
        # The new date does not stand in writing until the delay letter has left.
        return {
            "state": PromiseState.LATE, "due": self.due, "told": self.told, "because": self.because, "confirmed": "",
            "slipped": True,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseBroken(_PromiseTurned):
    """The date that the customer was told passed, and nobody said that it was kept."""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.BROKEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseWithdrawn(_PromiseTurned):
    """We do not owe this any more, and somebody said why."""

    because: str = ""

    def changes(self) -> dict[str, object]:
        return {"state": PromiseState.WITHDRAWN, "because": self.because}
