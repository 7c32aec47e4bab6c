"""tags: what to make in a mail client, so that agents can tag and see where a case stands."""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from followupd.cli.main import DONE
from followupd.cli.output import as_json
from followupd.domain.status_tags import MARKS

#: what a tag says, by the verb of its line: bad news red, promises blue, what is done green, money violet
_COLOURS = {
    **dict.fromkeys(("complaint", "refuse", "refused", "not-reached", "missing"), "#C62828"),
    **dict.fromkeys(("promised", "promise", "firm", "estimate", "update", "late"), "#1565C0"),
    **dict.fromkeys(("kept", "fixed", "approve", "reached", "issued", "received", "close"), "#2E7D32"),
    **dict.fromkeys(
        ("refund", "credit", "coupon", "gift-card", "gesture", "replacement", "free-shipping"), "#6A1B9A"
    ),
    **dict.fromkeys(("hold", "release"), "#EF6C00"),
}
_ELSE, _OURS = "#546E7A", "#9E9E9E"
_ALERTS = {"fu-doubt": "#C62828", "fu-quarantine": "#C62828", "fu-held": "#EF6C00"}


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of Thunderbird's: `key` is the IMAP keyword, `tag` the name that people see."""

    key: str
    tag: str
    color: str
    ordinal: str


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    tags = commands.add_parser("tags", parents=[common], help="the tags to make in a mail client")
    tags.add_argument("client", choices=["thunderbird"])
    tags.set_defaults(do=_tags)


def _tags(options: argparse.Namespace) -> int:
    from followupd.adapters.settings import load

    settings = load(options.config)
    found = list(_made(settings))
    if options.json:
        as_json([asdict(each) for each in found])
        return DONE
    print(
        "// followupd's tags for Thunderbird: append this to user.js in the profile's folder (Help > Troubleshooting"
    )
    print("// Information > Profile Folder) while Thunderbird is closed.")
    for each in found:
        for name in ("tag", "color", "ordinal"):
            print(
                f"user_pref({_quoted(f'mailnews.tags.{each.key}.{name}')}, {_quoted(getattr(each, name))});"
            )
    for pattern in _open_patterns(settings.tags):
        print(
            f"// {_plain(pattern)} stands for many: make each as you need it, such as {_plain(pattern[:-1])}25"
        )
    return DONE


def _made(settings: Any) -> Iterator[Tag]:
    names = {
        name: line
        for pattern, line in settings.tags.items()
        for name in _names(pattern, line, settings)
        if line
    }
    for number, (name, line) in enumerate(names.items(), 1):
        yield Tag(escaped(name), name, _COLOURS.get(line.partition(":")[0], _ELSE), f"fu{number:03d}")
    for number, mark in enumerate(MARKS, 500):
        yield Tag(
            mark,
            mark.replace("fu-", "followupd: ").replace("-", " "),
            _ALERTS.get(mark, _OURS),
            f"fu{number}",
        )


def _names(pattern: str, line: str, settings: Any) -> list[str]:
    """Return the tags that a pattern stands for: as many as there are agents, playbooks or causes; none for amounts."""
    if pattern.startswith("\\"):
        return []
    if not pattern.endswith("*"):
        return [pattern]
    choices = {
        "owner: {}": [agent.id for agent in settings.team.agents],
        "playbook: {}": list(settings.playbooks),
        "cause-code: {}": [cause for playbook in settings.playbooks.values() for cause in playbook.causes],
    }
    return [pattern[:-1] + choice for choice in dict.fromkeys(choices.get(line, []))]


def _open_patterns(tags: Mapping[str, str]) -> list[str]:
    known = {"owner: {}", "playbook: {}", "cause-code: {}"}
    return [pattern for pattern, line in tags.items() if pattern.endswith("*") and line and line not in known]


def escaped(name: str) -> str:
    """Write a tag's name as Thunderbird keys it: lower case, and "=" with two hex digits for all but a few characters.

    Tried with Thunderbird ESR: "Follow up 3d" becomes follow=20up=203d.
    """
    data = name.lower().encode()
    return "".join(chr(byte) if chr(byte) in _KEPT else f"={byte:02x}" for byte in data)


_KEPT = frozenset("abcdefghijklmnopqrstuvwxyz0123456789$/:._-")


def _quoted(text: str) -> str:
    return json.dumps(text)


def _plain(text: str) -> str:
    return text.replace("\n", " ")
