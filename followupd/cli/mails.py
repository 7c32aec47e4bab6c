"""read: what a mail would be taken for, and why."""

import argparse
import json
import sys
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from followupd import clock
from followupd.cli import DONE, PROBLEMS
from followupd.cli.printing import as_json, complain, safe
from followupd.model.message import Kind, Message, Ours
from followupd.recovery import listen


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    read = commands.add_parser("read", parents=[common], help="what a mail would be taken for, and why")
    read.add_argument(
        "files", metavar="FILE", nargs="+", help="a mail, or - for JSON lines or one mail on standard input"
    )
    read.set_defaults(do=_read, many="files")


def _read(options: argparse.Namespace) -> int:
    from followupd.cli.reading import Reader

    reader = Reader(options.config)
    failed = False
    for name, found in _mails(options.files, reader.ours):
        view = reader.view(name, found)
        failed = failed or bool(view["error"])
        as_json(view, indent=None) if options.json else _print(view)
    return PROBLEMS if failed else DONE


def _mails(names: list[str], ours: Ours) -> Iterator[tuple[Any, Message | str]]:
    """Yield each mail as it was read, or the reason why it cannot be."""
    for name in names:
        if name == "-":
            yield from _standard_input(ours)
            continue
        try:
            yield name, _message(Path(name).read_bytes(), ours)
        except OSError as error:
            yield name, f"cannot be opened: {error.strerror}"


def _standard_input(ours: Ours) -> Iterator[tuple[Any, Message | str]]:
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


def _json_line(line: bytes, number: int, ours: Ours) -> tuple[Any, Message | str]:
    try:
        row = json.loads(line)
        name = row.get("id", f"line {number}")
    except (ValueError, AttributeError) as error:
        return f"line {number}", f"is no JSON object: {error}"
    try:
        headers = {str(key): str(value) for key, value in (row.get("headers") or {}).items()}
        return name, listen.read_plain(str(row.get("subject") or ""), str(row.get("body") or ""), headers, ours)
    except Exception as error:  # noqa: BLE001  one bad line never stops the others
        return name, f"{type(error).__name__}: {error}"


def _message(raw: bytes, ours: Ours) -> Message | str:
    try:
        return listen.read(raw, ours, received_at=clock.now())
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
        print(f"  gives: {each['kind']} {each['amount'] or ''} {each['currency'] or ''}".rstrip() + _because(each))
    if view["no_answer"]:
        print(f"  no machine answers it: {safe(view['no_answer'])}")
    for line in view["text"].splitlines()[:40]:
        print(f"    | {safe(line)}")


def _because(heard: dict[str, Any]) -> str:
    """Return the words that led to it."""
    return f" (because of: {safe(' ... '.join(heard['words']))})" if heard["words"] else ""
