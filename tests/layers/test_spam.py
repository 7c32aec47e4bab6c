"""SpamAssassin gives our letters no point; skipped where it is not installed."""

import re
import shutil
import subprocess

import pytest

from followupd import clock
from followupd.adapters.smtp.compose import compose
from followupd.domain.letter import LetterKind
from tests.story.lettered import sample, wrote

LETTERS = (LetterKind.CONFIRMATION, LetterKind.HOLDING, LetterKind.FOLLOW_UP, LetterKind.GIFT_CARD)


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
def test_no_letter_has_a_spam_point() -> None:
    now = clock.now()
    mails = [
        compose(wrote(kind, sample("long", language=language)), now=now)
        for kind in LETTERS
        for language in ("en", "de", "fr", "es")
    ]
    mailbox = b"".join(b"From us@example.com Tue Dec  1 10:00:00 2026\n" + mail + b"\n" for mail in mails)
    done = subprocess.run(
        ["spamassassin", "--local", "--test-mode", "--mbox"],
        input=mailbox.replace(b"\r\n", b"\n"),
        capture_output=True,
        timeout=600,
        check=True,
    )
    scores = [float(score) for score in re.findall(rb"X-Spam-Status:[^\n]*score=(-?[\d.]+)", done.stdout)]
    assert len(scores) == len(mails)
    assert max(scores) <= 0.0
