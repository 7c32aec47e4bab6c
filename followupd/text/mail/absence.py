"""Read the date of return in an absence note, by a small grammar of our own (no date library may read free text)."""

import re
from datetime import UTC, date, datetime, timedelta

LONGEST = 4000  # characters of a note that are searched
FARTHEST = timedelta(days=400)
HALF_A_YEAR = timedelta(days=183)  # "back on 5 May", read on 6 May, is yesterday and not next year
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner janvier enero janeiro gennaio januari tammikuuta styczeń stycznia ledna января ocak",
            "february feb februar feber février fevrier febrero fevereiro febbraio februari helmikuuta luty lutego února февраля şubat",
            "march mar märz maerz mars marzo março marco maart marts maaliskuuta marzec marca března марта mart",
            "april apr avril abril aprile huhtikuuta kwiecień kwietnia dubna апреля nisan",
            "may mai mayo maio maggio mei maj toukokuuta maja května мая mayıs",
            "june jun juni juin junio junho giugno kesäkuuta czerwiec czerwca června июня haziran",
            "july jul juli juillet julio julho luglio heinäkuuta lipiec lipca července июля temmuz",
            "august aug août aout agosto augustus augusti elokuuta sierpień sierpnia srpna августа ağustos",
            "september sep sept septembre septiembre setembro settembre syyskuuta wrzesień września září сентября eylül",
            "october oct oktober okt octobre octubre outubro ottobre oktober lokakuuta październik października října октября ekim",
            "november nov novembre noviembre novembro marraskuuta listopad listopada listopadu ноября kasım",
            "december dec dezember dez décembre decembre diciembre dezembro dicembre joulukuuta grudzień grudnia prosince декабря aralık",
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag lundi lunes segunda-feira lunedì maandag mandag måndag maanantaina poniedziałek pondělí понедельник",
            "tuesday dienstag mardi martes terça-feira martedì dinsdag tirsdag tisdag tiistaina wtorek úterý вторник",
            "wednesday mittwoch mercredi miércoles quarta-feira mercoledì woensdag onsdag keskiviikkona środa środę středa среда",
            "thursday donnerstag jeudi jueves quinta-feira giovedì donderdag torsdag torstaina czwartek čtvrtek четверг",
            "friday freitag vendredi viernes sexta-feira venerdì vrijdag fredag perjantaina piątek pátek пятница",
            "saturday samstag sonnabend samedi sábado sabato zaterdag lørdag lördag sobota sobotę суббота",
            "sunday sonntag dimanche domingo domenica zondag søndag söndag niedziela neděle воскресенье",
        )
    )
    for name in names.split()
}
# Behind these words stands the day on which somebody is there again ...
BACK = (
    r"(?:i(?:'ll| will|'m| am)? (?:be |shall be )?)?(?:back|returning|return|available again|in the office again|reachable again)(?: \w+){0,5}? ?(?:on|from|as of|by)?"
    r"|resume(?: \w+){0,3} on|wieder(?: \w+){0,4}? ?(?:ab|am|da|erreichbar|im büro|im haus)(?: (?:am|ab|dem|den))*|ab (?:dem |montag|dienstag)|zurück(?: \w+){0,2} ?(?:am|ab)?"
    r"|(?:de retour|serai de retour|retour|à partir du)(?: \w+){0,3}? ?(?:le|du)?|(?:vuelvo|regreso|volveré|regresaré|estaré de vuelta|a partir del)(?: \w+){0,3}? ?(?:el|del)?"
    r"|(?:retorno|regresso|volto|estarei de volta|a partir de)(?: \w+){0,3}? ?(?:em|no dia|dia|de)?|(?:rientro|rientrerò|torno|sarò di nuovo|a partire dal)(?: \w+){0,4}? ?(?:il|dal)?"
    r"|(?:terug|weer aanwezig|weer bereikbaar|vanaf)(?: \w+){0,2}? ?(?:op|vanaf)?|(?:tilbage|tilbake|tillbaka|åter)(?: \w+){0,3}? ?(?:den|igen|fra|från)?"
    r"|(?:wracam|powrót|będę(?: \w+){0,2})(?: od)?|(?:вернусь|буду)(?: \w+){0,3}? ?(?:с)?"
)
# ... and behind these the last day of the absence.
UNTIL = (
    r"until|till|til|through|thru|to and including|bis(?: einschließlich| einschliesslich)?(?: zum| zu| einschließlich)?|jusqu['’]au|jusqu['’]à|hasta(?: el)?|até(?: o)?(?: dia)?"
    r"|fino al|tot(?: en met)?|t/m|til og med|till och med|frem til|asti|do(?: dnia)?|до|по"
)
MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
WEEKDAY = "|".join(sorted(map(re.escape, WEEKDAYS), key=len, reverse=True))
DATE = (
    r"(?P<y1>20\d\d)-(?P<m1>\d{1,2})-(?P<d1>\d{1,2})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th|er|º|ª)?\.?\s?(?:of |de |den )?(?P<n2>{MONTH})\b\.?,?(?:\s?(?:de |del )?(?P<y2>20\d\d))?"
    rf"|(?P<n3>{MONTH})\b\.?\s?(?:the )?(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s?(?P<y3>20\d\d))?"
    r"|(?P<a4>\d{1,2})(?P<sep>[./-])(?P<b4>\d{1,2})(?:(?P=sep)(?P<y4>20\d\d|\d\d)?)?(?!\d)"
)
FILL = rf"[\s,:(]{{0,4}}(?:(?:on|the|le|el|il|am|den|dem|op|em|no dia|monday)\s)?(?:(?:{WEEKDAY})[,.]?\s(?:the |den |dem |le |el |,)?)?"
SPAN = re.compile(
    rf"(?<!\w)(?:(?P<back>{BACK})|(?P<until>{UNTIL})){FILL}(?:{DATE}|(?P<weekday>{WEEKDAY})\b|(?P<tomorrow>tomorrow|morgen|demain|mañana)\b)",
    re.IGNORECASE,
)


def back_on(text: str, subject: str, now: datetime | None) -> datetime | None:
    """Return the moment at which the day of return begins (in the zone of `now`), or None when the note names none.

    A last day of absence gives the day after it; a day of return goes before it. Of several the last one counts, for a
    case waits better than it nags. Dates that are past, or more than 400 days away, mean something else and are not taken.
    """
    hits = [(hit, day) for hit in SPAN.finditer(_searched(text, subject)) if (day := _day(hit, now))]
    returns = [day for hit, day in hits if hit["back"]]
    if not hits:
        return None
    day = max(returns or [day for _, day in hits])
    zone = now.tzinfo if now is not None and now.tzinfo else UTC
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _searched(text: str, subject: str) -> str:
    return f"{subject}\n{' '.join(text[:LONGEST].split())}"[:LONGEST]


def _day(hit: re.Match[str], now: datetime | None) -> date | None:
    today = now.date() if now is not None else None
    day = _named_day(hit, today)
    if day is None:
        return None
    if hit["until"]:
        day += timedelta(days=1)
    if today is not None and not today <= day <= today + FARTHEST:
        return None
    return day


def _named_day(hit: re.Match[str], today: date | None) -> date | None:
    if hit["weekday"] or hit["tomorrow"]:
        if today is None:
            return None
        ahead = 1 if hit["tomorrow"] else (WEEKDAYS[hit["weekday"].lower()] - today.weekday() - 1) % 7 + 1
        return today + timedelta(days=ahead)
    if hit["y1"]:
        return _date(int(hit["y1"]), int(hit["m1"]), int(hit["d1"]))
    if name := hit["n2"] or hit["n3"]:
        return _nearest(hit["y2"] or hit["y3"], [(MONTHS[name.lower()], int(hit["d2"] or hit["d3"]))], today)
    one, two = int(hit["a4"]), int(hit["b4"])
    return _nearest(hit["y4"], [(two, one)] if hit["sep"] == "." else [(two, one), (one, two)], today)


def _nearest(year: str | None, choices: list[tuple[int, int]], today: date | None) -> date | None:
    """Return the first of the possible dates that lies ahead: "03/04" is the nearer of the two."""
    if year is None and today is None:
        return None
    years = [int(year) + 2000 * (len(year) == 2)] if year else [today.year, today.year + 1] if today else []
    days = [day for one in years for month, number in choices if (day := _date(one, month, number))]
    ahead = [
        day for day in days if today is None or today <= day <= today + (FARTHEST if year else HALF_A_YEAR)
    ]
    return min(ahead, default=None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
