"""Delete the text of mails that are older than the admin keeps them (`keep_mail`), once a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.state import StateKey

_INTERVAL = timedelta(days=1)
#: mails in one transaction, so that others wait for the ledger only briefly
_BATCH_SIZE = 200


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Deletes the text of mails that were stored for longer than `keep`."""

    ledger: Ledger
    keep: timedelta

    def run(self, now: datetime) -> int:
        """Handle one batch.

        Returns:
            How many mails were looked at, 0 once all is done for the day.
        """
        with self.ledger.transaction() as tx:
            found = tx.state.get(StateKey.RETENTION)
            last_id, has_more = 0, True
            if found:
                last_id, has_more = int(found[0]["mail"]), bool(found[0]["rest"])
                if not has_more and now - found[1] < _INTERVAL:
                    return 0
            reached = tx.retention.delete_old_text(last_id, now - self.keep, _BATCH_SIZE)
            tx.state.put(StateKey.RETENTION, {"mail": reached or last_id, "rest": reached is not None}, now)

        return 0 if reached is None else reached - last_id
