"""What most services need: the ledger, the playbooks, the letters and the languages."""

from dataclasses import dataclass, field
from datetime import datetime

from followupd.adapters.storage.ledger import Ledger
from followupd.domain.case import Case
from followupd.domain.compensation import Money
from followupd.domain.decision import LetterRenderer
from followupd.domain.mail import StoredMail
from followupd.domain.playbook import Playbook, Playbooks
from followupd.domain.promise import DatedText, Found
from followupd.languages import Catalogue, Language, catalogue
from followupd.services.wording_guard import WordingGuard
from followupd.text import promises
from followupd.text.answers import reached_nobody


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

    def reached_nobody(self, text: str) -> bool:
        """Say whether an agent's words about a call say that nobody was reached."""
        return reached_nobody(text, self.language.catalogue)

    def promises_in(self, mail: StoredMail) -> Found:
        """Return what an agent's reply promises the customer, and what must be asked."""
        message = mail.message
        return promises.find_commitments(
            message.text,
            sent_at=message.sent_at or mail.received_at,
            calendar=self.playbook.calendar,
            language=self.language,
            doubtful=message.doubtful,
            currency=self.playbook.company.currency,
        )


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """The parts of the program that most services share.

    `language` is the company's, for customers whose language is not known. Mail that belongs to no case is
    sent from `mailbox`. `monthly_cap` is the most that one customer is granted in a month without a lead's
    approval.
    """

    ledger: Ledger
    playbooks: Playbooks
    letters: LetterRenderer
    mailbox: str
    language: str = "en"
    monthly_cap: Money | None = None
    wording: WordingGuard = field(default_factory=WordingGuard)
    languages: Catalogue = field(default_factory=catalogue)

    def line_reader(self, case: Case) -> PromiseLineReader:
        """Return the reader of dates, amounts and promises for a case."""
        language = self.languages.language(case.language or self.language)
        return PromiseLineReader(self.playbooks.for_case(case), language)
