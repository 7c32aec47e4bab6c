"""Reads which of several numbered options a customer chooses.

Better ask than guess: an answer counts when it names exactly one number on offer and every other word in it is one that
people wrap around a choice (words.py). A condition, a second number, a "not" or a question goes to the owner.
"""

import re
import unicodedata
from collections.abc import Collection

from followupd.domain.promise import Option
from followupd.text.answers.option_words import LAST, NUMBERS, ONLY_OF_TWO, SOFT, WRAPPING

#: an answer is short; a longer mail is for people
_LONGEST = 400


def chosen(text: str, options: Collection[Option], names: Collection[str] = ()) -> int | None:
    """Return the number of the option that the words choose, None when that is not plain."""
    folded = _folded(text).strip()
    if not folded or len(folded) > _LONGEST or "?" in folded:
        return None
    known = {part for name in names for part in _folded(name).split()}
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?'?|[%€$£]", _plain(folded))
    numbers = {word: number for word in words if (number := _number(word, options))}
    if any(word not in numbers and word not in WRAPPING and word not in known for word in words):
        return None
    hard = {number for word, number in numbers.items() if word not in SOFT}
    found = hard or set(numbers.values())
    return found.pop() if len(found) == 1 and found <= {option.n for option in options} else None


def _number(word: str, options: Collection[Option]) -> int | None:
    """Return the number that a word names: its own, or the place among those on offer for "last"."""
    if word in ONLY_OF_TWO and len(options) != 2:
        return None
    if word in LAST:
        return max(option.n for option in options)
    return NUMBERS.get(word)


def _plain(folded: str) -> str:
    """Part "l'option" into its words, and take out the "one" that is no number."""
    return re.sub(r"\b(?:the|this|that) one\b", " ", re.sub(r"\b([cdjlmnst]|qu)'(?=\w)", r"\1' ", folded))


def _folded(text: str) -> str:
    even = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in even if not unicodedata.combining(letter))
