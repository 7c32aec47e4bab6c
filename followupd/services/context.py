"""What most services need: the ledger, the playbooks, the letters and the languages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.case import Case
from followupd.domain.compensation import Money
from followupd.domain.decision import LetterRenderer
from followupd.domain.mail import StoredMail
from followupd.domain.playbook import Playbook, Playbooks
from followupd.domain.promise import DatedText, Found, Promise
from followupd.languages import Catalogue, Language, catalogue
from followupd.services.wording_guard import WordingGuard
from followupd.text import promises
from followupd.text.answers import reached_nobody
from followupd.text.orders import Grammar, split_reason


@dataclass(frozen=True, slots=True)
class PromiseLineReader:
    """Reads dates, amounts and promises in a case's language, by its playbook's calendar and currency."""

    playbook: Playbook
    language: Language

    def split_when(self, text: str, now: datetime) -> DatedText:
        """Split "ship it by Friday" into the text and the date."""
        return promises.split_when(text, now=now, calendar=self.playbook.calendar, language=self.language)

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
        """Return the date that a letter's text has behind each of these promises, None without one.

        A promise that the text does not name is left out.
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
        """Return the first date in the words behind a promise, as of the day on which it was made."""
        now = promise.made_at or promise.promised_by
        if now is None:
            return None
        return promises.first_date(text, now=now, calendar=self.playbook.calendar, language=self.language)

    def promises_in(self, mail: StoredMail) -> Found:
        """Return what an agent's reply promises the customer, and what must be asked."""
        message = mail.message
        return self.commitments_in(message.text, message.sent_at or mail.received_at, message.doubtful)

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


def _flat(text: str) -> str:
    """Return a promise as it stands inside a letter: on one line, without its end."""
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

    def line_reader(self, case: Case, language_tag: str = "") -> PromiseLineReader:
        """Return the reader of dates, amounts and promises for a case, or for a letter in its language."""
        language = self.languages.language(language_tag or case.language or self.language)
        return PromiseLineReader(self.playbooks.for_case(case), language)
