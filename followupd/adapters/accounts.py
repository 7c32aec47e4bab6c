"""From settings to the accounts that the mail adapters log in with, by password or by OAuth."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

from followupd import clock
from followupd.adapters.crypto import Vault, keys_of, weakness
from followupd.adapters.graph.mailbox import GraphMailbox
from followupd.adapters.imap.client import Account
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth import Application, ApplicationLogin, Login
from followupd.adapters.settings import MailboxSettings, Settings, SmtpSettings
from followupd.adapters.smtp.connection import SmtpAccount
from followupd.adapters.smtp.transport import SmtpTransport
from followupd.adapters.storage import STATE_DIRECTORY
from followupd.domain.calendar import is_never
from followupd.errors import Problem, SetupError

#: the name of the login of [smtp]
SMTP = "smtp"
#: how the address of a ledger in a file begins
_SQLITE = "sqlite:///"

_Server = MailboxSettings | SmtpSettings
#: one mailbox by either door
Mailbox: TypeAlias = ImapMailbox | GraphMailbox


def mailbox_of(settings: MailboxSettings) -> Mailbox:
    """Return a new connection to a mailbox, over IMAP or Microsoft Graph, not open yet.

    Raises:
        SetupError: the mailbox needs OAuth and the extra is not installed.
    """
    account = Account(
        name=settings.name,
        token=_token(settings, settings.name),
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=settings.password.reveal,
        ca_file=settings.ca_file,
        inbox=settings.inbox,
        sent=settings.sent,
    )
    return GraphMailbox(account) if settings.door == "graph" else ImapMailbox(account)


def transport_of(settings: SmtpSettings) -> SmtpTransport:
    """Return the transport for letters; it connects when the first one is sent.

    Raises:
        SetupError: the server needs OAuth and the extra is not installed.
    """
    account = SmtpAccount(
        host=settings.host,
        token=_token(settings, SMTP),
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=settings.password.reveal,
        ca_file=settings.ca_file,
    )
    return SmtpTransport(account)


def ledger_url(settings: Settings) -> str:
    """Return the address of the ledger for SQLAlchemy, with its password.

    Raises:
        SetupError: the password cannot be read.
    """
    from sqlalchemy import make_url

    url = make_url(settings.ledger.url)
    password = settings.ledger.password
    if password.given:
        url = url.set(password=password.reveal())
    return url.render_as_string(hide_password=False)


def ledger_keys(settings: Settings) -> Sequence[bytes]:
    """Return the ledger's keys, one a line in their file, the present one first."""
    keys = keys_of(settings.ledger.key.reveal())
    if problem := ledger_key_problem(settings):
        raise SetupError([problem])
    return keys


def ledger_key_problem(settings: Settings) -> Problem | None:
    """Return what is wrong with the ledger's key, None if nothing is.

    Only the first key in its file encrypts and signs; older ones below it may be weaker, and open what is there.
    """
    keys = keys_of(settings.ledger.key.reveal())
    why = weakness(keys[0].decode()) if keys else "its file is empty"
    if not why:
        try:
            Vault(keys)
        except ValueError as error:
            why = str(error)
    if not why:
        return None

    sentence = f"The ledger key can be guessed, and letters let everybody test guesses: {why}."
    hint = "`openssl rand -base64 32` makes a good one: put it first in the key's file, and leave the old one below it."
    return Problem("followupd.toml", None, "ledger.key", "C14", sentence, hint)


def ledger_problem(settings: Settings) -> Problem | None:
    """Return why the daemon could not use the ledger, None if it could or would make it.

    Its key must have been checked before. PostgreSQL is asked over the network.
    """
    file = ledger_file(settings)
    why = _why_not_writable(file, settings.directory.absolute()) if file else ""
    if not why and (file is None or file.exists()):
        why = _trouble(settings)
    hint = "docs/ledger.md says what its address, the rights of its directory and its key must be."
    return Problem("followupd.toml", None, "ledger.url", "C29", why, hint) if why else None


def ledger_file(settings: Settings) -> Path | None:
    """Return the file of a SQLite ledger, None for PostgreSQL."""
    url = settings.ledger.url
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def _trouble(settings: Settings) -> str:
    """Return why a ledger that may exist cannot be used, "" if it can."""
    from followupd.adapters.storage.ledger import Ledger  # loads SQLAlchemy, which a new ledger does not need

    ledger = Ledger(ledger_url(settings), Vault(ledger_keys(settings)))
    try:
        return ledger.trouble()
    finally:
        ledger.close()


def _why_not_writable(path: Path, configuration: Path) -> str:
    """Return why this user could neither use nor make a ledger's file, "" if it could.

    Args:
        path: absolute. A directory that does not exist is made below the configuration and the service's own
            directory, and is mistyped elsewhere.
        configuration: the directory of the configuration.

    Returns:
        A sentence for the admin, without a full stop.
    """
    if path.is_file():
        is_ours = os.access(path, os.R_OK | os.W_OK)
        return "" if is_ours else f"the ledger {path} may not be written by this user"
    if path.exists():
        return f"the ledger {path} is not a file"

    directory = next(parent for parent in path.parents if parent.exists())
    is_made = any(map(path.is_relative_to, (STATE_DIRECTORY, configuration)))
    if directory.is_dir() and directory != path.parent and not is_made:
        return f"the ledger {path} cannot be made: there is no directory {path.parent}"
    if not directory.is_dir():
        return f"the ledger {path} cannot be made: {directory} is not a directory"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"the ledger {path} cannot be made: this user may not write to {directory}"
    return ""


# --- OAuth --------------------------------------------------------------------------------------------------


def logins_of(settings: Settings) -> dict[str, Login]:
    """Return the OAuth logins by the names that `followupd login` takes.

    A mailbox has its own name; [smtp] is "smtp", unless it shares the token of a mailbox.

    Raises:
        SetupError: an extra that OAuth needs is not installed.
    """
    by_token: dict[str, tuple[str, _Server]] = {}
    for name, server in _oauth_servers(settings):
        by_token.setdefault(server.oauth_token, (name, server))
    return {name: _login(server, name) for name, server in by_token.values()}


def login_of(settings: Settings, name: str) -> Login | None:
    """Return the OAuth login of a mailbox, or of "smtp"; None if there is none.

    Raises:
        SetupError: the extra that it needs is not installed.
    """
    for known, server in _oauth_servers(settings):
        if known == name:
            return _login(server, name)
    return None


def missing_extras(settings: Settings) -> list[Problem]:
    """Return a problem if OAuth is configured and its extra is not installed."""
    try:
        logins_of(settings)
    except SetupError as error:
        return error.problems
    return []


def _oauth_servers(settings: Settings) -> Iterator[tuple[str, _Server]]:
    """Give the servers that OAuth is configured for, with the names of their logins."""
    servers: list[tuple[str, _Server]] = [(mailbox.name, mailbox) for mailbox in settings.mailboxes]
    servers.append((SMTP, settings.smtp))
    for name, server in servers:
        if server.auth != "password":
            yield name, server


def _token(settings: _Server, name: str) -> Callable[[], str] | None:
    """Return what fetches an access token, None for a server with a password."""
    if settings.auth == "password":
        return None
    return _login(settings, name).token


def _graph_of(settings: _Server) -> str:
    """Return the address of Microsoft Graph that a mailbox is read from, as Microsoft names it; "" for any other."""
    is_graph = isinstance(settings, MailboxSettings) and settings.door == "graph"
    return f"https://{settings.host}" if is_graph else ""


def _login(settings: _Server, name: str) -> Login:
    """Return the OAuth login of a server."""
    application = Application(
        name=name,
        auth=settings.auth,
        username=settings.username,
        client=settings.oauth_client,
        tenant=settings.oauth_tenant,
        secret=settings.oauth_secret.reveal,
        file=Path(settings.oauth_token),
        endpoint=settings.oauth_authority,
        ca_file=settings.ca_file if settings.oauth_authority else "",
        graph=_graph_of(settings),
    )
    if settings.oauth_grant == "login":
        return Login(application, clock.now)

    until = None if is_never(settings.oauth_until) else date.fromisoformat(settings.oauth_until)
    return ApplicationLogin(application, clock.now, until)
