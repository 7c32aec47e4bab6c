"""A letter or desk mail: its kind, its frozen text and headers, and the state of its delivery."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from followupd.domain.mail import Person

#: facts without which a follow-up is not written (practices 5 and 48)
FOLLOW_UP_FACTS = ("cause", "resolution", "prevention")
#: facts that improve a follow-up and are not required (practices 2, 3 and 6)
FOLLOW_UP_EXTRAS = ("impact", "issue")


class LetterKind(StrEnum):
    """What a letter is for. The values are stored, are parts of letter keys, and name templates."""

    CONFIRMATION = "confirmation"
    DELAY = "delay"
    HOLDING = "holding"
    FOLLOW_UP = "follow-up"
    GIFT_CARD = "gift-card"

    OPENED = "desk/opened"
    FACTS = "desk/facts"
    NUDGE = "desk/nudge"
    ESCALATION = "desk/escalation"
    DOUBT = "desk/doubt"
    APPROVAL = "desk/approval"
    CALL = "desk/call"
    #: to a department that agents ask for help
    REQUEST = "desk/request"
    DIGEST = "desk/digest"
    ANSWER = "desk/answer"

    @property
    def to_customer(self) -> bool:
        """Whether letters of this kind go to the customer."""
        return not self.is_desk_mail

    @property
    def is_desk_mail(self) -> bool:
        """Whether mails of this kind go to an agent."""
        return self.value.startswith("desk/")


CUSTOMER_LETTERS = tuple(kind for kind in LetterKind if kind.to_customer)
DESK_MAILS = tuple(kind for kind in LetterKind if kind.is_desk_mail)


#: kinds that may be sent without a word from any person
FIRST_KINDS = frozenset({LetterKind.CONFIRMATION, LetterKind.HOLDING})
#: kinds of automatic letters that the quotas of an address and a domain limit and count; desk mails are never automatic
QUOTA_KINDS = frozenset(LetterKind)


class Budget(StrEnum):
    """Letters that the breaker counts together. The values are stored; the order is that of sending.

    A flood of complaints uses up the budget of first letters and that of desk mails, and delays no letter that
    people promised.
    """

    #: letters that people promised or asked for
    PROMISED = "promised"
    #: mails to agents
    DESK = "desk"
    #: the first letters by machine
    FIRST = "first"


#: part of the key of the mail that says that the breaker is open, which the breaker does not stop
BREAKER_NOTICE = ".breaker-"


class LetterStatus(StrEnum):
    """The status of a letter in the outbox. The values are stored, and are shown in JSON: some have older names."""

    #: waits for an agent's `approve`
    REVIEW = "review"
    #: may be sent from `not_before` on
    QUEUED = "ready"
    #: claimed for sending; after a crash it is unknown whether the server took it
    SENDING = "leaving"
    #: accepted by the server, as its reply or the BCC copy shows
    SENT = "sent"
    #: the server asked for another try later
    DEFERRED = "deferred"
    #: rejected by the server for good
    REFUSED = "refused"
    #: it is unknown whether the server took it (RFC 1047); evidence or a person decides
    DOUBT = "doubt"
    #: cancelled before it was sent, by a person or because the case changed
    DROPPED = "dropped"


class LetterRecordState(StrEnum):
    """What a case knows about one of its letters. The values are stored."""

    #: waits for an agent's `approve`
    REVIEW = "review"
    #: in the outbox
    PENDING = "pending"
    SENT = "left"
    #: it is unknown whether it was sent
    DOUBT = "doubt"
    #: rejected by the server, or returned
    FAILED = "failed"
    #: cancelled before it was sent
    DROPPED = "dropped"


class DraftState(StrEnum):
    """The state of the draft of a letter in review. The values are stored."""

    #: not filed yet
    NONE = ""
    #: filed in Drafts
    FILED = "filed"
    #: the letter is approved; it is queued once its unchanged draft is removed
    WANTED = "wanted"
    #: the letter waits for an agent's word, and its draft was taken out of Drafts
    DISCARDED = "discarded"
    #: the letter is approved, and has the words that the draft has now
    EDITED = "edited"
    #: the letter is approved, and its draft is one that only a mail client can send
    CHANGED = "changed"
    #: the letter is approved, and the draft is gone
    MISSING = "missing"
    #: the agent was asked about a changed or missing draft; the next `approve` queues the letter
    ASKED = "asked"
    #: removed, or left to the agent who changed it
    GONE = "gone"


#: columns of a letter's text part (RFC 3676, section 4.2: at most 78)
LETTER_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Attachment:
    """A small file of a letter, such as a call's .ics; `media_type` is "text/calendar".

    `content` is its text, or base64 where it is `encoded`. One with a `cid` is a picture that the HTML part shows.
    """

    filename: str
    media_type: str
    content: str
    encoded: bool = False
    cid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One letter; its text never changes. `key` ("FU-7K3Q9.follow-up.1") is the primary key of the outbox.

    `auto_submitted` is "auto-replied", "auto-generated" or "" (RFC 3834, section 5). `automatic` letters
    count in the quota of automatic mail to one address. `witness` asks for the BCC copy that proves
    acceptance. `concerns` are the numbers of the promises that the letter puts in writing, or of the
    compensation that it delivers; `good_until` is when that compensation expires. `stated` is what it puts in
    writing, a line for each promise and gift, so that it can be compared with the case when it leaves. `written` is
    the text as it was written, of a letter in review that an agent has changed since, else "".
    """

    key: str
    case: str
    kind: LetterKind
    mailbox: str
    sender: Person
    to: Person
    subject: str
    text: str
    written: str = ""
    html: str = ""
    message_id: str
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    auto_submitted: str = "auto-generated"
    automatic: bool = True
    witness: bool = True
    attachments: tuple[Attachment, ...] = ()
    not_before: datetime | None = None
    review: bool = False
    language: str = ""
    concerns: tuple[int, ...] = ()
    stated: tuple[str, ...] = ()
    good_until: datetime | None = None

    @property
    def to_customer(self) -> bool:
        return self.kind.to_customer

    @property
    def counts_in_quota(self) -> bool:
        """Whether the quotas of automatic letters limit and count this one."""
        return self.automatic and self.kind in QUOTA_KINDS

    @property
    def budget(self) -> Budget:
        """What the breaker counts the letter among."""
        if self.kind.is_desk_mail:
            return Budget.DESK
        return Budget.FIRST if self.automatic and self.kind in FIRST_KINDS else Budget.PROMISED

    @property
    def unwrapped(self) -> str:
        """The text with each paragraph on one line: one that is quoted is filled again."""
        return _unwrapped(self.text)

    @property
    def first_words(self) -> str:
        """The text as it was written first, with each paragraph on one line."""
        return _unwrapped(self.written or self.text)

    def reworded(self, text: str, html: str, subject: str) -> "Letter":
        """Return the letter in an agent's words, which remembers the words that were written first."""
        return replace(self, text=text, html=html, subject=subject, written=self.written or self.text)


def _unwrapped(text: str) -> str:
    """Return a letter's text with each paragraph on one line.

    Args:
        text: wrapped as letters are; a list keeps its lines.
    """
    rows: list[str] = []
    above = ""
    for row in text.splitlines():
        first_word = "" if row.startswith(("- ", "* ")) else row.strip().partition(" ")[0]
        if above.strip() and first_word and len(above) + 1 + len(first_word) > LETTER_WIDTH:
            rows[-1] = f"{rows[-1]} {row.strip()}"
        else:
            rows.append(row)
        above = row
    return "\n".join(rows)


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """A letter in the outbox and its delivery state.

    `mail` is the rendered message without its Date header; it is read only where the letter is about to be
    sent.
    """

    letter: Letter
    status: LetterStatus
    not_before: datetime | None
    attempts: int
    reply: str
    written_at: datetime
    sending_since: datetime | None
    sent_at: datetime | None
    witnessed_at: datetime | None
    copy_due: bool = True
    draft: DraftState = DraftState.NONE
    mail: bytes = field(default=b"", repr=False)


class DeliveryOutcome(StrEnum):
    """The outcome of one delivery attempt, as a value and never as an exception."""

    #: 2xx after the final dot: the server took the letter
    ACCEPTED = "accepted"
    #: 4xx, or no connection: the server did not take it, try again later
    DEFERRED = "deferred"
    #: 5xx: the server will never take it
    REFUSED = "refused"
    #: the connection ended between the final dot and the reply (RFC 1047): the server may have taken it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """The outcome of one delivery attempt, with the server's reply for the log.

    `witnessed` says that the server accepted the BCC recipient too, so that a copy is to be expected.
    `outage` says that no connection or login was possible: other letters would fail in the same way.
    """

    outcome: DeliveryOutcome
    reply: str = ""
    witnessed: bool = False
    outage: bool = False


@dataclass(frozen=True, slots=True)
class SendResult:
    """The status of a letter after a delivery attempt.

    `not_before` is when a deferred letter may be sent again.
    """

    key: str
    status: LetterStatus
    reply: str
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class UsageWindows:
    """The times from which sent letters count: for one address, for one domain, and for the breaker."""

    address: datetime
    domain: datetime
    breaker: datetime


def counted_name(address: str, company: str) -> str:
    """Return the name by which the letters of a company to an address count, "" for the company of [company]."""
    return f"{company}/{address}" if company else address


@dataclass(frozen=True, slots=True)
class OutboxUsage:
    """What was sent lately, as far as it limits what may be sent now.

    `recent` has the times of automatic letters by address and by domain ("@customers.example"), oldest first.
    `sent` are the numbers of letters in the breaker's window, `stopped` the budgets that stay exhausted until
    an operator resumes. `copies` are the Message-IDs of letters of which
    a copy is in a mailbox already. `at_once` are the keys of letters that a person let leave without waiting.
    `breaker` is why the circuit breaker is open, "" while it is closed. `companies` are the companies of mailboxes
    that belong to a second brand: its letters count for themselves.
    """

    recent: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    sent: Mapping[Budget, int] = field(default_factory=dict)
    stopped: frozenset[Budget] = frozenset()
    copies: frozenset[str] = frozenset()
    at_once: frozenset[str] = frozenset()
    breaker: str = ""
    stale_mailboxes: frozenset[str] = frozenset()
    companies: Mapping[str, str] = field(default_factory=dict)

    def address_of(self, letter: Letter) -> str:
        """Return the name by which the letters to an address count: those of one company."""
        return counted_name(letter.to.address.lower(), self.companies.get(letter.mailbox, ""))

    def since(self, name: str, start: datetime) -> tuple[datetime, ...]:
        """Return when automatic letters were sent to an address or domain after a time.

        Args:
            name: the name of an address (`address_of`), or "@" and a domain.
            start: a letter of exactly this time does not count.

        Returns:
            The times in UTC, the oldest first.
        """
        return tuple(at for at in self.recent.get(name, ()) if at > start)

    def including(self, letter: Letter, now: datetime) -> "OutboxUsage":
        """Return the usage after this letter is sent too.

        Several letters of one run are measured like this, before any of them is in the ledger as sent.
        """
        recent = self.recent
        if letter.counts_in_quota:
            names = (self.address_of(letter), f"@{letter.to.address.lower().rpartition('@')[2]}")
            recent = {**recent, **{name: (*recent.get(name, ()), now) for name in names}}
        sent = {**self.sent, letter.budget: self.sent.get(letter.budget, 0) + 1}
        return replace(self, recent=recent, sent=sent)
