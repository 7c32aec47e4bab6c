"""The form of followupd.toml: every table and key, its default and what it means."""

from followupd.adapters.settings import giving, known, patterns, plain
from followupd.adapters.settings.form import Form, Option, Section
from followupd.adapters.settings.secrets import kept_secret, secret

_SECURITY = plain.one_of("tls", "starttls", "none")
_CA_SAYS = "File with the CA certificate of a server that has its own CA; a relative path begins at DIR."

_AUTH = Option(
    "auth",
    plain.one_of("password", "oauth-google", "oauth-microsoft"),
    "How to log in: by `password`, or by OAuth 2 (an extra; `followupd login`).",
    "password",
    "oauth-microsoft",
)
_OAUTH = (
    Option(
        "oauth_client", plain.text, "OAuth: the id of the application you registered.", "", "1b2c-example"
    ),
    Option(
        "oauth_tenant", plain.text, "OAuth at Microsoft: the tenant's id or domain.", "common", "example.com"
    ),
    Option(
        "oauth_secret",
        secret,
        "OAuth: where the application's secret is kept (Secrets).",
        "",
        "credential:oauth",
    ),
    Option(
        "oauth_token", plain.text, "OAuth: the token's file; beside the ledger when empty.", "", "oauth.json"
    ),
)

COMPANY = Section(
    "company",
    "Who signs beside the person, and in which time and money it counts.",
    (
        Option("name", plain.filled, "The company's name, as customers know it.", example="Example Ltd"),
        Option(
            "locale", known.locale, "Language and country of dates and money in letters.", "en_GB", "de_DE"
        ),
        Option("timezone", known.time_zone, "Where the company's clock hangs.", example="Europe/London"),
        Option("currency", known.currency, "Of amounts that name none (ISO 4217).", "GBP", "EUR"),
    ),
)
MAILBOX = Section(
    "mailbox",
    "One support mailbox, read over IMAP. Write the table once for each.",
    (
        Option(
            "name",
            plain.word,
            "A short name for logs and the ledger; never change it later.",
            example="support",
        ),
        Option(
            "address", known.address, "The address that customers write to.", example="support@example.com"
        ),
        Option("host", plain.host, "The IMAP server.", example="imap.example.com"),
        Option("port", plain.port, "Its port: 993 for `tls`, mostly 143 for `starttls`.", 993, 143),
        Option(
            "security", _SECURITY, "`tls`, `starttls` or `none`; `none` only on loopback.", "tls", "starttls"
        ),
        Option("username", plain.filled, "The login.", example="support@example.com"),
        Option(
            "password",
            kept_secret,
            "Where the password is kept (Secrets).",
            "credential:imap",
            "file:imap.pw",
        ),
        _AUTH,
        *_OAUTH,
        Option("ca_file", plain.text, _CA_SAYS, "", "our-ca.pem"),
        Option(
            "inbox", plain.filled, "The folder that customers' mail arrives in.", "INBOX", "INBOX/Support"
        ),
        Option(
            "sent",
            plain.text,
            "The folder of our own mail; found by SPECIAL-USE when empty.",
            "",
            "Sent Items",
        ),
        Option(
            "since",
            plain.since,
            "The first run's beginning: `now`, `all` or a date. Older mail is never answered.",
            "now",
            "2026-01-31",
        ),
        Option("poll", plain.plain_duration, "How often to look besides IDLE.", "5 minutes", "1 minute"),
        Option(
            "aliases", known.addresses, "Other addresses whose mail arrives here.", [], ["help@example.com"]
        ),
        Option(
            "trusted",
            plain.phrases,
            "Our own mail servers' names in Authentication-Results; a failed DMARC check there stops automatic answers.",
            [],
            ["mx.example.com"],
        ),
        Option(
            "groups",
            plain.phrases,
            "List-Ids of support groups (as in Google Groups) whose mail is customers' mail, not a mailing list's.",
            [],
            ["support.example.com"],
        ),
    ),
    many=True,
    needed=True,
)
POST = Section(
    "smtp",
    "The SMTP server that takes our letters.",
    (
        Option("host", plain.host, "The submission server.", example="smtp.example.com"),
        Option("port", plain.port, "Its port: 587 for `starttls`, 465 for `tls`.", 587, 465),
        Option(
            "security", _SECURITY, "`tls`, `starttls` or `none`; `none` only on loopback.", "starttls", "tls"
        ),
        Option(
            "username", plain.text, "The login; empty for a server that asks none.", "", "support@example.com"
        ),
        Option("password", secret, "Where the password is kept (Secrets).", "", "credential:smtp"),
        _AUTH,
        *_OAUTH,
        Option("ca_file", plain.text, _CA_SAYS, "", "our-ca.pem"),
        Option(
            "from_address",
            known.maybe_address,
            "The address that letters come from; the mailbox's own when empty.",
            "",
            "care@example.com",
        ),
        Option(
            "witness",
            plain.one_of("bcc", "none"),
            "`bcc`: a blind copy to the mailbox proves that a letter was taken, and is our copy in Sent.",
            "bcc",
            "none",
        ),
        Option(
            "per_address",
            plain.rate,
            "Most automatic letters to one address; what agents approve does not count.",
            "1 per day",
            "2 per week",
        ),
        Option(
            "in_doubt",
            plain.one_of("ask", "resend"),
            "When nobody knows whether a letter left: `ask` a person, or `resend` it with the same Message-ID. "
            "A gift card is never sent again unasked.",
            "ask",
            "resend",
        ),
        Option(
            "witness_within",
            plain.plain_duration,
            "How long to wait for the witness before a letter counts as in doubt.",
            "10 minutes",
            "1 hour",
        ),
        Option(
            "breaker", plain.rate, "More letters than this stop all sending.", "200 per hour", "50 per hour"
        ),
    ),
)
LEDGER = Section(
    "ledger",
    "Where everything is written down: SQLite, or PostgreSQL with the extra `followupd[postgresql]`.",
    (
        Option(
            "url",
            plain.filled,
            "`sqlite:///FILE` (a relative one begins at DIR) or `postgresql://USER@HOST/DATABASE`, without a password.",
            "sqlite:////var/lib/followupd/ledger.db",
            "postgresql://followupd@db.example.com/followupd",
        ),
        Option(
            "password", secret, "Where the database's password is kept (Secrets).", "", "credential:ledger"
        ),
        Option(
            "key",
            kept_secret,
            "Where the key is kept that encrypts gift-card codes and signs Message-IDs. Keep a copy of it elsewhere.",
            "credential:ledger-key",
            "file:ledger.key",
        ),
        Option(
            "keep_mail", plain.plain_duration, "How long mails are kept as they came.", "90 days", "30 days"
        ),
    ),
)
HOURS = Section(
    "hours",
    "When the company works (business hours and days in playbooks) and when letters may leave.",
    (
        Option("days", plain.days, "The working days.", "mon-fri", "mon-fri,sat"),
        Option("open", plain.clock, "The beginning of each.", "09:00", "08:30"),
        Option("close", plain.clock, "The end of each.", "17:00", "18:00"),
        Option(
            "holidays", known.holidays, "Public holidays of this country or part of one.", "GB-ENG", "DE-BY"
        ),
        Option("quiet", plain.quiet, "No letter leaves then; empty for never quiet.", "20:00-08:00", ""),
    ),
)
AGENT = Section(
    "agent",
    "One person who answers. Write the table once for each; what they say counts, and letters are signed by them.",
    (
        Option("id", plain.word, "A short name, for `agent-ana` and `owner: ana`.", example="ana"),
        Option("name", plain.filled, "The name that customers read.", example="Ana Reyes"),
        Option(
            "email",
            known.address,
            "Where desk mails go, and where notes come from.",
            example="ana@example.com",
        ),
        Option(
            "phone",
            known.phone,
            "The direct number in international form, no extension: letters print it in full.",
            example="+44 20 7946 0018",
        ),
        Option(
            "role",
            plain.one_of("agent", "lead", "manager"),
            "The rung of the ladder of escalation; an empty rung means the next one up.",
            "agent",
            "lead",
        ),
        Option(
            "limit", known.amount, "Grants alone up to this; above it a lead approves.", "50.00", "100.00"
        ),
    ),
    many=True,
    needed=True,
)
COMPENSATION = Section(
    "compensation",
    "What customers are given, besides each agent's limit.",
    (
        Option(
            "cap",
            giving.cap,
            "Most that one customer is granted in a calendar month, in all cases together; above it a lead approves. "
            "Empty for no cap.",
            "",
            "200.00 per month",
        ),
    ),
)
GIFT_CARDS = Section(
    "gift_cards",
    "Where gift cards come from.",
    (
        Option(
            "provider",
            plain.one_of("codes", "http"),
            "`codes`: those that `followupd gift-cards import` has put in stock; `http`: ordered one by one.",
            "codes",
            "http",
        ),
        Option(
            "url",
            giving.url,
            "The provider's address, to which `/orders` is added.",
            "",
            "https://cards.example.com/api/v2",
        ),
        Option("token", secret, "Where the provider's token is kept (Secrets).", "", "credential:gift-cards"),
        Option("ca_file", plain.text, _CA_SAYS, "", "our-ca.pem"),
        Option(
            "low",
            plain.count,
            "Fewer cards of a value than this in stock: `admin` is told once a day. 0 for never.",
            5,
            10,
        ),
        Option(
            "admin",
            known.maybe_address,
            "Who is told of a low stock; empty for the first lead, or the owner of the default playbook.",
            "",
            "it@example.com",
        ),
    ),
)
RECOGNISE = Section(
    "recognise",
    "How complaints are told from everything else.",
    (
        Option(
            "auto",
            plain.score,
            "At or above it a mail is a complaint and the confirmation goes out; it can be raised, not lowered.",
            0.90,
            0.95,
        ),
        Option(
            "ask",
            plain.score,
            "From it up to `auto`: suspected; agents decide, no letter leaves.",
            0.30,
            0.40,
        ),
        Option(
            "always", patterns.patterns, "Phrases that always make a complaint.", [], ["formal complaint"]
        ),
        Option("never", patterns.patterns, "Phrases that never do.", [], ["newsletter"]),
        Option(
            "add",
            patterns.weights,
            "What phrases add to the score (log-odds; 1 is a hint, 3 is strong, negative speaks against).",
            {},
            {"still waiting": 1.5},
        ),
        Option(
            "vip",
            known.people,
            "Addresses and domains of important customers: their cases weigh more.",
            [],
            ["kim@example.org"],
        ),
        Option(
            "large",
            known.amount,
            "A sum in a mail that makes its case graver; empty for none.",
            "500",
            "2000",
        ),
    ),
)
TAGS = Section(
    "tags",
    'What a keyword means: pattern = line of a note. Yours are added to the defaults; `= ""` switches a default off.',
    free=True,
)
FOLDERS = Section(
    "folders",
    "What moving a mail to a folder means, for servers and programs without keywords. "
    'Yours are added to the defaults; `= ""` switches a default off.',
    free=True,
)
METRICS = Section(
    "metrics",
    "Prometheus metrics and /healthz over HTTP.",
    (Option("listen", plain.listen, "host:port, or empty for none.", "", "127.0.0.1:9099"),),
)

HOUSE: Form = (
    COMPANY,
    MAILBOX,
    POST,
    LEDGER,
    HOURS,
    AGENT,
    COMPENSATION,
    GIFT_CARDS,
    RECOGNISE,
    TAGS,
    FOLDERS,
    METRICS,
)
