"""Measure how well promises and gifts are recognised: `python -m tests.story.promises.measure [-v]`.

The sets of sentences, all written on Tuesday 1 December 2026 at 10:00 in London:

- `sentences.jsonl` was written before the patterns. A hash of the text splits it into `dev`, by which the
  patterns were written, and `test`, which was not read until it had been measured. One person wrote sentences
  and patterns, so that the figures for `test` are too good.
- `fresh`, `later` and `last` were written after the patterns. Each was measured once before any change (the
  figures in docs/promises.md) and then used to improve them: their figures do not tell how new mails are
  read.
- `odd` and `kept` are halves of one set, split by a hash of the text: `odd` was used to improve the patterns,
  of `kept` only the scores were read.
- `idle` promises nothing; it was used to make the patterns stricter.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from followupd.domain.calendar import Calendar
from followupd.languages import load
from followupd.text.promises import find_commitments

HERE = Path(__file__).parent
SENT_AT = datetime(2026, 12, 1, 10, tzinfo=UTC)
LONDON = Calendar(timezone="Europe/London", holidays="GB-ENG")
SETS = ("dev", "test", "fresh", "later", "last", "odd", "kept", "idle")

Item = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one set: items recognised rightly, recognised wrongly, and not recognised."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)


def rows(name: str) -> list[dict[str, Any]]:
    """Return the labelled sentences of one set."""
    file = HERE / ("sentences.jsonl" if name in {"dev", "test"} else f"{name}.jsonl")
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [row for row in found if name not in {"dev", "test"} or half(row["text"]) == name]


def half(text: str) -> str:
    return "test" if sha256(text.encode()).digest()[0] % 2 else "dev"


def labelled(row: dict[str, Any]) -> Counter[Item]:
    promises = [_promise(p["kind"], p["due"], past=p["past"]) for p in row["promises"]]
    grants = [("grant", g["kind"], g["amount"], g["currency"], str(g["past"])) for g in row["grants"]]
    return Counter([*promises, *grants])


def recognised(row: dict[str, Any]) -> Counter[Item]:
    return _recognised(row["text"], row["language"])


@cache
def _recognised(text: str, language: str) -> Counter[Item]:
    promises, grants, _ = find_commitments(
        text, sent_at=SENT_AT, calendar=LONDON, language=load(language), currency="GBP"
    )
    dues = [f"{LONDON.local(p.due):%Y-%m-%dT%H:%M}" if p.due else None for p in promises]
    return Counter(
        [
            *(_promise(p.kind.value, due, past=p.past) for p, due in zip(promises, dues, strict=True)),
            *(("grant", g.kind, g.amount, g.currency, str(g.past)) for g in grants),
        ]
    )


def _promise(kind: str, due: str | None, *, past: bool) -> Item:
    return ("done",) if past else ("promise", kind, due or "")


def outline(items: Counter[Item]) -> Counter[Item]:
    """Return the items without kind, date and amount: was a promise or this gift recognised at all."""
    return Counter(item[:2] if item[0] == "grant" else item[:1] for item in items.elements())


def score(found: list[dict[str, Any]], *, whole: bool) -> Score:
    """Score sentences; `whole` compares kind, date, amount and currency too."""
    right = wrong = missed = 0
    for row in found:
        want, got = labelled(row), recognised(row)
        if not whole:
            want, got = outline(want), outline(got)
        right += (want & got).total()
        wrong += (got - want).total()
        missed += (want - got).total()
    return Score(right, wrong, missed)


def misread(name: str) -> Iterator[str]:
    for row in rows(name):
        want, got = labelled(row), recognised(row)
        if want != got:
            yield f"{row['text']}\n    missed {[*(want - got)]}\n    wrong  {[*(got - want)]}"


def main() -> None:
    print("set    sentences  items   found: P     R     whole: P     R")
    for name in SETS:
        found = rows(name)
        loose, whole = score(found, whole=False), score(found, whole=True)
        print(
            f"{name:6} {len(found):9} {loose.right + loose.missed:6}"
            f"     {loose.precision:8.3f} {loose.recall:.3f}   {whole.precision:10.3f} {whole.recall:.3f}"
        )
        if "-v" in sys.argv:
            print(*misread(name), sep="\n")


if __name__ == "__main__":
    main()
