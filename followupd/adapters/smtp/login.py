"""Opens an SMTP line: connects, turns to TLS or gives up, and logs in."""

import base64
import smtplib
import ssl

from followupd.adapters.network import trusting
from followupd.adapters.smtp.connection import (
    ConnectionLostError,
    Reply,
    SmtpAccount,
    SmtpConnection,
    plain_words,
)
from followupd.errors import UnavailableError

_GO_ON = 334  # "I wait for the next answer" (RFC 4954, section 4)
# An address literal is what smtplib falls back to; asking the resolver for our name first may take half a minute.
_NAMELESS = "[127.0.0.1]"


def open_line(account: SmtpAccount) -> SmtpConnection:
    """Connect, turn to TLS and log in; never in clear text when TLS was asked for.

    Raises:
        OutageError: with plain words for the admin, and no secret in them.
    """
    context = _context(account)
    with plain_words(account):
        smtp = _connected(account, context)
    try:
        with plain_words(account):
            _greet(smtp, account, context)
            line = SmtpConnection(smtp, account)
        if account.username:
            _log_in(line, account)
    except ConnectionLostError as error:  # that is how some servers refuse a login
        smtp.close()
        raise UnavailableError(str(error)) from error
    except BaseException:
        smtp.close()
        raise
    return line


def _context(account: SmtpAccount) -> ssl.SSLContext | None:
    if account.security == "none":
        return None
    try:
        return trusting(account.ca_file)
    except OSError as error:
        raise UnavailableError(f"the CA file {account.ca_file} cannot be used: {error}") from error


def _connected(account: SmtpAccount, context: ssl.SSLContext | None) -> smtplib.SMTP:
    name = account.helo or _NAMELESS
    if account.security == "tls":
        return smtplib.SMTP_SSL(account.host, account.port, name, timeout=account.timeout, context=context)
    return smtplib.SMTP(account.host, account.port, name, timeout=account.timeout)


def _greet(smtp: smtplib.SMTP, account: SmtpAccount, context: ssl.SSLContext | None) -> None:
    smtp.ehlo_or_helo_if_needed()
    if account.security == "starttls":
        smtp.starttls(context=context)
        smtp.ehlo_or_helo_if_needed()  # what was offered in clear text counts no more (RFC 3207, 4.2)


def _log_in(line: SmtpConnection, account: SmtpAccount) -> None:
    name, secret = account.username, _secret(account)
    if account.token:
        reply = _answered(line, "AUTH XOAUTH2", f"user={name}\x01auth=Bearer {secret}\x01\x01", "")
    elif "PLAIN" in line.logins:
        reply = _answered(line, "AUTH PLAIN", f"\0{name}\0{secret}")
    elif "LOGIN" in line.logins:
        reply = _answered(line, "AUTH LOGIN", name, secret)
    else:
        offered = " ".join(line.logins) or "none"
        raise UnavailableError(
            f"{account.place} offers no login that we know (PLAIN, LOGIN); it offers {offered}"
        )
    if not reply.good:
        raise UnavailableError(
            f"{account.place} refused the login of {name}: {_without_secret(str(reply), name, secret)}"
        )


def _answered(line: SmtpConnection, command: str, first: str, *further: str) -> Reply:
    """Send the first answer with the command, the others as the server asks for them (RFC 4954, section 4)."""
    reply = line.say(f"{command} {_packed(first)}")
    for answer in further:
        if reply.code == _GO_ON:
            reply = line.say(_packed(answer))
    return reply


def _secret(account: SmtpAccount) -> str:
    try:
        return (account.token or account.password)()
    except OSError as error:
        raise UnavailableError(
            f"the secret for the login of {account.username} cannot be had: {error}"
        ) from error


def _packed(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def _without_secret(words: str, name: str, secret: str) -> str:
    """Take out what a server repeated of a login, in each form in which it got it."""
    for form in (_packed(f"\0{name}\0{secret}"), _packed(secret), secret):
        words = words.replace(form, "***") if secret else words
    return words
