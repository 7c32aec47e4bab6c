"""From the configuration directory to Settings: read every file, and report every problem at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from followupd.adapters.settings.models import (
    ConfigurationFile,
    GiftCardSettings,
    HoursTable,
    LedgerSettings,
    MailboxSettings,
    RecogniseSettings,
    Settings,
    SmtpSettings,
    WordingSettings,
)
from followupd.adapters.settings.playbooks import read_playbooks
from followupd.adapters.settings.rules import WARNINGS, InvalidValueError, SettingsRule
from followupd.adapters.settings.scalars import is_loopback
from followupd.adapters.settings.secrets import Secret
from followupd.adapters.settings.standards import currency
from followupd.adapters.settings.tags import read_folders, read_tags
from followupd.adapters.settings.toml_file import Table, TomlFile, open_toml, read
from followupd.adapters.settings.toml_lines import Path as Key
from followupd.adapters.settings.toml_lines import dotted
from followupd.domain.calendar import Calendar
from followupd.domain.team import Agent, Company, Team
from followupd.errors import Problem, SetupError

_DRIVER = "postgresql+psycopg"
#: below it, letters would be sent on a guess (docs/recognising.md)
_LOWEST_AUTO = 0.90
_DEFAULT_CURRENCY = "GBP"

_Table = TypeVar("_Table", bound=Table)
_Server = TypeVar("_Server", MailboxSettings, SmtpSettings)


def load(directory: Path, *, thorough: bool = True) -> Settings:
    """Read the configuration; the secrets need not exist yet.

    Without `thorough`, checks that need large libraries are skipped (phone numbers, next steps, holidays and such):
    for commands that only look at the ledger.

    Raises:
        SetupError: with every problem at once. Warnings alone (`WARNINGS`) do not raise.
    """
    settings, found = examine(directory, thorough=thorough)
    if settings is None:
        raise SetupError(found)
    return settings


def problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the TOML files, in the order of files and lines."""
    return examine(directory)[1]


def examine(directory: Path, *, thorough: bool = True) -> tuple[Settings | None, list[Problem]]:
    """Return the configuration, None if it cannot be used, and everything that is wrong with it."""
    settings, found = _read(directory.absolute(), thorough=thorough)
    is_usable = all(problem.rule in WARNINGS for problem in found)
    return (settings if is_usable else None), found


def missing_secrets(settings: Settings) -> list[Problem]:
    """Return a problem for each configured secret that cannot be read now."""
    return [problem for secret in settings.secrets if (problem := secret.problem())]


def _read(directory: Path, *, thorough: bool) -> tuple[Settings, list[Problem]]:
    file = open_toml(directory, "followupd.toml", missing=f"run `followupd init {directory}`.")
    context = {"directory": directory, "currency": _home_currency(file), "thorough": thorough}
    tables = read(file, ConfigurationFile, context)

    company = Company(**dict(tables.company))
    calendar = _calendar(file, company, tables.hours)
    for key in ("id", "email"):
        _check_unique(file, "agent", key, tables.agent)
    team = Team(tuple(Agent(**dict(row)) for row in tables.agent))

    ledger = _ledger(file, tables.ledger)
    state_directory = _state_directory(ledger, directory)
    mailboxes = _mailboxes(file, tables.mailbox, state_directory)
    smtp = _smtp(file, tables.smtp, state_directory)
    _check_provider(file, tables.gift_cards)
    _check_scores(file, tables.recognise)

    playbooks, playbook_problems = read_playbooks(directory, company, calendar, team, context)
    wording_file = open_toml(directory, "wording.toml", missing="")
    settings = Settings(
        directory=directory,
        company=company,
        mailboxes=mailboxes,
        smtp=smtp,
        ledger=ledger,
        calendar=calendar,
        team=team,
        compensation=tables.compensation,
        gift_cards=_with_located_secrets(file, ("gift_cards",), tables.gift_cards),
        recognise=tables.recognise,
        tags=read_tags(file, tables.tags),
        folders=read_folders(file, tables.folders, {mailbox.inbox for mailbox in mailboxes}),
        metrics=tables.metrics,
        wording=read(wording_file, WordingSettings, context),
        playbooks=playbooks,
    )
    exposed = [warning for secret in settings.secrets if (warning := secret.exposure())]
    others = playbook_problems + wording_file.problems
    return settings, [*sorted(file.problems + exposed, key=_place), *sorted(others, key=_place)]


def _place(problem: Problem) -> tuple[str, int, str]:
    return problem.file, problem.line or 0, problem.key or ""


def _home_currency(file: TomlFile) -> str:
    """Return the company's currency, in which amounts are read; the default if it is invalid."""
    company = file.data.get("company")
    code = company.get("currency") if isinstance(company, dict) else None
    try:
        return currency(code) if isinstance(code, str) else _DEFAULT_CURRENCY
    except InvalidValueError:
        return _DEFAULT_CURRENCY


def _check_unique(file: TomlFile, table: str, key: str, rows: tuple[Table, ...]) -> None:
    """Report a name that two tables share; an invalid name has its own problem, and is passed over."""
    first: dict[str, int] = {}
    for n, row in enumerate(rows):
        path = (table, n, key)
        value = getattr(row, key)
        if file.has_problem(path):
            continue
        taken_by = first.setdefault(value.casefold(), n)
        if taken_by != n:
            problem = f"{value!r} is already used by {table}[{taken_by}]"
            file.add_problem(path, SettingsRule.TWICE, problem, f"give each {table} its own {key}.")


def _calendar(file: TomlFile, company: Company, hours: HoursTable) -> Calendar:
    """Return the calendar; if the hours contradict each other, the default one, to check the rest with."""
    try:
        return Calendar(timezone=company.timezone, **dict(hours))
    except ValueError as error:
        file.add_problem(("hours",), SettingsRule.HOURS, str(error), "`open` must be earlier than `close`.")
        return Calendar(timezone=company.timezone)


# --- servers ----------------------------------------------------------------------------------------------------------


def _mailboxes(
    file: TomlFile, rows: tuple[MailboxSettings, ...], state_directory: Path
) -> tuple[MailboxSettings, ...]:
    for key in ("name", "address"):
        _check_unique(file, "mailbox", key, rows)
    return tuple(_server(file, ("mailbox", n), row, state_directory) for n, row in enumerate(rows))


def _smtp(file: TomlFile, table: SmtpSettings, state_directory: Path) -> SmtpSettings:
    _check_login(file, table)
    return _server(file, ("smtp",), table, state_directory)


def _check_login(file: TomlFile, smtp: SmtpSettings) -> None:
    """Report a user name without a password and the reverse; OAuth needs a user name and no password."""
    has_name, has_password = bool(smtp.username), smtp.password.given
    if smtp.auth != "password":
        if not has_name:
            problem = "there is no username to log in with"
            file.add_problem(("smtp", "auth"), SettingsRule.LOGIN, problem, "add smtp.username.")
    elif has_name != has_password and not file.has_problem(("smtp", "password")):
        present, absent = ("username", "password") if has_name else ("password", "username")
        problem = f"there is a {present} and no {absent}"
        file.add_problem(("smtp", present), SettingsRule.LOGIN, problem, f"add smtp.{absent}.")


def _server(file: TomlFile, path: Key, table: _Server, state_directory: Path) -> _Server:
    """Check what holds for every server with a login, and settle where its secrets and its token are."""
    if table.security == "none" and not is_loopback(table.host) and not file.has_problem((*path, "host")):
        problem = f"the password would cross the network to {table.host} unencrypted"
        hint = 'write "tls" or "starttls".'
        file.add_problem((*path, "security"), SettingsRule.CLEAR_TEXT, problem, hint)
    table = _with_located_secrets(file, path, table)
    if table.auth == "password":
        return table
    if not table.oauth_client:
        hint = "register an application with the provider, and write its id (docs/oauth.md)."
        problem = "there is no oauth_client for this auth"
        file.add_problem((*path, "oauth_client"), SettingsRule.LOGIN, problem, hint)
    token = _token_file(file.directory, table, state_directory)
    return table.model_copy(update={"password": Secret(), "oauth_token": str(token)})


def _token_file(directory: Path, table: MailboxSettings | SmtpSettings, state_directory: Path) -> Path:
    """Return where an OAuth token is stored. Mailbox and SMTP server of one account share a token."""
    if table.oauth_token:
        return directory / table.oauth_token
    return state_directory / re.sub(r"[^A-Za-z0-9@._+-]", "_", f"{table.auth}-{table.username}.json")


def _with_located_secrets(file: TomlFile, path: Key, table: _Table) -> _Table:
    """Return a table whose secrets know their key and line, for the problem if one cannot be read."""
    located = {}
    for name, value in table:
        if isinstance(value, Secret):
            key = (*path, name)
            located[name] = replace(value, directory=file.directory, key=dotted(key), line=file.lines.of(key))
    return table.model_copy(update=located)


# --- the ledger -------------------------------------------------------------------------------------------------------


def _ledger(file: TomlFile, table: LedgerSettings) -> LedgerSettings:
    located = _with_located_secrets(file, ("ledger",), table)
    return located.model_copy(update={"url": _ledger_url(file, table.url)})


def _ledger_url(file: TomlFile, url: str) -> str:
    """Return SQLAlchemy's URL: psycopg for PostgreSQL, an absolute path for SQLite."""
    path = ("ledger", "url")
    scheme, _, rest = url.partition("://")
    if scheme in {"postgresql", "postgres", _DRIVER} and rest:
        if _has_password(rest):
            hint = 'take it out of the url, and say where it is stored: password = "credential:ledger".'
            file.add_problem(path, SettingsRule.BARE, "a password must not be in this file", hint)
        return f"{_DRIVER}://{rest}"
    if scheme in {"sqlite", "sqlite+pysqlite"} and _is_database_file(rest):
        return f"sqlite:///{file.directory / rest[1:]}"
    hint = "write sqlite:////var/lib/followupd/ledger.db or postgresql://USER@HOST/DATABASE."
    file.add_problem(path, SettingsRule.LEDGER, "this is not the address of a supported database", hint)
    return ""


def _is_database_file(rest: str) -> bool:
    return rest.startswith("/") and rest[1:] not in {"", ":memory:"}


def _has_password(rest: str) -> bool:
    user, at, _ = rest.partition("/")[0].rpartition("@")
    in_user = bool(at) and ":" in user
    return in_user or re.search(r"[?&]password=", rest) is not None


def _state_directory(ledger: LedgerSettings, directory: Path) -> Path:
    """Return where the daemon stores files: the ledger's directory, or the one that systemd provides."""
    _, _, path = ledger.url.partition("sqlite:///")
    return Path(path).parent if path else Path(os.environ.get("STATE_DIRECTORY", str(directory)))


# --- other tables -----------------------------------------------------------------------------------------------------


def _check_provider(file: TomlFile, table: GiftCardSettings) -> None:
    """Check that a provider over HTTP has an encrypted address and a token."""
    given: Mapping[str, Any] = file.data.get("gift_cards", {})
    if table.provider == "http":
        for key in ("url", "token"):
            if not given.get(key):  # an invalid one has a problem of its own
                problem = f'provider = "http" needs a {key}'
                hint = f"add gift_cards.{key}."
                file.add_problem(("gift_cards", "provider"), SettingsRule.MISSING, problem, hint)
    parts = urlsplit(table.url)
    name = parts.hostname or ""
    if table.provider == "http" and parts.scheme == "http" and not is_loopback(name):
        problem = f"the token and the codes would cross the network to {name} unencrypted"
        file.add_problem(("gift_cards", "url"), SettingsRule.CLEAR_TEXT, problem, "write https://.")


def _check_scores(file: TomlFile, table: RecogniseSettings) -> None:
    if table.auto < _LOWEST_AUTO:
        hint = "write 0.90 or more: below it apologies would be sent on a guess."
        file.add_problem(("recognise", "auto"), SettingsRule.SCORE, f"{table.auto} is too low", hint)
    if table.ask > table.auto:
        problem = f"{table.ask} is above `auto`"
        hint = "write a number from 0 to `auto`."
        file.add_problem(("recognise", "ask"), SettingsRule.SCORE, problem, hint)
