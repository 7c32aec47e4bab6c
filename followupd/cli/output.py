"""How values look on a terminal and in JSON; the JSON names are the contract's."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from followupd.adapters.terminal import moment, safe, safe_lines
from followupd.domain.case import Case
from followupd.domain.events import Event
from followupd.domain.letter import LetterStatus
from followupd.domain.records import OutboxEntry


def as_json(value: Any, indent: int | None = 2) -> None:
    """Print JSON in which letters of all scripts stay readable and nothing can move a terminal's cursor."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    print("".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text))


def _escaped(character: str) -> str:
    return json.dumps(character, ensure_ascii=True)[1:-1]


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns."""
    lines = [[safe(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(lines[0]))] if lines else []
    for row in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def complain(text: str) -> None:
    print(safe_lines(text), file=sys.stderr)


def letter_view(state: OutboxEntry) -> dict[str, Any]:
    letter = state.letter
    return {
        "key": letter.key,
        "case": letter.case or None,
        "kind": letter.kind,
        "condition": state.condition.value,
        "to": letter.to.address,
        "subject": letter.subject,
        "message_id": letter.message_id,
        "written_at": moment(state.written_at),
        "not_before": moment(state.not_before),
        "sent_at": moment(state.sent_at),
        "witnessed_at": moment(state.witnessed_at),
        "attempts": state.attempts,
        "reply": state.reply or None,
    }


def case_view(
    case: Case, letters: Iterable[OutboxEntry], history: Iterable[Event] | None = None
) -> dict[str, Any]:
    """Return one case as the contract's JSON; the history only where it is asked for."""
    view: dict[str, Any] = {
        "ref": case.ref,
        "stage": case.stage.value,
        "held": case.held,
        "playbook": case.playbook,
        "owner": case.owner,
        "severity": case.severity,
        "customer": {"address": case.customer.address, "name": case.customer.name},
        "mailbox": case.mailbox,
        "subject": case.subject,
        "opened_at": moment(case.opened_at),
        "wake_at": moment(case.wake_at),
        "facts": _facts(case),
        "promises": _promises(case),
        "options": _options(case),
        "compensation": _compensation(case),
        "letters": [letter_view(state) for state in letters],
        "score": case.score,
        "evidence": [list(pair) for pair in case.evidence],
    }
    if history is not None:
        view["history"] = [
            {"at": moment(event.at), "event": type(event).__name__, "by": event.by, "why": event.why}
            for event in history
        ]
    return view


def _facts(case: Case) -> dict[str, Any]:
    facts = case.facts
    return {
        "issue": facts.issue,
        "impact": facts.impact,
        "wants": facts.wants,
        "cause": facts.cause,
        "resolution": facts.resolution,
        "prevention": facts.prevention,
        "fault": facts.fault.value,
        "cause_code": facts.cause_code,
        "phone": facts.phone,
    }


def _promises(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "n": each.n,
            "text": each.text,
            "kind": each.kind.value,
            "due": moment(each.due),
            "told": moment(each.told),
            "state": each.state.value,
            "source": each.source,
            "confirmed": each.confirmed or None,
        }
        for each in case.promises
    ]


def _options(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "n": each.n,
            "text": each.text,
            "told": moment(each.told),
            "state": each.state.value,
            "letter": each.letter or None,
        }
        for each in case.options
    ]


def _compensation(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "n": each.n,
            "kind": each.kind.value,
            "amount": each.money.amount if each.money else None,
            "currency": each.money.currency if each.money else None,
            "state": each.state.value,
            "text": each.text or None,
            "source": each.source,
            "because": each.because or None,
            "granted_at": moment(each.granted_at),
            "granted_by": each.granted_by or None,
            "approved_by": each.approved_by or None,
            "issued_at": moment(each.issued_at),
        }
        for each in case.compensation
    ]


def condition_words(condition: LetterStatus) -> str:
    """Say in words where a letter stands."""
    return {
        LetterStatus.REVIEW: "waits for an agent's approval",
        LetterStatus.READY: "may leave",
        LetterStatus.LEAVING: "is on its way",
        LetterStatus.SENT: "was accepted by the server",
        LetterStatus.DEFERRED: "is tried again later",
        LetterStatus.REFUSED: "was refused for good",
        LetterStatus.DOUBT: "is in doubt: nobody knows whether it left",
        LetterStatus.DROPPED: "is dropped: it does not leave from here any more",
    }[condition]
