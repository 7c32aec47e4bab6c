"""Whom to tell: the rungs of the ladder, and the matters that people on it are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from followupd.model.agent import Agent, Role
from followupd.model.case import Case
from followupd.model.playbook import Playbook

Rung = Literal["owner", "lead", "manager"]


@dataclass(frozen=True, slots=True)
class Matter:
    """Something a person must be told: a name that is used once, the moment, the rung, the sentence, the answers.

    `at_once` says that only this person's word helps, so that it waits neither for the morning nor for the digest; `listed`,
    that the owner's list of what waits (`recovery/waiting.py`) says the same already.
    """

    name: str
    at: datetime
    rung: Rung
    sentence: str
    asks: tuple[str, ...] = ()
    at_once: bool = False
    listed: bool = False


def person(case: Case, playbook: Playbook, rung: Rung) -> Agent:
    """Return who stands on this rung, else on the nearest one that somebody stands on."""
    owner = playbook.owner_of(case.owner)
    if rung == "owner":
        return owner
    lead, manager = playbook.team.first(Role.LEAD), playbook.team.first(Role.MANAGER)
    return (lead if rung == "lead" else manager or lead) or owner
