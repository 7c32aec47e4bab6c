"""Every sentence the log may say, one function each; docs/flow.md uses the same sentences in the same order."""

import logging
import os
import sys
from collections.abc import Sequence
from datetime import datetime

_log = logging.getLogger("followupd")
#: so many problems of a configuration are said in the log
_SHOWN = 10

#: journald reads the level from a prefix (sd-daemon(3))
_PREFIX = {logging.DEBUG: "<7>", logging.INFO: "<6>", logging.WARNING: "<4>", logging.ERROR: "<3>"}


class _OneLine(logging.Formatter):
    """Writes each sentence as one line that can be printed: servers and customers have words in some of them."""

    def format(self, record: logging.LogRecord) -> str:
        said = super().format(record).replace("\r\n", "\n").replace("\n", " | ")
        return "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode() for each in said
        )


class _Journald(_OneLine):
    def format(self, record: logging.LogRecord) -> str:
        return _PREFIX.get(record.levelno, "<6>") + super().format(record)


def start(*, verbose: bool = False) -> None:
    """Let the log speak on standard error, in journald's manner where journald listens."""
    handler = logging.StreamHandler(sys.stderr)
    under_systemd = bool(os.environ.get("JOURNAL_STREAM"))
    handler.setFormatter(_Journald("%(message)s") if under_systemd else _OneLine("%(asctime)s %(message)s"))
    _log.handlers[:] = [handler]
    _log.setLevel(logging.DEBUG if verbose else logging.INFO)
    _log.propagate = False


# --- the house ---


def started(version: str, mailboxes: int) -> None:
    _log.info("followupd %s started with %d mailbox(es)", version, mailboxes)


def mailboxes_acquired(mailboxes: Sequence[str]) -> None:
    if mailboxes:
        _log.info("this daemon holds %s", ", ".join(mailboxes))
    else:
        _log.info("this daemon holds no mailbox, and waits until one is free")


def ready() -> None:
    _log.info("ready: every mailbox is open")


def stopping(signal_name: str) -> None:
    _log.info("%s: stopping after the letter in hand", signal_name)


def stopped() -> None:
    _log.info("stopped")


def reloaded() -> None:
    _log.info("configuration, playbooks and letters were read again")


def not_reloaded(problems: Sequence[str]) -> None:
    more = ["`followupd check` shows all of them"] if len(problems) > _SHOWN else []
    shown = " | ".join([*problems[:_SHOWN], *more])
    _log.error("kept the old configuration: the new one has %d problem(s): %s", len(problems), shown)


def unavailable(what: str, error: Exception) -> None:
    _log.warning("%s: %s; trying again", what, error)


def login_expires_soon(warning: str) -> None:
    _log.warning("soon nobody can log in: %s", warning)


def recovered(what: str) -> None:
    _log.info("%s: well again", what)


def unexpected_error(what: str, error: BaseException) -> None:
    _log.error("%s failed: %s: %s", what, type(error).__name__, error)


# --- a mail's way in ---


def folder_opened(mailbox: str, folder: str, passed_over: int) -> None:
    _log.info(
        "%s %s opened for the first time; %d older mail(s) are passed over", mailbox, folder, passed_over
    )


def folder_renumbered(mailbox: str, folder: str) -> None:
    _log.warning("%s %s was renumbered by the server; its mails are recognised again", mailbox, folder)


def quarantined(mailbox: str, folder: str, uid: int, reason: str) -> None:
    _log.warning("%s %s UID %d went to quarantine: %s", mailbox, folder, uid, reason)


def messages_stored(mailbox: str, folder: str, count: int) -> None:
    _log.info("%s %s: kept %d new mail(s)", mailbox, folder, count)


def flag_change_abandoned(mailbox: str, folder: str, uid: int, times: int) -> None:
    _log.warning(
        "%s %s UID %d is left as it lies: the connection ended %d times over a change",
        mailbox,
        folder,
        uid,
        times,
    )


# --- what agents say ---


def command_not_understood(source: str, ref: str) -> None:
    _log.warning("%s: a line by %s was not understood and goes back to the agent", ref or "no case", source)


def command_executed(ref: str, actor: str, source: str, verb: str) -> None:
    _log.info("%s: %s said %r by %s", ref, actor, verb, source)


# --- a working day begins ---


def classifier_retrained(decisions: int, weights: int) -> None:
    _log.info(
        "learnt from %d decisions of agents: %d weights differ from the shipped ones", decisions, weights
    )


# --- a case's life ---


def mail_quarantined(mail_id: int, reason: str) -> None:
    _log.warning("mail %d went to quarantine: %s", mail_id, reason)


def case_opened(ref: str, mailbox: str, playbook: str) -> None:
    _log.info("%s opened in %s by playbook %s", ref, mailbox, playbook)


def letter_stopped(ref: str, why: str) -> None:
    _log.warning("%s: a letter was not written: %s", ref, why)


def event_recorded(ref: str, event: str, stage: str) -> None:
    _log.info("%s: %s; it is %s", ref, event, stage)


def letter_written(key: str) -> None:
    _log.info("%s written", key)


def next_check(ref: str, until: datetime | None) -> None:
    _log.debug("%s waits %s", ref, f"until {until:%Y-%m-%d %H:%M} UTC" if until else "for a word")


def case_needs_person(ref: str, why: str) -> None:
    _log.error("%s is parked for a person: %s", ref, why)


# --- a gift card's way in ---


def gift_card_order_delayed(key: str, why: str, until: datetime) -> None:
    _log.warning("order %s waits until %s UTC: %s", key, f"{until:%Y-%m-%d %H:%M}", why)


def stock_low(value: str, left: int) -> None:
    _log.warning("gift cards of %s: %d left in stock", value, left)


def draft_filed(key: str, folder: str) -> None:
    _log.info("%s waits for review as a draft in %s", key, folder)


# --- a letter's way out ---


def breaker_open(why: str) -> None:
    _log.error("the breaker is open: %s; nothing leaves until `followupd resume`", why)


def letter_cancelled(key: str, why: str) -> None:
    _log.info("%s taken back before it left: %s", key, why)


def letter_delayed(key: str, why: str, until: datetime) -> None:
    _log.info("%s waits until %s UTC: %s", key, f"{until:%Y-%m-%d %H:%M}", why)


def letter_sending(key: str) -> None:
    _log.info("%s leaves", key)


def letter_result(key: str, outcome: str, reply: str) -> None:
    _log.info("%s %s: %s", key, outcome, reply)


def letter_in_doubt(key: str) -> None:
    _log.warning("%s in doubt: nobody knows whether it left; waiting for its copy", key)


def letter_confirmed(key: str) -> None:
    _log.info("%s witnessed: our own copy came back", key)
