"""Letters under review: file their drafts, and recognise letters that agents sent or changed themselves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from email import message_from_bytes
from email.message import EmailMessage

from followupd import log
from followupd.adapters.imap.mailbox import FetchedMail
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain import lifecycle
from followupd.domain.decision import LetterContent
from followupd.domain.events import DraftAsked
from followupd.domain.letter import DraftState, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.mail import Kind, StoredMail
from followupd.domain.translatable import msg, msgid
from followupd.errors import UnavailableError
from followupd.services.context import ServiceContext
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import open_breaker
from followupd.services.ports import MailSource
from followupd.services.record import isolated, record
from followupd.text.wording import body

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
    if not tx.outbox.has_drafts():
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
