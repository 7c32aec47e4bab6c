"""A reload that was refused is told by mail to whoever hears of the house, once a day for the same problems."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from followupd import journal
from followupd.model.agenda import Agenda
from followupd.model.agent import Role
from followupd.model.letter import DIGEST, Writer
from followupd.model.playbook import Playbook
from followupd.model.said import said
from followupd.rounds.doors import Ledger

#: more problems than this stand in `followupd check` alone
_MOST = 20


@dataclass(frozen=True, slots=True)
class Refused:
    """Writes with the letters that stay: `playbooks` and `write` are the old ones."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: Writer
    mailbox: str

    def tell(self, problems: Sequence[str], now: datetime) -> bool:
        """Queue the mail; False where the same was told today."""
        default = self.playbooks["default"]
        chief = default.team.first(Role.LEAD) or default.owner_of("")
        day = default.calendar.local(now).date()
        mark = hashlib.sha256("\n".join(sorted(problems)).encode()).hexdigest()[:12]
        why = said("new letters or settings were not taken in, and the old ones go on: `followupd check` says the same")
        house = (why, *problems[:_MOST])
        agenda = Agenda(key=f"{DIGEST}.{day.isoformat()}.refused-{mark}", day=day, house=house)
        with self.ledger.work() as work:
            if work.outbox.known(agenda.key):
                return False
            letter = self.write.digest(agenda, default, now, self.mailbox, chief)
            work.outbox.queue(letter, now)
        journal.letter_written(letter.key)
        return True
