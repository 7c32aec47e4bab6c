"""The models of all language files; a key that its model does not name is an error.

The comments in the shipped files say what the keys mean. Patterns are text here: `patterns.py` says how they
are written, and engines compile them when they first need them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

# ---------------------------------------------------------------------------------------------------------
# What all files share
# ---------------------------------------------------------------------------------------------------------


class LanguageTable(BaseModel):
    """A language file, or a table in one. `parts` of a file are the named pieces of all patterns in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Regex:
    """Marks the fields that contain regular expressions, so that they can be checked (`problems.py`)."""


def _split(value: Any) -> Any:
    """Split a text of words; a list stays as it is, and its items may contain blanks."""
    if isinstance(value, str):
        return value.split()
    return value


def _listed(value: Any) -> Any:
    """Make a list of a single pattern; a list stays as it is."""
    if isinstance(value, str):
        return [value]
    return value


def _split_at_bars(value: Any) -> Any:
    """Split a text at its bars, without empty pieces and needless white space; a list stays as it is."""
    if not isinstance(value, str):
        return value
    phrases = (" ".join(piece.split()) for piece in value.split("|"))
    return list(filter(None, phrases))


def _part_name(name: str) -> str:
    """Check the name of a part.

    Raises:
        ValueError: it contains small letters or signs.
    """
    if not re.fullmatch("[A-Z][A-Z0-9_]*", name):
        raise ValueError("the name of a part is written in capital letters, such as WILL or ONE_OF_US")
    return name


#: words without blanks, written as one text or as a list; the order is kept
Words = Annotated[tuple[str, ...], BeforeValidator(_split)]
#: the same where only membership counts
WordSet = Annotated[frozenset[str], BeforeValidator(_split)]
#: words or expressions that may contain blanks; a single one needs no brackets
Phrases = Annotated[tuple[str, ...], BeforeValidator(_listed)]
#: phrases that may contain blanks, written as one text with bars between them or as a list; the order is kept
Barred = Annotated[tuple[str, ...], BeforeValidator(_split_at_bars)]
#: one regular expression
Pattern = Annotated[str, Regex()]
#: regular expressions of which any may match; a single one needs no brackets
Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed), Regex()]
#: named pieces of patterns: {WILL} in a pattern means the part WILL
Parts = Mapping[Annotated[str, AfterValidator(_part_name)], Patterns]


# ---------------------------------------------------------------------------------------------------------
# language.toml
# ---------------------------------------------------------------------------------------------------------

Unit = Literal["minute", "hour", "business hour", "business day", "day", "week", "month"]
Month = Annotated[int, Field(ge=1, le=12)]
Weekday = Annotated[int, Field(ge=1, le=7)]
#: what a date phrase means: a day, week, month or weekend so many later, a part of a week, or a time of day
Meaning = Annotated[
    str,
    Field(
        pattern=r"^((day|week|early|mid|weekend|sunday|month)\+\d{1,2}|christmas|year|tomorrow-morning|noon"
        r"|morning|afternoon|evening|night|close|today-(morning|noon|afternoon|evening|night))$"
    ),
]


class Dates(LanguageTable):
    """The table [dates]: how days and times are written. Names of months and weekdays come from CLDR."""

    more_months: Mapping[Month, Phrases] = {}
    more_weekdays: Mapping[Weekday, Phrases] = {}
    not_names: Words = ()
    numbers: Mapping[int, Phrases]
    units: Mapping[Unit, Patterns]
    spans: Patterns
    phrases: tuple[tuple[Meaning, Pattern], ...]
    clock: Pattern
    to: Patterns
    through: Patterns
    lead: Patterns
    deadline: Patterns
    before: Patterns
    trail: Patterns
    glue: Patterns
    past_before: Patterns
    past_after: Patterns
    this_weekday: Patterns
    next_weekday: Patterns = ()
    weekday_tails: Patterns = ()
    ordinal: Patterns = ()
    bare_day: Patterns = ()
    between: Patterns = ()
    joining: Patterns = ()
    window: Patterns = ()
    either: Patterns = ()
    ordinal_nouns: Words = ()
    dotted_after: Patterns = ()
    starting: Patterns = ()
    left_over: Patterns = ()
    that_time: Patterns = ()
    counted_from: Patterns = ()
    later: tuple[tuple[int, Pattern], ...] = ()
    near_days: Mapping[int, Phrases] = {}
    days_after: tuple[tuple[int, Pattern], ...] = ()
    week_of: Patterns = ()
    week_number: Patterns = ()
    months_parts: tuple[tuple[Literal["all", "week1", "early", "mid"], Pattern], ...] = ()
    windows: Patterns = ()
    at_hour: Patterns = ()
    near_hour: tuple[tuple[int, Pattern], ...] = ()
    day_endings: Patterns = ()
    spelt_days: tuple[Barred, ...] = ()
    of: Patterns = ()
    of_year: Patterns = ()
    the: Patterns = ()
    hours: Patterns = ()
    month_first: Words = ()


class LetterManner(LanguageTable):
    """The table [letters]: how letters and desk mails write."""

    titles: Mapping[str, str] = {}
    before_given: WordSet = frozenset()
    before_full: WordSet = frozenset()
    two_family_names: bool = False
    degrees: WordSet = frozenset()
    particles: WordSet = frozenset()
    not_persons: Patterns = ()
    quotes: Barred = ("“", "”")
    stop_outside: bool = False
    first_day: str = ""
    day_and_time: str = "{date}, {time}"
    time: str = "short"
    weekday_comma: bool = True
    window: str = "{date}, {since} to {until}"
    relations: Mapping[Literal["by", "on", "between", "from"], str] = {
        "by": "by {date}",
        "on": "on {date}",
        "between": "between {since} and {date}",
        "from": "from {date}",
    }
    behind_date: Patterns = ()
    apart: Patterns = ()
    apart_joint: str = ","
    closes_date: str = ""


class LanguageInfo(LanguageTable):
    """language.toml: what every engine may need of a language."""

    name: str
    locale: str
    stop_words: WordSet = frozenset()
    rank: int = 100
    greetings: Patterns = ()
    farewells: Patterns = ()
    #: words that only somebody says who is on first-name terms, and those that only somebody says who is not
    informal: Patterns = ()
    formal: Patterns = ()
    abbreviations: Patterns = ()
    currencies: Mapping[str, str] = {}
    letters: LetterManner = Field(default_factory=LetterManner)
    dates: Dates | None = None


# ---------------------------------------------------------------------------------------------------------
# currencies.toml
# ---------------------------------------------------------------------------------------------------------


class Currencies(LanguageTable):
    """currencies.toml, which no language owns: how money is written."""

    codes: Words
    families: Mapping[str, Words]
    signs: Mapping[str, str]


# ---------------------------------------------------------------------------------------------------------
# promises.toml
# ---------------------------------------------------------------------------------------------------------


class Clauses(LanguageTable):
    """The table [clauses]: where sentences are cut, and which clauses commit nobody."""

    cut: Patterns
    subject: Patterns = ()
    carried: Patterns = ()
    leaning: Patterns = ()
    unreal: Patterns
    complement: Patterns
    general: Patterns = ()
    asked: Patterns = ()
    over: Patterns = ()
    reported: Patterns = ()
    hoped: Patterns = ()
    hedged: Patterns
    trigger: Patterns


class Turns(LanguageTable):
    """The table [turns]: the turns of phrase that promise or report."""

    firm: Patterns
    update: Patterns
    estimate: Patterns
    dated: Patterns
    done: Patterns


class FallbackPatterns(LanguageTable):
    """The table [fallback]: a topic of service and a day to come, in a clause that has no turn of phrase."""

    idle: Patterns
    doubt: Patterns
    update: Patterns
    topic: Patterns
    arranged: Patterns


class Signs(LanguageTable):
    """The table [signs]: tenses, persons and topics that are weighed with all else, and decide nothing alone."""

    past: Patterns = ()
    perfect: Patterns = ()
    future: Patterns = ()
    ours: Patterns = ()
    theirs: Patterns = ()
    asks: Patterns = ()
    prices: Patterns = ()
    hours: Patterns = ()
    others: Patterns = ()


class LetterLines(LanguageTable):
    """The table [wording]: how the agent's clause becomes a line of a letter."""

    lasting: Patterns = ()
    dangling: Patterns = ()
    refers: Patterns = ()
    named: Patterns = ()


class GiftKinds(LanguageTable):
    """The table [gifts.kinds]: by which words each kind of gift is known."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    gift_card: Patterns
    free_shipping: Patterns
    replacement: Patterns
    coupon: Patterns
    refund: Patterns
    credit: Patterns
    gesture: Patterns


class GiftNames(LanguageTable):
    """The table [gifts.names]: how a gift is called in a letter, taken from the agent's own clause."""

    free_of_charge: Patterns = ()
    handing_over: Patterns = ()
    replacing: Patterns = ()
    replaced: str = ""
    verbs: Patterns = ()
    reports: Patterns = ()
    replacement: Patterns = ()
    another: Patterns = ()
    another_becomes: str = ""
    paying: Patterns = ()
    in_full: Patterns = ()
    full_amount: str = ""
    purpose: Patterns = ()
    articles: Words = ()


class Gifts(LanguageTable):
    """The table [gifts]: the turns of phrase that grant something, and what is granted."""

    giving: Patterns
    given: Patterns
    joint: Patterns
    open_amount: Patterns = ()
    alternative: Patterns = ()
    part: Patterns = ()
    courtesy: Patterns = ()
    treat: Patterns = ()
    treating: Patterns = ()
    paid: Patterns = ()
    later: Patterns = ()
    total: Patterns = ()
    whole: Patterns = ()
    share: Patterns = ()
    kinds: GiftKinds
    names: GiftNames = Field(default_factory=GiftNames)


class Promises(LanguageTable):
    """promises.toml: how agents promise, grant, hedge and report."""

    parts: Parts = {}
    clauses: Clauses
    turns: Turns
    fallback: FallbackPatterns
    signs: Signs = Field(default_factory=Signs)
    gifts: Gifts
    wording: LetterLines = Field(default_factory=LetterLines)


# ---------------------------------------------------------------------------------------------------------
# complaints.toml
# ---------------------------------------------------------------------------------------------------------

#: phrases in the phrase language of `text/complaints/phrases.py`, which the head of each file explains
CuePhrases = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class CuesFor(LanguageTable):
    """The table [cues]: groups of phrases that speak for a complaint. Weights belong to these names.

    `safety` are signs of danger; `harm` are words of every day in which danger is told, and are none by themselves.
    """

    explicit: CuePhrases = ()
    anger: CuePhrases = ()
    insult: CuePhrases = ()
    money: CuePhrases = ()
    dishonest: CuePhrases = ()
    leaving: CuePhrases = ()
    public: CuePhrases = ()
    legal: CuePhrases = ()
    escalate: CuePhrases = ()
    unmet: CuePhrases = ()
    expected: CuePhrases = ()
    failure: CuePhrases = ()
    quality: CuePhrases = ()
    repeat: CuePhrases = ()
    duration: CuePhrases = ()
    reproach: CuePhrases = ()
    why: CuePhrases = ()
    challenge: CuePhrases = ()
    demand: CuePhrases = ()
    urgency: CuePhrases = ()
    harm: CuePhrases = ()
    safety: CuePhrases = ()


class CuesAgainst(LanguageTable):
    """The table [against]: groups of phrases that speak against a complaint.

    `harmless` only looks like danger, law or the public ("the safety catch", "court shoes"). `elsewhere` is about
    another company, or a question before buying ("a different brand", "your offer"). `routine` is what is written every
    day without a grievance: an order again, an appointment that is moved, an end, a hint ("same again please").
    """

    harmless: CuePhrases = ()
    elsewhere: CuePhrases = ()
    routine: CuePhrases = ()
    thanks: CuePhrases = ()
    praise: CuePhrases = ()
    question: CuePhrases = ()
    calm: CuePhrases = ()
    solved: CuePhrases = ()
    machine: CuePhrases = ()
    bulk: CuePhrases = ()


class AskedFor(LanguageTable):
    """The table [asked_for]: what is a wish beside words that ask."""

    refund: CuePhrases = ()
    replacement: CuePhrases = ()
    repair: CuePhrases = ()
    delivery: CuePhrases = ()
    explanation: CuePhrases = ()
    cancel: CuePhrases = ()
    call: CuePhrases = ()
    apology: CuePhrases = ()
    compensation: CuePhrases = ()
    correction: CuePhrases = ()
    action: CuePhrases = ()


class Wishes(AskedFor):
    """The table [wishes]: what customers say that they want, `asks` how, and what is no wish within `not_wanted`."""

    asks: CuePhrases = ()
    not_wanted: CuePhrases = ()


class ComplaintWords(LanguageTable):
    """The table [words]: small words around cues, and how words are read."""

    negations: WordSet = frozenset()
    praise_negations: WordSet = frozenset()
    conditional: WordSet = frozenset()
    requests: WordSet = frozenset()
    told: WordSet = frozenset()
    ours: WordSet = frozenset()
    first_person: WordSet = frozenset()
    second_person: WordSet = frozenset()
    elisions: Words = ()
    spelt_out: Mapping[str, str] = {}


class Complaints(LanguageTable):
    """complaints.toml: by which words a mail shows that its writer complains."""

    cues: CuesFor = Field(default_factory=CuesFor)
    against: CuesAgainst = Field(default_factory=CuesAgainst)
    wishes: Wishes = Field(default_factory=Wishes)
    asked_for: AskedFor = Field(default_factory=AskedFor)
    #: what words mean, by names that are the same in all languages
    meanings: Mapping[str, WordSet] = {}
    words: ComplaintWords = Field(default_factory=ComplaintWords)


class Concepts(LanguageTable):
    """concepts.toml: what words of mails mean, by names that are the same in all languages."""

    concepts: Mapping[str, WordSet] = {}


# ---------------------------------------------------------------------------------------------------------
# answers.toml
# ---------------------------------------------------------------------------------------------------------


class ReceiptKinds(LanguageTable):
    """The table [receipt.kinds]: how each kind of compensation is called."""

    refund: WordSet = frozenset()
    credit: WordSet = frozenset()
    coupon: WordSet = frozenset()


class Receipt(LanguageTable):
    """The table [receipt]: answers to "has it arrived?"."""

    yes: WordSet = frozenset()
    no: WordSet = frozenset()
    denials: WordSet = frozenset()
    nothing: WordSet = frozenset()
    waiting: WordSet = frozenset()
    arrived: WordSet = frozenset()
    all: WordSet = frozenset()
    plain: WordSet = frozenset()
    courtesy: WordSet = frozenset()
    breaks: WordSet = frozenset()
    contrasts: WordSet = frozenset()
    other_things: WordSet = frozenset()
    currencies: WordSet = frozenset()
    negation_endings: Mapping[str, str] = {}
    kinds: ReceiptKinds = Field(default_factory=ReceiptKinds)


class ThanksTable(LanguageTable):
    """The table [thanks]: mails that say thanks and nothing else."""

    thanks: WordSet = frozenset()
    around: WordSet = frozenset()


class RightTable(LanguageTable):
    """The table [right]: answers to "is it right for you now?", and words of customers who leave."""

    yes: WordSet = frozenset()
    no: WordSet = frozenset()
    wrong: WordSet = frozenset()
    denials: WordSet = frozenset()
    waiting: WordSet = frozenset()
    right: WordSet = frozenset()
    weak: WordSet = frozenset()
    whole: WordSet = frozenset()
    alone: WordSet = frozenset()
    around: WordSet = frozenset()
    arrived: WordSet = frozenset()
    articles: WordSet = frozenset()
    joins: Barred = ()
    doubts: WordSet = frozenset()
    right_phrases: Barred = ()
    wrong_phrases: Barred = ()
    persists: Barred = ()
    leaving: Barred = ()
    greetings: WordSet = frozenset()
    again: WordSet = frozenset()
    unsettled: WordSet = frozenset()
    requests: Barred = ()
    footers: Patterns = ()
    faults: Patterns = ()
    gone: Patterns = ()


class ChoiceTable(LanguageTable):
    """The table [choice]: answers to "which option do you choose?"."""

    numbers: tuple[WordSet, ...] = ()
    last: WordSet = frozenset()
    only_of_two: WordSet = frozenset()
    weak_numbers: WordSet = frozenset()
    not_numbers: Phrases = ()
    courtesy: WordSet = frozenset()


class Absence(LanguageTable):
    """The table [absence]: what absence notes say, and how they name the day of return."""

    months: Annotated[tuple[Words, ...], Field(min_length=12, max_length=12)] = ((),) * 12
    weekdays: Annotated[tuple[Words, ...], Field(min_length=7, max_length=7)] = ((),) * 7
    says: Patterns = ()
    back: Patterns = ()
    until: Patterns = ()
    to: Words = ()
    day_endings: Words = ()
    day_endings_after_month: Words = ()
    article: Words = ()
    before_month: Words = ()
    before_year: Words = ()
    before_date: Words = ()
    after_weekday: Words = ()
    tomorrow: Words = ()


class Calls(LanguageTable):
    """The table [calls]: what agents write of a call in which they reached nobody."""

    nobody: Patterns = ()


class NoteWords(LanguageTable):
    """The table [notes]: what agents write around the lines of a note, and how they say yes and no."""

    courtesies: WordSet = frozenset()
    yes: Barred = ()
    no: Barred = ()
    agreed: Barred = ()
    polite: Barred = ()
    fillers: Barred = ()
    numbers: WordSet = frozenset()
    conditions: WordSet = frozenset()
    corrections: Barred = ()
    colons: Barred = ()
    stops: Barred = ()
    takes_over: Barred = ()
    negations: Words = ()
    articles: WordSet = frozenset()
    asides: WordSet = frozenset()
    until: Barred = ()
    since: Barred = ()
    because: Barred = ()
    of: Barred = ()
    spelt_out: Mapping[str, str] = {}


class Answers(LanguageTable):
    """answers.toml: how customers answer, how agents say a few things, how absence notes name a day."""

    parts: Parts = {}
    elisions: Words = ()
    receipt: Receipt = Field(default_factory=Receipt)
    thanks: ThanksTable = Field(default_factory=ThanksTable)
    right: RightTable = Field(default_factory=RightTable)
    choice: ChoiceTable = Field(default_factory=ChoiceTable)
    absence: Absence = Field(default_factory=Absence)
    calls: Calls = Field(default_factory=Calls)
    notes: NoteWords = Field(default_factory=NoteWords)
    verbs: Mapping[str, Barred] = {}
    counted: Mapping[str, Barred] = {}
    values: Mapping[str, Barred] = {}
    prose: Mapping[str, Barred] = {}


# ---------------------------------------------------------------------------------------------------------
# wording.toml
# ---------------------------------------------------------------------------------------------------------

PHRASE_LISTS = (
    "apology",
    "thanks",
    "invitation",
    "non-apology",
    "excuse",
    "blame",
    "passive",
    "over-promise",
    "over-promise-unless",
    "contact-us",
    "sympathy",
    "jargon",
    "gift-card",
    "effort",
    "not-yet-done",
)


def _phrase_list(name: str) -> str:
    """Check the name of a list of phrases.

    Raises:
        ValueError: no rule of wording uses such a list.
    """
    if name not in PHRASE_LISTS:
        raise ValueError(f"there is no list {name!r}; lists are {', '.join(PHRASE_LISTS)}")
    return name


class FactDraft(LanguageTable):
    """A table of [[facts.drafts]]: a better sentence for a fact with a flaw, by what is found in it.

    {NAME} in `find` stands for a colleague's name. Without `for`, it is for every fact.
    """

    flaw: Literal["fragment", "blame", "not-done"]
    facts: Words = Field(default=(), alias="for")
    find: str
    write: str


class FactMoment(LanguageTable):
    """A table of [[facts.moments]]: words that are true on one day only, and how another day writes them.

    `day` is 0 for the day of the words, -1 for the day before, and `write` has a {date}; without one the agent says
    when it was. Without `for`, it is for every fact.
    """

    find: str
    day: int = 0
    write: str = ""
    facts: Words = Field(default=(), alias="for")


class FactWords(LanguageTable):
    """The table [facts]: how what agents state is read before it may be used in a letter."""

    stub: Patterns = ()
    subject: Patterns = ()
    verb: Patterns = ()
    perhaps_verb: Patterns = ()
    headless: Patterns = ()
    third_person: Patterns = ()
    pronoun: Patterns = ()
    antecedent: Patterns = ()
    brands: Phrases = ()
    blame: Patterns = ()
    colleague: Patterns = ()
    same_name: Patterns = ()
    reproach: Patterns = ()
    accused: Patterns = ()
    doer: Patterns = ()
    told: Patterns = ()
    empty: Patterns = ()
    symptom: Patterns = ()
    trouble: Patterns = ()
    harm: Patterns = ()
    mended: Patterns = ()
    foreign: Patterns = ()
    excuse: Patterns = ()
    vague: Patterns = ()
    internal: Patterns = ()
    first_names: WordSet = frozenset()
    not_done: Patterns = ()
    not_done_unless: Patterns = ()
    second_person: tuple[tuple[Pattern, str], ...] = ()
    drafts: tuple[FactDraft, ...] = ()
    moments: tuple[FactMoment, ...] = ()


class Wording(LanguageTable):
    """wording.toml: phrases that letters must have, and phrases that they may not have."""

    parts: Parts = {}
    date_joints: Words = ()
    phrases: Mapping[Annotated[str, AfterValidator(_phrase_list)], Patterns] = {}
    facts: FactWords = Field(default_factory=FactWords)


# ---------------------------------------------------------------------------------------------------------
# samples.toml
# ---------------------------------------------------------------------------------------------------------


class ShortSamples(LanguageTable):
    """The table [short]: facts in fragments."""

    cause: str
    resolution: str
    prevention: str
    promise: str


class Samples(LanguageTable):
    """samples.toml: what people say in the sample cases."""

    subject: str
    story: str
    issue: str
    impact: str
    wants: str
    cause: str
    resolution: str
    prevention: str
    promises: Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]
    late: str
    options: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    gesture: str
    short: ShortSamples


# ---------------------------------------------------------------------------------------------------------
# mail_clients.toml
# ---------------------------------------------------------------------------------------------------------


class QuoteMarks(LanguageTable):
    """The table [quotes]: where a quote begins."""

    wrote: Barred
    wrote_anywhere: Barred
    date_signs: str
    openers: Barred
    weekdays: Barred
    senders: Barred = Field(alias="from")
    sent: Barred
    to: Barred
    subject: Barred
    original: Barred
    above_this_line: Barred
    you_said: Mapping[str, Barred]


class ForwardMarks(LanguageTable):
    """The table [forwards]: mails that somebody forwarded."""

    marks: Barred
    subjects: Barred


class SubjectMarks(LanguageTable):
    """The table [subjects]: what mail programs put before a subject."""

    prefixes: Barred
    tags: Barred
    none: Barred


class SignatureMarks(LanguageTable):
    """The table [signatures]: where a letter ends."""

    farewells: Barred
    short_farewells: Barred
    sent_from: Barred
    disclaimers: Barred
    list_footers: Barred
    postscripts: Patterns


class BounceMarks(LanguageTable):
    """The table [bounces]: reports that a mail was not delivered."""

    subjects: Patterns
    senders: Patterns
    sender_names: Patterns
    not_delivered: Patterns
    failed_to: Patterns
    no_such_user: Patterns
    delayed: Patterns
    returned_below: Barred


class AutoReplyMarks(LanguageTable):
    """The table [auto_replies]: absence notes and other answers by machine."""

    subjects: Patterns
    absence_subjects: Patterns


class UnreadMarks(LanguageTable):
    """The table [unread]: senders whose mail nobody reads."""

    roles: Patterns
    role_parts: Patterns
    machines: Patterns
    forms: Patterns


class FormMarks(LanguageTable):
    """The table [forms]: web forms, whose mail names the customer in its text."""

    platforms: Barred
    address_labels: Barred
    name_labels: Barred


class PublicDomains(LanguageTable):
    """The table [public_domains]: domains in which anybody may have an address."""

    names: Barred


class ProviderMarks(LanguageTable):
    """The table [providers]: domains at which anybody may have an address."""

    public: Patterns


class StubMarks(LanguageTable):
    """The table [stubs]: what a text part says where the letter is only in the HTML part."""

    says: Patterns


class GatewayMarks(LanguageTable):
    """The table [gateways]: what gateways put above the text of a mail from outside."""

    warnings: Barred
    banners: Patterns


class FolderNames(LanguageTable):
    """The table [folders]: names of folders in mail clients."""

    sent: Barred
    drafts: Barred


class MailClients(LanguageTable):
    """mail_clients.toml, which no language owns: what mail programs write."""

    quotes: QuoteMarks
    forwards: ForwardMarks
    subjects: SubjectMarks
    signatures: SignatureMarks
    bounces: BounceMarks
    auto_replies: AutoReplyMarks
    unread: UnreadMarks
    forms: FormMarks
    public_domains: PublicDomains
    providers: ProviderMarks
    stubs: StubMarks
    gateways: GatewayMarks
    folders: FolderNames
