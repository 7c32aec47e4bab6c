"""Names in a greeting: which names a letter may repeat, and which of their words is the first name."""

import re
from collections.abc import Collection

from followupd.languages import catalogue
from followupd.languages.patterns import verbatim

#: a longer name is not repeated
MAX_NAME = 50
MAX_SPACES = 4

#: A name with one of these could carry a message to a person whose address was forged.
_NOT_IN_A_NAME = re.compile(
    r"[@/<>\[\](){}|=\\*_`#:;!?%$\"]|www\.|\d|\w{2}\.\w{2}",
    re.IGNORECASE,
)
#: a first name and one or two more words
_FIRST_AND_LAST = re.compile(
    r"(?P<first>[^\W\d_][^\W\d_]+(?:[-'’][^\W\d_]+)*)"
    r"(?: [^\W\d_][^\W\d_'’-]*\.?){1,2}",
)


_PUBLIC_PROVIDERS = re.compile(verbatim(catalogue().mail_clients.providers.public), re.IGNORECASE)


def is_public_provider(address: str) -> bool:
    """Whether anybody may have an address at this domain, so that one tells nothing about another.

    Args:
        address: of which only the domain counts.
    """
    return _PUBLIC_PROVIDERS.fullmatch(address.rpartition("@")[2]) is not None


def greetable_name(name: str) -> str:
    """Return a customer's name for a greeting; "" when a letter should not repeat it.

    Args:
        name: as the mail's From has it, on one line; "Doe, Kim" becomes "Kim Doe".
    """
    flat = " ".join(name.split()).strip("'’ ,")
    if flat.count(",") == 1:
        last, first = flat.split(",")
        flat = f"{first.strip()} {last.strip()}"

    has_length_of_a_name = 1 < len(flat) <= MAX_NAME and flat.count(" ") <= MAX_SPACES
    if not has_length_of_a_name or _NOT_IN_A_NAME.search(flat.replace(". ", " ")):
        return ""

    return flat


def first_name(name: str, titles: Collection[str]) -> str:
    """Return the first name where it is certain which word it is, else "".

    A wrong name is worse than a formal one.

    Args:
        name: a name in the usual order.
        titles: words such as "dr" and "herr", in lower case without a full stop; a name with one has no first
            name.
    """
    match = _FIRST_AND_LAST.fullmatch(name)
    if match is None or name.isupper():
        return ""

    words = name.split()
    is_capitalised = all(word[0].isupper() for word in words)
    if not is_capitalised:
        return ""
    for word in words:
        if word.strip(".").lower() in titles:
            return ""

    return match["first"]
