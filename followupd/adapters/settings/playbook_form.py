"""The form of playbooks/*.toml: every table and key, its default and what it means."""

from followupd.adapters.settings import known, patterns, plain
from followupd.adapters.settings.form import Form, Option, Section
from followupd.domain.promise import PromiseKind


def _severity(severity: str, says: str, tell: str, example: str) -> Section:
    return Section(
        f"severity.{severity}",
        says,
        (
            Option(
                "tell",
                plain.one_of("", "lead", "manager"),
                "Who hears of the case at once, besides its owner.",
                tell,
                example,
            ),
            Option("follow_up", plain.maybe_duration, "Instead of `follow_up.after`.", "", "1 business day"),
            Option("silence", plain.maybe_duration, "Instead of `silence.after`.", "", "1 business day"),
            Option("lead", plain.maybe_duration, "Instead of `escalation.lead`.", "", "4 business hours"),
            Option("manager", plain.maybe_duration, "Instead of `escalation.manager`.", "", "1 business day"),
        ),
    )


_REVIEW_SAYS = "`true`: the letter waits for an agent's `approve`."

PLAYBOOK: Form = (
    Section(
        "",
        "What we do for one kind of complaint. Keys above the first table:",
        (
            Option("name", plain.text, "The file's name without `.toml`.", "", "delivery"),
            Option(
                "owner", plain.text, "The agent who owns its cases; the first agent when empty.", "", "ana"
            ),
            Option("words", patterns.patterns, "Phrases that choose this playbook.", [], ["lost parcel"]),
            Option(
                "cues",
                patterns.cue_groups,
                "Groups of the recogniser's cues that choose it when no playbook's words do.",
                [],
                ["safety", "legal"],
            ),
            Option(
                "causes",
                plain.words,
                "The cause codes that agents choose from (`cause-carrier`).",
                ["carrier", "picking", "billing", "product", "other"],
                ["carrier", "warehouse"],
            ),
            Option(
                "language", known.language, "Language of its letters; empty for the customer's own.", "", "de"
            ),
        ),
    ),
    Section(
        "next_step",
        "A standing promise, made when a case opens. Write the table once for each; without any, the first letter "
        "waits for an agent's promise.",
        (
            Option(
                "text",
                plain.filled,
                "What we do, as the customer reads it; a Jinja2 sentence over `owner`, `company` and `customer`.",
                example="{{ owner.name }} calls the carrier and writes to you with an answer",
            ),
            Option("within", plain.duration, "By when.", example="2 business days"),
            Option(
                "kind",
                plain.one_of(*PromiseKind),
                "`firm`: it happens; `estimate`: we expect it; `next-update`: you hear from us, whatever the answer.",
                "next-update",
                "firm",
            ),
            Option(
                "margin",
                plain.maybe_duration,
                "Our own date is this much earlier than the one we tell; none when the time is too short for it.",
                "4 business hours",
                "1 business day",
            ),
            Option(
                "texts",
                known.by_language,
                "`text` in other languages; a letter in one that is missing here says `text`.",
                {},
                {"de": "{{ owner.name }} fragt beim Paketdienst nach und schreibt Ihnen"},
            ),
        ),
        many=True,
    ),
    Section(
        "confirmation",
        "The first letter: sorry for the trouble, and what happens next.",
        (
            Option(
                "after",
                plain.duration,
                "The quiet window: several mails, one answer.",
                "10 minutes",
                "1 hour",
            ),
            Option("review", plain.flag, _REVIEW_SAYS, False, True),
        ),
    ),
    Section(
        "follow_up",
        "The letter after the fix: what went wrong, what was done, why it won't happen again.",
        (
            Option("after", plain.duration, "From the fix.", "3 business days", "1 week"),
            Option("review", plain.flag, _REVIEW_SAYS, False, True),
            Option(
                "call",
                plain.flag,
                "A task to call the customer goes to the owner on the same day.",
                True,
                False,
            ),
        ),
    ),
    Section(
        "gift_card",
        "A gift card, in a message and a thread of its own.",
        (
            Option("after", plain.duration, "From the follow-up.", "1 business day", "2 business days"),
            Option("amount", known.amount, "Offered without asking; empty: only when granted.", "", "20 EUR"),
        ),
    ),
    Section(
        "closing",
        "The end of a case.",
        (
            Option(
                "after",
                plain.duration,
                "From the last letter, when all is quiet.",
                "10 business days",
                "2 weeks",
            ),
        ),
    ),
    Section(
        "silence",
        "No word to the customer.",
        (
            Option(
                "after",
                plain.duration,
                "After so long the owner is nudged, then a holding letter leaves.",
                "2 business days",
                "1 business day",
            ),
        ),
    ),
    Section(
        "escalation",
        "Who is told of an overdue promise, and when.",
        (
            Option(
                "lead",
                plain.duration,
                "The lead, so long after it is due.",
                "1 business day",
                "4 business hours",
            ),
            Option("manager", plain.duration, "The manager.", "2 business days", "1 business day"),
        ),
    ),
    _severity("high", "What is different for a severe case. Empty: as the playbook says.", "lead", "manager"),
    _severity("low", "What is different for a mild case. Empty: as the playbook says.", "", "lead"),
)
