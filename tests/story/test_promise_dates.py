"""The moments that written dates mean, written on Tuesday 1 December 2026 at 10:00 in London."""

from datetime import UTC, date, datetime, time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.adapters.imap.responses import as_datetime
from followupd.domain.calendar import WEEKDAYS, Calendar
from followupd.domain.promise import Relation
from followupd.languages import load
from followupd.text.mail.headers import parse_date
from followupd.text.promises import at_odds, find_commitments, other_days, read_when, split_when
from followupd.text.promises.dates import date_reader
from tests.story.promises.measure import LONDON, SENT_AT

ENGLISH = load("en")
NEW_YORK = Calendar(timezone="America/New_York", holidays="US")
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


def read(text: str, language: str = "en", now: datetime = SENT_AT, calendar: Calendar = LONDON) -> str | None:
    found = read_when(text, now=now, calendar=calendar, language=load(language))
    return f"{calendar.local(found):%m-%d %H:%M}" if found else None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Friday", "12-04 17:00"),
        ("by Friday", "12-04 17:00"),
        ("by Friday at the latest", "12-04 17:00"),
        ("Friday at 3 pm", "12-04 15:00"),
        ("Friday 15:30", "12-04 15:30"),
        ("by 3pm on Friday", "12-04 15:00"),
        ("next Friday", "12-11 17:00"),
        ("this Friday", "12-04 17:00"),
        ("Friday next week", "12-11 17:00"),
        ("before Friday", "12-03 17:00"),
        ("before noon on Friday", "12-04 12:00"),
        ("Monday morning", "12-07 12:00"),
        ("today", "12-01 17:00"),
        ("end of day", "12-01 17:00"),
        ("by end of day Friday", "12-04 17:00"),
        ("close of business tomorrow", "12-02 17:00"),
        ("this evening", "12-01 20:00"),
        ("tonight", "12-01 23:59"),
        ("tomorrow", "12-02 17:00"),
        ("tomorrow noon", "12-02 12:00"),
        ("tomorrow before noon", "12-02 12:00"),
        ("first thing tomorrow", "12-02 12:00"),
        ("the day after tomorrow", "12-03 17:00"),
        ("noon", "12-01 12:00"),
        ("8 am", "12-02 08:00"),
        ("4 Dec", "12-04 17:00"),
        ("4 Dec.", "12-04 17:00"),
        ("December 4th", "12-04 17:00"),
        ("Friday, 4 December", "12-04 17:00"),
        ("Friday, December 4, 2026", "12-04 17:00"),
        ("the 4th of December", "12-04 17:00"),
        ("by the 4th", "12-04 17:00"),
        ("2026-12-04", "12-04 17:00"),
        ("2026-12-04 15:00", "12-04 15:00"),
        ("2026-12-04T15:00", "12-04 15:00"),
        ("04/12/2026", "12-04 17:00"),
        ("by 4/12", "12-04 17:00"),
        ("2 January", "01-02 17:00"),
        ("within 3 business days", "12-04 17:00"),
        ("in 2-3 working days", "12-04 17:00"),
        ("in two days", "12-03 17:00"),
        ("within 24 hours", "12-02 10:00"),
        ("in 4 business hours", "12-01 14:00"),
        ("within the hour", "12-01 11:00"),
        ("in a week", "12-08 17:00"),
        ("within one month", "01-01 17:00"),
        ("this week", "12-04 17:00"),
        ("by the end of the week", "12-04 17:00"),
        ("next week", "12-11 17:00"),
        ("early next week", "12-08 17:00"),
        ("by the end of the month", "12-31 17:00"),
        ("before Christmas", "12-24 17:00"),
    ],
)
def test_a_written_date_is_a_moment(text: str, moment: str) -> None:
    assert read(text) == moment
    assert read(text.upper()) == moment


@pytest.mark.parametrize(
    ("language", "text", "moment"),
    [
        ("de", "bis Freitag", "12-04 17:00"),
        ("de", "bis spätestens Freitag um 15 Uhr", "12-04 15:00"),
        ("de", "nächsten Freitag", "12-04 17:00"),
        ("de", "morgen Vormittag", "12-02 12:00"),
        ("de", "am 4. Dezember", "12-04 17:00"),
        ("de", "bis 4.12.", "12-04 17:00"),
        ("de", "04.12.2026", "12-04 17:00"),
        ("de", "innerhalb von 3 Werktagen", "12-04 17:00"),
        ("de", "Ende nächster Woche", "12-11 17:00"),
        ("de", "vor Freitag", "12-03 17:00"),
        ("fr", "d'ici vendredi", "12-04 17:00"),
        ("fr", "demain avant midi", "12-02 12:00"),
        ("fr", "vendredi à 15h30", "12-04 15:30"),
        ("fr", "le 4 décembre", "12-04 17:00"),
        ("fr", "d'ici le mardi 8 décembre", "12-08 17:00"),
        ("fr", "ce mardi", "12-01 17:00"),
        ("fr", "sous 48 h", "12-03 10:00"),
        ("fr", "dans les 3 jours ouvrés", "12-04 17:00"),
        ("fr", "la semaine prochaine", "12-11 17:00"),
        ("es", "antes del viernes", "12-03 17:00"),
        ("es", "el viernes a las 15:30", "12-04 15:30"),
        ("es", "mañana por la mañana", "12-02 12:00"),
        ("es", "el 4 de diciembre de 2026", "12-04 17:00"),
        ("es", "en 3 días hábiles", "12-04 17:00"),
        ("es", "a finales de la próxima semana", "12-11 17:00"),
        ("de", "by Friday", "12-04 17:00"),
        ("en", "within thirty days", "12-31 17:00"),
        ("en", "in a fortnight", "12-15 17:00"),
        ("en", "by the end of Friday", "12-04 17:00"),
        ("en", "in the course of next week", "12-11 17:00"),
        ("en", "at the weekend", "12-06 17:00"),
        ("en", "by the end of the year", "12-31 17:00"),
        ("en", "in the first week of January", "01-07 17:00"),
        ("en", "on or before 14 December", "12-14 17:00"),
        ("en", "3-5 working days", "12-08 17:00"),
        ("en", "Friday, 10 o'clock", "12-04 10:00"),
        ("en", "Monday, 8.30", "12-07 08:30"),
        ("de", "bis 10.12", "12-10 17:00"),
        ("de", "am 9.12 um 8 Uhr", "12-09 08:00"),
        ("de", "morgen 7:15", "12-02 07:15"),
        ("de", "in rund zwei Wochen", "12-15 17:00"),
        ("de", "in etwa 10 Tagen", "12-11 17:00"),
        ("de", "in einer guten Woche", "12-08 17:00"),
        ("de", "Ende der 50. KW", "12-11 17:00"),
        ("de", "bis Ende Monat", "12-31 17:00"),
        ("de", "bis Jahresende", "12-31 17:00"),
        ("de", "in der ersten Januarwoche", "01-07 17:00"),
        ("de", "in der Woche vom 14.", "12-18 17:00"),
        ("de", "das dauert maximal drei Arbeitstage", "12-04 17:00"),
        ("de", "im Laufe des Tages", "12-01 17:00"),
        ("fr", "d'ici une dizaine de jours", "12-11 17:00"),
        ("fr", "dans les trente jours", "12-31 17:00"),
        ("fr", "dès demain", "12-02 17:00"),
        ("fr", "à partir de jeudi", "12-03 17:00"),
        ("fr", "à compter du lundi 7", "12-07 17:00"),
        ("fr", "dans la journée de jeudi", "12-03 17:00"),
        ("fr", "samedi 5 à 14h", "12-05 14:00"),
        ("fr", "lundi 7 à 9 h", "12-07 09:00"),
        ("fr", "mardi 15/12, avant 10 h", "12-15 10:00"),
        ("fr", "la semaine du 14", "12-18 17:00"),
        ("fr", "dans le courant de la semaine prochaine", "12-11 17:00"),
        ("fr", "3 à 5 jours ouvrés", "12-08 17:00"),
        ("fr", "première quinzaine de janvier", "01-15 17:00"),
        ("fr", "lundi 18h dernier délai", "12-07 18:00"),
        ("es", "de 3 a 5 días hábiles", "12-08 17:00"),
        ("es", "en unos diez días laborables", "12-15 17:00"),
        ("es", "en un máximo de 7 días", "12-08 17:00"),
        ("es", "a partir del 15", "12-15 17:00"),
        ("es", "la semana del 14", "12-18 17:00"),
        ("es", "esta misma noche", "12-01 23:59"),
        ("es", "antes de que acabe diciembre", "12-31 17:00"),
        ("es", "a más tardar, el 11 de diciembre", "12-11 17:00"),
        ("es", "martes 15/12, de 8 a 12 h", "12-15 12:00"),
        ("es", "este fin de semana", "12-06 17:00"),
        ("es", "la primera semana de enero", "01-07 17:00"),
    ],
)
def test_a_date_is_read_in_the_agents_language_and_in_english(language: str, text: str, moment: str) -> None:
    assert read(text, language) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "shortly",
        "25",
        "$25",
        "24/7",
        "4/5 stars",
        "it may work",
        "3 days ago",
        "last Friday",
        "31 February",
        "the sun",
        "order 12345",
        "99:99",
        "Monday to Friday",
    ],
)
def test_what_is_no_coming_date_is_none(text: str) -> None:
    assert read(text) is None


def test_a_weekday_written_on_that_weekday_is_the_next_one() -> None:
    assert read("by Tuesday") == "12-08 17:00"
    assert read("this Tuesday") == "12-01 17:00"


def test_today_after_the_close_lasts_until_midnight() -> None:
    assert read("today", now=datetime(2026, 12, 1, 18, tzinfo=UTC)) == "12-01 23:59"


def test_a_day_and_month_without_a_year_is_the_next_one() -> None:
    found = read_when("30 November", now=SENT_AT, calendar=LONDON, language=ENGLISH)
    assert found
    assert found.year == 2027


def test_slashes_are_read_as_the_company_writes_them() -> None:
    assert read("12/4/2026", calendar=NEW_YORK) == "12-04 17:00"
    assert read("4/12/2026", calendar=LONDON) == "12-04 17:00"
    assert read("12/25/2026", calendar=LONDON) == "12-25 17:00"


def test_the_close_of_business_is_that_of_the_company_through_daylight_saving() -> None:
    spring = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert read_when("Monday", now=spring, calendar=LONDON, language=ENGLISH) == datetime(
        2026, 3, 30, 16, tzinfo=UTC
    )
    early = Calendar(timezone="America/New_York", close=time(15, 30))
    assert read_when("Monday", now=spring, calendar=early, language=ENGLISH) == datetime(
        2026, 3, 30, 19, 30, tzinfo=UTC
    )


def test_business_days_pass_over_holidays() -> None:
    assert read("within 2 business days", now=datetime(2026, 12, 24, 10, tzinfo=UTC)) == "12-30 17:00"


def test_money_is_no_date() -> None:
    assert read("refund $25 by Friday") == "12-04 17:00"


@pytest.mark.parametrize(
    ("line", "what", "moment"),
    [
        ("ship the replacement by Friday", "ship the replacement", "12-04 17:00"),
        ("by Friday ship the replacement", "ship the replacement", "12-04 17:00"),
        ("call Kim tomorrow at 11:00", "call Kim", "12-02 11:00"),
        ("look into the order of 3 May by Friday.", "look into the order of 3 May", "12-04 17:00"),
        ("deliver on Friday, with the receipt", "deliver on Friday, with the receipt", "12-04 17:00"),
        ("replace the 4 wheels", "replace the 4 wheels", None),
        ("Friday", "", "12-04 17:00"),
    ],
)
def test_a_line_is_split_into_what_and_when(line: str, what: str, moment: str | None) -> None:
    text, found, *_ = split_when(line, now=SENT_AT, calendar=LONDON, language=ENGLISH)
    assert (text, found and f"{LONDON.local(found):%m-%d %H:%M}") == (what, moment)


@pytest.mark.parametrize(
    ("language", "line", "what", "moment"),
    [
        ("en", "ring you by 16:00", "ring you", "12-01 16:00"),
        ("en", "call by 4 pm", "call", "12-01 16:00"),
        ("en", "ring you by 8:30", "ring you", "12-02 08:30"),
        ("en", "call you by 4", "call you by 4", None),
        ("de", "Rückruf bis 16 Uhr", "Rückruf", "12-01 16:00"),
        ("fr", "vous rappeler avant 16 h", "vous rappeler", "12-01 16:00"),
        ("es", "llamar antes de las 16:00", "llamar", "12-01 16:00"),
        ("es", "la batería dura 6 horas", "la batería dura 6 horas", None),
        ("es", "enviar la nueva el día 16", "enviar la nueva", "12-16 17:00"),
    ],
)
def test_a_time_alone_is_the_next_such_time(language: str, line: str, what: str, moment: str | None) -> None:
    text, found, *_ = split_when(line, now=SENT_AT, calendar=LONDON, language=load(language))
    assert (text, found and f"{LONDON.local(found):%m-%d %H:%M}") == (what, moment)


@given(moments, st.sampled_from(WEEKDAYS), st.sampled_from([LONDON, NEW_YORK]))
def test_a_weekday_is_one_of_the_next_seven_days(now: datetime, day: str, calendar: Calendar) -> None:
    found = read_when(f"by {day}", now=now, calendar=calendar, language=ENGLISH)
    assert found
    assert calendar.local(found).weekday() == WEEKDAYS.index(day)
    assert 0 < (calendar.local(found).date() - calendar.local(now).date()).days <= 7


@given(
    moments,
    st.sampled_from(
        [
            "today",
            "tomorrow",
            "next week",
            "within 2 hours",
            "in 3 business days",
            "8 am",
            "noon",
            "4 May",
            "this week",
            "by the end of the month",
            "tonight",
        ]
    ),
)
def test_what_is_promised_is_in_the_future(now: datetime, text: str) -> None:
    found = read_when(text, now=now, calendar=LONDON, language=ENGLISH)
    assert found
    local = LONDON.local(now)
    assert found > now or (local.hour, local.minute) == (23, 59) or LONDON.local(found).date() == local.date()


@given(st.text(max_size=120), moments, st.sampled_from(["en", "de", "fr", "es"]))
def test_no_line_makes_it_fail(text: str, now: datetime, language: str) -> None:
    what, *_ = split_when(text, now=now, calendar=LONDON, language=load(language))
    assert len(what) <= len(text)


@pytest.mark.parametrize(
    ("language", "text", "since", "until"),
    [
        ("en", "between 23 and 25 December", 23, 25),
        ("en", "on 9 and 10 December", 9, 10),
        ("en", "on Thursday or Friday", 3, 4),
        ("de", "vom 12. bis 16. Dezember", 12, 16),
        ("de", "zwischen dem 20. und 24. Dezember", 20, 24),
        ("de", "am Freitag oder Samstag", 4, 5),
        ("fr", "du 23 au 25 décembre", 23, 25),
        ("fr", "entre le jeudi 10 et le vendredi 11 décembre", 10, 11),
        ("fr", "jeudi ou vendredi", 3, 4),
        ("es", "del 23 al 25 de diciembre", 23, 25),
        ("es", "entre el 14 y el 16 del presente", 14, 16),
        ("es", "el jueves o el viernes", 3, 4),
    ],
)
def test_two_days_of_which_one_is_meant_are_a_window(
    language: str, text: str, since: int, until: int
) -> None:
    (when,) = date_reader(load(language), now=SENT_AT, calendar=LONDON).find(text)
    assert when.relation == Relation.BETWEEN
    assert when.since
    assert (when.since.day, when.moment.day) == (since, until)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "A voucher, valid until 30 June."),
        ("de", "Zwei Freikarten, einlösbar bis Ende Mai."),
        ("fr", "Un bon à utiliser avant fin septembre."),
        ("es", "Dos invitaciones, válidas hasta el 13 de septiembre."),
    ],
)
def test_the_last_day_of_a_voucher_is_no_day_to_come(language: str, text: str) -> None:
    assert date_reader(load(language), now=SENT_AT, calendar=LONDON).find(text) == ()


@pytest.mark.parametrize(("hour", "coming"), [(9, 1), (15, 0)])
def test_this_morning_is_over_in_the_afternoon(hour: int, coming: int) -> None:
    reader = date_reader(ENGLISH, now=SENT_AT.replace(hour=hour), calendar=LONDON)
    assert len(reader.to_come("It left our warehouse this morning.")) == coming


@pytest.mark.parametrize(
    ("language", "text", "moment"),
    [
        ("en", "on Friday at half 8", "12-04 08:30"),
        ("en", "Friday, half past two", "12-04 14:30"),
        ("en", "quarter to nine on Friday", "12-04 08:45"),
        ("de", "am Freitag um halb neun", "12-04 08:30"),
        ("de", "am Freitag um halb zwei", "12-04 13:30"),
        ("fr", "jeudi à 8 h et demie", "12-03 08:30"),
        ("es", "el jueves a las 8 y media", "12-03 08:30"),
        ("es", "el viernes a las cinco menos cuarto", "12-04 16:45"),
        ("es", "el miercoles a primera hora", "12-02 12:00"),
        ("es", "el jueves a partir de las cinco", "12-03 17:00"),
        ("es", "mañana miércoles entre 9 y 11", "12-02 11:00"),
        ("es", "en el plazo máximo de diez días hábiles", "12-15 17:00"),
        ("es", "el viernes a la mañana", "12-04 12:00"),
        ("fr", "mardi 8, entre 10 h et midi", "12-08 12:00"),
        ("en", "between 9 and noon on Friday", "12-04 12:00"),
        ("fr", "aux alentours du 15", "12-15 17:00"),
        ("en", "today by overnight courier", "12-01 17:00"),
    ],
)
def test_times_and_days_are_read_as_agents_write_them(language: str, text: str, moment: str) -> None:
    found = date_reader(load(language), now=SENT_AT, calendar=LONDON).find(text)
    assert [f"{LONDON.local(when.moment):%m-%d %H:%M}" for when in found] == [moment]


@pytest.mark.parametrize(
    ("language", "text", "moment", "relation"),
    [
        ("en", "before the end of Thursday", "12-03 17:00", Relation.BY),
        ("fr", "avant la fin de la semaine", "12-04 17:00", Relation.BY),
        ("de", "im Laufe des morgigen Tages", "12-02 17:00", Relation.ON),
        ("es", "el miércoles de la semana que viene", "12-09 17:00", Relation.ON),
        ("de", "am Mittwoch nächster Woche", "12-09 17:00", Relation.ON),
        ("fr", "dès lundi", "12-07 17:00", Relation.FROM),
    ],
)
def test_words_around_a_day_say_how_it_is_meant(
    language: str, text: str, moment: str, relation: Relation
) -> None:
    (found,) = date_reader(load(language), now=SENT_AT, calendar=LONDON).find(text)
    assert (f"{LONDON.local(found.moment):%m-%d %H:%M}", found.relation) == (moment, relation)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "a voucher, valid in all our shops until 31 March"),
        ("de", "einlösbar in allen Filialen bis 31. März"),
        ("fr", "valables en boutique jusqu'au 30 juin"),
        ("es", "un cupón válido en toda la tienda hasta el 31 de marzo"),
    ],
)
def test_how_long_something_is_valid_is_no_date_to_keep(language: str, text: str) -> None:
    assert date_reader(load(language), now=SENT_AT, calendar=LONDON).find(text) == ()


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("en", "send it by the fourth of December"),
        ("de", "Frau Seidel bekommt sie bis zum vierten Dezember"),
        ("fr", "on la rappelle d'ici le quatre décembre"),
        ("es", "le llamamos para el cuatro de diciembre"),
    ],
)
def test_a_day_of_a_month_may_be_spelt_out(language: str, line: str) -> None:
    _, due, *_ = split_when(line, now=SENT_AT, calendar=LONDON, language=load(language))
    assert due == datetime(2026, 12, 4, 17, tzinfo=UTC)


def test_an_ordinal_before_a_word_that_is_also_a_month_is_no_date() -> None:
    assert split_when("the second may arrive", now=SENT_AT, calendar=LONDON, language=ENGLISH).due is None


@pytest.mark.parametrize(
    ("line", "what", "day"),
    [
        ("Ersatz schicken übermorgen", "Ersatz schicken", 3),
        ("in 14 Tagen neue Tür einbauen", "neue Tür einbauen", 15),
        ("enviar la caja pasado mañana", "enviar la caja", 3),
        ("renvoyer la lampe dans quinze jours", "renvoyer la lampe", 16),
    ],
)
def test_a_long_date_at_an_end_of_a_line_is_read_in_every_language(line: str, what: str, day: int) -> None:
    found = split_when(line, now=SENT_AT, calendar=LONDON, language=ENGLISH)
    assert (found.text, found.due and found.due.day) == (what, day)


@pytest.mark.parametrize("line", ["ask Mar about the box", "call Domingo about the box", "tell Lun and Sam"])
def test_a_name_like_a_day_of_another_language_is_no_date(line: str) -> None:
    assert split_when(line, now=SENT_AT, calendar=LONDON, language=ENGLISH).due is None


# --- the ends of the calendar ---

EDGES = (
    "0001-01-01",
    "9999-12-31",
    "9999-12-27",
    "1.1.0001",
    "31.12.9999",
    "31/12/9999",
    "31 December 9999",
    "12/9999",
)
FRAMES = {
    "en": (
        "by {}",
        "before {}",
        "after {}",
        "the week of {}",
        "between Monday and {}",
        "Fri:{}",
        "end of {}",
        "{} at 00:01",
    ),
    "de": (
        "bis {}",
        "vor dem {}",
        "in der Woche vom {}",
        "zwischen Montag und {}",
        "Mitte {}",
        "{} um 23:59",
    ),
    "fr": ("avant le {}", "la semaine du {}", "entre lundi et le {}", "fin {}", "{} à 00:01"),
    "es": ("antes del {}", "la semana del {}", "entre el lunes y el {}", "finales de {}", "{} a las 23:59"),
}


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("language", FRAMES)
def test_a_day_at_an_end_of_the_calendar_breaks_nothing_in_any_frame(language: str, zone: str) -> None:
    calendar, known = Calendar(timezone=zone), {date(2026, 12, 4)}
    for frame, edge, more in product(FRAMES[language], EDGES, ("", " - 9999-12-31", " or 0001-01-01")):
        text = frame.format(edge) + more
        found = split_when(text, now=SENT_AT, calendar=calendar, language=load(language))
        assert found.due is None or found.due.year in range(1, 10_000)
        at_odds(text, now=SENT_AT, calendar=calendar, language=load(language))
        other_days(text, known, now=SENT_AT, calendar=calendar, language=load(language))
        find_commitments(
            f"We will send it {text}.", sent_at=SENT_AT, calendar=calendar, language=load(language)
        )


@pytest.mark.parametrize("year", ["1700", "1898", "9001", "9999"])
def test_no_mail_was_written_at_an_end_of_the_calendar(year: str) -> None:
    for day in (
        f"01 Jan {year} 00:00:00 +1400",
        f"Fri, 31 Dec {year} 23:59:59 -1200",
        f"31 Dec {year} 23:59",
    ):
        assert parse_date(day) is None
    for day in (
        f"01-Jan-{year} 00:00:00 +1400",
        f"31-Dec-{year} 23:59:59 -1200",
        f"Fri, 31-Dec-{year} 23:59:59 GMT",
    ):
        assert as_datetime(day.encode()) is None
