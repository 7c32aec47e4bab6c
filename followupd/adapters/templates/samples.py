"""Sample cases for checks and previews: a short one, a long one, and one whose every field is hostile.

Nothing is random.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from followupd.domain.calendar import Duration
from followupd.domain.case import Case, Facts, Fault, Stage
from followupd.domain.compensation import Compensation, Gift, GrantState, Money
from followupd.domain.decision import Agenda, AgendaItem, LetterContent, PrintedGiftCard
from followupd.domain.letter import FOLLOW_UP_EXTRAS, LetterKind
from followupd.domain.mail import Person
from followupd.domain.playbook import Playbook
from followupd.domain.promise import Option, Promise, PromiseKind, PromiseState
from followupd.domain.translatable import msg, sentence_list
from followupd.languages import Catalogue, catalogue
from followupd.languages.schema import Samples

HOSTILE_REF = "FU-H0ST1"
#: every kind of markup that must be escaped
HOSTILE = (
    "<b>bold</b> <script>alert(1)</script> [click](http://evil.example) "
    "![i](http://evil.example/x.png) # not a heading "
    "1. not a list **not bold** `code` {{ 7*7 }} "
    "{% include 'x' %} &amp; \\* \u202egnihton\u202c =?utf-8?q?=0ABcc=3A?= "
    "שלום עולם | a | --- | ~~gone~~ http://evil.example <http://evil.example> \t\x07 \u2028 end "
)
#: what policies say in desk mails: the reason, and the lines that an agent may answer with
_DESK: dict[str, tuple[str, tuple[str, ...]]] = {
    LetterKind.OPENED: (msg("somebody called it a complaint"), ()),
    LetterKind.FACTS: (
        sentence_list(msg("the {fact} is not known yet", fact=msg(fact)) for fact in ("cause", "prevention")),
        ("cause: ", "prevention: ", *(f"{name}: " for name in FOLLOW_UP_EXTRAS)),
    ),
    LetterKind.NUDGE: (
        msg("the customer has had no word from us for a while"),
        ("kept: 1", "late: 1 until ... because ..."),
    ),
    LetterKind.ESCALATION: (msg("the customer has written again"), ("kept: 1", "owner: ")),
    LetterKind.DOUBT: (
        msg("nobody knows whether {key} left", key="FU-L0NG7.follow-up.1"),
        ("settle: sent", "settle: resend", "settle: drop"),
    ),
    LetterKind.APPROVAL: (msg("a reply to the customer sounds like a promise"), ("approve", "refuse: ")),
    LetterKind.CALL: (msg("the follow-up has left"), ("reached", "not-reached")),
    LetterKind.ANSWER: (msg("some lines of your note were not understood"), ()),
}
_PROBLEMS = {
    LetterKind.ANSWER: (
        "'promise: tomorrow' names no date I can read; expected 'promise: what by when'",
        "'refnd: 20' is not a line I know",
    ),
}


def sample_case(
    playbook: Playbook,
    now: datetime,
    name: str = "short",
    language: str = "",
    languages: Catalogue | None = None,
) -> Case:
    """Return a sample case.

    Args:
        playbook: provides the company and its people.
        now: the present moment.
        name: short, long or hostile.
        language: the language of its texts, the company's by default.
        languages: the languages to use, the shipped ones by default.

    Raises:
        KeyError: there is no sample case of this name.
    """
    spoken = language or playbook.language or playbook.company.locale
    words = (languages or catalogue()).language(spoken).samples
    return replace(_CASES[name](playbook, now, words), language=language)


def sample_content(
    kind: LetterKind, case: Case, playbook: Playbook, now: datetime, languages: Catalogue | None = None
) -> LetterContent:
    """Return what a policy would hand over with a letter of this kind for a sample case.

    In the hostile sample every text that people write is an attack. Options of the case itself come before those
    of the sample.

    Args:
        kind: the kind of the letter.
        case: the case.
        playbook: the playbook of the case.
        now: the present moment, in UTC.
        languages: the words of all languages.
    """
    hostile = case.ref == HOSTILE_REF
    words = _texts_of(case, playbook, languages)
    because, asks = _DESK.get(kind, ("", ()))
    return LetterContent(
        because=HOSTILE if hostile else because,
        asks=asks,
        done=("fault: ours", "cause: wrong label") if kind == LetterKind.ANSWER else (),
        problems=(HOSTILE,) if hostile else _PROBLEMS.get(kind, ()),
        promises=_delayed(case, playbook, now, words.late) if kind == LetterKind.DELAY else case.owed,
        compensation=case.compensation,
        options=case.options or _options(case, playbook, now, words)
        if kind == LetterKind.CONFIRMATION
        else (),
        quote=_quote(kind, case, words),
        about=f"{case.ref}.follow-up.1",
        until=playbook.calendar.after(now, Duration.parse("2 business days")),
        reply=kind == LetterKind.CONFIRMATION and case.by_machine,
    )


def _quote(kind: LetterKind, case: Case, words: Samples) -> str:
    """Return the text that a letter quotes: the customer's, but in a mail to a department only a question.

    Args:
        kind: the kind of the letter.
        case: the case.
        words: the words of the samples in the customer's language.
    """
    if case.ref == HOSTILE_REF:
        return f"{HOSTILE}\n\n# {HOSTILE}\n> {HOSTILE}"
    return f"{case.subject}?" if kind == LetterKind.REQUEST else words.story


def sample_agenda(
    case: Case, playbook: Playbook, now: datetime, languages: Catalogue | None = None
) -> Agenda:
    """Return a day's digest that is about a sample case.

    Args:
        case: the case.
        playbook: the playbook of the case.
        now: the present moment, in UTC.
        languages: the words of all languages.
    """
    hostile = case.ref == HOSTILE_REF
    story = HOSTILE if hostile else _texts_of(case, playbook, languages).story
    asked = replace(case, stage=Stage.SUSPECTED, story=story)
    what = HOSTILE if hostile else msg("{promise} is overdue", promise=case.promises[0].named)
    account = msg("open for {n} days, of {severity} severity", n=3, severity=msg(case.severity))
    return Agenda(
        key="desk/digest.2026-12-01.ana",
        day=playbook.calendar.local(now).date(),
        suspected=(AgendaItem(asked, "", now - timedelta(hours=26)),),
        waiting=(
            AgendaItem(case, what, now - timedelta(days=3), group="overdue", asks=("kept: 1",)),
            AgendaItem(case, what, now - timedelta(days=2), account=(HOSTILE if hostile else account,)),
        ),
        general=(
            HOSTILE
            if hostile
            else msg(
                "{n} new mail(s) lie in quarantine, {all} in all: look for the tag fu-quarantine", n=2, all=5
            ),
        ),
        done=("FU-3RT5K: complaint",),
        problems=(HOSTILE if hostile else "'FU-3RT5K: complain' is not a line I know",),
    )


def _texts_of(case: Case, playbook: Playbook, languages: Catalogue | None) -> Samples:
    """Return the texts of the sample cases in the customer's language, the playbook's or the company's."""
    spoken = playbook.language_for(case.language)
    return (languages or catalogue()).language(spoken).samples


def _delayed(case: Case, playbook: Playbook, now: datetime, because: str) -> tuple[Promise, ...]:
    """Return the first promise of the case with a later date."""
    later = _promise(0, "", PromiseKind.FIRM, playbook, now, 3).promised_by
    return tuple(
        replace(p, state=PromiseState.LATE, promised_by=later, because=because) for p in case.promises[:1]
    )


def sample_card(case: Case, playbook: Playbook) -> PrintedGiftCard:
    """Return a gift card whose code is worthless."""
    money = Money.of("20", playbook.company.currency)
    code = HOSTILE[:60] if case.ref == HOSTILE_REF else "SAMPLE-4F7K-9Q2M"
    return PrintedGiftCard(
        code=code,
        amount=money.written(playbook.company.locale.partition("-")[0]),
        expires="2028-11-30",
        money=money,
    )


def _options(case: Case, playbook: Playbook, now: datetime, words: Samples) -> tuple[Option, ...]:
    """Return two options, for the long and the hostile case."""
    if case.ref == "FU-SH0RT":
        return ()
    return sample_options(case, playbook, now, words)


def sample_options(case: Case, playbook: Playbook, now: datetime, words: Samples) -> tuple[Option, ...]:
    """Return two options, of which the hostile case has an attack.

    Args:
        case: the case.
        playbook: whose calendar dates the first one.
        now: the time of the letter.
        words: the texts of the samples.
    """
    told = playbook.calendar.after(now, Duration.parse("3 business days"))
    first, second = words.options
    if case.ref == HOSTILE_REF:
        first = HOSTILE
    return Option(n=1, text=first, promised_by=told), Option(n=2, text=second, promised_by=None)


def _short(playbook: Playbook, now: datetime, words: Samples) -> Case:
    """Return a case as it is opened automatically: with the least that a case has, and facts in fragments."""
    return Case(
        ref="FU-SH0RT",
        mailbox="support",
        customer=Person("kim@example.org"),
        subject="",
        playbook=playbook.name,
        owner=playbook.owner,
        opened_at=now,
        stage=Stage.HEARD,
        message_id="<short@example.org>",
        by_machine=True,
        facts=Facts(
            cause=words.short.cause, resolution=words.short.resolution, prevention=words.short.prevention
        ),
        promises=(_promise(1, words.short.promise, PromiseKind.NEXT_UPDATE, playbook, now, 2),),
    )


def _long(playbook: Playbook, now: datetime, words: Samples) -> Case:
    """Return a case in which everything happened, with facts as a careful agent writes them."""
    money = Money.of("25", playbook.company.currency)
    return Case(
        ref="FU-L0NG7",
        mailbox="support",
        customer=Person("kim.doe@example.org", "Kim Doe"),
        subject=f"Re: AW: {words.subject}",
        playbook=playbook.name,
        owner=playbook.owner,
        opened_at=now,
        stage=Stage.FIXED,
        message_id="<CAJ8x0long.20261120@mail.example.org>",
        references=("<first@example.org>", "<second@example.org>"),
        facts=Facts(
            issue=words.issue,
            impact=words.impact,
            wants=words.wants,
            cause=words.cause,
            resolution=words.resolution,
            prevention=words.prevention,
            fault=Fault.OURS,
            cause_code="picking",
            phone="+44 20 7946 0991",
        ),
        promises=(
            _promise(1, words.promises[0], PromiseKind.FIRM, playbook, now, 1, source="reply"),
            _promise(2, words.promises[1], PromiseKind.NEXT_UPDATE, playbook, now, 3, source="reply"),
            _promise(3, words.promises[2], PromiseKind.ESTIMATE, playbook, now, 5, source="reply"),
            replace(
                _promise(4, words.promises[3], PromiseKind.FIRM, playbook, now, 1),
                state=PromiseState.KEPT,
            ),
        ),
        compensation=(
            Compensation(n=1, kind=Gift.REFUND, state=GrantState.ISSUED, money=money),
            Compensation(n=2, kind=Gift.GESTURE, state=GrantState.ISSUED, text=words.gesture),
            Compensation(n=3, kind=Gift.GIFT_CARD, state=GrantState.GRANTED, money=money),
        ),
    )


def _hostile(playbook: Playbook, now: datetime, _words: Samples) -> Case:
    """Return a case with markup, line breaks, right-to-left text and great length in every field."""
    long = (HOSTILE * 2)[:400]
    return Case(
        ref=HOSTILE_REF,
        mailbox="support",
        customer=Person("kim@example.org", f"Kim\r\nBcc: evil@example.org {HOSTILE}"),
        subject=f"Re: {HOSTILE}",
        playbook=playbook.name,
        owner=playbook.owner,
        opened_at=now,
        stage=Stage.FIXED,
        message_id="<hostile@example.org>",
        facts=Facts(
            issue=long,
            impact=f"# {long}",
            wants=f"- {long}",
            cause=f"1. {long}",
            resolution=f"> {long}\n\n    code",
            prevention=f"---\n{long}\n===",
            fault=Fault.SHARED,
            phone=f"+44 {HOSTILE}",
        ),
        promises=(
            _promise(1, long, PromiseKind.FIRM, playbook, now, 1, source="reply"),
            _promise(2, f"2) {long}", PromiseKind.ESTIMATE, playbook, now, 2),
            replace(_promise(3, f"+ {long}", PromiseKind.FIRM, playbook, now, 2), state=PromiseState.KEPT),
        ),
        compensation=(
            Compensation(n=1, kind=Gift.COUPON, state=GrantState.ISSUED, text=long),
            Compensation(n=2, kind=Gift.GESTURE, state=GrantState.ISSUED, text=f"<h1>{long}"),
        ),
        evidence=((HOSTILE, 1.8), ("never arrived", 1.1)),
    )


def _promise(
    n: int,
    text: str,
    kind: PromiseKind,
    playbook: Playbook,
    now: datetime,
    days: int,
    source: str = "playbook",
) -> Promise:
    """Return a promise that is due at the end of business some business days from now."""
    calendar = playbook.calendar
    day = calendar.local(calendar.after(now, Duration(days, "business day"))).date()
    promised_by = calendar.end_of_business(day)
    return Promise(
        n=n,
        text=text,
        kind=kind,
        internal_deadline=calendar.before(promised_by, Duration.parse("4 business hours")),
        promised_by=promised_by,
        source=source,
        owner=playbook.owner,
    )


_CASES: dict[str, Callable[[Playbook, datetime, Samples], Case]] = {
    "short": _short,
    "long": _long,
    "hostile": _hostile,
}
SAMPLES = tuple(_CASES)
