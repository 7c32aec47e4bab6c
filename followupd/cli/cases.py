"""cases, case, explain, tell: what is known, what will happen, and a word to it."""

import argparse
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from followupd.adapters.terminal import moment, safe
from followupd.cli.app import open_house, who_types
from followupd.cli.main import DONE, PROBLEMS
from followupd.cli.output import as_json, case_view, complain, condition_words, table
from followupd.domain.case import Case, Stage
from followupd.domain.events import Event
from followupd.domain.letter import LetterStatus
from followupd.domain.records import OutboxEntry
from followupd.recovery.blockers import blockers_of


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    cases = commands.add_parser("cases", parents=[common], help="one line a case")
    cases.add_argument("--stage", choices=[stage.value for stage in Stage], default="")
    cases.set_defaults(do=_cases)
    case = commands.add_parser("case", parents=[common], help="one case whole")
    case.add_argument("ref", metavar="REF")
    case.set_defaults(do=_case)
    explain = commands.add_parser(
        "explain", parents=[common], help="why each letter went, or did not; what is next"
    )
    explain.add_argument("ref", metavar="REF")
    explain.set_defaults(do=_explain)
    tell = commands.add_parser(
        "tell", parents=[common], help="say something about a case, in the lines of a note"
    )
    tell.add_argument("ref", metavar="REF")
    tell.add_argument("lines", metavar="LINE", nargs="+")
    tell.add_argument("--as", dest="agent", metavar="AGENT", default="", help="the agent who says it")
    tell.set_defaults(do=_tell, many="lines")


def _cases(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    with app.ledger.transaction() as tx:
        found = [(case, tx.outbox.all(case=case.ref)) for case in tx.cases.all(options.stage)]
    if options.json:
        as_json([case_view(case, letters) for case, letters in found])
        return DONE
    if not found:
        complain("No cases.")
    table(
        (
            case.ref,
            case.stage.value + (" (held)" if case.held else ""),
            case.severity,
            case.owner,
            case.customer.address,
            case.subject[:48],
            f"looks again {moment(case.wake_at)}" if case.wake_at else "",
        )
        for case, _ in found
    )
    return DONE


def _case(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    with app.ledger.transaction() as tx:
        ref = options.ref.upper()
        case, history, letters = tx.cases.get(ref), tx.cases.history(ref), tx.outbox.all(case=ref)
    if options.json:
        as_json(case_view(case, letters, history))
    else:
        _print(case, letters, history)
    return DONE


def _print(case: Case, letters: list[OutboxEntry], history: list[Event]) -> None:
    print(f"{case.ref}  {case.stage}{' (held)' if case.held else ''}  {safe(case.subject)}")
    name = f" ({case.customer.name})" if case.customer.name else ""
    print(
        f"  {safe(case.customer.address + name)}, owner {case.owner}, playbook {case.playbook}, {case.severity}"
    )
    view = case_view(case, letters)
    facts = [(f"  {name}", str(value)) for name, value in view["facts"].items() if value]
    _section("Facts", facts)
    _section("Words", [(f"  {words}", f"{weight:+.1f}") for words, weight in case.evidence])
    _section(
        "Promises",
        [
            (f"  {p['n']}", p["state"], p["kind"], f"told {p['told']}", f"ours {p['due']}", p["text"])
            for p in view["promises"]
        ],
    )
    given = [
        (
            f"  {g['n']}",
            g["state"],
            g["kind"],
            f"{g['amount']} {g['currency']}" if g["amount"] else "",
            g["text"] or "",
        )
        for g in view["compensation"]
    ]
    _section("Compensation", given)
    _section(
        "TemplateRenderer",
        [
            (f"  {each['key']}", each["condition"], each["sent_at"] or "", each["reply"] or "")
            for each in view["letters"]
        ],
    )
    _section(
        "History",
        [(f"  {moment(event.at)}", type(event).__name__, f"by {event.by}", event.why) for event in history],
    )


def _section(title: str, rows: Sequence[tuple[str, ...]]) -> None:
    if rows:
        print(f"\n{title}")
        table(rows)


def _explain(options: argparse.Namespace) -> int:
    from followupd.recovery import confirm, follow_up, gift_card

    app = open_house(options.config)
    with app.ledger.transaction() as tx:
        case = tx.cases.get(options.ref.upper())
        letters = tx.outbox.all(case=case.ref)
        back = {
            each.letter.key: app.dispatch.rules.blocking_reason(tx, each.letter, app.now())
            for each in letters
        }
    playbook = app.settings.playbooks.get(case.playbook) or app.settings.playbooks["default"]
    playbook = playbook.for_severity(case.severity)
    said = [_letter_sentence(state, back[state.letter.key]) for state in letters]
    moments = {
        "confirmation": confirm.next_due(case, playbook) if case.unwritten else None,
        "follow-up": follow_up.next_due(case, playbook) if case.stage is Stage.FIXED else None,
        "gift-card": gift_card.next_due(case, playbook),
        "closing": follow_up.next_due(case, playbook) if case.stage is Stage.FOLLOWED_UP else None,
    }
    waits = [lack.sentence for lack in blockers_of(case)] if case.stage in _BEFORE_FOLLOW_UP else []
    view = {
        "ref": case.ref,
        "stage": case.stage.value,
        "letters": said,
        "next": {name: moment(at) for name, at in moments.items() if at},
        "wake_at": moment(case.wake_at),
        "confirmation_waits_for": confirm.hindered(case) or None,
        "follow_up_waits_for": waits,
    }
    if options.json:
        as_json(view)
    else:
        _print_explained(case, said, moments, waits, confirm.hindered(case))
    return DONE


_BEFORE_FOLLOW_UP = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED, Stage.FIXED})


def _letter_sentence(state: OutboxEntry, back: str) -> str:
    when = state.sent_at or state.leaving_at or state.written_at
    sentence = f"{state.letter.key} {condition_words(state.condition)} ({moment(when)})"
    if state.condition in {LetterStatus.READY, LetterStatus.DEFERRED}:
        sentence += f", not before {moment(state.not_before)}" if state.not_before else ""
        sentence += f"; {back}" if back else ""
    return f"{sentence}: {state.reply}" if state.reply else sentence


def _print_explained(
    case: Case, said: list[str], moments: dict[str, datetime | None], waits: list[str], hindered: str
) -> None:
    print(f"{case.ref} is {case.stage}.")
    for sentence in said:
        print(f"  {safe(sentence)}")
    for name, at in moments.items():
        if at:
            print(f"  The {name} has its moment at {moment(at)}.")
    if hindered:
        print(f"  No confirmation leaves by machine: {safe(hindered)}.")
    if waits:
        print(
            "  The follow-up waits for:" if case.stage is Stage.FIXED else "  Before a follow-up can leave:"
        )
        if case.stage is not Stage.FIXED:
            print("    - an agent's `fixed`")
        for sentence in waits:
            print(f"    - {safe(sentence)}")
    print(
        f"  It is looked at again at {moment(case.wake_at)}."
        if case.wake_at
        else "  Nothing more happens without a word."
    )


def _tell(options: argparse.Namespace) -> int:
    app = open_house(options.config)
    agent = app.settings.team.by_id(options.agent) if options.agent else None
    if options.agent and agent is None:
        complain(f"followupd tell: {options.agent!r} is no agent of this configuration")
        return PROBLEMS
    actor = agent.name if agent else who_types()
    lines = [part for line in options.lines for part in line.splitlines()]
    now = app.now()
    with app.ledger.transaction() as tx:
        case = tx.cases.get(options.ref.upper())
        case, problems = app.desk.run_lines(tx, case, lines, actor, "tell", agent, now)
        letters = tx.outbox.all(case=case.ref)
        findings = app.desk.findings(case, lines, now)
    if options.json:
        as_json({**case_view(case, letters), "problems": problems, "findings": findings})
    else:
        print(f"{case.ref} is {case.stage}.")
        for finding in findings:
            complain(f"followupd tell: {finding}")
    for problem in problems:
        complain(f"followupd tell: {problem}")
    return PROBLEMS if problems else DONE
