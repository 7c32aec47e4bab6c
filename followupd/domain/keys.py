"""Keys that are stored: names in the ledger's state, and reminders, of which each is sent once."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, NewType, Self

#: a key of one mailbox or folder, made by `StateKey.of`
ScopedKey = NewType("ScopedKey", str)


#: the value of StateKey.CONFIGURATION while the configuration as it was read last is in use
TAKEN = "taken"


class StateKey(StrEnum):
    """Names in the ledger's key-value state. The values are stored.

    A key "of" a mailbox goes through `of`.
    """

    #: the last cycle; "daemon" or "once"
    CYCLE = "beat"
    #: the configuration that is in use: "taken", or why the last reload was refused
    CONFIGURATION = "configuration"
    #: the circuit breaker of the outbox: "open", "partly" for some budgets only, or "closed"
    BREAKER = "breaker"
    #: the budgets for which it is partly open
    BREAKER_BUDGETS = "breaker of"
    #: why the breaker is open
    BREAKER_REASON = "breaker because"
    #: when more complaints came at once than an agent is asked about one by one
    FLOOD = "flood"
    #: who has dismissed a flood, until when it came, and the last case that was looked at; None when all were
    FLOOD_DISMISSED = "flood dismissed"
    #: whether this ledger is a restored copy that the daemon has not run with yet
    COPIED = "copied"
    #: whether the mailbox is connected
    CONNECTED = "connected {}"
    #: the command lines that the tags of a draft mean
    DRAFT_COMMANDS = "draft {}"
    #: since when the draft of a letter in review is gone, and whether its agent was asked
    DRAFT_GONE = "draft gone {}"
    #: the day of the last digest
    DIGEST = "digest"
    #: the mails in quarantine that somebody was told of, by their ids
    QUARANTINE_TOLD = "told of quarantine"
    #: whether an inbox was read completely
    INBOX_READ = "read {}"
    #: whether a Sent folder was read completely
    SENT_READ = "sent folder of {} read"
    #: the folder of a mailbox that was put back from a backup last
    PUT_BACK = "put back {}"
    #: whether a mailbox's server keeps no status tags, so that agents do not see where cases stand
    NO_KEYWORDS = "no keywords {}"
    #: whether a mailbox's server was seen to file a copy of a letter in Sent, beside our blind copy
    FILES_COPIES = "files copies {}"
    #: the failed fetches of a poison message, by mailbox and folder
    FETCH_FAILURE = "stumble {}/{}"
    #: the changes that a folder refused, by mailbox and folder
    REFUSED_UPDATES = "touch {}/{}"
    #: until when agents are away who said so by mail, by their ids
    ABSENCES = "absences"
    #: how far the deletion of old mail has come
    RETENTION = "retention"
    #: the keys of letters that wait neither for quiet hours nor for a quota, because a person said so
    AT_ONCE = "at once"
    #: when `followupd backup` copied the ledger last; the value is the number of cases
    BACKED_UP = "backed up"
    #: a known word, encrypted: a key that cannot open it is not this ledger's
    KNOWN_WORD = "known word"
    #: how long promises take, by kind: the number of cases, and the business days in 8 of 10
    CALIBRATION = "calibration"
    #: whether the causes of older cases are stored beside them
    CAUSES = "causes"
    #: the last month of which there was nothing to report, and when that was looked at
    EMPTY_MONTH = "empty month"
    #: when a spike of a cause was told
    SPIKE = "spike {}"
    #: the classifier's trained weights
    TRAINING = "learned"

    def of(self, *names: str) -> ScopedKey:
        """Return the key of one mailbox, or of one folder of a mailbox."""
        return ScopedKey(self.value.format(*names))


#: a name in the ledger's key-value state
StateName = StateKey | ScopedKey


@dataclass(frozen=True, slots=True)
class FolderCursor:
    """How far a folder was read, and how many mails were skipped when it was first opened.

    `position` is a text that only the door of Microsoft Graph understands, "" over IMAP.
    """

    uidvalidity: int
    uid: int
    modseq: int
    passed_over: int
    synced_at: datetime
    since: datetime | None = None
    position: str = ""


#: who is reminded; a lead and a manager are told what the owner did not react to
Level = Literal["owner", "lead", "manager"]
#: which of several reminders about the same thing it is; "" for the only or the first one
Step = Literal["", "soon", "due", "late", "alone", "settled", "lead", "manager"]


class ReminderKind(StrEnum):
    """What a reminder is about. The values are stored in the history."""

    #: a suspected complaint that an agent should decide
    SUSPECTED = "suspected"
    #: a promise whose date comes near or has passed
    PROMISE = "promise"
    #: the customer has not heard from us for a while
    SILENCE = "silence"
    #: the customer was not reached
    NOT_REACHED = "not-reached"
    #: the customer wrote and waits for an answer
    ANSWER = "answer"
    #: the customer's answer does not name an option clearly
    OPTIONS = "options"
    #: a single option, which offers no choice
    OPTION = "option"
    #: the customer has not chosen
    CHOICE = "choice"
    #: the follow-up is due, and something is missing
    FOLLOW_UP = "follow-up"
    #: the customer has not said whether compensation arrived
    RECEIPT = "receipt"
    #: a grant that needs an approval
    APPROVAL = "approve"
    #: a letter that waits for an approval
    REVIEW = "review"
    #: a letter that could not be written
    STOPPED = "stopped"
    #: a letter that may or may not have been sent
    DOUBT = "doubt"
    #: a desk mail that could not be delivered
    UNDELIVERED = "undelivered"
    #: a case on hold
    HELD = "held"
    #: a case of a severity that somebody besides the owner is told of
    SEVERITY = "severity"
    #: a gift card that the provider does not give
    GIFT_CARD = "gift card"
    #: what a department was asked
    REQUEST = "request"
    #: its cause came back, although customers were told that it would not
    AGAIN = "again"
    #: what we promised ourselves comes due
    ACTION = "action"
    #: the call that follows a follow-up, told in the morning
    CALL = "call"
    #: a letter with an agent's words, which its owner reads before it leaves
    SHOWN = "shown"
    #: the daily digest named the case
    DIGEST = "digest"

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Return the kind of a stored key, or None for one of no kind that this program knows.

        Args:
            text: the text of a `ReminderKey`, as the history of a case stores it. A later release may have
                written it.
        """
        found = _KIND.match(text)
        if found is None:
            return None
        return cls(found[1])


_KIND = re.compile(rf"({'|'.join(map(re.escape, ReminderKind))})(?:-\d+)?(?= |$)")


@dataclass(frozen=True, slots=True)
class ReminderKey:
    """The identity of one reminder.

    Its text, such as "promise-1 due 2026-12-03T15:00", is stored in the history.

    `number` is that of a promise, grant or option, 0 where there is none. `about` names what else the
    reminder is about, such as a letter. `at` is the time of what it is about, so that a promise with a new
    date has new reminders.
    """

    kind: ReminderKind
    number: int = 0
    step: Step = ""
    about: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        """Return the text that is stored."""
        parts = [str(self.kind), self.step, self.about]
        if self.number:
            parts[0] += f"-{self.number}"
        if self.at:
            parts.append(f"{self.at:%Y-%m-%dT%H:%M}")

        return " ".join(filter(None, parts))
