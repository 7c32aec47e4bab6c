"""The only module that knows every door: settings in, one frozen House out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from followupd import clock
from followupd.adapters.accounts import ledger_url, logins_of, mailbox_of, missing_extras, post_of
from followupd.adapters.crypto import Vault
from followupd.adapters.gift_cards import CardStock
from followupd.adapters.imap.mailbox import ImapMailbox
from followupd.adapters.oauth.tokens import Login
from followupd.adapters.settings import WARNINGS, Settings, examined, missing_secrets, starter_directory
from followupd.adapters.settings.cue_files import CueFiles, cue_problems
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.templates.renderer import TemplateRenderer
from followupd.adapters.templates.sources import contents
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.letter import Letter
from followupd.domain.mail import Identity, Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import FoundCompensation, FoundPromise
from followupd.domain.records import OutboxEntry, StoredMail
from followupd.domain.team import Agent, Company, Team
from followupd.errors import Problem, SetupError, UnavailableError
from followupd.services.cases import CaseService
from followupd.services.classifier import ComplaintClassifier
from followupd.services.commands import CommandService
from followupd.services.digest import DigestService
from followupd.services.gift_cards import GiftCardOrders
from followupd.services.inbox.router import MailRouter
from followupd.services.inbox.sync import Folder, FolderRole, InboxSync
from followupd.services.outbox.drafts import DraftFiler
from followupd.services.outbox.policy import SendPolicy
from followupd.services.outbox.review import ReviewService
from followupd.services.outbox.send import SendService
from followupd.services.ports import GiftCardProvider, Transaction
from followupd.services.retention import RetentionService
from followupd.services.staff_mail import LowStock
from followupd.services.training import TrainingService
from followupd.services.wording_guard import WordingGuard, wording_context
from followupd.text import complaints, promises
from followupd.text.wording import WordingRules

#: durations of rules are measured from an ordinary day; they count plain time, so any day serves
_ANY_DAY = datetime(2026, 1, 7, 12, tzinfo=UTC)
#: what reading a mailbox may take, on a server that is slow
_SLOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class App:
    """Everything that a beat, a watcher or a command needs."""

    settings: Settings
    seal: Vault
    ledger: Ledger
    letters: TemplateRenderer
    reception: MailRouter
    intake: InboxSync
    desk: CommandService
    turn: CaseService
    cards: GiftCardOrders
    dispatch: SendService
    retention: RetentionService
    review: ReviewService
    lessons: TrainingService
    digest: DigestService
    logins: Mapping[str, Login]

    def now(self) -> datetime:
        """Return this moment: the database's where machines share the ledger, else this machine's; raises OutageError."""
        return self.ledger.now() or clock.now()

    def login_warnings(self) -> list[str]:
        """Return a sentence for each OAuth login that a person must renew soon."""
        return [warning for login in self.logins.values() if (warning := login.warning())]

    def mailbox(self, name: str) -> ImapMailbox:
        """Return a new connection to a mailbox, not yet open; each thread has its own."""
        return mailbox_of(self.settings.mailbox(name))

    def folders(self, name: str, mailbox: ImapMailbox) -> list[Folder]:
        """Return the folders to watch in an open mailbox: inbox and command folders first, Sent last."""
        since = self.settings.mailbox(name).since
        lines = {folder: line for folder, line in self.settings.folders.items() if line}
        command = [
            Folder(name, folder, FolderRole.COMMAND, lines[folder]) for folder in mailbox.existing(lines)
        ]
        sent = [Folder(name, mailbox.sent, FolderRole.SENT, since=since)] if mailbox.sent else []
        return [Folder(name, mailbox.inbox, FolderRole.INBOX, since=since), *command, *sent]


def build(settings: Settings) -> App:
    """Join every room to its doors. Opens no connection; only the ledger's key must be there.

    Raises:
        SetupError: the ledger's key is missing or cannot be used, or an extra that OAuth needs is not installed.
    """
    seal = Vault(_keys(settings))
    ledger = Ledger(ledger_url(settings), seal, undated)
    letters = letters_of(settings, seal.message_id)
    default_language = settings.company.locale.partition("_")[0]
    proofread = WordingGuard(wording_rules_of(settings), default_language)
    recogniser = _recogniser(settings)
    lessons = TrainingService(ledger, seal, recogniser, settings.recognise.ask, settings.calendar)
    judge = _judge(settings, recogniser, lessons.delta)
    reception = MailRouter(settings.playbooks, judge, _hear, letters, seal.reference)
    dispatch = SendService(
        ledger,
        post_of(settings.smtp),
        _leaving,
        from_address=settings.from_address,
        witness_address=lambda name: settings.mailbox(name).address,
        rules=_rules(settings),
        playbooks=settings.playbooks,
        write=letters,
    )
    stock = LowStock(settings.playbooks, letters, settings.mailboxes[0].name, settings.gift_cards)
    return App(
        settings,
        seal,
        ledger,
        letters,
        reception,
        intake=InboxSync(ledger, _ours(settings, seal), settings.tags, DraftFiler(ledger, _compose)),
        desk=CommandService(
            ledger,
            settings.playbooks,
            letters,
            reception,
            default_language,
            proofread=proofread,
            cap=settings.compensation.cap,
        ),
        turn=CaseService(
            ledger, settings.playbooks, letters, reception, proofread=proofread, cap=settings.compensation.cap
        ),
        cards=GiftCardOrders(
            ledger, cards_of(settings, ledger), settings.playbooks, letters, stock, proofread=proofread
        ),
        dispatch=dispatch,
        review=ReviewService(ledger, settings.playbooks, letters),
        retention=RetentionService(ledger, _span(settings.calendar, settings.ledger.keep_mail)),
        lessons=lessons,
        digest=DigestService(ledger, settings.playbooks, letters, settings.mailboxes[0].name, lessons),
        logins=logins_of(settings),
    )


def cards_of(settings: Settings, ledger: Ledger) -> GiftCardProvider:
    """Return where gift cards come from."""
    said = settings.gift_cards
    if said.provider != "http":
        return CardStock(ledger)
    from followupd.adapters.gift_cards import (
        HttpCardProvider,
    )  # and HTTP with it, which most houses never need

    return HttpCardProvider(said.url, said.token, said.ca_file)


def _compose(letter: Letter, now: datetime) -> bytes:
    return compose(letter, now=now)


def _leaving(state: OutboxEntry, now: datetime) -> bytes:
    return dated(state.mail, now) if state.mail else compose(state.letter, now=now)


def build_to_run(settings: Settings) -> App:
    """Join every room for the daemon; raises SetupError with every secret that is missing."""
    if absent := missing_secrets(settings):
        raise SetupError(absent)
    app = build(settings)
    app.letters.take_in()  # what is edited from here on counts when it was checked, and not file by file
    return app


def letters_of(settings: Settings, message_id: Callable[[str, str], str]) -> TemplateRenderer:
    """Return the writer of the admin's letters; `message_id(key, domain)` names each letter."""
    return TemplateRenderer(
        settings.directory / "templates",
        sender_of=lambda mailbox: Person(settings.from_address(mailbox), settings.company.name),
        message_id=message_id,
    )


def wording_rules_of(settings: Settings) -> WordingRules:
    """Return the rules of wording as the admin has them: some off, own phrases added."""
    return WordingRules(settings.wording.off, settings.wording.phrases)


def classifier_of(settings: Settings) -> ComplaintClassifier:
    """Return the recogniser with the admin's thresholds, rules and important customers, as it was before any lesson."""
    return _judge(settings, _recogniser(settings), dict)


def trained_classifier_of(settings: Settings) -> ComplaintClassifier:
    """Return the judge with what agents' decisions taught it, where the ledger and its key are at hand."""
    url = settings.ledger.url
    if missing_secrets(settings) or (
        url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists()
    ):
        return classifier_of(settings)
    app = build(settings)
    try:
        app.ledger.upgrade()
        app.lessons.refresh()
    except UnavailableError:
        return classifier_of(settings)
    finally:
        app.ledger.close()
    return _judge(settings, app.lessons.recogniser, app.lessons.delta)


def _recogniser(settings: Settings) -> complaints.Recogniser:
    return replace(complaints.Recogniser.shipped(), own_cues=CueFiles(settings.directory))


def _judge(
    settings: Settings, recogniser: complaints.Recogniser, delta: Callable[[], Mapping[str, float]]
) -> ComplaintClassifier:
    said = settings.recognise
    language, _, region = settings.company.locale.partition("_")
    return ComplaintClassifier(
        recogniser,
        said.auto,
        said.ask,
        language,
        region[:2],
        large=said.large,
        rules=complaints.SiteRules(always=said.always, never=said.never, add=said.add),
        vip=said.vip,
        delta=delta,
    )


def configuration_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return every problem in configuration and letters, all at once."""
    from followupd.adapters.templates.check import problems as letter_problems
    from followupd.adapters.templates.wording_check import wording_problems

    found, playbooks, manner = _configured(directory)
    letters = directory / "templates"
    found += letter_problems(letters, playbooks["default"], now)
    return [*found, *wording_problems(letters, playbooks, manner, wording_context, now)]


def blocking_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return the problems that keep the daemon from starting.

    Words are held to their rules again whenever a letter is written; letters as we ship them were tried by our own tests.
    """
    found, playbooks, _ = _configured(directory)
    letters, shipped = directory / "templates", starter_directory() / "templates"
    if contents(letters) != contents(shipped):
        from followupd.adapters.templates.check import problems as letter_problems

        found += letter_problems(letters, playbooks["default"], now, shipped)
    return [each for each in found if each.rule not in WARNINGS]


def _configured(directory: Path) -> tuple[list[Problem], Mapping[str, Playbook], WordingRules]:
    """Return what is wrong in the configuration, and its playbooks and rules of wording, or stand-ins to try letters on."""
    settings, found = examined(directory)
    found = [*found, *cue_problems(directory)]
    if settings is None:
        return found, {"default": _playbook_to_try()}, WordingRules()
    return [*found, *missing_extras(settings)], settings.playbooks, wording_rules_of(settings)


def _playbook_to_try() -> Playbook:
    """Return a playbook that letters can be tried on while the admin's own is being mended."""
    ana = Agent(id="ana", name="Ana Reyes", email="ana@example.com", phone="+44 20 7946 0018")
    company = Company(name="Example Ltd", timezone="Europe/London")
    calendar = Calendar(timezone=company.timezone)
    return Playbook(name="default", owner="ana", calendar=calendar, team=Team((ana,)), company=company)


def _keys(settings: Settings) -> Sequence[bytes]:
    """Read the ledger's keys, one a line, the present one first."""
    keys = [line.encode() for line in settings.ledger.key.reveal().splitlines() if line.strip()]
    try:
        Vault(keys)
    except ValueError as error:
        hint = "`openssl rand -base64 32` makes a good one."
        raise SetupError([Problem("followupd.toml", None, "ledger.key", "C14", str(error), hint)]) from None
    return keys


def _ours(settings: Settings, seal: Vault) -> Callable[[Transaction], Identity]:
    """Return what tells `listen` our own mail from the world's, with the ledger's memory of earlier words."""

    def ours(tx: Transaction) -> Identity:
        return Identity(
            addresses=settings.addresses,
            agents=frozenset(agent.email.lower() for agent in settings.team.agents),
            groups=frozenset(group for mailbox in settings.mailboxes for group in mailbox.groups),
            authserv=frozenset(name for mailbox in settings.mailboxes for name in mailbox.trusted),
            letter_key=seal.letter_key,
            earlier=tx.mail.earlier_text,
        )

    return ours


def _rules(settings: Settings) -> SendPolicy:
    post, calendar = settings.smtp, settings.calendar
    return SendPolicy(
        calendar=calendar,
        per_address=(post.per_address.count, _span(calendar, post.per_address.per)),
        breaker=(post.breaker.count, _span(calendar, post.breaker.per)),
        witness=post.witness == "bcc",
        witness_within=_span(calendar, post.witness_within),
        in_doubt=post.in_doubt,
        listens_to=frozenset(mailbox.name for mailbox in settings.mailboxes),
        # A mailbox that is well is read with every poll; a slow server is given another one and some minutes.
        heard_for=2 * max(_span(calendar, mailbox.poll) for mailbox in settings.mailboxes) + _SLOW,
    )


def _span(calendar: Calendar, duration: Duration) -> timedelta:
    return calendar.after(_ANY_DAY, duration) - _ANY_DAY


def _hear(
    kept: StoredMail, playbook: Playbook, language: str
) -> tuple[Sequence[FoundPromise], Sequence[FoundCompensation]]:
    message = kept.message
    return promises.hear(
        message.text,
        said_at=message.sent_at or kept.received_at,
        calendar=playbook.calendar,
        language=language or playbook.company.locale.partition("_")[0],
        doubtful=message.doubtful,
        currency=playbook.company.currency,
    )
