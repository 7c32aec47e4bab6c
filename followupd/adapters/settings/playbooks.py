"""Reads playbooks/*.toml, and checks what must be true of each beyond its single values."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from followupd.adapters.settings import plain
from followupd.adapters.settings.form import fill
from followupd.adapters.settings.playbook_form import PLAYBOOK
from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.sheet import InvalidValueError, TomlFile, nearest, open_sheet
from followupd.adapters.settings.step_text import check_step_text
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.compensation import Money
from followupd.domain.playbook import NextStep, Playbook, SeverityOverride
from followupd.domain.promise import PromiseKind
from followupd.domain.team import Company, Team
from followupd.errors import Problem


def read_playbooks(
    directory: Path, company: Company, calendar: Calendar, team: Team
) -> tuple[Mapping[str, Playbook], list[Problem]]:
    """Read every playbooks/*.toml; `default` must be among them."""
    found: dict[str, Playbook] = {}
    problems: list[Problem] = []
    for path in sorted((directory / "playbooks").glob("*.toml")):
        sheet = open_sheet(directory, f"playbooks/{path.name}", missing="put it back.")
        if not path.name.startswith("."):
            found[path.stem] = _read(sheet, path.stem, company, calendar, team)
            problems += sheet.problems
    if "default" not in found:
        hint = "write one; `followupd init` into an empty directory shows how it looks."
        problems.append(
            Problem(
                "playbooks/default.toml", None, None, SettingsRule.NO_DEFAULT, "there is no such file", hint
            )
        )
    return found, problems


def _read(sheet: TomlFile, stem: str, company: Company, calendar: Calendar, team: Team) -> Playbook:
    filled = fill(sheet, PLAYBOOK)
    top = filled[""]
    _check_name(sheet, stem, top["name"])
    return Playbook(
        name=stem,
        owner=_owner(sheet, top["owner"], team),
        calendar=calendar,
        team=team,
        company=company,
        words=top["words"],
        cues=top["cues"],
        causes=top["causes"],
        language=top["language"],
        steps=tuple(_step(sheet, n, step, company, calendar) for n, step in enumerate(filled["next_step"])),
        confirm_after=filled["confirmation"]["after"],
        confirm_review=filled["confirmation"]["review"],
        follow_up_after=filled["follow_up"]["after"],
        follow_up_review=filled["follow_up"]["review"],
        follow_up_call=filled["follow_up"]["call"],
        close_after=filled["closing"]["after"],
        gift_card_after=filled["gift_card"]["after"],
        gift_card_amount=_gift(sheet, filled["gift_card"]["amount"], company.currency),
        silence_after=filled["silence"]["after"],
        escalate_lead=filled["escalation"]["lead"],
        escalate_manager=filled["escalation"]["manager"],
        grades=tuple(
            SeverityOverride(severity=each, **filled[f"severity.{each}"]) for each in ("high", "low")
        ),
    )


def _check_name(sheet: TomlFile, stem: str, name: str) -> None:
    if name and name != stem:
        hint = f'write name = "{stem}", or rename the file to {name}.toml.'
        sheet.complain(("name",), SettingsRule.PLAYBOOK_NAME, f"{name!r} is not the name of this file", hint)
    try:
        plain.word(stem)
    except InvalidValueError as error:
        sheet.complain(("name",), SettingsRule.NAME, error.problem, "rename the file.")


def _owner(sheet: TomlFile, owner: str, team: Team) -> str:
    if owner and team.agents and not team.by_id(owner):
        ids = [agent.id for agent in team.agents if agent.id]
        close = nearest(owner, ids)
        hint = f"did you mean {close!r}?" if close else f"the agents in followupd.toml are: {', '.join(ids)}."
        sheet.complain(("owner",), SettingsRule.NOBODY, f"{owner!r} is no agent", hint)
    return owner or (team.agents[0].id if team.agents else "")


def _gift(sheet: TomlFile, offered: tuple[str, str], home: str) -> Money | None:
    amount, code = offered
    if not amount:
        return None
    try:
        money = Money.of(amount, code or home)
    except ValueError as error:
        sheet.complain(
            ("gift_card", "amount"), SettingsRule.AMOUNT, str(error), f'write it as "20.00 {code or home}".'
        )
        return None
    if not code:
        hint = f'write "{money.amount} {home}".'
        sheet.complain(
            ("gift_card", "amount"), SettingsRule.AMOUNT, "a gift card's amount needs a currency", hint
        )
    if not money.minor:
        sheet.complain(
            ("gift_card", "amount"),
            SettingsRule.AMOUNT,
            "a gift card of nothing",
            'write "" for no gift card.',
        )
    return money


def _step(sheet: TomlFile, n: int, step: dict[str, Any], company: Company, calendar: Calendar) -> NextStep:
    path = ("next_step", n)
    for place, text in (
        (("text",), step["text"]),
        *((("texts", tag), said) for tag, said in step["texts"].items()),
    ):
        try:
            check_step_text(text or "-", company, sheet.directory)
        except InvalidValueError as error:
            sheet.misfit((*path, *place), error)
    margin = step["margin"]
    if margin and step["within"] and not _fits(calendar, step["within"], margin):
        if "margin" in sheet.data["next_step"][n]:
            problem = f"{margin} earlier than {step['within']} is over before it begins"
            sheet.complain(
                (*path, "margin"), SettingsRule.DURATION, problem, 'write a shorter one, or "" for none.'
            )
        margin = None
    texts = tuple(step["texts"].items())
    return NextStep(
        text=step["text"], within=step["within"], kind=PromiseKind(step["kind"]), margin=margin, texts=texts
    )


def _fits(calendar: Calendar, within: Duration, margin: Duration) -> bool:
    """Say whether some time is left of `within` when `margin` is taken off, for a case opened on a Monday morning."""
    monday = datetime(2026, 3, 2, tzinfo=ZoneInfo(calendar.timezone))
    start = calendar.next_open(monday)
    return calendar.before(calendar.after(start, within), margin) > start
