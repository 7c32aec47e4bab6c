"""How well forgotten promises are found in an archive whose truth is known; workers read as one process does."""

import pytest

from benchmarks import lookback
from followupd.domain.mail import Identity
from followupd.recovery.past.lookback import WordOutcome
from followupd.services.classifier import ComplaintClassifier
from followupd.services.lookback import ArchiveReader, read_archive
from followupd.text import complaints


@pytest.fixture(scope="module")
def generated() -> lookback.Generated:
    return lookback.Generator("BKO").once()


def test_most_that_are_called_forgotten_are_and_most_are_found(
    generated: lookback.Generated,
) -> None:
    found = lookback.read_generated(generated)
    precision, recall = lookback.right(found, generated, WordOutcome.FORGOTTEN)
    assert precision >= 0.85
    assert recall >= 0.75
    assert sum(one.outcome is WordOutcome.FORGOTTEN for one in generated.truth) > 50


def test_workers_read_the_same_as_one_process(generated: lookback.Generated) -> None:
    few = lookback.Generated(generated.mails[:400])
    classifier = ComplaintClassifier(complaints.Recogniser.shipped(), 0.9, 0.3, "en", "")
    identity = Identity(addresses=frozenset({lookback.SUPPORT}))
    reader = ArchiveReader(identity, classifier, lookback.CALENDAR, lookback.NOW)
    told: list[int] = []
    contents = read_archive(few.as_archive(), reader, told.append)
    alone = [mail for raw in few.as_archive().mails() if (mail := reader.read(raw))]
    assert contents.read == alone
    assert (contents.mails, told[-1]) == (400, 400)
