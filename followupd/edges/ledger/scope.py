"""Whose rows a daemon works on: where several share a ledger, those of the mailboxes that it holds."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, true


@dataclass(frozen=True, slots=True)
class Scope:
    """The mailboxes whose cases, mails and letters are ours to work on; `theirs` are those of other daemons.

    Who holds the first mailbox leads: it also works on what belongs to no mailbox, or to one that is configured no more,
    so that nothing is nobody's.
    """

    ours: frozenset[str] = frozenset()
    theirs: frozenset[str] = frozenset()
    leads: bool = True

    @classmethod
    def of(cls, configured: Collection[str], held: Collection[str]) -> "Scope":
        """Return the scope of who holds some of the configured mailboxes; the first of them is the leader's."""
        first = next(iter(configured), "")
        return cls(frozenset(held), frozenset(configured) - frozenset(held), first in held)

    def covers(self, mailbox: Any) -> ColumnElement[bool]:
        """Return the condition that a column names a mailbox of ours."""
        if not self.leads:
            return mailbox.in_(sorted(self.ours))  # type: ignore[no-any-return]  # of a column it is a condition
        return mailbox.not_in(sorted(self.theirs)) if self.theirs else true()
