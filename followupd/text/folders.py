"""Command folders: what moving a mail into a folder means, and which folders stand in for the tags."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from followupd.domain.command import line_for
from followupd.text.orders import folded

#: the folder below which every tag is a folder
ROOT = "Recovery"
_PLACEHOLDER = "{}"


class Verbs(Protocol):
    """What is needed of the grammar: the verb that a word of any language means."""

    def verb_of(self, label: str) -> str | None:
        """Return the verb, None where the word means none."""


def command_lines(
    existing: Iterable[str], folders: Mapping[str, str], tags: Mapping[str, str], verbs: Verbs
) -> dict[str, str]:
    """Return the folders that are commands, and the line that each means, in the order of the first argument.

    Args:
        existing: the folders of a mailbox, with "/" between their parts.
        folders: the configured ones; a name ending in "*" fits all that begin so, a line "" is no command.
        tags: the configured tags, by pattern; each is a folder below ROOT, too.
        verbs: the words of all languages.
    """
    found = {name: line_of(name, folders, tags, verbs) for name in existing}
    return {name: line for name, line in found.items() if line}


def line_of(name: str, folders: Mapping[str, str], tags: Mapping[str, str], verbs: Verbs) -> str:
    """Return the line that moving a mail into this folder means, "" for none.

    "Recovery/Refund/25", "Recovery/refund-25" and "Recovery/Erstattung/25" are all "refund: 25". One that lacks
    its value is the bare verb, so that the agent hears what was expected.

    Args:
        name: the name of the folder, with "/" between its parts.
        folders: the configured ones, as for `command_lines`; they count before the tags.
        tags: the configured tags, by pattern.
        verbs: the words of all languages.
    """
    for pattern, line in folders.items():
        if (said := line_for(pattern, line, name)) is not None:
            return said

    root, _, rest = name.partition("/")
    if root.casefold() != ROOT.casefold() or not rest:
        return ""
    return _line_of_words(rest, tags, verbs) or _line_of_tag(rest, tags)


def _line_of_tag(rest: str, tags: Mapping[str, str]) -> str:
    """Return the line of the tag that the parts below ROOT spell, "" for none.

    Args:
        rest: the parts below ROOT, such as "Fixed" or "refund/25"; a blank or "/" in it is a hyphen of the tag.
        tags: the configured tags, by pattern.
    """
    keyword = rest.replace("/", "-").replace(" ", "-")
    lines = (line_for(pattern, line, keyword) for pattern, line in tags.items())
    return next(filter(None, lines), "")


def _line_of_words(rest: str, tags: Mapping[str, str], verbs: Verbs) -> str:
    """Return the line that a verb of any language and its value mean, if a tag has that verb; "" for none.

    Args:
        rest: the parts below ROOT, such as "Erstattung/25".
        tags: the configured tags, by pattern; without a placeholder in its line, a tag takes no value.
        verbs: the words of all languages.
    """
    label, _, value = rest.partition("/")
    verb = verbs.verb_of(label)
    lines = [line for line in tags.values() if line.partition(":")[0] == verb]
    if not value:
        return str(verb) if lines else ""
    return next((line.replace(_PLACEHOLDER, value) for line in lines if _PLACEHOLDER in line), "")


def folders_for(
    tags: Mapping[str, str], words: Mapping[str, tuple[str, ...]], values: Mapping[str, Iterable[str]]
) -> Iterator[str]:
    """Yield the folders that stand in for the tags, each one's parent before it.

    Args:
        tags: the configured ones, by pattern.
        words: the agents' language's phrases for each verb, the usual one first.
        values: what the placeholder of each verb's line can be; a verb without values gets its parent alone.
    """
    yield ROOT
    seen = set()
    for line in filter(None, tags.values()):
        verb, _, text = line.partition(":")
        if text.strip() not in {"", _PLACEHOLDER} or verb in seen:
            continue
        seen.add(verb)
        parent = f"{ROOT}/{_titled(words.get(verb, (verb,))[0])}"
        yield parent
        if text.strip():
            yield from (f"{parent}/{value}" for value in values.get(verb, ()))


def _titled(phrase: str) -> str:
    """Return a phrase as the name of a folder: a hyphen between its words is a blank, the first letter a capital."""
    name = phrase.replace("-", " ").replace("/", " ")
    return name[:1].upper() + name[1:]


def unknown_below_root(existing: Iterable[str], commands: Mapping[str, str]) -> list[str]:
    """Return the folders below ROOT that mean nothing, and have none below them that does.

    Args:
        existing: the folders of a mailbox, with "/" between their parts.
        commands: those that are commands, as `command_lines` returns them.
    """
    parents = {folded(name.rpartition("/")[0]) for name in commands}
    below = [name for name in existing if folded(name).startswith(folded(ROOT) + "/")]
    return [name for name in below if name not in commands and folded(name) not in parents]
