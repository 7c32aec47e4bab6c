"""The ledger's tables: plain columns for what is searched, encrypted ones for what people wrote.

Names of tables and columns are stored in every ledger; a change needs a migration. Each unique constraint is
named after what it guarantees.
"""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, Table, UniqueConstraint
from sqlmodel import Field, SQLModel


def table_of(model: type[SQLModel]) -> Table:
    """Return the table of a model, for statements without the unit of work."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # the class of a table has one
    return table


#: a number of 64 bits: a UID has 32 (RFC 9051), MODSEQ 63 (RFC 7162), and Microsoft Graph's door numbers mails with 62
LONG = BigInteger().with_variant(Integer(), "sqlite")


class CaseRow(SQLModel, table=True):
    """A case as it is now. `version` detects that two processes changed it at once."""

    __tablename__ = "case_file"
    __table_args__ = (Index("cases_of_one_cause", "cause", "opened_at"),)

    ref: str = Field(primary_key=True)
    version: int
    mailbox: str = Field(index=True)
    stage: str = Field(index=True)
    held: bool = False
    playbook: str
    owner: str
    #: in lower case, so that the index finds it
    customer_address: str = Field(index=True)
    opened_at: datetime
    #: when to look at the case next
    wake_at: datetime | None = Field(default=None, index=True)
    #: the code of its cause
    cause: str | None = None
    #: when its customer was told last that it will not happen again
    prevention_told_at: datetime | None = None
    #: the `Case`, encrypted
    sealed: bytes


class EventRow(SQLModel, table=True):
    """One event of a case's history. It never changes, except that `erase` blanks its text."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_ref", "seq", name="a_history_has_one_order"),)

    id: int | None = Field(default=None, primary_key=True)
    case_ref: str = Field(foreign_key="case_file.ref")
    seq: int
    at: datetime
    #: the name of the event's class
    name: str
    #: the event, encrypted
    sealed: bytes


class LetterRow(SQLModel, table=True):
    """The outbox: a letter's state and delivery result."""

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("message_id", name="a_letter_has_one_message_id"),
        Index("letters_that_may_leave", "condition", "not_before"),
        Index("letters_to_one_address", "to_address", "sent_at"),
        # the quotas and the breaker count recent claims: an hour, a day, a week
        Index("letters_that_left", "condition", "leaving_at"),
        Index("letters_to_one_domain", "to_domain", "leaving_at"),
    )

    #: such as "FU-7K3Q9.follow-up.1": the same decision made twice is one letter
    key: str = Field(primary_key=True)
    case_ref: str = Field(default="", index=True)
    mailbox: str
    kind: str
    #: a `LetterStatus`
    condition: str
    to_address: str
    to_domain: str
    automatic: bool = True
    message_id: str
    not_before: datetime | None = None
    attempts: int = 0
    #: the server's last reply
    reply: str = ""
    written_at: datetime
    #: when it was claimed last
    leaving_at: datetime | None = None
    sent_at: datetime | None = None
    #: when the blind copy arrived
    witnessed_at: datetime | None = None
    #: a `DraftState`
    draft: str = ""
    #: False when the server refused the blind copy: that none arrives proves nothing then
    copy_due: bool = True


class LetterTextRow(SQLModel, table=True):
    """A letter's text, which never changes. Its state, which does, is in the other table."""

    __tablename__ = "words"

    letter_key: str = Field(primary_key=True, foreign_key="letter.key")
    #: the `Letter`, encrypted
    sealed: bytes
    #: the MIME message without its Date header, encrypted; empty when it is rendered while it is sent
    mail: bytes = b""


class MailRow(SQLModel, table=True):
    """A mail that was received, once, whatever folders it is in."""

    __tablename__ = "mail"
    __table_args__ = (UniqueConstraint("fingerprint", name="a_mail_is_heard_once"),)

    id: int | None = Field(default=None, primary_key=True)
    fingerprint: str
    mailbox: str
    message_id: str = Field(default="", index=True)
    sender_address: str = Field(default="", index=True)
    kind: str
    #: a keyed hash of the text without numbers, by which answers of robots are detected
    echo: str = Field(default="", index=True)
    in_sent: bool = False
    #: a `MailState`, and `reason` says why
    state: str = Field(index=True)
    reason: str = ""
    case_ref: str | None = Field(default=None, index=True)
    kept_at: datetime
    received_at: datetime
    #: the `Message`, encrypted
    sealed: bytes
    #: the bytes as they were received, encrypted; only of mails that could not be parsed
    raw: bytes | None = None


class LocationRow(SQLModel, table=True):
    """Where a mail is in a mailbox, its tags there, and the status tags that followupd set or is to set."""

    __tablename__ = "place"
    __table_args__ = (
        UniqueConstraint("mailbox", "folder", "uidvalidity", "uid", name="a_place_holds_one_mail"),
    )

    id: int | None = Field(default=None, primary_key=True)
    mailbox: str
    folder: str
    uidvalidity: int = Field(sa_type=LONG)
    uid: int = Field(sa_type=LONG)
    mail_id: int = Field(foreign_key="mail.id", index=True)
    #: agents' tags, separated by spaces
    tags: str = ""
    #: the status tags that it should have, separated by spaces
    wants: str = ""
    #: the status tags that it has
    marks: str = ""
    #: whether the two differ
    unmarked: bool = Field(default=False, index=True)
    #: whether the mail is no longer there
    gone: bool = False


class CursorRow(SQLModel, table=True):
    """How far a folder was read."""

    __tablename__ = "cursor"

    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int = Field(sa_type=LONG)
    uid: int = Field(sa_type=LONG)
    modseq: int = Field(default=0, sa_type=LONG)
    #: what the door of Microsoft Graph knows besides
    position: str | None = None
    passed_over: int = 0
    #: older mails were skipped; applied again when UIDVALIDITY changes
    since: datetime | None = None
    synced_at: datetime


class CommandRow(SQLModel, table=True):
    """A command that an agent gave by a tag or a folder, and when it was executed."""

    __tablename__ = "remark"

    id: int | None = Field(default=None, primary_key=True)
    mail_id: int = Field(foreign_key="mail.id")
    line: str
    source: str
    said_at: datetime
    done_at: datetime | None = Field(default=None, index=True)


class CardRow(SQLModel, table=True):
    """A gift card in stock, or given to a customer."""

    __tablename__ = "gift_card"
    __table_args__ = (
        UniqueConstraint("fingerprint", name="a_code_is_imported_once"),
        UniqueConstraint("case_ref", "grant_n", name="a_grant_takes_one_card"),
        Index("cards_in_stock", "currency", "minor", "case_ref"),
    )

    id: int | None = Field(default=None, primary_key=True)
    #: a keyed hash of the code, by which a second import is detected
    fingerprint: str
    minor: int
    currency: str
    expires: datetime | None = None
    imported_at: datetime
    case_ref: str | None = None
    grant_n: int | None = None
    taken_at: datetime | None = None
    #: the code, encrypted
    sealed: bytes


class CardOrderRow(SQLModel, table=True):
    """The order of a gift card."""

    __tablename__ = "card_order"
    __table_args__ = (Index("orders_that_are_due", "state", "not_before"),)

    #: the provider's idempotency key: repeated, it returns the same card. One for each grant
    key: str = Field(primary_key=True)
    case_ref: str = Field(index=True)
    grant_n: int
    minor: int
    currency: str
    #: due, done or dropped
    state: str
    ordered_at: datetime
    not_before: datetime | None = None
    attempts: int = 0
    #: why the card has not arrived; never contains its code
    why: str = ""


class StateRow(SQLModel, table=True):
    """A value of the daemon's state, by its `StateKey`."""

    __tablename__ = "pulse"

    name: str = Field(primary_key=True)
    value: str
    at: datetime
