"""Periodic work: train the classifier once a week; measure promises and delete the text of old mails once a day."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from followupd import log
from followupd.adapters.crypto import Vault
from followupd.adapters.pages import render_page
from followupd.adapters.storage.database import place
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.calendar import Calendar
from followupd.domain.case import Case
from followupd.domain.decision import Agenda
from followupd.domain.events import CustomerWrote
from followupd.domain.keys import StateKey
from followupd.domain.letter import Attachment, Letter
from followupd.domain.mail import Kind, StoredMail
from followupd.languages import Language
from followupd.recovery import opening
from followupd.recovery.past.calibration import Usual, stored, usual_times
from followupd.recovery.past.learn import FIRST_WORDS, with_kept_times
from followupd.recovery.past.monthly import (
    Month,
    MonthBook,
    MonthlyReport,
    book_of,
    headline,
    page_values,
    times_asked,
)
from followupd.recovery.recurrence import CauseCase, came_back
from followupd.services.context import ServiceContext
from followupd.services.staff_mail import administrator, notice_key
from followupd.text import complaints
from followupd.text.complaints import Learned, Recogniser, Tagged
from followupd.text.complaints.learning import FEWEST

_RETENTION_INTERVAL = timedelta(days=1)
_CALIBRATION_INTERVAL = timedelta(days=1)
#: mails in one transaction, so that others wait for the ledger only briefly
_BATCH_SIZE = 200
#: where the result of a training is stored
_PLACE = place("pulse", StateKey.TRAINING)


@dataclass(frozen=True, slots=True)
class RetentionService:
    """Deletes the text of mails that were stored for longer than `keep`."""

    ledger: Ledger
    keep: timedelta

    def run(self, now: datetime) -> int:
        """Handle one batch.

        Returns:
            How many mails were looked at, 0 once all is done for the day.
        """
        with self.ledger.transaction() as tx:
            found = tx.state.get(StateKey.RETENTION)
            last_id, has_more = 0, True
            if found:
                last_id, has_more = int(found[0]["mail"]), bool(found[0]["rest"])
                if not has_more and now - found[1] < _RETENTION_INTERVAL:
                    return 0
            reached = tx.retention.delete_old_text(last_id, now - self.keep, _BATCH_SIZE)
            tx.state.put(StateKey.RETENTION, {"mail": reached or last_id, "rest": reached is not None}, now)

        return 0 if reached is None else reached - last_id


#: promises that were made before are not like those of today
_CALIBRATION_PERIOD = timedelta(days=365)


def measured_times(context: ServiceContext, since: datetime, now: datetime) -> list[Usual]:
    """Return how long each kind of promise takes, by the cases of the ledger.

    Args:
        context: with the ledger, the playbooks and the languages.
        since: promises made before do not count.
        now: up to when what is still owed has taken.
    """

    def language_of(case: Case) -> Language:
        return context.languages.language(case.language or context.language)

    with context.ledger.snapshot() as tx:
        cases = (with_kept_times(case, tx.cases.history) for case in tx.cases.each())
        return usual_times(cases, context.playbooks, language_of, since, now)


@dataclass(frozen=True, slots=True)
class CalibrationService:
    """Measures once a day how long promises take, so that new ones can be compared with it."""

    context: ServiceContext

    def run(self, now: datetime) -> int:
        """Measure, if that was not done for a day; returns 0, since nothing follows from it at once."""
        with self.context.ledger.transaction() as tx:
            found = tx.state.get(StateKey.CALIBRATION)
        if found and now - found[1] < _CALIBRATION_INTERVAL:
            return 0

        usual = measured_times(self.context, now - _CALIBRATION_PERIOD, now)
        with self.context.ledger.transaction() as tx:
            if not tx.state.value(StateKey.CAUSES):
                tx.cases.fill_causes()
                tx.state.put(StateKey.CAUSES, 1, now)
            tx.state.put(StateKey.CALIBRATION, stored(usual), now)
        return 0


#: closed cases of which something may still count in a month: their outcomes come 90 days after the close
_MONTHS_BACK = timedelta(days=400)
#: a month without anything to report is not looked at in every cycle
_LOOKED_AGAIN_AFTER = timedelta(days=1)


def monthly_report(
    tx: Transaction, month: Month, calendar: Calendar, is_ours: Callable[[str], bool]
) -> MonthlyReport:
    """Return the figures of a company's month from the ledger, reading one case at a time.

    Args:
        tx: the transaction.
        month: the month.
        calendar: the company's calendar.
        is_ours: whether a mailbox, by its name, belongs to the company.
    """
    book = _book(tx, month, calendar, is_ours)
    found = (came_back(cause, _cases_of(tx, cause, is_ours)) for cause in tx.cases.causes())
    again = [each for each in found if each and any(month.has(case.opened_at) for case in each.since)]
    return MonthlyReport(book, tuple(again))


def _book(tx: Transaction, month: Month, calendar: Calendar, is_ours: Callable[[str], bool]) -> MonthBook:
    """Return the figures of a company's month; what is known of single cases is free again afterwards.

    Args:
        tx: the transaction.
        month: the month.
        calendar: the company's calendar.
        is_ours: whether a mailbox, by its name, belongs to the company.
    """
    since = month.begin - _MONTHS_BACK
    names = [kind.__name__ for kind in FIRST_WORDS]
    mails = tx.mail.customers_mails(month.begin)
    counted = (case for case in tx.cases.each(since) if is_ours(case.mailbox))
    cases = (with_kept_times(case, tx.cases.history) for case in counted)
    first_words = tx.cases.first_words(names, since)
    asks = times_asked(tx.cases.events_of(CustomerWrote, month.begin))
    return book_of(month, calendar, cases, first_words, lambda ref: mails.get(ref, 1), asks)


def _cases_of(tx: Transaction, cause: str, is_ours: Callable[[str], bool]) -> list[CauseCase]:
    """Return a company's complaints of one cause, oldest first.

    Args:
        tx: the transaction.
        cause: its code.
        is_ours: whether a mailbox, by its name, belongs to the company.
    """
    return [case for case in tx.cases.of_cause(cause) if is_ours(case.mailbox)]


def monthly_page(report: MonthlyReport, company: str) -> str:
    """Return the page of a month as HTML that loads nothing."""
    return render_page("monthly.html", **page_values(report, company))


@dataclass(frozen=True, slots=True)
class MonthlyService:
    """Sends the page of the last month on the first working day, once, to the configured addresses."""

    context: ServiceContext
    addresses: Sequence[str]

    def run(self, now: datetime) -> int:
        """Queue the mails of the last month that are due and not queued yet; return how many."""
        calendar = self.context.playbooks.default.calendar
        month = Month.before(calendar.local(now).date(), calendar)
        if not self.addresses or now < self._due(month, calendar):
            return 0

        companies = self.context.playbooks.companies
        return sum(self._queue_all(month, mailbox, now) for mailbox in companies)

    def _due(self, month: Month, calendar: Calendar) -> datetime:
        """Return the opening of the first working day after a month."""
        return calendar.next_open(calendar.moment(month.following, calendar.open))

    def _queue_all(self, month: Month, mailbox: str, now: datetime) -> int:
        """Queue the mails about one company's month that are not queued yet; return how many.

        The month is computed while others may write, which takes seconds; only the mails are queued in a transaction.

        Args:
            month: the month.
            mailbox: one of the company's, "" for the company of [company].
            now: the time of the cycle, in UTC.
        """
        playbooks, ledger = self.context.playbooks, self.context.ledger
        company = playbooks.company(mailbox).id
        state = StateKey.EMPTY_MONTH.of(company) if company else StateKey.EMPTY_MONTH
        keys = {_key(month, address, company): address for address in self.addresses}
        with ledger.snapshot() as tx:
            open_keys = [key for key in keys if not tx.outbox.contains(key)]
            looked = tx.state.get(state)
            if not open_keys or _was_empty(looked, month, now):
                return 0
            log.month_begun(month.name)
            is_ours = partial(playbooks.of_one_company, mailbox)
            report = monthly_report(tx, month, playbooks.default.calendar, is_ours)

        if not report.book.opened and not report.book.promises():
            with ledger.transaction() as tx:
                tx.state.put(state, month.name, now)
            return 0
        page = self._page(report, mailbox)
        return self._queue(
            [self._letter(key, keys[key], report, page, mailbox, now) for key in open_keys], now
        )

    def _page(self, report: MonthlyReport, mailbox: str) -> Attachment:
        """Return the page of a company's month, as it is attached to each of its mails.

        Args:
            report: the figures of the month.
            mailbox: one of the company's, "" for the company of [company].
        """
        company = self.context.playbooks.of(mailbox).default.company
        name = f"complaints-{report.book.month.name}.html"
        return Attachment(name, "text/html", monthly_page(report, company.name))

    def _letter(
        self, key: str, address: str, report: MonthlyReport, page: Attachment, mailbox: str, now: datetime
    ) -> Letter:
        """Return the mail to one address: the headline in sentences, with the page attached.

        Args:
            key: the key of the letter.
            address: who gets it.
            report: the figures of the month.
            page: the page of the month.
            mailbox: one of the company's, "" for the company of [company].
            now: the time of the cycle, in UTC.
        """
        default = self.context.playbooks.of(mailbox).default
        agent = administrator(default.team, address)
        agenda = Agenda(key=key, day=report.book.month.following, general=tuple(headline(report)))
        letter = self.context.letters.digest(agenda, default, now, mailbox or self.context.mailbox, agent)
        return replace(letter, attachments=(*letter.attachments, page))

    def _queue(self, letters: Sequence[Letter], now: datetime) -> int:
        """Queue mails, without those that were queued meanwhile; return how many were.

        The key of a mail is that of the month and the address, so that the outbox takes it once.

        Args:
            letters: the mails about one month.
            now: the time of the cycle, in UTC.
        """
        with self.context.ledger.transaction() as tx:
            new = [letter for letter in letters if not tx.outbox.contains(letter.key)]
            for letter in new:
                tx.outbox.queue(letter, now)
                log.letter_written(letter.key)
        return len(new)


def _was_empty(looked: tuple[Any, datetime] | None, month: Month, now: datetime) -> bool:
    """Return whether a month was looked at within a day, and nothing was in it.

    Args:
        looked: the month that was empty last, and when that was found; None if none was.
        month: the month that is asked about.
        now: the time of the cycle, in UTC.
    """
    return looked is not None and looked[0] == month.name and now - looked[1] < _LOOKED_AGAIN_AFTER


def _key(month: Month, address: str, company: str) -> str:
    """Return the key of the mail about a company's month to an address, which it does not tell."""
    mark = hashlib.sha256(f"{company}{address.casefold()}".encode()).hexdigest()[:8]
    return notice_key(month.following, f"month-{mark}")


#: time between two trainings
_INTERVAL = timedelta(days=7)
#: a running daemon looks so often for what `followupd learn` has stored
_REFRESH_INTERVAL = timedelta(minutes=1)
#: the newest decisions that are used; a cycle must not take minutes, and older decisions fit less well
_MAX_DECISIONS = 1_000
#: at most this many phrases are named in the digest, each way
_MAX_PHRASES = 5


@dataclass(frozen=True, slots=True)
class _StoredTraining:
    """The stored result: changes of weights by feature, and the sentence about them for the digest."""

    delta: Mapping[str, float] = field(default_factory=dict)
    told: str = ""


@dataclass(slots=True)
class TrainingService:
    """Trains, and gives the classifier of a running daemon the present weights.

    `ask` is the score from which a mail is suspected.
    """

    context: ServiceContext
    vault: Vault
    recogniser: Recogniser
    ask: float
    _current: _StoredTraining = field(default_factory=_StoredTraining, init=False)
    _trained_at: datetime | None = field(default=None, init=False)
    _refreshed_at: datetime | None = field(default=None, init=False)

    def delta(self) -> Mapping[str, float]:
        """Return the changes of weights as of the last `refresh`.

        Reads no ledger, so it can be used in a transaction.
        """
        return self._current.delta

    def news_since(self, since: datetime | None) -> str:
        """Return what the last training changed, for the digest.

        Returns "" when the last training was before `since`, or has changed nothing.
        """
        if self._trained_at is None:
            return ""
        if since is not None and self._trained_at <= since:
            return ""

        return self._current.told

    def run(self, now: datetime) -> int:
        """Load what was trained elsewhere (`followupd learn`), and train if it is due; return 1 if it was.

        Training is due once a week, while the office is open.
        """
        last = self._refreshed_at
        if last and last <= now < last + _REFRESH_INTERVAL:
            return 0

        self.refresh()
        self._refreshed_at = now

        due = self._trained_at is None or now - self._trained_at >= _INTERVAL
        if not due or not self.context.playbooks.default.calendar.is_open(now):
            return 0

        self.learn(now)
        return 1

    def refresh(self) -> None:
        """Load the stored result, if it is another than the present one."""
        with self.context.ledger.transaction() as tx:
            found = tx.state.get(StateKey.TRAINING)

        if found and found[1] != self._trained_at:
            self._current, self._trained_at = self._decrypted(found[0]), found[1]

    def learn(
        self,
        now: datetime,
        *,
        keep: bool = True,
        counted: Callable[[Sequence[Tagged]], Iterable[Tagged]] = iter,
    ) -> tuple[Learned, list[Tagged]]:
        """Train on all decisions; too few of them change nothing.

        Args:
            now: the time of the cycle, in UTC.
            keep: whether the result is stored and used.
            counted: hands the decisions over one by one, and may tell somebody how many there were.

        Returns:
            The result, and the decisions on which it is trained.
        """
        with self.context.ledger.transaction() as tx:
            decided = self.decisions(tx)

        learned = complaints.learn(decided, self.recogniser, ask=self.ask, counted=counted)
        if keep:
            self._store(learned, now)

        return learned, decided

    def decisions(self, tx: Transaction) -> list[Tagged]:
        """Return the mails that agents called a complaint or not, by the time of the decision."""
        dated = sorted(_dated_decisions(tx), key=lambda dated_mail: dated_mail[0])
        return [mail for _, mail in dated[-_MAX_DECISIONS:]]

    def _store(self, learned: Learned, now: datetime) -> None:
        """Store the result of a training, encrypted, and use it from now on.

        Args:
            learned: with too few tags, or none held back, it changes nothing but the count of tags.
            now: the time, in UTC.
        """
        enough = learned.tags >= FEWEST and learned.held_back > 0
        with self.context.ledger.transaction() as tx:
            found = tx.state.get(StateKey.TRAINING)
            before = self._decrypted(found[0]).delta if found else {}
            delta = dict(learned.delta) if enough else before
            summary = _summary(learned) if delta != before else ""
            token = self.vault.encrypt(json.dumps({"delta": delta, "told": summary}).encode(), _PLACE)
            row = {"tags": learned.tags, "sealed": base64.b64encode(token).decode()}
            tx.state.put(StateKey.TRAINING, row, now)

        if summary:
            log.classifier_retrained(learned.tags, len(delta))

        self._current, self._trained_at = _StoredTraining(delta, summary), now

    def encrypt_anew(self) -> None:
        """Encrypt the stored result with the present key; it is the same, and was made at the same time."""
        with self.context.ledger.transaction() as tx:
            found = tx.state.get(StateKey.TRAINING)
            if found:
                plain = self.vault.decrypt(base64.b64decode(found[0]["sealed"]), _PLACE)
                sealed = base64.b64encode(self.vault.encrypt(plain, _PLACE)).decode()
                tx.state.put(StateKey.TRAINING, {**found[0], "sealed": sealed}, found[1])

    def _decrypted(self, row: Mapping[str, str]) -> _StoredTraining:
        """Return a stored result."""
        return _StoredTraining(**json.loads(self.vault.decrypt(base64.b64decode(row["sealed"]), _PLACE)))


def _dated_decisions(tx: Transaction) -> Iterator[tuple[datetime, Tagged]]:
    """Yield each decided mail with the time of the decision.

    A mail without a case, with the time of its arrival.
    """
    for ref, at, is_complaint in tx.cases.agent_verdicts():
        case = tx.cases.get(ref)
        subject, text = case.subject, case.story
        first = next(filter(_is_from_customer, tx.mail.of_case(ref)), None)
        if first:
            subject, text = first.message.subject, opening.customer_text(first.message)
        if text:
            yield at, Tagged(subject, text, is_complaint)

    for mail in tx.mail.dismissed():
        text = opening.customer_text(mail.message)
        yield mail.received_at, Tagged(mail.message.subject, text, complaint=False)


def _is_from_customer(mail: StoredMail) -> bool:
    """Return whether a mail was written by a customer, be it sent or forwarded."""
    message = mail.message
    forwarded = message.kind is Kind.AGENT and message.forwarded_from is not None
    return forwarded or message.kind is Kind.CUSTOMER


def _summary(learned: Learned) -> str:
    """Return what a training changed, in one sentence for the digest."""
    parts = [f"the recogniser learnt from {learned.tags} decisions"]
    if learned.up:
        parts.append(f"more of a complaint now: {_phrases(learned.up)}")

    if learned.down:
        parts.append(f"less of one: {_phrases(learned.down)}")

    if learned.precision is not None:
        share = f"{learned.precision:.0%} are complaints ({learned.held_back} held back)"
        parts.append(f"of the mails that it suspects, {share}")

    return "; ".join(parts)


def _phrases(weighted: Sequence[tuple[str, float]]) -> str:
    """Return the phrases that weigh most, as a list in a sentence."""
    return ", ".join(phrase for phrase, _ in weighted[:_MAX_PHRASES])
