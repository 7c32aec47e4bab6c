"""Handing cases over, and agents who are away: the deputy gets what they would get, and nothing is forgotten."""

import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from followupd.domain.events import Remarked
from tests.journeys.test_agents_mail import PLAYBOOK
from tests.journeys.world import World, text_of

COMPLAINT = "My grinder has not arrived after three weeks, nobody answers. I want my money back. This is unacceptable."
MAX = """
[[agent]]
id = "max"
name = "Max Stone"
email = "max@agents.test"
phone = "+44 20 7946 0020"
deputy = "ana"
"""

BOSS = """
[[agent]]
id = "boss"
name = "Bo Stern"
email = "boss@agents.test"
phone = "+44 20 7946 0021"
role = "manager"
"""


def shop(make_world: Callable[..., World], *, ana: str = "", lee: str = "") -> World:
    """Return a world in which Ana's deputy is Max, whose deputy is Ana; Lee is the lead."""
    world = make_world(playbook=PLAYBOOK, smtp_extra='witness = "none"\nper_address = "9 per day"', more=MAX)
    file = world.directory / "followupd.toml"
    text = file.read_text().replace('id = "ana"\n', f'id = "ana"\ndeputy = "max"\n{ana}\n')
    file.write_text(text.replace('id = "lee"\n', f'id = "lee"\n{lee}\n'))
    return world.rebuilt()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return shop(make_world)


def complains(world: World, subject: str = "Grinder not delivered") -> None:
    world.customer_writes(COMPLAINT, subject)
    world.agent_tags("complaint")


def receivers(mails: list[EmailMessage]) -> list[str]:
    return [mail["To"].addresses[0].username for mail in mails]


def desk(world: World, since: int = 0) -> list[EmailMessage]:
    return [mail for mail in world.letters()[since:] if "desk/" in str(mail["X-Followupd-Key"])]


def flat(mail: EmailMessage) -> str:
    return " ".join(text_of(mail).split())


@pytest.mark.parametrize("how", ["tag", "note"])
def test_the_new_owner_gets_the_case_with_its_story_and_the_old_one_a_line(world: World, how: str) -> None:
    complains(world)
    before = len(world.letters())
    if how == "tag":
        world.agent_tags("agent-lee")
    else:
        world.says(world.case().ref, "owner: lee", agent="max")
    told = desk(world, before)
    assert sorted(receivers(told)) == ["ana", "lee"]
    story, line = sorted(told, key=lambda mail: "ana" in str(mail["To"]))
    assert "it was handed to you by" in flat(story).lower() or "handed to you" in flat(story)
    assert "Opened today" in flat(story)
    assert "nobody answers" in flat(story)
    assert "is looked after by Lee Park now" in flat(line)
    world.passes(world.now + timedelta(minutes=30))
    assert sorted(receivers(desk(world, before))) == ["ana", "lee"]


def test_the_new_owner_reads_what_was_said_with_the_hand_over_and_gets_the_lines_to_use(world: World) -> None:
    complains(world)
    before = len(world.letters())
    words = "I am at the fair all week, Lee knows the carrier."
    world.says(world.case().ref, "promise: send a new one by Friday", "owner: lee", words, agent="max")
    [story] = [
        mail
        for mail in desk(world, before)
        if "lee@" in str(mail["To"]) and "opened" in str(mail["X-Followupd-Key"])
    ]
    assert f"Max Stone on Tuesday 1 December: {words[:-1]}" in flat(story)
    lines = [line.strip() for line in text_of(story).splitlines()]
    n = world.case().next_promise - 1
    assert f"kept: {n}" in lines
    assert f"late: {n} until ... because ..." in lines


def test_who_hands_a_case_over_needs_no_line_about_it(world: World) -> None:
    complains(world)
    before = len(world.letters())
    world.says(world.case().ref, "owner: lee", agent="ana")
    assert receivers(desk(world, before)) == ["lee"]


def test_on_configured_days_the_deputy_gets_cases_reminders_and_signs_letters(
    make_world: Callable[..., World],
) -> None:
    world = shop(make_world, ana='away = ["2020-12-02..2020-12-03"]')
    complains(world)
    assert set(receivers(desk(world))) == {"ana"}
    world.passes(world.now + timedelta(days=1))
    before = len(world.letters())
    complains(world, "Another")
    assert {case.owner for case in world.cases()} == {"ana", "max"}
    world.passes(world.now + timedelta(days=1))
    assert "ana" not in receivers(desk(world, before))
    assert "max" in receivers(desk(world, before))
    letters = [mail for mail in world.letters()[before:] if mail not in desk(world)]
    assert all("Max Stone" in text_of(mail) for mail in letters if "customers" in str(mail["To"]))


def test_when_the_deputy_is_away_too_the_next_level_is_told(make_world: Callable[..., World]) -> None:
    world = shop(make_world, ana='away = ["2020-12-01..2020-12-03"]')
    file = world.directory / "followupd.toml"
    file.write_text(file.read_text().replace('deputy = "ana"', 'deputy = "ana"\naway = ["2020-12-01"]'))
    world = world.rebuilt()
    complains(world)
    assert set(receivers(desk(world))) == {"lee"}


def test_when_everybody_is_away_the_mail_goes_to_the_owner(make_world: Callable[..., World]) -> None:
    away = 'away = ["2020-12-01"]'
    world = shop(make_world, ana=away, lee=away)
    file = world.directory / "followupd.toml"
    file.write_text(file.read_text().replace('deputy = "ana"', f'deputy = "ana"\n{away}'))
    world = world.rebuilt()
    complains(world)
    assert set(receivers(desk(world))) == {"ana"}


def test_an_agent_says_by_mail_until_when_she_is_away_and_the_deputy_hears_of_it(world: World) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    before = len(world.letters())
    world.agent_answers(opened, "away: until Thursday")
    [told] = desk(world, before)
    assert receivers([told]) == ["max"]
    assert "Ana Reyes is away until Thursday 3 December" in flat(told)
    complains(world, "Another")
    told_of_it = receivers(desk(world, before + 1))
    assert "max" in told_of_it
    assert "ana" not in told_of_it
    world.passes(world.now + timedelta(days=3))
    before = len(world.letters())
    complains(world, "A third")
    assert "ana" in receivers(desk(world, before))


def test_an_absence_may_be_said_in_answer_to_a_digest_too(world: World) -> None:
    complains(world)
    complains(world, "Another")
    world.passes(world.now + timedelta(days=1))
    [digest] = [mail for mail in world.letters() if "digest" in str(mail["X-Followupd-Key"])]
    before = len(world.letters())
    world.agent_answers(digest, "away: until Friday")
    assert receivers(desk(world, before)) == ["max"]


def test_a_deputy_without_the_role_does_not_get_what_only_a_lead_may_approve(
    make_world: Callable[..., World],
) -> None:
    world = shop(make_world, lee='deputy = "ana"\naway = ["2020-12-01"]')
    file = world.directory / "followupd.toml"
    file.write_text(file.read_text() + BOSS)
    world = world.rebuilt()
    complains(world)
    world.says(world.case().ref, "refund: 120 EUR", agent="ana")
    [asked] = world.letters("desk/approval")
    assert receivers([asked]) == ["boss"]


@pytest.mark.parametrize("line", ["away: until yesterday", "away: until soon"])
def test_an_absence_without_a_day_to_come_is_asked_back(world: World, line: str) -> None:
    complains(world)
    world.agent_answers(world.letters("desk/opened")[0], line)
    assert "names no day to come" in flat(world.letters("desk/answer")[-1])


def test_an_out_of_office_reply_to_a_desk_mail_brings_the_case_to_the_deputy_once(world: World) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    before = len(world.letters())
    for number in (1, 2):
        absence(world, opened, number)
    told = desk(world, before)
    assert set(receivers(told)) == {"max"}
    assert sum("is away, and was asked this" in flat(mail) for mail in told) == 1
    complains(world, "Another")
    assert "ana" not in receivers(desk(world, before))


def test_an_out_of_office_reply_of_somebody_else_changes_nothing(world: World) -> None:
    complains(world)
    before = len(world.letters())
    absence(world, world.letters("desk/opened")[0], 1, sender="lee@agents.test")
    assert desk(world, before) == []


def absence(
    world: World,
    desk_mail: EmailMessage,
    number: int,
    sender: str = "ana@agents.test",
    words: str = "I am out of the office and back on 7 December 2020.",
) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, world.postbox.address, "Automatic reply: away"
    mail["Message-ID"], mail["In-Reply-To"] = f"<away-{number}@agents.test>", str(desk_mail["Message-ID"])
    mail["Auto-Submitted"], mail["Date"] = "auto-replied", world.now
    mail.set_content(f"{words}\n")
    world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender=sender)
    world.passes()


@pytest.mark.parametrize(
    "words",
    [
        "I am out of the office and will answer when I am back.",
        "Je suis absente et n'ai pas accès à ma messagerie. Oui, promis !",
        "Ich bin zurzeit nicht im Büro. Ok?",
    ],
)
def test_an_out_of_office_reply_without_a_date_counts_until_the_next_working_morning(
    world: World, words: str
) -> None:
    complains(world)
    before = len(world.letters())
    absence(world, world.letters("desk/opened")[0], 1, words=words)
    assert set(receivers(desk(world, before))) == {"max"}
    before = len(world.letters())
    world.passes(world.now + timedelta(days=1))
    complains(world, "Another")
    assert "ana" in receivers(desk(world, before))


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (
            "Out of office Re: Your cases",
            "I'm out of the office and will have limited access to email. For urgent matters call 555-0101. OK?",
        ),
        (
            "Re: {subject}",
            "Guten Tag,\n\nich bin heute nicht im Büro. Ja, Ihre Mail wird gelesen.\nTel.: 030 12345",
        ),
        ("Away from my mail Re: {subject}", "Your mail has arrived. Yes!"),
    ],
)
def test_an_absence_note_without_any_mark_is_known_by_its_words(
    world: World, subject: str, words: str
) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    before = len(world.letters())
    for number in (1, 2):
        unmarked(world, opened, number, subject.format(subject=opened["Subject"]), words)
    told = desk(world, before)
    assert set(receivers(told)) == {"max"}, "and the note itself is not answered"
    assert sum("is away, and was asked this" in flat(mail) for mail in told) == 1
    remarks = [event for event in world.history(world.case().ref) if isinstance(event, Remarked)]
    assert len(remarks) == 1
    world.passes(world.now + timedelta(days=1))
    before = len(world.letters())
    complains(world, "Another")
    assert "ana" in receivers(desk(world, before))


def test_orders_beside_the_words_of_an_absence_are_done(world: World) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    unmarked(world, opened, 1, f"Re: {opened['Subject']}", "I am out of the office tomorrow.\nkept: 1")
    assert not world.case().owed


@pytest.mark.parametrize(
    "words",
    [
        "Estaré fuera del 5/12 al 9/12. Hoy sigo en la oficina por la mañana.",
        "Ich bin vom 5. bis 9. Dezember im Urlaub.",
        "Je suis en congés du 5 décembre au 9 décembre inclus.",
        "I am on leave from 5 to 9 December.",
    ],
)
def test_an_absence_that_begins_later_begins_on_its_first_day(world: World, words: str) -> None:
    complains(world)
    before = len(world.letters())
    absence(world, world.letters("desk/opened")[0], 1, words=words)
    [told] = desk(world, before)
    assert "is away from Saturday 5 December until Thursday 10 December" in flat(told)
    before = len(world.letters())
    complains(world, "Another")
    assert "ana" in receivers(desk(world, before)), "today it is still hers"
    world.passes(datetime(2020, 12, 7, 10, tzinfo=UTC))
    before = len(world.letters())
    complains(world, "A third")
    assert "ana" not in receivers(desk(world, before))


def unmarked(world: World, desk_mail: EmailMessage, number: int, subject: str, words: str) -> None:
    """Answer a desk mail from Ana's address as an old program does, which sets no field."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "ana@agents.test", world.postbox.address, subject
    mail["Message-ID"], mail["In-Reply-To"] = f"<old-{number}@agents.test>", str(desk_mail["Message-ID"])
    mail["Date"] = world.now
    mail.set_content(f"{words}\n")
    world.postbox.deliver(mail.as_bytes(policy=email.policy.SMTP), sender="ana@agents.test")
    world.passes()


def test_who_is_back_says_so_and_the_deputy_hears_of_it(world: World) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    world.agent_answers(opened, "away: until Friday")
    before = len(world.letters())
    world.agent_answers(opened, "away: no")
    [told] = desk(world, before)
    assert receivers([told]) == ["max"]
    assert "Ana Reyes is back" in flat(told)
    before = len(world.letters())
    complains(world, "Another")
    assert "max" not in receivers(desk(world, before))


@pytest.mark.parametrize("words", ["I'm back", "bin wieder da", "je suis de retour"])
def test_free_words_of_who_is_away_are_answered_with_the_line_that_ends_it(world: World, words: str) -> None:
    complains(world)
    [opened] = world.letters("desk/opened")
    world.agent_answers(opened, "away: until Friday")
    world.agent_answers(opened, words)
    answer = world.letters("desk/answer")[-1]
    assert "away: no" in text_of(answer).splitlines()
    before = len(world.letters())
    world.agent_answers(answer, "away: no")
    assert "Ana Reyes is back" in flat(desk(world, before)[0])


@pytest.mark.parametrize(
    "line", ["away: until 29 November", "away: until 1 November", "away: bis 30. November"]
)
def test_an_absence_of_most_of_a_year_is_a_mistaken_date(world: World, line: str) -> None:
    complains(world)
    world.agent_answers(world.letters("desk/opened")[0], line)
    assert "names no day to come" in flat(world.letters("desk/answer")[-1])


@pytest.mark.parametrize("line", ["away: bis Freitag", "away: jusqu'à vendredi", "away: hasta el viernes"])
def test_an_absence_may_be_said_in_any_language(world: World, line: str) -> None:
    complains(world)
    before = len(world.letters())
    world.agent_answers(world.letters("desk/opened")[0], line)
    assert "is away until Friday 4 December" in flat(desk(world, before)[0])


@pytest.mark.parametrize(
    "words",
    [
        "Je suis en congés à partir de vendredi jusqu'au 3, voir avec Élodie pour tout ça svp",
        "I'm on leave from Friday until the 3rd, see Lee",
        "Ich bin im Urlaub, ab Freitag bis zum 3.",
        "Estoy de vacaciones desde el viernes hasta el 3",
    ],
)
def test_an_absence_to_a_day_that_cannot_be_read_is_asked_about_and_moves_nothing(
    world: World, words: str
) -> None:
    """A stranger's situation: the case went to the deputy at once, and the agent was not told."""
    complains(world)
    before = len(world.letters())
    opened = [mail for mail in world.letters() if "desk/opened" in str(mail["X-Followupd-Key"])][-1]
    world.agent_answers(opened, words)
    [told] = desk(world, before)
    assert "ana@" in str(told["To"])
    assert "away: until ..." in text_of(told).splitlines()
