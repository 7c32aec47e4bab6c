"""What follows from the customer's choice: a promise, or a question to the owner."""

from datetime import datetime

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case, Stage
from followupd.domain.decision import Decision, LetterContent, LetterRenderer
from followupd.domain.letter import LetterKind
from followupd.domain.mail import Message
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind
from followupd.domain.translatable import msg
from followupd.text.answers.options import chosen


def heard(
    case: Case, message: Message, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    """Read a customer's mail for the choice; what was chosen is promised, and an unclear answer goes to the owner.

    `case` has the mail already (CustomerWrote).
    """
    options = case.to_choose
    if not options or case.stage in {Stage.SUSPECTED, Stage.DISMISSED}:
        return []
    text = "\n".join(line for line in message.text.splitlines() if line not in message.doubtful)
    names = (case.customer.name, playbook.owner_of(case.owner).name)
    n = None if message.no_answer.startswith("DMARC") else chosen(text, options, names)
    option = next((each for each in options if each.n == n), None)
    if option is None:
        return _unclear(
            case,
            message,
            msg("the customer has written, and does not say clearly which option suits better"),
            playbook,
            write,
            now,
        )
    if option.promised_by and option.promised_by <= now:
        pattern = "the customer has written, and chose option {n}, whose date has passed: {text}"
        problem = msg(pattern, n=option.n, text=option.text)
        return _unclear(case, message, problem, playbook, write, now)
    by, why = message.sender.address, f"the customer chose option {option.n}"
    promise = _promise(case, option, playbook, now)
    return [
        e.OptionChosen(at=now, by=by, why=why, n=option.n),
        e.PromiseMade(at=now, by=by, why=why, promise=promise),
    ]


def _promise(case: Case, option: Option, playbook: Playbook, now: datetime) -> Promise:
    return Promise(
        n=max((promise.n for promise in case.promises), default=0) + 1,
        text=option.text,
        kind=PromiseKind.FIRM,
        promised_by=option.promised_by,
        internal_deadline=playbook.own_date(option.promised_by, now),
        source="options",
        owner=case.owner,
        made_at=now,
    )


def _unclear(
    case: Case, message: Message, problem: str, playbook: Playbook, write: LetterRenderer, now: datetime
) -> list[Decision]:
    owner = playbook.owner_of(case.owner)
    brief = LetterContent(
        because=problem,
        quote=message.text,
        problems=tuple(msg("option {n}: {text}", n=option.n, text=option.text) for option in case.to_choose),
        asks=tuple(f"choose: {option.n}" for option in case.to_choose),
    )
    told = e.OwnerNudged(at=now, matter=f"options {now:%Y-%m-%dT%H:%M}", whom=owner.id, why=brief.because)
    return [told, write.desk(LetterKind.NUDGE, lifecycle.after(case, told), playbook, now, brief, owner)]
