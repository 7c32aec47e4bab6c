"""The settings: frozen values that the wiring hands to every room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from followupd.adapters.settings.secrets import Secret
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.compensation import Money
from followupd.domain.playbook import Playbook
from followupd.domain.team import Company, Team

Security = Literal["tls", "starttls", "none"]
Auth = Literal["password", "oauth-google", "oauth-microsoft"]
Since = Literal["now", "all"] | date


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in each of these times: `Rate(1, Duration(1, "day"))`."""

    count: int
    per: Duration

    def __str__(self) -> str:
        return f"{self.count} per {self.per.unit}"


# The defaults stand in the forms, as an admin would write them; a test holds these to them.
_IMAP = Secret("credential:imap")
_LEDGER_KEY = Secret("credential:ledger-key")
_NO_SECRET = Secret()
_FIVE_MINUTES = Duration(5, "minute")
_TEN_MINUTES = Duration(10, "minute")
_NINETY_DAYS = Duration(90, "day")
_ONE_A_DAY = Rate(1, Duration(1, "day"))
_BREAKER = Rate(200, Duration(1, "hour"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """One support mailbox. `ca_file` is absolute, or ""; `sent` is "" when SPECIAL-USE shall find it."""

    name: str
    address: str
    host: str
    username: str
    port: int = 993
    security: Security = "tls"
    password: Secret = _IMAP
    auth: Auth = "password"
    oauth_client: str = ""
    oauth_tenant: str = "common"
    oauth_secret: Secret = _NO_SECRET
    oauth_token: str = ""  # absolute, once it is read
    ca_file: str = ""
    inbox: str = "INBOX"
    sent: str = ""
    since: Since = "now"
    poll: Duration = _FIVE_MINUTES
    aliases: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()  # authserv-ids whose Authentication-Results we believe (RFC 8601, 2.5)
    groups: tuple[str, ...] = ()  # List-Id values of our own support groups


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The server that takes our letters. `from_address` is "" when letters come from the mailbox's own address."""

    host: str
    port: int = 587
    security: Security = "starttls"
    username: str = ""
    password: Secret = _NO_SECRET
    auth: Auth = "password"
    oauth_client: str = ""
    oauth_tenant: str = "common"
    oauth_secret: Secret = _NO_SECRET
    oauth_token: str = ""
    ca_file: str = ""
    from_address: str = ""
    witness: Literal["bcc", "none"] = "bcc"
    per_address: Rate = _ONE_A_DAY
    in_doubt: Literal["ask", "resend"] = "ask"
    witness_within: Duration = _TEN_MINUTES
    breaker: Rate = _BREAKER


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """Where everything is written down. `url` is SQLAlchemy's, without a password; a relative file begins at DIR."""

    url: str
    password: Secret = _NO_SECRET
    key: Secret = _LEDGER_KEY
    keep_mail: Duration = _NINETY_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniseSettings:
    """The admin's word on what a complaint is; `add` is in log-odds per phrase, `vip` holds addresses and domains.

    A sum of `large` or more in a mail, in the company's currency, makes its case graver; None for no sum.
    """

    auto: float = 0.90
    ask: float = 0.30
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    add: Mapping[str, float] = field(default_factory=dict)
    vip: tuple[str, ...] = ()
    large: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompensationSettings:
    """What one customer may be granted in a month without a lead's word; None for any amount."""

    cap: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardSettings:
    """Where gift cards come from: imported codes, or a provider over HTTP. `admin` is warned when fewer than `low` are left."""

    provider: Literal["codes", "http"] = "codes"
    url: str = ""
    token: Secret = _NO_SECRET
    ca_file: str = ""
    low: int = 5
    admin: str = ""

    @property
    def watched(self) -> int:
        """Return the stock that is low, 0 where there is no stock of ours."""
        return self.low if self.provider == "codes" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """Where metrics and /healthz are served: host and port, or None for nowhere."""

    listen: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingSettings:
    """The admin's say on the rules of wording: ids switched off, and own phrases per language and list."""

    off: frozenset[str] = frozenset()
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked. `tags` and `folders` map what an agent sets to the line that it means."""

    directory: Path
    company: Company
    mailboxes: tuple[MailboxSettings, ...]
    smtp: SmtpSettings
    ledger: LedgerSettings
    calendar: Calendar
    team: Team
    compensation: CompensationSettings
    gift_cards: GiftCardSettings
    recognise: RecogniseSettings
    tags: Mapping[str, str]
    folders: Mapping[str, str]
    metrics: MetricsSettings
    wording: WordingSettings
    playbooks: Mapping[str, Playbook]

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that is configured, in the order of the file."""
        kept = [secret for mailbox in self.mailboxes for secret in (mailbox.password, mailbox.oauth_secret)]
        kept += [
            self.smtp.password,
            self.smtp.oauth_secret,
            self.ledger.password,
            self.ledger.key,
            self.gift_cards.token,
        ]
        return tuple(secret for secret in kept if secret.given)

    def mailbox(self, name: str) -> MailboxSettings:
        return next(mailbox for mailbox in self.mailboxes if mailbox.name == name)

    def from_address(self, mailbox: str) -> str:
        """Return the address that letters of this mailbox come from."""
        return self.smtp.from_address or self.mailbox(mailbox).address

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of ours, in lower case."""
        own = {self.smtp.from_address} - {""}
        for mailbox in self.mailboxes:
            own |= {mailbox.address, *mailbox.aliases}
        return frozenset(address.lower() for address in own)
