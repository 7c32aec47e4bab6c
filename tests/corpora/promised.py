"""Measure how well labelled replies of agents are read: `python -m tests.corpora.promised FILE... [-v]`."""

import json
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from followupd.domain.calendar import Calendar
from followupd.domain.promise import Found, FoundCompensation, FoundPromise
from followupd.languages import load
from followupd.text.promises import find_commitments
from followupd.text.promises.sentences import sentences

Labelled = Mapping[str, Any]

LONDON = Calendar(timezone="Europe/London")
HOUSE = {"en": "GBP", "de": "EUR", "fr": "EUR", "es": "EUR"}


def read(row: Labelled) -> Found:
    """Read one reply as a company of its language would, in the currency that it speaks of."""
    given = [one["currency"] for one in row["compensation"] if one["currency"]]
    return find_commitments(
        row["text"],
        sent_at=parsedate_to_datetime(row["date"]),
        calendar=LONDON,
        language=load(row["lang"]),
        currency=given[0] if given else HOUSE[row["lang"]],
    )


@dataclass
class Score:
    """What was found of what is there."""

    counts: Counter[str] = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)

    def share(self, part: str, *whole: str) -> float:
        total = sum(self.counts[name] for name in whole)
        return self.counts[part] / total if total else 1.0

    def line(self, name: str) -> str:
        c = self.counts
        return (
            f"{name:12} promises P {self.share('right', 'right', 'beside'):.2f} R {self.share('right', 'promises'):.2f}"
            f" asked-or-R {(c['right'] + c['asked']) / max(1, c['promises']):.2f} (n={c['promises']}, {c['joined']} in another's line)"
            f"  dates {self.share('day', 'right'):.2f} relation {self.share('relation', 'right'):.2f}"
            f" kind {self.share('kind', 'right'):.2f}"
            f"  gifts P {self.share('gift', 'gift', 'gift beside'):.2f} R {self.share('gift', 'gifts'):.2f}"
            f" asked-or-R {(c['gift'] + c['gift asked']) / max(1, c['gifts']):.2f} (n={c['gifts']})"
            f" kind {self.share('gift kind', 'gift'):.2f}"
            f"  silent taken {self.share('silent taken', 'silent'):.2f} asked {self.share('silent asked', 'silent'):.2f}"
            f" (n={c['silent']}), of their sentences {self.share('sentences taken', 'sentences'):.3f}"
            f" {self.share('sentences asked', 'sentences'):.3f}  unsure {c['unsure right']}/{c['unsure']} of {c['unsure said']} said"
        )


def add(row: Labelled, found: Found, score: Score) -> None:
    """Count one reply."""
    count = score.counts
    left = [promise for promise in found.promises if not promise.past]
    for wanted in row["promises"]:
        if None in _dues(wanted) and _is_only_given(wanted["word"], found):
            continue
        count["promises"] += 1
        one = _best(wanted, left)
        if one is not None:
            left.remove(one)
            count["right"] += 1
            _details(wanted, one, score, row)
        elif any(_is_said(wanted, other) for other in found.promises):
            count.update(right=1, day=1, relation=1, kind=1, joined=1)
        elif _asked(wanted["word"], found):
            count["asked"] += 1
        else:
            score.misses.append(f"{row['id']} MISSED {wanted['word']!r} {wanted['due']} in {row['text']!r}")
    beside = [one for one in left if not _optional(row, one)]
    count["beside"] += len(beside)
    for one in beside:
        score.misses.append(f"{row['id']} BESIDE {one.text!r} {one.due}")
    _gifts(row, found, score)
    _silence(row, found, score)


def _is_tied(relations: Collection[str], one: FoundPromise) -> bool:
    """Whether the relation is right; "between 9 and 11" and "from 9" of one day are on that day too."""
    starts = LONDON.local(one.since or one.due).date() if one.due else None
    is_hour = (
        one.due is not None and LONDON.local(one.due).date() == starts and one.due != LONDON.close_of(starts)
    )
    return one.relation in relations or (
        is_hour and "on" in relations and one.relation in {"between", "from"}
    )


def _is_said(wanted: Labelled, one: FoundPromise) -> bool:
    """Whether a line says this promise too, with its date: "Gary comes on Friday and brings the tile"."""
    return (
        not one.past
        and re.search(wanted["word"], one.text, re.IGNORECASE) is not None
        and _on_day(wanted, one)
    )


def _on_day(wanted: Labelled, one: FoundPromise) -> bool:
    """Whether the date is right, or there is rightly none."""
    due = _due(one)
    by = wanted.get("relation") == "by"
    return any(
        bool(due) == bool(want) and (due.startswith(want or "") or (by and due[:10] == _working(want[:10])))
        for want in _dues(wanted)
    )


def _due(one: FoundPromise) -> str:
    return LONDON.local(one.due).strftime("%Y-%m-%dT%H:%M") if one.due else ""


def _details(wanted: Labelled, one: FoundPromise, score: Score, row: Labelled) -> None:
    count = score.counts
    due, day = _due(one), _on_day(wanted, one)
    relation = "relation" not in wanted or due == "" or _is_tied(wanted["relation"].split("|"), one)
    kind = one.kind in wanted["kind"].split("|")
    count.update(day=day, relation=relation, kind=kind)
    if not (day and relation and kind):
        want = (wanted["due"], wanted.get("relation"), wanted["kind"])
        score.misses.append(f"{row['id']} DETAIL {one.text!r}: {due} {one.relation} {one.kind}, is {want}")


def _dues(wanted: Labelled) -> list[Any]:
    """Return the moments that are right, None for none."""
    return wanted["due"] if isinstance(wanted["due"], list) else [wanted["due"]]


def _working(day: str) -> str:
    """Return the last working day up to a day: "by the end of October" ends on it."""
    return LONDON.local(LONDON.end_of_business(date.fromisoformat(day))).strftime("%Y-%m-%d")


def _best(wanted: Labelled, left: list[FoundPromise]) -> FoundPromise | None:
    """Return the heard promise with these words, one with the same day first."""
    fits = [one for one in left if re.search(wanted["word"], " ".join((one.text, *one.words)), re.IGNORECASE)]
    day = str(wanted["due"] or "")[:10]
    fits.sort(key=lambda one: not (one.due and LONDON.local(one.due).strftime("%Y-%m-%d") == day))
    return fits[0] if fits else None


def _is_only_given(word: str, found: Found) -> bool:
    """Whether what is labelled as a promise without a date was read as compensation, which is how it is recorded."""
    promised = any(re.search(word, " ".join(one.words), re.IGNORECASE) for one in found.promises)
    return not promised and any(re.search(word, one.words[0], re.IGNORECASE) for one in found.compensation)


def _asked(word: str, found: Found) -> bool:
    return any(re.search(word, sentence, re.IGNORECASE) for sentence in found.unsure)


def _optional(row: Labelled, one: FoundPromise) -> bool:
    return any(re.search(word, one.text, re.IGNORECASE) for word in row.get("opt", ()))


def _gifts(row: Labelled, found: Found, score: Score) -> None:
    count = score.counts
    left: list[FoundCompensation] = list(found.compensation)
    for wanted in row["compensation"]:
        count["gifts"] += 1
        one = next((each for each in left if _same_gift(each, wanted)), None)
        if one is not None:
            left.remove(one)
            count["gift"] += 1
            count["gift kind"] += one.kind in wanted["kind"].split("|")
        elif found.unsure:
            count["gift asked"] += 1
        else:
            score.misses.append(f"{row['id']} GIFT MISSED {wanted} in {row['text']!r}")
    left = [one for one in left if one.kind not in row.get("optc", ())]
    count["gift beside"] += len(left)
    for one in left:
        score.misses.append(
            f"{row['id']} GIFT BESIDE {one.kind} {one.amount} {one.currency} {one.words}, is {row['compensation']}"
        )


def _same_gift(one: FoundCompensation, wanted: Labelled) -> bool:
    # which of these it is called is a matter of taste; how often it is called the same is counted
    alike = (
        {"refund", "credit", "gesture", "free-shipping"}
        if wanted["amount"]
        else {"replacement", "gesture", "free-shipping"}
    )
    kinds = {*wanted["kind"].split("|")}
    kind = one.kind in kinds or (one.kind in alike and not kinds.isdisjoint(alike))
    # "$" alone is labelled without a currency
    currency = wanted["currency"] in {None, one.currency or None}
    return kind and currency and number(one.amount) == number(wanted["amount"])


def number(amount: str | None) -> Decimal | None:
    """Return an amount as a number."""
    return Decimal(amount) if amount else None


def _silence(row: Labelled, found: Found, score: Score) -> None:
    count = score.counts
    count["unsure"] += len(found.unsure)
    said = row.get("unsure", ())
    count["unsure said"] += len(said)
    count["unsure right"] += sum(
        any(one[:20] in want or want[:20] in one for want in said) for one in found.unsure
    )
    if row["promises"] or row["compensation"] or said:
        return
    count["silent"] += 1
    count["sentences"] += len(list(sentences(row["text"], load(row["lang"]).catalogue)))
    taken_from = {one.words[0] for one in found.promises if not one.past}
    count["sentences taken"] += len(taken_from | {one.words[0] for one in found.compensation})
    count["sentences asked"] += len(found.unsure)
    taken = bool(found.compensation) or any(not one.past for one in found.promises)
    count["silent taken"] += taken
    count["silent asked"] += bool(found.unsure) and not taken
    if taken or found.unsure:
        score.misses.append(f"{row['id']} SILENT {found}")


def measured(rows: Iterable[Labelled]) -> dict[str, Score]:
    """Return the scores by language, and of all."""
    scores: dict[str, Score] = {}
    for row in rows:
        found = read(row)
        for name in (row["lang"], "all"):
            add(row, found, scores.setdefault(name, Score()))
    return scores


def main() -> None:
    """Print the table, and with -v what was misread."""
    rows = []
    for name in sys.argv[1:]:
        if not name.startswith("-"):
            rows += [json.loads(line) for line in Path(name).read_text("utf-8").splitlines() if line.strip()]
    scores = measured(rows)
    for name, score in scores.items():
        print(score.line(name))
    if "-v" in sys.argv:
        print(*scores["all"].misses, sep="\n")


if __name__ == "__main__":
    main()
