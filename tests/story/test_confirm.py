"""The confirmation: promises are put in writing once, after a quiet window."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from followupd.domain import events as e
from followupd.domain import lifecycle
from followupd.domain.case import Case
from followupd.domain.compensation import Gift
from followupd.domain.decision import Decision, as_event
from followupd.domain.letter import Letter, LetterKind
from followupd.recovery import confirm, remind
from followupd.recovery.blockers import FIRST_SHOWN
from followupd.recovery.remind import delays
from tests.builders import KIM, NOW, PLAYBOOK, Story, a_case
from tests.story.lettered import flat, letters

FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def acted(case: Case, now: datetime) -> list[Decision]:
    return confirm.decide(case, PLAYBOOK, letters(), now)


def promised() -> Story:
    return a_case().promised("ship the replacement", by=FRIDAY)


def test_the_confirmation_waits_for_the_quiet_window_and_then_names_each_step() -> None:
    case = promised().case
    assert confirm.next_due(case, PLAYBOOK) == NOW + 10 * MINUTE
    assert acted(case, NOW + 9 * MINUTE) == []
    [letter] = acted(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert (letter.kind, letter.to, letter.concerns) == (LetterKind.CONFIRMATION, KIM, (1,))
    assert "ship the replacement" in flat(letter.text).lower()
    assert "Friday, 4 December" in flat(letter.text)


def test_another_mail_of_the_customer_extends_the_window_up_to_a_maximum() -> None:
    story = promised().at(NOW + 8 * MINUTE).customer_wrote("And the lid is missing too.")
    assert confirm.next_due(story.case, PLAYBOOK) == NOW + 18 * MINUTE
    for minutes in (16, 24, 32, 40):
        story.at(NOW + minutes * MINUTE).customer_wrote("One more thing.")
    assert confirm.next_due(story.case, PLAYBOOK) == NOW + 30 * MINUTE


def test_a_later_promise_is_confirmed_and_an_earlier_one_is_not_repeated() -> None:
    story = promised().confirmed(1)
    assert confirm.next_due(story.case, PLAYBOOK) is None
    story.at(NOW + timedelta(hours=2)).promised("refund the delivery", by=FRIDAY)
    [letter] = acted(story.case, NOW + timedelta(hours=2, minutes=10))
    assert isinstance(letter, Letter)
    assert letter.concerns == (2,)
    assert letter.key == "FU-7K3Q9.confirmation.2"


def test_nothing_is_written_while_a_letter_is_under_way_or_the_case_is_on_hold() -> None:
    written = e.LetterWritten(
        at=NOW, key="FU-7K3Q9.confirmation.1", kind=LetterKind.CONFIRMATION, to=KIM.address, subject="Re:"
    )
    assert acted(promised().happened(written).case, NOW + timedelta(days=1)) == []
    held = promised().happened(e.Held(at=NOW, by="Ana Reyes", why="the lawyer asks")).case
    assert acted(held, NOW + timedelta(days=1)) == []
    assert confirm.why_blocked(held) == "the case is held: the lawyer asks"


def test_a_confirmation_never_names_a_gift_card() -> None:
    story = promised().granted(Gift.GIFT_CARD, "20").granted(Gift.COUPON, "5")
    [letter] = acted(story.case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert "5.00" in letter.text
    assert "20" not in letter.text.replace("2026", "").replace("+44 20", "")
    assert "gift" not in letter.text.lower()


def test_a_delay_letter_is_written_at_once_and_only_once() -> None:
    told = FRIDAY + timedelta(days=4)
    late = e.PromiseLate(
        at=NOW,
        by="Ana Reyes",
        n=1,
        internal_deadline=told,
        promised_by=told,
        because="the courier is on strike",
    )
    story = promised().confirmed(1).happened(late)
    [letter] = acted(story.case, NOW)
    assert isinstance(letter, Letter)
    assert (letter.kind, letter.concerns) == (LetterKind.DELAY, (1,))
    assert "Tuesday, 8 December" in flat(letter.text)
    story.happened(
        e.LetterWritten(at=NOW, key=letter.key, kind=LetterKind.DELAY, to=KIM.address, subject="Re:")
    )
    assert acted(story.case, NOW + timedelta(days=1)) == []


# --- nothing leaves unread -----------------------------------------------------------------------------------------------


SHOWING = replace(PLAYBOOK, confirm_show=True)


def shown(case: Case, now: datetime) -> list[Decision]:
    alone = delays.delay_shown(case, SHOWING, letters(), now)
    return [*confirm.decide(case, SHOWING, letters(), now), *alone]


def after(case: Case, decisions: Iterable[Decision], now: datetime) -> Case:
    for decision in decisions:
        case = lifecycle.after(case, as_event(decision, now))
    return case


def read(mail: Decision) -> str:
    """The words of a mail that shows a letter."""
    assert isinstance(mail, Letter)
    assert mail.kind is LetterKind.NUDGE
    return flat(mail.text.replace("\n>", "\n"))


def heard() -> Case:
    """A case with a promise that was read in a reply."""
    case = promised().case
    return case.evolve(promises=tuple(replace(promise, source="reply") for promise in case.promises))


def test_what_was_read_in_a_reply_is_shown_at_once_and_leaves_at_the_end_of_the_quiet_window() -> None:
    case = heard()
    told, mail = shown(case, NOW)
    assert isinstance(told, e.OwnerNudged)
    assert isinstance(mail, Letter)
    assert "Ship the replacement by Friday, 4 December" in flat(mail.text.replace("\n>", "\n"))
    for decision in (told, mail):
        case = lifecycle.after(case, as_event(decision, NOW))
    assert shown(case, NOW + 9 * MINUTE) == []
    assert confirm.next_due(case, SHOWING) == NOW + 10 * MINUTE
    [letter] = shown(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert letter.kind is LetterKind.CONFIRMATION


def test_it_is_shown_after_the_agent_has_said_what_an_unclear_sentence_means() -> None:
    case = heard().evolve(unclear=("I may call.",), unclear_at=NOW)
    assert shown(case, NOW + MINUTE) == []
    told, _ = shown(case.evolve(unclear=()), NOW + 2 * MINUTE)
    assert isinstance(told, e.OwnerNudged)


def test_a_line_added_to_a_first_letter_that_the_owner_has_seen_is_not_shown_again() -> None:
    seen = e.OwnerNudged(at=NOW, matter=str(FIRST_SHOWN))
    case = promised().happened(seen).case
    assert shown(case, NOW) == []
    [letter] = shown(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert letter.kind is LetterKind.CONFIRMATION


def test_a_first_letter_that_no_mail_has_shown_is_shown() -> None:
    case = promised().case
    told, mail = shown(case, NOW)
    assert "Ship the replacement by Friday, 4 December" in read(mail)
    case = after(case, (told, mail), NOW)
    assert shown(case, NOW + 9 * MINUTE) == []
    [letter] = shown(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert flat(letter.text) in read(mail)


def test_a_line_typed_after_the_first_letter_is_shown_in_the_letter_that_it_makes() -> None:
    seen = e.OwnerNudged(at=NOW, matter=str(FIRST_SHOWN))
    story = promised().happened(seen).confirmed(1)
    later = NOW + timedelta(hours=2)
    case = story.at(later).promised("refund the delivery", by=FRIDAY).case
    _, mail = shown(case, later)
    assert "Refund the delivery by Friday" in read(mail)


def test_tell_shows_the_letters_that_its_lines_make() -> None:
    case = promised().case
    [letter] = confirm.unread_letters(case, SHOWING, letters(), NOW)
    assert "Ship the replacement by Friday, 4 December" in flat(letter.text)
    assert confirm.unread_letters(after(case, shown(case, NOW), NOW), SHOWING, letters(), NOW) == []
    assert confirm.unread_letters(case.evolve(held=True), SHOWING, letters(), NOW) == []

    moved = late(promised(), FRIDAY + timedelta(days=4))
    assert [each.kind for each in confirm.unread_letters(moved, SHOWING, letters(), NOW)] == [
        LetterKind.DELAY
    ]


def late(story: Story, told: datetime) -> Case:
    """A case whose first promise gets another date."""
    moved = e.PromiseLate(
        at=story.now, by="Ana Reyes", n=1, internal_deadline=told, promised_by=told, because="of the strike"
    )
    return story.confirmed(1).happened(moved).case


def test_a_delay_letter_is_shown_and_leaves_at_the_end_of_the_quiet_window() -> None:
    case = late(promised(), FRIDAY + timedelta(days=4))
    told, mail = shown(case, NOW)
    assert "Tuesday, 8 December" in read(mail)
    case = after(case, (told, mail), NOW)
    assert shown(case, NOW + 9 * MINUTE) == []
    assert confirm.next_due(case, SHOWING) == NOW + 10 * MINUTE
    [letter] = shown(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert letter.kind is LetterKind.DELAY
    assert flat(letter.text) in read(mail)


def test_a_delay_letter_leaves_unread_where_the_date_would_pass_meanwhile() -> None:
    story = promised()
    story.at(FRIDAY - 5 * MINUTE)
    [letter] = shown(late(story, FRIDAY + timedelta(days=4)), story.now)
    assert isinstance(letter, Letter)
    assert letter.kind is LetterKind.DELAY


def test_what_was_withdrawn_is_shown_at_once_and_told_ten_minutes_after_the_word() -> None:
    gone = e.PromiseWithdrawn(at=NOW, by="Ana Reyes", n=1, because="it is sold out", tell=True)
    case = promised().confirmed(1).happened(gone).case
    told, mail = shown(case, NOW)
    read(mail)
    case = after(case, (told, mail), NOW)
    assert shown(case, NOW + 9 * MINUTE) == []
    [letter] = shown(case, NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
    assert flat(letter.text) in read(mail)


def test_the_digest_shows_the_letter_about_a_promise_that_slips_on_its_day() -> None:
    story = promised()
    promise = replace(story.case.promises[0], internal_deadline=FRIDAY - timedelta(hours=6))
    case = story.confirmed(1).case.evolve(promises=(replace(promise, confirmed="FU-7K3Q9.confirmation.1"),))
    morning, slips = FRIDAY.replace(hour=9), FRIDAY - timedelta(hours=3)
    assert remind.leaving_today(case, SHOWING, letters(), morning - timedelta(days=1)) is None
    item = remind.leaving_today(case, SHOWING, letters(), morning)
    assert item is not None
    assert "14:00" in item.what
    told = e.OwnerNudged(at=morning, matter=item.matters[0])
    slipped = lifecycle.after(case, told)
    slipped = after(slipped, delays.slipped(slipped, SHOWING, slips), slips)
    [letter] = shown(slipped, slips)
    assert isinstance(letter, Letter)
    assert flat(letter.text) in flat(item.letter)


def test_a_playbook_may_say_that_nothing_is_shown() -> None:
    silent = replace(SHOWING, confirm_show=False)
    assert confirm.decide(heard(), silent, letters(), NOW) == []
    [letter] = confirm.decide(heard(), silent, letters(), NOW + 10 * MINUTE)
    assert isinstance(letter, Letter)
