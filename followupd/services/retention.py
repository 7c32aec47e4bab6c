"""Once a day, mails older than the admin keeps them lose their words (`keep_mail`)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.state import StateKey

_A_DAY = timedelta(days=1)
#: mails in one transaction; others wait for the ledger meanwhile
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Lets go of the words of mails that were kept for longer than `keep`."""

    ledger: Ledger
    keep: timedelta

    def run(self, now: datetime) -> int:
        """Let go of one batch; return how many mails were looked at, 0 once all was done for the day."""
        with self.ledger.transaction() as tx:
            found = tx.state.get(StateKey.RETENTION)
            reached, rest = (int(found[0]["mail"]), bool(found[0]["rest"])) if found else (0, True)
            if found and not rest and now - found[1] < _A_DAY:
                return 0
            last = tx.retention.release_unsent(reached, now - self.keep, _AT_ONCE)
            tx.state.put(StateKey.RETENTION, {"mail": last or reached, "rest": last is not None}, now)
        return 0 if last is None else last - reached
