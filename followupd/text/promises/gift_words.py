"""Names a gift as a letter does after "A replacement:" or "A refund:", out of the agent's own clause.

"I will send you a new lamp" grants "a new lamp", and "I am refunding you in full" "the full amount": what stands in the
list of a letter is a thing, and not half of a sentence. Where the clause names no thing, the kind of gift says it all.
"""

import re

from followupd.domain.compensation import Gift
from followupd.text.promises.grammar import NamePatterns


def gift_words(kind: str, fragment: str, whole: str, names: NamePatterns) -> str:
    """Return how the gift is called, "" where its kind alone says it; `whole` is the clause that gives it."""
    match kind:
        case Gift.REPLACEMENT:
            return _replacement(fragment, names)
        case Gift.REFUND | Gift.CREDIT:
            return _money(fragment, names)
        case Gift.FREE_SHIPPING:
            found = names.purpose.search(fragment)
            return found[0] if found else ""
        case Gift.GESTURE:
            return whole
        case _:
            return fragment


def _replacement(fragment: str, names: NamePatterns) -> str:
    plain = names.handing_over.sub("", names.free_of_charge.sub(" ", fragment).strip(" ,"))
    if replaced := names.replacing.match(plain):
        return names.replaced.format(thing=replaced["thing"])
    thing = names.verbs.sub("", plain)
    if names.replacement.search(thing):
        return ""
    named = names.another.sub(names.another_becomes, thing)
    return names.articles.sub(lambda article: article[0].lower(), named)


def _money(fragment: str, names: NamePatterns) -> str:
    if names.in_full.search(fragment):
        return names.full_amount
    paid = names.paying.match(fragment)
    thing = paid["thing"].strip() if paid else ""
    return thing if re.search(r"\s[^\W\d]{3,}", thing) else ""  # "the £25" stands there already
