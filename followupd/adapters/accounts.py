"""From settings to the accounts that the doors log in with, by password or by OAuth."""

from collections.abc import Callable
from pathlib import Path

from followupd import clock
from followupd.adapters.imap.login import Account
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth.tokens import Application, Login
from followupd.adapters.settings import MailboxSettings, Settings, SmtpSettings
from followupd.adapters.smtp.connection import SmtpAccount
from followupd.adapters.smtp.transport import SmtpTransport
from followupd.errors import Problem, SetupError

#: what the login of [smtp] is called
POST = "smtp"


def mailbox_of(settings: MailboxSettings) -> ImapMailbox:
    """Return a new connection to a mailbox, not yet open."""
    return ImapMailbox(_account(settings))


def post_of(settings: SmtpSettings) -> SmtpTransport:
    """Return the door for letters; it connects when the first one leaves."""
    return SmtpTransport(_post_account(settings))


def ledger_url(settings: Settings) -> str:
    """Return where the ledger is, with its password; a file's place is told from the configuration's directory."""
    from sqlalchemy import make_url

    url = make_url(settings.ledger.url)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).is_absolute():
        url = url.set(database=str(settings.directory / url.database))
    if settings.ledger.password.given:
        url = url.set(password=settings.ledger.password.reveal())
    return url.render_as_string(hide_password=False)


def _account(settings: MailboxSettings) -> Account:
    return Account(
        name=settings.name,
        token=_token(settings, settings.name),
        host=settings.host,
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=settings.password.reveal,
        ca_file=str(settings.ca_file) if settings.ca_file else "",
        inbox=settings.inbox,
        sent=settings.sent,
    )


def _post_account(settings: SmtpSettings) -> SmtpAccount:
    return SmtpAccount(
        host=settings.host,
        token=_token(settings, POST),
        port=settings.port,
        security=settings.security,
        username=settings.username,
        password=settings.password.reveal,
        ca_file=str(settings.ca_file) if settings.ca_file else "",
    )


def logins_of(settings: Settings) -> dict[str, Login]:
    """Return the OAuth logins by the names that `followupd login` takes: mailboxes', and "smtp" for one of its own."""
    named: list[tuple[str, MailboxSettings | SmtpSettings]] = [
        (each.name, each) for each in settings.mailboxes
    ]
    found: dict[str, MailboxSettings | SmtpSettings] = {}
    for name, each in (*named, (POST, settings.smtp)):
        if each.auth != "password" and each.oauth_token not in {
            other.oauth_token for other in found.values()
        }:
            found[name] = each
    return {name: _login(each, name) for name, each in found.items()}


def login_of(settings: Settings, name: str) -> Login | None:
    """Return the OAuth login of a mailbox, or of "smtp"; None when there is none."""
    named: dict[str, MailboxSettings | SmtpSettings] = {POST: settings.smtp}
    found = (named | {each.name: each for each in settings.mailboxes}).get(name)
    return _login(found, name) if found and found.auth != "password" else None


def missing_extras(settings: Settings) -> list[Problem]:
    """Return a problem where OAuth is configured and its extra is not installed."""
    try:
        logins_of(settings)
    except SetupError as error:
        return error.problems
    return []


def _token(settings: MailboxSettings | SmtpSettings, name: str) -> Callable[[], str] | None:
    return None if settings.auth == "password" else _login(settings, name).token


def _login(settings: MailboxSettings | SmtpSettings, name: str) -> Login:
    application = Application(
        name=name,
        auth=settings.auth,
        username=settings.username,
        client=settings.oauth_client,
        tenant=settings.oauth_tenant,
        secret=settings.oauth_secret.reveal,
        file=Path(settings.oauth_token),
    )
    return Login(application, clock.now)
