"""read: what a mail would be taken for, and why."""

import argparse
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from followupd import clock
from followupd.adapters.terminal import moment, safe
from followupd.cli.main import DONE, PROBLEMS
from followupd.cli.output import as_json, complain
from followupd.domain.calendar import Calendar
from followupd.domain.mail import Identity, Kind, Message, Verdict
from followupd.errors import SetupError
from followupd.services.classifier import ComplaintClassifier
from followupd.text import complaints, mail
from followupd.text import promises as promise

#: a mail that no human customer wrote is never scored (RECOGNISE.md, "The design", 1)
_UNSCORED = Verdict("no", 0.0)


class MailClassifier:
    """Reads, judges and explains mails."""

    def __init__(self, directory: Path) -> None:
        from followupd.adapters.settings import load

        self.ours, self._playbooks, self._calendar, self._currency = (
            Identity(),
            {},
            Calendar(timezone="UTC"),
            "",
        )
        self._judge = ComplaintClassifier(complaints.Recogniser.shipped(), 0.90, 0.30, "en", "")
        try:
            settings = load(directory)
        except SetupError:
            if (directory / "followupd.toml").exists():
                raise
            return
        from followupd.app.container import trained_classifier_of

        self.ours = Identity(
            addresses=settings.addresses,
            agents=frozenset(agent.email.lower() for agent in settings.team.agents),
            groups=frozenset(group for mailbox in settings.mailboxes for group in mailbox.groups),
            authserv=frozenset(name for mailbox in settings.mailboxes for name in mailbox.trusted),
        )
        self._playbooks, self._calendar = dict(settings.playbooks), settings.calendar
        self._currency, self._judge = settings.company.currency, trained_classifier_of(settings)

    def view(self, name: object, found: Message | str) -> dict[str, Any]:
        """Return one line of `read --json`, under the name it came with; one that cannot be read carries the reason as error."""
        error = found if isinstance(found, str) else ""
        if isinstance(found, str):
            found = Message(kind=Kind.CUSTOMER, because="cannot be read")
        verdict = self._judge.verdict(found) if found.kind is Kind.CUSTOMER and not error else _UNSCORED
        promises, grants = self._heard(found)
        return {
            "id": name,
            "kind": found.kind.value,
            "because": found.because,
            "from": found.sender.address,
            "subject": found.subject,
            "text": found.text,
            "complaint": {
                "verdict": verdict.verdict,
                "score": round(verdict.score, 4),
                "evidence": [[words, round(weight, 2)] for words, weight in verdict.evidence],
                "because": verdict.because,
            },
            "playbook": self._judge.playbook(found, verdict, self._playbooks).name
            if self._playbooks
            else "default",
            "promises": promises,
            "compensation": grants,
            "no_answer": found.no_answer or None,
            "doubtful": list(found.doubtful),
            "by_hand": found.by_hand or None,
            "error": error or None,
        }

    def _heard(self, message: Message) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Read what the mail would promise if an agent had written it."""
        if message.kind not in {Kind.AGENT, Kind.CUSTOMER}:
            return [], []
        promises, grants = promise.hear(
            message.text,
            said_at=message.sent_at or clock.now(),
            calendar=self._calendar,
            language=self._judge.language(message) or self._judge.default_language,
            doubtful=message.doubtful,
            currency=self._currency,
        )
        return [
            {
                "text": p.text,
                "due": moment(p.due),
                "kind": p.kind.value,
                "past": p.past,
                "words": list(p.words),
            }
            for p in promises
        ], [
            {
                "kind": g.kind,
                "amount": g.amount or None,
                "currency": (g.currency or self._currency or None) if g.amount else None,
                "text": g.text,
                "past": g.past,
                "words": list(g.words),
            }
            for g in grants
        ]


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    read = commands.add_parser("read", parents=[common], help="what a mail would be taken for, and why")
    read.add_argument(
        "files", metavar="FILE", nargs="+", help="a mail, or - for JSON lines or one mail on standard input"
    )
    read.set_defaults(do=_read, many="files")


def _read(options: argparse.Namespace) -> int:
    pass

    reader = MailClassifier(options.config)
    failed = False
    for name, found in _mails(options.files, reader.ours):
        view = reader.view(name, found)
        failed = failed or bool(view["error"])
        as_json(view, indent=None) if options.json else _print(view)
    return PROBLEMS if failed else DONE


def _mails(names: list[str], ours: Identity) -> Iterator[tuple[Any, Message | str]]:
    """Yield each mail as it was read, or the reason why it cannot be."""
    for name in names:
        if name == "-":
            yield from _standard_input(ours)
            continue
        try:
            yield name, _message(Path(name).read_bytes(), ours)
        except OSError as error:
            yield name, f"cannot be opened: {error.strerror}"


def _standard_input(ours: Identity) -> Iterator[tuple[Any, Message | str]]:
    raw = sys.stdin.buffer.read().removeprefix(BOM_UTF8)
    if not raw.strip():
        yield "-", "nothing was given"
        return
    if not raw.lstrip().startswith(b"{"):
        yield "-", _message(raw, ours)
        return
    for number, line in enumerate(raw.splitlines(), 1):
        if line.strip():
            yield _json_line(line, number, ours)


def _json_line(line: bytes, number: int, ours: Identity) -> tuple[Any, Message | str]:
    try:
        row = json.loads(line)
        name = row.get("id", f"line {number}")
    except (ValueError, AttributeError) as error:
        return f"line {number}", f"is no JSON object: {error}"
    try:
        headers = {str(key): str(value) for key, value in (row.get("headers") or {}).items()}
        return name, mail.read_plain(str(row.get("subject") or ""), str(row.get("body") or ""), headers, ours)
    except Exception as error:  # noqa: BLE001  one bad line never stops the others
        return name, f"{type(error).__name__}: {error}"


def _message(raw: bytes, ours: Identity) -> Message | str:
    try:
        return mail.read(raw, ours, received_at=clock.now())
    except Exception as error:  # noqa: BLE001  what the daemon would put in quarantine is said here with its reason
        return str(error)


def _print(view: dict[str, Any]) -> None:
    print(safe(str(view["id"])))
    if view["error"]:
        complain(f"  cannot be read: {view['error']}")
        return
    print(f"  {view['kind']}: {safe(view['because'])}")
    print(f"  from {safe(view['from'])}, subject {safe(view['subject'])!r}")
    complaint = view["complaint"]
    if view["kind"] == Kind.CUSTOMER:
        print(f"  {complaint['verdict']} ({complaint['score']:.2f}), playbook {view['playbook']}")
        for words, weight in complaint["evidence"]:
            print(f"    {weight:+.1f}  {safe(words)}")
    for each in view["promises"]:
        print(f"  promises: {safe(each['text'])}, {each['kind']}, by {each['due']}{_because(each)}")
    for each in view["compensation"]:
        print(
            f"  gives: {each['kind']} {each['amount'] or ''} {each['currency'] or ''}".rstrip()
            + _because(each)
        )
    if view["no_answer"]:
        print(f"  no machine answers it: {safe(view['no_answer'])}")
    for line in view["text"].splitlines()[:40]:
        print(f"    | {safe(line)}")


def _because(heard: dict[str, Any]) -> str:
    """Return the words that led to it."""
    return f" (because of: {safe(' ... '.join(heard['words']))})" if heard["words"] else ""
