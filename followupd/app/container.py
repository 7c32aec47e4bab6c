"""The only module that knows every door: settings in, one frozen House out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from followupd import clock
from followupd.adapters.accounts import ledger_url, logins_of, mailbox_of, missing_extras, post_of
from followupd.adapters.crypto import Seal
from followupd.adapters.gift_cards import StockedCards
from followupd.adapters.imap.mailbox import Mailbox
from followupd.adapters.oauth.tokens import Login
from followupd.adapters.settings import WARNINGS, Settings, examined, missing_secrets, starter_directory
from followupd.adapters.settings.cue_files import CueFiles, cue_problems
from followupd.adapters.smtp.compose import compose, dated, undated
from followupd.adapters.storage.ledger import Ledger
from followupd.adapters.templates.renderer import Letters
from followupd.adapters.templates.sources import contents
from followupd.domain.calendar import Calendar, Duration
from followupd.domain.letter import Outgoing
from followupd.domain.mail import Ours, Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import HeardGrant, HeardPromise
from followupd.domain.records import Kept, LetterState
from followupd.domain.team import Agent, Company, Team
from followupd.errors import OutageError, Problem, SetupError
from followupd.services.cases import Turn
from followupd.services.classifier import HouseJudge
from followupd.services.commands import Desk
from followupd.services.digest import Digest
from followupd.services.gift_cards import CardRound
from followupd.services.inbox.router import Reception
from followupd.services.inbox.sync import Folder, Intake, Role
from followupd.services.outbox.drafts import Drafts
from followupd.services.outbox.policy import Rules
from followupd.services.outbox.review import Review
from followupd.services.outbox.send import Dispatch
from followupd.services.ports import CardProvider, Work
from followupd.services.retention import Retention
from followupd.services.staff_mail import Stock
from followupd.services.training import Lessons
from followupd.services.wording_guard import Proofreader, around
from followupd.text import complaints, promises
from followupd.text.wording import Manner

#: durations of rules are measured from an ordinary day; they count plain time, so any day serves
_ANY_DAY = datetime(2026, 1, 7, 12, tzinfo=UTC)
#: what reading a mailbox may take, on a server that is slow
_SLOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class House:
    """Everything that a beat, a watcher or a command needs."""

    settings: Settings
    seal: Seal
    ledger: Ledger
    letters: Letters
    reception: Reception
    intake: Intake
    desk: Desk
    turn: Turn
    cards: CardRound
    dispatch: Dispatch
    retention: Retention
    review: Review
    lessons: Lessons
    digest: Digest
    logins: Mapping[str, Login]

    def now(self) -> datetime:
        """Return this moment: the database's where machines share the ledger, else this machine's; raises OutageError."""
        return self.ledger.now() or clock.now()

    def login_warnings(self) -> list[str]:
        """Return a sentence for each OAuth login that a person must renew soon."""
        return [warning for login in self.logins.values() if (warning := login.warning())]

    def mailbox(self, name: str) -> Mailbox:
        """Return a new connection to a mailbox, not yet open; each thread has its own."""
        return mailbox_of(self.settings.mailbox(name))

    def folders(self, name: str, mailbox: Mailbox) -> list[Folder]:
        """Return the folders to watch in an open mailbox: inbox and command folders first, Sent last."""
        since = self.settings.mailbox(name).since
        lines = {folder: line for folder, line in self.settings.folders.items() if line}
        command = [Folder(name, folder, Role.COMMAND, lines[folder]) for folder in mailbox.existing(lines)]
        sent = [Folder(name, mailbox.sent, Role.SENT, since=since)] if mailbox.sent else []
        return [Folder(name, mailbox.inbox, Role.INBOX, since=since), *command, *sent]


def build(settings: Settings) -> House:
    """Join every room to its doors. Opens no connection; only the ledger's key must be there.

    Raises:
        SetupError: the ledger's key is missing or cannot be used, or an extra that OAuth needs is not installed.
    """
    seal = Seal(_keys(settings))
    ledger = Ledger(ledger_url(settings), seal, undated)
    letters = letters_of(settings, seal.message_id)
    default_language = settings.company.locale.partition("_")[0]
    proofread = Proofreader(manner_of(settings), default_language)
    recogniser = _recogniser(settings)
    lessons = Lessons(ledger, seal, recogniser, settings.recognise.ask, settings.calendar)
    judge = _judge(settings, recogniser, lessons.delta)
    reception = Reception(settings.playbooks, judge, _hear, letters, seal.reference)
    dispatch = Dispatch(
        ledger, post_of(settings.post), _leaving, from_address=settings.from_address,
        witness_address=lambda name: settings.mailbox(name).address, rules=_rules(settings),
        playbooks=settings.playbooks, write=letters,
    )  # fmt: skip
    stock = Stock(settings.playbooks, letters, settings.mailboxes[0].name, settings.gift_cards)
    return House(
        settings, seal, ledger, letters, reception,
        intake=Intake(ledger, _ours(settings, seal), settings.tags, Drafts(ledger, _compose)),
        desk=Desk(ledger, settings.playbooks, letters, reception, default_language, proofread=proofread, cap=settings.compensation.cap),
        turn=Turn(ledger, settings.playbooks, letters, reception, proofread=proofread, cap=settings.compensation.cap),
        cards=CardRound(ledger, cards_of(settings, ledger), settings.playbooks, letters, stock, proofread=proofread),
        dispatch=dispatch, review=Review(ledger, settings.playbooks, letters),
        retention=Retention(ledger, _span(settings.calendar, settings.ledger.keep_mail)),
        lessons=lessons, digest=Digest(ledger, settings.playbooks, letters, settings.mailboxes[0].name, lessons),
        logins=logins_of(settings),
    )  # fmt: skip


def cards_of(settings: Settings, ledger: Ledger) -> CardProvider:
    """Return where gift cards come from."""
    said = settings.gift_cards
    if said.provider != "http":
        return StockedCards(ledger)
    from followupd.adapters.gift_cards import ProvidedCards  # and HTTP with it, which most houses never need

    return ProvidedCards(said.url, said.token, said.ca_file)


def _compose(letter: Outgoing, now: datetime) -> bytes:
    return compose(letter, now=now)


def _leaving(state: LetterState, now: datetime) -> bytes:
    return dated(state.mail, now) if state.mail else compose(state.letter, now=now)


def build_to_run(settings: Settings) -> House:
    """Join every room for the daemon; raises SetupError with every secret that is missing."""
    if absent := missing_secrets(settings):
        raise SetupError(absent)
    house = build(settings)
    house.letters.take_in()  # what is edited from here on counts when it was checked, and not file by file
    return house


def letters_of(settings: Settings, message_id: Callable[[str, str], str]) -> Letters:
    """Return the writer of the admin's letters; `message_id(key, domain)` names each letter."""
    return Letters(
        settings.directory / "templates",
        sender_of=lambda mailbox: Person(settings.from_address(mailbox), settings.company.name),
        message_id=message_id,
    )


def manner_of(settings: Settings) -> Manner:
    """Return the rules of wording as the admin has them: some off, own phrases added."""
    return Manner(settings.wording.off, settings.wording.phrases)


def judge_of(settings: Settings) -> HouseJudge:
    """Return the recogniser with the admin's thresholds, rules and important customers, as it was before any lesson."""
    return _judge(settings, _recogniser(settings), dict)


def taught_judge_of(settings: Settings) -> HouseJudge:
    """Return the judge with what agents' decisions taught it, where the ledger and its key are at hand."""
    url = settings.ledger.url
    if missing_secrets(settings) or (url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists()):
        return judge_of(settings)
    house = build(settings)
    try:
        house.ledger.upgrade()
        house.lessons.refresh()
    except OutageError:
        return judge_of(settings)
    finally:
        house.ledger.close()
    return _judge(settings, house.lessons.recogniser, house.lessons.delta)


def _recogniser(settings: Settings) -> complaints.Recogniser:
    return replace(complaints.Recogniser.shipped(), own_cues=CueFiles(settings.directory))


def _judge(
    settings: Settings, recogniser: complaints.Recogniser, delta: Callable[[], Mapping[str, float]]
) -> HouseJudge:
    said = settings.recognise
    language, _, region = settings.company.locale.partition("_")
    return HouseJudge(
        recogniser, said.auto, said.ask, language, region[:2], large=said.large,
        rules=complaints.Rules(always=said.always, never=said.never, add=said.add), vip=said.vip, delta=delta,
    )  # fmt: skip


def house_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return every problem in configuration and letters, all at once."""
    from followupd.adapters.templates.check import problems as letter_problems
    from followupd.adapters.templates.wording_check import wording_problems

    found, playbooks, manner = _configured(directory)
    letters = directory / "templates"
    found += letter_problems(letters, playbooks["default"], now)
    return [*found, *wording_problems(letters, playbooks, manner, around, now)]


def hindering_problems(directory: Path, now: datetime) -> list[Problem]:
    """Return the problems that keep the daemon from starting.

    Words are held to their rules again whenever a letter is written; letters as we ship them were tried by our own tests.
    """
    found, playbooks, _ = _configured(directory)
    letters, shipped = directory / "templates", starter_directory() / "templates"
    if contents(letters) != contents(shipped):
        from followupd.adapters.templates.check import problems as letter_problems

        found += letter_problems(letters, playbooks["default"], now, shipped)
    return [each for each in found if each.rule not in WARNINGS]


def _configured(directory: Path) -> tuple[list[Problem], Mapping[str, Playbook], Manner]:
    """Return what is wrong in the configuration, and its playbooks and rules of wording, or stand-ins to try letters on."""
    settings, found = examined(directory)
    found = [*found, *cue_problems(directory)]
    if settings is None:
        return found, {"default": _playbook_to_try()}, Manner()
    return [*found, *missing_extras(settings)], settings.playbooks, manner_of(settings)


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
        Seal(keys)
    except ValueError as error:
        mend = "`openssl rand -base64 32` makes a good one."
        raise SetupError([Problem("followupd.toml", None, "ledger.key", "C14", str(error), mend)]) from None
    return keys


def _ours(settings: Settings, seal: Seal) -> Callable[[Work], Ours]:
    """Return what tells `listen` our own mail from the world's, with the ledger's memory of earlier words."""

    def ours(work: Work) -> Ours:
        return Ours(
            addresses=settings.addresses,
            agents=frozenset(agent.email.lower() for agent in settings.team.agents),
            groups=frozenset(group for mailbox in settings.mailboxes for group in mailbox.groups),
            authserv=frozenset(name for mailbox in settings.mailboxes for name in mailbox.trusted),
            letter_key=seal.letter_key,
            earlier=work.mail.earlier_text,
        )

    return ours


def _rules(settings: Settings) -> Rules:
    post, calendar = settings.post, settings.calendar
    return Rules(
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


def _hear(kept: Kept, playbook: Playbook, language: str) -> tuple[Sequence[HeardPromise], Sequence[HeardGrant]]:
    message = kept.message
    return promises.hear(
        message.text, said_at=message.sent_at or kept.received_at, calendar=playbook.calendar,
        language=language or playbook.company.locale.partition("_")[0], doubtful=message.doubtful,
        currency=playbook.company.currency,
    )  # fmt: skip
