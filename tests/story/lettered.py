"""A company, its people and its letters, for the tests of letters."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from followupd.adapters.templates.check import render_sample
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.samples import sample_case
from followupd.adapters.templates.sources import TemplateFiles
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.letter import Letter, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Agent, Company, Playbook, Role, Team
from followupd.domain.promise import Promise, PromiseKind

TEMPLATES = Path(__file__).parents[2] / "templates"
NOW = datetime(2026, 12, 1, 10, 0, tzinfo=UTC)  # a Tuesday
FRIDAY = datetime(2026, 12, 4, 17, 0, tzinfo=UTC)
ANA = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
BEN = Agent(id="ben", name="Ben Ito", email="ben@example.com", phone="+44 20 7946 0019", role=Role.LEAD)
COMPANY = Company(name="Example Ltd", timezone="Europe/London")
PLAYBOOK = Playbook(
    name="default",
    owner="ana",
    calendar=Calendar(timezone="Europe/London"),
    team=Team((ANA, BEN)),
    company=COMPANY,
)


@cache
def letters(directory: Path = TEMPLATES) -> TemplateRenderer:
    return TemplateRenderer(
        TemplateFiles(directory),
        sender_of=lambda _: Person("support@example.com", "Example Ltd"),
        message_id=lambda key, domain: f"<{key}@{domain}>",
    )


def sample(name: str = "long", **changes: Any) -> Case:
    return replace(sample_case(PLAYBOOK, NOW, name, str(changes.get("language", ""))), **changes)


def wrote(
    kind: LetterKind, case: Case | None = None, playbook: Playbook = PLAYBOOK, directory: Path = TEMPLATES
) -> Letter:
    return render_sample(letters(directory), kind, case or sample(), playbook, NOW)


def flat(text: str) -> str:
    return " ".join(text.split())


def promise(text: str = "ship the replacement", kind: PromiseKind = PromiseKind.FIRM, **more: Any) -> Promise:
    given: dict[str, Any] = {
        "n": 1,
        "text": text,
        "kind": kind,
        "internal_deadline": NOW,
        "promised_by": FRIDAY,
        "owner": "ana",
    }
    return Promise(**(given | more))


def changed_letters(directory: Path) -> Path:
    """Copy the letters, for a test that changes them."""
    return Path(shutil.copytree(TEMPLATES, directory / "templates"))
