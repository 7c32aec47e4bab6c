"""File letters in review as drafts, in the customer's thread, and remove them before they are sent.

Removing the draft is what permits sending: whether an agent sends it from the mail client, or the daemon
after `approve`, only one of them can. About a draft that was changed, or that is gone, the agent is asked
(`services/outbox/review.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage

from followupd import log
from followupd.adapters.imap.mailbox import FetchedMail
from followupd.adapters.storage.ledger import Ledger
from followupd.domain.letter import DraftState, Letter, LetterStatus, OutboxEntry
from followupd.errors import UnavailableError
from followupd.services.ports import MailSource

_FLAGS = ("\\Draft", "\\Seen")


@dataclass(frozen=True, slots=True)
class DraftFiler:
    """Updates the drafts of one mailbox, in the thread that holds its connection.

    `compose` renders a letter as it is at a time.
    """

    ledger: Ledger
    compose: Callable[[Letter, datetime], bytes]
    #: keys of letters whose refused drafts are in the log already
    _logged: set[str] = field(default_factory=set, repr=False, compare=False)

    def sync(self, mailbox: MailSource, name: str) -> None:
        """File drafts of letters in review; remove those of letters that are approved, sent or cancelled.

        Args:
            mailbox: the open connection; a mailbox without a Drafts folder gets no drafts.
            name: the mailbox's name in the configuration.

        Raises:
            UnavailableError: the connection was lost.
        """
        if not mailbox.drafts:
            return
        with self.ledger.transaction() as tx:
            entries = tx.outbox.drafts_to_update(name)

        for entry in entries:
            try:
                self._update(mailbox, entry)
            except UnavailableError as error:
                if not mailbox.connected:
                    raise
                self._handle_refusal(entry.letter.key, error)

    def _handle_refusal(self, key: str, error: UnavailableError) -> None:
        """Have a letter approved by mail alone whose draft the server refuses; that is logged once."""
        if key not in self._logged:
            log.unavailable(f"the draft of {key}", error)
        self._logged.add(key)
        with self.ledger.transaction() as tx:
            tx.outbox.set_draft_state(key, DraftState.WANTED, DraftState.MISSING)

    def _update(self, mailbox: MailSource, entry: OutboxEntry) -> None:
        """Do with a letter's draft what its state requires."""
        if entry.status is not LetterStatus.REVIEW:
            self._clean_up(mailbox, entry)
        elif entry.draft is DraftState.NONE:
            self._file(mailbox, entry)
        else:
            self._remove_and_queue(mailbox, entry)

    def _file(self, mailbox: MailSource, entry: OutboxEntry) -> None:
        """File the draft, once: one that is there already was filed by a run that ended before its commit."""
        letter = entry.letter
        if not mailbox.find(mailbox.drafts, letter.message_id):
            draft = self.compose(letter, entry.written_at)
            mailbox.append(mailbox.drafts, draft, _FLAGS)

        with self.ledger.transaction() as tx:
            filed = tx.outbox.set_draft_state(letter.key, DraftState.NONE, DraftState.FILED)
        if filed:
            log.draft_filed(letter.key, mailbox.drafts)
        else:  # approved or refused meanwhile
            self._remove_unchanged(mailbox, letter)

    def _remove_and_queue(self, mailbox: MailSource, entry: OutboxEntry) -> None:
        """Remove an approved letter's draft, and only then queue the letter.

        Between the check and the removal an agent may save another text, or send the draft. Then the letter
        is the agent's.
        """
        letter = entry.letter
        drafts = self._drafts_of(mailbox, letter)
        if len(drafts) != 1 or not _is_unchanged(drafts[0].raw, letter):
            self._report(letter, edited=bool(drafts))
            return
        mailbox.remove(mailbox.drafts, drafts[0].uid)

        edited = bool(self._drafts_of(mailbox, letter))
        sent = bool(mailbox.sent and mailbox.find(mailbox.sent, letter.message_id))
        if edited or sent:
            self._report(letter, edited=edited)
            return
        with self.ledger.transaction() as tx:
            tx.outbox.queue_approved(letter.key)

    def _report(self, letter: Letter, *, edited: bool) -> None:
        """Store that an approved letter's draft was edited, or is missing, so that its agent is asked."""
        state = DraftState.CHANGED if edited else DraftState.MISSING
        with self.ledger.transaction() as tx:
            tx.outbox.set_draft_state(letter.key, DraftState.WANTED, state)

    def _clean_up(self, mailbox: MailSource, entry: OutboxEntry) -> None:
        """Remove the draft of a letter that was sent or cancelled, unless an agent changed it."""
        self._remove_unchanged(mailbox, entry.letter)
        with self.ledger.transaction() as tx:
            tx.outbox.set_draft_state(entry.letter.key, entry.draft, DraftState.GONE)

    def _remove_unchanged(self, mailbox: MailSource, letter: Letter) -> None:
        """Remove a letter's drafts that are as they were filed."""
        for draft in self._drafts_of(mailbox, letter):
            if _is_unchanged(draft.raw, letter):
                mailbox.remove(mailbox.drafts, draft.uid)

    def _drafts_of(self, mailbox: MailSource, letter: Letter) -> list[FetchedMail]:
        """Return a letter's drafts.

        They are found by the letter's Message-ID, or else by the mail that it answers, because some mail
        clients give an edited draft a new Message-ID.
        """
        by_own_id = self._find(mailbox, "Message-ID", letter.message_id)
        if by_own_id or not letter.in_reply_to:
            return by_own_id
        return self._find(mailbox, "In-Reply-To", letter.in_reply_to)

    def _find(self, mailbox: MailSource, header: str, message_id: str) -> list[FetchedMail]:
        """Return the drafts with this Message-ID in a header, without those that are marked as deleted."""
        uids = mailbox.find(mailbox.drafts, message_id, header)
        drafts = mailbox.fetch(mailbox.drafts, uids)
        return [draft for draft in drafts if "\\Deleted" not in draft.flags]


def _is_unchanged(raw: bytes, letter: Letter) -> bool:
    """Say whether a draft has the text, the subject and the recipients that were written.

    Servers may have added headers. A draft that cannot be parsed was not written by this program.
    """
    from email.policy import default  # a megabyte, which only companies that review letters need

    mail = message_from_bytes(raw, policy=default)
    try:
        return isinstance(mail, EmailMessage) and _content_of(mail) == _expected_content(letter)
    except Exception:  # noqa: BLE001  the parser raises many kinds of errors
        return False


def _content_of(mail: EmailMessage) -> tuple[str, ...]:
    """Return the text, the subject, the Message-ID and the recipients of a draft."""
    part = mail.get_body(("plain",))
    text = part.get_content() if part else ""

    recipients: list[str] = []
    for name in ("to", "cc", "bcc"):
        for header in mail.get_all(name, []):
            recipients.extend(address.addr_spec.casefold() for address in header.addresses)

    message_id = str(mail["message-id"]).strip()
    return (_one_line(text), _one_line(str(mail["subject"])), message_id, *recipients)


def _expected_content(letter: Letter) -> tuple[str, ...]:
    """Return what `_content_of` returns for the draft of a letter as it was filed."""
    recipient = letter.to.address.casefold()
    return (_one_line(letter.text), _one_line(letter.subject), letter.message_id, recipient)


def _one_line(text: str) -> str:
    """Return the text with single blanks, because mail clients wrap lines."""
    return " ".join(text.split())
