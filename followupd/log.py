"""Every line of the log, one function each: a fixed event name, then key=value pairs.

`docs/flow.md` lists the lines in the order in which a mail causes them. Search for an event by the first word
after the time, as in `grep ' letter-sent '`; values that contain blanks are quoted.
"""

import logging
import os
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID, uuid5

_log = logging.getLogger("followupd")
#: at most this many problems of a configuration are written to the log
_MAX_PROBLEMS = 10
#: a value with one of these characters is quoted
_NEEDS_QUOTES = re.compile(r'[\s"=]')
#: journald reads the level from a prefix, see sd-daemon(3)
_JOURNALD_PREFIX = {logging.DEBUG: "<7>", logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}
#: where journald takes entries with fields (systemd.io/JOURNAL_NATIVE_PROTOCOL)
_JOURNAL = "/run/systemd/journal/socket"
_REFERENCE = re.compile(r"\bFU-[0-9A-Z]{5,12}\b")
#: the name space of the MESSAGE_IDs, one for each event
_MESSAGE_IDS = UUID("5b1f0c1e-6d0f-4b57-9f0e-3f6b6a0c7d21")


class _OneLineFormatter(logging.Formatter):
    """Keep each entry on one printable line: some values come from servers and customers."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).replace("\r\n", "\n").replace("\n", " | ")
        return "".join(map(_printable, line))


class _JournaldFormatter(_OneLineFormatter):
    """Begin each line with its level, in the form that journald reads."""

    def format(self, record: logging.LogRecord) -> str:
        return _JOURNALD_PREFIX.get(record.levelno, "<6>") + super().format(record)


class _JournalHandler(logging.Handler):
    """Sends each line to journald with fields: FOLLOWUPD_EVENT, FOLLOWUPD_CASE, and a MESSAGE_ID for each event."""

    def __init__(self, path: str = _JOURNAL) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.connect(path)
        self.setFormatter(_OneLineFormatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line; one that journald does not take goes to standard error."""
        line = self.format(record)
        event, _, rest = line.partition(" ")
        case = _REFERENCE.search(rest)
        fields = {
            "MESSAGE": line,
            "PRIORITY": _JOURNALD_PREFIX.get(record.levelno, "<6>")[1],
            "SYSLOG_IDENTIFIER": "followupd",
            "FOLLOWUPD_EVENT": event,
            "MESSAGE_ID": uuid5(_MESSAGE_IDS, event).hex,
            **({"FOLLOWUPD_CASE": case[0]} if case else {}),
        }
        try:
            self._socket.send("".join(f"{name}={value}\n" for name, value in fields.items()).encode())
        except OSError:
            sys.stderr.write(f"{line}\n")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
        super().close()


def _journal_handler() -> logging.Handler | None:
    """Return the handler for journald if standard error is connected to it (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        stderr = os.fstat(sys.stderr.fileno())
        if os.environ.get("JOURNAL_STREAM") != f"{stderr.st_dev}:{stderr.st_ino}":
            return None
        return _JournalHandler()
    except (OSError, ValueError):
        return None


def start(*, verbose: bool = False) -> None:
    """Write the log to standard error, in journald's format where journald reads it.

    With `verbose`, lines of level DEBUG are written too.
    """
    under_systemd = bool(os.environ.get("JOURNAL_STREAM"))
    handler = logging.StreamHandler(sys.stderr)
    if under_systemd:
        handler.setFormatter(_JournaldFormatter("%(message)s"))
    else:
        handler.setFormatter(_OneLineFormatter("%(asctime)s %(message)s"))

    _log.handlers[:] = [_journal_handler() or handler]
    _log.setLevel(logging.DEBUG if verbose else logging.INFO)
    _log.propagate = False


def _printable(character: str) -> str:
    """Return a character, or its escape sequence where a terminal might take it for a command."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def _value(value: object) -> str:
    """Return a value as the log has it: times in UTC to the minute, in quotation marks if need be."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%MZ}"
    text = str(value)
    if text and not _NEEDS_QUOTES.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Held(threading.local):
    """The lines of this thread's transaction, None outside of one."""

    lines: list[tuple[int, str]] | None = None


_held = _Held()


@contextmanager
def after_commit() -> Iterator[None]:
    """Write the lines of a block when it has ended, and none of them if it ends with an exception.

    So the log never tells what a transaction that was rolled back would have done.
    """
    if _held.lines is not None:  # a transaction within another one
        yield
        return

    lines: list[tuple[int, str]] = []
    _held.lines = lines
    try:
        yield
    except BaseException:
        lines.clear()
        raise
    finally:
        _held.lines = None
        for level, line in lines:
            _log.log(level, "%s", line)


#: how often each event was logged since the process began, for the metrics
counts: Counter[str] = Counter()


def _write(level: int, event: str, **values: object) -> None:
    """Write one line: the name of the event, then its values."""
    counts[event] += 1
    if not _log.isEnabledFor(level):
        return
    pairs = [f"{key}={_value(value)}" for key, value in values.items()]
    line = " ".join([event, *pairs])
    if _held.lines is None:
        _log.log(level, "%s", line)
    else:
        _held.lines.append((level, line))


def _debug(event: str, **values: object) -> None:
    _write(logging.DEBUG, event, **values)


def _info(event: str, **values: object) -> None:
    _write(logging.INFO, event, **values)


def _warning(event: str, **values: object) -> None:
    _write(logging.WARNING, event, **values)


def _error(event: str, **values: object) -> None:
    _write(logging.ERROR, event, **values)


# --- the daemon ---


def started(version: str, mailboxes: int) -> None:
    """The daemon starts; it is not ready yet."""
    _info("daemon-started", version=version, mailboxes=mailboxes)


def ledger_changed(what: str, place: str) -> None:
    """The ledger is new and empty, or its tables were upgraded."""
    _info("ledger-changed", what=what, ledger=place)


def mailboxes_acquired(mailboxes: Sequence[str]) -> None:
    """The mailboxes that this daemon holds have changed.

    Without any, it waits until another daemon ends.
    """
    if mailboxes:
        _info("mailboxes-acquired", mailboxes=", ".join(mailboxes))
    else:
        _info("standby", reason="all mailboxes are held by other daemons")


def ready() -> None:
    """All mailboxes are open, and letters may be sent."""
    _info("daemon-ready")


def stopping(signal_name: str) -> None:
    """A signal ends the daemon.

    A letter that the server has begun to receive is finished first.
    """
    _info("daemon-stopping", signal=signal_name, next="finishing the current letter")


def stopped() -> None:
    """The daemon has ended in order."""
    _info("daemon-stopped")


def reloaded() -> None:
    """New settings, playbooks and letters are in use."""
    _info("configuration-reloaded")


def not_reloaded(problems: Sequence[str]) -> None:
    """New settings, playbooks or letters are invalid.

    The old ones stay in use. At most ten problems are written; `followupd check` shows all of them.
    """
    shown = list(problems[:_MAX_PROBLEMS])
    if len(problems) > _MAX_PROBLEMS:
        shown.append("`followupd check` shows all of them")
    _error("configuration-rejected", problems=len(problems), details=" | ".join(shown))


def unavailable(what: str, error: Exception) -> None:
    """A server or the database does not answer.

    This is logged once, whatever the number of attempts; `recovered` follows.
    """
    _warning("unavailable", what=what, next="retrying", error=error)


def login_expires_soon(warning: str) -> None:
    """An OAuth login must be renewed by a person."""
    _warning("login-expires-soon", warning=warning)


def recovered(what: str) -> None:
    """What was unavailable answers again."""
    _info("recovered", what=what)


def clock_jumped(seconds: float) -> None:
    """The clock was set, by more than an hour. Nothing is done until it has been steady for a minute."""
    _warning("clock-jumped", seconds=round(seconds), next="waiting until it is steady")


def unexpected_error(what: str, error: BaseException) -> None:
    """A bug, or an error with a cause that the program does not know.

    The rest of the work is done all the same.
    """
    _error("unexpected-error", what=what, error=f"{type(error).__name__}: {error}")


def agent_away(agent: str, until: datetime) -> None:
    """An agent is away, by a line of a note or an out-of-office reply; somebody stands in."""
    _info("agent-away", agent=agent, until=f"{until:%Y-%m-%dT%H:%M}")


# --- incoming mail ---


def folder_opened(mailbox: str, folder: str, skipped: int) -> None:
    """A folder is read for the first time.

    `skipped` older mails are never answered, unless an agent tags one.
    """
    _info("folder-opened", mailbox=mailbox, folder=folder, skipped=skipped)


def folder_renumbered(mailbox: str, folder: str) -> None:
    """The server has given new UIDs to all mails of a folder.

    See RFC 9051, section 2.3.1.1. The mails are recognised by their content.
    """
    _warning("uidvalidity-changed", mailbox=mailbox, folder=folder, next="re-reading the folder")


def folder_put_back(mailbox: str, folder: str) -> None:
    """The server has an older copy of a folder than the one that was read, such as one from a backup.

    It assigns the same UIDs to other mails. The mails are recognised by their content.
    """
    _warning("folder-put-back", mailbox=mailbox, folder=folder, next="re-reading the folder")


def unreadable_mail_quarantined(mailbox: str, folder: str, uid: int, reason: str) -> None:
    """A mail cannot be parsed, or the server does not return it.

    A person must look at it; it has the tag fu-quarantine.
    """
    _warning("mail-quarantined", mailbox=mailbox, folder=folder, uid=uid, reason=reason)


def messages_stored(mailbox: str, folder: str, count: int) -> None:
    """New mails are in the ledger."""
    _info("messages-stored", mailbox=mailbox, folder=folder, count=count)


def flag_change_abandoned(mailbox: str, folder: str, uid: int, drops: int) -> None:
    """A change of a mail's tags or folder is given up.

    It has dropped the connection so many times in a row.
    """
    _warning("flag-change-abandoned", mailbox=mailbox, folder=folder, uid=uid, dropped_connections=drops)


# --- routing ---


def mail_quarantined(mail_id: int, reason: str) -> None:
    """A stored mail cannot be routed, or must not be.

    A person must look at it; it has the tag fu-quarantine.
    """
    _warning("mail-quarantined", mail=mail_id, reason=reason)


def case_opened(ref: str, mailbox: str, playbook: str) -> None:
    """A case was opened for a mail."""
    _info("case-opened", case=ref, mailbox=mailbox, playbook=playbook)


# --- commands of agents ---


def command_not_understood(source: str, ref: str) -> None:
    """A line of an agent is not understood.

    It goes back to the agent with what was expected. Without a case, `ref` is "".
    """
    _warning("command-not-understood", source=source, case=ref or "none")


def command_failed(source: str, reason: str) -> None:
    """A tag or a move cannot be executed, because of a bug.

    It is not tried again, and the agent is told.
    """
    _error("command-failed", source=source, reason=reason)


def command_executed(ref: str, actor: str, source: str, verb: str) -> None:
    """A command of an agent has changed a case."""
    _info("command-executed", case=ref, command=verb, source=source, actor=actor)


# --- the beginning of a working day ---


def classifier_retrained(decisions: int, weights: int) -> None:
    """The classifier uses new weights.

    They are trained on agents' decisions, and `weights` of them differ from the shipped ones.
    """
    _info("classifier-retrained", decisions=decisions, weights_changed=weights)


def month_begun(month: str) -> None:
    """The figures of a month are read for its page, which takes seconds in a large ledger."""
    _info("month-begun", month=month)


# --- the life of a case ---


def letter_stopped(ref: str, why: str) -> None:
    """A letter lacks a value, or breaks a wording rule.

    The owner of the case is told once; it is tried again every hour.
    """
    _warning("letter-not-written", case=ref, reason=why)


def event_recorded(ref: str, event: str, stage: str) -> None:
    """An event was saved in the history of a case.

    `stage` is that of the case after all events of the same transaction.
    """
    _info("event-recorded", case=ref, name=event, stage=stage)


def letter_written(key: str) -> None:
    """A letter or a desk mail is in the outbox."""
    _info("letter-written", key=key)


def next_check(ref: str, at: datetime | None) -> None:
    """A case was advanced.

    It is looked at again at this time, or after the next mail or command.
    """
    if at:
        _debug("next-check", case=ref, at=at)
    else:
        _debug("waiting-for-person", case=ref)


def case_needs_person(ref: str, why: str) -> None:
    """A case was put on hold because of a bug."""
    _error("case-on-hold", case=ref, reason=why)


# --- gift cards ---


def gift_card_order_delayed(key: str, why: str, until: datetime) -> None:
    """A provider has not returned a gift card.

    The order is repeated with the same key.
    """
    _warning("gift-card-order-delayed", order=key, until=until, reason=why)


def stock_low(value: str, left: int) -> None:
    """Few imported gift cards of a value are left.

    This is logged and told once a day.
    """
    _warning("gift-card-stock-low", value=value, left=left)


# --- outgoing mail ---


def draft_filed(key: str, folder: str) -> None:
    """A letter in review is in Drafts, in its thread."""
    _info("draft-filed", key=key, folder=folder)


def breaker_open(why: str) -> None:
    """Nothing is sent any more.

    A person must look, and close the circuit breaker with `followupd resume`.
    """
    _error("breaker-open", reason=why, hint="followupd resume")


def letter_cancelled(key: str, why: str) -> None:
    """A letter no longer fits its case and is not sent."""
    _info("letter-cancelled", key=key, reason=why)


def letter_delayed(key: str, why: str, until: datetime) -> None:
    """A letter must not be sent yet: a hold, quiet hours or a quota."""
    _info("letter-delayed", key=key, until=until, reason=why)


def letter_sending(key: str) -> None:
    """A letter is claimed, and is now handed to the server."""
    _info("letter-sending", key=key)


def letter_result(key: str, outcome: str, reply: str) -> None:
    """A server has replied to a letter.

    `outcome` is sent, deferred, refused or doubt.
    """
    _info(f"letter-{outcome}", key=key, reply=reply)


def letter_in_doubt(key: str) -> None:
    """It is not known whether the server took a letter (RFC 1047).

    It is not sent again before its copy, the configuration or a person decides.
    """
    _warning("letter-in-doubt", key=key, reason="no SMTP reply after DATA", next="waiting for the BCC copy")


def copies_filed_by_server(mailbox: str) -> None:
    """The server files a copy of each letter in Sent: ours would be a second one, and theirs is the proof."""
    _info("copies-filed-by-server", mailbox=mailbox, next="no blind copies")


def letter_confirmed(key: str) -> None:
    """A copy in the mailbox proves that a letter was sent."""
    _info("letter-confirmed", key=key)


# --- what may be printed ---


def printable(text: str) -> str:
    """Replace characters that could control the terminal, such as escape sequences."""
    return "".join(character if character.isprintable() else " " for character in text)


def printable_lines(text: str) -> str:
    """Like `printable`, but keep the line breaks."""
    return "\n".join(map(printable, text.splitlines()))
