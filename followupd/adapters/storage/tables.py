"""The rows of the ledger: what must be searched stands in plain columns, everything people wrote is sealed.

Each unique constraint carries one of the house's promises, and its name says which.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class CaseRow(SQLModel, table=True):
    """A case as it is now. `version` is the fence against two people deciding at once."""

    __tablename__ = "case_file"

    ref: str = Field(primary_key=True)
    version: int
    mailbox: str = Field(index=True)
    stage: str = Field(index=True)
    held: bool = False
    playbook: str
    owner: str
    customer_address: str = Field(index=True)
    opened_at: datetime
    wake_at: datetime | None = Field(default=None, index=True)
    sealed: bytes


class EventRow(SQLModel, table=True):
    """One line of a case's history; never changed, never deleted but by `erase`."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_ref", "seq", name="a_history_has_one_order"),)

    id: int | None = Field(default=None, primary_key=True)
    case_ref: str = Field(foreign_key="case_file.ref")
    seq: int
    at: datetime
    name: str
    sealed: bytes


class LetterRow(SQLModel, table=True):
    """The outbox: letters that may leave, and what became of them."""

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("message_id", name="a_letter_has_one_message_id"),
        Index("letters_that_may_leave", "condition", "not_before"),
        Index("letters_to_one_address", "to_address", "sent_at"),
        # budgets and breaker look at the last hour, not at years
        Index("letters_that_left", "condition", "leaving_at"),
        Index("letters_to_one_domain", "to_domain", "leaving_at"),
    )

    key: str = Field(primary_key=True)  # deciding twice names the same letter
    case_ref: str = Field(default="", index=True)
    mailbox: str
    kind: str
    condition: str
    to_address: str
    to_domain: str
    automatic: bool = True
    message_id: str
    not_before: datetime | None = None
    attempts: int = 0
    reply: str = ""
    written_at: datetime
    leaving_at: datetime | None = None
    sent_at: datetime | None = None
    witnessed_at: datetime | None = None
    draft: str = ""  # where the draft of a letter in review stands
    copy_due: bool = True  # False when the server did not take the blind copy: waiting for it proves nothing


class LetterTextRow(SQLModel, table=True):
    """A letter as it was written, apart from its state: that changes twice on its way out, and the words never."""

    __tablename__ = "words"

    letter_key: str = Field(primary_key=True, foreign_key="letter.key")
    sealed: bytes
    mail: bytes = (
        b""  # sealed; the letter as it leaves but for its date, nothing where it is composed when it leaves
    )


class MailRow(SQLModel, table=True):
    """A mail that came in, once, wherever it lies. `state` is unheard, heard, or quarantine with its `reason`."""

    __tablename__ = "mail"
    __table_args__ = (UniqueConstraint("fingerprint", name="a_mail_is_heard_once"),)

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str
    mailbox: str
    message_id: str = Field(default="", index=True)
    sender_address: str = Field(default="", index=True)
    kind: str
    echo: str = Field(
        default="", index=True
    )  # a keyed hash of the words without numbers: robots repeat themselves
    in_sent: bool = False
    state: str = Field(index=True)
    reason: str = ""
    case_ref: str | None = Field(default=None, index=True)
    kept_at: datetime
    received_at: datetime
    sealed: bytes  # the mail as it was understood
    raw: bytes | None = None  # sealed; only of mails that nobody could understand


class LocationRow(SQLModel, table=True):
    """Where a mail lies, which tags it carries there, and which of ours we have set."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("mailbox", "folder", "uidvalidity", "uid", name="a_place_holds_one_mail"),
    )

    id: int | None = Field(default=None, primary_key=True)
    mailbox: str
    folder: str
    uidvalidity: int
    uid: int
    mail_id: int = Field(foreign_key="mail.id", index=True)
    tags: str = ""  # what agents set, space-separated
    wants: str = ""  # the marks of ours that it should carry, space-separated
    marks: str = ""  # the marks of ours that it carries
    unmarked: bool = Field(default=False, index=True)
    gone: bool = False


class CursorRow(SQLModel, table=True):
    """How far a folder has been read."""

    __tablename__ = "cursor"

    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int
    uid: int
    modseq: int = 0
    passed_over: int = 0
    since: datetime | None = None  # mails before this were passed over; asked again when the server renumbers
    synced_at: datetime


class CommandRow(SQLModel, table=True):
    """One line that somebody said by tag or folder and that waits for the desk."""

    __tablename__ = "remark"

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(foreign_key="mail.id")
    line: str
    source: str
    said_at: datetime
    done_at: datetime | None = Field(default=None, index=True)


class CardRow(SQLModel, table=True):
    """A gift card in stock. The code is sealed; its fingerprint says whether it was ever imported."""

    __tablename__ = "gift_card"
    __table_args__ = (
        UniqueConstraint("fingerprint", name="a_code_is_imported_once"),
        UniqueConstraint("case_ref", "grant_n", name="a_grant_takes_one_card"),
        Index("cards_in_stock", "currency", "minor", "case_ref"),
    )

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str
    minor: int
    currency: str
    expires: datetime | None = None
    imported_at: datetime
    case_ref: str | None = None
    grant_n: int | None = None
    taken_at: datetime | None = None
    sealed: bytes


class CardOrderRow(SQLModel, table=True):
    """A gift card that is on order. `key` is what the provider knows the order by: repeated, it names the same card."""

    __tablename__ = "card_order"
    __table_args__ = (Index("orders_that_are_due", "state", "not_before"),)

    key: str = Field(primary_key=True)  # a grant has one order, whatever becomes of it
    case_ref: str = Field(index=True)
    grant_n: int
    minor: int
    currency: str
    state: str  # due, done or dropped
    ordered_at: datetime
    not_before: datetime | None = None
    attempts: int = 0
    why: str = ""  # what kept the card from coming; never a word of its code


class StateRow(SQLModel, table=True):
    """Small facts about the daemon's health, for `status`."""

    __tablename__ = "pulse"

    name: str = Field(primary_key=True)
    value: str
    at: datetime
