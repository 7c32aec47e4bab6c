"""What most services need: ledger, playbooks, letters, languages, and protocols of what has two implementations."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Literal, Protocol, Self

from followupd.adapters.imap.mailbox import FetchedMail, FolderChanges, SyncCursor
from followupd.adapters.storage.ledger import Ledger, Transaction
from followupd.domain.case import Case
from followupd.domain.command import quoted
from followupd.domain.compensation import GiftCard, GiftCardOrder, GiftCardUnavailable, Money
from followupd.domain.decision import LetterRenderer
from followupd.domain.letter import DeliveryResult
from followupd.domain.mail import StoredMail
from followupd.domain.playbook import Playbook, Playbooks
from followupd.domain.promise import DatedText, Found, Promise
from followupd.domain.translatable import msg
from followupd.errors import NotUnderstoodError
from followupd.languages import Catalogue, Language, catalogue
from followupd.recovery.recurrence import CauseCase
from followupd.services.wording_guard import WordingGuard
from followupd.text import promises
from followupd.text.answers import reached_nobody
from followupd.text.orders import Grammar, split_reason

#: nobody is told a day that is further away, and its working days are too many to count
_FARTHEST = timedelta(days=3653)


@dataclass(frozen=True, slots=True)
class PromiseLineReader:
    """Reads dates, amounts and promises in a case's language, by its playbook's calendar and currency.

    `any_year`: a day that is over this year is next year's, which otherwise has to be said.
    """

    playbook: Playbook
    language: Language
    any_year: bool = False

    def split_when(self, text: str, now: datetime) -> DatedText:
        """Split "ship it by Friday" into the text and the date.

        Raises:
            NotUnderstoodError: a weekday and a day of the month do not belong together, or the day is so far away
                that it is a slip of the pen, as in the year 9999.
        """
        if odd := self.at_odds(text, now):
            raise NotUnderstoodError(
                msg("{words}: that day of the month is another weekday; which one is it?", words=quoted(odd))
            )
        said = promises.split_when(text, now=now, calendar=self.playbook.calendar, language=self.language)
        if said.due and said.is_over and not self.any_year:
            day = self.playbook.calendar.local(said.due).date().isoformat()
            raise NotUnderstoodError(
                msg(
                    "{words}: that day is over this year; if you mean {day}, say the year",
                    words=quoted(text),
                    day=day,
                )
            )
        if said.due and said.due - now > _FARTHEST:
            day = self.playbook.calendar.local(said.due).date().isoformat()
            raise NotUnderstoodError(msg("{day} is more than ten years away; which day is it?", day=day))
        return said

    def at_odds(self, text: str, now: datetime) -> str:
        """Return a weekday and a day of the month that do not belong together, "" without one."""
        return promises.at_odds(text, now=now, calendar=self.playbook.calendar, language=self.language)

    def dated(self, text: str, now: datetime) -> bool:
        """Return whether a text names a date."""
        found = promises.split_when(text, now=now, calendar=self.playbook.calendar, language=self.language)
        return found.due is not None

    def split_until(self, text: str, now: datetime) -> DatedText:
        """Split what follows "until", a word that any language may have repeated: "bis Freitag".

        Raises:
            NotUnderstoodError: a weekday and a day of the month do not belong together.
        """
        own = self.split_when(f"until {text}", now)
        if own.due is not None:
            return own._replace(text=own.text.removeprefix("until").strip())

        bare = _until(self.language.catalogue).sub("", text.strip())
        others = [other for other in self.language.catalogue.all() if other.info.dates]
        found = [replace(self, language=other).split_when(f"until {bare}", now) for other in others]
        days = {other.due for other in found if other.text == "until" and other.due}
        return DatedText("", days.pop()) if len(days) == 1 else DatedText(text)

    def split_span(self, text: str, now: datetime) -> tuple[datetime | None, DatedText]:
        """Split "from 24 to 31 December" into its first day and what follows "until".

        Args:
            text: "until Friday", "24/12 - 31/12, Lee stands in".
            now: when it is said.

        Returns:
            The day as a date, None where the text names no first day or one that cannot be read.

        Raises:
            NotUnderstoodError: a weekday and a day of the month do not belong together.
        """
        languages = self.language.catalogue
        bare = _since(languages).sub("", text.strip(), count=1)
        for joined in _joining(languages).finditer(bare):
            first, last = bare[: joined.start()].strip(" ,"), self.split_until(bare[joined.end() :], now)
            if last.due is None or not first:
                continue
            if re.fullmatch(r"\d{1,2}\.?", first):  # the day of a month that is named once
                day = int(first.rstrip("."))
                return last.due.replace(day=day) if day <= last.due.day else None, last
            begin = self.split_until(first, now)
            if begin.due is None or any(map(str.isalnum, begin.text)):
                continue
            if last.due < begin.due and not any(map(str.isdigit, bare[joined.end() :])):
                last = last._replace(due=last.due + timedelta(weeks=1))  # "from Monday until Friday"
            if begin.due <= (last.due or begin.due):
                return begin.due, last
        return None, self.split_until(_until(languages).sub("", text.strip()), now)

    def money(self, text: str) -> Money | None:
        """Return the amount in a text, None without one.

        An amount without a currency is in the company's.
        """
        found = promises.read_money(text, self.playbook.company.currency, self.language.catalogue)
        return Money.of(*found) if found else None

    def split_reason(self, text: str) -> tuple[str, str]:
        """Split "Friday because of the snow" into what is before the reason, and the reason.

        The reason is "" where there is none.
        """
        return split_reason(text, self.language.catalogue)

    def reached_nobody(self, text: str) -> bool:
        """Say whether an agent's words about a call say that nobody was reached."""
        return reached_nobody(text, self.language.catalogue)

    def dates_told(self, text: str, told: Sequence[Promise]) -> dict[int, datetime | None]:
        """Return the date that a letter's text has after each of these promises, None without one.

        A promise that the text does not name is left out.

        Args:
            text: a letter as plain text, with an empty line between paragraphs.
            told: promises that the letter may name, each in the words in which it was made. What is after
                one, up to the next one in the same paragraph, is read for its date.

        Returns:
            Moments in UTC by the numbers of the promises.
        """
        found: dict[int, datetime | None] = {}
        for paragraph in text.split("\n\n"):
            flat = " ".join(paragraph.split()).casefold()
            places = [(flat.find(_flat(promise.text)), promise) for promise in told]
            named = sorted((at, promise.n, promise) for at, promise in places if at >= 0)
            ends = [*(at for at, *_ in named[1:]), len(flat)]
            for (at, n, promise), end in zip(named, ends, strict=False):
                rest = flat[at + len(_flat(promise.text)) : end]
                found.setdefault(n, self._first_date(rest, promise))
        return found

    def _first_date(self, text: str, promise: Promise) -> datetime | None:
        """Return the first date in the words after a promise, as of the day on which it was made."""
        now = promise.made_at or promise.promised_by
        if now is None:
            return None
        return promises.first_date(text, now=now, calendar=self.playbook.calendar, language=self.language)

    def promises_in(self, mail: StoredMail) -> Found:
        """Return what an agent's reply promises the customer, and what must be asked."""
        message = mail.message
        return self.commitments_in(message.text, message.sent_at or mail.received_at, message.doubtful)

    def moves_in(self, mail: StoredMail, owed: Sequence[Promise]) -> tuple[tuple[int, datetime], ...]:
        """Return the later day that an agent's reply names beside that of a promise, by the promise's number.

        Args:
            mail: the reply.
            owed: the promises; where several have one day, nobody knows which is meant.

        Returns:
            The numbers with the later days, which only the agent can confirm.
        """
        calendar, message = self.playbook.calendar, mail.message
        days = [calendar.local(each.promised_by).date() if each.promised_by else None for each in owed]
        numbers_of = {
            day: each.n for day, each in zip(days, owed, strict=True) if day and days.count(day) == 1
        }
        found = promises.other_days(
            message.certain_text,
            numbers_of,
            now=message.sent_at or mail.received_at,
            calendar=calendar,
            language=self.language,
        )
        return tuple((numbers_of[day], later) for day, later in found.items())

    def commitments_in(self, text: str, at: datetime, doubtful: Sequence[str] = ()) -> Found:
        """Return what a text of that time promises the customer, without lines that may be quoted."""
        return promises.find_commitments(
            text,
            sent_at=at,
            calendar=self.playbook.calendar,
            language=self.language,
            doubtful=doubtful,
            currency=self.playbook.company.currency,
        )


@lru_cache(maxsize=8)
def _until(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of the words for "until" at the beginning of a text, of all languages."""
    return re.compile(rf"(?:{_until_words(languages)})(?!\w)\s*", re.IGNORECASE)


def _until_words(languages: Catalogue) -> str:
    """Return the words for "until" of all languages as alternatives of a pattern, the longest ones first."""
    words = {word for language in languages.all() for word in language.answers.notes.until}
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


@lru_cache(maxsize=8)
def _since(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of the words for "from" at the beginning of a text, of all languages.

    Args:
        languages: the shipped languages and those of the admin.
    """
    words = {word for language in languages.all() for word in language.answers.notes.since}
    longest_first = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?:{longest_first})(?!\w)\s*", re.IGNORECASE)


@lru_cache(maxsize=8)
def _joining(languages: Catalogue) -> re.Pattern[str]:
    """Return the pattern of what is between the first and the last day of a span, in all languages.

    Args:
        languages: the shipped languages and those of the admin.

    Returns:
        A pattern that fits a word for "until", or a dash, with the blanks around it.
    """
    return re.compile(
        rf"\s{{1,9}}(?:{_until_words(languages)})(?!\w)\s{{0,9}}|\s{{0,9}}[–—]\s{{0,9}}|\s{{1,9}}-\s{{1,9}}",
        re.IGNORECASE,
    )


def _flat(text: str) -> str:
    """Return a promise as it is written inside a letter: on one line, without its end."""
    return " ".join(text.split()).rstrip(" .").casefold()


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The parts of the program that most services share.

    `grammar` is how agents speak. `language` is the company's, for customers whose language is not known.
    Mail that belongs to no case is sent from `mailbox`. `monthly_cap` is the most that one customer is
    granted in a month without a lead's approval.
    """

    ledger: Ledger
    playbooks: Playbooks
    letters: LetterRenderer
    mailbox: str
    language: str = "en"
    monthly_cap: Money | None = None
    wording: WordingGuard = field(default_factory=WordingGuard)
    languages: Catalogue = field(default_factory=catalogue)
    grammar: Grammar = field(default_factory=Grammar)

    def cases_of(self, tx: Transaction, address: str, mailbox: str, newest: int | None = None) -> list[Case]:
        """Return a customer's cases with the company of a mailbox, oldest first.

        Args:
            tx: the transaction.
            address: the customer's.
            mailbox: the name of one of ours; two brands know nothing of each other's customers.
            newest: how many cases are looked at, all by default.
        """
        is_ours = partial(self.playbooks.of_one_company, mailbox)
        return [case for case in tx.cases.of_customer(address, newest) if is_ours(case.mailbox)]

    def cases_of_cause(self, tx: Transaction, cause: str, mailbox: str) -> list[CauseCase]:
        """Return the complaints of one cause about the company of a mailbox, oldest first.

        Args:
            tx: the transaction.
            cause: its code.
            mailbox: the name of one of ours.
        """
        is_ours = partial(self.playbooks.of_one_company, mailbox)
        return [case for case in tx.cases.of_cause(cause) if is_ours(case.mailbox)]

    def line_reader(self, case: Case, language_tag: str = "") -> PromiseLineReader:
        """Return the reader of dates, amounts and promises for a case, or for a letter in its language."""
        language = self.languages.language(language_tag or case.language or self.language)
        return PromiseLineReader(self.playbooks.for_case(case), language)


# --- what has two implementations: mail source, mail transport and gift-card provider ---


class MailSource(Protocol):
    """One connection to one mailbox, used by one thread.

    Folders are named with "/", however the server spells them. Every method may raise UnavailableError; after
    it, `connected` tells a lost connection from a refused request.
    """

    @property
    def connected(self) -> bool: ...

    @property
    def in_flight(self) -> tuple[int, ...]:
        """The UIDVALIDITY, and the UIDs that were being fetched when the connection ended."""

    @property
    def inbox(self) -> str: ...

    @property
    def sent(self) -> str:
        """The name of the Sent folder, "" where there is none."""

    @property
    def drafts(self) -> str:
        """The name of the Drafts folder, "" where there is none."""

    @property
    def folders(self) -> Collection[str]:
        """The names of all folders, as the server spells them."""

    def server_name(self, folder: str) -> str:
        """Return a folder's name as the server spells it."""

    def start(self, folder: str, since: Literal["now", "all"] | date) -> tuple[SyncCursor, int]:
        """Return the cursor for the first reading, and how many older mails are skipped.

        Args:
            folder: the folder.
            since: "now" skips all mails that are there, "all" none, and a date those that arrived before its
                midnight in UTC.
        """

    def is_empty(self, folder: str, cursor: SyncCursor) -> bool:
        """Return whether a folder has no mails, and is the one that was read up to the cursor."""

    def changes(
        self,
        folder: str,
        cursor: SyncCursor,
        *,
        watched: Collection[int] = (),
        keywords: Collection[str] = (),
        since: datetime | None = None,
        batch: int = 200,
        received_at: Mapping[int, datetime] = MappingProxyType({}),
    ) -> Iterator[FolderChanges]:
        """Yield new mails and changed flags since the cursor.

        Args:
            folder: the folder.
            cursor: how far it was read, as the last batch said. Each batch is stored together with its
                cursor.
            watched: UIDs whose flags are read where the server does not count changes.
            keywords: there, the flags of mails with one of these keywords are read too; "refund-*" is a
                pattern.
            since: when the server has renumbered the mails, those received before this are not reported
                again.
            batch: the most mails in one batch.
            received_at: when the last known mails were received, by UID, to notice a folder that was put
                back from a backup.
        """

    def fetch(self, folder: str, uids: Collection[int]) -> Sequence[FetchedMail]:
        """Fetch mails by UID; those that no longer exist are left out."""

    def mark(
        self, folder: str, uids: Collection[int], add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Add and remove keywords; return False where the folder permits none.

        Args:
            folder: where the mails are.
            uids: the mails; those that no longer exist are passed over.
            add: keywords; either all of them are added, or False is returned.
            remove: keywords; one that a mail does not have is passed over.
        """

    def move(self, folder: str, uid: int, to: str, *, seen: bool = False) -> None:
        """Move a mail to another folder, with `seen` marked as read; one that no longer exists is no error."""

    def has_letters_of_ours(self, folder: str, keywords: Iterable[str]) -> bool:
        """Return whether a folder has a mail that a followupd wrote, or tagged with one of the keywords."""

    def find(self, folder: str, message_id: str, header: str = "Message-ID") -> Sequence[int]:
        """Return the UIDs of the mails with this value in a header.

        Args:
            folder: the folder.
            message_id: with its angle brackets; one with characters that no search can have finds nothing.
            header: the header that must name it.
        """

    def append(self, folder: str, raw: bytes, flags: Iterable[str] = ()) -> None:
        """Store a mail in a folder, which is created if it is missing."""

    def remove(self, folder: str, uid: int) -> None:
        """Delete a mail."""


class MailTransport(Protocol):
    """Hands letters to a mail server; a context that lasts for one cycle at most."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def deliver(self, letter: bytes, *, sender: str, to: str, witness: str = "") -> DeliveryResult:
        """Hand over one letter and return what the server replied.

        An SMTP error is a result and never raised.

        Args:
            letter: the whole message with its headers.
            sender: the envelope's sender, to which a bounce comes back.
            to: the only recipient that the letter names.
            witness: the address of the BCC copy, by which it is known later that the letter was accepted; ""
                for none.
        """


class GiftCardProvider(Protocol):
    """Returns one gift card for one order: the same card for the same key, however often it is called."""

    def order(self, order: GiftCardOrder, now: datetime, /) -> GiftCard | GiftCardUnavailable:
        """Order a card, outside of any transaction, since it may take seconds.

        A provider's error is a result.

        Args:
            order: whose key is the idempotency key. After a crash the same order is placed again.
            now: the time of the cycle.
        """
