"""A mail as the daemon understands it: who wrote, what kind of mail it is, and which words in it are new."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a mail is, decided by headers and structure before anybody reads its words (RFC 3834, 3464, 2919)."""

    CUSTOMER = "customer"
    AGENT = "agent"
    OWN = "own"
    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Person:
    """A mail address, lower-cased domain in ASCII, and the name that stands before it ("" when none)."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class MailLocation:
    """Where a mail lies. `uid` is only unique together with `uidvalidity` (RFC 9051, 2.3.1.1)."""

    mailbox: str
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a delivery report says about one of our letters (RFC 3464); `permanent` is False for delays and successes."""

    recipient: str = ""
    original_message_id: str = ""
    action: str = ""
    status: str = ""
    permanent: bool = True
    bad_address: bool = False  # 5.1.x, 5.2.1, 5.4.4: nobody is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One mail, read. Texts are plain Unicode with line feeds; missing things are "" or empty, never None."""

    kind: Kind
    because: str  # why this kind, for `followupd read` and the audit
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sender: Person = Person("")
    reply_to: Person | None = None
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    subject: str = ""
    sent_at: datetime | None = None
    text: str = ""  # the new words: no quotes, no signature
    doubtful: tuple[str, ...] = ()  # lines in `text` that may be quoted: never a promise is taken from them
    quoted: str = ""
    signature: str = ""
    no_answer: str = ""  # why a machine must not answer this mail; "" when it may (RFC 3834, section 2)
    forged: str = ""  # why the sender is not to be believed: no note of such a mail is obeyed
    own_key: str = ""  # the letter key, when this is a copy of a letter of ours with a true signature
    key_header: str = ""  # the letter key that X-Followupd-Key names; says nothing about who wrote it
    answers: tuple[
        str, ...
    ] = ()  # letter keys of ours that In-Reply-To and References name, signatures checked
    case_token: str = ""  # "FU-7K3Q9" when the subject carries one; says nothing about who wrote it
    bounce: Bounce | None = None
    back_on: datetime | None = None  # an absence note's date of return
    forwarded_from: Person | None = None  # "Fwd:" of a customer's mail by one of ours
    attachments: tuple[str, ...] = ()  # file names, for people
    by_hand: str = ""  # why a person must open it: encrypted, attachments only, winmail.dat ...

    @property
    def thread(self) -> tuple[str, ...]:
        """Every Message-ID that this mail names, nearest ancestor last."""
        return (*self.references, *(i for i in self.in_reply_to if i not in self.references))


@dataclass(frozen=True, slots=True)
class Identity:
    """What `listen` must know of us to tell our own mail from the world's.

    Addresses are lower-case. `letter_key(message_id)` returns the key that a Message-ID of ours was made from, or ""
    when it is not ours or its signature is wrong. `authserv` are the authserv-ids whose Authentication-Results we trust.
    `earlier(message_id)` returns the text of an earlier mail of the thread, or "".
    """

    addresses: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()  # List-Id values of our own support groups
    authserv: frozenset[str] = frozenset()
    letter_key: Callable[[str], str] = field(default=lambda _: "", compare=False)
    earlier: Callable[[str], str] = field(default=lambda _: "", compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a mail is a complaint, how sure, and which words spoke for (+) and against (-), strongest first."""

    verdict: str  # complaint | suspected | no
    score: float
    evidence: tuple[tuple[str, float], ...] = ()
    cues: frozenset[str] = frozenset()  # names of the cue groups that were hit
    because: str = ""
