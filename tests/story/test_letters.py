"""What the letters say, to whom, in which thread; and what stops a letter."""

import re
import shutil
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from followupd.adapters.templates.markdown import quoted, to_text
from followupd.adapters.templates.sources import ContentError, sentence
from followupd.domain.case import Facts, Fault, LetterRecord
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.decision import LetterContent, PrintedGiftCard
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, LetterKind, LetterRecordState
from followupd.domain.mail import Person
from followupd.domain.promise import Option, PromiseKind, PromiseState
from followupd.errors import LetterError
from followupd.text.mail.headers import bare_subject
from followupd.text.names import first_name, greetable_name
from followupd.text.wording import body
from tests.story.lettered import (
    ANA,
    BEN,
    COMPANY,
    FRIDAY,
    NOW,
    PLAYBOOK,
    TEMPLATES,
    changed_letters,
    flat,
    letters,
    promise,
    sample,
    wrote,
)


def written(kind: LetterKind, brief: LetterContent, **changes: Any) -> str:
    return flat(letters().letter(kind, sample(**changes), PLAYBOOK, NOW, brief).text)


def changed(directory: Path, kind: str, old: str, new: str) -> Path:
    """Copy the letters and change one of them."""
    copy = directory / "templates"
    shutil.copytree(TEMPLATES, copy, ignore=shutil.ignore_patterns("de", "fr", "es", "*-informal"))
    path = copy / f"{kind}.md"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return copy


# --- envelopes and threads --------------------------------------------------------------------------------------------


def test_a_letter_answers_the_customer_in_the_customers_thread() -> None:
    letter = wrote(LetterKind.FOLLOW_UP)
    assert letter.key == "FU-L0NG7.follow-up.1"
    assert letter.sender == Person("support@example.com", "Ana Reyes at Example Ltd")
    assert letter.to == Person("kim.doe@example.org", "Kim Doe")
    assert letter.subject == "Re: Where is the kettle I ordered?"
    assert letter.in_reply_to == "<CAJ8x0long.20261120@mail.example.org>"
    assert letter.references == (
        "<first@example.org>",
        "<second@example.org>",
        "<CAJ8x0long.20261120@mail.example.org>",
    )
    assert letter.message_id == "<FU-L0NG7.follow-up.1@example.com>"
    assert (letter.auto_submitted, letter.automatic, letter.witness) == ("auto-generated", True, True)


def test_the_answer_of_a_machine_says_so() -> None:
    assert wrote(LetterKind.CONFIRMATION, sample("short")).auto_submitted == "auto-replied"
    assert wrote(LetterKind.CONFIRMATION, sample("long")).auto_submitted == "auto-generated"


def test_a_customers_mail_without_message_id_starts_no_thread() -> None:
    letter = wrote(LetterKind.FOLLOW_UP, sample(message_id="", references=()))
    assert letter.in_reply_to == ""
    assert letter.references == ()


def test_a_gift_card_starts_its_own_thread_and_speaks_of_no_complaint() -> None:
    letter = wrote(LetterKind.GIFT_CARD)
    assert (letter.in_reply_to, letter.references) == ("", ())
    assert "kettle" not in letter.subject + letter.text + letter.html
    assert "sorry" not in letter.text.lower()
    assert "\n    SAMPLE-4F7K-9Q2M\n" in letter.text
    assert "SAMPLE-4F7K-9Q2M" in letter.html
    assert "Thursday, 30 November 2028" in flat(letter.text)


def test_desk_mails_of_a_case_stand_in_one_thread_of_their_own() -> None:
    apart = {LetterKind.DIGEST, LetterKind.REQUEST}
    mails = [wrote(kind) for kind in DESK_MAILS if kind not in apart]
    assert {mail.references for mail in mails} == {("<FU-L0NG7.desk@example.com>",)}
    assert {mail.in_reply_to for mail in mails} == {""}
    assert {mail.to for mail in mails} == {ANA.person}
    assert not any(mail.automatic or mail.witness for mail in mails)
    assert not any("FU-L0NG7" not in mail.subject for mail in mails)


def test_no_letter_but_the_gift_cards_knows_a_card(tmp_path: Path) -> None:
    for kind in (*(k for k in CUSTOMER_LETTERS if k != LetterKind.GIFT_CARD), *DESK_MAILS):
        directory = changed(
            tmp_path / kind.replace("/", "-"), f"en/{kind}", "from:", "from: {{ card.code }}\n#"
        )
        with pytest.raises(LetterError, match="there is no `card` in this letter"):
            wrote(kind, directory=directory)


def test_the_gift_cards_letter_does_not_know_the_facts(tmp_path: Path) -> None:
    directory = changed(tmp_path, "en/gift-card", "Your code:", "Sorry about {{ facts.issue }}. Your code:")
    with pytest.raises(LetterError, match="there is no `facts` in this letter"):
        wrote(LetterKind.GIFT_CARD, directory=directory)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (PromiseKind.FIRM, "Ship the replacement by Friday, 4 December."),
        (PromiseKind.ESTIMATE, "Ship the replacement. I expect this by Friday, 4 December"),
        (
            PromiseKind.NEXT_UPDATE,
            "Ship the replacement. You will hear from me by Friday, 4 December, whatever the answer is.",
        ),
    ],
)
def test_how_sure_we_are_chooses_the_sentence(kind: PromiseKind, words: str) -> None:
    assert words in written(LetterKind.CONFIRMATION, LetterContent(promises=(promise(kind=kind),)))


def test_the_customer_reads_the_told_date_and_never_our_own() -> None:
    text = written(
        LetterKind.CONFIRMATION,
        LetterContent(promises=(promise(internal_deadline=datetime(2026, 12, 3, 12, tzinfo=UTC)),)),
    )
    assert "Friday, 4 December" in text
    assert "Thursday" not in text


def test_a_time_is_said_only_when_it_says_something() -> None:
    today = replace(promise(), promised_by=datetime(2026, 12, 1, 15, 30, tzinfo=UTC))
    assert "by Tuesday, 1 December at 15:30." in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(today,))
    )
    closing = replace(promise(), promised_by=datetime(2026, 12, 1, 17, 0, tzinfo=UTC))
    assert "by Tuesday, 1 December." in written(LetterKind.CONFIRMATION, LetterContent(promises=(closing,)))


def test_a_time_that_an_agent_named_is_kept() -> None:
    noon = promise(promised_by=datetime(2026, 12, 3, 12, tzinfo=UTC), source="reply")
    assert "by Thursday, 3 December at 12:00." in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(noon,))
    )
    assert "by Thursday, 3 December." in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(replace(noon, source="playbook"),))
    )
    midnight = promise(promised_by=datetime(2026, 12, 3, 23, 59, tzinfo=UTC), source="reply")
    assert "by Thursday, 3 December." in written(LetterKind.CONFIRMATION, LetterContent(promises=(midnight,)))


def test_a_year_is_said_only_when_it_is_another() -> None:
    later = replace(promise(), promised_by=datetime(2027, 1, 8, 17, tzinfo=UTC))
    assert "by Friday, 8 January 2027." in written(LetterKind.CONFIRMATION, LetterContent(promises=(later,)))


def test_dates_are_those_of_the_companys_wall_clock() -> None:
    late = replace(promise(source="playbook"), promised_by=datetime(2026, 12, 4, 23, 30, tzinfo=UTC))
    auckland = replace(
        PLAYBOOK,
        company=replace(COMPANY, timezone="Pacific/Auckland"),
        calendar=replace(PLAYBOOK.calendar, timezone="Pacific/Auckland"),
    )
    text = (
        letters()
        .letter(LetterKind.CONFIRMATION, sample(), auckland, NOW, LetterContent(promises=(late,)))
        .text
    )
    assert "Saturday, 5 December" in flat(text)


def test_a_promise_of_a_colleague_names_the_colleague() -> None:
    assert "by Friday, 4 December (Ben Ito)." in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(promise(owner="ben"),))
    )


def test_what_was_agreed_is_put_in_writing() -> None:
    assert "Here it is in writing" in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(promise(source="reply"),))
    )
    assert "Here it is in writing" not in written(
        LetterKind.CONFIRMATION, LetterContent(promises=(promise(source="playbook"),))
    )


def test_thanks_and_apology_stand_within_the_first_two_sentences() -> None:
    for fault in Fault:
        text = written(
            LetterKind.CONFIRMATION, LetterContent(promises=(promise(),)), facts=Facts(fault=fault)
        )
        opening = ". ".join(text.removeprefix("Dear Kim, ").split(". ")[:2])
        assert "Thank you" in opening
        assert "sorry" in opening


def test_fault_is_admitted_only_where_an_agent_said_that_it_is_ours() -> None:
    texts = {
        fault: written(LetterKind.CONFIRMATION, LetterContent(), facts=Facts(fault=fault)) for fault in Fault
    }
    assert "our mistake" in texts[Fault.OURS]
    assert "our part in it" in texts[Fault.SHARED]
    assert texts[Fault.NOT_OURS] == texts[Fault.UNKNOWN]
    assert "our" not in texts[Fault.UNKNOWN].split("My name")[0]


def test_a_machine_admits_no_fault_and_repeats_no_words_of_a_stranger() -> None:
    text = written(
        LetterKind.CONFIRMATION,
        LetterContent(reply=True),
        by_machine=True,
        facts=Facts(issue="Cheap watches", fault=Fault.OURS),
    )
    assert "mistake" not in text
    assert "watches" not in text


def test_the_named_owner_introduces_herself_once() -> None:
    assert "My name is Ana Reyes" in written(LetterKind.CONFIRMATION, LetterContent())
    left = (LetterRecord("FU-L0NG7.confirmation.1", LetterKind.CONFIRMATION, LetterRecordState.SENT, NOW),)
    again = written(LetterKind.CONFIRMATION, LetterContent(), letters=left)
    assert "My name is" not in again
    assert "Thank you" in again


def test_every_letter_carries_the_owners_direct_phone_and_own_address() -> None:
    for kind in CUSTOMER_LETTERS:
        text = wrote(kind).text
        assert ANA.phone in text
        assert ANA.email in text
        assert "for Example Ltd" in text


def test_the_follow_up_begins_and_ends_with_an_apology() -> None:
    for name in ("short", "long"):
        paragraphs = body(wrote(LetterKind.FOLLOW_UP, sample(name)).text, ANA.name)
        assert "sorry" in paragraphs[0]
        assert "sorry" in paragraphs[-1]


def test_fragments_and_whole_sentences_both_become_sentences() -> None:
    facts = Facts(
        cause="label printed twice", resolution="We sent it again!", prevention="iPads now scan the label"
    )
    text = flat(wrote(LetterKind.FOLLOW_UP, sample(facts=facts)).text)
    assert "how it came about. Label printed twice. We sent it again! iPads now scan the label. " in text


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("sent again", "Sent again."),
        ("Sent again.", "Sent again."),
        ("why “late”?”", "Why “late”?”"),
        ("sent again ,", "Sent again."),
        ("http://x.example went down", "http://x.example went down."),
        ("ends (like this.)", "Ends (like this.)"),
        ("herausfinden, warum", "Herausfinden, warum."),
        ("l'envoi est parti", "L'envoi est parti."),
        ("e-mails were lost", "E-mails were lost."),
    ],
)
def test_a_sentence_has_a_capital_and_an_end(given: str, made: str) -> None:
    assert sentence(given) == made


@pytest.mark.parametrize(("name", "impact"), [("short", None), ("long", "and you stood there without it.")])
def test_the_follow_up_says_what_the_customer_told_us_and_what_it_meant(
    name: str, impact: str | None
) -> None:
    """Practices 3 and 6."""
    text = flat(wrote(LetterKind.FOLLOW_UP, sample(name)).text)
    assert ("The kettle you ordered" in text) == (name == "long")
    assert impact is None or f"It was a present for your mother's birthday, {impact}" in text


def test_the_customers_own_words_are_a_quotation_and_never_ours() -> None:
    words = "My parcel was due Monday and it still has not come."
    facts = replace(sample("short").facts, issue=words, fault=Fault.OURS)
    case = sample("short", story=f"Hello,\n{words}", facts=facts)
    assert f"You wrote: “{words}”" in flat(wrote(LetterKind.FOLLOW_UP, case).text)
    for language, quotation in {
        "de": f"Sie schrieben: „{words}“",
        "fr": f"Vous nous avez écrit : « {words} »",
        "es": f"Usted nos escribió: «{words[:-1]}».",
    }.items():
        assert quotation in flat(wrote(LetterKind.FOLLOW_UP, replace(case, language=language)).text)


def test_the_weight_of_the_apology_follows_severity_and_fault() -> None:
    heavy = sample("short", severity="high", facts=replace(sample("short").facts, fault=Fault.OURS))
    assert "I am very sorry. We let you down" in flat(wrote(LetterKind.FOLLOW_UP, heavy).text)
    light = replace(heavy, severity="low")
    assert "I am sorry. This was our mistake" in flat(wrote(LetterKind.FOLLOW_UP, light).text)


def test_the_phone_and_the_address_of_the_owner_are_links() -> None:
    html = wrote(LetterKind.HOLDING).html
    assert 'href="tel:+442079460018"' in html
    assert 'href="mailto:ana@example.com"' in html


def test_a_french_letter_writes_the_first_of_a_month_as_people_do() -> None:
    first = replace(promise(), promised_by=datetime(2026, 12, 1, 17, tzinfo=UTC), state=PromiseState.BROKEN)
    case = sample(promises=(first,), language="fr")
    later = NOW + timedelta(days=1)
    letter = letters().letter(LetterKind.HOLDING, case, PLAYBOOK, later, LetterContent())
    assert "mardi 1er décembre" in flat(letter.text)


def test_one_promise_is_a_sentence_and_several_are_a_numbered_list() -> None:
    one, two = promise(), promise("call you", n=2)
    assert "1. " not in written(LetterKind.CONFIRMATION, LetterContent(promises=(one,)))
    text = written(LetterKind.CONFIRMATION, LetterContent(promises=(one, two)))
    assert "1. Ship the replacement" in text
    assert "2. Call you" in text


def test_what_else_is_promised_stands_in_each_later_letter() -> None:
    """Practice 29."""
    late = replace(sample().promises[0], state=PromiseState.LATE)
    for kind in (LetterKind.CONFIRMATION, LetterKind.DELAY):
        text = written(kind, LetterContent(promises=(late,), until=FRIDAY, automatic=False))
        assert (
            "This still stands, as I told you: - I will find out why nobody answered your two mails, "
            "by Friday, 4 December" in text
        )


@pytest.mark.parametrize(("n", "words"), [(2, "suit you better?"), (3, "suit you best?")])
def test_two_options_are_compared_and_of_three_the_best_is_asked_for(n: int, words: str) -> None:
    options = tuple(Option(n=each, text=f"way {each}", promised_by=None) for each in range(1, n + 1))
    assert words in written(LetterKind.CONFIRMATION, LetterContent(promises=(promise(),), options=options))


@pytest.mark.parametrize(
    ("language", "day"),
    [
        ("en", "Thursday, 3 December at 12:30"),
        ("de", "Donnerstag, 3. Dezember, 12:30 Uhr"),
        ("fr", "jeudi 3 décembre à 12 h 30"),
        ("es", "jueves 3 de diciembre a las 12:30"),
    ],
)
def test_days_and_times_are_written_as_people_of_the_language_do(language: str, day: str) -> None:
    half = promise(promised_by=datetime(2026, 12, 3, 12, 30, tzinfo=UTC), source="reply")
    assert day in written(LetterKind.CONFIRMATION, LetterContent(promises=(half,)), language=language)


@pytest.mark.parametrize(("language", "amount"), [("en", "£20.00"), ("de", "20,00 £"), ("es", "20,00 GBP")])
def test_a_gift_cards_amount_is_written_in_the_language_of_its_letter(language: str, amount: str) -> None:
    assert amount in flat(wrote(LetterKind.GIFT_CARD, sample(language=language)).text)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_no_line_ends_inside_a_date_or_an_amount(language: str) -> None:
    for kind in (LetterKind.DELAY, LetterKind.GIFT_CARD):
        letter = wrote(kind, sample(language=language))
        assert not re.search(
            r"\d\.?\n\s*(?:de )?(?:novem|dezem|décem|dicie|decem|£|GBP)", letter.text, re.IGNORECASE
        )
        assert re.search(r"\d\.?(?:&nbsp;|\u00a0)[^\W\d]", letter.html)
        assert "\u00a0" not in letter.text


def test_the_follow_up_tells_only_what_was_given_and_no_gift_card() -> None:
    grants = (
        Compensation(n=1, kind=Gift.REFUND, state=GrantState.ISSUED, money=Money.of("25", "EUR")),
        Compensation(n=2, kind=Gift.CREDIT, state=GrantState.GRANTED, money=Money.of("31", "EUR")),
        Compensation(n=3, kind=Gift.GIFT_CARD, state=GrantState.ISSUED, money=Money.of("20", "EUR")),
        Compensation(n=4, kind=Gift.COUPON, state=GrantState.CONFIRMED, text="SORRY10, 10 % off"),
    )
    text = flat(wrote(LetterKind.FOLLOW_UP, sample(compensation=grants)).text)
    assert "A refund of €25.00 - A coupon (SORRY10, 10 % off)" in text
    assert "31" not in text
    assert "gift card" not in text.lower()
    assert "Has the refund reached you?" in text


@pytest.mark.parametrize(
    ("language", "text", "line"),
    [
        ("en", "a new kettle", "- A new kettle as a replacement"),
        ("de", "ein neuer Wasserkocher", "- Ein neuer Wasserkocher als Ersatz"),
        ("fr", "un nouveau colis", "- Un nouveau colis en remplacement"),
        ("es", "un paquete nuevo", "- Un paquete nuevo en sustitución"),
    ],
)
def test_what_was_given_is_no_label_with_a_colon(language: str, text: str, line: str) -> None:
    grants = (
        Compensation(n=1, kind=Gift.REPLACEMENT, state=GrantState.ISSUED, text=text),
        Compensation(n=2, kind=Gift.FREE_SHIPPING, state=GrantState.ISSUED, text="BOX 1"),
    )
    written = wrote(LetterKind.FOLLOW_UP, sample(compensation=grants, language=language)).text
    assert line in written.splitlines()
    assert "(BOX 1)" in written


def test_what_the_customer_has_confirmed_is_not_asked_again() -> None:
    grant = Compensation(n=1, kind=Gift.REFUND, state=GrantState.CONFIRMED, money=Money.of("25", "GBP"))
    text = wrote(LetterKind.FOLLOW_UP, sample(compensation=(grant,))).text
    assert "£25.00" in text
    assert "reached you" not in text


def test_a_holding_letter_has_three_sentences_at_most() -> None:
    for promises in ((), (promise(),), (promise(kind=PromiseKind.NEXT_UPDATE),)):
        [only] = body(wrote(LetterKind.HOLDING, sample(promises=promises)).text, ANA.name)
        assert 0 < only.count(". ") + 1 <= 3


def test_a_holding_letter_names_the_date_that_was_missed_and_makes_none() -> None:
    past = replace(promise(), promised_by=datetime(2026, 11, 30, 17, tzinfo=UTC), state=PromiseState.BROKEN)
    text = flat(wrote(LetterKind.HOLDING, sample(promises=(past,))).text)
    assert "I gave you a date, Monday, 30 November, and I did not keep it." in text
    assert text.count("30 November") == 1
    assert "December" not in text


def test_a_delay_letter_says_the_bad_news_the_new_date_and_the_reason() -> None:
    late = promise(state=PromiseState.LATE, because="the van broke down")
    text = written(LetterKind.DELAY, LetterContent(promises=(late,), until=FRIDAY, automatic=False))
    assert "I am sorry: I cannot keep the date" in text
    assert (
        "Ship the replacement. The new date for this is Friday, 4 December. The reason: the van broke down."
        in text
    )


def test_each_delayed_promise_has_its_own_new_date() -> None:
    first, second = promise(state=PromiseState.LATE), promise("call you", state=PromiseState.LATE, n=2)
    second = replace(second, promised_by=datetime(2026, 12, 8, 17, tzinfo=UTC))
    text = written(LetterKind.DELAY, LetterContent(promises=(first, second), until=FRIDAY))
    assert "Ship the replacement. The new date for this is Friday, 4 December." in text
    assert "Call you. The new date for this is Tuesday, 8 December." in text


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Kim Doe", "Dear Kim,"),
        ("Doe, Kim", "Dear Kim,"),
        ("Jean-Luc de Wit", "Dear Jean-Luc,"),
        ("Dr. Kim Doe", "Dear Dr Doe,"),
        ("KIM DOE", "Dear Kim,"),
        ("kimdoe", "Hello,"),
        ("", "Hello,"),
        ("kim@example.org", "Hello,"),
        ("You won! http://evil.example", "Hello,"),
        ("Claim at evil.example", "Hello,"),
    ],
)
def test_a_greeting_uses_a_name_only_where_it_is_one(name: str, greeting: str) -> None:
    letter = wrote(LetterKind.HOLDING, sample(customer=Person("kim@example.org", name)))
    assert letter.text.startswith(greeting)


def test_first_names_are_taken_only_where_they_are_plain() -> None:
    assert first_name("Ana Reyes") == "Ana"
    assert first_name("J. Reyes") == ""
    assert first_name("Frau Reyes") == ""
    assert greetable_name("O'Brien, Mary") == "Mary O'Brien"


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: AW: Fwd: Late", "Late"),
        ("RE[2]: Late", "Late"),
        ("Regarding: late", "Regarding: late"),
        ("re:", ""),
        ("", ""),
    ],
)
def test_marks_of_earlier_answers_are_not_repeated(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare


# --- what stops a letter ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fact", ["cause", "resolution", "prevention"])
def test_a_fact_that_nobody_stated_stops_the_follow_up(fact: str) -> None:
    case = sample()
    with pytest.raises(LetterError, match=rf"templates/en/follow-up\.md:\d+: `facts\.{fact}` is missing"):
        wrote(LetterKind.FOLLOW_UP, replace(case, facts=case.facts.stated({fact: " \u202e "})))


@pytest.mark.parametrize(
    ("old", "new", "slot"),
    [
        ("{{ facts.cause | sentence }}", "It is known.", "the cause"),
        ("{{ facts.resolution | sentence }}", "It is known.", "the resolution"),
        ("{{ facts.prevention | sentence }}", "It is known.", "the prevention"),
        ('{% include "_grants.md" %}', "- something nice", "the refund that was given"),
        ('{% include "_signature.md" %}', "With kind regards,\n\nAna Reyes", "the owner's direct phone"),
        ('{% include "_signature.md" %}', "With kind regards,\n\nAna Reyes", "the owner's email"),
        (
            "I am sorry. This was our mistake, and on behalf of {{ company.name }} I\napologise for it.",
            "Hm.",
            "apology in the first",
        ),
        ("Once more, I am sorry.", "Goodbye.", "apology in the last"),
        ("hank you", "hoot", "thanks"),
    ],
)
def test_a_follow_up_that_leaves_a_slot_empty_is_refused(
    tmp_path: Path, old: str, new: str, slot: str
) -> None:
    with pytest.raises(ContentError, match=r"templates/en/follow-up\.md: the letter does not say") as error:
        wrote(LetterKind.FOLLOW_UP, directory=changed(tmp_path, "en/follow-up", old, new))
    assert slot in str(error.value)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_follow_up_that_says_nothing_but_its_facts_is_refused_in_every_language(
    tmp_path: Path, language: str
) -> None:
    copy = changed_letters(tmp_path)
    bare = "{{ facts.cause }} {{ facts.resolution }} {{ facts.prevention }}"
    (copy / language / LetterKind.FOLLOW_UP).with_suffix(".md").write_text(
        f"---\nsubject: Hm\n---\n{bare}\n\n{bare}\n\n{{{{ owner.name }}}}, {{{{ company.name }}}}\n"
    )
    with pytest.raises(ContentError) as found:
        wrote(LetterKind.FOLLOW_UP, sample(language=language), directory=copy)
    for slot in (
        "the owner's direct phone",
        "the owner's email",
        "an apology in the first paragraph",
        "an apology in the last paragraph",
        "thanks",
        "the refund that was given",
        "the gesture that was given",
    ):
        assert slot in str(found.value)
    assert str(found.value).startswith(f"templates/{language}/follow-up.md: ")


@pytest.mark.parametrize(
    ("language", "said", "quoted"),
    [
        ("en", "June is on the house for all of you", "- “June is on the house for all of you.”"),
        ("de", "Den Juni berechnen wir dir nicht", "- „Den Juni berechnen wir dir nicht.“"),
        ("fr", "Elle ne vous sera pas facturée", "- « Elle ne vous sera pas facturée. »"),
        ("es", "La visita no se la cobro", "- «La visita no se la cobro.»"),
    ],
)
def test_a_gesture_in_an_agents_own_words_is_quoted(language: str, said: str, quoted: str) -> None:
    for source, line in (("reply", quoted), ("note", f"- {said}")):
        gift = Compensation(n=1, kind=Gift.GESTURE, state=GrantState.ISSUED, text=said, source=source)
        letter = wrote(LetterKind.FOLLOW_UP, replace(sample(language=language), compensation=(gift,)))
        assert f"\n{line}\n" in letter.text.replace("\u00a0", " ")


def test_a_confirmation_that_leaves_out_a_promise_or_its_date_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"promise 1.*the date of promise 1"):
        wrote(
            LetterKind.CONFIRMATION,
            directory=changed(tmp_path, "en/confirmation", '{% include "_steps.md" %}', "We act."),
        )


def test_a_gift_card_without_its_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="the code"):
        wrote(
            LetterKind.GIFT_CARD,
            directory=changed(tmp_path, "en/gift-card", "{{ card.code | code }}", "(soon)"),
        )


@pytest.mark.parametrize(
    "slip", ["{{ card.kode }}", "{{ card }}", "{{ {}[card.code] }}", "{{ card.code / 2 }}", "(soon)"]
)
def test_a_card_keeps_its_code_to_itself_when_its_letter_fails(tmp_path: Path, slip: str) -> None:
    directory = changed(tmp_path, "en/gift-card", "{{ card.code | code }}", slip)
    code = "EDOC-TERCES"[::-1]  # turned round, so that no source line in a traceback shows it
    with pytest.raises(LetterError, match=r"^templates/en/gift-card\.md") as error:
        letters(directory).gift_card(sample(), PLAYBOOK, NOW, PrintedGiftCard(code=code, amount="£20.00"))
    assert code not in "".join(traceback.format_exception(error.value)) + repr(error.value)


def test_an_error_names_the_part_and_the_line_where_it_lies(tmp_path: Path) -> None:
    directory = changed(
        tmp_path, "en/_signature", "{{ owner.name }}\\\n", "{{ owner.name }}\\\n{{ owner.fax }}\\\n"
    )
    with pytest.raises(LetterError, match=r"templates/en/_signature\.md:4: there is no `fax` in this letter"):
        wrote(LetterKind.HOLDING, directory=directory)


def test_a_template_can_do_nothing(tmp_path: Path) -> None:
    for n, attack in enumerate(
        [
            "{{ owner.__class__.__mro__ }}",
            "{{ ''.__class__ }}",
            "{{ case.subject | safe }}",
            "{{ 1/0 }}",
            "{% include '../../pyproject.toml' %}",
            "{{ self._TemplateReference__context }}",
            "{{ cycler.__init__.__globals__ }}",
        ]
    ):
        with pytest.raises(LetterError, match=r"templates/en/holding\.md"):
            wrote(
                LetterKind.HOLDING,
                directory=changed(tmp_path / str(n), "en/holding", "Your case is", f"{attack} Your case is"),
            )


def test_a_playbooks_sentence_is_filled_in_with_values_that_stay_values() -> None:
    case = sample(customer=Person("kim@example.org", "{{ 7*7 }}"))
    said = letters().phrase(
        "{{ owner.name }} writes to {{ customer.anybody }} from {{ company.name }}", case, PLAYBOOK
    )
    assert said == "Ana Reyes writes to {{ 7*7 }} from Example Ltd"
    with pytest.raises(LetterError, match="playbook default"):
        letters().phrase("{{ boss.name }} calls", case, PLAYBOOK)


# --- languages --------------------------------------------------------------------------------------------------------


def test_a_letter_is_in_the_customers_language_where_there_is_one(tmp_path: Path) -> None:
    directory = changed(tmp_path, "en/holding", "Your case", "Your case")
    shutil.copytree(directory / "en", directory / "xx")
    (directory / "xx" / "holding.md").write_text(
        (directory / "en/holding.md").read_text().replace("Your case", "Zaak")
    )
    assert "Zaak" in wrote(LetterKind.HOLDING, sample(language="xx-YY"), directory=directory).text
    assert "Your case" in wrote(LetterKind.HOLDING, sample(language="yy"), directory=directory).text
    assert "Your case" in wrote(LetterKind.HOLDING, sample(language="../xx"), directory=directory).text
    assert (
        "Zaak"
        in wrote(LetterKind.HOLDING, sample(language=""), replace(PLAYBOOK, language="xx"), directory).text
    )


@pytest.mark.parametrize(("own_part", "greeting"), [(False, "Good day"), (True, "Dear")])
def test_a_letter_includes_the_parts_of_its_own_language(
    tmp_path: Path, own_part: bool, greeting: str
) -> None:
    directory = changed(tmp_path, "en/_greeting", "Dear", "Good day")
    (directory / "en-au").mkdir()
    shutil.copy(directory / "en/holding.md", directory / "en-au/holding.md")
    if own_part:
        shutil.copy(TEMPLATES / "en/_greeting.md", directory / "en-au/_greeting.md")
    assert greeting in wrote(LetterKind.HOLDING, sample(language="en_AU"), directory=directory).text


def test_american_customers_read_american_dates() -> None:
    company = replace(COMPANY, locale="en_US", currency="USD")
    letter = letters().letter(
        LetterKind.CONFIRMATION,
        sample(),
        replace(PLAYBOOK, company=company),
        NOW,
        LetterContent(promises=(promise(),)),
    )
    assert "by Friday, December 4." in flat(letter.text)


# --- desk mails -------------------------------------------------------------------------------------------------------


def test_an_agent_reads_what_is_asked_and_the_lines_to_answer_with() -> None:
    text = wrote(LetterKind.FACTS).text
    assert "The cause is not known yet; the prevention is not known yet." in flat(text)
    assert "\ncause:\nprevention:\n" in text
    assert "> I ordered the blue kettle" in text
    assert "FU-L0NG7" in text


def test_an_agent_learns_which_lines_were_done_and_which_were_not() -> None:
    text = flat(wrote(LetterKind.ANSWER).text)
    assert "Nothing happened for these: - 'promise: tomorrow' names no date" in text
    assert "These are done: - fault: ours" in text


def test_promises_bear_the_numbers_that_agents_answer_with() -> None:
    brief = LetterContent(because="due", promises=(promise(n=7),), asks=("kept: 7",))
    assert "- 7: Ship the replacement (told: by Friday, 4 December" in flat(
        letters().desk(LetterKind.NUDGE, sample(), PLAYBOOK, NOW, brief, BEN).text
    )


def test_a_letter_that_could_not_be_written_is_explained_to_the_owner() -> None:
    brief = LetterContent(
        because="a letter could not be written", problems=("templates/en/delay.md:9: `x` is missing",)
    )
    assert (
        "templates/en/delay.md:9"
        in letters().desk(LetterKind.NUDGE, sample(), PLAYBOOK, NOW, brief, ANA).text
    )


def test_desk_mails_are_in_the_companys_language_not_the_customers() -> None:
    assert "yours to look after" in flat(wrote(LetterKind.OPENED, sample(language="de")).text)


def test_a_call_carries_an_appointment() -> None:
    [ics] = wrote(LetterKind.CALL).attachments
    assert ics.media_type == "text/calendar"
    unfolded = ics.content.replace("\r\n ", "")
    rows = unfolded.split("\r\n")
    assert "UID:FU-L0NG7.desk.call.1@example.com" in rows
    assert "DTSTART:20261203T100000Z" in rows
    assert "SUMMARY:Call Kim Doe +44 20 7946 0991" in rows
    assert any(row.startswith("DESCRIPTION:The kettle") and "\\nI have written twice" in row for row in rows)
    assert all(len(row.encode()) <= 75 for row in ics.content.split("\r\n"))


def test_an_appointment_cannot_be_broken_by_a_customers_words() -> None:
    [ics] = wrote(LetterKind.CALL, sample("hostile")).attachments
    assert ics.content.count("BEGIN:") == 3
    assert "\n" not in ics.content.replace("\r\n", "")


# --- check ------------------------------------------------------------------------------------------------------------


def test_a_letter_that_is_shown_in_a_quotation_keeps_its_lines() -> None:
    text = to_text("word " * 60)
    quotation = to_text(quoted(text))
    assert quotation == "".join(f"> {row}\n" for row in text.splitlines())
