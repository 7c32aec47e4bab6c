"""Plain signs of danger, the law and the public are seen in every language; harmless uses of their words seldom are.

`danger/LANGUAGE.txt` has a mail of one line on each line: "+" a sign against us, "~" a danger told in words of every day,
"-" a harmless use.
"""

from pathlib import Path

import pytest

from followupd.text.complaints import Recogniser, severity
from followupd.text.complaints.cues import GRAVE

FOLDER = Path(__file__).with_name("danger")
#: of the harmless uses, how many at most are suspected, and how many of these for a word of danger
#: of the dangers told in words of every day, how many at least open a case
TOLD = {"en": 18, "de": 15, "fr": 19, "es": 19}
MOST = {"en": (7, 2), "de": (6, 1), "fr": (10, 0), "es": (7, 0)}


def lines(language: str, mark: str) -> list[str]:
    """Return the mails of a language with this mark."""
    text = (FOLDER / f"{language}.txt").read_text("utf-8")
    return [line[2:] for line in text.splitlines() if line[0] == mark]


@pytest.mark.parametrize("language", MOST)
def test_a_plain_sign_of_danger_the_law_or_the_public_is_never_no_and_always_severe(language: str) -> None:
    recogniser, signs = Recogniser.shipped(), lines(language, "+")
    verdicts = {sign: recogniser.judge("", sign, language=language) for sign in signs}
    passed_over = [sign for sign, verdict in verdicts.items() if verdict.verdict == "no"]
    mild = [sign for sign, verdict in verdicts.items() if severity(verdict, sign) != "high"]
    assert (passed_over, mild) == ([], [])
    assert len(signs) >= 40


@pytest.mark.parametrize("language", MOST)
def test_harmless_uses_of_words_of_danger_are_seldom_suspected(language: str) -> None:
    recogniser, uses = Recogniser.shipped(), lines(language, "-")
    verdicts = [recogniser.judge("", use, language=language) for use in uses]
    suspected = [verdict for verdict in verdicts if verdict.verdict != "no"]
    frightened = [verdict for verdict in suspected if verdict.cues & GRAVE]
    most_suspected, most_frightened = MOST[language]
    assert len(suspected) <= most_suspected
    assert len(frightened) <= most_frightened
    assert len(uses) >= 200


@pytest.mark.parametrize("language", TOLD)
def test_most_dangers_told_in_words_of_every_day_open_a_case(language: str) -> None:
    recogniser, told = Recogniser.shipped(), lines(language, "~")
    verdicts = [recogniser.judge("", text, language=language) for text in told]
    assert sum(verdict.verdict != "no" for verdict in verdicts) >= TOLD[language]
    assert len(told) >= 20
