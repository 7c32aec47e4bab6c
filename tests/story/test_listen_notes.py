"""An agent's answer to a desk mail: each line that the agent wrote is heard, also one that the desk mail offered word for word."""

from dataclasses import replace

import pytest

from followupd.domain.mail import Message
from followupd.text.mail.read import read
from tests.story.raw_mail import US, a_mail

OFFERED = "settle: FU-7K3Q9.confirmation.1 sent"
DESK = f"""Ana,

Nobody knows whether a letter left. The line to the mail server broke at the very moment of handing over, so it may
have arrived, or not.

Answer this mail with one of these lines, above the quoted text:

{OFFERED}
settle: FU-7K3Q9.confirmation.1 resend

Kim Doe, kim@example.org
"""
NOTE = "refund: 25.00 EUR for the broken lamp\npromise: ship the replacement by Friday"
MARKED = "".join(f"> {line}".rstrip() + "\n" for line in DESK.splitlines())
IN_REPLY = "In-Reply-To: <desk@example.com>"


def note(text: str, *, earlier: str = DESK) -> Message:
    us = replace(US, earlier=lambda _: earlier)
    return read(a_mail(text, IN_REPLY, sender="ana@example.com", subject="Re: Did this letter leave?"), us)


@pytest.mark.parametrize(
    "quote",
    [
        f"On Tuesday followupd wrote:\n{MARKED}",
        f"On Tuesday followupd wrote:\n\n{DESK}",
        f"Service desk, Example Ltd wrote:\n\n{DESK}",
        f"-----Original Message-----\nFrom: Service desk\nSent: Tuesday\n\n{DESK}",
        f"On Mon, 23 Nov 2026 at 10:00, Service desk <support@example.com> wrote:\n\n{MARKED}",
        MARKED,
        DESK,
        "",
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_a_line_that_the_desk_mail_offered_is_the_agents_where_the_agent_wrote_it(
    quote: str, gap: str
) -> None:
    message = note(f"{OFFERED}{gap}{quote}")
    assert (message.text, message.doubtful) == (OFFERED, ())


def test_an_offered_line_below_the_quote_is_the_agents() -> None:
    message = note(f"On Tuesday followupd wrote:\n{MARKED}{OFFERED}\n")
    assert (message.text, message.doubtful) == (OFFERED, ())


def test_an_answer_right_below_the_offered_line_is_the_agents() -> None:
    message = note(
        f"On Tuesday followupd wrote:\n{MARKED}".replace(f"> {OFFERED}\n", f"> {OFFERED}\n{OFFERED}\n")
    )
    assert (message.text, message.doubtful) == (OFFERED, ())


def test_a_short_answer_below_a_long_quoted_line_is_no_tail_of_it() -> None:
    long = "> Nobody knows whether a letter left. The line to the mail server broke at the very moment of"
    message = note(f"On Tuesday followupd wrote:\n{long}\nhold\n> handing over, so it may have arrived.\n")
    assert (message.text, message.doubtful) == ("hold", ())


def test_the_lost_tail_of_a_broken_line_is_no_order() -> None:
    long = "> Nobody knows whether a letter left. The line to the mail server broke at the very moment of"
    message = note(
        f"On Tuesday followupd wrote:\n{long}\nhanding over, so it may\n> have arrived, or not.\n\nfixed\n"
    )
    assert message.text == "fixed"


def test_lines_of_an_earlier_note_may_be_said_again() -> None:
    message = note(f"{NOTE}\n\nOn Tuesday followupd wrote:\n{MARKED}", earlier=f"{NOTE}\n\n{DESK}")
    assert (message.text, message.doubtful) == (NOTE, ())


def test_an_offered_line_whose_mark_is_gone_is_doubtful() -> None:
    message = note(f"On Tuesday followupd wrote:\n{MARKED}".replace(f"> {OFFERED}", OFFERED))
    assert message.text == OFFERED
    assert message.doubtful == (OFFERED,)


def test_a_quote_without_any_mark_gives_no_orders() -> None:
    short = "Ana,\n\nKim Doe waits. Answer this mail with one of these lines above:\n\napprove\nhold\n\nKim Doe, kim@example.org"
    message = note(f"fixed\n\n{short}\n", earlier=short)
    orders = [
        line for line in message.text.splitlines() if line.strip() and line.strip() not in message.doubtful
    ]
    assert orders == ["fixed"]


def test_what_a_customer_repeats_of_our_letter_above_its_quote_is_doubtful_and_not_lost() -> None:
    line = "we ship the replacement by Friday, 27 November."
    letter = f"Dear Kim,\n\n{line}\nYou need to do nothing for it.\n"
    quoted = "".join(f"> {each}\n" for each in letter.splitlines())
    us = replace(US, earlier=lambda _: letter)
    message = read(
        a_mail(f"{line}\n\nOn Mon, 23 Nov 2026, Ana <a@example.com> wrote:\n{quoted}", IN_REPLY), us
    )
    assert (message.text, message.doubtful) == (line, (line,))
