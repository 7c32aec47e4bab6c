"""Read which of several numbered options a customer chooses.

An answer counts only if it names exactly one number on offer and every other word in it is known to go with a
choice. A condition, a second number, a "not" or a question goes to the owner.
"""

import re
from collections.abc import Collection

from followupd.domain.promise import Option
from followupd.languages import Catalogue, catalogue
from followupd.text.answers.words import ChoiceWords, choice_words, folded

#: the most characters of an answer; a longer mail is read by a person
_LONGEST = 400


def chosen(
    text: str, options: Collection[Option], names: Collection[str] = (), languages: Catalogue | None = None
) -> int | None:
    """Return the number of the option that the text chooses, None if it is not clear."""
    plain = folded(text).strip()
    if not plain or len(plain) > _LONGEST or "?" in plain:
        return None
    known = choice_words(languages or catalogue())
    people = {part for name in names for part in folded(name).split()}
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?'?|[%€$£]", _plain(plain, known))
    numbers = {word: number for word in words if (number := _number(word, options, known))}
    if any(word not in numbers and word not in known.courtesy and word not in people for word in words):
        return None
    hard = {number for word, number in numbers.items() if word not in known.weak_numbers}
    found = hard or set(numbers.values())
    return found.pop() if len(found) == 1 and found <= {option.n for option in options} else None


def _number(word: str, options: Collection[Option], known: ChoiceWords) -> int | None:
    """Return the number that a word names; "last" is the highest one on offer."""
    if word in known.only_of_two and len(options) != 2:
        return None
    if word in known.last:
        return max(option.n for option in options)
    return known.numbers.get(word)


def _plain(text: str, known: ChoiceWords) -> str:
    """Split elided words such as "l'option", and remove "one" where it is not a number."""
    return known.not_numbers.sub(" ", known.elided.sub(r"\1' ", text))
