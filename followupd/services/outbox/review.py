"""Letters under review: file their drafts, and recognise letters that agents sent or changed themselves."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from email import message_from_bytes
from email.message import EmailMessage
from functools import partial

from followupd import log
from followupd.adapters.imap.mailbox import FetchedMail
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain import lifecycle
from followupd.domain.case import NO_COMPLAINT, Case
from followupd.domain.command import line_shown
from followupd.domain.compensation import Compensation, GrantState
from followupd.domain.decision import Decision, LetterContent
from followupd.domain.events import DraftAsked, Held, PromiseMade, PromiseProposed
from followupd.domain.keys import StateKey
from followupd.domain.letter import DraftState, Letter, LetterKind, LetterStatus, OutboxEntry
from followupd.domain.mail import Kind, StoredMail, addresses_of
from followupd.domain.translatable import msg, msgid, sentence_list
from followupd.errors import UnavailableError
from followupd.recovery import proposals
from followupd.recovery.commands.context import within_limit
from followupd.services.context import MailSource, PromiseLineReader, ServiceContext
from followupd.services.outbox import outcomes
from followupd.services.outbox.policy import open_breaker
from followupd.services.record import isolated, record
from followupd.text.wording import body

#: a link of a page at the end of its text: "[1] tel:+442071234018"
#: the list of links that Roundcube puts below the text of a page: a title, a line of hyphens, a number for each
_FOOTNOTES = re.compile(r"(?:^|\n)[^\n]*:\n-+((?:\n\[\d{1,3}\] \S{1,500})+)\Z")
_FLAGS = ("\\Draft", "\\Seen")
#: so long a draft may be out of its folder before its agent is asked
_GONE_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DraftFiler:
    """Updates the drafts of one mailbox, in the thread that holds its connection.

    `compose` renders a letter as it is at a time.
    """

    ledger: Ledger
    compose: Callable[[Letter, datetime], bytes]
    #: keys of letters whose refused drafts are in the log already
    _logged: set[str] = field(default_factory=set, repr=False, compare=False)

    def sync(
        self,
        mailbox: MailSource,
        name: str,
        now: datetime,
        lines: Callable[[Iterable[str]], Sequence[str]] = lambda _: (),
    ) -> None:
        """File drafts of letters in review; remove those of letters that are approved, sent or cancelled.

        Tags that agents set on a draft are commands about its case.

        Args:
            mailbox: the open connection; a mailbox without a Drafts folder gets no drafts.
            name: the mailbox's name in the configuration.
            now: the time of the cycle, in UTC.
            lines: returns the command lines that the flags of a mail mean.

        Raises:
            UnavailableError: the connection was lost.
        """
        if not mailbox.drafts:
            return
        with self.ledger.transaction() as tx:
            entries = tx.outbox.drafts_to_update(name)

        for entry in entries:
            try:
                if entry.status is LetterStatus.REVIEW and entry.draft is DraftState.FILED:
                    self._read_tags(mailbox, entry.letter, lines, now)
                else:
                    self._update(mailbox, entry)
            except UnavailableError as error:
                if not mailbox.connected:
                    raise
                self._handle_refusal(entry.letter.key, error)

    def _handle_refusal(self, key: str, error: UnavailableError) -> None:
        """Fall back to approval by mail if the server refuses the draft; that is logged once."""
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

    def _read_tags(
        self,
        mailbox: MailSource,
        letter: Letter,
        lines_of: Callable[[Iterable[str]], Sequence[str]],
        now: datetime,
    ) -> None:
        """Store the commands that tags of a letter's draft mean; each is done once, until the tag is removed.

        A command belongs to a mail: here that is the customer's, which the letter answers.
        """
        drafts = self._drafts_of(mailbox, letter)
        self._watch_presence(letter, now, is_there=bool(drafts))
        flags = {flag for draft in drafts for flag in draft.flags}
        lines = list(lines_of(sorted(flags)))
        key = StateKey.DRAFT_COMMANDS.of(letter.key)

        with self.ledger.transaction() as tx:
            known = tx.state.value(key, [])
            if lines == known:
                return
            tx.state.put(key, lines, now)
            mails = [mail for mail in tx.mail.of_case(letter.case) if mail.message.kind is Kind.CUSTOMER]
            for line in lines:
                if mails and line not in known:
                    tx.mail.add_command(mails[-1].id, line, "tag", now)

    def _watch_presence(self, letter: Letter, now: datetime, *, is_there: bool) -> None:
        """Have the agent asked, once, about a draft that is gone for a while before anybody has approved it.

        Mail clients save an edited draft by deleting the old one, and file a sent one in Sent a little later.

        Args:
            letter: in review, whose draft was filed.
            now: the time of the cycle, in UTC.
            is_there: whether Drafts has the draft, edited or not.
        """
        key = StateKey.DRAFT_GONE.of(letter.key)
        with self.ledger.transaction() as tx:
            gone = tx.state.value(key, {})
            if is_there and gone:
                tx.state.put(key, {}, now)
            if is_there or gone.get("asked"):
                return
            since = datetime.fromisoformat(gone["since"]) if gone else now
            is_over = now - since >= _GONE_FOR
            if is_over:
                tx.outbox.set_draft_state(letter.key, DraftState.FILED, DraftState.DISCARDED)
            tx.state.put(key, {"since": since.isoformat(), "asked": is_over}, now)

    def _knows_that_it_is_gone(self, letter: Letter) -> bool:
        """Return whether the agent who approves a letter was told that its draft is gone, and what is sent.

        Args:
            letter: the letter, without a draft.
        """
        with self.ledger.transaction() as tx:
            return bool(tx.state.value(StateKey.DRAFT_GONE.of(letter.key), {}).get("asked"))

    def _remove_and_queue(self, mailbox: MailSource, entry: OutboxEntry) -> None:
        """Remove an approved letter's draft, and only then queue the letter.

        Edited text is copied to the letter; the draft is removed in the next run. Between the check
        and the removal an agent may save another text, or send the draft. Then the letter is the agent's.
        """
        letter = entry.letter
        drafts = self._drafts_of(mailbox, letter)
        sent = bool(mailbox.sent and mailbox.find(mailbox.sent, letter.message_id))
        if not drafts and not sent and self._knows_that_it_is_gone(letter):
            with self.ledger.transaction() as tx:
                tx.outbox.queue_approved(letter.key)
            return
        if len(drafts) != 1:
            self._report(letter, edited=bool(drafts))
            return
        if not _is_unchanged(drafts[0].raw, letter):
            self._take_words(drafts[0].raw, letter)
            return
        mailbox.remove(mailbox.drafts, drafts[0].uid)

        edited = bool(self._drafts_of(mailbox, letter))
        sent = bool(mailbox.sent and mailbox.find(mailbox.sent, letter.message_id))
        if edited or sent:
            self._report(letter, edited=edited)
            return
        with self.ledger.transaction() as tx:
            tx.outbox.queue_approved(letter.key)

    def _take_words(self, raw: bytes, letter: Letter) -> None:
        """Give an approved letter the words of its draft, if it can be sent so by this program."""
        edited = _edited(raw, letter)
        if edited is None:
            self._report(letter, edited=True)
            return
        with self.ledger.transaction() as tx:
            if tx.outbox.reword(edited):
                tx.outbox.set_draft_state(letter.key, DraftState.WANTED, DraftState.EDITED)

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
        """Remove a letter's drafts that are as they were filed.

        Args:
            mailbox: the mailbox of the letter.
            letter: whose words are the measure; a draft that an agent has edited stays.
        """
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
    draft = _parsed(raw)
    expected = (_one_line(letter.text), _one_line(letter.subject), letter.to.address.casefold())
    return draft is not None and expected == (
        _one_line(draft.text),
        _one_line(draft.subject),
        *draft.receivers,
    )


def _edited(raw: bytes, letter: Letter) -> Letter | None:
    """Return an approved letter in the words of its draft; None for one that only a mail client can send.

    Such a draft has other recipients, a file, or no text. One that has little in common with the letter may
    be another one in the same thread.

    Args:
        raw: the draft as it is in the mailbox; an agent may have changed all of it.
        letter: as it was filed.
    """
    draft = _parsed(raw)
    own = {attachment.filename for attachment in letter.attachments}
    if draft is None or not draft.files <= own or not draft.text.strip():
        return None
    if draft.receivers != [letter.to.address.casefold()] or not _is_same_letter(draft.text, letter):
        return None
    return letter.reworded(draft.text, draft.html, _one_line(draft.subject) or letter.subject)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a draft says now, and to whom."""

    text: str
    html: str
    subject: str
    receivers: list[str]
    files: frozenset[str]


def _parsed(raw: bytes) -> _Draft | None:
    """Return what a draft says, None for one that cannot be parsed."""
    from email.policy import default  # a megabyte, which only companies that review letters need

    mail = message_from_bytes(raw, policy=default)
    try:
        return _read_draft(mail) if isinstance(mail, EmailMessage) else None
    except Exception:  # noqa: BLE001  the parser raises many kinds of errors
        return None


def _read_draft(mail: EmailMessage) -> _Draft:
    """Return the parts of a draft; a text that a mail client wrapped softly is unwrapped (RFC 3676)."""
    from followupd.text.mail.body import unflowed  # what reads mail is loaded late: few sites review drafts
    from followupd.text.mail.html import html_to_text

    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    html = page.get_content() if page else ""
    text = html_to_text(html)
    if plain:
        text = plain.get_content()
        if str(plain.get_param("format", "")).lower() == "flowed":
            text = unflowed(text, " ")

    text = _without_footnotes("\n".join(text.splitlines()))
    receivers: list[str] = []
    for name in ("to", "cc", "bcc"):
        for header in mail.get_all(name, []):
            receivers.extend(address.addr_spec.casefold() for address in header.addresses)

    shown = {"text/plain", "text/html"}
    leaves = [part for part in mail.walk() if not part.is_multipart()]
    files = frozenset(
        part.get_filename() or ""
        for part in leaves
        if part.is_attachment() or part.get_content_type() not in shown
    )
    return _Draft(text, html, str(mail["subject"]), receivers, files)


def _without_footnotes(text: str) -> str:
    """Return a text without the numbers and the list that Roundcube makes of the links of a page.

    Args:
        text: the text of a draft, with line feeds alone between its lines.
    """
    notes = _FOOTNOTES.search(text.rstrip())
    if notes is None:
        return text

    body = text[: notes.start()]
    for mark in notes[1].split()[::2]:
        body = body.replace(f" {mark}", "")
    return body.rstrip()


def _one_line(text: str) -> str:
    """Return the text with single blanks, because mail clients wrap lines."""
    return " ".join(text.split())


#: a mail in the thread with this share of the letter's words, in order, is the letter; a mail about it has
#: far less
_MIN_SIMILARITY = 0.5
_ODD_DATE = msgid(
    "you approved {key}, and its draft says “{words}”: that day of the month is another weekday. Put it right in "
    "Drafts; `approve` then sends it as it is"
)
_DISCARDED = msgid(
    "the draft of {key} is no longer in Drafts, and nothing was sent. If you sent it from your mail client, its "
    "copy in Sent will count as the letter; from another account, forward it to this address. `approve` sends the "
    "words below, `refuse: why` drops the letter"
)
_ABOVE_LIMIT = msgid(
    "you approved {key}, and its draft gives {gift}, more than you may give alone: nothing was sent. {line} asks for "
    "it; `approve` sends the draft as it is once that is allowed"
)
_UNSENT = (LetterStatus.REVIEW, LetterStatus.QUEUED, LetterStatus.DEFERRED)
_QUESTIONS = {
    DraftState.CHANGED: msgid(
        "you approved {key}, and its draft cannot be sent from here: it has other receivers, a file, or "
        "nearly nothing of the letter, or there are two. Send it from your mail client: it then counts as the "
        "letter. `approve` once more sends the words below",
    ),
    DraftState.MISSING: msgid(
        "you approved {key}, and its draft is gone. "
        "If you sent it from your mail client, its copy in Sent will count as the letter, "
        "and nothing more is to be done. `approve` once more sends the words below",
    ),
}


@dataclass(frozen=True, slots=True)
class ReviewService:
    """Reads what agents changed in letters that they approved, and asks about drafts that cannot be sent."""

    context: ServiceContext

    def run(self, now: datetime) -> int:
        """Read each changed draft, and ask about each that is missing or cannot be sent, once.

        Returns:
            How many there were.
        """
        with self.context.ledger.transaction() as tx:
            changed = tx.outbox.changed_drafts()

        for entry in changed:
            with (
                isolated(f"the draft of {entry.letter.key}", partial(self._leave_to_agent, entry)),
                self.context.ledger.transaction() as tx,
            ):
                self._handle(tx, entry, now)
        return len(changed)

    def _handle(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> None:
        """Read one changed draft, or ask about it.

        Args:
            tx: the transaction.
            entry: a letter whose draft was changed or is missing.
            now: the time of the cycle, in UTC.
        """
        if entry.draft is DraftState.EDITED:
            self._release(tx, entry, now)
        elif entry.draft is DraftState.DISCARDED:
            self._ask(tx, entry, now, msg(_DISCARDED, key=entry.letter.key))
        else:
            self._ask(tx, entry, now)

    def _release(self, tx: Transaction, entry: OutboxEntry, now: datetime) -> None:
        """Record what an agent changed in an approved letter, which may be sent in these words now."""
        letter = entry.letter
        case = tx.cases.get(letter.case)
        reader = self.context.line_reader(case, letter.language)
        odd = reader.at_odds(" ".join(letter.text.split()), now)
        if odd:
            self._ask(tx, entry, now, msg(_ODD_DATE, key=letter.key, words=odd))
            return
        gift = self._gift_above_limit(case, letter, now)
        if gift and gift.money:
            line = f"{gift.kind}: {gift.money.amount} {gift.money.currency}"
            why = msg(_ABOVE_LIMIT, key=letter.key, gift=gift.named, line=line_shown(line))
            self._ask(tx, entry, now, why, line)
            return
        named = _still_named(reader, case, letter)
        if named != letter.concerns:  # what the letter does not say any more is not in writing
            tx.outbox.reword(replace(letter, concerns=named))
        record(tx, case, changes_of(self.context, case, letter, letter.unwrapped, now), now)
        tx.outbox.set_draft_state(letter.key, DraftState.EDITED, DraftState.WANTED)

    def _gift_above_limit(self, case: Case, letter: Letter, now: datetime) -> Compensation | None:
        """Return what the draft gives more than the letter, and more than the case's owner may give alone."""
        playbook, reader = (
            self.context.playbooks.for_case(case),
            self.context.line_reader(case, letter.language),
        )
        before = reader.commitments_in(letter.first_words, now)
        after = reader.commitments_in(letter.unwrapped, now)
        may_give = partial(within_limit, playbook.owner_of(case.owner))
        return proposals.above_limit(case, before, after, may_give, playbook)

    def _leave_to_agent(self, entry: OutboxEntry, reason: str) -> None:
        """Have an agent asked about a changed draft that cannot be read."""
        log.unexpected_error(f"the draft of {entry.letter.key}", RuntimeError(reason))
        with self.context.ledger.transaction() as tx:
            tx.outbox.set_draft_state(entry.letter.key, DraftState.EDITED, DraftState.CHANGED)

    def _ask(self, tx: Transaction, entry: OutboxEntry, now: datetime, odd: str = "", line: str = "") -> None:
        """Send the owner the letter's text and what `approve` does now; the letter is in review again.

        Args:
            tx: the transaction.
            entry: the letter.
            now: the time of the cycle, in UTC.
            odd: what is wrong with its draft, which is looked for and read again when it is approved; "" for one
                that cannot be sent.
            line: an order that puts it right, "" for none.
        """
        letter = entry.letter
        case = tx.cases.get(letter.case)
        playbook = self.context.playbooks.for_case(case)
        owner = playbook.owner_of(case.owner)
        why = odd or msg(_QUESTIONS[entry.draft], key=letter.key)

        asked = DraftAsked(at=now, why=why, key=letter.key, kind=letter.kind)
        content = LetterContent(
            because=why,
            asks=(*filter(None, [line]), "approve", "refuse: "),
            quote=letter.unwrapped,
            about=letter.key,
        )
        after = lifecycle.after(case, asked)
        mail = self.context.letters.desk(LetterKind.APPROVAL, after, playbook, now, content, owner)

        record(tx, case, [asked, mail], now)
        tx.outbox.set_draft_state(letter.key, entry.draft, DraftState.FILED if odd else DraftState.ASKED)


def _still_named(reader: PromiseLineReader, case: Case, letter: Letter) -> tuple[int, ...]:
    """Return which of the promises that a letter put in writing it still names in its new words.

    Args:
        reader: finds dates and numbers in the letter's language.
        case: with the promises as they are now.
        letter: in the agent's words; its own first words are the measure, where they are kept.
    """
    concerned = [promise for promise in case.promises if promise.n in letter.concerns]
    before = reader.dates_told(letter.written or letter.text, concerned)
    now_named = reader.dates_told(letter.text, concerned)
    return tuple(n for n in letter.concerns if n not in before or n in now_named)


def changes_of(
    context: ServiceContext, case: Case, letter: Letter, text: str, now: datetime
) -> list[Decision]:
    """Return what an agent changed in a letter: dates, new promises and gifts, promises that are gone.

    The dates are noted, since the customer reads them. The rest is put to the owner in a desk mail.

    Args:
        context: the playbooks and letters.
        case: the letter's case.
        letter: the letter, as it was written first or as it was changed before.
        text: what it says now.
        now: the time of the cycle, in UTC.
    """
    before = letter.first_words
    if _one_line(before) == _one_line(text) or case.stage in NO_COMPLAINT:
        return []

    playbook, reader = context.playbooks.for_case(case), context.line_reader(case, letter.language)
    concerned = [promise for promise in case.owed if promise.n in letter.concerns]
    found = proposals.changed_letter(
        case,
        reader.commitments_in(before, now),
        reader.commitments_in(text, now),
        proposals.moved(concerned, reader.dates_told(before, concerned), reader.dates_told(text, concerned)),
        playbook,
        now,
        letter.key,
    )
    if not found.sentences:
        return []

    for event in found.events:
        case = lifecycle.after(case, event)

    new = {event.promise.n for event in found.events if isinstance(event, PromiseMade | PromiseProposed)}
    content = LetterContent(
        because=sentence_list(found.sentences),
        asks=found.asks,
        quote=text,
        about=letter.key,
        promises=tuple(promise for promise in case.promises if promise.n in new),
        compensation=case.grants_in(GrantState.PROPOSED),
    )
    owner = playbook.owner_of(case.owner)
    return [*found.events, context.letters.desk(LetterKind.APPROVAL, case, playbook, now, content, owner)]


def recognise(
    context: ServiceContext, tx: Transaction, mail: StoredMail, now: datetime, ref: str = ""
) -> bool:
    """Record that a letter was sent if this mail is its BCC copy, or was sent by an agent's mail client.

    What an agent changed in it is recorded first, so that the customer is known to have it in writing.

    Args:
        context: the playbooks and letters.
        tx: the transaction in which the mail is routed.
        mail: an unprocessed mail of ours or of an agent.
        now: the time of the cycle.
        ref: the case of an agent's mail.

    Returns:
        False for a mail that is none of our letters; it stays unprocessed.
    """
    if mail.message.kind is Kind.OWN:
        _confirm_by_copy(context, tx, mail, now)
        return True
    if not tx.outbox.has_drafts():
        return False

    entry = _sent_by_agent(tx, mail, ref)
    if entry is None:
        return False
    tx.mail.mark_processed(mail.id, case_ref=entry.letter.case)
    _record_changes(context, tx, mail, entry, now)
    why = "an agent sent it from the mail client, perhaps in other words"
    outcomes.confirm_sent(tx, entry.letter, why, now)
    return True


def _record_changes(
    context: ServiceContext, tx: Transaction, mail: StoredMail, entry: OutboxEntry, now: datetime
) -> None:
    """Record the words in which an agent sent a letter, and what they change in its case.

    Args:
        context: what the services share.
        tx: the transaction.
        mail: the mail, as it is stored.
        entry: the letter, as it is stored.
        now: the time of the cycle, in UTC.
    """
    letter, text = entry.letter, mail.message.text
    own_words = " ".join(body(letter.text, ""))
    if not text.strip() or " ".join(body(text, "")) == own_words:
        return

    case = tx.cases.get(letter.case)
    decisions: list[Decision] = []
    with isolated(f"what an agent changed in {letter.key}"):  # that it was sent is recorded in any case
        decisions = changes_of(context, case, letter, text, now)
    if decisions:
        record(tx, case, decisions, now)
    tx.outbox.reword(letter.reworded(text, "", mail.message.subject), sent=True)


def _confirm_by_copy(context: ServiceContext, tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Record that the letter of this BCC copy was sent, by this program or by an agent's mail client.

    Args:
        context: what the services share.
        tx: the transaction.
        mail: the mail, as it is stored.
        now: the time of the cycle, in UTC.
    """
    key = mail.message.own_key
    if not key or not tx.outbox.contains(key):
        _handle_unknown_copy(tx, mail, now)
        return

    entry = tx.outbox.get(key)
    letter = entry.letter
    if letter.witness and entry.status is not LetterStatus.REVIEW:
        _note_second_copy(tx, mail, now)
    reason = "" if letter.to_customer else "a desk mail; it stays where its agent reads it"
    tx.mail.mark_processed(mail.id, case_ref=letter.case or None, reason=reason)
    tx.outbox.witness(key, now)

    why = "our own copy came back"
    if entry.status is LetterStatus.REVIEW:
        why = "an agent sent it from the mail client"
        _record_changes(context, tx, mail, entry, now)
    outcomes.confirm_sent(tx, letter, why, now)


def _note_second_copy(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Remember that the server files copies itself, once a letter has two: our blind one, and another in Sent."""
    key = StateKey.FILES_COPIES.of(mail.mailbox)
    if tx.state.value(key) or not tx.mail.has_copy_elsewhere(mail):
        return
    tx.state.put(key, True, now)
    log.copies_filed_by_server(mail.mailbox)


def _handle_unknown_copy(tx: Transaction, mail: StoredMail, now: datetime) -> None:
    """Hold the case of a letter that is signed with our key and that the ledger does not know, and open the breaker.

    Then this program sent the letter, and the ledger has lost it since: another letter may say the same once more.
    A copy counts only if it came as our copies come, which anybody else's mail with our Message-ID does not.
    """
    message = mail.message
    ref = tx.cases.ref_for([*message.thread, message.message_id])
    reason = "a copy of a letter that this ledger does not know"
    tx.mail.mark_processed(mail.id, case_ref=ref, reason=reason)
    if not message.own_key or not message.is_blind_copy or message.forged:
        return

    why = f"{message.own_key} was sent, and this ledger does not know it: it is older than the mailbox"
    open_breaker(tx, why, now)
    if ref:
        case = tx.cases.get(ref)
        if not case.held:
            record(tx, case, [Held(at=now, why=f"{why}; has the customer this letter?")], now)


def hold_if_sent_under_another_key(tx: Transaction, mail: StoredMail, now: datetime) -> bool:
    """Hold a case without a letter that has got one, as a copy shows whose signature this ledger's key does not know.

    Ledger and key were lost together, and the customer must not get the letter twice. A forged copy keeps no letter
    of a known case back.

    Args:
        tx: the transaction.
        mail: a mail that claims to be from us.
        now: the time of the cycle.

    Returns:
        False for any other mail; it stays unprocessed.
    """
    message = mail.message
    is_named = message.key_header != "" and message.message_id.startswith(f"<{message.key_header}.")
    if message.own_key or not is_named or not message.is_blind_copy or message.forged:
        return False
    ref = tx.cases.ref_for(message.thread)
    if not ref:
        return False
    case = tx.cases.get(ref)
    if any(letter.kind.to_customer for letter in case.letters):
        return False

    why = f"{message.key_header} was sent under another key of the ledger; has the customer this letter?"
    tx.mail.mark_processed(mail.id, case_ref=ref, reason="a copy of a letter that another ledger has sent")
    if not case.held:
        record(tx, case, [Held(at=now, why=why)], now)
    return True


def _sent_by_agent(tx: Transaction, mail: StoredMail, ref: str) -> OutboxEntry | None:
    """Return the unsent letter of this case that is the same letter to the same person.

    Args:
        tx: the transaction.
        mail: the mail of an agent; it is one of our letters by its key, or by its words.
        ref: the case that its thread belongs to.
    """
    recipients = addresses_of(mail.message.to)
    for entry in tx.outbox.all(*_UNSENT, case=ref):
        if entry.draft is DraftState.NONE:
            continue
        if entry.letter.to.address.casefold() not in recipients:
            continue
        if mail.message.key_header == entry.letter.key or _is_same_letter(mail.message.text, entry.letter):
            return entry
    return None


def _is_same_letter(text: str, letter: Letter) -> bool:
    """Say whether a text has most of a letter's words in the same order."""
    letter_words = " ".join(body(letter.text, "")).casefold().split()
    matcher = SequenceMatcher(None, letter_words, text.casefold().split(), autojunk=False)
    return matcher.ratio() >= _MIN_SIMILARITY
