"""Measures how well answers to "has it arrived?" are read: `python -m tests.story.receipts.measure [-v]`.

`answers.txt` was written before the reader; a hash of the text parts it into `dev` and `test`, and `test` was not looked
at until it had been measured. One person wrote the answers and the reader, so `test` flatters. `fresh.txt` was written
after the reader, in other words on purpose, and measured once at first sight.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.text.answers import Answer, read_receipt

HERE = Path(__file__).parent
SETS = ("dev", "test", "fresh")
NAMES = ("Ana Reyes", "Kim Doe")
_SAYS = {"yes": Answer.ARRIVED, "no": Answer.MISSING, "?": Answer.UNCLEAR}


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled answer."""

    language: str
    kinds: tuple[str, ...]
    expected: tuple[Answer, ...]
    text: str


def rows(name: str) -> list[Row]:
    file = HERE / ("answers.txt" if name in {"dev", "test"} else f"{name}.txt")
    lines = [
        line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]
    found = [_row(*(part.strip() for part in line.split("|", 3))) for line in lines]
    return [row for row in found if name not in {"dev", "test"} or _half(row.text) == name]


def _row(language: str, kinds: str, expected: str, text: str) -> Row:
    return Row(language, tuple(kinds.split(",")), tuple(_SAYS[each] for each in expected.split(",")), text)


def _half(text: str) -> str:
    return "test" if sha256(text.encode()).digest()[0] % 2 else "dev"


def heard(row: Row) -> tuple[Answer, ...]:
    asked = [
        Compensation(n=n, kind=Gift(kind), state=GrantState.ISSUED, money=Money(2500, "EUR"))
        for n, kind in enumerate(row.kinds, 1)
    ]
    return tuple(read_receipt(row.text, asked, NAMES).answers.values())


def counted(name: str) -> Counter[str]:
    """Count for yes and for no: right, wrong (concluded, though not so), missed (not concluded, though so)."""
    found: Counter[str] = Counter()
    for row in rows(name):
        for said, expected in zip(heard(row), row.expected, strict=True):
            for answer in (Answer.ARRIVED, Answer.MISSING):
                found[f"{answer} right"] += said is answer and expected is answer
                found[f"{answer} wrong"] += said is answer and expected is not answer
                found[f"{answer} missed"] += said is not answer and expected is answer
    return found


def precision(found: Counter[str], answer: Answer) -> float:
    return found[f"{answer} right"] / max(1, found[f"{answer} right"] + found[f"{answer} wrong"])


def recall(found: Counter[str], answer: Answer) -> float:
    return found[f"{answer} right"] / max(1, found[f"{answer} right"] + found[f"{answer} missed"])


def main() -> None:
    for name in (each for each in SETS if (HERE / f"{each}.txt").exists() or each in {"dev", "test"}):
        found = counted(name)
        for answer in (Answer.ARRIVED, Answer.MISSING):
            print(
                f"{name:6} {len(rows(name)):4} answers  {answer:8} precision {precision(found, answer):.2f} "
                f"recall {recall(found, answer):.2f}  {dict(found)}"
            )
        if "-v" in sys.argv:
            for row in rows(name):
                if heard(row) != row.expected:
                    print(f"   {row.language} {row.text!r}: {heard(row)} instead of {row.expected}")


if __name__ == "__main__":
    main()
