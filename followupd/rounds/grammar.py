"""The promise chapter with the house's calendar, language and currency filled in, for what agents say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from followupd.model.compensation import Money
from followupd.model.kept import Kept
from followupd.model.playbook import Playbook
from followupd.model.promise import HeardGrant, HeardPromise
from followupd.recovery import promise


@dataclass(frozen=True, slots=True)
class Grammar:
    """The promise chapter with the house's calendar and currency filled in."""

    playbook: Playbook
    language: str

    def split_when(self, text: str, now: datetime) -> tuple[str, datetime | None]:
        return promise.split_when(text, now=now, calendar=self.playbook.calendar, language=self.language)

    def money(self, text: str) -> Money | None:
        found = promise.read_money(text, self.playbook.company.currency)
        return Money.of(*found) if found else None

    def hear(self, kept: Kept) -> tuple[Sequence[HeardPromise], Sequence[HeardGrant]]:
        message = kept.message
        return promise.hear(
            message.text, said_at=message.sent_at or kept.received_at, calendar=self.playbook.calendar,
            language=self.language, doubtful=message.doubtful, currency=self.playbook.company.currency,
        )  # fmt: skip
