"""Build the program from its settings: the one module that knows every adapter and every service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

from followupd import clock
from followupd.adapters.accounts import Mailbox, ledger_keys, ledger_url, logins_of, mailbox_of, transport_of
from followupd.adapters.crypto import Vault
from followupd.adapters.gift_cards import HttpProvider, StockProvider
from followupd.adapters.oauth import Login
from followupd.adapters.overlay import template_files
from followupd.adapters.process import MailReader
from followupd.adapters.settings import Settings, missing_secrets
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.storage.database import adapter_of
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.letter import Letter, OutboxEntry
from followupd.domain.mail import Identity, Message, Person
from followupd.domain.playbook import Company
from followupd.errors import SetupError, UnavailableError
from followupd.languages import Catalogue, own_files, read_catalogue
from followupd.services.cases import CaseService
from followupd.services.classifier import ComplaintClassifier
from followupd.services.commands import CommandService, NoteService
from followupd.services.context import GiftCardProvider, ServiceContext
from followupd.services.digest import DigestService
from followupd.services.gift_cards import GiftCardOrders
from followupd.services.inbox.case_opening import CaseOpener
from followupd.services.inbox.router import MailRouter
from followupd.services.inbox.sync import Folder, FolderRole, InboxSync
from followupd.services.maintenance import (
    CalibrationService,
    MonthlyService,
    RetentionService,
    TrainingService,
)
from followupd.services.outbox.outcomes import Reconciler
from followupd.services.outbox.policy import SendPolicy
from followupd.services.outbox.review import DraftFiler, ReviewService
from followupd.services.outbox.send import SendService
from followupd.services.staff_mail import AbsenceService, LowStock, StaffNotices
from followupd.services.wording_guard import WordingGuard
from followupd.text import complaints
from followupd.text.folders import command_lines
from followupd.text.orders import Grammar
from followupd.text.wording import WordingRules

#: servers that file what is sent over SMTP in the sender's Sent folder
_FILING_HOSTS = frozenset({"smtp.office365.com", "smtp.gmail.com"})
#: the length of a duration in plain time does not depend on the day from which it is measured
_ANY_DAY = datetime(2026, 1, 7, 12, tzinfo=UTC)
#: time that a slow server may take to return a mailbox's mail
_SLOW_READ = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The services, and what the daemon and the command line need besides them."""

    settings: Settings
    vault: Vault
    ledger: Ledger
    letters: TemplateRenderer
    inbox: InboxSync
    router: MailRouter
    commands: CommandService
    cases: CaseService
    gift_cards: GiftCardOrders
    sender: SendService
    reconciler: Reconciler
    review: ReviewService
    retention: RetentionService
    training: TrainingService
    calibration: CalibrationService
    monthly: MonthlyService
    digest: DigestService
    notices: StaffNotices
    absences: AbsenceService
    logins: Mapping[str, Login]

    def now(self) -> datetime:
        """Return the time: the database's where several machines share the ledger, else this machine's.

        Raises:
            UnavailableError: the database does not answer.
        """
        return self.ledger.now() or clock.now()

    def login_warnings(self) -> list[str]:
        """Return a sentence for each OAuth login that a person must renew soon."""
        return warnings_of(self.logins)

    def mailbox(self, name: str) -> Mailbox:
        """Return a new connection to a mailbox, not open yet; each thread has its own."""
        return mailbox_of(self.settings.mailbox(name))

    def folders(self, name: str, mailbox: Mailbox) -> list[Folder]:
        """Return the folders to watch in an open mailbox: the inbox, the command folders, and Sent last."""
        since = self.settings.mailbox(name).since
        folders = [Folder(name, mailbox.inbox, FolderRole.INBOX, since=since)]

        for folder, line in self.command_folders(mailbox).items():
            folders.append(Folder(name, folder, FolderRole.COMMAND, line))

        if mailbox.sent:
            folders.append(Folder(name, mailbox.sent, FolderRole.SENT, since=since))

        return folders

    def command_folders(self, mailbox: Mailbox) -> dict[str, str]:
        """Return the folders of an open mailbox that are commands, with the line that each means."""
        return command_folders_of(self.settings, self.commands.context.grammar, mailbox)


def warnings_of(logins: Mapping[str, Login]) -> list[str]:
    """Return a sentence for each OAuth login that a person must renew soon, or whose secret ends."""
    warnings = [login.warning() for login in logins.values()]
    return list(filter(None, warnings))


def command_folders_of(settings: Settings, grammar: Grammar, mailbox: Mailbox) -> dict[str, str]:
    """Return the folders of an open mailbox that are commands, with the line that each means.

    Args:
        settings: the configuration.
        grammar: the words of all languages.
        mailbox: an open one, which is asked for its folders.
    """
    existing = [*mailbox.existing(settings.folders), *mailbox.listed()]
    found = command_lines(dict.fromkeys(existing), settings.folders, settings.tags, grammar)
    for reserved in (mailbox.inbox, mailbox.sent, mailbox.drafts):
        found.pop(reserved, None)
    by_place = {mailbox.server_name(name): name for name in reversed(found)}
    return {name: line for name, line in found.items() if by_place[mailbox.server_name(name)] == name}


def build(settings: Settings) -> App:
    """Build all services. Opens no connection; of the secrets, only the ledger's key must be there.

    Raises:
        SetupError: the ledger's key is missing or invalid, or an extra that OAuth needs is not installed.
    """
    vault = Vault(ledger_keys(settings))
    languages = read_catalogue(settings.directory)
    letters = letters_of(settings, vault.message_id, languages)
    context = _context(settings, vault, letters, languages)
    recogniser = complaints.Recogniser.of(languages)
    training = TrainingService(context, vault, recogniser, settings.recognise.ask)
    classifier = _classifier(settings, recogniser, training.delta, languages)
    opener = CaseOpener(context, classifier, vault.reference, _most_complaints(settings))
    commands = CommandService(context, opener)
    ledger, logins = context.ledger, logins_of(settings)
    policy = _send_policy(settings)
    return App(
        settings=settings,
        vault=vault,
        ledger=ledger,
        letters=letters,
        inbox=InboxSync(
            ledger,
            _identity(settings, vault),
            settings.tags,
            DraftFiler(ledger, _compose_draft),
            _mail_reader(settings.directory),
        ),
        router=MailRouter(context, classifier, opener, NoteService(context, commands), settings.addresses),
        commands=commands,
        cases=CaseService(context),
        gift_cards=_gift_cards(settings, context),
        sender=_sender(settings, context, policy),
        reconciler=Reconciler(context, policy),
        review=ReviewService(context),
        retention=RetentionService(ledger, _plain_time(settings.calendar, settings.ledger.keep_mail)),
        training=training,
        calibration=CalibrationService(context),
        monthly=MonthlyService(context, settings.report.monthly),
        digest=DigestService(context, training, partial(warnings_of, logins)),
        notices=StaffNotices(context),
        absences=AbsenceService(context),
        logins=logins,
    )


def build_to_run(settings: Settings) -> App:
    """Build all services for the daemon.

    Raises:
        SetupError: with every secret that is missing, and as `build`.
    """
    if missing := missing_secrets(settings):
        raise SetupError(missing)

    app = build(settings)
    app.letters.load_all()  # a template that is edited from here on is checked by a reload first
    return app


@lru_cache(maxsize=1)
def _shared_reader() -> MailReader:
    """Return the reader of the shipped languages: one child process for all that this process builds."""
    return MailReader(_message)


def _message(content: bytes) -> Message:
    """Return a message from its JSON."""
    return adapter_of(Message).validate_json(content)


def _mail_reader(directory: Path) -> MailReader:
    """Return what reads mails; the admin's own language files need a reader that knows them."""
    if not own_files(directory):
        return _shared_reader()
    return MailReader(_message, directory)


def letters_of(
    settings: Settings, message_id: Callable[[str, str], str], languages: Catalogue | None = None
) -> TemplateRenderer:
    """Return the renderer of the admin's letters; `message_id(key, domain)` derives a letter's Message-ID.

    The same key gives the same id, by which a letter is recognised.
    """

    def sender_of(mailbox: str) -> Person:
        return Person(settings.from_address(mailbox), settings.playbooks.company(mailbox).name)

    known = languages or read_catalogue(settings.directory)

    def renderer(company: Company, brands: Mapping[str, TemplateRenderer]) -> TemplateRenderer:
        return TemplateRenderer(
            template_files(settings.directory, company),
            sender_of=sender_of,
            message_id=message_id,
            languages=known,
            brands=brands,
        )

    brands = {name: renderer(brand, {}) for name, brand in settings.brands.items()}
    return renderer(settings.company, brands)


def wording_rules_of(settings: Settings, languages: Catalogue | None = None) -> WordingRules:
    """Return the wording rules with the admin's changes: rules that are off, and phrases of their own."""
    known = languages or read_catalogue(settings.directory)
    return WordingRules(settings.wording.off, settings.wording.phrases, known)


def classifier_of(settings: Settings) -> ComplaintClassifier:
    """Return the classifier with the admin's thresholds and rules, and the shipped weights."""
    languages = read_catalogue(settings.directory)
    return _classifier(settings, complaints.Recogniser.of(languages), dict, languages)


def trained_classifier_of(settings: Settings) -> ComplaintClassifier:
    """Return the classifier with the trained weights, where the ledger and its key are available."""
    url = settings.ledger.url
    is_new = url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists()
    if is_new or missing_secrets(settings):
        return classifier_of(settings)

    app = build(settings)

    try:
        app.ledger.upgrade()
        app.training.refresh()
    except UnavailableError:
        return classifier_of(settings)
    finally:
        app.ledger.close()

    return app.router.classifier


def gift_card_provider_of(settings: Settings, ledger: Ledger) -> GiftCardProvider:
    """Return the source of gift cards: the imported stock, or a service over HTTP."""
    configured = settings.gift_cards
    if configured.provider != "http":
        return StockProvider(ledger)

    return HttpProvider(configured.url, configured.token, configured.ca_file, configured.order)


def _context(
    settings: Settings, vault: Vault, letters: TemplateRenderer, languages: Catalogue
) -> ServiceContext:
    """Return what most services share."""
    language = settings.company.locale.partition("_")[0]
    return ServiceContext(
        ledger=Ledger(ledger_url(settings), vault, undated),
        playbooks=settings.playbooks,
        letters=letters,
        mailbox=settings.mailboxes[0].name,
        language=language,
        monthly_cap=settings.compensation.cap,
        wording=WordingGuard(wording_rules_of(settings, languages), language, languages),
        languages=languages,
        grammar=grammar_of(settings, languages),
    )


def grammar_of(settings: Settings, languages: Catalogue) -> Grammar:
    """Return how the agents of these settings speak: the words of all languages, and the configured tags."""
    names = tuple(company.name for company in (settings.company, *settings.brands.values()))
    helpers = frozenset(helper.id for helper in settings.team.helpers)
    return Grammar(languages, settings.tags, settings.team.agents, names, helpers)


def _classifier(
    settings: Settings,
    recogniser: complaints.Recogniser,
    delta: Callable[[], Mapping[str, float]],
    languages: Catalogue,
) -> ComplaintClassifier:
    """Return the classifier with the admin's thresholds and rules.

    `delta` returns the trained changes of weights.
    """
    configured = settings.recognise
    language, _, region = settings.company.locale.partition("_")
    return ComplaintClassifier(
        recogniser,
        configured.auto,
        configured.ask,
        language,
        region[:2],
        large=configured.large,
        rules=complaints.SiteRules(always=configured.always, never=configured.never, add=configured.add),
        vip=configured.vip,
        delta=delta,
        languages=languages,
    )


def _gift_cards(settings: Settings, context: ServiceContext) -> GiftCardOrders:
    """Return the service that gets gift cards from the configured provider."""
    return GiftCardOrders(
        context,
        gift_card_provider_of(settings, context.ledger),
        LowStock(context, settings.gift_cards),
    )


def _sender(settings: Settings, context: ServiceContext, policy: SendPolicy) -> SendService:
    """Return the service that sends letters through the configured SMTP server."""
    return SendService(
        context.ledger,
        transport_of(settings.smtp),
        _compose_to_send,
        from_address=settings.from_address,
        witness_address=lambda name: settings.mailbox(name).address,
        policy=policy,
    )


def filing_mailboxes(settings: Settings) -> frozenset[str]:
    """Return the mailboxes of which the configuration says that their server files a copy of each letter in Sent.

    That is said by `witness`, or by a well-known server, which files it with the account that sends.
    """
    smtp = settings.smtp
    if smtp.witness == "none":
        return frozenset()
    known = smtp.host.casefold() in _FILING_HOSTS
    return frozenset(
        mailbox.name
        for mailbox in settings.mailboxes
        if smtp.witness == "sent" or (known and mailbox.username.casefold() == smtp.username.casefold())
    )


def _send_policy(settings: Settings) -> SendPolicy:
    """Return the rules of sending, with the configured limits."""
    smtp, calendar = settings.smtp, settings.calendar
    longest_poll = max(_plain_time(calendar, mailbox.poll) for mailbox in settings.mailboxes)
    return SendPolicy(
        calendar=calendar,
        per_address=(smtp.per_address.count, _plain_time(calendar, smtp.per_address.per)),
        breaker=(smtp.breaker.count, _plain_time(calendar, smtp.breaker.per)),
        witness=smtp.witness == "bcc",
        witness_within=_plain_time(calendar, smtp.witness_within),
        in_doubt=smtp.in_doubt,
        playbook_of=settings.playbooks.for_case,
        companies={name.name: name.company for name in settings.mailboxes if name.company},
        mailboxes=frozenset(mailbox.name for mailbox in settings.mailboxes),
        filing=filing_mailboxes(settings),
        # A mailbox is read with every poll; one missed poll, or a slow server, does not make it stale.
        fresh_for=2 * longest_poll + _SLOW_READ,
    )


def _most_complaints(settings: Settings) -> tuple[int, timedelta]:
    """Return how many complaints, in which time, are no flood yet."""
    most = settings.recognise.most
    return most.count, _plain_time(settings.calendar, most.per)


def identity_of(settings: Settings) -> Identity:
    """Return our addresses, without what only a ledger knows."""
    mailboxes = settings.mailboxes
    return Identity(
        addresses=settings.addresses,
        agents=frozenset(agent.email.lower() for agent in settings.team.agents),
        groups=frozenset(chain.from_iterable(mailbox.groups for mailbox in mailboxes)),
        authserv=frozenset(chain.from_iterable(mailbox.trusted for mailbox in mailboxes)),
        forms=frozenset(map(str.lower, chain.from_iterable(mailbox.forms for mailbox in mailboxes))),
    )


def _identity(settings: Settings, vault: Vault) -> Callable[[Transaction], Identity]:
    """Return a function that returns our addresses and keys; it reads earlier mails in a transaction."""
    addresses = identity_of(settings)

    def identity(tx: Transaction) -> Identity:
        return replace(addresses, letter_key=vault.letter_key, earlier=tx.mail.earlier_text)

    return identity


def _compose_draft(letter: Letter, now: datetime) -> bytes:
    """Render a letter as the draft that is filed in the mailbox."""
    return compose(letter, now=now)


def _compose_to_send(entry: OutboxEntry, now: datetime) -> bytes:
    """Render a letter to be sent at `now`: as it was stored, with a date, else from its text."""
    if entry.mail:
        return dated(entry.mail, now)

    return compose(entry.letter, now=now)


def _plain_time(calendar: Calendar, duration: Duration) -> timedelta:
    """Return how long a duration is, in time that does not depend on business hours."""
    return calendar.after(_ANY_DAY, duration) - _ANY_DAY
