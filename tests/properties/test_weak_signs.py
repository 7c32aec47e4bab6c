"""No sign that people's mail may carry, and no two of them together, leave a strong complaint unread."""

from itertools import chain, combinations

import pytest

from followupd.domain.mail import Kind, Message
from followupd.services.classifier import ComplaintClassifier
from followupd.text.complaints import Recogniser
from followupd.text.mail.read import read
from tests.story.raw_mail import US, a_mail

COMPLAINTS = {
    "en": (
        "I am very disappointed. The coffee grinder that I ordered three weeks ago has still not arrived, and "
        "nobody answered my two mails. This is unacceptable. I want my money back."
    ),
    "de": (
        "Ich bin sehr enttäuscht. Die Kaffeemühle, die ich vor drei Wochen bestellt habe, ist immer noch nicht "
        "angekommen, und niemand antwortet auf meine E-Mails. Das ist inakzeptabel. Ich will mein Geld zurück."
    ),
    "fr": (
        "Je suis très déçu. Le moulin à café que j'ai commandé il y a trois semaines n'est toujours pas arrivé, "
        "et personne ne répond à mes courriels. C'est inacceptable. Je veux être remboursé."
    ),
    "es": (
        "Estoy muy decepcionado. El molinillo de café que pedí hace tres semanas todavía no ha llegado, y nadie "
        "responde a mis correos. Esto es inaceptable. Quiero que me devuelvan el dinero."
    ),
}
#: header lines that robots, newsletters and spam have, and that some people's mail has, too
LINES = (
    "Feedback-ID: i1234ab5c:Fastmail",
    "List-Unsubscribe: <mailto:leave@customer.test>",
    "List-Id: Purchasing <purchasing.customer.test>",
    "X-Campaign-Id: 7",
    "Precedence: bulk",
    "Auto-Submitted: auto-generated",
    "X-MS-Exchange-Inbox-Rules-Loop: kim@customer.test",
    "X-Auto-Response-Suppress: All",
    "X-Loop: yes",
    "X-Spam-Flag: YES",
    "Return-Path: <>",
    "Reply-To: Kim Doe <kim@elsewhere.test>",
)
SENDERS = (
    "No Reply <noreply@customer.test>",
    "exchange@customer.test",
    "Postmaster <postmaster@customer.test>",
    "bounces+kim@customer.test",
    "system@customer.test",
)
SUBJECTS = (
    "Out of office",
    "On holiday and my suitcase has not arrived",
    "Abwesenheit Ihres Fahrers",
    "Automatic reply",
    "Delivery failed",
    "Undelivered mail order",
    "[SPAM] Grinder",
)
#: subjects of delivery reports, and of the most usual complaint; they alone forbid no letter
ORDINARY = {"Delivery failed", "Undelivered mail order"}
SIGNS = (
    *(("line", line) for line in LINES),
    *(("sender", sender) for sender in SENDERS),
    *(("subject", subject) for subject in SUBJECTS),
)


def written_with(signs: tuple[tuple[str, str], ...], text: str) -> Message:
    lines = [value for what, value in signs if what == "line"]
    others = {what: value for what, value in signs if what != "line"}
    others = {"sender": "Kim Doe <kim@customer.test>", "subject": "My grinder", **others}
    return read(a_mail(text, *lines, **others), US)


@pytest.mark.parametrize("language", COMPLAINTS)
def test_no_weak_sign_and_no_two_of_them_leave_a_strong_complaint_unread(language: str) -> None:
    classifier = ComplaintClassifier(Recogniser.shipped(), 0.90, 0.30, language, "")
    unread, answered = [], []
    for signs in chain(combinations(SIGNS, 1), combinations(SIGNS, 2)):
        if len({what for what, _ in signs if what != "line"}) < sum(what != "line" for what, _ in signs):
            continue  # a mail has one sender and one subject

        message = classifier.heard(written_with(signs, COMPLAINTS[language]))
        verdict = classifier.verdict(message).verdict
        if message.kind is not Kind.CUSTOMER or verdict not in {"complaint", "suspected"}:
            unread.append((signs, message.because, verdict))
        if not message.no_answer and not all(value in ORDINARY for _, value in signs):
            answered.append(signs)

    assert unread == []
    assert answered == []


@pytest.mark.parametrize("language", COMPLAINTS)
def test_without_any_sign_the_same_words_are_a_complaint(language: str) -> None:
    classifier = ComplaintClassifier(Recogniser.shipped(), 0.90, 0.30, language, "")
    message = classifier.heard(written_with((), COMPLAINTS[language]))
    assert (message.kind, message.no_answer) == (Kind.CUSTOMER, "")
    assert classifier.verdict(message).verdict == "complaint"
