"""tags: print the tags to create in a mail client, for agents' commands and for the state of a case."""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from followupd.cli.commands import CommandParsers
from followupd.cli.main import DONE
from followupd.cli.output import print_json
from followupd.services.record import STATUS_TAGS

if TYPE_CHECKING:
    from followupd.adapters.settings import Settings

# Thunderbird writes the whole row of a mail in the tag's colour: each has a contrast of 4.5 on white (WCAG 2.1).
_RED, _ORANGE, _GREEN, _BLUE, _VIOLET = "#C62828", "#B34700", "#2E7D32", "#1565C0", "#6A1B9A"
_OTHER_VERBS = "#546E7A"
#: the verb of a tag's line -> the tag's colour: bad news, promises, what is done, compensation, holds
_COLOURS = {
    **dict.fromkeys(("complaint", "refuse", "refused", "not-reached", "missing"), _RED),
    **dict.fromkeys(("promised", "promise", "firm", "estimate", "update", "late"), _BLUE),
    **dict.fromkeys(("kept", "fixed", "approve", "reached", "issued", "received", "close"), _GREEN),
    **dict.fromkeys(("refund", "credit", "coupon", "gift-card", "gesture"), _VIOLET),
    **dict.fromkeys(("replacement", "free-shipping"), _VIOLET),
    **dict.fromkeys(("hold", "release"), _ORANGE),
}
#: a colour for each stage, so that the list of mails shows where a case stands
_STATUS_COLOURS = {
    "fu-suspected": "#8D3B1F",
    "fu-heard": "#3949AB",
    "fu-promised": "#1565C0",
    "fu-confirmed": "#00796B",
    "fu-fixed": "#2E7D32",
    "fu-followed-up": "#4E6A00",
    "fu-closed": "#616161",
    "fu-held": _ORANGE,
    "fu-doubt": "#AD1457",
    "fu-quarantine": _RED,
}
#: the lines that agents say most often; Thunderbird's own tags have the keys 1 to 5, and these get 6 to 9
_WITH_KEY = ("complaint", "kept", "fixed", "hold")
#: Thunderbird sorts tags by `ordinal`; status tags come after the others
_FIRST_STATUS_TAG = 500
#: lines with a placeholder that is one of a known set of values
_KNOWN_VALUES = frozenset({"owner: {}", "playbook: {}", "cause-code: {}"})
#: characters that Thunderbird does not escape in the key of a tag
_UNESCAPED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789$/:._-")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of Thunderbird: `key` is the IMAP keyword, `tag` the name that is displayed."""

    key: str
    tag: str
    color: str
    ordinal: str


def add(commands: CommandParsers) -> None:
    """Add the parser of tags."""
    tags = commands.add("tags")
    tags.add_argument("client", choices=["thunderbird"])
    tags.add_argument(
        "--policies",
        action="store_true",
        help="print a policies.json for all users of a machine, not a user.js",
    )
    tags.set_defaults(do=_tags)


def _tags(options: argparse.Namespace) -> int:
    """Print the tags as lines of Thunderbird's user.js, as a policies.json, or as JSON."""
    from followupd.adapters.settings import load

    settings = load(options.config)
    tags = [*_command_tags(settings), *_status_tags()]

    if options.policies:
        print_json(_policies(tags))
        return DONE
    if options.json:
        print_json([asdict(tag) for tag in tags])
        return DONE

    print("// followupd's tags for Thunderbird: append this to user.js in the profile's folder")
    print("// (Help > Troubleshooting Information > Profile Folder) while Thunderbird is closed.")

    for tag in tags:
        _print_preference(tag, "tag", tag.tag)
        _print_preference(tag, "color", tag.color)
        _print_preference(tag, "ordinal", tag.ordinal)

    for pattern in _open_patterns(settings.tags):
        name = pattern.replace("\n", " ")
        print(f"// {name} is a pattern: create the tags that you need, such as {name[:-1]}25")

    return DONE


def _policies(tags: Iterable[Tag]) -> dict[str, Any]:
    """Return the content of Thunderbird's policies.json, which an administrator distributes.

    The tags are defaults there: a colour that an agent chooses stays.
    """
    preferences = {
        f"mailnews.tags.{tag.key}.{name}": {"Value": value, "Status": "default"}
        for tag in tags
        for name, value in (("tag", tag.tag), ("color", tag.color), ("ordinal", tag.ordinal))
    }
    return {"policies": {"Preferences": preferences}}


def _print_preference(tag: Tag, name: str, value: str) -> None:
    """Print one line of user.js; both strings are JavaScript, which JSON is a part of."""
    preference = json.dumps(f"mailnews.tags.{tag.key}.{name}")
    print(f"user_pref({preference}, {json.dumps(value)});")


def _command_tags(settings: "Settings") -> Iterator[Tag]:
    """Yield the tags that are commands, as `[tags]` has them."""
    lines = {
        name: line
        for pattern, line in settings.tags.items()
        for name in _names(pattern, line, settings)
        if line
    }
    for number, (name, line) in enumerate(sorted(lines.items(), key=_rank), 1):
        verb = line.partition(":")[0]
        yield Tag(thunderbird_key(name), name, _COLOURS.get(verb, _OTHER_VERBS), f"fu{number:03d}")


def _rank(item: tuple[str, str]) -> int:
    """Return the place of a tag: those that get a key first, the others in the order of the configuration."""
    _, line = item
    return _WITH_KEY.index(line) if line in _WITH_KEY else len(_WITH_KEY)


def _status_tags() -> Iterator[Tag]:
    """Yield the tags that followupd sets."""
    for number, keyword in enumerate(STATUS_TAGS, _FIRST_STATUS_TAG):
        name = keyword.replace("fu-", "followupd: ").replace("-", " ")
        yield Tag(keyword, name, _STATUS_COLOURS[keyword], f"fu{number}")


def _names(pattern: str, line: str, settings: "Settings") -> list[str]:
    """Return the tags of a pattern.

    A pattern with agents, playbooks or causes has one for each; one with amounts has none, as there are too
    many.
    """
    if pattern.startswith("\\"):
        return []
    if not pattern.endswith("*"):
        return [pattern]

    return [pattern[:-1] + value for value in _values(line, settings)]


def _values(line: str, settings: "Settings") -> Iterable[str]:
    """Return what the placeholder of a line can be, each value once."""
    match line:
        case "owner: {}":
            return [agent.id for agent in settings.team.agents]
        case "playbook: {}":
            return list(settings.playbooks)
        case "cause-code: {}":
            causes: dict[str, None] = {}
            for playbook in settings.playbooks.values():
                causes.update(dict.fromkeys(playbook.causes))
            return causes
        case _:
            return ()


def _open_patterns(tags: Mapping[str, str]) -> list[str]:
    """Return the patterns whose values are not known, such as amounts."""
    patterns = []
    for pattern, line in tags.items():
        is_open = pattern.endswith("*") and line not in _KNOWN_VALUES
        if is_open and line:
            patterns.append(pattern)

    return patterns


def thunderbird_key(name: str) -> str:
    """Return the key that Thunderbird gives a tag: lower case, other bytes as "=" and two hex digits.

    Tried with Thunderbird ESR: "Follow up 3d" becomes "follow=20up=203d".
    """
    key = ""
    for byte in name.lower().encode():
        character = chr(byte)
        key += character if character in _UNESCAPED else f"={byte:02x}"

    return key
