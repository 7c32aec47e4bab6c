"""Save what was decided about a case, and contain failures: the one place for each."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from followupd import log
from followupd.adapters.storage.ledger import Transaction
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision
from followupd.domain.events import Event
from followupd.domain.keys import StateKey
from followupd.domain.letter import LetterRecordState
from followupd.domain.mail import MailState, StoredMail
from followupd.errors import ConflictError, UnavailableError

#: every status tag begins so; a tag with this prefix is never an agent's command
STATUS_TAG_PREFIX = "fu-"
_STAGE_TAGS = {
    Stage.SUSPECTED: "fu-suspected",
    Stage.HEARD: "fu-heard",
    Stage.PROMISED: "fu-promised",
    Stage.CONFIRMED: "fu-confirmed",
    Stage.FIXED: "fu-fixed",
    Stage.FOLLOWED_UP: "fu-followed-up",
    Stage.CLOSED: "fu-closed",
}
_HELD_TAG, _DOUBT_TAG = "fu-held", "fu-doubt"
#: all status tags, in the order of a case's life; mail in quarantine belongs to no case
STATUS_TAGS = (*_STAGE_TAGS.values(), _HELD_TAG, _DOUBT_TAG, "fu-quarantine")


def status_tags(case: Case) -> frozenset[str]:
    """Return the tags that show agents, in their mail client, where the case stands."""
    tags = set()
    if case.stage in _STAGE_TAGS:
        tags.add(_STAGE_TAGS[case.stage])

    if case.held:
        tags.add(_HELD_TAG)

    if any(letter.state == LetterRecordState.DOUBT for letter in case.letters):
        tags.add(_DOUBT_TAG)

    return frozenset(tags)


def record(
    tx: Transaction,
    case: Case,
    decisions: Iterable[Decision],
    now: datetime,
    next_check: Callable[[Case], datetime | None] | None = None,
) -> Case:
    """Save decisions about a case, set its status tags and log each of them.

    Args:
        tx: the transaction.
        case: the case as it was read.
        decisions: events and letters, in their order.
        now: the time of the cycle, in UTC.
        next_check: returns when to look at the changed case again; without it the case is due at once.

    Returns:
        The changed case.

    Raises:
        ConflictError: the case was changed since it was read.
        InvalidTransitionError: an event is not allowed in the case's stage; nothing was saved.
    """
    decided = list(decisions)
    after = tx.cases.record(case, decided, next_check or (lambda _: now), now)
    tx.mail.set_status_tags(case.ref, status_tags(after))

    for decision in decided:
        if isinstance(decision, Event):
            log.event_recorded(case.ref, type(decision).__name__, after.stage)
        else:
            log.letter_written(decision.key)

    return after


@contextmanager
def isolated(what: str, contain: Callable[[str], object] | None = None) -> Iterator[None]:
    """Keep the failure of one mail, command, letter or case from stopping the others.

    A conflict is dropped: the same work is due again in the next cycle. An outage is raised, since it
    concerns everything. Any other error is handed to `contain` as text ("TypeError: ..."), to be quarantined,
    put on hold or returned; without `contain` it is logged as a failure of `what`.

    Raises:
        UnavailableError: the ledger, or a server, does not answer.
    """
    try:
        yield
    except ConflictError:
        return
    except UnavailableError:
        raise
    except Exception as error:  # noqa: BLE001  a bug that one mail or case triggers must not stop the others
        if contain is None:
            log.unexpected_error(what, error)
        else:
            contain(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")


def quarantine(tx: Transaction, mail: StoredMail, reason: str) -> None:
    """Set a stored mail aside for a person."""
    tx.mail.mark_processed(mail.id, state=MailState.QUARANTINED, reason=reason)
    log.mail_quarantined(mail.id, reason)


def untold(tx: Transaction) -> list[int]:
    """Return the mails in quarantine that nobody was told of, by their ids, oldest first."""
    known = set(tx.state.value(StateKey.QUARANTINE_TOLD, ()))
    return [mail_id for mail_id in tx.mail.quarantined_ids() if mail_id not in known]


def mark_told(tx: Transaction, mail_ids: Iterable[int], now: datetime) -> None:
    """Record that somebody was told of mails in quarantine; those that are no longer in it are forgotten."""
    known = {*tx.state.value(StateKey.QUARANTINE_TOLD, ()), *mail_ids}
    kept = [mail_id for mail_id in tx.mail.quarantined_ids() if mail_id in known]
    tx.state.put(StateKey.QUARANTINE_TOLD, kept, now)
