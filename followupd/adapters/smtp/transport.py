"""Hand letters to the SMTP server and report the outcome: accepted, deferred, refused or unknown.

Before the final dot the server takes nothing, so that any failure there is DEFERRED. After it, only the
server's reply counts, and without one the outcome is UNKNOWN (RFC 1047). A problem of our configuration never
makes a letter REFUSED.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from followupd.adapters.smtp.compose import needs_utf8, wire_address
from followupd.adapters.smtp.connection import (
    ConnectionLostError,
    Reply,
    SmtpAccount,
    SmtpConnection,
    connect,
)
from followupd.domain.letter import DeliveryOutcome, DeliveryResult
from followupd.errors import FollowupdError, UnavailableError

__all__ = ["SmtpAccount", "SmtpTransport"]

#: the reply to DATA after which the message is sent
START_INPUT = 354
#: the server requires a login, TLS or another mechanism (RFC 4954, section 6; RFC 3207)
_LOGIN_CODES = {530, 534, 535, 538}
#: refusals of MAIL that are about this letter: its size (RFC 1870; RFC 3463, section 3.4) or its addresses
#: (RFC 6531)
_TOO_LARGE, _LETTER_STATUS = 552, ("5.3.4", "5.2.3", "5.6.7")


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A message and its envelope addresses; `witness` is the BCC recipient, "" for none."""

    message: bytes
    sender: str
    to: str
    witness: str

    @classmethod
    def of(cls, message: bytes, sender: str, to: str, witness: str) -> Self:
        """Return the envelope; a BCC recipient who is also the customer gets one copy.

        Raises:
            ValueError: an address is not valid.
        """
        customer = wire_address(to)
        copy = wire_address(witness) if witness else ""
        if copy == customer:
            copy = ""
        return cls(
            message=message,
            sender=wire_address(sender),
            to=customer,
            witness=copy,
        )

    @property
    def international(self) -> bool:
        """Whether an address or header needs SMTPUTF8 (RFC 6531)."""
        if not self.message.isascii():
            return True
        return needs_utf8(self.sender, self.to, self.witness)

    def reason_against(self, connection: SmtpConnection) -> str:
        """Return why this server can never take the message, "" if it can."""
        if self.international and not connection.offers("SMTPUTF8"):
            return (
                f"the server cannot send to addresses beyond ASCII such as {self.to} "
                "(it does not offer SMTPUTF8)"
            )
        size = len(self.message)
        if 0 < connection.size_limit < size:
            return f"the letter has {size} bytes, and the server takes {connection.size_limit}"
        return ""

    def mail_command(self, connection: SmtpConnection) -> str:
        """Return the MAIL command, with the parameters that the server knows."""
        command = f"MAIL FROM:<{self.sender}>"
        if connection.offers("SIZE"):
            command += f" SIZE={len(self.message)}"
        if self.international:
            command += " BODY=8BITMIME SMTPUTF8"
        return command


class _NotStartedError(ConnectionLostError):
    """The connection was dead before the transaction began; another one may be used."""


class SmtpTransport:
    """Sends letters over one connection that is kept between letters, in one thread.

    As a context, it lasts for one run: a server that cannot be reached, or that refuses the login, is not
    tried again before the next one, so that two hundred letters do not cause two hundred failed logins.
    """

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._connection: SmtpConnection | None = None
        self._in_run = False
        self._outage = ""

    def __enter__(self) -> Self:
        """Begin a run."""
        self._in_run = True
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection, and forget an outage."""
        self._in_run = False
        self.close()

    def close(self) -> None:
        """Close the connection, within two seconds.

        The next letter opens another one, also after an outage.
        """
        self._disconnect()
        self._outage = ""

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        """Send one message to a recipient, and to the BCC recipient if the server accepts that.

        Args:
            letter: the whole message.
            sender: the envelope sender.
            to: the recipient.
            witness: the BCC recipient, "" for none.

        Returns:
            The outcome; an error of the server or the network is a result too.
        """
        try:
            envelope = _Envelope.of(letter, sender, to, witness)
        except ValueError as error:
            return DeliveryResult(DeliveryOutcome.REFUSED, str(error))
        if self._outage:
            return DeliveryResult(DeliveryOutcome.DEFERRED, self._outage, outage=True)

        try:
            return self._deliver(envelope)
        except ConnectionLostError as error:
            return DeliveryResult(DeliveryOutcome.DEFERRED, str(error))
        except FollowupdError as error:  # no connection, no login, or the password cannot be read
            if self._in_run:
                self._outage = str(error)
            return DeliveryResult(DeliveryOutcome.DEFERRED, str(error), outage=True)

    def survey(self, addresses: Iterable[tuple[str, str]] = ()) -> tuple[str, ...]:
        """Connect without sending anything, for `check --online`.

        Args:
            addresses: a sender and a recipient for each letter that the server is asked to take, up to DATA.

        Returns:
            What was found, in sentences.

        Raises:
            UnavailableError: no letter could be sent now, with the reason.
        """
        try:
            connection = connect(self._account)
        except FollowupdError as error:
            raise UnavailableError(str(error)) from error
        try:
            for sender, to in addresses:
                _offer(connection, self._account, sender, to)
            return _description(connection, self._account)
        except ConnectionLostError as error:
            raise UnavailableError(str(error)) from error
        finally:
            connection.quit()

    def _deliver(self, envelope: _Envelope) -> DeliveryResult:
        """Use the open connection, or a new one if that is dead already before the transaction begins."""
        if self._connection:
            with contextlib.suppress(_NotStartedError):
                return self._hand_over(self._connection, envelope)
        self._connection = connect(self._account)
        return self._hand_over(self._connection, envelope)

    def _hand_over(self, connection: SmtpConnection, envelope: _Envelope) -> DeliveryResult:
        """Perform the transaction, and leave the connection ready for the next one, or closed."""
        reason = envelope.reason_against(connection)
        if reason:
            return DeliveryResult(DeliveryOutcome.REFUSED, reason)

        is_complete = False
        try:
            result = _transaction(connection, envelope)
            is_complete = result.outcome is DeliveryOutcome.ACCEPTED
        finally:
            if not is_complete:
                connection.reset()
            if not connection.usable:
                self._disconnect()
        return result

    def _disconnect(self) -> None:
        """Close the connection, if one is open."""
        if self._connection:
            self._connection.quit()
        self._connection = None


def _transaction(connection: SmtpConnection, envelope: _Envelope) -> DeliveryResult:
    """Perform one mail transaction (RFC 5321, section 3.3).

    Raises:
        ConnectionLostError: the connection ended before the final dot.
    """
    replies = _send_envelope(connection, envelope)
    rejected = _rejected_envelope(connection, replies)
    if rejected:
        return rejected

    data = replies.data or connection.command("DATA")
    if data.code != START_INPUT:
        return _rejected(data, ours=data.code in _LOGIN_CODES)

    connection.send_body(envelope.message)
    early = connection.unsolicited_reply()
    if early:
        return _rejected(early)
    return _finish(connection, replies.witness)


@dataclass(frozen=True, slots=True)
class _EnvelopeReplies:
    """The replies to MAIL, to RCPT for the customer and the BCC recipient, and to a pipelined DATA."""

    mail: Reply
    customer: Reply
    witness: Reply | None
    data: Reply | None


def _send_envelope(connection: SmtpConnection, envelope: _Envelope) -> _EnvelopeReplies:
    """Send MAIL and RCPT, and DATA as the last one of a pipelined group (RFC 2920, section 3.1).

    Raises:
        _NotStartedError: the connection was dead before. One that is idle for long is often closed with a
            421.
    """
    commands = [envelope.mail_command(connection), f"RCPT TO:<{envelope.to}>"]
    if envelope.witness:
        commands.append(f"RCPT TO:<{envelope.witness}>")
    if connection.pipelines:
        commands.append("DATA")

    try:
        closing = connection.unsolicited_reply()
        replies = [closing] if closing else connection.commands(commands)
    except ConnectionLostError as error:
        raise _NotStartedError(str(error)) from error
    if not connection.usable:
        raise _NotStartedError(str(replies[-1]))

    mail, customer, *others = replies
    data = others.pop() if connection.pipelines else None
    witness = others[0] if others else None
    return _EnvelopeReplies(mail, customer, witness, data)


def _rejected_envelope(connection: SmtpConnection, replies: _EnvelopeReplies) -> DeliveryResult | None:
    """Return the result if the sender or the customer was rejected, else None.

    If DATA was pipelined, the server now expects a message to the BCC recipient alone. Only the final dot
    would end that, so the connection is not usable any more.
    """
    if replies.mail.good and replies.customer.good:
        return None
    if replies.data and replies.data.code == START_INPUT:
        connection.usable = False
    if not replies.mail.good:
        return _rejected(replies.mail, ours=_is_about_sender(replies.mail))
    return _rejected(replies.customer, ours=_is_about_login(replies.customer, connection))


def _is_about_sender(refusal: Reply) -> bool:
    """Say whether a refused MAIL is about our address or login, and so would be the same for every letter.

    A refusal for the size or the addresses is about this letter.
    """
    if refusal.code == _TOO_LARGE:
        return False
    return not refusal.text.startswith(_LETTER_STATUS)


def _is_about_login(refusal: Reply, connection: SmtpConnection) -> bool:
    """Say whether a refused RCPT means that we are not logged in.

    Most servers say so with status 5.7.1, which they also use for a recipient who is refused by a rule.
    """
    if refusal.code in _LOGIN_CODES:
        return True
    if "relay" in refusal.text.lower():
        return True
    if connection.logged_in or not connection.offers("AUTH"):
        return False
    return refusal.text.startswith("5.7.")


def _rejected(reply: Reply, *, ours: bool = False) -> DeliveryResult:
    """Return the result of a negative reply before the final dot.

    Only a refusal of this very letter is final. With `ours`, the reply is about our configuration: the letter
    is tried again until an administrator has changed that.
    """
    if reply.outcome is not DeliveryOutcome.REFUSED:
        return DeliveryResult(DeliveryOutcome.DEFERRED, str(reply))
    if ours:
        return DeliveryResult(DeliveryOutcome.DEFERRED, f"our configuration, not the letter: {reply}")
    return DeliveryResult(DeliveryOutcome.REFUSED, str(reply))


def _finish(connection: SmtpConnection, witness: Reply | None) -> DeliveryResult:
    """Send the final dot and return the result.

    Args:
        connection: the connection, on which the message has been sent.
        witness: the reply to RCPT for the BCC recipient, None if there is none.
    """
    witnessed = witness is not None and witness.good
    note = ""
    if witness and not witnessed:
        note = f" (the BCC recipient was refused: {witness})"

    try:
        reply = connection.final_dot()
    except ConnectionLostError as error:
        why = f"after the final dot {error}{note}"
        return DeliveryResult(DeliveryOutcome.UNKNOWN, why, witnessed)
    return DeliveryResult(reply.outcome, f"{reply}{note}", witnessed)


def _offer(connection: SmtpConnection, account: SmtpAccount, sender: str, to: str) -> None:
    """Ask the server whether it would take a letter, and take that back with RSET.

    Raises:
        UnavailableError: it refuses the sender or the recipient.
        ConnectionLostError: the connection ended.
    """
    parameter = " SMTPUTF8" if needs_utf8(sender, to) and connection.offers("SMTPUTF8") else ""
    reply = connection.command(f"MAIL FROM:<{wire_address(sender)}>{parameter}")
    if reply.outcome is DeliveryOutcome.REFUSED:
        raise UnavailableError(f"{account.address} does not accept letters from {sender}: {reply}")
    reply = connection.command(f"RCPT TO:<{wire_address(to)}>")
    if reply.outcome is DeliveryOutcome.REFUSED:
        raise UnavailableError(f"{account.address} does not accept letters to {to}: {reply}")
    connection.reset()


def _description(connection: SmtpConnection, account: SmtpAccount) -> tuple[str, ...]:
    """Return what a connection shows about the server, in sentences for the admin."""
    encryption = "The connection is not encrypted; it stays on this machine."
    if connection.tls_version:
        encryption = f"The connection is encrypted with {connection.tls_version}."
    login = "No login is configured."
    if account.username:
        login = f"The login of {account.username} is accepted."
    size = "The server names no limit for the size of a message."
    if connection.size_limit:
        size = f"A message may have {connection.size_limit / 2**20:.1f} MiB."
    addresses = "Addresses may be in ASCII."
    if connection.offers("SMTPUTF8"):
        addresses = "Addresses may be also beyond ASCII."
    return (f"{account.address} answers.", encryption, login, size, addresses)
