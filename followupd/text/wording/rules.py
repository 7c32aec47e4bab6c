"""The rules of wording: what each is about, why, how to say it better, where it comes from, and whether it stops a letter."""

from dataclasses import dataclass

from followupd.domain.letter import CONFIRMATION, CUSTOMER_LETTERS, DELAY, FOLLOW_UP, GIFT_CARD, HOLDING

#: what an agent states in a line: a fact, a promise, a gesture
FACT = "fact"
#: what an agent states about the future of the matter; practice 72 asks that it has happened
PREVENTION = "prevention"
#: a part that several letters include, and a playbook's standing step
PART = "part"

_LETTERS = CUSTOMER_LETTERS
_SORRY = (CONFIRMATION, DELAY, HOLDING, FOLLOW_UP)
_LINES = (FACT, PREVENTION)


@dataclass(frozen=True, slots=True)
class WordingRule:
    """One rule. `name` is the list of phrases that wording.toml may add to; `hard` rules stop a letter."""

    id: str
    name: str
    reason: str
    better: str
    source: str
    kinds: tuple[str, ...]
    hard: bool = False


#: the ids stand in wording.toml, in scripts and in docs/wording.md, so none is ever reused
RULES: tuple[WordingRule, ...] = (
    WordingRule(
        "W01",
        "apology-first",
        "Whoever was let down reads on only when the first two sentences say sorry.",
        "Thank you for telling us. I am sorry: this was our mistake.",
        "practices 1, 51",
        _SORRY,
    ),
    WordingRule(
        "W02",
        "apology-last",
        "The last paragraph is what stays, so it says sorry once more and goes on to an invitation.",
        "Once more, I am sorry. I hope you will come back and let us show you.",
        "practices 1, 10",
        (FOLLOW_UP,),
    ),
    WordingRule(
        "W03",
        "non-apology",
        "An apology with an if, a but, or for the customer's feelings takes itself back.",
        "I am sorry that the parcel did not arrive.",
        "practices 62, 64",
        (*_LETTERS, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W04",
        "excuse",
        "An excuse asks the customer for understanding that is not owed.",
        "We had too few people at the till that day, and that was ours to plan.",
        "practice 62",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W05",
        "blame",
        "Nobody who is blamed feels heard, even where the customer was wrong.",
        "Our form did not make that clear.",
        "practices 4, 16",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W06",
        "passive",
        "A mistake that nobody made is one that nobody answers for.",
        "We made a mistake: I sent your order to an old address.",
        "practice 2",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W07",
        "over-promise",
        "Nobody can keep a guarantee about the future, and a second broken word is worse than the first.",
        "We have changed how labels are printed, so that this mistake is caught before a parcel leaves.",
        "practices 24, 38",
        (*_LETTERS, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W08",
        "contact-us",
        "A letter that asks to be called instead of saying what it has to say makes the customer do our work.",
        "Your refund of €25 left today. If anything is unclear, I am at +44 20 7946 0018.",
        "practice 70",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W09",
        "sympathy",
        "Pity looks down on the customer; empathy says what it meant and what we do about it.",
        "You stood there without the present. That should not have happened to you.",
        "practice 52",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W10",
        "jargon",
        "Words of our trade shut the customer out.",
        "the number on your parcel (instead of: the RMA)",
        "practice 21",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W11",
        "shouting",
        "Capitals and exclamation marks sound loud where somebody is upset.",
        "I am sorry.",
        "practice 4",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W12",
        "length",
        "A long letter hides its own point; a holding letter has three sentences.",
        "one thought a paragraph, and only what the customer needs",
        "practice 51",
        (*_LETTERS, *_LINES),
    ),
    WordingRule(
        "W13",
        "past-date",
        "A date that is over shows that nobody read the letter before it left.",
        "by Friday, 4 December",
        "practice 56",
        (*_LETTERS, PART),
        hard=True,
    ),
    WordingRule(
        "W14",
        "unlogged-promise",
        "A promise with a date that is not in the ledger is one that nobody is reminded of.",
        "say it as a line of its own: promise: call you by Friday",
        "practices 29, 56",
        (*_LETTERS, *_LINES),
    ),
    WordingRule(
        "W15",
        "gift-card",
        "A gift card belongs in a letter of its own, or it looks like the price of a complaint.",
        "gift-card: 20",
        "practice 47",
        (*_SORRY, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W16",
        "same-text",
        "Nobody believes an apology that they have had before, word for word.",
        "say what has happened since the last letter",
        "practice 19",
        _LETTERS,
        hard=True,
    ),
    WordingRule(
        "W17",
        "effort",
        "Putting it right costs the customer no work and no money.",
        "A courier collects it on Monday; you need do nothing.",
        "practice 42",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W18",
        "not-yet-done",
        "Only a change that has been made tells the customer that it will be different.",
        "Labels are now printed from the order itself.",
        "practice 72",
        (PREVENTION,),
    ),
    WordingRule(
        "W19",
        "borrowed-words",
        "What it meant for one customer is never, word for word, what it meant for another.",
        "It was a present for your mother's birthday, and you stood there without it.",
        "practice 3",
        (CONFIRMATION, FOLLOW_UP),
        hard=True,
    ),
)

#: the most words in the body of a letter, and in one fact
LONGEST = {
    CONFIRMATION: 320,
    DELAY: 200,
    FOLLOW_UP: 400,
    GIFT_CARD: 120,
    HOLDING: 120,
    FACT: 90,
    PREVENTION: 90,
}
#: sentences of a holding letter, its way to reach us not counted (hourly contact, or brevity: PRACTICES, last table)
HOLDING_SENTENCES = 3
BY_ID = {rule.id: rule for rule in RULES}
#: lists of phrases that wording.toml may add to, and the rule that each belongs to
PHRASED = (
    "non-apology",
    "excuse",
    "blame",
    "passive",
    "over-promise",
    "contact-us",
    "sympathy",
    "jargon",
    "gift-card",
    "effort",
    "not-yet-done",
)
