"""What demanding native readers found in the letters, by number, and the tests that hold each."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from followupd.domain.letter import LetterKind
from followupd.domain.promise import PromiseState
from tests.story.lettered import TEMPLATES, flat, promise, sample, wrote

TESTS = Path(__file__).parents[1]
TOP = TESTS.parent
#: finding -> what was found, and the names of the tests that would fail if it came back
FINDINGS = {
    1: (
        "“Dunno.”, “Fixed it.”, “n/a” as facts",
        [
            "test_a_stub_goes_back_and_nothing_is_stated",
            "test_a_stub_of_an_older_ledger_counts_as_missing_at_the_gate",
        ],
    ),
    2: (
        "the customer's own sentence as ours",
        [
            "test_the_customers_own_words_are_a_quotation_and_never_ours",
            "test_a_fact_that_is_offered_has_no_greeting",
        ],
    ),
    3: ("a standing step as done", ["test_a_standing_step_is_never_told_as_done"]),
    4: (
        "the author in the third person",
        [
            "test_the_starters_next_steps_are_in_the_first_person",
            "test_a_preview_shows_the_options_the_review_and_the_next_steps_of_the_playbook",
        ],
    ),
    5: (
        "two dates in one clause",
        [
            "test_a_clause_with_two_dates_is_asked_about",
            "test_two_verbs_with_two_dates_are_cut_between_them_also_without_capitals",
        ],
    ),
    6: (
        "holes where a date was cut out",
        [
            "test_no_word_is_cut_from_inside_a_promise_only_a_date_at_its_end",
            "test_a_line_that_somebody_shortened_leaves_no_debris",
        ],
    ),
    7: (
        "“on” became “by”",
        [
            "test_a_promise_keeps_its_relation_to_its_date",
            "test_every_relation_to_a_date_stands_before_a_separable_verbs_end",
        ],
    ),
    8: (
        "infinitives and fragments as promises",
        ["test_a_promise_is_said_with_its_date_as_a_native_speaker_would"],
    ),
    10: (
        "danger, and a letter about the trouble",
        [
            "test_the_first_letter_to_somebody_in_danger_says_what_to_do_now",
            "test_where_somebody_is_in_danger_a_call_is_promised_before_everything_else",
        ],
    ),
    11: (
        "holding letters with dates of their own",
        [
            "test_a_holding_letter_names_the_date_that_was_missed_and_makes_none",
            "test_silence_brings_a_nudge_and_then_a_holding_letter",
        ],
    ),
    15: (
        "greetings",
        [
            "test_a_letter_greets_the_person",
            "test_an_agents_salutation_counts_where_it_names_somebody",
            "test_every_letter_speaks_informally_where_the_agent_does",
        ],
    ),
    16: (
        "no responsibility where the cause is ours",
        [
            "test_an_unknown_fact_blocks_the_follow_up",
            "test_fault_is_admitted_only_where_an_agent_said_that_it_is_ours",
        ],
    ),
    17: ("the same refund twice", ["test_the_same_refund_mentioned_and_then_said_in_a_line_is_one"]),
    18: (
        "money promised that waits for an approval",
        ["test_money_that_waits_for_an_approval_is_promised_in_no_letter"],
    ),
    19: (
        "silence after the fix",
        [
            "test_a_customer_whose_money_waits_for_an_approval_hears_from_us_and_the_lead_is_asked_each_morning"
        ],
    ),
    20: (
        "half heard, and nobody told",
        [
            "test_what_was_read_in_a_reply_is_shown_at_once_and_leaves_at_the_end_of_the_quiet_window",
            "test_an_unclear_sentence_is_asked_once_and_a_yes_or_a_better_line_answers",
        ],
    ),
    21: (
        "facts in fragments",
        [
            "test_nine_of_ten_poor_facts_are_told_and_hardly_a_good_one_is_blamed",
            "test_the_same_sentence_for_two_facts_goes_back",
        ],
    ),
    23: (
        "rules of wording",
        [
            "test_nine_of_ten_bad_sentences_of_each_kind_and_language_are_found",
            "test_no_good_sentence_is_blamed",
        ],
    ),
}
#: findings about recognising, which is measured on mails and replies, and about no letter
ELSEWHERE = {9, 12, 13, 14, 22}
#: what was asked of the letters, point by point, and the tests that would fail if it went
POINTS = {
    "nothing leaves unread": [
        "test_what_was_read_in_a_reply_is_shown_at_once_and_leaves_at_the_end_of_the_quiet_window",
        "test_a_first_letter_that_no_mail_has_shown_is_shown",
        "test_a_delay_letter_is_shown_and_leaves_at_the_end_of_the_quiet_window",
        "test_the_owner_reads_the_whole_follow_up_an_hour_before_it_leaves",
        "test_the_digest_shows_the_letter_about_a_promise_that_slips_on_its_day",
    ],
    "a playbook may say that nothing is shown": ["test_a_playbook_may_say_that_nothing_is_shown"],
    "review stays as it is": ["test_a_follow_up_in_review_is_shown_by_its_draft_alone"],
    "never shown twice unless its words changed": [
        "test_a_follow_up_with_other_words_is_shown_again_and_otherwise_never",
        "test_a_line_added_to_a_first_letter_that_the_owner_has_seen_is_not_shown_again",
    ],
    "desk mails stay within their limit": [
        "test_a_diligent_agent_gets_at_most_thirty_mails_for_twelve_complaints"
    ],
    "stubs count as missing": ["test_a_stub_goes_back_and_nothing_is_stated"],
    "poor facts go back with a drafted sentence": [
        "test_facts_of_strangers_are_told_and_blamed_so_often",
        "test_a_better_sentence_speaks_to_the_customer",
        "test_what_was_wrong_alone_is_neither_a_repair_nor_a_change",
        "test_ok_takes_the_better_sentence_of_each_fact_that_went_back",
    ],
    "an agent may insist": ["test_an_agent_may_insist_on_a_fact_that_went_back"],
    "steps in the first person": ["test_the_starters_next_steps_are_in_the_first_person"],
    "a promise is a whole sentence with on, by, between": [
        "test_a_promise_is_said_with_its_date_as_a_native_speaker_would",
        "test_a_promise_keeps_its_relation_to_its_date",
    ],
    "the second letter lists what a person did": ["test_a_standing_step_is_never_told_as_done"],
    "a holding letter names the missed date": [
        "test_a_holding_letter_names_the_date_that_was_missed_and_makes_none"
    ],
    "a missed date goes to the lead": [
        "test_of_a_silent_agents_cases_the_lead_hears_in_one_digest_a_day_and_when_a_date_is_missed"
    ],
    "fault is settled before a follow-up": [
        "test_an_unknown_fact_blocks_the_follow_up",
        "test_the_fault_is_proposed_from_the_cause_and_settled_by_one_word",
    ],
    "the customer is quoted": [
        "test_the_customers_own_words_are_a_quotation_and_never_ours",
        "test_a_fact_that_is_offered_has_no_greeting",
    ],
    "paragraphs without labels": [
        "test_no_fact_stands_behind_a_label",
        "test_what_was_given_is_no_label_with_a_colon",
    ],
    "the apology follows severity and fault": [
        "test_the_weight_of_the_apology_follows_severity_and_fault",
        "test_fault_and_severity_change_the_apology",
    ],
    "danger": ["test_the_first_letter_to_somebody_in_danger_says_what_to_do_now"],
    "a second complaint and a third": [
        "test_a_second_complaint_has_letters_of_its_own",
        "test_what_was_told_to_be_different_before_is_refused",
        "test_a_second_complaint_is_followed_up_only_with_a_gift_or_a_leads_reason",
        "test_a_second_complaint_gets_a_letter_of_its_own_and_a_third_goes_to_a_person_only",
    ],
    "registers": [
        "test_every_letter_speaks_informally_where_the_agent_does",
        "test_every_letter_is_formal_otherwise",
    ],
    "greetings": [
        "test_a_letter_greets_the_person",
        "test_an_agents_salutation_counts_where_it_names_somebody",
    ],
    "a gesture is suggested": [
        "test_the_agent_is_told_what_is_usual_for_the_trouble",
        "test_more_is_usual_for_a_greater_loss_as_the_mail_or_an_agent_says",
        "test_a_case_closes_without_the_usual_gesture_only_with_a_reason",
    ],
    "approvals never leave a customer in silence": [
        "test_a_customer_whose_money_waits_for_an_approval_hears_from_us_and_the_lead_is_asked_each_morning"
    ],
    "texts of the admin": ["test_an_admins_own_text_stands_in_a_letter_and_in_a_link"],
    "a letter of a playbook": ["test_the_letter_of_a_playbook_stands_in_for_the_general_one_in_its_cases"],
    "files and a logo": ["test_a_letter_shows_its_logo_and_has_its_files"],
    "previews": [
        "test_a_preview_is_sent_to_an_address_of_ones_own_and_to_nobody_else",
        "test_a_preview_shows_the_options_the_review_and_the_next_steps_of_the_playbook",
        "test_a_playbook_brings_its_own_steps_and_its_own_letter",
    ],
    "markup is named with its line": [
        "test_markup_that_a_letter_does_not_know_is_named_with_its_line_and_nothing_else_is"
    ],
    "links and a preheader": [
        "test_the_phone_and_the_address_of_the_owner_are_links",
        "test_the_hidden_preview_has_no_colour_that_a_spam_filter_counts",
    ],
    "sentences of native speakers": [
        "test_lines_that_no_native_speaker_would_write_do_not_come_back",
        "test_a_french_letter_writes_the_first_of_a_month_as_people_do",
    ],
    "rules of wording": [
        "test_nine_of_ten_bad_sentences_of_each_kind_and_language_are_found",
        "test_no_good_sentence_is_blamed",
    ],
    "twenty whole cases": ["test_the_letters_of_a_case_are_the_examples"],
    "the README's letter and pictures": [
        "test_the_letter_in_the_readme_is_the_one_that_is_sent",
        "test_every_picture_that_is_taken_is_shown",
    ],
    "no spam point": ["test_no_letter_has_a_spam_point"],
    "at most 200 words": ["test_no_letter_has_more_words_of_its_own"],
}
#: lines of letters that no native speaker would write, by language
NEVER = {
    "en": [
        "it is taking its time",
        "My own address",
        "What went wrong:",
        "so here it is",
        "reply with its number",
        "promised you something",
        "- A replacement",
    ],
    "de": [
        "Meine eigene Adresse",
        "wenn nicht, gehe ich",
        "diesen Ärger haben",
        "in Ordnung für Sie?",
        "hatte ich Ihnen etwas zugesagt",
        "nicht weiter, woran",
        "- Einen Ersatz",
    ],
    "de-informal": ["Mein Name ist"],
    "fr": [
        "Mon adresse",
        "c'est moi qui suis votre",
        "sinon, je m'en occupe",
        "Trouver pourquoi",
        "en ordre pour vous",
        "annoncé de mes nouvelles",
        "promis quelque chose",
        "excuses, et cela passe",
        "- Un produit de remplacement",
    ],
    "es": [
        "Mi dirección",
        "por nuestra parte en ellas",
        "Hola, Kim Doe",
        "prometí algo",
        "- Un producto de sustitución",
    ],
}


def test_each_finding_has_its_tests() -> None:
    known = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"(?m)^def (test_\w+)", path.read_text())
    }
    assert [(n, name) for n, (_, names) in FINDINGS.items() for name in names if name not in known] == []
    assert [(point, name) for point, names in POINTS.items() for name in names if name not in known] == []
    assert FINDINGS.keys() | ELSEWHERE == set(range(1, 24))


def test_a_standing_step_is_never_told_as_done() -> None:
    kept = promise("find out what happened", source="playbook", state=PromiseState.KEPT)
    said = promise("send you a new kettle", n=2, source="reply", state=PromiseState.KEPT)
    case = replace(sample("long"), promises=(kept, said, promise("ring you", n=3, source="reply")))
    text = flat(wrote(LetterKind.CONFIRMATION, case).text)
    assert "find out what happened" not in text.lower()
    assert "send you a new kettle" in text.lower()


@pytest.mark.parametrize("file", sorted((TOP / "config/playbooks").iterdir()), ids=lambda file: file.stem)
def test_the_starters_next_steps_are_in_the_first_person(file: Path) -> None:
    steps = tomllib.loads(file.read_text())["next_step"]
    texts = [text for step in steps for text in (step["text"], *step.get("texts", {}).values())]
    assert texts
    assert [text for text in texts if "owner" in text or "{{" in text] == []


@pytest.mark.parametrize("language", NEVER)
def test_lines_that_no_native_speaker_would_write_do_not_come_back(language: str) -> None:
    files = TEMPLATES.glob(f"{language}*/*.md")
    texts = {str(path.relative_to(TEMPLATES)): flat(path.read_text()) for path in files}
    assert [(name, line) for name, text in texts.items() for line in NEVER[language] if line in text] == []


def test_no_fact_stands_behind_a_label() -> None:
    texts = {str(path.relative_to(TEMPLATES)): flat(path.read_text()) for path in TEMPLATES.glob("*/*.md")}
    printed = {name: re.findall(r"(\S+) \{\{ facts\.", text) for name, text in texts.items()}
    assert any(printed.values())
    assert [
        (name, word) for name, words in printed.items() for word in words if word.endswith((":", ":**"))
    ] == []
