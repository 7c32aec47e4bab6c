"""The customer's choice between options: it becomes a promise, or the owner is asked what was meant."""

from datetime import datetime

from followupd.domain import lifecycle
from followupd.domain.case import NO_COMPLAINT, Case
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.events import OptionChosen, OwnerNudged, PromiseMade
from followupd.domain.keys import ReminderKey, ReminderKind
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Message
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind
from followupd.domain.translatable import msg, msgid
from followupd.languages import Catalogue
from followupd.text.answers import chosen


def read_choice(
    case: Case,
    message: Message,
    playbook: Playbook,
    write: LetterRenderer,
    now: datetime,
    languages: Catalogue | None = None,
) -> list[Decision]:
    """Return what follows from a customer's mail when options are open.

    A clear choice becomes a promise, with its option's date. An unclear one, or one whose date has passed,
    goes to the owner. `case` already contains the mail (`CustomerWrote`).

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
        languages: the words of all languages.

    Raises:
        LetterError: the letter cannot be written; `services/cases.py` asks the owner.
    """
    if not case.to_choose or case.stage in NO_COMPLAINT:
        return []

    option = _chosen_option(case, message, playbook, languages)
    if option is None:
        problem = msg("the customer has written, and does not say clearly which option suits better")
        return _ask_owner(case, message, problem, playbook, write, now)

    if option.promised_by and option.promised_by <= now:
        pattern = msgid("the customer has written, and chose option {n}, whose date has passed: {text}")
        problem = msg(pattern, n=option.n, text=option.text)
        return _ask_owner(case, message, problem, playbook, write, now)

    by, why = message.sender.address, f"the customer chose option {option.n}"
    promise = _promise_of(option, case, playbook, now)
    return [
        OptionChosen(at=now, by=by, why=why, n=option.n),
        PromiseMade(at=now, by=by, why=why, promise=promise),
    ]


def _promise_of(option: Option, case: Case, playbook: Playbook, now: datetime) -> Promise:
    """Return the promise that a chosen option becomes."""
    return Promise(
        n=case.next_promise,
        text=option.text,
        kind=PromiseKind.FIRM,
        promised_by=option.promised_by,
        internal_deadline=playbook.own_date(option.promised_by, now),
        source="options",
        owner=case.owner,
        made_at=now,
    )


def _chosen_option(
    case: Case, message: Message, playbook: Playbook, languages: Catalogue | None
) -> Option | None:
    """Return the option that the mail names, None when it names none clearly.

    A forged mail chooses nothing.

    Args:
        case: the case.
        message: the mail, as it was read.
        playbook: the playbook of the case.
        languages: the words of all languages.
    """
    if message.distrusted:
        return None

    names = (case.customer.name, playbook.owner_of(case.owner).name)
    n = chosen(message.certain_text, case.to_choose, names, languages)
    return next((option for option in case.to_choose if option.n == n), None)


def _ask_owner(
    case: Case, message: Message, problem: str, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Ask the owner which option the customer meant.

    Args:
        case: the case.
        message: the mail, as it was read.
        problem: why it was not done.
        playbook: the playbook of the case.
        write: writes the letters.
        now: the time of the cycle, in UTC.
    """
    lines = [msg("option {n}: {text}", n=option.n, text=option.text) for option in case.to_choose]
    content = LetterContent(
        because=problem,
        quote=message.text,
        problems=tuple(lines),
        asks=tuple(f"choose: {option.n}" for option in case.to_choose),
    )
    owner = playbook.owner_of(case.owner)
    key = ReminderKey(ReminderKind.OPTIONS, at=now)
    asked = OwnerNudged(at=now, matter=str(key), whom=owner.id, why=problem)

    case = lifecycle.after(case, asked)
    return [asked, write.desk(LetterKind.NUDGE, case, playbook, now, content, owner)]
