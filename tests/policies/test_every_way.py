"""One table: 19 mail clients, every verb, every way of writing it, in four languages, from the bytes of the mail to the order.

Each mail has all the ways of one verb, a line each; they must arrive as they were written, and mean that order alone.
"""

from collections.abc import Iterator
from functools import cache
from html import escape

import pytest

from followupd.domain.command import VERBS, Form, form_of
from followupd.languages import catalogue
from followupd.text.mail import read as mail
from followupd.text.notes import ReadNote, join_wrapped, own_lines, read_note
from followupd.text.orders import Grammar
from tests.policies.test_orders import ANA, CLIENTS, DATA, GRAMMAR, IDENTITY, TEXTS, VALUES


class Remembering(Grammar):
    """Reads each line once, however many clients send it."""

    read = cache(Grammar.read)
    begins_order = cache(Grammar.begins_order)
    is_order = cache(Grammar.is_order)
    is_courtesy = cache(Grammar.is_courtesy)


READER = Remembering(tags=GRAMMAR.tags, agents=GRAMMAR.agents, companies=GRAMMAR.companies)
LANGUAGES = ("en", "de", "fr", "es")
WORDS = "The label showed 12 High St - the address of an earlier customer; 4. Dez. “really”, 2 * 3 -- ok?"
#: around a verb and its text: colons, dashes, bold marks, list marks, quotation marks
WITH_TEXT = (
    *("{verb}: {text}", "{verb} : {text}", "{verb}： {text}", "{verb}\u00a0: {text}", "{verb} = {text}"),
    *("{verb} - {text}", "{verb} – {text}", "{verb} — {text}", "- {verb}: {text}", "• {verb}: {text}"),
    *("*{verb}:* {text}", "**{verb}**: {text}", "“{verb}: {text}”", "{upper}: {text}", "{title}: {text}"),
)
#: around a verb alone: full stops, marks, politeness
ALONE = (
    *("{verb}", "{verb}.", "{verb}!", "{verb}:", "{verb} …", "- {verb}", "• {verb}", "*{verb}*", "“{verb}”"),
    *("{upper}", "{title}.", "{verb}, thanks", "{verb}. Danke!", "{verb}, merci", "{verb}, gracias"),
)
#: around a number
NUMBERED = ("{verb} #1", "1 {verb}", "#1: {verb}", "{verb} 1", "{verb} no. 1", "{verb}: 1.", "{verb}: 1!")
VALUED = ("{verb}: {text}.", "{verb} – {text}!", "{verb} {text}", "{verb}: *{text}*")
AMOUNTS = ("{verb} {text}", "{verb}: {text}.", "{verb}: {text}!")
#: verbs whose values only the configuration knows, so that they need a colon or a dash
OPEN = {"playbook", "cause-code"}
#: names for an agent
OWNERS = ("lee", "Lee", "Lee Park", "lee park.", "lee@shop.test", "LEE")
#: lines that name a tag
TAGS = {
    "complaint": ("complaint", ""),
    "Complaint.": ("complaint", ""),
    "not-complaint": ("dismiss", ""),
    "Not complaint!": ("dismiss", ""),
    "vip": ("severity", "high"),
    "VIP.": ("severity", "high"),
    "refund-25": ("refund", "25"),
    "agent-lee": ("owner", "lee"),
    "Agent-Lee.": ("owner", "lee"),
}


def text_of(verb: str) -> str:
    """Return a text that the verb takes."""
    if verb == "show":
        return "FU-7K3Q9"
    if form_of(verb) is Form.NUMBER_AND_TEXT:
        return f"1 until Friday because {WORDS}"
    if form_of(verb) in {Form.TEXT, Form.OPTIONAL_TEXT}:
        return WORDS
    return VALUES.get(verb) or TEXTS[form_of(verb)]


def forms(verb: str) -> Iterator[tuple[str, str]]:
    """Yield each way of writing a verb, with the text that it means."""
    form, text = form_of(verb), text_of(verb)
    yield from ((way, text) for way in (WITH_TEXT if text else ALONE))
    if form is Form.NUMBER:
        yield from ((way, "1") for way in NUMBERED)
    if form is Form.AMOUNT:
        yield from ((way, text) for way in AMOUNTS)
    if form is Form.VALUE:
        yield from ((way, text) for way in VALUED if "{verb} {text}" not in way or verb not in OPEN)
    if verb == "owner":
        yield from ((f"{{verb}}: {name}", "lee") for name in OWNERS)


@cache
def lines_of(language: str, verb: str) -> dict[str, tuple[str, str]]:
    """Return each line that means an order with this verb in this language, with the order."""
    phrases = (*catalogue().language(language).answers.verbs[verb], *((verb,) if language == "en" else ()))
    return {
        way.format(verb=phrase, upper=phrase.upper(), title=phrase.title(), text=text): (verb, text)
        for phrase in phrases
        for way, text in forms(verb)
    }


@cache
def meaning(line: str) -> tuple[tuple[str, str], ...] | str:
    """Return the orders of a line, or what comes back."""
    note = read_note([line], READER, signer=ANA)
    if note.back or note.remark:
        return f"{[unclear.problem for unclear in note.back]} {note.remark}"
    return tuple((order.verb, order.text) for group in note.orders for order in group)


def arrived(client: str, *lines: str) -> tuple[list[str], ReadNote]:
    """Return the lines of an answer in the bytes of a client, as a note has them, and what the note means."""
    raw = (DATA / "clients" / f"{client}.eml").read_text(encoding="utf-8")
    text, mark, html = raw.partition("Content-Type: text/html")
    for place, part in (("FIRST LINE", "\n".join(lines)), ("SECOND LINE", ""), ("THIRD LINE", "")):
        text = text.replace(place, part)
        html = html.replace(place, "<br>".join(map(escape, part.split("\n"))))
    own = own_lines(mail.read((text + mark + html).encode(), IDENTITY))
    note = read_note(own, READER, signer=ANA)
    return [line.strip().replace("\u00a0", " ") for line in join_wrapped(own, READER) if line.strip()], note


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_of_every_verb_means_its_order(language: str) -> None:
    wrong = [
        (line, meaning(line))
        for verb in VERBS
        for line, order in lines_of(language, verb).items()
        if meaning(line) != (order,)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("client", CLIENTS)
def test_every_way_of_every_verb_arrives_from_every_client(client: str, language: str) -> None:
    for verb in VERBS:
        sent = lines_of(language, verb)
        lines, note = arrived(client, *sent)
        assert lines[: len(sent)] == [line.strip().replace("\u00a0", " ") for line in sent], verb
        meant = {(order.verb, order.text) for group in note.orders for order in group}
        assert (meant, note.back, note.remark) == (set(sent.values()), (), ""), verb


@pytest.mark.parametrize("client", CLIENTS)
def test_every_tag_is_a_line_from_every_client(client: str) -> None:
    lines, _ = arrived(client, *TAGS)
    assert [meaning(line) for line in lines[: len(TAGS)]] == [(order,) for order in TAGS.values()]


def test_the_table_is_whole() -> None:
    assert len(CLIENTS) == 19
    number = sum(len(lines_of(language, verb)) for language in LANGUAGES for verb in VERBS)
    assert number > 5000
    assert all(lines_of(language, verb) for language in LANGUAGES for verb in VERBS)
