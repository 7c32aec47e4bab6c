"""The recogniser with the house's rules: is it a complaint, how severe, by which playbook, and what is wanted."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from followupd.domain.case import Facts
from followupd.domain.compensation import Money
from followupd.domain.mail import Message, Verdict
from followupd.domain.playbook import Playbook
from followupd.languages import Catalogue, catalogue
from followupd.recovery import open
from followupd.text import complaints
from followupd.text.complaints.rules import found
from followupd.text.promises.money import find_money

#: as much of a mail as is judged; complaints say so early, and time must not grow with the mail (MAIL.md R7)
_CHARACTERS = 20_000
#: so much of a sentence is suggested as a fact; so much of it stands beside a wish (characters)
_SENTENCE, _QUOTED = 300, 120


class Classifier(Protocol):
    """Says whether a mail is a complaint, how severe, and what the customer wants; the recogniser with the house's rules."""

    def verdict(self, message: Message) -> Verdict: ...
    def severity(self, message: Message, verdict: Verdict, *, open_case: bool) -> complaints.Severity: ...
    def playbook(self, message: Message, verdict: Verdict, playbooks: Mapping[str, Playbook]) -> Playbook: ...
    def urgent(self, verdict: Verdict) -> bool: ...
    def facts(self, message: Message) -> Facts: ...
    def suggestions(self, message: Message) -> tuple[tuple[str, str], ...]: ...
    def language(self, message: Message) -> str: ...


@dataclass(frozen=True, slots=True)
class ComplaintClassifier:
    """Judges by the admin's thresholds and rules, and by what agents' tags have taught.

    A sum of `large` or more makes a case graver. `region` ("GB") tells how a telephone number without a country code is meant. `delta` is asked for each mail, since
    learning goes on while the daemon runs.
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
        """Judge a human sender's new words; a mail that a person must open by hand has none."""
        return self.recogniser.judge(
            message.subject,
            open.words_of(message)[:_CHARACTERS],
            language=self.default_language,
            auto=self.auto,
            ask=self.ask,
            rules=self.rules,
            delta=self.delta(),
        )

    def severity(self, message: Message, verdict: Verdict, *, open_case: bool) -> complaints.Severity:
        vip = _is_vip(message.sender.address, self.vip)
        text = open.words_of(message)[:_CHARACTERS]
        amount = (
            _at_stake(f"{message.subject}\n{text}", self.large.currency, self.languages)
            if self.large
            else None
        )
        return complaints.severity(
            verdict, text, vip=vip, open_case=open_case, amount=amount, large=self.large
        )

    def playbook(self, message: Message, verdict: Verdict, playbooks: Mapping[str, Playbook]) -> Playbook:
        """Return the playbook for this mail: by its words, then by the cues that were seen in it."""
        found_in = partial(found, vocabulary=self.recogniser.lexicon.vocabulary)
        return open.choose_playbook(message, playbooks, verdict.cues, found_in)

    def urgent(self, verdict: Verdict) -> bool:
        """Say whether strong cues stand in the mail: what is only suspected is then asked at once, not in the digest."""
        return bool(verdict.cues & complaints.STRONG)

    def facts(self, message: Message) -> Facts:
        """Return what may stand in a letter without an agent's word: the telephone number, for the agents' calls."""
        return Facts(
            phone=_phone(f"{message.signature}\n{open.words_of(message)[:_CHARACTERS]}", self.region) or None
        )

    def suggestions(self, message: Message) -> tuple[tuple[str, str], ...]:
        """Return facts in the customer's own words, for the owner to take or leave; no letter ever echoes them."""
        text = open.words_of(message)[:_CHARACTERS]
        lexicon = self.recogniser.lexicon
        issue, wants = complaints.issue(text, lexicon), complaints.wants(text, lexicon)
        found = (("issue", issue[:_SENTENCE]), ("wants", _wished(wants)))
        return tuple((name, words) for name, words in found if words)

    def language(self, message: Message) -> str:
        """Return the customer's language where the mail tells it, else "" (the playbook's, then the company's)."""
        text = open.words_of(message)[:_CHARACTERS]
        told = complaints.language_of(text, self.recogniser.lexicon.languages)
        return "" if told == "other" else told


def _wished(wants: Iterable[complaints.Want]) -> str:
    """Say the wishes, each with the sentence that it came from: 'refund, call ("Refund me or call me.")'."""
    by_sentence: dict[str, list[str]] = {}
    for want in wants:
        by_sentence.setdefault(want.sentence, []).append(want.wish)
    said = [f'{", ".join(wishes)} ("{sentence[:_QUOTED]}")' for sentence, wishes in by_sentence.items()]
    return ", ".join(said)[:_SENTENCE]


def _is_vip(address: str, vip: tuple[str, ...]) -> bool:
    """Say whether the address, its domain, or a domain above it is marked."""
    folded = address.casefold()
    domain = folded.rpartition("@")[2]
    marked = {each.casefold().removeprefix("@") for each in vip}
    return folded in marked or any(
        domain == each or domain.endswith(f".{each}") for each in marked if "@" not in each
    )


def _at_stake(text: str, currency: str, languages: Catalogue) -> Money | None:
    """Return the largest sum in the currency that the customer names; what it stands for, an agent reads."""
    named = [
        found for found in find_money(text[:_CHARACTERS], currency, languages) if found.currency == currency
    ]
    sums = [Money.of(found.amount, found.currency) for found in named]
    return max(sums, default=None)


def _phone(text: str, region: str) -> str:
    import phonenumbers  # 40 ms to load, and only complaints need it

    match = next(iter(phonenumbers.PhoneNumberMatcher(text[-5_000:], region or None)), None)
    if match is None:
        return ""
    return str(phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
