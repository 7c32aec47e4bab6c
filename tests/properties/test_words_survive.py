"""An agent's words reach fact, history and letter byte for byte, outer white space aside, or the whole line comes back."""

from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from followupd.domain import lifecycle
from followupd.domain.command import VERBS, Command, Form, form_of, read_line
from followupd.domain.events import FactReturned
from followupd.domain.letter import LetterKind
from followupd.errors import FactReturnedError
from followupd.languages import load
from followupd.recovery import commands
from followupd.services.context import PromiseLineReader
from followupd.text.mail.read import read as read_mail
from followupd.text.notes import own_lines, read_note, split_case, uncertain_orders
from followupd.text.orders import Grammar, Order, Unclear
from tests.builders import NOW, PLAYBOOK, a_case
from tests.policies.test_orders import CLIENTS, DESK, IDENTITY, answer
from tests.story.lettered import flat, sample, wrote

GRAMMAR = Grammar()
#: verbs whose text is words
WORDY = sorted(verb for verb in VERBS if form_of(verb) in {Form.TEXT, Form.OPTIONAL_TEXT} and verb != "show")
#: facts that stand in letters or in the history as they were written
FACTS = ("issue", "impact", "wants", "cause", "resolution", "prevention")
SOURCES = ("note", "digest", "tell", "tag", "folder")
#: what mail clients, phones and people put into sentences
SIGNS = " \u00a0-–—*•·.,;:!?'\"“”„’«»()[]{}#@&%/\\+=<>|_~`^€$£°…0123456789"
WORDS = st.text(
    st.one_of(
        st.sampled_from(SIGNS), st.characters(exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp"))
    ),
    min_size=1,
    max_size=60,
).filter(lambda text: any(map(str.isalnum, text)))


def understood(line: str) -> Order | None:
    """Return the order of a line, None where the whole line comes back."""
    note = read_note([line], GRAMMAR)
    if note.back:
        assert note.orders == ()
        return None
    [[order]] = note.orders
    return order


@given(verb=st.sampled_from(WORDY), text=WORDS)
@example(verb="cause", text="The label showed 12 High St - the address of an earlier  customer")
@example(verb="resolution", text="handed over on the 4. of December — “in person” -- 2 * 3 lids")
@example(verb="cause", text="- at the beginning")
@example(verb="impact", text="*bold*")
def test_a_line_of_a_note_is_read_as_it_was_written_or_comes_back_whole(verb: str, text: str) -> None:
    order = understood(f"{verb}: {text}")
    if order is not None:
        assert (order.verb, order.text) == (verb, text.strip())


@given(verb=st.sampled_from(WORDY), text=WORDS)
def test_a_line_of_a_tag_a_folder_or_the_shell_is_read_as_it_was_written(verb: str, text: str) -> None:
    assert read_line(f"{verb}: {text}") == (verb, text.strip())


@given(verb=st.sampled_from(WORDY), text=WORDS)
def test_a_line_of_a_digests_answer_is_read_as_it_was_written(verb: str, text: str) -> None:
    ref, line = split_case(f"FU-7K3Q9: {verb}: {text}")
    assert ref == "FU-7K3Q9"
    order = understood(line)
    if order is not None:
        assert (order.verb, order.text) == (verb, text.strip())


@given(
    word=st.sampled_from(
        [phrase for tag in ("de", "fr", "es") for phrase in load(tag).answers.verbs["cause"]]
    ),
    separator=st.sampled_from([": ", " : ", "： ", " - ", " – ", " — "]),
    text=WORDS,
)
def test_the_words_of_other_languages_and_other_separators_change_nothing(
    word: str, separator: str, text: str
) -> None:
    order = understood(f"{word}{separator}{text}")
    if order is not None and not text.lstrip().startswith((":", "：", "﹕")):
        assert (order.verb, order.text) == ("cause", text.strip())


@given(text=WORDS)
def test_free_words_are_kept_as_they_were_written(text: str) -> None:
    note = read_note([f"She told me {text}"], GRAMMAR)
    if note.remark:
        assert note.remark == f"She told me {text}".strip()


#: words of one line; what a mail client makes of runs of blanks is its own affair
SENTENCE = st.text(
    st.one_of(
        st.sampled_from(" -–—*·.,;:!?'\"“”„’«»()#@&%+=~€$£°…0123456789"),
        st.characters(categories=("Ll", "Lu")),
    ),
    min_size=1,
    max_size=60,
).map(lambda text: " ".join(text.split()))


@given(client=st.sampled_from(CLIENTS), verb=st.sampled_from(WORDY), text=SENTENCE)
@example(
    client="gmail-web", verb="cause", text="The label showed 12 High St - the address of an earlier customer"
)
def test_a_line_arrives_from_every_client_as_it_was_written_or_comes_back(
    client: str, verb: str, text: str
) -> None:
    assume(any(map(str.isalnum, text)))
    message = read_mail(answer(client, f"{verb}: {text}").encode(), IDENTITY)
    note = read_note(own_lines(message), GRAMMAR)
    back = [*note.back, *uncertain_orders(message, DESK, GRAMMAR)]
    orders = [(order.verb, order.text) for group in note.orders for order in group]
    assert orders == [(verb, text)] or (orders == [] and back)


@given(verb=st.sampled_from(FACTS), text=WORDS, source=st.sampled_from(SOURCES))
def test_a_fact_and_its_line_in_the_history_have_the_words_from_every_source(
    verb: str, text: str, source: str
) -> None:
    """What goes back to the agent goes back as it was said, and counts so when the agent insists."""
    assume(text.strip() and not text.strip().endswith("!"))
    command = Command(*read_line(f"{verb}: {text}"), actor="Ana Reyes", source=source, agent="ana")
    case = a_case().heard().case
    reader = PromiseLineReader(PLAYBOOK, load("en"))
    context = commands.CommandContext(case, PLAYBOOK, frozenset({"default"}), reader, NOW)
    try:
        events = commands.handle(command, context)
        assert [event.why for event in events] == [f"{source}: {verb}: {text.strip()}"]
    except FactReturnedError as error:
        returned = FactReturned(at=NOW, fact=verb, text=error.text, draft=error.better)
        again = replace(command, text=f"{command.text} !")
        events = commands.handle(again, replace(context, case=lifecycle.after(case, returned)))
    for event in events:
        case = lifecycle.after(case, event)
    assert getattr(case.facts, verb) == text.strip()


@given(because=WORDS)
@example(because="the courier - once more - never came")
def test_the_reason_of_a_delay_is_kept_as_it_was_written(because: str) -> None:
    order = understood(f"late: 1 until Friday because {because}")
    if order is None:
        return
    reader = PromiseLineReader(PLAYBOOK, load("en"))
    assert reader.split_reason(order.text) == ("1 until Friday", because.strip())


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@given(text=WORDS)
@example(text="The label showed 12 High St - the address of an earlier  customer: 4. Dez., 2 * 3 -- “so”")
def test_a_letter_has_the_words_of_a_fact(language: str, text: str) -> None:
    words = " ".join(text.split()).rstrip(",; ")
    assume(len(words) > 2 and words[1:].strip())
    case = sample(language=language)
    facts = replace(case.facts, cause=text, resolution=text, prevention=text, impact=text)
    letter = wrote(LetterKind.FOLLOW_UP, replace(case, facts=facts, insisted=(text,)))
    # a sentence begins with a capital, and lines are filled at a blank
    assert words[1:] in flat(letter.text)


@given(text=WORDS)
@example(text="\N{LATIN SMALL LETTER DOTLESS I} 0")  # whose capital is that of another letter
def test_a_letter_has_the_words_of_a_promise(text: str) -> None:
    words = " ".join(text.split()).rstrip(",;: .")
    assume(len(words) > 2 and words[1:].strip())
    case = sample()
    promise = replace(case.promises[0], text=text)
    letter = wrote(LetterKind.CONFIRMATION, replace(case, promises=(promise,)))
    assert words[1:] in flat(letter.text)


def test_no_line_is_both_done_and_returned() -> None:
    for verb in WORDY:
        for tail in (", hold: x", ". cause: y", "; refund: 5 EUR"):
            note = read_note([f"{verb}: words{tail}"], GRAMMAR)
            assert bool(note.orders) != bool(note.back)
            assert all(isinstance(unclear, Unclear) for unclear in note.back)
