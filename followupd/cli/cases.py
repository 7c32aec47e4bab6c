"""cases, case, explain, tell: show cases and run agent commands on them."""

import argparse
import re
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from followupd.cli.main import (
    DONE,
    PROBLEMS,
    USAGE,
    CommandParsers,
    company_zone,
    open_app,
    shell_user,
    with_app,
)
from followupd.cli.output import (
    STATUS_SENTENCES,
    add_range,
    case_view,
    in_range,
    print_error,
    print_json,
    print_list,
    print_table,
)
from followupd.clock import local_time, utc_iso
from followupd.domain.case import Case, Stage
from followupd.domain.compensation import Compensation
from followupd.domain.events import Event, LetterRefused
from followupd.domain.letter import Letter, LetterStatus, OutboxEntry
from followupd.domain.playbook import Agent
from followupd.domain.promise import Promise
from followupd.errors import LetterError, UnavailableError
from followupd.log import printable
from followupd.recovery.blockers import blockers_of

if TYPE_CHECKING:
    from followupd.app.container import App

#: the stages in which the follow-up is still ahead
_BEFORE_FOLLOW_UP = frozenset({Stage.HEARD, Stage.PROMISED, Stage.CONFIRMED, Stage.FIXED})
_INDENT = "  "
_LINES_HELP = (
    "lines of a note: complaint, dismiss, hold, release, fixed, 'kept: 1', 'late: 1 until Friday because ...', "
    "'promise: ... by Friday', 'refund: 25.00 EUR', 'cause: ...', approve, undo; docs/commands.md has all of them"
)
#: fields that only a mail begins with; a note may begin with "issue: ..."
_MAIL_FIELDS = frozenset(
    {b"date", b"message-id", b"mime-version", b"to", b"subject", b"received", b"in-reply-to"}
)


def add(commands: CommandParsers) -> None:
    """Add the parsers of cases, case, explain and tell."""
    cases = commands.add("cases")
    cases.add_argument("--stage", choices=[stage.value for stage in Stage], default="")
    cases.add_argument("--owner", metavar="AGENT", default="", help="the id of the agent")
    cases.add_argument("--held", action="store_true", help="only cases on hold")
    add_range(cases, "cases that were opened")
    cases.set_defaults(do=_cases)

    case = commands.add("case")
    case.add_argument("ref", metavar="REF")
    case.set_defaults(do=_case)

    explain = commands.add("explain")
    explain.add_argument("ref", metavar="REF")
    explain.set_defaults(do=_explain)

    tell = commands.add("tell")
    tell.add_argument("ref", metavar="REF")
    tell.add_argument("lines", metavar="LINE", nargs="*", help=_LINES_HELP)
    tell.add_argument(
        "--note",
        metavar="FILE",
        default="",
        help="a whole answer, as a mail client sends it or as text; - reads it",
    )
    tell.add_argument("--dry-run", action="store_true", help="only show what would be understood")
    tell.add_argument("--as", dest="agent", metavar="AGENT", default="", help="the id of the agent")
    tell.set_defaults(do=_tell, many="lines")


# --- cases ---


@with_app
def _cases(options: argparse.Namespace, app: "App") -> int:
    """List cases, those that the options ask for."""
    with app.ledger.snapshot() as tx:
        cases = [case for case in tx.cases.all(options.stage) if _is_wanted(case, options)]
        cases = in_range(options, app.settings.calendar, app.now(), cases, lambda case: case.opened_at)
        found = [(case, tx.outbox.all(case=case.ref) if options.json else []) for case in cases]

    zone = company_zone(app.settings)
    print_list(
        options,
        (case_view(case, letters) for case, letters in found),
        [_case_row(case, zone) for case, _ in found],
        head=("case", "stage", "severity", "owner", "next check", "customer", "subject"),
        none=_no_cases(options.owner, app.settings.team.agents),
    )

    return DONE


def _no_cases(owner: str, agents: Sequence[Agent]) -> str:
    """Return what is said of an empty list; an owner who is no agent may be mistyped."""
    known = [agent.id for agent in agents]
    if owner in {"", *known}:
        return "No cases."
    return f"No cases: there is no agent {owner!r} in followupd.toml, only {', '.join(known)}."


def _is_wanted(case: Case, options: argparse.Namespace) -> bool:
    """Return whether owner and hold of a case are what the options ask for."""
    return (not options.owner or case.owner == options.owner) and (case.held or not options.held)


def _case_row(case: Case, zone: tzinfo) -> tuple[str, ...]:
    """Return the row of a case in the list."""
    return (
        case.ref,
        _stage(case),
        case.severity,
        case.owner,
        local_time(case.wake_at, zone),
        case.customer.address,
        case.subject,
    )


def _stage(case: Case) -> str:
    """Return the stage, and whether the case is on hold."""
    return f"{case.stage.value} (on hold)" if case.held else case.stage.value


# --- case ---


@with_app
def _case(options: argparse.Namespace, app: "App") -> int:
    """Show one case."""
    ref = options.ref.upper()
    with app.ledger.snapshot() as tx:
        case, history, letters = tx.cases.get(ref), tx.cases.history(ref), tx.outbox.all(case=ref)

    if options.json:
        print_json(case_view(case, letters, history))
    else:
        _print_case(case, letters, history, company_zone(app.settings))

    return DONE


def _print_case(case: Case, letters: list[OutboxEntry], history: list[Event], zone: tzinfo) -> None:
    """Print a case for people: a section for each kind of thing that belongs to it."""
    customer = case.customer.address
    if case.customer.name:
        customer += f" ({case.customer.name})"
    print(f"{case.ref}  {_stage(case)}  {printable(case.subject)}")
    print(f"  {printable(customer)}, owner {case.owner}, playbook {case.playbook}, severity {case.severity}")

    facts = case_view(case, letters)["facts"]
    _print_section("Facts", (), [(name, str(value)) for name, value in facts.items() if value])
    evidence = [(f"{weight:+.1f}", text) for text, weight in case.evidence]
    _print_section("Evidence", ("weight", "words"), evidence)
    _print_section(
        "Promises",
        ("n", "state", "kind", "promised by", "internal deadline", "text"),
        [_promise_row(promise, zone) for promise in case.promises],
    )
    _print_section(
        "Compensation", ("n", "state", "kind", "amount", "text"), list(map(_grant_row, case.compensation))
    )
    _print_section(
        "Letters",
        ("key", "status", "sent", "server's reply"),
        [(e.letter.key, e.status.value, local_time(e.sent_at, zone), e.reply) for e in letters],
    )
    _print_section(
        "History",
        ("time", "event", "by", "reason"),
        [(local_time(event.at, zone), type(event).__name__, event.by, event.why) for event in history],
    )


def _promise_row(promise: Promise, zone: tzinfo) -> tuple[str, ...]:
    """Return the row of a promise, with both of its dates."""
    return (
        str(promise.n),
        promise.state.value,
        promise.kind.value,
        f"{promise.relation} {local_time(promise.promised_by, zone)}" if promise.promised_by else "no date",
        _date(promise.internal_deadline, zone),
        promise.text,
    )


def _date(at: datetime | None, zone: tzinfo) -> str:
    """Return a date of a promise.

    A promise without a date has none to be measured by, and none that is missed.
    """
    return local_time(at, zone, none="no date")


def _grant_row(grant: Compensation) -> tuple[str, ...]:
    """Return the row of a compensation."""
    amount = f"{grant.money.amount} {grant.money.currency}" if grant.money else ""
    return str(grant.n), grant.state.value, grant.kind.value, amount, grant.text


def _print_section(title: str, head: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    """Print a titled table, or nothing if there are no rows."""
    if rows:
        print(f"\n{title}")
        print_table(rows, head, _INDENT)


# --- explain ---


@dataclass(frozen=True, slots=True)
class _Explanation:
    """Why each letter of a case was or was not sent, and what is next."""

    case: Case
    #: each letter with the reason why it may not be sent now, "" if it may
    letters: list[tuple[OutboxEntry, str]]
    #: letter kind or "closing" -> when it is due
    due: dict[str, datetime]
    confirmation_blocker: str
    follow_up_blockers: list[str] = field(default_factory=list)
    #: why a letter came back or was refused, by its key
    refused: dict[str, str] = field(default_factory=dict)


@with_app
def _explain(options: argparse.Namespace, app: "App") -> int:
    """Explain one case."""
    explanation = _explained(app, options.ref.upper())
    if options.json:
        print_json(_explanation_view(explanation))
    else:
        _print_explanation(explanation, company_zone(app.settings))

    return DONE


def _explained(app: Any, ref: str) -> _Explanation:
    """Ask the policies and the outbox about a case; nothing is changed.

    Raises:
        FollowupdError: there is no such case.
    """
    from followupd.recovery import confirm, follow_up, gift_card

    now = app.now()
    with app.ledger.snapshot() as tx:
        case = tx.cases.get(ref)
        entries = tx.outbox.all(case=ref)
        refused = {each.key: each.why for each in tx.cases.history(ref) if isinstance(each, LetterRefused)}
        usage = app.sender.policy.usage(tx, [entry.letter for entry in entries], now)

    letters = [(entry, app.sender.policy.blocking_reason(entry.letter, usage)) for entry in entries]
    playbook = app.settings.playbooks.for_case(case)
    times = {
        "confirmation": confirm.next_due(case, playbook) if case.unwritten else None,
        "follow-up": follow_up.next_due(case, playbook) if case.stage is Stage.FIXED else None,
        "gift-card": gift_card.next_due(case, playbook),
        "closing": follow_up.next_due(case, playbook) if case.stage is Stage.FOLLOWED_UP else None,
    }
    quiet_until = app.settings.calendar.quiet_until
    leaves = {name: quiet_until(at) or at for name, at in times.items() if at and name != "closing"}
    blockers = blockers_of(case, playbook) if case.stage in _BEFORE_FOLLOW_UP else []

    return _Explanation(
        case,
        letters,
        {name: leaves.get(name, at) for name, at in times.items() if at},
        confirm.why_blocked(case),
        [str(blocker.sentence) for blocker in blockers],
        refused,
    )


def _explanation_view(explanation: _Explanation) -> dict[str, Any]:
    """Return an explanation as JSON."""
    case = explanation.case
    return {
        "ref": case.ref,
        "stage": case.stage.value,
        "letters": list(_letter_sentences(explanation, utc_iso)),
        "next": {name: utc_iso(at) for name, at in explanation.due.items()},
        "wake_at": utc_iso(case.wake_at),
        "confirmation_waits_for": explanation.confirmation_blocker or None,
        "follow_up_waits_for": explanation.follow_up_blockers,
    }


def _letter_sentences(
    explanation: _Explanation, format_time: Callable[[datetime | None], str | None]
) -> Iterator[str]:
    """Yield where each letter stands, why it was refused, and what an admin can do about the sender's domain."""
    from followupd.adapters.network import reply_explained

    for entry, reason in explanation.letters:
        sentence = _letter_sentence(entry, reason, format_time)
        refused = explanation.refused.get(entry.letter.key, "")
        if refused and refused not in sentence:
            sentence += f"; {refused}"
        hint = reply_explained(sentence)
        yield f"{sentence}. {hint}" if hint else sentence


def _letter_sentence(
    entry: OutboxEntry, reason: str, format_time: Callable[[datetime | None], str | None]
) -> str:
    """Say where a letter stands, since when, and what prevents it from being sent.

    Args:
        entry: the letter in the outbox; what the server answered last comes at the end.
        reason: why it is not sent yet, "" where nothing prevents it.
        format_time: writes a time, in UTC for programs and in the company's time zone for people.
    """
    at = entry.sent_at or entry.sending_since or entry.written_at
    sentence = f"{entry.letter.key} {STATUS_SENTENCES[entry.status]} ({format_time(at)})"
    if entry.status in {LetterStatus.QUEUED, LetterStatus.DEFERRED}:
        if entry.not_before:
            sentence += f", not before {format_time(entry.not_before)}"
        if reason:
            sentence += f"; {reason}"

    return f"{sentence}: {entry.reply}" if entry.reply else sentence


def _print_explanation(explanation: _Explanation, zone: tzinfo) -> None:
    """Print an explanation for people."""
    case = explanation.case
    print(f"{case.ref} is {case.stage}.")
    company_time = partial(local_time, zone=zone)
    for sentence in _letter_sentences(explanation, company_time):
        print(f"  {printable(sentence)}")
    for name, at in explanation.due.items():
        print(f"  The {name} is due at {local_time(at, zone)}.")
    if explanation.confirmation_blocker:
        print(f"  No confirmation is sent automatically: {printable(explanation.confirmation_blocker)}.")
    _print_blockers(case, explanation.follow_up_blockers)

    if case.wake_at:
        print(f"  Next check at {local_time(case.wake_at, zone)}.")
    else:
        print("  Nothing is scheduled; waiting for an agent or the customer.")


def _print_blockers(case: Case, blockers: list[str]) -> None:
    """Print what the follow-up waits for, if anything."""
    if not blockers:
        return
    print("  The follow-up waits for:")
    if case.stage is not Stage.FIXED:
        print("    - an agent's `fixed`")
    for blocker in blockers:
        print(f"    - {printable(blocker)}")


# --- tell ---


class _DryRun(Exception):  # noqa: N818  it reports no error: it ends a transaction without a commit
    """Ends the transaction of a dry run."""


def _tell(options: argparse.Namespace) -> int:
    """Run the lines of a note on a case, as an agent or as the user of the shell."""
    if bool(options.lines) == bool(options.note):
        print_error("followupd tell: give either lines or --note FILE")
        return USAGE

    with open_app(options.config) as app:
        return _told(options, app)


def _told(options: argparse.Namespace, app: "App") -> int:
    """Run the lines of a note on a case, and print what came of them."""
    agent = app.settings.team.by_id(options.agent) if options.agent else None
    if options.agent and agent is None:
        print_error(f"followupd tell: there is no agent {options.agent!r} in followupd.toml")
        return PROBLEMS

    raw = _note_file(options.note) if options.note else None
    app.absences.refresh(app.now())
    with suppress(_DryRun), app.ledger.transaction() as tx:
        case = tx.cases.get(options.ref.upper())
        result = _run_told(app, tx, case, options.lines, raw, agent)
        letters = tx.outbox.all(case=case.ref)
        findings = app.commands.findings(result.case, result.done, app.now())
        leaving = _unread_letters(app, result.case)
        if options.dry_run:
            raise _DryRun

    if options.json:
        read = [{"letter": str(letter.kind), "text": letter.unwrapped} for letter in leaving]
        view = {**_told_view(result), "findings": findings, "unread": read}
        print_json({**case_view(result.case, letters), **view})
    else:
        _print_told(result, findings, dry_run=options.dry_run)
        _print_unread(leaving)

    return PROBLEMS if result.back else DONE


def _unread_letters(app: Any, case: Case) -> list[Letter]:
    """Return the letters that leave because of what was said, as they are now; none where one cannot be written.

    Args:
        app: the application.
        case: as it is after the lines.
    """
    from followupd.recovery import confirm, follow_up

    playbook, now = app.settings.playbooks.for_case(case), app.now()
    with suppress(LetterError):
        return [
            letter
            for policy in (confirm, follow_up)
            for letter in policy.unread_letters(case, playbook, app.letters, now)
        ]
    return []


def _print_unread(letters: Sequence[Letter]) -> None:
    """Print letters that nobody has read yet, for people."""
    for letter in letters:
        print(f"\nThe {letter.kind} letter, as it would leave now:\n")
        print(*(f"{_INDENT}{printable(line)}".rstrip() for line in letter.unwrapped.splitlines()), sep="\n")


def _note_file(name: str) -> bytes:
    """Return the content of a note's file, or of standard input for "-".

    Raises:
        UnavailableError: the file cannot be read; the message names it.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UnavailableError(f"{name} cannot be read: {error.strerror}") from None


def _run_told(
    app: Any, tx: Any, case: Case, lines: Sequence[str], raw: bytes | None, agent: Agent | None
) -> Any:
    """Run lines, or a whole answer as a mail client sends it.

    Args:
        app: the application.
        tx: the transaction.
        case: the case that they are about.
        lines: as the shell gave them; each may contain several.
        raw: a mail, or plain text in UTF-8; None where there are only lines.
        agent: who says it, None for whoever uses the shell.

    Returns:
        What became of the lines.
    """
    if raw is None:
        by = agent.name if agent else shell_user()
        parts = [part for line in lines for part in line.replace("\r\n", "\n").split("\n")]
        return app.commands.run_lines(tx, case, parts, by, "tell", agent, app.now())

    from followupd.text.mail.read import read, read_plain

    identity = app.inbox.identity(tx)
    if _is_mail(raw):
        message = read(raw, identity, languages=app.router.context.languages)
    else:
        text = raw.removeprefix(BOM_UTF8).decode("utf-8", "replace")
        message = read_plain("", text, None, identity)
    return app.router.notes.run_message(tx, case, message, agent, shell_user(), app.now())


def _is_mail(raw: bytes) -> bool:
    """Return whether a file is a mail: it begins with a header that has a sender and another field of mail."""
    header = re.split(rb"\r?\n\r?\n", raw.lstrip(), maxsplit=1)[0].lower()
    names = set(re.findall(rb"(?m)^([a-z0-9-]+):", header))
    return b"from" in names and bool(names & _MAIL_FIELDS)


def _told_view(result: Any) -> dict[str, Any]:
    """Return what became of the lines as JSON."""
    return {
        "done": [{"verb": command.verb, "value": command.text} for command in result.done],
        "back": [
            {"line": unclear.line, "problem": str(unclear.problem), "draft": unclear.draft}
            for unclear in result.back
        ],
        "remark": result.remark,
        "problems": list(map(str, result.problems)),
    }


def _print_told(result: Any, findings: Sequence[str], *, dry_run: bool) -> None:
    """Print what became of the lines for people."""
    if dry_run:
        for command in result.done:
            print(f"understood: {printable(command.line)}")
        if result.remark:
            print(f"remark: {printable(result.remark)}")
    else:
        print(f"{result.case.ref} is {result.case.stage}.")

    for finding in findings:
        print_error(f"followupd tell: {finding}")
    for unclear in result.back:
        print_error(f"followupd tell: {unclear.problem}")
        if unclear.draft:
            print_error(f"  perhaps: {unclear.draft}")
