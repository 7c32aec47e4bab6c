"""How agents write an order, in the bytes of 19 mail clients and in four languages: what is done and what comes back."""

from collections.abc import Iterator
from difflib import get_close_matches
from html import escape
from pathlib import Path

import pytest

from followupd.domain.command import VERBS, Form, form_of
from followupd.domain.mail import Identity
from followupd.domain.playbook import Agent
from followupd.languages import catalogue
from followupd.text.mail.read import read as read_mail
from followupd.text.notes import (
    Question,
    ReadNote,
    edited_in_quote,
    filled_in,
    own_lines,
    read_note,
    uncertain_orders,
)
from followupd.text.orders import Grammar, Phrases

DATA = Path(__file__).parent / "data"
CLIENTS = sorted(path.stem for path in (DATA / "clients").glob("*.eml"))
DESK = (DATA / "clients" / "desk.txt").read_text(encoding="utf-8")
ANA = Agent(id="ana", name="Ana Reyes", email="ana@shop.test", phone="+44 20 7946 0018")
LEE = Agent(id="lee", name="Lee Park", email="lee@shop.test", phone="+44 20 7946 0019")
GRAMMAR = Grammar(
    tags={
        "complaint": "complaint",
        "not-complaint": "dismiss",
        "erledigt!": "fixed",
        "vip": "severity: high",
        "refund-*": "refund: {}",
        "agent-*": "owner: {}",
    },
    agents=(ANA, LEE),
    companies=("The Shop",),
)
IDENTITY = Identity(addresses=frozenset({"support@shop.test"}), agents=frozenset({"ana@shop.test"}))
APPROVAL = Question("approve", "refuse")
SUSPECTED = Question("complaint", "dismiss")
LEFT = Question("settle: sent", by_consent=False)
EMPTY = ("fault", "impact", "issue")
WORDS = "The label showed 12 High St - the address of an earlier  customer; 4. Dez. “really”, 2 * 3 -- ok?"
#: a text for each form of verb
TEXTS = {
    Form.NONE: "",
    Form.NUMBER: "1",
    Form.AMOUNT: "25.00 EUR",
    Form.OPTIONAL_TEXT: WORDS,
    Form.TEXT: WORDS,
}
VALUES = {
    "fault": "ours",
    "severity": "high",
    "resolved": "partly",
    "settle": "sent",
    "owner": "lee",
    "playbook": "delivery",
    "cause-code": "carrier",
}


def text_of(verb: str) -> str:
    """Return a text that the verb takes."""
    if verb == "show":
        return "FU-7K3Q9"
    if form_of(verb) is Form.NUMBER_AND_TEXT:
        return f"1 until Friday because {WORDS}"
    return VALUES.get(verb) or TEXTS[form_of(verb)]


def line_of(verb: str) -> str:
    text = text_of(verb)
    return f"{verb}: {text}" if text else verb


def answer(client: str, *lines: str) -> str:
    """Return the raw mail with which an agent answers a desk mail in one client's format."""
    raw = (DATA / "clients" / f"{client}.eml").read_text(encoding="utf-8")
    text, mark, html = raw.partition("Content-Type: text/html")
    for place, line in zip(("FIRST", "SECOND", "THIRD"), [*lines, "", "", ""], strict=False):
        text = text.replace(f"{place} LINE", line)
        html = html.replace(f"{place} LINE", escape(line))
    return text + mark + html


def read_answer(client: str, *lines: str, question: Question | None = None) -> ReadNote:
    message = read_mail(answer(client, *lines).encode(), IDENTITY)
    doubts = uncertain_orders(message, DESK, GRAMMAR)
    assert doubts == [], [doubt.line for doubt in doubts]
    return read_note(own_lines(message), GRAMMAR, question=question, signer=ANA, may_be_empty=EMPTY)


def said(note: ReadNote) -> list[tuple[str, str]]:
    return [(order.verb, order.text) for group in note.orders for order in group]


def read(*lines: str, question: Question | None = None) -> ReadNote:
    return read_note(lines, GRAMMAR, question=question, signer=ANA, may_be_empty=EMPTY)


# --- 19 formats x every verb ---


@pytest.mark.parametrize("client", CLIENTS)
def test_every_verb_arrives_with_its_words_from_every_client(client: str) -> None:
    assert len(CLIENTS) == 19
    for verb in VERBS:
        note = read_answer(client, line_of(verb), "", "Ana")
        words = text_of(verb)
        if client == "outlook-web-html-only":  # two blanks are one in HTML
            words = words.replace("  ", " ")
        assert (said(note), note.back, note.remark) == ([(verb, words)], (), ""), verb


#: a way of writing, and what it means
WAYS = {
    "Fixed.": ("fixed", ""),
    "Fixed!": ("fixed", ""),
    "FIXED": ("fixed", ""),
    "Fixed, thanks": ("fixed", ""),
    "please hold": ("hold", ""),
    "Hi Lee, fixed": ("fixed", ""),
    "- fixed": ("fixed", ""),
    "1. fixed": ("fixed", ""),
    "Hold until Friday": ("hold", "until Friday"),
    "kept #1": ("kept", "1"),
    "kept no. 1": ("kept", "1"),
    "Kept: 1.": ("kept", "1"),
    "1 kept": ("kept", "1"),
    "#1: kept": ("kept", "1"),
    "Promise 1 kept": ("kept", "1"),
    "kept 1 and 2": ("kept", "1, 2"),
    "done: 1": ("kept", "1"),
    "1 late until Friday because of snow": ("late", "1 until Friday because of snow"),
    "Late 1 until 4. Dec because of snow": ("late", "1 until 4. Dec because of snow"),
    "Cause - the label": ("cause", "the label"),
    "Cause – the label - wrong": ("cause", "the label - wrong"),
    "Cause — the label": ("cause", "the label"),
    "cause- the label": ("cause", "the label"),
    "cause = the label": ("cause", "the label"),
    "cause： the label": ("cause", "the label"),
    "Cause\u00a0: the label": ("cause", "the label"),
    "*Cause:* the label": ("cause", "the label"),
    "**Cause**: the *label*": ("cause", "the *label*"),
    "*cause: the label*": ("cause", "the label"),
    "“cause: the label”": ("cause", "the label"),
    "root cause: the label": ("cause", "the label"),
    "refund 25 EUR": ("refund", "25 EUR"),
    "Refund of 25 EUR": ("refund", "25 EUR"),
    "Refund: €25.": ("refund", "€25"),
    "Refund 25 euros please": ("refund", "25 euros"),
    "refund: 25,-": ("refund", "25,-"),
    "Refund: 25 EUR - as agreed": ("refund", "25 EUR - as agreed"),
    "Gift-Card: 20 EUR": ("gift-card", "20 EUR"),
    "giftcard 20 EUR": ("gift-card", "20 EUR"),
    "gift voucher: 20 EUR": ("gift-card", "20 EUR"),
    "fault: not ours": ("fault", "not-ours"),
    "Fault - Ours.": ("fault", "ours"),
    "severity high!": ("severity", "high"),
    "Owner: Lee Park": ("owner", "lee"),
    "owner: Lee.": ("owner", "lee"),
    "assign to lee@shop.test": ("owner", "lee"),
    "agent-lee": ("owner", "lee"),
    "vip": ("severity", "high"),
    "Not-complaint": ("dismiss", ""),
    "Not a complaint.": ("dismiss", ""),
    "It’s not a complaint": ("dismiss", ""),
    "no complaint": ("dismiss", ""),
    "not reached, voicemail": ("not-reached", "voicemail"),
    "Reached!": ("reached", ""),
    "Show kim@example.org": ("show", "kim@example.org"),
    "?": ("help", ""),
    "what's due today": ("today", ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_of_writing_is_understood(way: str) -> None:
    note = read(way)
    assert (said(note), note.back, note.remark) == ([WAYS[way]], (), "")


@pytest.mark.parametrize("client", CLIENTS)
def test_every_way_of_writing_arrives_from_every_client(client: str) -> None:
    for way, meant in WAYS.items():
        note = read_answer(client, way)
        assert (said(note), note.back) == ([meant], ()), way


def test_two_orders_on_a_line_are_both_done_or_both_come_back() -> None:
    both = [("refund", "25 EUR"), ("gift-card", "20 EUR")]
    assert said(read("Refund: 25 EUR, gift card: 20 EUR")) == both
    assert said(read("fixed, severity: high")) == [("fixed", ""), ("severity", "high")]
    for line in (
        "cause: the label was wrong, resolution: new one sent",
        "Fixed. Cause: the label was wrong. Resolution: new one sent.",
        "note: called her. Refund: 25 EUR",
        "Refund: 25 EUR, then 20 EUR later",
        "refund: 25 EUR or 30 EUR",
        "approve but change the date",
    ):
        note = read(line)
        assert said(note) == []
        assert [unclear.line for unclear in note.back] == [line]
    [unclear] = read("cause: the label was wrong, resolution: new one sent").back
    assert unclear.draft == "cause: the label was wrong\nresolution: new one sent"


@pytest.mark.parametrize(
    "lines",
    [
        ("complaint", "dismiss"),
        ("approve", "refuse: too much"),
        ("hold", "release"),
        ("kept: 1", "late: 1 until Friday because of snow"),
        ("kept", "withdraw: 2 because it is sold out"),
        ("fixed", "not a complaint"),
        ("cause: this", "cause: that"),
        ("owner: Lee", "owner: Ana"),
        ("issued: 1", "refused: 1"),
    ],
)
def test_lines_that_contradict_each_other_come_back_undone(lines: tuple[str, str]) -> None:
    note = read(*lines)
    assert said(note) == []
    assert [unclear.line for unclear in note.back] == list(lines)


@pytest.mark.parametrize(
    "lines",
    [
        ("fault: ours", "no, it was the carrier's fault"),
        ("fault: ours", "it was not our fault at all"),
        ("fault: ours", "actually the carrier dropped it"),
        ("Schuld: unsere", "nein, die Schuld hat der Paketdienst"),
        ("Schuld: unsere", "war doch nicht unsere Schuld"),
        ("faute: nôtre", "en fait c'est le transporteur"),
        ("culpa: nuestra", "no es culpa nuestra, fue el transportista"),
        ("severity: high", "the priority is not what it was"),
    ],
)
def test_an_order_whose_opposite_stands_below_it_comes_back_undone(lines: tuple[str, str]) -> None:
    note = read(*lines)
    assert said(note) == []
    assert [unclear.line for unclear in note.back] == ["\n".join(lines)]


@pytest.mark.parametrize(
    "lines",
    [
        ("fixed", "not fixed yet"),
        ("kept: 1", "promise 1 is not kept"),
        ("behoben", "nicht behoben"),
        ("kept: 1, 2", "not kept: 2"),
    ],
)
def test_an_order_that_another_line_denies_comes_back_undone(lines: tuple[str, str]) -> None:
    note = read(*lines)
    assert said(note) == []
    assert {unclear.line for unclear in note.back} == set(lines)


@pytest.mark.parametrize(
    "lines",
    [
        ("fault: ours", "the courier left it in the rain, she says"),
        ("fixed", "she was very nice about it"),
        ("reached", "no answer at first, tried twice"),
        ("kept: 1", "promise 2 is not kept"),
    ],
)
def test_other_words_below_an_order_leave_it_as_it_is(lines: tuple[str, str]) -> None:
    assert len(said(read(*lines))) == 1


def test_lines_about_different_numbers_do_not_contradict() -> None:
    assert len(said(read("kept: 1", "late: 2 until Friday because of snow"))) == 2


@pytest.mark.parametrize(
    "line",
    [
        *(
            "promise 1 is not kept",
            "Promise #1 hasn't been kept.",
            "promise 1 will not be kept",
            "promise not kept",
        ),
        *("Zusage 1 ist nicht gehalten", "Versprechen 1 noch nicht gehalten", "promesse 1 n'est pas tenue"),
        *("promesa 1 no cumplida", "refund 1 not issued"),
    ],
)
def test_what_is_denied_is_never_offered_as_said(line: str) -> None:
    note = read(line)
    assert note.orders == ()
    for unclear in note.back:
        assert not (unclear.draft or "").startswith(("promise:", "kept:", "issued:"))
        assert "promise: what" not in unclear.problem
    if "1" in line and "refund" not in line:
        assert note.back[0].draft == "late: 1 until ... because ...\nwithdraw: 1 because ..."


@pytest.mark.parametrize(
    "line", ["not fixed", "don't refund 25 EUR", "not kept yet", "nicht behoben", "pas résolu", "Fixed?"]
)
def test_what_is_denied_or_asked_comes_back_without_a_hint_of_its_opposite(line: str) -> None:
    note = read(line)
    assert said(note) == []
    [unclear] = note.back
    assert unclear.draft is None
    assert "mean" not in unclear.problem


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("help?", ("help", "")),
        ("Hilfe?", ("help", "")),
        ("today?", ("today", "")),
        ("Heute ?", ("today", "")),
        ("show FU-7K3Q9?", ("show", "FU-7K3Q9")),
        ("show: kim@example.org?", ("show", "kim@example.org")),
        ("ayuda??", ("help", "")),
    ],
)
def test_a_look_up_may_be_asked_for_with_a_question_mark(line: str, order: tuple[str, str]) -> None:
    assert said(read(line)) == [order]


def test_a_number_before_a_dot_may_be_a_list_mark_and_is_asked_about() -> None:
    [unclear] = read("1. kept").back
    assert unclear.draft == "kept: 1"


@pytest.mark.parametrize(
    "signature",
    [
        ("Ana",),
        ("A.",),
        ("AR",),
        ("Thanks,", "Ana"),
        ("BR, Ana",),
        ("– Ana",),
        ("Ana Reyes", "Customer Care | The Shop Ltd", "T +44 20 7946 0018 | ana@shop.test"),
        ("The Shop Ltd", "Registered in England"),
    ],
)
def test_a_signature_is_no_order_and_no_remark(signature: tuple[str, ...]) -> None:
    note = read("Fixed", "", *signature)
    assert (said(note), note.back, note.remark) == ([("fixed", "")], (), "")


def test_an_order_below_the_own_name_comes_back() -> None:
    note = read("Fixed", "Ana Reyes", "cause: a strike")
    assert said(note) == [("fixed", "")]
    assert [unclear.line for unclear in note.back] == ["cause: a strike"]


def test_free_words_are_a_remark_and_no_mistake() -> None:
    note = read("I talked to her on the phone.", "She will be away until May  - maybe longer", "kept: 1")
    assert note.remark == "I talked to her on the phone.\nShe will be away until May  - maybe longer"
    assert (said(note), note.back) == ([("kept", "1")], ())


def test_words_that_make_an_order_depend_on_something_hold_it_back() -> None:
    note = read("Approve", "but change the date to Monday first")
    assert said(note) == []
    assert [unclear.line for unclear in note.back] == ["Approve\nbut change the date to Monday first"]


# --- orders in free words ---

#: what somebody writes who does not think of lines, and the lines that it asks for
IN_OTHER_WORDS = {
    "please put this one on hold until Friday": "hold: until Friday",
    "Can you hold off until next Monday? She is on holiday.": "hold: until next Monday",
    "we can close this one, she's happy": "close",
    "Could you refund her 25 EUR please": "refund: 25 EUR",
    "you can give her 20 euros back and close it": "refund: 20 euros\nclose",
    "Lee takes this over from here": "owner: lee",
    "this really isn't a complaint, she only asked": "",  # "only"
    "this really isn't a complaint, she was asking": "dismiss",
    "I think the letter looks good": "approve",
    "sorry, take that back please": "undo",
    "what did we promise her?": "show",
    "stell den Fall bitte bis Freitag zurück": "hold: bis Freitag",
    "kannst du das bitte schließen, sie ist zufrieden": "close",
    "bitte gib ihr 20 € zurück": "refund: 20 €",
    "Lee soll das übernehmen": "owner: lee",
    "der Brief kann so raus": "approve",
    "tu peux le mettre en attente jusqu'à vendredi ?": "hold: jusqu'à vendredi",
    "je pense qu'on peut clore ce dossier": "close",
    "il faudrait lui rembourser 20 euros": "refund: 20 euros",
    "passe le dossier à Lee stp": "owner: lee",
    "ponlo en espera hasta el viernes": "hold: hasta el viernes",
    "ya puedes cerrar el caso": "close",
    "devuélvele 20 euros": "refund: 20 euros",
    "pásaselo a Lee": "owner: lee",
}


@pytest.mark.parametrize("words", IN_OTHER_WORDS)
def test_a_sentence_that_asks_for_an_order_is_none_and_names_the_line(words: str) -> None:
    assert said(read(words)) == []
    assert GRAMMAR.meant_by(words) == IN_OTHER_WORDS[words]


@pytest.mark.parametrize(
    "words",
    [
        *(
            "don't close it yet",
            "close it when she has answered",
            "we never refund her 25 EUR",
            "if so, close it",
        ),
        *(
            "nicht schließen",
            "erst schließen, wenn sie zufrieden ist",
            "ne pas clore ce dossier",
            "no lo cerramos",
        ),
        *("She gave the box to Sam", "I talked to her on the phone.", "she holds a grudge", "Lee says hello"),
    ],
)
def test_what_is_denied_or_depends_on_something_or_only_tells_asks_for_nothing(words: str) -> None:
    assert GRAMMAR.meant_by(words) == ""


@pytest.mark.parametrize(
    ("line", "draft"),
    [
        ("close it, she's happy", "close\nnote: she's happy"),
        ("refund her 25 EUR", "refund: 25 EUR"),
        ("approve but change the date", None),
        ("close it, but only tomorrow", None),
    ],
)
def test_an_order_with_more_words_comes_back_as_the_line_that_it_may_mean(
    line: str, draft: str | None
) -> None:
    note = read(line)
    assert said(note) == []
    assert [unclear.draft for unclear in note.back] == [draft]


# --- yes and no ---

YES = (
    *("ok", "OK", "Yes", "yes!", "Approved", "approved.", "ja", "Ja,", "oui", "Oui!", "vale", "Vale.", "sí"),
    *("👍", "👍🏽", "okay", "go ahead", "Go ahead, thanks", "Yes please", "d'accord", "in Ordnung"),
    *("Approve, thanks", "yes, approve"),
)
NO = {"no": "", "No, too expensive": "too expensive", "Nein: zu teuer": "zu teuer", "non": ""}


@pytest.mark.parametrize("word", YES)
def test_yes_answers_one_question_and_none_where_there_is_none(word: str) -> None:
    assert said(read(word, question=APPROVAL)) == [("approve", "")]
    if "pprove" not in word:
        assert said(read(word, question=SUSPECTED)) == [("complaint", "")]
        assert said(read(word)) == []


@pytest.mark.parametrize("word", NO)
def test_no_refuses_with_its_reason(word: str) -> None:
    assert said(read(word, question=APPROVAL)) == [("refuse", NO[word])]
    assert said(read(word, question=SUSPECTED)) == [("dismiss", "")]


def test_only_a_plain_yes_says_that_a_letter_has_left() -> None:
    assert said(read("yes", question=LEFT)) == [("settle", "sent")]
    for word in ("ok", "no", "yes it's in Sent", "👍"):
        assert said(read(word, question=LEFT)) == []


def test_a_yes_with_more_words_comes_back_with_what_to_say() -> None:
    [unclear] = read("ok but change the date", question=APPROVAL).back
    assert "expected 'approve' or 'refuse: why'" in unclear.problem


@pytest.mark.parametrize(
    "below",
    [
        *(
            "actually no scrap that, manager says 25",
            "no wait, 25",
            "Oops, 25",
            "Quatsch, 25",
            "Hoppla! 25 natürlich",
        ),
        *("en fait non, 25", "uy, son 25"),
    ],
)
def test_an_order_that_the_line_below_takes_back_is_asked_about(below: str) -> None:
    note = read("refund: 40 EUR", below)
    assert note.orders == ()
    assert [unclear.line for unclear in note.back] == [f"refund: 40 EUR\n{below}"]


@pytest.mark.parametrize(
    "words", ["No problem", "Kein Problem", "Pas de problème", "Sin problema", "No worries"]
)
def test_no_problem_is_no_no(words: str) -> None:
    """To the question whether a promise was kept, or to an approval."""
    for line in (f"{words}, rang her on Monday at four, all sorted", words):
        assert read(line).back == ()
        note = read(line, question=APPROVAL)
        assert [order.verb for group in note.orders for order in group] == []


# --- inside the quote ---


def test_an_offered_empty_line_may_be_filled_in_inside_the_quote() -> None:
    for client in CLIENTS:
        if client == "no-quote":
            continue
        raw = answer(client).replace("cause:", "cause: a strike - of drivers")
        message = read_mail(raw.encode(), IDENTITY)
        filled = filled_in(message, DESK, DESK, GRAMMAR)
        assert filled == ["cause: a strike - of drivers"], client
        assert uncertain_orders(message, DESK, GRAMMAR, filled) == []


# --- a letter that is changed in its quote ---


@pytest.mark.parametrize("client", CLIENTS)
def test_a_quote_that_a_client_has_only_wrapped_is_not_changed(client: str) -> None:
    message = read_mail(answer(client, "ok").encode(), IDENTITY)
    assert edited_in_quote(message, DESK) == ("", "")


@pytest.mark.parametrize("client", [client for client in CLIENTS if client != "no-quote"])
def test_a_change_in_a_quote_is_seen_in_every_client(client: str) -> None:
    for old, new in (("courier", "parcel post"), ("to your card", "to your old card"), ("paid for", "for")):
        raw = answer(client, "ok")
        changed = raw.replace(old, new)
        if changed == raw:  # wrapped just there
            continue
        message = read_mail(changed.encode(), IDENTITY)
        assert any(edited_in_quote(message, DESK)), (client, old)


@pytest.mark.parametrize(
    ("shown", "quoted"),
    [
        ("- A refund of €5.00", "* A refund of EUR5.00"),
        ("- Eine Erstattung von 5,00 € – heute", "* Eine Erstattung von 5,00 EUR - heute"),
        ("- A Brewmaster™ jug, © 2026 Acme®", "* A Brewmaster(tm) jug, (c) 2026 Acme(R)"),
    ],
)
def test_signs_that_roundcube_spells_out_in_a_quote_are_no_change(shown: str, quoted: str) -> None:
    """What its editor of pages makes of them when it writes the text part, seen in version 1.6."""
    letter = f"To make up for it, we are giving you:\n\n{shown}\n\nThis still stands, as I told you:\n"
    quote = letter.replace(shown, quoted)
    for changed, is_change in ((quote, False), (quote.replace("5", "7").replace("2026", "2027"), True)):
        lines = "".join(f"> {line}\n" for line in changed.splitlines())
        raw = f"From: ana@shop.test\nSubject: Re: x\nContent-Type: text/plain; charset=utf-8\n\nApprove!\n\n{lines}"
        message = read_mail(raw.encode(), IDENTITY)
        assert any(edited_in_quote(message, letter)) is is_change


# --- four languages ---


def _words() -> Iterator[tuple[str, str, str]]:
    for tag in ("en", "de", "fr", "es"):
        for verb, phrases in catalogue().language(tag).answers.verbs.items():
            for phrase in phrases:
                yield tag, verb, phrase


def test_every_verb_has_words_in_each_language_that_has_letters() -> None:
    for tag in ("en", "de", "fr", "es"):
        assert set(catalogue().language(tag).answers.verbs) == set(VERBS)


def test_no_word_means_two_verbs() -> None:
    meant: dict[str, str] = {}
    for tag, verb, phrase in _words():
        assert GRAMMAR.verb_of(phrase) == verb, (tag, phrase)
        assert meant.setdefault(phrase.casefold(), verb) == verb, (tag, phrase)


def test_every_word_of_every_language_is_understood_with_its_text() -> None:
    for tag, verb, phrase in _words():
        text = text_of(verb)
        for separator in (": ", " : ", " – "):
            line = f"{phrase}{separator}{text}" if text else f"{phrase}."
            assert said(read(line)) == [(verb, text)], (tag, line)


def test_words_for_values_are_understood_in_every_language() -> None:
    for tag in ("en", "de", "fr", "es"):
        values = catalogue().language(tag).answers.values
        for verb in ("fault", "severity", "resolved", "settle"):
            for value in VERBS[verb].split(" | "):
                for phrase in values[value]:
                    assert said(read(f"{verb}: {phrase}")) == [(verb, value)], (tag, phrase)


def _notes() -> Iterator[tuple[str, ...]]:
    for row in (DATA / "agents_notes.tsv").read_text(encoding="utf-8").splitlines():
        yield tuple(row.split("\t"))


@pytest.mark.parametrize("row", list(_notes()), ids=lambda row: row[2][:40])
def test_a_note_as_a_stranger_writes_it_is_understood_or_comes_back(row: tuple[str, ...]) -> None:
    _, asked, note, done, back, remark = row
    question = {"approval": APPROVAL, "suspected": SUSPECTED, "doubt": LEFT}.get(asked)
    found = read(*note.split("\\n"), question=question)
    orders = " ; ".join(f"{verb}: {text}" if text else verb for verb, text in said(found))
    assert (orders, str(len(found.back)), found.remark) == (done, back, remark)


def test_an_order_at_the_end_of_a_fact_is_not_part_of_it() -> None:
    for line in (
        "cause: wrong box, fixed",
        "Resolution: new lamp sent. Fixed.",
        "kept: 1, cause: wrong box, fixed",
    ):
        note = read(line)
        assert said(note) == []
        assert note.back[0].draft is not None
        assert note.back[0].draft.splitlines()[-1].casefold().rstrip(".") == "fixed"
    assert said(read("cause: the box was fixed with tape")) == [("cause", "the box was fixed with tape")]


@pytest.mark.parametrize("line", ["no, hold it", "non, annuler", "no, retira la promesa", "nein, anhalten"])
def test_a_no_with_an_order_behind_it_comes_back(line: str) -> None:
    note = read(line, question=APPROVAL)
    assert said(note) == []
    assert len(note.back) == 1


@pytest.mark.parametrize(
    "line",
    [
        "No, not a complaint.",
        "nein, keine Beschwerde",
        "non, ce n'est pas une réclamation",
        "no, no es una queja",
    ],
)
def test_a_no_may_say_what_it_denies(line: str) -> None:
    for question in (SUSPECTED, APPROVAL):
        assert said(read(line, question=question)) == [("dismiss", "")]


@pytest.mark.parametrize(
    ("line", "draft"),
    [
        ("promise 1 is kept", "kept: 1"),
        ("promise 1 has been kept", "kept: 1"),
        ("Zusage 2 ist eingehalten.", "kept: 2"),
        ("promise 2 lamps by Friday", "promise: 2 lamps by Friday"),
        ("refund 1 issued", "issued: 1"),
        ("Erstattung: 1 erhalten", "received: 1"),
    ],
)
def test_a_sentence_about_a_promise_makes_none(line: str, draft: str) -> None:
    note = read(line)
    assert said(note) == []
    assert [unclear.draft for unclear in note.back] == [draft]


@pytest.mark.parametrize("line", ["send", "Schick ab!", "envoyez", "envoie-le, merci", "envía"])
def test_sending_is_a_yes_to_an_approval(line: str) -> None:
    assert said(read(line, question=APPROVAL)) == [("approve", "")]


def test_a_yes_is_done_in_its_place() -> None:
    assert said(read("owner: Lee", "yes", "fixed", question=APPROVAL)) == [
        ("owner", "lee"),
        ("approve", ""),
        ("fixed", ""),
    ]


#: "Carried out" as Thunderbird 153 quotes it in a plain answer: our dashes have become stars
DONE = "Ana,\n\nThese are done:\n\n- promise: send a new one by Friday\n- refund: 25 EUR\n"


@pytest.mark.parametrize("mark", ["  * ", " • ", " - ", "1. "])
def test_list_marks_of_a_mail_client_make_no_order_of_what_it_quotes(mark: str) -> None:
    quote = "".join(
        f"> {line.replace('- ', mark) if line.startswith('- ') else line}\n" for line in DONE.splitlines()
    )
    raw = (
        "From: Ana Reyes <ana@shop.test>\nTo: support@shop.test\nSubject: Re: Carried out\n"
        "Content-Type: text/plain; charset=utf-8\n\n"
        f"On 11/30/26 05:34, Service desk wrote:\n{quote}>\nundo\n"
    )
    message = read_mail(raw.encode(), IDENTITY)
    assert uncertain_orders(message, DONE, GRAMMAR) == []
    assert said(read_note(own_lines(message), GRAMMAR, signer=ANA)) == [("undo", "")]


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        (
            "promise we send him two new brackets by Thursday cause the warehouse packed the old ones note he was very nice",
            [
                "promise: we send him two new brackets by Thursday",
                "cause: the warehouse packed the old ones",
                "note: he was very nice",
            ],
        ),
        (
            "cause the label was swapped resolution we sent it again",
            ["cause: the label was swapped", "resolution: we sent it again"],
        ),
        (
            "causa dos puntos el almacén confundió las etiquetas punto culpa nuestra y gravedad alta",
            ["cause: el almacén confundió las etiquetas", "fault: ours", "severity: high"],
        ),
        (
            "Ursache Doppelpunkt das Etikett war vertauscht Punkt Schuld unsere und Priorität hoch",
            ["cause: das Etikett war vertauscht", "fault: ours", "severity: high"],
        ),
        (
            "cause deux points les étiquettes étaient inversées point solution nous avons renvoyé le colis",
            ["cause: les étiquettes étaient inversées", "resolution: nous avons renvoyé le colis"],
        ),
        ("cause the owner of the shop was away", ["cause: the owner of the shop was away"]),
        (
            "promise we refund her the difference by Friday",
            ["promise: we refund her the difference by Friday"],
        ),
    ],
)
def test_a_line_that_was_dictated_in_one_breath_comes_back_as_several(said: str, lines: list[str]) -> None:
    [back] = read(said).back
    meant = [GRAMMAR.read(line) for line in (back.draft or "").splitlines()]
    assert meant == [GRAMMAR.read(line) for line in lines]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("Lee should take this one, she knows her", "owner: lee"),
        ("Lee can handle this, can't she?", "owner: lee"),
        ("das soll Lee machen, er kennt die Kundin", "owner: lee"),
        ("Lee devrait s'en charger", "owner: lee"),
        ("mejor que lo haga Lee", "owner: lee"),
        ("Lee is off sick, I'm taking this one over", "owner: ana"),
        ("Lee ist krank, ich übernehme das", "owner: ana"),
        ("Lee est malade, je prends le relais", "owner: ana"),
        ("Lee está de baja, lo llevo yo", "owner: ana"),
        ("I spoke to Lee about it", ""),
        ("Lee should not take this one", ""),
    ],
)
def test_who_should_take_a_case_is_offered_as_its_owner(said: str, line: str) -> None:
    assert GRAMMAR.meant_by(said, "Ana Reyes") == line


@pytest.mark.parametrize(
    ("said", "draft"),
    [
        ("rembolzo: 20 euritos, y una nota: cliente de toda la vida", "refund: 20"),
        ("refnd: 20 EUR, she is nice", "refund: 20 EUR"),
        ("refnd: as agreed", None),
    ],
)
def test_a_mistyped_verb_with_an_amount_and_more_is_offered_with_the_amount(
    said: str, draft: str | None
) -> None:
    [back] = read(said).back
    assert back.draft == draft


# --- verbs that are nearly written right ---


def test_the_verb_that_resembles_a_word_most_is_found_as_difflib_finds_it() -> None:
    """Letters that no verb has, and doubled and swapped ones, are among the words."""
    verbs = Phrases(GRAMMAR.verbs)
    for phrase in list(GRAMMAR.verbs)[::3]:
        for said in (
            phrase[1:],
            phrase[:-2],
            f"{phrase}文",
            phrase[::-1],
            phrase[:2] + phrase,
            f"not {phrase}",
        ):
            assert verbs.nearest(said) == get_close_matches(said, GRAMMAR.verbs, 1, 0.8), said
