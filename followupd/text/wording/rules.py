"""The rules of wording: reason, better wording, source, and whether they stop a letter (docs/wording.md)."""

from dataclasses import dataclass

from followupd.domain.letter import CUSTOMER_LETTERS, LetterKind
from followupd.domain.translatable import msgid

#: what an agent states in a line: a fact, a promise, a gesture
FACT = "fact"
#: what an agent states about the future of the matter; practice 72 asks that it has happened
PREVENTION = "prevention"
#: a part that several letters include, and a playbook's standing step
PART = "part"

_LETTERS = CUSTOMER_LETTERS
_SORRY = (LetterKind.CONFIRMATION, LetterKind.DELAY, LetterKind.HOLDING, LetterKind.FOLLOW_UP)
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


#: the ids are used in wording.toml, in scripts and in docs/wording.md, so none is ever reused
RULES: tuple[WordingRule, ...] = (
    WordingRule(
        "W01",
        "apology-first",
        msgid("Whoever was let down reads on only when the first two sentences say sorry."),
        msgid("Thank you for telling us. I am sorry: this was our mistake."),
        "practices 1, 51",
        _SORRY,
    ),
    WordingRule(
        "W02",
        "apology-last",
        msgid("The last paragraph is what stays, so it says sorry once more and goes on to an invitation."),
        msgid("Once more, I am sorry. I hope you will come back and let us show you."),
        "practices 1, 10",
        (LetterKind.FOLLOW_UP,),
    ),
    WordingRule(
        "W03",
        "non-apology",
        msgid("An apology with an if, a but, or for the customer's feelings takes itself back."),
        msgid("I am sorry that the parcel did not arrive."),
        "practices 62, 64",
        (*_LETTERS, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W04",
        "excuse",
        msgid("An excuse asks the customer for understanding that is not owed."),
        msgid("We had too few people at the till that day, and that was ours to plan."),
        "practice 62",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W05",
        "blame",
        msgid("Nobody who is blamed feels heard, even where the customer was wrong."),
        msgid("Our form did not make that clear."),
        "practices 4, 16",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W06",
        "passive",
        msgid("A mistake that nobody made is one that nobody answers for."),
        msgid("We made a mistake: I sent your order to an old address."),
        "practice 2",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W07",
        "over-promise",
        msgid(
            "Nobody can keep a guarantee about the future, and a second broken word is worse than the first."
        ),
        msgid(
            "We have changed how labels are printed, so that this mistake is caught before a parcel leaves."
        ),
        "practices 24, 38",
        (*_LETTERS, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W08",
        "contact-us",
        msgid(
            "A letter that asks to be called instead of saying what it has to say "
            "makes the customer do our work."
        ),
        msgid("Your refund of €25 left today. If anything is unclear, I am at +44 20 7946 0018."),
        "practice 70",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W09",
        "sympathy",
        msgid("Pity looks down on the customer; empathy says what it meant and what we do about it."),
        msgid("You stood there without the present. That should not have happened to you."),
        "practice 52",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W10",
        "jargon",
        msgid("Words of our trade shut the customer out."),
        msgid("the number on your parcel (instead of: the RMA)"),
        "practice 21",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W11",
        "shouting",
        msgid("Capitals and exclamation marks sound loud where somebody is upset."),
        msgid("I am sorry."),
        "practice 4",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W12",
        "length",
        msgid("A long letter hides its own point; a holding letter has three sentences."),
        msgid("one thought a paragraph, and only what the customer needs"),
        "practice 51",
        (*_LETTERS, *_LINES),
    ),
    WordingRule(
        "W13",
        "past-date",
        msgid("A date that is over shows that nobody read the letter before it left."),
        msgid("by Friday, 4 December"),
        "practice 56",
        (*_LETTERS, PART),
        hard=True,
    ),
    WordingRule(
        "W14",
        "unlogged-promise",
        msgid("A promise with a date that is not in the ledger is one that nobody is reminded of."),
        msgid("say it as a line of its own: promise: call you by Friday"),
        "practices 29, 56",
        (*_LETTERS, *_LINES),
    ),
    WordingRule(
        "W15",
        "gift-card",
        msgid("A gift card belongs in a letter of its own, or it looks like the price of a complaint."),
        msgid("gift-card: 20"),
        "practice 47",
        (*_SORRY, PART, *_LINES),
        hard=True,
    ),
    WordingRule(
        "W16",
        "same-text",
        msgid("Nobody believes an apology that they have had before, word for word."),
        msgid("say what has happened since the last letter"),
        "practice 19",
        _LETTERS,
        hard=True,
    ),
    WordingRule(
        "W17",
        "effort",
        msgid("Putting it right costs the customer no work and no money."),
        msgid("A courier collects it on Monday; you need do nothing."),
        "practice 42",
        (*_LETTERS, PART, *_LINES),
    ),
    WordingRule(
        "W18",
        "not-yet-done",
        msgid("Only a change that has been made tells the customer that it will be different."),
        msgid("Labels are now printed from the order itself."),
        "practice 72",
        (PREVENTION,),
    ),
    WordingRule(
        "W19",
        "borrowed-words",
        msgid("What it meant for one customer is never, word for word, what it meant for another."),
        msgid("It was a present for your mother's birthday, and you stood there without it."),
        "practice 3",
        (LetterKind.CONFIRMATION, LetterKind.FOLLOW_UP),
        hard=True,
    ),
    WordingRule(
        "W20",
        "markup",
        msgid("The customer reads these marks as they are typed."),
        msgid("the words alone, without marks"),
        "practice 21",
        (*_LETTERS, PART, *_LINES),
    ),
)

#: the most words in the body of a letter, and in one fact
LONGEST = {
    LetterKind.CONFIRMATION: 320,
    LetterKind.DELAY: 200,
    LetterKind.FOLLOW_UP: 400,
    LetterKind.GIFT_CARD: 120,
    LetterKind.HOLDING: 120,
    FACT: 90,
    PREVENTION: 90,
}
#: the most sentences of a holding letter, without the one that says how to reach us (docs/practices.md)
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
