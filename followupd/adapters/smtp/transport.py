"""Hands letters to the SMTP server and says of each what became of it: accepted, deferred, refused, or nobody knows.

Before the final dot nothing is taken, so whatever breaks there is DEFERRED; from the dot on only the server's own word
counts, and without one the letter's fate is UNKNOWN (RFC 1047). What is wrong with our set-up never costs a letter its life.
"""

import contextlib
from dataclasses import dataclass
from typing import Self

from followupd.adapters.smtp.connection import ConnectionLostError, Reply, SmtpAccount, SmtpConnection
from followupd.adapters.smtp.headers import needs_utf8, wire_address
from followupd.adapters.smtp.login import open_line
from followupd.domain.letter import DeliveryOutcome, DeliveryResult
from followupd.errors import FollowupdError, UnavailableError

__all__ = ["SmtpTransport", "SmtpAccount"]

GO_AHEAD = 354
#: the server wants a login, TLS or another kind of login (RFC 4954, section 6; RFC 3207)
_LOGIN_CODES = {530, 534, 535, 538}
#: refusals of MAIL that are about this letter: too large (RFC 1870; RFC 3463, 3.4), or an address beyond ASCII (RFC 6531)
_LETTER_STATUS = ("5.3.4", "5.2.3", "5.6.7")
_TOO_LARGE = 552


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A letter and its envelope; the addresses are wire addresses, `witness` is "" for none."""

    letter: bytes
    sender: str
    to: str
    witness: str

    @classmethod
    def of(cls, letter: bytes, sender: str, to: str, witness: str) -> Self:
        customer, copy = wire_address(to), wire_address(witness) if witness else ""
        return cls(letter, wire_address(sender), customer, "" if copy == customer else copy)

    @property
    def international(self) -> bool:
        return not self.letter.isascii() or needs_utf8(self.sender, self.to, self.witness)

    def unfit_for(self, line: SmtpConnection) -> str:
        """Say why this server can never take the letter, "" when it can."""
        if self.international and not line.offers("SMTPUTF8"):
            return f"the server cannot mail to addresses beyond ASCII such as {self.to} (it does not offer SMTPUTF8)"
        if 0 < line.size_limit < len(self.letter):
            return f"the letter has {len(self.letter)} bytes, and the server takes {line.size_limit}"
        return ""

    def mail_command(self, line: SmtpConnection) -> str:
        size = f" SIZE={len(self.letter)}" if line.offers("SIZE") else ""
        utf8 = " BODY=8BITMIME SMTPUTF8" if self.international else ""
        return f"MAIL FROM:<{self.sender}>{size}{utf8}"


class _NotStartedError(ConnectionLostError):
    """The line was dead before the letter was begun: another line may carry it."""


class SmtpTransport:
    """The door for letters. It keeps its line from letter to letter; use it as a context for one beat, in one thread.

    Within a beat a server that could not be reached, or that refused the login, is not asked again: two hundred
    letters must not make two hundred wrong logins.
    """

    def __init__(self, account: SmtpAccount) -> None:
        self._account = account
        self._line: SmtpConnection | None = None
        self._in_beat = False
        self._outage = ""

    def __enter__(self) -> Self:
        self._in_beat = True
        return self

    def __exit__(self, *_: object) -> None:
        self._in_beat = False
        self.close()

    def close(self) -> None:
        """Leave the server, within two seconds; the next letter opens a line anew."""
        self._drop()
        self._outage = ""

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        """Hand one letter over, with a blind copy to `witness` in the same transaction when the server takes it."""
        try:
            parcel = _Envelope.of(letter, sender, to, witness)
        except ValueError as error:
            return DeliveryResult(DeliveryOutcome.REFUSED, str(error))
        if self._outage:
            return DeliveryResult(DeliveryOutcome.DEFERRED, self._outage, outage=True)
        try:
            return self._delivered(parcel)
        except ConnectionLostError as error:
            return DeliveryResult(DeliveryOutcome.DEFERRED, str(error))
        except FollowupdError as error:  # no line could be opened, or the password not be read
            self._outage = str(error) if self._in_beat else ""
            return DeliveryResult(DeliveryOutcome.DEFERRED, str(error), outage=True)

    def survey(self) -> tuple[str, ...]:
        """Try the server for `check --online` without sending anything; say what was found, a sentence each.

        Raises:
            OutageError: no letter could leave now, and why.
        """
        try:
            line = open_line(self._account)
        except FollowupdError as error:
            raise UnavailableError(str(error)) from error
        try:
            return _described(line, self._account)
        finally:
            line.quit()

    def _delivered(self, parcel: _Envelope) -> DeliveryResult:
        if self._line:
            with contextlib.suppress(_NotStartedError):
                return self._hand_over(self._line, parcel)
        self._line = open_line(self._account)
        return self._hand_over(self._line, parcel)

    def _hand_over(self, line: SmtpConnection, parcel: _Envelope) -> DeliveryResult:
        if unfit := parcel.unfit_for(line):
            return DeliveryResult(DeliveryOutcome.REFUSED, unfit)
        delivery = None
        try:
            delivery = _transaction(line, parcel)
        finally:
            if not delivery or delivery.outcome is not DeliveryOutcome.ACCEPTED:
                line.reset()
            if not line.usable:
                self._drop()
        return delivery

    def _drop(self) -> None:
        if self._line:
            self._line.quit()
        self._line = None


def _transaction(line: SmtpConnection, parcel: _Envelope) -> DeliveryResult:
    """Walk through one mail transaction (RFC 5321, 3.3).

    Raises:
        LineBrokenError: the line broke before the final dot.
    """
    begun, customer, *others = _envelope(line, parcel)
    data = others.pop() if line.pipelines else None
    witness = others[0] if others else None
    if data and data.code == GO_AHEAD and not (begun.good and customer.good):
        line.usable = (
            False  # the server waits for a mail, to the witness alone, and only the dot would end it
        )
    if not begun.good:
        return _not_taken(begun, ours=_is_about_us(begun))
    if not customer.good:
        return _not_taken(customer, ours=_is_about_our_login(customer, line))
    data = data or line.say("DATA")
    if data.code != GO_AHEAD:
        return _not_taken(data, ours=data.code in _LOGIN_CODES)
    line.send_body(parcel.letter)
    if early := line.unasked():
        return _not_taken(early)
    return _taken(line, witness)


def _envelope(line: SmtpConnection, parcel: _Envelope) -> list[Reply]:
    """Return the replies to MAIL, to the customer's RCPT, to the witness' if there is one, and to a pipelined DATA."""
    recipients = [parcel.to, parcel.witness] if parcel.witness else [parcel.to]
    commands = [parcel.mail_command(line), *(f"RCPT TO:<{recipient}>" for recipient in recipients)]
    if line.pipelines:
        commands.append("DATA")  # may end a group (RFC 2920, 3.1): its reply is waited for as ever
    try:
        unasked = line.unasked()  # a line kept for too long is often closed with a 421
        replies = [unasked] if unasked else line.say_all(commands)
    except ConnectionLostError as error:
        raise _NotStartedError(str(error)) from error
    if not line.usable:
        raise _NotStartedError(str(replies[-1]))
    return replies


def _is_about_us(refusal: Reply) -> bool:
    """Say whether a refused MAIL is about our sender or login: it would be the same with every letter."""
    return refusal.code != _TOO_LARGE and not refusal.text.startswith(_LETTER_STATUS)


def _is_about_our_login(refusal: Reply, line: SmtpConnection) -> bool:
    """Say whether a refused RCPT means that we are strangers here: most servers say so with a policy's 5.7.1."""
    stranger = line.offers("AUTH") and not line.logged_in
    by_policy = refusal.text.startswith("5.7.")
    return refusal.code in _LOGIN_CODES or "relay" in refusal.text.lower() or (stranger and by_policy)


def _not_taken(reply: Reply, *, ours: bool = False) -> DeliveryResult:
    """Judge a reply that came before the dot: only a refusal of this very letter is final."""
    if reply.outcome is not DeliveryOutcome.REFUSED:
        return DeliveryResult(DeliveryOutcome.DEFERRED, str(reply))
    if ours:
        return DeliveryResult(DeliveryOutcome.DEFERRED, f"our set-up, not the letter: {reply}")
    return DeliveryResult(DeliveryOutcome.REFUSED, str(reply))


def _taken(line: SmtpConnection, witness: Reply | None) -> DeliveryResult:
    """Send the dot and judge what follows."""
    witnessed = bool(witness and witness.good)
    stale_mailboxes = f" (the witness was refused: {witness})" if witness and not witnessed else ""
    try:
        reply = line.final_dot()
    except ConnectionLostError as error:
        return DeliveryResult(
            DeliveryOutcome.UNKNOWN, f"after the final dot {error}{stale_mailboxes}", witnessed
        )
    return DeliveryResult(reply.outcome, f"{reply}{stale_mailboxes}", witnessed)


def _described(line: SmtpConnection, account: SmtpAccount) -> tuple[str, ...]:
    sealed = (
        f"The line is sealed with {line.tls}."
        if line.tls
        else "The line is not sealed; it stays on this machine."
    )
    login = f"The login of {account.username} is accepted." if account.username else "No login is configured."
    limit = line.size_limit
    size = (
        f"A mail may have {limit / 2**20:.1f} MiB."
        if limit
        else "The server names no limit for a mail's size."
    )
    names = "also beyond" if line.offers("SMTPUTF8") else "in"
    return (f"{account.place} answers.", sealed, login, size, f"Addresses may be {names} ASCII.")
