"""What agents are told.

English as it stands, with what it was made of, so that a desk mail can say it in another language.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_PLACE = re.compile(r"\{(\w+)\}")


class Translatable(str):
    """A sentence in English, and a plain string to everyone who keeps it: the history, the log, JSON.

    `pattern` is the sentence with places for `values` ("promise {n} is due on {when}"); a language says the
    pattern.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moment:
    """A day in a sentence, and its time where that was said.

    `english` is how it stands in the English one.
    """

    at: datetime
    english: str
    timed: bool = False

    def __str__(self) -> str:
        return self.english


def msg(pattern: str, **values: Any) -> Translatable:
    """Return the sentence in English; values may be sentences, moments, and whatever can be printed."""
    made = Translatable(fill(pattern, values, str))
    made.pattern, made.values = pattern, values
    return made


def msgid(pattern: str) -> str:
    """Mark a sentence that `msg` says later, so that `make messages` finds it."""
    return pattern


def sentence_list(parts: Iterable[str], mark: str = "; ") -> Translatable:
    """Return sentences in a row, each once."""
    values = {f"p{n}": part for n, part in enumerate(dict.fromkeys(parts))}
    return msg(mark.join(f"{{{name}}}" for name in values), **values)


#: where a sentence ends in a question and a row goes on
_ASKED = re.compile(r"\?\s?; (\w)")


def fill(pattern: str, values: Mapping[str, Any], write: Callable[[Any], str]) -> str:
    """Put the values into a pattern, each as `write` writes it.

    A place for which there is no value stays as it is.

    Args:
        pattern: a sentence with places such as "{when}".
        values: by the names of the places; those that the pattern does not name are not used.
        write: returns a value as text in the reader's language.
    """
    filled = _PLACE.sub(lambda match: write(values[match[1]]) if match[1] in values else match[0], pattern)
    return _ASKED.sub(lambda match: f"? {match[1].upper()}", filled)


def heard_again(text: str, patterns: Iterable[str], read: Callable[[str], Any]) -> str:
    """Return a sentence that was kept as text as one that can be translated; as it is if no pattern makes it.

    Args:
        text: the sentence in English.
        patterns: those of which it may be made.
        read: returns the value that a text in a place stands for.
    """
    for pattern in patterns:
        values = _values_in(text, pattern)
        if values is not None:
            return msg(pattern, **{name: read(value) for name, value in values.items()})
    return text


def _values_in(text: str, pattern: str) -> dict[str, str] | None:
    """Return what stands in the places of a pattern, None if it does not make the text.

    Args:
        text: the sentence in English.
        pattern: a sentence with places such as "{when}"; nothing is in no place.
    """
    first, *rest = _PLACE.split(pattern)
    values: dict[str, str] = {}
    at, whole = len(first), text.startswith(first)
    for name, mark in zip(rest[::2], rest[1::2], strict=True):
        is_last = len(values) + 1 == len(rest) // 2
        end = len(text) - len(mark) if is_last else text.find(mark, at + 1)
        whole = whole and end > at and text.startswith(mark, end)
        values[name], at = text[at:end], end + len(mark)
    return values if whole and at == len(text) else None


def places(pattern: str) -> frozenset[str]:
    return frozenset(_PLACE.findall(pattern))


#: words that occur in sentences and come from names of states, kinds and facts, and rows of `sentence_list`
VALUES = (
    # kinds of compensation
    msgid("the refund"),
    msgid("the credit"),
    msgid("the coupon"),
    msgid("the free-shipping"),
    msgid("the replacement"),
    msgid("the gift-card"),
    msgid("the gesture"),
    # states of promises and of compensation
    msgid("proposed"),
    msgid("open"),
    msgid("kept"),
    msgid("late"),
    msgid("broken"),
    msgid("withdrawn"),
    msgid("waiting-approval"),
    msgid("granted"),
    msgid("issued"),
    msgid("confirmed"),
    msgid("missing"),
    msgid("refused"),
    # stages of cases
    msgid("suspected"),
    msgid("heard"),
    msgid("promised"),
    msgid("confirmed in writing"),
    msgid("fixed"),
    msgid("followed-up"),
    msgid("closed"),
    msgid("dismissed"),
    # severities
    msgid("low"),
    msgid("normal"),
    msgid("high"),
    # letters to customers
    msgid("confirmation"),
    msgid("delay"),
    msgid("holding"),
    msgid("follow-up"),
    msgid("gift-card"),
    # facts of a follow-up
    msgid("issue"),
    msgid("impact"),
    msgid("cause"),
    msgid("resolution"),
    msgid("prevention"),
    # where agents speak
    msgid("tag"),
    msgid("label"),
    msgid("folder"),
    msgid("note"),
    # what follows the verb in a line of a note
    msgid("what by when"),
    msgid("number"),
    msgid("[number]"),
    msgid("number until when because why"),
    msgid("number because why"),
    msgid("[number] [because why]"),
    msgid("amount"),
    msgid("code or what"),
    msgid("what"),
    msgid("[what]"),
    msgid("why"),
    msgid("[why]"),
    msgid("[how]"),
    msgid("text"),
    msgid("code"),
    msgid("agent"),
    msgid("name"),
    msgid("phone number"),
    msgid("address"),
    msgid("until when"),
    msgid("[until when]"),
    msgid("department by when: question"),
    msgid("[case | customer's address | today]"),
    # what is numbered in a case
    msgid("promise"),
    msgid("compensation"),
    msgid("option"),
    msgid("question"),
    # between the parts of a row
    msgid("; "),
    # rows
    msgid("{p0} and {p1}"),
    msgid("{p0} and {p1} and {p2}"),
)
