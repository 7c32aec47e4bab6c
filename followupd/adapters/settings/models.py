"""Every table and key of followupd.toml and wording.toml, with its type, default, meaning and example.

The descriptions are the text of docs/configuration.md. The models are frozen and are themselves the settings
that the program uses; `Settings` is the whole configuration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from followupd.adapters.settings.scalars import (
    Count,
    DayRange,
    ElapsedDuration,
    HostName,
    Line,
    ListenAddress,
    Phrases,
    Port,
    QuietHours,
    RateLimit,
    RequiredLine,
    Score,
    Since,
    TagName,
    TimeOfDay,
    VariableName,
    WorkingDays,
)
from followupd.adapters.settings.secrets import OptionalSecret, RequiredSecret, Secret
from followupd.adapters.settings.standards import (
    Address,
    AddressOrDomain,
    CurrencyCode,
    ExistingFile,
    HolidayCode,
    LanguageTag,
    LocaleName,
    MonthlyCap,
    OptionalAddress,
    OptionalCurrency,
    OptionalLocale,
    OptionalMoney,
    Patterns,
    Phone,
    RequiredMoney,
    TimeZone,
    WebAddress,
    Weights,
)
from followupd.adapters.settings.toml_file import Table, setting
from followupd.domain.calendar import Calendar
from followupd.domain.playbook import Company, Playbooks, Role, Team

Security = Literal["tls", "starttls", "none"]
Auth = Literal["password", "oauth-google", "oauth-microsoft"]

#: the default of a secret, as a TOML file would have it
_NOT_GIVEN: Any = ""

# --- keys that several tables have --------------------------------------------------------------------------

AuthKey = Annotated[
    Auth,
    Field(
        description="How to log in: by `password`, or by OAuth 2 (an extra; `followupd login`).",
        examples=["oauth-microsoft"],
    ),
]
OauthClient = Annotated[
    Line,
    Field(description="OAuth: the id of the application you registered.", examples=["1b2c-example"]),
]
OauthTenant = Annotated[
    Line,
    Field(description="OAuth at Microsoft: the tenant's id or domain.", examples=["example.com"]),
]
OauthSecret = Annotated[
    OptionalSecret,
    Field(
        description="OAuth: where the application's secret is stored (Secrets).",
        examples=["credential:oauth"],
    ),
]
OauthGrant = Annotated[
    Literal["login", "application"],
    Field(
        description="OAuth: `login`: a person logs in once; `application`: the secret alone is enough.",
        examples=["application"],
    ),
]
OauthUntil = Annotated[
    Line,
    Field(
        description="OAuth: the last day of the application's secret; a month before, we tell of it.",
        examples=["2027-11-30"],
    ),
]
OauthToken = Annotated[
    Line,
    Field(description="OAuth: the token's file; beside the ledger when empty.", examples=["oauth.json"]),
]
OauthAuthority = Annotated[
    WebAddress,
    Field(
        description="OAuth at Microsoft: the login server of a national cloud; Microsoft's usual one when empty.",
        examples=["https://login.microsoftonline.us"],
    ),
]
CaFile = Annotated[
    ExistingFile,
    Field(
        description="File with the CA certificate of a server that has its own CA; "
        "a relative path begins at DIR.",
        examples=["our-ca.pem"],
    ),
]


# --- followupd.toml -----------------------------------------------------------------------------------------


class CompanyTable(Table):
    """The company's name, time zone and currency."""

    name: RequiredLine = setting(
        description="The company's name, as customers know it.", example="Example Ltd"
    )
    locale: LocaleName = setting(
        "en_GB", description="Language and country of dates and money in letters.", example="de_DE"
    )
    timezone: TimeZone = setting(description="The company's IANA time zone.", example="Europe/London")
    currency: CurrencyCode = setting(
        "GBP", description="The currency of amounts that name none (ISO 4217).", example="EUR"
    )


class BrandTable(Table):
    """A second brand: another company's name and letters, for mailboxes with `company = "NAME"` (docs/brands.md)."""

    name: RequiredLine = setting(
        description="The brand's name, as its customers know it.", example="Garden & Co"
    )
    locale: OptionalLocale = setting(
        "", description="As in [company], whose value it is when empty.", example="de_DE"
    )
    currency: OptionalCurrency = setting(
        "", description="As in [company], whose value it is when empty.", example="EUR"
    )
    vars: Mapping[VariableName, RequiredLine] = Field(
        {}, description="Texts for the brand's letters, over those of [vars].", examples=[{}]
    )


class MailboxSettings(Table):
    """One support mailbox, read over IMAP or Microsoft Graph. Write the table once for each mailbox."""

    name: TagName = setting(
        description="A short name for logs and the ledger; never change it later.", example="support"
    )
    company: Line = setting(
        "",
        description="The brand that it belongs to, the NAME of a table [company.NAME]; empty for [company].",
        example="garden",
    )
    address: Address = setting(
        description="The address that customers write to.", example="support@example.com"
    )
    door: Literal["imap", "graph"] = setting(
        "imap",
        description="How to read it: by `imap`, or by `graph` at Microsoft 365 (docs/graph.md).",
        example="graph",
    )
    host: HostName = setting(
        description="The IMAP server; `graph.microsoft.com` for `graph`.", example="imap.example.com"
    )
    port: Port = setting(
        993,
        description="Its port: 993 for `tls`, usually 143 for `starttls`; 443 for `graph`.",
        example=143,
    )
    security: Security = setting(
        "tls", description="`tls`, `starttls` or `none`; `none` only on loopback.", example="starttls"
    )
    username: RequiredLine = setting(description="The login name.", example="support@example.com")
    password: RequiredSecret = setting(
        "credential:imap", description="Where the password is stored (Secrets).", example="file:imap.pw"
    )
    auth: AuthKey = "password"
    oauth_client: OauthClient = ""
    oauth_tenant: OauthTenant = "common"
    oauth_secret: OauthSecret = _NOT_GIVEN
    oauth_token: OauthToken = ""
    oauth_grant: OauthGrant = "login"
    oauth_until: OauthUntil = ""
    oauth_authority: OauthAuthority = ""
    ca_file: CaFile = ""
    inbox: RequiredLine = setting(
        "INBOX", description="The folder that customers' mail arrives in.", example="INBOX/Support"
    )
    sent: Line = setting(
        "",
        description="The folder of our own mail; found by SPECIAL-USE when empty.",
        example="Sent Items",
    )
    since: Since = setting(
        "now",
        description="Where the first run begins: `now`, `all` or a date. Older mail is never answered.",
        example="2026-01-31",
    )
    poll: ElapsedDuration = setting(
        "5 minutes", description="How often to look besides IDLE.", example="1 minute"
    )
    aliases: tuple[Address, ...] = setting(
        [], description="Other addresses whose mail arrives here.", example=["help@example.com"]
    )
    trusted: Phrases = setting(
        [],
        description="The names of our own mail servers in Authentication-Results (RFC 8601); "
        "a failed DMARC check there stops automatic answers, and agents' notes need a passed one "
        "(docs/mail.md R6).",
        example=["mx.example.com"],
    )
    groups: Phrases = setting(
        [],
        description="List-Ids of support groups (as in Google Groups) whose mail comes from customers, "
        "not from a mailing list.",
        example=["support.example.com"],
    )
    forms: tuple[Address, ...] = setting(
        [],
        description="Addresses that our own web forms and shop platforms write from; only for these does the "
        "automatic first letter go to a Reply-To in another domain (docs/mail.md R1).",
        example=["noreply@shop.example.com"],
    )


class SmtpSettings(Table):
    """The SMTP server that sends our letters."""

    host: HostName = setting(description="The submission server.", example="smtp.example.com")
    port: Port = setting(587, description="Its port: 587 for `starttls`, 465 for `tls`.", example=465)
    security: Security = setting(
        "starttls", description="`tls`, `starttls` or `none`; `none` only on loopback.", example="tls"
    )
    username: Line = setting(
        "",
        description="The login name; empty for a server without login.",
        example="support@example.com",
    )
    password: OptionalSecret = setting(
        "", description="Where the password is stored (Secrets).", example="credential:smtp"
    )
    auth: AuthKey = "password"
    oauth_client: OauthClient = ""
    oauth_tenant: OauthTenant = "common"
    oauth_secret: OauthSecret = _NOT_GIVEN
    oauth_token: OauthToken = ""
    oauth_grant: OauthGrant = "login"
    oauth_until: OauthUntil = ""
    oauth_authority: OauthAuthority = ""
    ca_file: CaFile = ""
    from_address: OptionalAddress = setting(
        "",
        description="The address that letters come from; the mailbox's own when empty.",
        example="care@example.com",
    )
    witness: Literal["bcc", "sent", "none"] = setting(
        "bcc",
        description="`bcc`: a blind copy to the mailbox proves that the server accepted a letter, "
        "and is our copy in Sent. `sent`: the server files a copy in Sent itself, which is the proof.",
        example="none",
    )
    per_address: RateLimit = setting(
        "1 per day",
        description="The most automatic letters to one address; letters that agents approve do not count.",
        example="2 per week",
    )
    in_doubt: Literal["ask", "resend"] = setting(
        "ask",
        description="When it is unknown whether a letter was sent: `ask` a person, or `resend` it with the "
        "same Message-ID. A gift card is never sent again without asking.",
        example="resend",
    )
    witness_within: ElapsedDuration = setting(
        "10 minutes",
        description="How long to wait for the witness before a letter counts as in doubt.",
        example="1 hour",
    )
    breaker: RateLimit = setting(
        "200 per hour",
        description="The most promised letters, first letters and mails to agents, each. Too many promised letters "
        "stop all sending.",
        example="50 per hour",
    )


class LedgerSettings(Table):
    """The database of all cases and mails: SQLite, or PostgreSQL with the extra `followupd[postgresql]`."""

    url: RequiredLine = setting(
        "sqlite:////var/lib/followupd/ledger.db",
        description="`sqlite:///FILE` (a relative one begins at DIR) or `postgresql://USER@HOST/DATABASE`, "
        "without a password.",
        example="postgresql://followupd@db.example.com/followupd",
    )
    password: OptionalSecret = setting(
        "", description="Where the database's password is stored (Secrets).", example="credential:ledger"
    )
    key: RequiredSecret = setting(
        "credential:ledger-key",
        description="Where the key is stored that encrypts gift-card codes and signs Message-IDs. "
        "Keep a copy of it elsewhere.",
        example="file:ledger.key",
    )
    keep_mail: ElapsedDuration = setting(
        "90 days", description="How long mails are kept in full.", example="30 days"
    )


class HoursTable(Table):
    """When the company works (business hours and days in playbooks) and when letters may be sent."""

    days: WorkingDays = setting("mon-fri", description="The working days.", example="mon-fri,sat")
    open: TimeOfDay = setting("09:00", description="When each begins.", example="08:30")
    close: TimeOfDay = setting("17:00", description="When each ends.", example="18:00")
    holidays: HolidayCode = setting(
        "GB-ENG", description="Public holidays of this country or subdivision.", example="DE-BY"
    )
    quiet: QuietHours = setting(
        "20:00-08:00", description="No letter is sent then; empty for no quiet hours.", example=""
    )


class AgentTable(Table):
    """One person who answers customers, and signs letters. Write the table once for each person."""

    id: TagName = setting(description="A short name, for `agent-ana` and `owner: ana`.", example="ana")
    name: RequiredLine = setting(description="The name that customers read.", example="Ana Reyes")
    email: Address = setting(
        description="Where desk mails go, and where notes come from.", example="ana@example.com"
    )
    phone: Phone = setting(
        description="The direct number in international form, without an extension; letters show it.",
        example="+44 20 7946 0018",
    )
    role: Role = setting(
        "agent",
        description="The level of escalation; a level without a person means the next one up.",
        example="lead",
    )
    limit: RequiredMoney = setting(
        "50.00", description="Grants alone up to this; above it a lead approves.", example="100"
    )
    deputy: Line = setting(
        "",
        description="The `id` of who stands in while this person is away; without one, the next level does.",
        example="lee",
    )
    away: tuple[DayRange, ...] = setting(
        [],
        description="Days of absence, the last one included. `away: until 3 January` by mail, and an "
        "out-of-office reply to a desk mail, say the same.",
        example=["2026-12-21..2027-01-03"],
    )


class HelperTable(Table):
    """A department that agents ask by `ask: warehouse by Friday: ...`. Write the table once for each."""

    id: TagName = setting(description="A short name, for `ask: warehouse ...`.", example="warehouse")
    name: RequiredLine = setting(
        description="The name, in mails to it and to agents.", example="The warehouse"
    )
    email: Address = setting(description="Where questions go.", example="warehouse@example.com")
    lead: OptionalAddress = setting(
        "",
        description="Who is asked when a question has no answer in time; empty for no one.",
        example="warehouse-lead@example.com",
    )
    share: bool = setting(
        False,
        description="`true`: the mail shows the customer's name and newest text; otherwise neither.",
        example=True,
    )


class CompensationSettings(Table):
    """What customers are given, besides each agent's limit."""

    cap: MonthlyCap = setting(
        "",
        description="The most that one customer is granted in a calendar month, in all cases together; "
        "above it a lead approves. Empty for no cap.",
        example="200.00 per month",
    )


class GiftCardSettings(Table):
    """Where gift cards come from."""

    provider: Literal["codes", "http"] = setting(
        "codes",
        description="`codes`: the stock that `followupd gift-cards import` fills; "
        "`http`: each card is ordered from a web service.",
        example="http",
    )
    url: WebAddress = setting(
        "",
        description="The provider's address, to which `/orders` is added.",
        example="https://cards.example.com/api/v2",
    )
    token: OptionalSecret = setting(
        "", description="Where the provider's token is stored (Secrets).", example="credential:gift-cards"
    )
    ca_file: CaFile = ""
    low: Count = setting(
        5,
        description="With fewer cards of a value in stock than this, `admin` is told once a day. 0: never.",
        example=10,
    )
    admin: OptionalAddress = setting(
        "",
        description="Who is told of a low stock; when empty, the first lead or the owner of the default "
        "playbook.",
        example="it@example.com",
    )
    order: Mapping[str, Any] = Field(
        {},
        description="What an order over HTTP has besides key, value and `LINK`, as the provider wants it; "
        "`{name}` and `{address}` in a text are the customer's.",
    )

    @property
    def watched(self) -> int:
        """The stock that counts as low, 0 where there is no stock of ours."""
        return self.low if self.provider == "codes" else 0


class RecogniseSettings(Table):
    """How complaints are told from other mail."""

    auto: Score = setting(
        0.90,
        description="At or above it a mail is a complaint and the confirmation is sent; "
        "it can be raised, not lowered.",
        example=0.95,
    )
    ask: Score = setting(
        0.30,
        description="From it up to `auto` a mail is suspected: agents decide, and no letter is sent.",
        example=0.40,
    )
    always: Patterns = setting(
        [], description="Phrases that always make a complaint.", example=["formal complaint"]
    )
    never: Patterns = setting([], description="Phrases that never make a complaint.", example=["newsletter"])
    add: Weights = setting(
        {},
        description="What phrases add to the score (log-odds: 1 is a hint, 3 is strong, "
        "a negative one counts against).",
        example={"still waiting": 1.5},
    )
    vip: tuple[AddressOrDomain, ...] = setting(
        [],
        description="Addresses and domains of important customers, whose cases are more severe.",
        example=["kim@example.org"],
    )
    large: OptionalMoney = setting(
        "500",
        description="A sum in a mail that makes its case more severe; empty for none.",
        example="2000",
    )
    most: RateLimit = setting(
        "60 per hour",
        description="More complaints than this, or four times as many in a day, are a flood: no letter "
        "leaves by machine, and agents decide in one line.",
        example="200 per hour",
    )


class MetricsSettings(Table):
    """Prometheus metrics and /healthz over HTTP."""

    listen: ListenAddress = setting("", description="host:port, or empty for none.", example="127.0.0.1:9099")


class ReportSettings(Table):
    """The page of the month: complaints, promises, outcomes, in figures and plots."""

    monthly: tuple[Address, ...] = setting(
        [],
        description="Who gets it by mail on the first working day of the next month.",
        example=["boss@example.com"],
    )


class ConfigurationFile(Table):
    """followupd.toml."""

    company: CompanyTable
    mailbox: tuple[MailboxSettings, ...]
    smtp: SmtpSettings
    ledger: LedgerSettings
    hours: HoursTable
    agent: tuple[AgentTable, ...]
    helper: tuple[HelperTable, ...] = ()
    compensation: CompensationSettings
    gift_cards: GiftCardSettings
    recognise: RecogniseSettings
    tags: Mapping[str, Any] = Field(
        {},
        description="What a keyword means: pattern = line of a note. Yours are added to the defaults; "
        '`= ""` switches a default off.',
    )
    folders: Mapping[str, Any] = Field(
        {},
        description="What moving a mail to a folder means, for servers and programs without keywords. "
        'Yours are added to the defaults; `= ""` switches a default off.',
    )
    vars: Mapping[VariableName, RequiredLine] = Field(
        {},
        description="Texts of yours for letters, such as opening hours or the address of a page: "
        "letters print them as `{{ vars.NAME }}`.",
    )
    report: ReportSettings
    metrics: MetricsSettings


# --- wording.toml -------------------------------------------------------------------------------------------


class WordingSettings(Table):
    """wording.toml; which rules and lists of phrases exist is checked with the letters."""

    rules: Mapping[str, Literal["on", "off"]] = Field(
        {}, description='Rule = `"on"` or `"off"`; every rule is on unless it is switched off.'
    )
    phrases: Mapping[LanguageTag, Mapping[str, Phrases]] = Field(
        {}, description="Own phrases: a table for each language, in it a list for each kind of phrase."
    )

    @property
    def off(self) -> frozenset[str]:
        """The ids of the rules that are switched off."""
        return frozenset(rule for rule, switch in self.rules.items() if switch == "off")


# --- the whole configuration --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, checked. `tags` and `folders` map what an agent sets to its command.

    `brands` are the companies besides `company`, by the names of their tables.
    """

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
    report: ReportSettings
    metrics: MetricsSettings
    wording: WordingSettings
    playbooks: Playbooks
    brands: Mapping[str, Company] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every configured secret, in the order of the file."""
        servers: tuple[MailboxSettings | SmtpSettings, ...] = (*self.mailboxes, self.smtp)
        found: list[Secret] = []
        for server in servers:
            found += [server.password, server.oauth_secret]
        found += [self.ledger.password, self.ledger.key, self.gift_cards.token]
        return tuple(secret for secret in found if secret.given)

    def mailbox(self, name: str) -> MailboxSettings:
        """Return the mailbox of this name, which must exist."""
        by_name = {mailbox.name: mailbox for mailbox in self.mailboxes}
        return by_name[name]

    def from_address(self, mailbox: str) -> str:
        """Return the address that letters of this mailbox come from; a brand's is its mailbox's own."""
        own = self.mailbox(mailbox)
        return own.address if own.company else self.smtp.from_address or own.address

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of ours, in lower case."""
        own = {self.smtp.from_address} - {""}
        for mailbox in self.mailboxes:
            own |= {mailbox.address, *mailbox.aliases}
        return frozenset(map(str.lower, own))
