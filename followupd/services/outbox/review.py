"""Letters in review: what an agent sent from the mail client counts as the letter; a draft that changed is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from functools import partial

from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain import lifecycle
from followupd.domain.decision import LetterContent, LetterRenderer
from followupd.domain.events import DraftAsked
from followupd.domain.letter import DraftState, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.mail import Kind, StoredMail
from followupd.domain.playbook import Playbook
from followupd.domain.translatable import msg
from followupd.errors import ConflictError
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import open_breaker
from followupd.text.wording import body

#: a mail in the thread with so much of the letter's words, in their order, is the letter; one about it has far less
_THE_LETTER = 0.5
_WAITING = (LetterStatus.REVIEW, LetterStatus.QUEUED, LetterStatus.DEFERRED)
_WHY = {
    DraftState.CHANGED: partial(
        msg,
        "you approved {key}, and its draft is not as it was written. If you changed it, send it from your mail client: "
        "it then counts as the letter. `approve` once more sends the words below",
    ),
    DraftState.MISSING: partial(
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
        """Return how many drafts were asked about."""
        return self._ask(now)

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
                mail = self.write.desk(
                    LetterKind.APPROVAL, lifecycle.after(case, asked), playbook, now, brief, owner
                )
                tx.cases.record(case, [asked, mail], lambda _: now, now)
                tx.outbox.drafted(letter.key, state.draft, DraftState.ASKED)
        except ConflictError:
            return False
        return True


def recognise(tx: Transaction, mail: StoredMail, now: datetime) -> bool:
    """Take a mail as the proof that a letter was sent: its BCC copy, or what an agent sent from the mail client.

    Returns False for a mail that is none of our letters; it is left as it is.
    """
    if mail.message.kind is Kind.OWN:
        _confirm_copy(tx, mail, now)
        return True
    if not mail.in_sent or not tx.outbox.has_drafts():
        return False
    state = _letter_of(tx, mail)
    if state is None:
        return False
    tx.mail.mark_processed(mail.id, case_ref=state.letter.case)
    why = "an agent sent it from the mail client, perhaps in other words"
    outcomes.confirm_sent(tx, state.letter, why, now)
    return True


def _confirm_copy(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    key = mail.message.own_key
    if not key or not tx.outbox.contains(key):
        tx.mail.mark_processed(mail.id, reason="a copy of a letter that this ledger does not know")
        if key:  # its Message-ID is signed with our key, so this program sent it
            why = f"{key} was sent, and this ledger does not know it: it is older than the mailbox"
            open_breaker(tx, why, now)
        return
    state = tx.outbox.get(key)
    reason = "" if state.letter.to_customer else "a desk mail; it stays where its agent reads it"
    tx.mail.mark_processed(mail.id, case_ref=state.letter.case or None, reason=reason)
    tx.outbox.witness(key, now)
    by_hand = state.status is LetterStatus.REVIEW
    why = "an agent sent it from the mail client" if by_hand else "our own copy came back"
    outcomes.confirm_sent(tx, state.letter, why, now)


def _letter_of(tx: Transaction, mail: StoredMail) -> OutboxEntry | None:
    """Return the letter that waits in this mail's case, goes to the same person, and has most of its text."""
    ref = tx.cases.ref_for(mail.message.thread)
    if not ref:
        return None
    recipients = {person.address.casefold() for person in mail.message.to}
    for state in tx.outbox.all(*_WAITING, case=ref):
        letter = state.letter
        if state.draft is DraftState.NONE or letter.to.address.casefold() not in recipients:
            continue
        if mail.message.key_header == letter.key or _alike(mail.message.text, letter):
            return state
    return None


def _alike(msg: str, letter: Letter) -> bool:
    mine = " ".join(body(letter.text, "")).casefold().split()
    theirs = msg.casefold().split()
    return SequenceMatcher(None, mine, theirs, autojunk=False).ratio() >= _THE_LETTER
