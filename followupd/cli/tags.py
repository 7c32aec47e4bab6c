"""tags: print the tags to create in a mail client, and make the folders that stand in for them."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from followupd.cli.main import DONE, PROBLEMS, CommandParsers
from followupd.cli.output import print_error, print_json
from followupd.services.record import STATUS_TAGS

if TYPE_CHECKING:
    from followupd.adapters.settings import MailboxSettings, Settings

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
#: Outlook's colours that come next to those of Thunderbird (learn.microsoft.com/graph/api/resources/outlookcategory)
_PRESETS = {_RED: "preset0", _ORANGE: "preset1", _GREEN: "preset4", _BLUE: "preset7", _VIOLET: "preset8"}
_OTHER_PRESET = "preset12"
#: the lines that agents say most often; Thunderbird's own tags have the keys 1 to 5, and these get 6 to 9
_WITH_KEY = ("complaint", "kept", "fixed", "hold")
#: Thunderbird sorts tags by `ordinal`; status tags come after the others
_FIRST_STATUS_TAG = 500
#: lines with a placeholder that is one of a known set of values
_LINES_OF_VALUES = {"owner": "owner: {}", "playbook": "playbook: {}", "cause-code": "cause-code: {}"}
_KNOWN_VALUES = frozenset(_LINES_OF_VALUES.values())
#: verbs of an amount, and the amounts that get a folder unless the admin names others
_VERBS_OF_AMOUNTS = ("refund", "credit", "gift-card")
_AMOUNTS = ("10", "25", "50")
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
    tags.add_argument(
        "client",
        choices=["thunderbird", "outlook", "folders"],
        help='outlook: categories, with door = "graph"; folders: for servers without tags',
    )
    tags.add_argument(
        "--policies",
        action="store_true",
        help="print a policies.json for all users of a machine, not a user.js",
    )
    tags.add_argument("--make", action="store_true", help="outlook, folders: make them in every mailbox")
    tags.add_argument("--language", default="", help="folders: the agents' language (the company's)")
    tags.add_argument(
        "--amounts",
        nargs="+",
        metavar="N",
        default=_AMOUNTS,
        help="folders: of refunds and the like (10 25 50)",
    )
    tags.set_defaults(do=_tags)


def _tags(options: argparse.Namespace) -> int:
    """Print the tags for Thunderbird, or the folders that stand in for them, which are made with --make."""
    from followupd.adapters.settings import load

    settings = load(options.config)
    kinds = {"folders": _folders, "outlook": _outlook, "thunderbird": _thunderbird}
    return kinds[options.client](settings, options)


def _outlook(settings: "Settings", options: argparse.Namespace) -> int:
    """Print the categories for Outlook; with --make, enter them in the list of every mailbox behind Microsoft Graph.

    Args:
        settings: the configuration, whose `[tags]` are the commands.
        options: those of `tags outlook`: --make and --json.

    Returns:
        The exit code: PROBLEMS where a mailbox cannot be used, or where there is none.
    """
    colours = {
        tag.key: _PRESETS.get(tag.color, _OTHER_PRESET) for tag in (*_command_tags(settings), *_status_tags())
    }
    if options.json:
        print_json(colours)
    else:
        for name, colour in colours.items():
            print(f"{name:30}{colour}")

    mailboxes = [mailbox for mailbox in settings.mailboxes if mailbox.door == "graph"]
    if not options.make:
        print("Nothing was made; --make enters them in every mailbox's list of categories.", file=sys.stderr)
        return DONE
    if not mailboxes:
        print_error('no mailbox has door = "graph" (docs/graph.md)')
    entered = [_entered(mailbox, colours) for mailbox in mailboxes]
    return DONE if entered and all(entered) else PROBLEMS


def _entered(mailbox: "MailboxSettings", colours: Mapping[str, str]) -> bool:
    """Enter categories in a mailbox's list and say so; return False where it cannot be done, which is said, too.

    Args:
        mailbox: whose account is used; it is read over Microsoft Graph.
        colours: a colour for each name.
    """
    from followupd.adapters.accounts import mailbox_of
    from followupd.adapters.graph.mailbox import GraphMailbox
    from followupd.errors import UnavailableError

    try:
        with mailbox_of(mailbox) as connection:
            made = connection.add_categories(colours) if isinstance(connection, GraphMailbox) else []
    except UnavailableError as error:
        print_error(str(error))
        return False
    print(f"{mailbox.name}: {len(made)} made, {len(colours) - len(made)} already there", file=sys.stderr)
    return True


def _thunderbird(settings: "Settings", options: argparse.Namespace) -> int:
    """Print the tags as lines of Thunderbird's user.js, as a policies.json, or as JSON.

    Args:
        settings: the configuration, whose `[tags]` are the commands.
        options: those of `tags thunderbird`: --policies and --json.
    """
    tags = [*_command_tags(settings), *_status_tags()]

    if options.policies:
        print_json(_policies(tags))
        return DONE
    if options.json:
        print_json(list(map(asdict, tags)))
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


def _folders(settings: "Settings", options: argparse.Namespace) -> int:
    """Print each folder with the line that it means; with --make, make it in every mailbox.

    Args:
        settings: the configuration.
        options: those of `tags folders`: language, amounts, --make and --json.

    Returns:
        The exit code: PROBLEMS where a mailbox cannot be used.
    """
    lines = _folder_lines(settings, options.language, options.amounts)
    if options.json:
        print_json(lines)
    else:
        for folder, line in lines.items():
            print(f"{folder:40}{line}" if line else folder)

    if not options.make:
        print("Nothing was made; --make makes them in every mailbox.", file=sys.stderr)
        return DONE
    return DONE if not [mailbox for mailbox in settings.mailboxes if not _made(mailbox, lines)] else PROBLEMS


def _folder_lines(settings: "Settings", language: str, amounts: Sequence[str]) -> dict[str, str]:
    """Return the folders to make, each with the line that it means, "" for the one that holds them.

    Args:
        settings: the configuration.
        language: the agents', "" for the company's.
        amounts: what refunds, credits and gift cards get a folder for.
    """
    from followupd.app.container import grammar_of
    from followupd.languages import read_catalogue
    from followupd.text.folders import folders_for, line_of

    languages = read_catalogue(settings.directory)
    words = languages.language(language or settings.company.locale.partition("_")[0]).answers.verbs
    values = {verb: _values(line, settings) for verb, line in _LINES_OF_VALUES.items()}
    values |= dict.fromkeys(_VERBS_OF_AMOUNTS, amounts)
    grammar = grammar_of(settings, languages)
    names = folders_for(settings.tags, words, values)
    return {name: line_of(name, settings.folders, settings.tags, grammar) for name in names}


def _made(mailbox: "MailboxSettings", folders: Iterable[str]) -> bool:
    """Make folders in a mailbox and say so; return False where it cannot be used, which is said, too.

    Args:
        mailbox: whose account is used.
        folders: those to make, each after the one that holds it, with "/" between their parts.
    """
    from followupd.adapters.accounts import mailbox_of
    from followupd.errors import UnavailableError

    try:
        with mailbox_of(mailbox) as connection:
            there = set(connection.existing(folders))
            for folder in folders:
                if folder not in there:
                    connection.create_folder(folder)
    except UnavailableError as error:
        print_error(str(error))
        return False
    made = len([folder for folder in folders if folder not in there])
    print(f"{mailbox.name}: {made} made, {len(there)} already there", file=sys.stderr)
    return True


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

    Args:
        pattern: of `[tags]`, such as "owner-*".
        line: what it means.
        settings: the configuration.
    """
    if pattern.startswith("\\"):
        return []
    if not pattern.endswith("*"):
        return [pattern]

    return [pattern[:-1] + value for value in _values(line, settings)]


def _values(line: str, settings: "Settings") -> Iterable[str]:
    """Return what the placeholder of a line can be, each value once.

    Args:
        line: the line of a tag, such as "owner: {}".
        settings: the configuration, which has the agents, playbooks and causes.
    """
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
