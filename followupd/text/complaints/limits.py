"""Limits of the score: what is never a `complaint` without a person's decision (docs/recognising.md)."""

from followupd.text.complaints.cues import AGAINST, STRONG
from followupd.text.complaints.features import Features

#: Highest scores for `suspected` (below every `auto`, above every `ask`) and for `no` (below every `ask`).
SUSPECTED, NOTHING = 0.89, 0.20
#: Two of these groups count as much as a strong word. Failures alone, even repeated ones, are a report.
_WRONGED = frozenset({"unmet", "reproach", "demand", "safety"})
#: Mails of machines and newsletters mention failures and money, but contain no cues of these groups.
_GRIEVANCE = frozenset({"explicit", "anger", "insult", "leaving", "legal", "escalate", "unmet", "reproach"})
#: A text of more words than this may contain single strong words by chance; two of `_PERSONAL` are needed.
_LONG = 60
_PERSONAL = frozenset({"explicit", "anger", "money", "dishonest", "unmet", "leaving", "legal", "escalate"})


def limit(seen: Features, *, has_cues: bool, measured: bool = True, moved: float = 0.0) -> tuple[float, str]:
    """Return the highest score that this text may have, and why.

    Args:
        seen: the features of the text.
        has_cues: whether there are cues for its language.
        measured: whether the text is in the measured language, whose words for "I" and "you" are known.
        moved: how much the admin's `add` rules changed the score.
    """
    rules = (
        (_is_machine(seen), NOTHING, "it reads like a machine's mail"),
        (_is_bulk(seen), NOTHING, "it reads like a mailing"),
        (_is_thanks(seen), NOTHING, "it is a thank-you"),
        (not has_cues, SUSPECTED, "there are no cues for its language; an agent decides"),
        (
            "machine" in seen.groups or "bulk" in seen.groups,
            SUSPECTED,
            "it may be a machine's mail; an agent decides",
        ),
        (_thanks_somebody(seen), SUSPECTED, "it thanks as well; an agent decides"),
        (
            measured and not _is_told_to_us(seen) and moved <= 0,
            SUSPECTED,
            "it may tell of something else than the writer and us; an agent decides",
        ),
        (
            not _is_borne_out(seen) and moved <= 0,
            SUSPECTED,
            "one kind of word alone speaks for it; an agent decides",
        ),
        (
            not _has_strong_word(seen) and moved <= 0,
            SUSPECTED,
            "no strong word speaks for a complaint; an agent decides",
        ),
    )
    return next(((most, why) for holds, most, why in rules if holds), (1.0, ""))


def _many(seen: Features, group: str) -> int:
    return len(seen.said.get(group, ()))


def _grievances(seen: Features) -> int:
    return sum(_many(seen, group) for group in _GRIEVANCE)


def _is_machine(seen: Features) -> bool:
    return _many(seen, "machine") > max(0, _grievances(seen) - 1)


def _is_bulk(seen: Features) -> bool:
    return _many(seen, "bulk") >= 2 and _many(seen, "bulk") > _grievances(seen)


def _is_thanks(seen: Features) -> bool:
    warm = _many(seen, "thanks") + _many(seen, "praise") + _many(seen, "solved")
    return warm >= 2 and not seen.groups & STRONG and not seen.groups & {"unmet", "reproach"}


def _thanks_somebody(seen: Features) -> bool:
    warm = _many(seen, "thanks") + 2 * _many(seen, "praise") + _many(seen, "solved")
    return warm >= 2 and warm >= _grievances(seen)


def _is_told_to_us(seen: Features) -> bool:
    """Return whether the text contains "I" or "you", unlike an article or a quarrel of strangers."""
    return seen.marks.get("mine", 0.0) > 0 or seen.marks.get("yours", 0.0) > 0


def _is_borne_out(seen: Features) -> bool:
    """Return whether cues of two groups agree; in a long text two that do not occur in unrelated quarrels."""
    kinds = seen.groups - set(AGAINST) if len(seen.words) <= _LONG else seen.groups & _PERSONAL
    return len(kinds) >= 2


def _has_strong_word(seen: Features) -> bool:
    """Return whether there is a strong word, or two kinds of wrong that happened to the writer."""
    return bool(seen.groups & STRONG) or (
        len(seen.groups & _WRONGED) >= 2 and seen.marks.get("mine", 0.0) > 0
    )
