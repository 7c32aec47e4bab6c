"""From the configuration directory to Settings: reads all files, and says everything that is wrong at once."""

import os
import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from followupd.adapters.settings import plain
from followupd.adapters.settings.form import fill
from followupd.adapters.settings.giving import counted, read_compensation, read_gift_cards
from followupd.adapters.settings.house_form import HOUSE
from followupd.adapters.settings.playbooks import read_playbooks
from followupd.adapters.settings.rules import WARNINGS, SettingsRule
from followupd.adapters.settings.secrets import Secret
from followupd.adapters.settings.sheet import TomlFile, open_sheet
from followupd.adapters.settings.tags import read_folders, read_tags
from followupd.adapters.settings.toml_lines import Path as Key
from followupd.adapters.settings.toml_lines import dotted
from followupd.adapters.settings.values import (
    LedgerSettings,
    MailboxSettings,
    MetricsSettings,
    RecogniseSettings,
    Settings,
    SmtpSettings,
)
from followupd.adapters.settings.wording import read_wording
from followupd.domain.calendar import Calendar
from followupd.domain.compensation import Money
from followupd.domain.team import Agent, Company, Role, Team
from followupd.errors import Problem, SetupError

_LOWEST_AUTO = 0.90  # below it, letters would leave on a guess (RECOGNISE.md, 5)
_DRIVER = "postgresql+psycopg"


def load(directory: Path) -> Settings:
    """Read the configuration; the secrets need not be there yet.

    Raises:
        SetupError: with every problem at once. Warnings alone (rules.WARNINGS) do not raise.
    """
    settings, found = examined(directory)
    if settings is None:
        raise SetupError(found)
    return settings


def problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the TOML files, in the order of files and lines."""
    return examined(directory)[1]


def examined(directory: Path) -> tuple[Settings | None, list[Problem]]:
    """Return the configuration, None where it cannot be used, and everything that is wrong with it."""
    settings, found = _read(directory)
    return (None if any(problem.rule not in WARNINGS for problem in found) else settings), found


def missing_secrets(settings: Settings) -> list[Problem]:
    """Return a problem for each configured secret that cannot be read now."""
    return [problem for secret in settings.secrets if (problem := secret.problem())]


def _read(directory: Path) -> tuple[Settings, list[Problem]]:
    directory = directory.absolute()
    sheet = open_sheet(directory, "followupd.toml", missing=f"run `followupd init {directory}`.")
    filled = fill(sheet, HOUSE)
    company = Company(**filled["company"])
    calendar = _calendar(sheet, company, filled["hours"])
    team = _team(sheet, company, filled["agent"])
    playbooks, found = read_playbooks(directory, company, calendar, team)
    wording, worded = read_wording(directory)
    ledger = _ledger(sheet, filled["ledger"])
    state = _state(ledger, directory)
    mailboxes = _mailboxes(sheet, filled["mailbox"], state)
    settings = Settings(
        directory=directory,
        company=company,
        mailboxes=mailboxes,
        smtp=_post(sheet, filled["smtp"], state),
        ledger=ledger,
        calendar=calendar,
        team=team,
        compensation=read_compensation(sheet, filled["compensation"], company.currency),
        gift_cards=read_gift_cards(sheet, filled["gift_cards"], _placed),
        recognise=_recognise(sheet, filled["recognise"], company.currency),
        tags=read_tags(sheet, filled["tags"]),
        folders=read_folders(sheet, filled["folders"], {mailbox.inbox for mailbox in mailboxes}),
        metrics=MetricsSettings(**filled["metrics"]),
        wording=wording,
        playbooks=MappingProxyType(playbooks),
    )
    exposed = [warning for secret in settings.secrets if (warning := secret.exposure())]
    return settings, [*sorted(sheet.problems + exposed, key=_place), *sorted(found + worded, key=_place)]


def _place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.line or 0, problem.key or ""


def _calendar(sheet: TomlFile, company: Company, hours: dict[str, Any]) -> Calendar:
    """Build the calendar; with a problem in it, one that serves for checking the rest."""
    zone = company.timezone or "UTC"
    try:
        return Calendar(timezone=zone, **hours)
    except ValueError as error:
        sheet.complain(("hours",), SettingsRule.HOURS, str(error), "let `open` be earlier than `close`.")
        return Calendar(timezone=zone)


def _team(sheet: TomlFile, company: Company, rows: list[dict[str, Any]]) -> Team:
    for key in ("id", "email"):
        _each_once(sheet, "agent", key, rows)
    return Team(tuple(_agent(sheet, n, row, company) for n, row in enumerate(rows)))


def _agent(sheet: TomlFile, n: int, row: dict[str, Any], company: Company) -> Agent:
    amount, code = row["limit"]
    path = ("agent", n, "limit")
    if code not in {"", company.currency}:
        hint = f"write the amount alone; it is counted in {company.currency}."
        sheet.complain(path, SettingsRule.AMOUNT, f"a limit in {code} cannot be compared", hint)
    try:
        limit = Money.of(amount, company.currency)
    except ValueError as error:
        hint = (
            f'write it as "50.00"; it is counted in {company.currency}. "0" lets a lead approve everything.'
        )
        sheet.complain(path, SettingsRule.AMOUNT, str(error) if amount else "an agent needs a limit", hint)
        limit = Money(0, company.currency)
    return Agent(**{**row, "role": Role(row["role"]), "limit": limit})


def _mailboxes(sheet: TomlFile, rows: list[dict[str, Any]], state: Path) -> tuple[MailboxSettings, ...]:
    for key in ("name", "address"):
        _each_once(sheet, "mailbox", key, rows)
    return tuple(
        MailboxSettings(**_connected(sheet, ("mailbox", n), row, state)) for n, row in enumerate(rows)
    )


def _post(sheet: TomlFile, row: dict[str, Any], state: Path) -> SmtpSettings:
    row = _connected(sheet, ("smtp",), row, state)
    if row["auth"] != "password" and not row["username"]:
        sheet.complain(
            ("smtp", "auth"), SettingsRule.LOGIN, "there is no username to log in with", "add smtp.username."
        )
    if row["auth"] == "password" and bool(row["username"]) != row["password"].given:
        there, absent = ("username", "password") if row["username"] else ("password", "username")
        sheet.complain(
            ("smtp", there),
            SettingsRule.LOGIN,
            f"there is no {absent} to this {there}",
            f"add smtp.{absent}.",
        )
    return SmtpSettings(**row)


def _connected(sheet: TomlFile, path: Key, row: dict[str, Any], state: Path) -> dict[str, Any]:
    """Check what goes for every server that we log in to, and settle its files and secrets in the directory."""
    if row["security"] == "none" and row["host"] and not plain.is_loopback(row["host"]):
        problem = f"the password would cross the network to {row['host']} readable by others"
        sheet.complain((*path, "security"), SettingsRule.CLEAR_TEXT, problem, 'write "tls" or "starttls".')
    ca_file = str(sheet.directory / row["ca_file"]) if row["ca_file"] else ""
    if ca_file and not _is_file(Path(ca_file)):
        sheet.complain(
            (*path, "ca_file"),
            SettingsRule.NO_FILE,
            f"there is no file {ca_file}",
            "put the CA's certificate there.",
        )
    kept = {name: _placed(sheet, (*path, name), row[name]) for name in ("password", "oauth_secret")}
    row = {**row, **kept, "ca_file": ca_file}
    return row if row["auth"] == "password" else _by_oauth(sheet, path, row, state)


def _by_oauth(sheet: TomlFile, path: Key, row: dict[str, Any], state: Path) -> dict[str, Any]:
    """Settle where the token is kept. Mailbox and post of one account share a token; no password is asked for."""
    if not row["oauth_client"]:
        hint = "register an application with the provider, and write its id (docs/oauth.md)."
        sheet.complain(
            (*path, "oauth_client"), SettingsRule.LOGIN, "there is no oauth_client to this auth", hint
        )
    name = re.sub(r"[^A-Za-z0-9@._+-]", "_", f"{row['auth']}-{row['username']}.json")
    token = sheet.directory / row["oauth_token"] if row["oauth_token"] else state / name
    return {**row, "password": Secret(), "oauth_token": str(token)}


def _state(ledger: LedgerSettings, directory: Path) -> Path:
    """Return where the daemon keeps what it must not lose: the ledger's directory, or what systemd gives it."""
    _, _, path = ledger.url.partition("sqlite:///")
    return Path(path).parent if path else Path(os.environ.get("STATE_DIRECTORY", str(directory)))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have, or a directory that may not be entered
        return False


def _placed(sheet: TomlFile, path: Key, secret: Secret) -> Secret:
    return replace(secret, directory=sheet.directory, key=dotted(path), line=sheet.lines.of(path))


def _ledger(sheet: TomlFile, row: dict[str, Any]) -> LedgerSettings:
    kept = {name: _placed(sheet, ("ledger", name), row[name]) for name in ("password", "key")}
    return LedgerSettings(**{**row, **kept, "url": _ledger_url(sheet, row["url"])})


def _ledger_url(sheet: TomlFile, url: str) -> str:
    """Return SQLAlchemy's address: our driver for PostgreSQL, an absolute path for SQLite."""
    path = ("ledger", "url")
    scheme, _, rest = url.partition("://")
    if scheme in {"postgresql", "postgres", _DRIVER} and rest:
        if _has_password(rest):
            hint = 'take it out of the url, and say where it is kept: password = "credential:ledger".'
            sheet.complain(path, SettingsRule.BARE, "a password must not stand in this file", hint)
        return f"{_DRIVER}://{rest}"
    if scheme in {"sqlite", "sqlite+pysqlite"} and rest.startswith("/") and rest[1:] not in {"", ":memory:"}:
        return f"sqlite:///{sheet.directory / rest[1:]}"
    hint = "write sqlite:////var/lib/followupd/ledger.db or postgresql://USER@HOST/DATABASE."
    sheet.complain(path, SettingsRule.LEDGER, "this is no place where a ledger can be kept", hint)
    return ""


def _has_password(rest: str) -> bool:
    who, at, _ = rest.partition("/")[0].rpartition("@")
    return (bool(at) and ":" in who) or re.search(r"[?&]password=", rest) is not None


def _recognise(sheet: TomlFile, row: dict[str, Any], currency: str) -> RecogniseSettings:
    if row["auto"] < _LOWEST_AUTO:
        hint = "write 0.90 or more: below it apologies would go out on a guess."
        sheet.complain(("recognise", "auto"), SettingsRule.SCORE, f"{row['auto']} is too low", hint)
    if row["ask"] > row["auto"]:
        sheet.complain(
            ("recognise", "ask"),
            SettingsRule.SCORE,
            f"{row['ask']} is above `auto`",
            "let it be from 0 to `auto`.",
        )
    return RecogniseSettings(
        **{**row, "large": counted(sheet, ("recognise", "large"), row["large"], currency)}
    )


def _each_once(sheet: TomlFile, table: str, key: str, rows: list[dict[str, Any]]) -> None:
    seen: dict[str, int] = {}
    for n, row in enumerate(rows):
        value = (row[key] or "").casefold()
        if value in seen:
            problem = f"{row[key]!r} is {table}[{seen[value]}]'s already"
            sheet.complain((table, n, key), SettingsRule.TWICE, problem, f"give each {table} its own {key}.")
        elif value:
            seen[value] = n
