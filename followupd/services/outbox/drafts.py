"""Letters in review lie in the mailbox's Drafts, in their thread: filed there once, taken away before they leave.

Whoever takes the draft sends the letter: an agent from the mail client, or we after `approve`. A draft that was changed,
or that is gone, is nothing that we may decide about; the agent is asked (`rounds.review`).
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

_DRAFT = ("\\Draft", "\\Seen")


@dataclass(frozen=True, slots=True)
class DraftFiler:
    """Keeps the drafts of one mailbox as the ledger wants them; used by the thread that holds its connection."""

    ledger: Ledger
    compose: Callable[[Letter, datetime], bytes]
    _refused: set[str] = field(default_factory=set, repr=False, compare=False)  # of these it was said once

    def sync(self, mailbox: MailSource, name: str) -> None:
        """File drafts of new letters in review, take away those that are approved, tidy up after the others."""
        if not mailbox.drafts:
            return
        with self.ledger.transaction() as tx:
            waiting = tx.outbox.drafts(name)
        for state in waiting:
            try:
                self._do(mailbox, state)
            except UnavailableError as error:
                if not mailbox.connected:
                    raise
                # Drafts that the server refuses keep no mail from being heard; the letter is approved by mail alone.
                if state.letter.key not in self._refused:
                    log.unavailable(f"the draft of {state.letter.key}", error)
                self._refused.add(state.letter.key)
                with self.ledger.transaction() as tx:
                    tx.outbox.drafted(state.letter.key, DraftState.WANTED, DraftState.MISSING)

    def _do(self, mailbox: MailSource, state: OutboxEntry) -> None:
        if state.status is not LetterStatus.REVIEW:
            self._tidy(mailbox, state)
        elif state.draft is DraftState.NONE:
            self._file(mailbox, state)
        else:
            self._take(mailbox, state)

    def _file(self, mailbox: MailSource, state: OutboxEntry) -> None:
        """File the draft, once: one that lies there already is from a try of ours that ended before the commit."""
        letter = state.letter
        if not mailbox.find(mailbox.drafts, letter.message_id):
            mailbox.append(mailbox.drafts, self.compose(letter, state.written_at), _DRAFT)
        with self.ledger.transaction() as tx:
            filed = tx.outbox.drafted(letter.key, DraftState.NONE, DraftState.FILED)
        if filed:
            log.draft_filed(letter.key, mailbox.drafts)
        else:  # approved or refused meanwhile
            self._remove_unchanged(mailbox, letter)

    def _take(self, mailbox: MailSource, state: OutboxEntry) -> None:
        """Take an approved letter's draft away, and only then let the letter leave."""
        letter = state.letter
        lying = self._lying(mailbox, letter)
        with self.ledger.transaction() as tx:
            if len(lying) != 1 or not _unchanged(lying[0].raw, letter):
                tx.outbox.drafted(
                    letter.key, DraftState.WANTED, DraftState.CHANGED if lying else DraftState.MISSING
                )
                return
        mailbox.remove(mailbox.drafts, lying[0].uid)
        # Between our look and the removal an agent may have saved other words, or pressed send: then it is the agent's.
        edited, sent = (
            self._lying(mailbox, letter),
            mailbox.sent and mailbox.find(mailbox.sent, letter.message_id),
        )
        with self.ledger.transaction() as tx:
            if edited or sent:
                tx.outbox.drafted(
                    letter.key, DraftState.WANTED, DraftState.CHANGED if edited else DraftState.MISSING
                )
            else:
                tx.outbox.leave_review(letter.key)

    def _tidy(self, mailbox: MailSource, state: OutboxEntry) -> None:
        """Remove the draft of a letter that has left or was taken back; what an agent changed is the agent's."""
        self._remove_unchanged(mailbox, state.letter)
        with self.ledger.transaction() as tx:
            tx.outbox.drafted(state.letter.key, state.draft, DraftState.GONE)

    def _remove_unchanged(self, mailbox: MailSource, letter: Letter) -> None:
        for mail in self._lying(mailbox, letter):
            if _unchanged(mail.raw, letter):
                mailbox.remove(mailbox.drafts, mail.uid)

    def _lying(self, mailbox: MailSource, letter: Letter) -> list[FetchedMail]:
        """Return the drafts of this letter: by its own name, else by the mail that it answers, as clients rename drafts."""
        for header, name in (("Message-ID", letter.message_id), ("In-Reply-To", letter.in_reply_to)):
            found = mailbox.find(mailbox.drafts, name, header) if name else []
            if there := [
                mail for mail in mailbox.fetch(mailbox.drafts, found) if "\\Deleted" not in mail.flags
            ]:
                return there
        return []


def _unchanged(raw: bytes, letter: Letter) -> bool:
    """Say whether a draft still says what we wrote, to whom we wrote it; headers that servers add do not count."""
    from email.policy import default  # a megabyte, for the few houses that review letters

    mail = message_from_bytes(raw, policy=default)
    try:
        return isinstance(mail, EmailMessage) and _said(mail) == _meant(letter)
    except Exception:  # noqa: BLE001  what cannot be read was not written by us
        return False


def _said(mail: EmailMessage) -> tuple[str, ...]:
    part = mail.get_body(("plain",))
    people = (
        box.addr_spec
        for name in ("to", "cc", "bcc")
        for head in mail.get_all(name, [])
        for box in head.addresses
    )
    text = part.get_content() if part else ""
    return (
        _flat(text),
        _flat(str(mail["subject"])),
        str(mail["message-id"]).strip(),
        *map(str.casefold, people),
    )


def _meant(letter: Letter) -> tuple[str, ...]:
    return (_flat(letter.text), _flat(letter.subject), letter.message_id, letter.to.address.casefold())


def _flat(text: str) -> str:
    return " ".join(text.split())
