"""What was heard in one reply, put together: which promise and which gift are one deed."""

from collections.abc import Collection, Sequence

from followupd.model.compensation import Gift
from followupd.model.promise import HeardGrant, HeardPromise


def paired(
    promises: Sequence[HeardPromise], grants: Sequence[HeardGrant], first: int, known: Collection[str] = ()
) -> tuple[list[tuple[int, HeardPromise]], list[tuple[HeardGrant, int]]]:
    """Number the promises from `first` on, and say of each grant which promise the same deed keeps (0: none).

    "I will ship a replacement by Friday" is a promise and a replacement: kept once, both are done. A promise that only
    names a gift card is left to the card's own letter, which waits for the follow-up: it would wait for itself.
    Promises whose text is `known` stand already.
    """
    cards = {grant.words[:1] for grant in grants if grant.kind == Gift.GIFT_CARD and grant.words}
    made = [each for each in promises if not each.past and each.text not in known and each.words[:1] not in cards]
    numbers = {each.words[:1]: n for n, each in enumerate(made, first) if each.words}
    linked = [(grant, 0 if grant.past else numbers.get(grant.words[:1], 0)) for grant in grants]
    return list(enumerate(made, first)), linked
