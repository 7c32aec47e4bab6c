"""From the configuration directory to Settings: read every file, and report every problem at once."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from followupd.adapters.settings.models import (
    AgentTable,
    BrandTable,
    CompanyTable,
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
from followupd.adapters.settings.rules import WARNINGS, InvalidValueError, SettingsRule, did_you_mean
from followupd.adapters.settings.scalars import is_loopback, tag_name
from followupd.adapters.settings.secrets import Secret
from followupd.adapters.settings.standards import currency
from followupd.adapters.settings.tags import read_folders, read_tags
from followupd.adapters.settings.toml_file import Key, Table, TomlFile, dotted, open_toml, read
from followupd.domain.calendar import Calendar
from followupd.domain.playbook import Agent, Company, Helper, Playbooks, Team
from followupd.errors import Problem, SetupError

_DRIVER = "postgresql+psycopg"
_POSTGRESQL = re.compile(r"(?:postgresql|postgres|postgresql\+psycopg)://(?P<address>.+)", re.DOTALL)
_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?P<file>(?!:memory:$).+)", re.DOTALL)
#: a password in the user's part of an address, or as a parameter
_PASSWORD = re.compile(r"^[^/]*:[^/]*@|[?&]password=")
#: below it, letters would be sent on a guess (docs/recognising.md)
_LOWEST_AUTO = 0.90
#: what stands for several tenants at Microsoft
_NO_TENANTS = frozenset({"common", "organizations", "consumers"})
#: what followupd itself says in an order of a gift card
_KEYS_OF_AN_ORDER = frozenset({"external_id", "reward.value", "reward.delivery.method"})
_DEFAULT_CURRENCY = "GBP"
#: the ports of IMAP and SMTP (RFC 8314) that belong to one kind of encryption
_USUAL_SECURITY = {993: "tls", 143: "starttls", 587: "starttls", 465: "tls"}
#: what the starter has in place of what only the admin knows; example domains are nobody's (RFC 2606)
_STARTER_NAME = "Example Ltd"
_EXAMPLE_HOST = re.compile(r"(?:^|[@.])example\.(?:com|net|org)$", re.IGNORECASE)
#: numbers that are kept free for films and books, by Ofcom and the North American Numbering Plan
_EXAMPLE_PHONE = re.compile(r"44(?:0)?2079460\d{3}|1\d{3}55501\d\d")
_PLACES = ("address", "host", "username", "from_address", "email", "lead", "admin")

_Table = TypeVar("_Table", bound=Table)
_Server = TypeVar("_Server", MailboxSettings, SmtpSettings)


def load(directory: Path) -> Settings:
    """Read the configuration; the secrets need not exist yet.

    Raises:
        SetupError: with every problem at once. Warnings alone (`WARNINGS`) do not raise.
    """
    settings, found = examine(directory)
    if settings is None:
        raise SetupError(found)
    return settings


def problems(directory: Path) -> list[Problem]:
    """Return everything that is wrong with the TOML files, in the order of files and lines."""
    _, found = examine(directory)
    return found


def examine(directory: Path) -> tuple[Settings | None, list[Problem]]:
    """Return the configuration, None if it cannot be used, and everything that is wrong with it.

    Args:
        directory: the directory of the configuration; what is missing in it is a problem like any other.

    Returns:
        The settings, which warnings do not keep from being used, and errors and warnings alike.
    """
    settings, found = _read(directory.absolute())
    errors = [problem for problem in found if problem.rule not in WARNINGS]
    usable = None if errors else settings
    return usable, found


def missing_secrets(settings: Settings) -> list[Problem]:
    """Return a problem for each configured secret that cannot be read now."""
    return [problem for secret in settings.secrets if (problem := secret.problem())]


def line_of(directory: Path, key: str, file: str = "followupd.toml") -> int | None:
    """Return the line of a key in a file, or of the table around it; None if neither is there.

    Args:
        directory: the configuration directory.
        key: its path, such as "mailbox[0].sent".
        file: its name in the directory.
    """
    parts = re.findall(r"[^.\[\]]+", key)
    path = tuple(int(part) if part.isdigit() else part for part in parts)
    return open_toml(directory, file, missing="").lines.of(path)


def starter_values(directory: Path) -> list[Problem]:
    """Return a problem for each value that is still the starter's, with which strangers would get mail.

    Args:
        directory: the configuration directory; what is wrong otherwise is found by `examine`.
    """
    file = open_toml(directory, "followupd.toml", missing="")
    for table, rows in file.data.items():
        for n, row in enumerate(rows if isinstance(rows, list) else [rows]):
            path = (table, n) if isinstance(rows, list) else (table,)
            _check_examples(file, path, row if isinstance(row, dict) else {})
    return file.problems


def _check_examples(file: TomlFile, path: Key, row: Mapping[str, Any]) -> None:
    """Report the starter's values in one table of followupd.toml.

    Args:
        file: followupd.toml.
        path: the path of the table in it.
        row: the table.
    """
    hint = "write your own."
    for key, value in row.items():
        text = str(value)
        digits = re.sub(r"\D", "", text)
        is_example = (
            (key in _PLACES and _EXAMPLE_HOST.search(text))
            or (key == "phone" and _EXAMPLE_PHONE.fullmatch(digits))
            or ((*path, key) == ("company", "name") and text == _STARTER_NAME)
        )
        problem = f"{text!r} is still the example of the starter"
        file.require(not is_example, (*path, key), SettingsRule.STARTER, problem, hint)


def _read(directory: Path) -> tuple[Settings, list[Problem]]:
    """Read the configuration, and report what is wrong.

    Invalid values are replaced by their defaults.
    """
    file = open_toml(directory, "followupd.toml", missing=f"run `followupd init {directory}`.")
    context = {"directory": directory, "currency": _home_currency(file)}
    brand_files = _brand_files(file)
    tables = read(file, ConfigurationFile, context)

    company = Company(**dict(tables.company), vars=tuple(tables.vars.items()))
    brands = {name: _brand(part, name, company, context) for name, part in brand_files.items()}
    _check_brands(file, tables.mailbox, brands)
    calendar = _calendar(file, company, tables.hours)
    for key in ("id", "email"):
        _check_unique(file, "agent", key, tables.agent)
    _check_deputies(file, tables.agent)
    _check_unique(file, "helper", "id", tables.helper)
    team = Team(
        tuple(Agent(**dict(row)) for row in tables.agent),
        helpers=tuple(Helper(**dict(row)) for row in tables.helper),
    )

    ledger = _ledger(file, tables.ledger)
    state_directory = _state_directory(ledger, directory)
    mailboxes = _mailboxes(file, tables.mailbox, state_directory)
    smtp = _smtp(file, tables.smtp, state_directory)
    _check_forms(file, tables)
    _check_agents_addresses(file, tables)
    _check_from_address(file, tables)
    _check_provider(file, tables.gift_cards)
    _check_scores(file, tables.recognise)

    playbooks, playbook_problems = _playbooks(directory, company, calendar, team, brands, mailboxes)
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
        report=tables.report,
        metrics=tables.metrics,
        wording=read(wording_file, WordingSettings, context),
        playbooks=playbooks,
        brands=brands,
    )
    _check_shared_secrets(file, settings)
    own_problems = file.problems + _exposed_secrets(settings) + _open_metrics(settings)
    other_problems = playbook_problems + wording_file.problems
    return settings, [*sorted(own_problems, key=_place), *sorted(other_problems, key=_place)]


# --- brands -------------------------------------------------------------------------------------------------


def _brand_files(file: TomlFile) -> dict[str, TomlFile]:
    """Take the tables [company.NAME] out of the file, and return them by their names."""
    company = file.data.get("company")
    tables = company if isinstance(company, dict) else {}
    names = [
        name
        for name, value in tables.items()
        if isinstance(value, dict) and name not in CompanyTable.model_fields
    ]
    return {name: file.cut(("company", name)) for name in names}


def _brand(part: TomlFile, name: str, company: Company, context: Mapping[str, Any]) -> Company:
    """Return the company of a table [company.NAME]; what it leaves out is as in [company].

    Args:
        part: the table.
        name: its name.
        company: the company of the table [company].
        context: what validators may ask for.
    """
    table = read(part, BrandTable, context)
    try:
        tag_name(name)
    except InvalidValueError as error:
        part.add_problem((), error.rule, error.problem, error.hint)
    return Company(
        id=name,
        name=table.name,
        timezone=company.timezone,
        locale=table.locale or company.locale,
        currency=table.currency or company.currency,
        vars=tuple({**dict(company.vars), **table.vars}.items()),
    )


def _check_brands(
    file: TomlFile, mailboxes: tuple[MailboxSettings, ...], brands: Mapping[str, Company]
) -> None:
    """Report mailboxes of a company that does not exist, and companies without a mailbox.

    Args:
        file: followupd.toml.
        mailboxes: those of the configuration.
        brands: the companies by the names of their tables.
    """
    for n, mailbox in enumerate(mailboxes):
        known = f"the tables are: {', '.join(brands)}." if brands else "write [company.NAME] with its `name`."
        hint = did_you_mean(mailbox.company, list(brands), known)
        problem = f"there is no table [company.{mailbox.company}]"
        is_known = mailbox.company in {"", *brands}
        file.require(is_known, ("mailbox", n, "company"), SettingsRule.NO_BRAND, problem, hint)

    named = {mailbox.company for mailbox in mailboxes}
    for name in brands:
        problem = f"no mailbox belongs to [company.{name}]"
        hint = f'write company = "{name}" below its [[mailbox]].'
        file.require(name in named, ("company", name), SettingsRule.NO_BRAND, problem, hint)


def _playbooks(
    directory: Path,
    company: Company,
    calendar: Calendar,
    team: Team,
    brands: Mapping[str, Company],
    mailboxes: tuple[MailboxSettings, ...],
) -> tuple[Playbooks, list[Problem]]:
    """Return the playbooks of all companies, and everything that is wrong with them.

    Args:
        directory: the configuration directory.
        company: of [company].
        calendar: of all companies.
        team: of all companies.
        brands: the other companies by name.
        mailboxes: those that may belong to them.
    """
    shared, problems = read_playbooks(directory, company, calendar, team)
    own: dict[str, Playbooks] = {}
    for name, brand in brands.items():
        found, wrong = read_playbooks(directory, brand, calendar, team, shared)
        own[name] = found
        problems = [*problems, *wrong]
    of_mailbox = {mailbox.name: own[mailbox.company] for mailbox in mailboxes if mailbox.company in own}
    return Playbooks(shared, of_mailbox), problems


def _exposed_secrets(settings: Settings) -> list[Problem]:
    """Return a warning for each secret's file that other users can read."""
    warnings = [secret.exposure() for secret in settings.secrets]
    return list(filter(None, warnings))


def _open_metrics(settings: Settings) -> list[Problem]:
    """Return a warning if another machine may ask for the metrics, which need no password."""
    listen = settings.metrics.listen
    if listen is None or is_loopback(listen[0]):
        return []
    problem = f"every machine that reaches {listen[0]} can read the metrics, without a password"
    hint = 'listen on "127.0.0.1:9099", or let a firewall or a proxy decide who may ask.'
    return [Problem("followupd.toml", None, "metrics.listen", SettingsRule.OPEN, problem, hint)]


def _check_shared_secrets(file: TomlFile, settings: Settings) -> None:
    """Warn of a password that a second account, with another user name, takes from the first one's place."""
    servers: list[tuple[Key, MailboxSettings | SmtpSettings]] = [
        (("mailbox", n), mailbox) for n, mailbox in enumerate(settings.mailboxes)
    ]
    servers.append((("smtp",), settings.smtp))
    accounts: dict[str, str] = {}
    for path, server in servers:
        place = server.password.place
        first = accounts.setdefault(place, server.username)
        problem = f"{server.username} has the same password as {first}: {place}"
        hint = "give each account a secret of its own, such as credential:imap-returns."
        is_own = not place or first == server.username
        file.require(is_own, (*path, "password"), SettingsRule.SHARED, problem, hint)


def _place(problem: Problem) -> tuple[str, int, str]:
    """Return what problems are sorted by: file, line and key."""
    line = problem.line or 0
    key = problem.key or ""
    return problem.file, line, key


def _home_currency(file: TomlFile) -> str:
    """Return the company's currency, in which amounts are read; the default if it is absent or invalid."""
    company = file.data.get("company")
    code = company.get("currency", _DEFAULT_CURRENCY) if isinstance(company, dict) else _DEFAULT_CURRENCY
    try:
        return currency(str(code))
    except InvalidValueError:
        return _DEFAULT_CURRENCY


def _check_unique(file: TomlFile, table: str, key: str, rows: tuple[Table, ...]) -> None:
    """Report a name that two tables share.

    Args:
        file: the file of the tables.
        table: the name of the array, such as "agent".
        key: the key whose values must differ; case does not count.
        rows: the tables.
    """
    first: dict[str, int] = {}
    for n, row in enumerate(rows):
        path = (table, n, key)
        value = str(getattr(row, key))
        if file.has_problem(path):  # the example has taken the place of an invalid name
            continue
        used_by = first.setdefault(value.casefold(), n)
        problem = f"{value!r} is already used by {table}[{used_by}]"
        hint = f"give each {table} its own {key}."
        file.require(used_by == n, path, SettingsRule.TWICE, problem, hint)


def _check_deputies(file: TomlFile, rows: tuple[AgentTable, ...]) -> None:
    """Report deputies who are no agents, or the same person; "" is no deputy."""
    known = [row.id for row in rows]
    for n, row in enumerate(rows):
        others = [other for other in known if other != row.id]
        hint = f"write the id of another agent: {', '.join(others)}."
        problem = f"{row.deputy!r} is not another agent"
        is_valid = row.deputy in {"", *others}
        file.require(is_valid, ("agent", n, "deputy"), SettingsRule.NOBODY, problem, hint)


def _check_forms(file: TomlFile, tables: ConfigurationFile) -> None:
    """Report web forms with an address of ours: its mail is our own or an agent's, and never a customer's."""
    agents = {agent.email.lower() for agent in tables.agent}
    taken = _received_addresses(tables) | agents | {tables.smtp.from_address.lower()}

    for n, mailbox in enumerate(tables.mailbox):
        for position, form in enumerate(mailbox.forms):
            problem = f"{form!r} is the address of a mailbox or an agent, and of no form"
            hint = (
                "let the form write from an address of its own, such as forms@example.com, and name that one."
            )
            path = ("mailbox", n, "forms", position)
            file.require(form.lower() not in taken, path, SettingsRule.TWICE, problem, hint)


def _received_addresses(tables: ConfigurationFile) -> set[str]:
    """Return every address whose mail arrives in a mailbox, in lower case."""
    return {address.lower() for mailbox in tables.mailbox for address in (mailbox.address, *mailbox.aliases)}


def _check_agents_addresses(file: TomlFile, tables: ConfigurationFile) -> None:
    """Report agents with an address of a mailbox: what they answer would be taken as a customer's words."""
    own = (_received_addresses(tables) | {tables.smtp.from_address.lower()}) - {""}
    for n, agent in enumerate(tables.agent):
        problem = (
            f"{agent.email!r} is the address of a mailbox, and what {agent.name} writes would count as ours"
        )
        hint = "name an address that only this person reads and writes from."
        is_free = agent.email.lower() not in own
        file.require(is_free, ("agent", n, "email"), SettingsRule.TWICE, problem, hint)


def _check_from_address(file: TomlFile, tables: ConfigurationFile) -> None:
    """Report letters from an address that is neither a mailbox's nor an alias of one."""
    address = tables.smtp.from_address
    problem = f"no mailbox receives {address!r}, so that customers' answers to letters would not be read"
    hint = 'name the address of a mailbox or one of its `aliases`; "" is the mailbox\'s own.'
    is_read = not address or address.lower() in _received_addresses(tables)
    file.require(is_read, ("smtp", "from_address"), SettingsRule.UNHEARD, problem, hint)


def _calendar(file: TomlFile, company: Company, hours: HoursTable) -> Calendar:
    """Return the calendar; if the hours contradict each other, the default one, to check the rest with."""
    try:
        return Calendar(timezone=company.timezone, **dict(hours))
    except ValueError as error:
        file.add_problem(("hours",), SettingsRule.HOURS, str(error), "`open` must be earlier than `close`.")
        return Calendar(timezone=company.timezone)


# --- servers ------------------------------------------------------------------------------------------------


def _mailboxes(
    file: TomlFile, rows: tuple[MailboxSettings, ...], state_directory: Path
) -> tuple[MailboxSettings, ...]:
    """Return the mailboxes with their secrets located; two of one name or address are reported.

    Args:
        file: in which problems are reported.
        rows: the tables [[mailbox]], in their order.
        state_directory: where a token is stored if the table does not say.
    """
    for key in ("name", "address"):
        _check_unique(file, "mailbox", key, rows)
    through = [_door(file, ("mailbox", n), row) for n, row in enumerate(rows)]
    return tuple(_server(file, ("mailbox", n), row, state_directory) for n, row in enumerate(through))


def _door(file: TomlFile, path: Key, table: MailboxSettings) -> MailboxSettings:
    """Check what Microsoft Graph needs, and return the mailbox with the port that it has where none is written.

    Args:
        file: followupd.toml.
        path: the path of the table in it.
        table: the table as it was read.
    """
    host = table.host.casefold()
    if table.door == "imap":
        problem, hint = f"{table.host} speaks no IMAP", 'write door = "graph" (docs/graph.md).'
        file.require(
            not host.startswith("graph.microsoft."), (*path, "host"), SettingsRule.HOST, problem, hint
        )
        return table

    problem = "Microsoft Graph takes no passwords"
    hint = 'write auth = "oauth-microsoft", with oauth_client and oauth_tenant (docs/graph.md).'
    file.require(table.auth == "oauth-microsoft", (*path, "door"), SettingsRule.LOGIN, problem, hint)
    problem, hint = f"{table.host} is a server of IMAP", 'write host = "graph.microsoft.com".'
    is_other = not host.startswith(("outlook.", "imap.")) or file.has_problem((*path, "host"))
    file.require(is_other, (*path, "host"), SettingsRule.HOST, problem, hint)
    problem, hint = "Microsoft Graph speaks HTTP, which has no STARTTLS", 'write "tls", or take it out.'
    file.require(table.security != "starttls", (*path, "security"), SettingsRule.TYPE, problem, hint)
    is_given = file.lines.of((*path, "port")) != file.lines.of(path)
    return table if is_given else table.model_copy(update={"port": 443})


def _smtp(file: TomlFile, table: SmtpSettings, state_directory: Path) -> SmtpSettings:
    _check_login(file, table)
    return _server(file, ("smtp",), table, state_directory)


def _check_login(file: TomlFile, smtp: SmtpSettings) -> None:
    """Report a user name without a password and the reverse; OAuth needs a user name alone."""
    has_name = bool(smtp.username)
    has_password = smtp.password.given
    if smtp.auth != "password":
        problem = "there is no username to log in with"
        file.require(has_name, ("smtp", "auth"), SettingsRule.LOGIN, problem, "add smtp.username.")
        return

    is_complete = has_name == has_password or file.has_problem(("smtp", "password"))
    present, absent = ("username", "password") if has_name else ("password", "username")
    problem = f"there is a {present} and no {absent}"
    file.require(is_complete, ("smtp", present), SettingsRule.LOGIN, problem, f"add smtp.{absent}.")


def _server(file: TomlFile, path: Key, table: _Server, state_directory: Path) -> _Server:
    """Check what holds for every server with a login, and settle where its secrets and its token are.

    Args:
        file: followupd.toml.
        path: the path of the table in it.
        table: the table as it was read.
        state_directory: where a token is stored if the table does not say.
    """
    is_private = table.security != "none" or is_loopback(table.host) or file.has_problem((*path, "host"))
    problem = f"the password would cross the network to {table.host} unencrypted"
    hint = 'write "tls" or "starttls".'
    file.require(is_private, (*path, "security"), SettingsRule.CLEAR_TEXT, problem, hint)
    _check_port(file, path, table)

    table = _with_located_secrets(file, path, table)
    _check_application(file, path, table)
    if table.auth == "password":
        return table
    problem = "there is no oauth_client for this auth"
    hint = "register an application with the provider, and write its id (docs/oauth.md)."
    needs_client = (table.auth, table.oauth_grant) != ("oauth-google", "application")
    has_client = table.oauth_client or not needs_client
    file.require(has_client, (*path, "oauth_client"), SettingsRule.LOGIN, problem, hint)
    token = _token_file(file.directory, table, state_directory)
    return table.model_copy(update={"password": Secret(), "oauth_token": str(token)})


def _check_application(file: TomlFile, path: Key, table: MailboxSettings | SmtpSettings) -> None:
    """Report what an application needs that logs in by itself, and a day that is none.

    Args:
        file: followupd.toml.
        path: the path of the table in it.
        table: the table as it was read.
    """
    hint = 'write the day as "2027-11-30", or take it out.'
    problem = f"{table.oauth_until!r} is no day"
    is_day = not table.oauth_until or _is_day(table.oauth_until)
    file.require(is_day, (*path, "oauth_until"), SettingsRule.TYPE, problem, hint)
    if table.oauth_grant != "application":
        return

    grant = (*path, "oauth_grant")
    problem, hint = "only OAuth has applications", 'write auth = "oauth-microsoft" or "oauth-google".'
    file.require(table.auth != "password", grant, SettingsRule.LOGIN, problem, hint)
    problem, hint = "an application needs its secret", "add oauth_secret (docs/oauth.md)."
    has_secret = table.oauth_secret.given or file.has_problem((*path, "oauth_secret"))
    file.require(has_secret, grant, SettingsRule.LOGIN, problem, hint)
    is_tenant = table.auth != "oauth-microsoft" or table.oauth_tenant not in _NO_TENANTS
    problem = f"an application belongs to one tenant, and {table.oauth_tenant!r} is none"
    hint = "write the tenant's id or domain as oauth_tenant."
    file.require(is_tenant, grant, SettingsRule.LOGIN, problem, hint)


def _is_day(text: str) -> bool:
    """Return whether a text is a day as "2027-11-30"."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _check_port(file: TomlFile, path: Key, table: MailboxSettings | SmtpSettings) -> None:
    """Report a well-known port of the other kind of encryption, at which a connection would hang or fail.

    Args:
        file: followupd.toml.
        path: the path of the table in it.
        table: the table as it was read.
    """
    usual = _USUAL_SECURITY.get(table.port, table.security)
    ports = [port for port, security in _USUAL_SECURITY.items() if security == table.security]
    port = ports[0 if path[0] == "mailbox" else -1] if ports else table.port
    problem = f"port {table.port} is for security = {usual!r}, not {table.security!r}"
    hint = f'write security = "{usual}", or port = {port}.'
    is_possible = table.security in {"none", usual}
    is_default = file.lines.of((*path, "port")) == file.lines.of(path)
    key = "security" if is_default else "port"
    file.require(is_possible, (*path, key), SettingsRule.PORT, problem, hint)


def _token_file(directory: Path, table: MailboxSettings | SmtpSettings, state_directory: Path) -> Path:
    """Return where an OAuth token is stored.

    Mailbox and SMTP server of one account share a token, but one for Microsoft Graph is good for nothing else.
    """
    if table.oauth_token:
        return directory / table.oauth_token
    door = "-graph" if isinstance(table, MailboxSettings) and table.door == "graph" else ""
    name = f"{table.auth}{door}-{table.username}.json"
    safe_name = re.sub(r"[^A-Za-z0-9@._+-]", "_", name)
    return state_directory / safe_name


def _with_located_secrets(file: TomlFile, path: Key, table: _Table) -> _Table:
    """Return a table whose secrets know their key and line, for the problem if one cannot be read."""
    located: dict[str, Secret] = {}
    for name, value in table:
        if isinstance(value, Secret):
            key = (*path, name)
            line = file.lines.of(key)
            located[name] = replace(value, directory=file.directory, key=dotted(key), line=line)
    return table.model_copy(update=located)


# --- the ledger ---------------------------------------------------------------------------------------------


def _ledger(file: TomlFile, table: LedgerSettings) -> LedgerSettings:
    located = _with_located_secrets(file, ("ledger",), table)
    return located.model_copy(update={"url": _ledger_url(file, table.url)})


def ledger_address(url: str, directory: Path) -> str:
    """Return SQLAlchemy's URL for an address of a ledger that a person has typed.

    Raises:
        SetupError: it is not the address of a supported database.
    """
    file = TomlFile(directory.absolute(), "--to")
    found = _ledger_url(file, url)
    if file.problems:
        raise SetupError(file.problems)
    return found


def _ledger_url(file: TomlFile, url: str) -> str:
    """Return SQLAlchemy's URL: psycopg for PostgreSQL, an absolute path for SQLite; "" for anything else."""
    path = ("ledger", "url")
    if postgresql := _POSTGRESQL.fullmatch(url):
        address = postgresql["address"]
        problem = "a password must not be in this file"
        hint = 'take it out of the url, and say where it is stored: password = "credential:ledger".'
        file.require(not _PASSWORD.search(address), path, SettingsRule.BARE, problem, hint)
        return f"{_DRIVER}://{address}"

    sqlite = _SQLITE.fullmatch(url)
    problem = "this is not the address of a supported database"
    hint = "write sqlite:////var/lib/followupd/ledger.db or postgresql://USER@HOST/DATABASE."
    file.require(sqlite, path, SettingsRule.LEDGER, problem, hint)
    return f"sqlite:///{file.directory / sqlite['file']}" if sqlite else ""


def _state_directory(ledger: LedgerSettings, directory: Path) -> Path:
    """Return where the daemon stores files: the ledger's directory, or the one that systemd provides."""
    _, _, path = ledger.url.partition("sqlite:///")
    if path:
        return Path(path).parent
    return Path(os.environ.get("STATE_DIRECTORY", str(directory)))


# --- other tables -------------------------------------------------------------------------------------------


def _check_provider(file: TomlFile, table: GiftCardSettings) -> None:
    """Check that a provider over HTTP has an encrypted address and a token."""
    _check_order(file, table.order)
    if table.provider != "http":
        return
    given: Mapping[str, Any] = file.data.get("gift_cards", {})
    provider = ("gift_cards", "provider")
    for key in ("url", "token"):  # an invalid one is given, and is reported separately
        problem = f'provider = "http" needs a {key}'
        file.require(given.get(key), provider, SettingsRule.MISSING, problem, f"add gift_cards.{key}.")

    parts = urlsplit(table.url)
    name = parts.hostname or ""
    is_private = parts.scheme != "http" or is_loopback(name)
    problem = f"the token and the codes would cross the network to {name} unencrypted"
    file.require(is_private, ("gift_cards", "url"), SettingsRule.CLEAR_TEXT, problem, "write https://.")


def _check_order(file: TomlFile, order: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
    """Check that what is merged into orders replaces nothing of ours, and is something that JSON has.

    Args:
        file: followupd.toml, to which problems are added.
        order: the table [gift_cards.order], or one in it.
        path: the keys that lead to that one.
    """
    for key, value in order.items():
        place = (*path, str(key))
        name = ".".join(place)
        problem, hint = f"{name} is set for each order by followupd", "take it out."
        at = ("gift_cards", "order", *place)
        file.require(name not in _KEYS_OF_AN_ORDER, at, SettingsRule.UNKNOWN, problem, hint)
        problem, hint = f"{value!r} cannot be sent as JSON", "write a text, a number, true, false or a list."
        file.require(not isinstance(value, date | time), at, SettingsRule.TYPE, problem, hint)
        if isinstance(value, Mapping):
            _check_order(file, value, place)
        elif name == "reward":
            file.require(
                False, at, SettingsRule.TYPE, f"{name} is no table", "write [gift_cards.order.reward]."
            )


def _check_scores(file: TomlFile, table: RecogniseSettings) -> None:
    """Check that no letter is sent on a guess, and that the range of suspected mails is not negative."""
    hint = "write 0.90 or more: below it apologies would be sent on a guess."
    problem = f"{table.auto} is too low"
    file.require(table.auto >= _LOWEST_AUTO, ("recognise", "auto"), SettingsRule.SCORE, problem, hint)
    problem = f"{table.ask} is above `auto`"
    hint = "write a number from 0 to `auto`."
    file.require(table.ask <= table.auto, ("recognise", "ask"), SettingsRule.SCORE, problem, hint)
