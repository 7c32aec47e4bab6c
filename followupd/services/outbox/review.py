"""Recognise letters in the mailbox.

BCC copies, and letters that agents sent themselves; ask about changed drafts.
"""

from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from followupd.adapters.storage.ledger import Transaction
from followupd.domain import lifecycle
from followupd.domain.decision import LetterContent
from followupd.domain.events import DraftAsked
from followupd.domain.letter import DraftState, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.mail import Kind, StoredMail
from followupd.domain.translatable import msg, msgid
from followupd.services.context import ServiceContext
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import open_breaker
from followupd.services.record import isolated, record
from followupd.text.wording import body

#: a mail in the thread with this share of the letter's words, in order, is the letter; a mail about it has
#: far less
_MIN_SIMILARITY = 0.5
_UNSENT = (LetterStatus.REVIEW, LetterStatus.QUEUED, LetterStatus.DEFERRED)
_QUESTIONS = {
    DraftState.CHANGED: msgid(
        "you approved {key}, and its draft is not as it was written. "
        "If you changed it, send it from your mail client: it then counts as the letter. "
        "`approve` once more sends the words below",
    ),
    DraftState.MISSING: msgid(
        "you approved {key}, and its draft is gone. "
        "If you sent it from your mail client, its copy in Sent will count as the letter, "
        "and nothing more is to be done. `approve` once more sends the words below",
    ),
}


@dataclass(frozen=True, slots=True)
class ReviewService:
    """Asks agents about letters that they approved and whose drafts are not as they were filed."""

    context: ServiceContext

    def run(self, now: datetime) -> int:
        """Ask about each changed or missing draft, once.

        Returns:
            How many there were.
        """
        with self.context.ledger.transaction() as tx:
            changed = tx.outbox.changed_drafts()

        for entry in changed:
            with (
                isolated(f"asking about the draft of {entry.letter.key}"),
                self.context.ledger.transaction() as tx,
            ):
                self._ask(tx, entry, now)
        return len(changed)

    def _ask(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> None:
        """Send the owner the letter's text and what `approve` does now; the letter is in review again."""
        letter = entry.letter
        case = tx.cases.get(letter.case)
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        why = msg(_QUESTIONS[entry.draft], key=letter.key)

        asked = DraftAsked(at=now, why=why, key=letter.key, kind=letter.kind)
        content = LetterContent(
            because=why,
            asks=("approve", "refuse: "),
            quote=letter.text,
            about=letter.key,
        )
        after = lifecycle.after(case, asked)
        mail = self.context.letters.desk(LetterKind.APPROVAL, after, playbook, now, content, owner)

        record(tx, case, [asked, mail], now)
        tx.outbox.set_draft_state(letter.key, entry.draft, DraftState.ASKED)


def recognise(tx: Transaction, mail: StoredMail, now: datetime) -> bool:
    """Record that a letter was sent if this mail is its BCC copy, or was sent by an agent's mail client.

    Args:
        tx: the transaction in which the mail is routed.
        mail: an unprocessed mail of ours or of an agent.
        now: the time of the cycle.

    Returns:
        False for a mail that is none of our letters; it stays unprocessed.
    """
    if mail.message.kind is Kind.OWN:
        _confirm_by_copy(tx, mail, now)
        return True
    if not mail.in_sent or not tx.outbox.has_drafts():
        return False

    entry = _sent_by_agent(tx, mail)
    if entry is None:
        return False
    tx.mail.mark_processed(mail.id, case_ref=entry.letter.case)
    why = "an agent sent it from the mail client, perhaps in other words"
    outcomes.confirm_sent(tx, entry.letter, why, now)
    return True


def _confirm_by_copy(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Record that the letter of this BCC copy was sent, by this program or by an agent's mail client."""
    key = mail.message.own_key
    if not key or not tx.outbox.contains(key):
        _handle_unknown_copy(tx, mail, now)
        return

    entry = tx.outbox.get(key)
    letter = entry.letter
    reason = "" if letter.to_customer else "a desk mail; it stays where its agent reads it"
    tx.mail.mark_processed(mail.id, case_ref=letter.case or None, reason=reason)
    tx.outbox.witness(key, now)

    why = "our own copy came back"
    if entry.status is LetterStatus.REVIEW:
        why = "an agent sent it from the mail client"
    outcomes.confirm_sent(tx, letter, why, now)


def _handle_unknown_copy(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Open the breaker for the copy of an unknown letter whose Message-ID is signed with our key.

    Then this program sent the letter, and an older ledger was restored since.
    """
    tx.mail.mark_processed(mail.id, reason="a copy of a letter that this ledger does not know")
    key = mail.message.own_key
    if key:
        why = f"{key} was sent, and this ledger does not know it: it is older than the mailbox"
        open_breaker(tx, why, now)


def _sent_by_agent(tx: Transaction, mail: StoredMail) -> OutboxEntry | None:
    """Return the unsent letter of this mail's case that is the same letter to the same person."""
    ref = tx.cases.ref_for(mail.message.thread)
    if not ref:
        return None

    recipients = {person.address.casefold() for person in mail.message.to}
    for entry in tx.outbox.all(*_UNSENT, case=ref):
        if entry.draft is DraftState.NONE:
            continue
        if entry.letter.to.address.casefold() in recipients and _is_same_letter(mail, entry.letter):
            return entry
    return None


def _is_same_letter(mail: StoredMail, letter: Letter) -> bool:
    """Say whether a mail has the letter's key, or most of its words in the same order."""
    if mail.message.key_header == letter.key:
        return True

    letter_words = " ".join(body(letter.text, "")).casefold().split()
    mail_words = mail.message.text.casefold().split()
    matcher = SequenceMatcher(None, letter_words, mail_words, autojunk=False)
    return matcher.ratio() >= _MIN_SIMILARITY
