"""Classify mail by the recogniser and the admin's rules: is it a complaint, how severe, which playbook."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from followupd.domain.case import Facts
from followupd.domain.compensation import Money
from followupd.domain.mail import Kind, Message, Verdict
from followupd.domain.playbook import Playbook
from followupd.languages import Catalogue, catalogue
from followupd.recovery import opening
from followupd.text import complaints
from followupd.text.complaints.recogniser import found
from followupd.text.names import without_greeting
from followupd.text.promises.money import find_money

#: characters of a mail that are classified, so that the time does not grow with the mail (docs/mail.md R7)
_MAX_CHARACTERS = 20_000
#: characters of a sentence that is suggested as a fact, and of one that is quoted beside a wish
_MAX_FACT, _MAX_QUOTE = 300, 120
#: characters at the end of a mail in which a telephone number is looked for
_MAX_PHONE_TEXT = 5_000


@dataclass(frozen=True, slots=True)
class ComplaintClassifier:
    """Classifies by the admin's thresholds and rules, with the weights that agents' decisions have trained.

    From the score `ask` on, a mail is suspected; from `auto` on, it is a complaint. A named amount of `large`
    or more raises the severity. `region` ("GB") is that of telephone numbers without a country code. `delta`
    is called for each mail, since training continues while the daemon runs.
    """

    recogniser: complaints.Recogniser
    auto: float
    ask: float
    default_language: str
    region: str
    rules: complaints.SiteRules = field(default_factory=complaints.SiteRules)
    vip: tuple[str, ...] = ()
    large: Money | None = None
    delta: Callable[[], Mapping[str, float]] = dict
    languages: Catalogue = field(default_factory=catalogue)

    def verdict(self, message: Message) -> Verdict:
        """Return whether the new text of a mail is a complaint.

        One that may be a machine's is suspected at most.
        """
        verdict = self._judged(message)
        if message.words_decide and verdict.verdict == "complaint":
            because = f"its words complain, although it looks like a machine's ({message.because})"
            return replace(verdict, verdict="suspected", because=because)

        return verdict

    def heard(self, message: Message) -> Message:
        """Return a mail as a customer's if its words complain, and only weak signs say that it is a machine's."""
        if not message.words_decide or message.kind is Kind.CUSTOMER:
            return message

        verdict = self._judged(message)
        if verdict.verdict == "no" or (verdict.verdict == "suspected" and not self.urgent(verdict)):
            return message
        return replace(message, kind=Kind.CUSTOMER)

    def _judged(self, message: Message) -> Verdict:
        """Return what the recogniser says of the words alone; the subject of a form's mail is not the customer's."""
        judged = self._judged_under(message.subject, message)
        if message.via and message.subject and judged.verdict == "no":
            return self._judged_under("", message)
        return judged

    def _judged_under(self, subject: str, message: Message) -> Verdict:
        """Return what the recogniser says of a mail's words under this subject."""
        return self.recogniser.judge(
            subject,
            _text(message),
            language=self.default_language,
            auto=self.auto,
            ask=self.ask,
            rules=self.rules,
            delta=self.delta(),
        )

    def severity(self, message: Message, verdict: Verdict, *, open_case: bool) -> complaints.Severity:
        """Return how severe a complaint is, with the reasons."""
        return complaints.severity(
            verdict,
            _text(message),
            vip=_is_vip(message.sender.address, self.vip),
            open_case=open_case,
            amount=self._largest_amount(message, self.large.currency) if self.large else None,
            large=self.large,
        )

    def playbook(self, message: Message, verdict: Verdict, playbooks: Mapping[str, Playbook]) -> Playbook:
        """Return the playbook for a mail: by its words, then by the cues that were found in it."""
        found_in = partial(found, vocabulary=self.recogniser.lexicon.vocabulary)
        return opening.choose_playbook(message, playbooks, verdict.cues, found_in)

    def urgent(self, verdict: Verdict) -> bool:
        """Return whether a mail has strong cues.

        About a suspected mail with strong cues the owner is asked at once, not in the digest.
        """
        return bool(verdict.cues & complaints.STRONG)

    def facts(self, message: Message) -> Facts:
        """Return the facts that are used without an agent's approval: the telephone number."""
        phone = _phone(f"{message.signature}\n{_text(message)}", self.region)
        return Facts(phone=phone or None)

    def suggestions(self, message: Message) -> tuple[tuple[str, str], ...]:
        """Return facts in the customer's words, for the owner to use or not; letters never repeat them."""
        text, lexicon = _text(message), self.recogniser.lexicon
        suggested = {
            "issue": without_greeting(complaints.issue(text, lexicon), lexicon.languages)[:_MAX_FACT],
            "wants": _quoted_wishes(self.wants(message)),
        }
        return tuple((name, words) for name, words in suggested.items() if words)

    def wants(self, message: Message) -> tuple[complaints.Want, ...]:
        """Return what the customer asks for."""
        return complaints.wants(_text(message), self.recogniser.lexicon, message.subject)

    def loss(self, message: Message, currency: str) -> tuple[tuple[str, str], ...]:
        """Return the largest amount in a mail as what the customer may have lost, for the owner to use or not.

        Args:
            message: the mail.
            currency: the ISO 4217 code of the amounts that count.
        """
        largest = self._largest_amount(message, currency)
        return (("loss", str(largest)),) if largest else ()

    def language(self, message: Message) -> str:
        """Return the language of a mail, "" when it cannot be recognised."""
        language = complaints.language_of(_text(message), self.recogniser.lexicon.languages)
        if language == "other":
            return ""

        return language

    def _largest_amount(self, message: Message, currency: str) -> Money | None:
        """Return the largest amount that the mail names in a currency; an agent reads what it is for."""
        text = f"{message.subject}\n{_text(message)}"[:_MAX_CHARACTERS]
        amounts = [
            Money.of(named.amount, named.currency)
            for named in find_money(text, currency, self.languages)
            if named.currency == currency
        ]
        return max(amounts, default=None)


def _text(message: Message) -> str:
    """Return the part of a mail that is classified."""
    return opening.customer_text(message)[:_MAX_CHARACTERS]


def _quoted_wishes(wants: Iterable[complaints.Want]) -> str:
    """Return the wishes with the sentences that they come from: 'refund, call ("Refund me or call me.")'."""
    by_sentence: dict[str, list[str]] = {}
    for want in wants:
        by_sentence.setdefault(want.sentence, []).append(want.wish)

    quoted = [f'{", ".join(wishes)} ("{sentence[:_MAX_QUOTE]}")' for sentence, wishes in by_sentence.items()]
    return ", ".join(quoted)[:_MAX_FACT]


def _is_vip(address: str, vip: Iterable[str]) -> bool:
    """Return whether an address is among the important customers.

    An entry is an address, or a domain, which includes the domains below it.
    """
    folded = address.casefold()
    domain = folded.rpartition("@")[2]

    for entry in vip:
        marked = entry.casefold().removeprefix("@")
        if marked == folded:
            return True
        if "@" not in marked and (domain == marked or domain.endswith(f".{marked}")):
            return True

    return False


def _phone(text: str, region: str) -> str:
    """Return the first telephone number at the end of a text, in international format, or ""."""
    import phonenumbers  # takes 40 ms to load, and only complaints need it

    matches = phonenumbers.PhoneNumberMatcher(text[-_MAX_PHONE_TEXT:], region or None)
    match = next(iter(matches), None)
    if match is None:
        return ""

    return str(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
