"""From settings to the accounts that the mail adapters log in with, by password or by OAuth."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from followupd import clock
from followupd.adapters.imap.login import Account
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth import Application, Login
from followupd.adapters.settings import MailboxSettings, Settings, SmtpSettings
from followupd.adapters.smtp.connection import SmtpAccount
from followupd.adapters.smtp.transport import SmtpTransport
from followupd.errors import Problem, SetupError

#: the name of the login of [smtp]
SMTP = "smtp"

_Server = MailboxSettings | SmtpSettings


def mailbox_of(settings: MailboxSettings) -> ImapMailbox:
    """Return a new connection to a mailbox, not open yet.

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
    return ImapMailbox(account)


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
    )
    if settings.oauth_grant == "login":
        return Login(application, clock.now)

    from followupd.adapters.oauth_application import ApplicationLogin

    until = date.fromisoformat(settings.oauth_until) if settings.oauth_until else None
    return ApplicationLogin(application, clock.now, until)
