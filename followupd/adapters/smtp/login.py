"""Open an SMTP connection: connect, start TLS or give up, and log in."""

import base64
import ssl

from followupd.adapters.network import trusting
from followupd.adapters.smtp.connection import (
    ConnectionLostError,
    PlainSmtp,
    Reply,
    SmtpAccount,
    SmtpConnection,
    TlsSmtp,
    explained_errors,
)
from followupd.errors import UnavailableError

#: "waiting for the next response" (RFC 4954, section 4)
_CONTINUE = 334
#: the name in EHLO if none is configured; smtplib would first ask the resolver for ours, which may take half
#: a minute
_DEFAULT_HELO = "[127.0.0.1]"


def connect(account: SmtpAccount) -> SmtpConnection:
    """Connect, start TLS and log in.

    If TLS is configured, neither a letter nor a password is ever sent without it.

    Args:
        account: the server, and the login for it.

    Returns:
        A connection that is ready for a mail transaction.

    Raises:
        UnavailableError: with an explanation for the admin that contains no secret.
    """
    context = _tls_context(account)
    with explained_errors(account):
        smtp = _open(account, context)

    try:
        with explained_errors(account):
            _greet(smtp, account, context)
            connection = SmtpConnection(smtp, account)
        if account.username:
            _log_in(connection, account)
    except ConnectionLostError as error:  # some servers reject a login in this way
        smtp.close()
        raise UnavailableError(str(error)) from error
    except BaseException:
        smtp.close()
        raise
    return connection


def _tls_context(account: SmtpAccount) -> ssl.SSLContext | None:
    """Return the context that verifies the server's certificate, None without TLS."""
    if account.security == "none":
        return None
    try:
        return trusting(account.ca_file)
    except OSError as error:
        raise UnavailableError(f"the CA file {account.ca_file} cannot be used: {error}") from error


def _open(account: SmtpAccount, context: ssl.SSLContext | None) -> PlainSmtp | TlsSmtp:
    """Connect to the server, with implicit TLS if that is configured."""
    name = account.helo or _DEFAULT_HELO
    if account.security == "tls":
        return TlsSmtp(account.host, account.port, name, timeout=account.timeout, context=context)
    return PlainSmtp(account.host, account.port, name, timeout=account.timeout)


def _greet(smtp: PlainSmtp | TlsSmtp, account: SmtpAccount, context: ssl.SSLContext | None) -> None:
    """Send EHLO, and again after STARTTLS: what was offered before TLS is void (RFC 3207, section 4.2)."""
    smtp.ehlo_or_helo_if_needed()
    if account.security == "starttls":
        smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()


def _log_in(connection: SmtpConnection, account: SmtpAccount) -> None:
    """Authenticate by the first mechanism that both sides know: XOAUTH2 with a token, else PLAIN, else LOGIN.

    Raises:
        UnavailableError: there is none, or the server refused the login.
    """
    name, secret = account.username, _secret(account)
    offered = connection.auth_mechanisms
    if account.token:
        reply = _authenticate(connection, "XOAUTH2", f"user={name}\x01auth=Bearer {secret}\x01\x01", "")
    elif "PLAIN" in offered:
        reply = _authenticate(connection, "PLAIN", f"\0{name}\0{secret}")
    elif "LOGIN" in offered:
        reply = _authenticate(connection, "LOGIN", name, secret)
    else:
        names = " ".join(offered) or "none"
        raise UnavailableError(
            f"{account.address} offers no login that is supported (PLAIN, LOGIN); it offers {names}"
        )

    if not reply.good:
        text = _without_secret(str(reply), name, secret)
        raise UnavailableError(f"{account.address} refused the login of {name}: {text}")


def _authenticate(connection: SmtpConnection, mechanism: str, first: str, *further: str) -> Reply:
    """Send the first response with the AUTH command, the others on request (RFC 4954, section 4).

    Returns:
        The last reply of the server.
    """
    reply = connection.command(f"AUTH {mechanism} {_base64(first)}")
    for response in further:
        if reply.code == _CONTINUE:
            reply = connection.command(_base64(response))
    return reply


def _secret(account: SmtpAccount) -> str:
    """Read the access token or the password."""
    read = account.token or account.password
    try:
        return read()
    except OSError as error:
        why = f"the secret for the login of {account.username} cannot be read: {error}"
        raise UnavailableError(why) from error


def _base64(text: str) -> str:
    """Return the text as AUTH commands contain it."""
    return base64.b64encode(text.encode()).decode()


def _without_secret(text: str, name: str, secret: str) -> str:
    """Remove a secret that the server repeated, in each form in which it was sent."""
    if not secret:
        return text

    for form in (_base64(f"\0{name}\0{secret}"), _base64(secret), secret):
        text = text.replace(form, "***")
    return text
