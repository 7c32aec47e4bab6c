"""Letters in review: what an agent sent from the mail client counts as the letter; a draft that changed is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from functools import partial

from followupd.domain import lifecycle
from followupd.domain.decision import LetterContent, LetterRenderer
from followupd.domain.events import DraftAsked
from followupd.domain.letter import APPROVAL, Draft, Letter, LetterStatus
from followupd.domain.mail import Kind
from followupd.domain.playbook import Playbook
from followupd.domain.records import OutboxEntry, StoredMail
from followupd.domain.translatable import msg
from followupd.errors import ConflictError
from followupd.services.outbox import outcomes
from followupd.services.ports import Ledger, Transaction
from followupd.text.wording import body

#: a mail in the thread with so much of the letter's words, in their order, is the letter; one about it has far less
_THE_LETTER = 0.5
_WAITING = (LetterStatus.REVIEW, LetterStatus.READY, LetterStatus.DEFERRED)
_WHY = {
    Draft.CHANGED: partial(
        msg,
        "you approved {key}, and its draft is not as it was written. If you changed it, send it from your mail client: "
        "it then counts as the letter. `approve` once more sends the words below",
    ),
    Draft.MISSING: partial(
        msg,
        "you approved {key}, and its draft is gone. If you sent it from your mail client, its copy in Sent will count as "
        "the letter, and nothing more is to be done. `approve` once more sends the words below",
    ),
}


@dataclass(frozen=True, slots=True)
class ReviewService:
    """Recognises letters that agents sent themselves."""

    ledger: Ledger
    playbooks: Mapping[str, Playbook]
    write: LetterRenderer

    def run(self, now: datetime) -> int:
        """Return how many letters were recognised in Sent, and how many drafts were asked about."""
        return self._recognise(now) + self._ask(now)

    def _recognise(self, now: datetime) -> int:
        with self.ledger.transaction() as tx:
            if not tx.outbox.has_drafts():
                return 0
            sent = [
                kept for kept in tx.mail.unprocessed() if kept.in_sent and kept.message.kind is Kind.AGENT
            ]
        return sum(self._recognised(kept, now) for kept in sent)

    def _recognised(self, kept: StoredMail, now: datetime) -> bool:
        try:
            with self.ledger.transaction() as tx:
                state = self._letter_of(tx, kept)
                if state is None:
                    return False
                letter, why = state.letter, "an agent sent it from the mail client, perhaps in other words"
                tx.mail.mark_processed(kept.id, case_ref=letter.case)
                outcomes.confirm_sent(tx, letter, why, now)
        except ConflictError:
            return False
        return True

    def _letter_of(self, tx: Transaction, kept: StoredMail) -> OutboxEntry | None:
        """Return the letter that waits in this mail's case, goes to the same person, and reads like it."""
        ref = tx.cases.ref_for(kept.message.thread)
        people = {person.address.casefold() for person in kept.message.to}
        for state in tx.outbox.all(*_WAITING, case=ref) if ref else ():
            letter = state.letter
            if state.draft is Draft.NONE or letter.to.address.casefold() not in people:
                continue
            if kept.message.key_header == letter.key or _alike(kept.message.text, letter):
                return state
        return None

    def _ask(self, now: datetime) -> int:
        with self.ledger.transaction() as tx:
            odd = tx.outbox.odd_drafts()
        return sum(self._asked(state, now) for state in odd)

    def _asked(self, state: OutboxEntry, now: datetime) -> bool:
        letter = state.letter
        try:
            with self.ledger.transaction() as tx:
                case = tx.cases.get(letter.case)
                playbook = self.playbooks.get(case.playbook) or self.playbooks["default"]
                why = _WHY[state.draft](key=letter.key)
                asked = DraftAsked(at=now, why=why, key=letter.key, kind=letter.kind)
                brief = LetterContent(
                    because=why, asks=("approve", "refuse: "), quote=letter.text, about=letter.key
                )
                owner = playbook.owner_of(case.owner)
                mail = self.write.desk(APPROVAL, lifecycle.after(case, asked), playbook, now, brief, owner)
                tx.cases.record(case, [asked, mail], lambda _: now, now)
                tx.outbox.drafted(letter.key, state.draft, Draft.ASKED)
        except ConflictError:
            return False
        return True


def _alike(msg: str, letter: Letter) -> bool:
    mine = " ".join(body(letter.text, "")).casefold().split()
    theirs = msg.casefold().split()
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio() >= _THE_LETTER
