"""Durations and the company's calendar, through weekends, holidays, year ends and daylight saving."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.domain.calendar import (
    Calendar,
    Duration,
    holidays_problem,
    parse_days,
    parse_quiet,
    parse_time,
    zone_problem,
)

LONDON = Calendar(timezone="Europe/London", holidays="GB-ENG", quiet=(time(20), time(8)))
NEW_YORK = Calendar(timezone="America/New_York", holidays="US-CA")
LORD_HOWE = Calendar(
    timezone="Australia/Lord_Howe", open=time(0), close=time(23, 59), days=frozenset(range(7))
)
KOLKATA = Calendar(
    timezone="Asia/Kolkata", days=frozenset({0, 1, 2, 3, 4, 5}), open=time(10), close=time(18, 30)
)
NIGHTLY = Calendar(timezone="Europe/London", days=frozenset(range(7)), open=time(0, 30), close=time(4))
CALENDARS = (LONDON, NEW_YORK, LORD_HOWE, KOLKATA, NIGHTLY)

calendars = st.sampled_from(CALENDARS)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))
numbers = st.integers(0, 30)
absolute = st.builds(Duration, numbers, st.sampled_from(["second", "minute", "hour"]))
wall = st.builds(Duration, numbers, st.sampled_from(["day", "week"]))
business = st.builds(Duration, numbers, st.sampled_from(["business hour", "business day"]))
durations = st.one_of(absolute, wall, business)


def at(calendar: Calendar, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.timezone)).astimezone(UTC)


def wall_clock(calendar: Calendar, moment: datetime) -> str:
    return f"{calendar.local(moment):%a %Y-%m-%d %H:%M}"


def after(calendar: Calendar, start: str, duration: str) -> str:
    return wall_clock(calendar, calendar.after(at(calendar, start), Duration.parse(duration)))


def before(calendar: Calendar, moment: str, duration: str) -> str:
    return wall_clock(calendar, calendar.before(at(calendar, moment), Duration.parse(duration)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2 business days", "2 business days"),
        ("1 business day", "1 business day"),
        (" 10MINUTES ", "10 minutes"),
        ("3  Business\tHours", "3 business hours"),
        ("1 weeks", "1 week"),
        ("0 seconds", "0 seconds"),
        ("4businesshours", "4 business hours"),
    ],
)
def test_a_duration_is_read_in_any_spacing_and_case(text: str, written: str) -> None:
    assert str(Duration.parse(text)) == written
    assert Duration.parse(written) == Duration.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2",
        "days",
        "-1 day",
        "1.5 hours",
        "2 business weeks",
        "3 months",
        "١ day",
        "1 day 2 hours",
        "dayss",
    ],
)
def test_an_invalid_duration_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match="business days"):
        Duration.parse(text)


def test_a_duration_is_at_most_ten_years() -> None:
    with pytest.raises(ValueError, match="ten years"):
        Duration.parse("999999999 weeks")


@given(durations)
def test_a_written_duration_reads_back_as_itself(duration: Duration) -> None:
    assert Duration.parse(str(duration)) == duration


def test_business_days_pass_over_the_weekend() -> None:
    assert after(LONDON, "2026-11-19T11:00", "3 business days") == "Tue 2026-11-24 11:00"


def test_business_days_pass_over_christmas_and_boxing_day_observed() -> None:
    assert after(LONDON, "2026-12-24T16:00", "1 business day") == "Tue 2026-12-29 16:00"


def test_business_days_pass_over_the_year_end() -> None:
    assert after(LONDON, "2026-12-31T09:30", "1 business day") == "Mon 2027-01-04 09:30"


def test_a_subdivision_keeps_its_own_holidays() -> None:
    california = after(
        NEW_YORK, "2026-03-30T10:00", "1 business day"
    )  # 31 March is Cesar Chavez Day in California
    assert (california, after(LONDON, "2026-03-30T10:00", "1 business day")) == (
        "Wed 2026-04-01 10:00",
        "Tue 2026-03-31 10:00",
    )


def test_a_start_after_work_counts_from_the_next_opening() -> None:
    assert after(LONDON, "2026-11-20T18:00", "1 business day") == "Tue 2026-11-24 09:00"


def test_a_start_on_a_holiday_counts_from_the_next_opening() -> None:
    assert after(LONDON, "2026-12-25T10:00", "0 business days") == "Tue 2026-12-29 09:00"


def test_a_closing_time_belongs_to_its_day() -> None:
    assert after(LONDON, "2026-11-19T17:00", "1 business day") == "Fri 2026-11-20 17:00"
    assert before(LONDON, "2026-11-20T17:00", "1 business day") == "Thu 2026-11-19 17:00"


def test_business_hours_count_open_time_only() -> None:
    assert after(LONDON, "2026-11-20T15:00", "4 business hours") == "Mon 2026-11-23 11:00"
    assert after(LONDON, "2026-11-20T09:00", "8 business hours") == "Fri 2026-11-20 17:00"
    assert before(LONDON, "2026-11-23T11:00", "4 business hours") == "Fri 2026-11-20 15:00"


def test_before_outside_business_time_counts_back_from_the_last_close() -> None:
    assert before(LONDON, "2026-11-22T12:00", "4 business hours") == "Fri 2026-11-20 13:00"
    assert before(LONDON, "2026-11-22T12:00", "1 business day") == "Thu 2026-11-19 17:00"


def test_hours_are_absolute_and_days_keep_the_wall_time_through_daylight_saving() -> None:
    assert after(LONDON, "2026-03-28T12:00", "24 hours") == "Sun 2026-03-29 13:00"
    assert after(LONDON, "2026-03-28T12:00", "1 day") == "Sun 2026-03-29 12:00"
    assert after(NEW_YORK, "2026-10-31T12:00", "24 hours") == "Sun 2026-11-01 11:00"
    assert after(NEW_YORK, "2026-10-31T12:00", "1 day") == "Sun 2026-11-01 12:00"


@pytest.mark.parametrize(
    ("calendar", "start", "found"),
    [
        (LONDON, "2026-03-28T01:30", "Sun 2026-03-29 02:00"),
        (NEW_YORK, "2026-03-07T02:30", "Sun 2026-03-08 03:00"),
        (LORD_HOWE, "2026-10-03T02:10", "Sun 2026-10-04 02:30"),  # Lord Howe moves by half an hour
    ],
)
def test_a_wall_time_that_does_not_exist_is_the_first_moment_after_the_gap(
    calendar: Calendar, start: str, found: str
) -> None:
    assert after(calendar, start, "1 day") == found


def test_a_repeated_wall_time_is_the_first_of_the_two() -> None:
    assert LONDON.moment(date(2026, 10, 25), time(1, 30)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert LORD_HOWE.moment(date(2026, 4, 5), time(1, 45)) == datetime(2026, 4, 4, 14, 45, tzinfo=UTC)


def test_business_hours_of_a_night_shift_lose_the_hour_that_daylight_saving_takes() -> None:
    assert after(NIGHTLY, "2026-03-29T00:30", "3 business hours") == "Mon 2026-03-30 01:00"
    assert after(NIGHTLY, "2026-10-25T00:30", "3 business hours") == "Sun 2026-10-25 02:30"


def test_a_zone_without_daylight_saving_has_days_of_24_hours() -> None:
    start = at(KOLKATA, "2026-03-28T12:00")
    assert KOLKATA.after(start, Duration(1, "day")) == KOLKATA.after(start, Duration(24, "hour"))


def test_the_company_is_open_up_to_and_without_its_closing_moment() -> None:
    assert LONDON.is_open(at(LONDON, "2026-11-20T09:00"))
    assert not LONDON.is_open(at(LONDON, "2026-11-20T17:00"))
    assert not LONDON.is_open(at(LONDON, "2026-11-21T12:00"))
    assert not LONDON.is_open(at(LONDON, "2026-12-25T12:00"))


def test_the_next_opening_before_work_is_on_the_same_day() -> None:
    assert wall_clock(LONDON, LONDON.next_open(at(LONDON, "2026-11-20T07:00"))) == "Fri 2026-11-20 09:00"
    assert wall_clock(LONDON, LONDON.next_open(at(LONDON, "2026-11-20T17:00"))) == "Mon 2026-11-23 09:00"


def test_the_end_of_business_of_a_free_day_is_the_close_before_it() -> None:
    assert wall_clock(LONDON, LONDON.end_of_business(date(2026, 11, 22))) == "Fri 2026-11-20 17:00"
    assert wall_clock(LONDON, LONDON.end_of_business(date(2026, 11, 20))) == "Fri 2026-11-20 17:00"
    assert wall_clock(LONDON, LONDON.close_of(date(2026, 11, 22))) == "Sun 2026-11-22 17:00"


@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-20T19:59", None),
        ("2026-11-20T20:00", "Sat 2026-11-21 08:00"),
        ("2026-11-21T03:00", "Sat 2026-11-21 08:00"),
        ("2026-11-21T08:00", None),
        ("2026-12-31T23:59", "Fri 2027-01-01 08:00"),
    ],
)
def test_quiet_hours_span_midnight(moment: str, until: str | None) -> None:
    found = LONDON.quiet_until(at(LONDON, moment))
    assert (found and wall_clock(LONDON, found)) == until


def test_quiet_hours_may_lie_within_a_day() -> None:
    lunch = Calendar(timezone="Europe/Madrid", quiet=(time(14), time(16)))
    found = lunch.quiet_until(at(lunch, "2026-06-01T14:30"))
    assert found
    assert wall_clock(lunch, found) == "Mon 2026-06-01 16:00"
    assert lunch.quiet_until(at(lunch, "2026-06-01T16:00")) is None


def test_without_quiet_hours_no_moment_is_quiet() -> None:
    assert KOLKATA.quiet_until(at(KOLKATA, "2026-06-01T03:00")) is None


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        LONDON.after(datetime(2026, 1, 1), Duration(1, "day"))


def test_a_company_that_never_works_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Calendar(timezone="Europe/London", days=frozenset())
    with pytest.raises(ValueError, match="not before it closes"):
        Calendar(timezone="Europe/London", open=time(17), close=time(9))


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("mon,wed,fri", {0, 2, 4}),
        ("Mon - Fri, Saturday", {0, 1, 2, 3, 4, 5}),
        ("sat-mon", {5, 6, 0}),
        ("sun", {6}),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert parse_days(text) == days


@pytest.mark.parametrize("text", ["", "mo-fr", "monkey", "mon-", "mon;tue"])
def test_invalid_days_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a day of the week"):
        parse_days(text)


def test_quiet_hours_are_read() -> None:
    assert parse_quiet("20:00-08:00") == (time(20), time(8))
    assert parse_quiet(" 22:30 - 7:00 ") == (time(22, 30), time(7))
    assert parse_quiet("") is None


@pytest.mark.parametrize("text", ["20:00", "20-8", "25:00-08:00", "08:00-08:00", "20:61-08:00"])
def test_invalid_quiet_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        parse_quiet(text)


def test_a_time_of_day_has_hours_and_minutes() -> None:
    assert parse_time("9:05") == time(9, 5)
    with pytest.raises(ValueError, match="17:30"):
        parse_time("24:00")


def test_holidays_are_known_by_country_and_part() -> None:
    assert [holidays_problem(code) for code in ("", "DE", "GB-ENG", "us-ca", "FR-Zone A", "DE-BY")] == [
        ""
    ] * 6
    assert "GB-ENG" in holidays_problem("XX")
    assert "GB-NOWHERE" in holidays_problem("GB-NOWHERE")


def test_zones_are_known_by_the_iana_database() -> None:
    assert zone_problem("Europe/London") == ""
    assert all(zone_problem(name) for name in ("Mars/Base", "", "../etc", "Europe"))


@given(calendars, moments, moments, durations)
def test_later_starts_end_later(
    calendar: Calendar, one: datetime, other: datetime, duration: Duration
) -> None:
    early, late = sorted((one, other))
    repeated = (
        timedelta(hours=1) if calendar.local(late).fold else timedelta()
    )  # the same wall time is there twice
    assert calendar.after(early, duration) <= calendar.after(late, duration) + repeated


@given(calendars, moments, durations, st.integers(0, 30))
def test_longer_durations_end_later(
    calendar: Calendar, start: datetime, duration: Duration, more: int
) -> None:
    longer = Duration(duration.number + more, duration.unit)
    assert calendar.after(start, duration) <= calendar.after(start, longer)
    assert calendar.before(start, longer) <= calendar.before(start, duration)


@given(calendars, moments, durations)
def test_moments_come_out_in_utc_and_never_before_their_start(
    calendar: Calendar, start: datetime, duration: Duration
) -> None:
    end, begin = calendar.after(start, duration), calendar.before(start, duration)
    assert begin.tzinfo is UTC
    assert end.tzinfo is UTC
    assert begin <= start <= end


@given(calendars, moments, business)
def test_business_durations_end_in_business_time(
    calendar: Calendar, start: datetime, duration: Duration
) -> None:
    for end in (calendar.after(start, duration), calendar.before(start, duration)):
        day = calendar.local(end).date()
        if duration.number:
            assert calendar.is_working_day(day)
            assert calendar.moment(day, calendar.open) <= end <= calendar.close_of(day)


@given(calendars, moments, st.integers(1, 30))
def test_business_hours_forth_and_back_lead_to_the_start(
    calendar: Calendar, start: datetime, number: int
) -> None:
    opening = calendar.next_open(start)
    duration = Duration(number, "business hour")
    back = calendar.before(calendar.after(opening, duration), duration)
    assert back <= opening
    assert calendar.next_open(back) == opening


@given(st.sampled_from((LONDON, NEW_YORK, KOLKATA)), moments, st.integers(1, 30))
def test_business_days_forth_and_back_lead_to_the_start(
    calendar: Calendar, start: datetime, number: int
) -> None:
    opening = calendar.next_open(start)
    duration = Duration(number, "business day")
    assert calendar.before(calendar.after(opening, duration), duration) == opening


@given(calendars, moments)
def test_the_next_opening_is_open(calendar: Calendar, start: datetime) -> None:
    opening = calendar.next_open(start)
    assert opening >= start
    assert calendar.is_open(opening)


@given(calendars, moments)
def test_the_quiet_end_is_not_quiet(calendar: Calendar, start: datetime) -> None:
    until = calendar.quiet_until(start)
    if until:
        assert until > start
        assert calendar.quiet_until(until) is None
