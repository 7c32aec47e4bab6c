"""No letter has more than 200 words that no agent wrote, in any language, register, fault and severity."""

from dataclasses import replace
from itertools import product

import pytest

from followupd.adapters.templates.check import as_first
from followupd.domain.case import Fault
from followupd.domain.letter import CUSTOMER_LETTERS, LetterKind
from tests.story.lettered import wrote
from tests.story.test_register import plain, without_samples

MOST = 200


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("kind", [*CUSTOMER_LETTERS, "safety", "again"])
def test_no_letter_has_more_words_of_its_own(language: str, kind: str) -> None:
    letter_kind = LetterKind.CONFIRMATION if kind in {"safety", "again"} else LetterKind(kind)
    registers = ("", "informal") if language != "en" else ("",)
    for fault, severity, register in product(Fault, ("normal", "high"), registers):
        case = plain(language, severity=severity, register=register, complaints_before=("FU-00000",))
        case = as_first(replace(case, facts=replace(case.facts, fault=fault)), kind)
        case = replace(case, complaints_before=("FU-00000",))
        letter = replace(wrote(letter_kind, case), subject="")
        words = without_samples(letter, language).split()
        assert len(words) <= MOST, " ".join(words)
