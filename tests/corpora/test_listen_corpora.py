"""Real mails of other projects, stored in this repository: their kinds, parts, and the new words of replies.

The figures are exact and failures are listed by name, so that a change which does better updates them here.
"""

from functools import cache

from followupd.domain.mail import Identity, Kind, Message
from followupd.text.mail.read import read
from tests.corpora.mails import (
    DATA,
    json_lines,
    stored_html_replies,
    stored_labels,
    stored_mails,
    stored_replies,
)
from tests.corpora.measures import (
    cut_wrongly,
    cut_wrongly_by_the_library,
    html_cut_wrongly,
    html_cut_wrongly_by_the_libraries,
    milliseconds,
    reports,
    taken_apart_otherwise,
    words,
)


@cache
def messages() -> dict[str, Message]:
    return {path: read(raw, Identity()) for path, raw in stored_mails().items()}


def of_kind(kind: Kind) -> set[str]:
    return {path for path, message in messages().items() if message.kind is kind}


def labelled(*labels: str) -> set[str]:
    return {path for path, label in stored_labels().items() if label in labels}


def test_every_mail_is_read_and_none_costs_much() -> None:
    messages()  # once, so that what is imported late is there
    costs = milliseconds(stored_mails().values())
    assert len(costs) == 673
    assert sum(costs) / len(costs) < 5
    assert max(costs) < 500


def test_delivery_reports_are_found_but_for_one_that_a_person_forwards() -> None:
    wanted = labelled("bounce", "arf", "success-dsn")
    assert len(wanted) == 371
    assert wanted - of_kind(Kind.BOUNCE) == {"sisimai/bsd/lhost-sendmail-14.eml"}


def test_no_other_mail_is_taken_for_a_delivery_report() -> None:
    others = labelled("ordinary", "auto-reply", "receipt")
    assert len(others) == 302
    assert others & of_kind(Kind.BOUNCE) == set()


def test_auto_replies_are_found_but_for_one_in_polish_without_any_header() -> None:
    wanted = labelled("auto-reply")
    assert len(wanted) == 10
    assert wanted - of_kind(Kind.AUTO_REPLY) == {"php-mime-mail-parser/issue212.eml"}


def test_receipts_are_found_but_for_one_that_is_nothing_but_a_winmail_dat() -> None:
    wanted = labelled("receipt")
    assert len(wanted) == 3
    assert wanted - of_kind(Kind.AUTO_REPLY) == {"zbateson-mail-mime-parser/m4006.eml"}


def test_no_ordinary_mail_is_taken_for_an_auto_reply() -> None:
    assert labelled("ordinary") & of_kind(Kind.AUTO_REPLY) == set()


def test_reports_agree_with_the_tables_that_came_with_them() -> None:
    table = {
        f"sisimai/bsd/{row['name']}": row["reports"] for row in json_lines(DATA / "sisimai/expected.jsonl")
    }
    seen = reports(messages(), table)
    assert len(table) == 300
    assert seen["reports"] == 296  # three are auto-replies, and one a person forwards
    assert (seen["recipient"], seen["original"]) == (289, 260)
    assert (seen["same_class"], seen["status"]) == (218, 220)


def test_parts_are_those_of_the_standard_parser_but_for_broken_mail() -> None:
    # 26 with Python 3.11; the standard parser mends broken mail otherwise in other versions
    assert len(taken_apart_otherwise(stored_mails())) <= 30


def test_new_words_of_replies_are_those_that_their_authors_expect_but_for_six() -> None:
    replies = stored_replies()
    assert len(replies) == 81
    assert cut_wrongly(replies) == [
        "alfonsrv-mail-parser-reply/email_2_1",
        "alfonsrv-mail-parser-reply/email_nl_1_2",
        "crisp-email-reply-parser/email_1",
        "crisp-email-reply-parser/email_3",
        "crisp-email-reply-parser/email_2",
        "crisp-email-reply-parser/email_emoji",
    ]
    assert len(cut_wrongly_by_the_library(replies)) > 30  # 34 with mail-parser-reply 1.36


def test_new_words_of_replies_in_html_are_those_that_their_authors_expect() -> None:
    replies = stored_html_replies()
    assert len(replies) == 7
    assert html_cut_wrongly(replies) == []
    assert len(html_cut_wrongly_by_the_libraries(replies)) >= 4


def test_what_was_typed_in_nineteen_mail_programs_is_read_and_what_they_add_is_not() -> None:
    typed = words((DATA / "clients/typed.txt").read_text("utf-8"))
    answers = {
        path: words(message.text) for path, message in messages().items() if path.startswith("clients/")
    }
    assert len(answers) == 19
    assert all(text.startswith(typed) for text in answers.values())
    assert {path for path, text in answers.items() if text != typed} == {
        "clients/outlook-desktop.eml",
        "clients/outlook-desktop-de.eml",
        "clients/outlook-desktop-fr.eml",  # signatures
    }


def test_no_word_of_a_mail_is_lost_between_new_quoted_and_signed() -> None:
    for path, message in messages().items():
        if message.text or message.quoted or message.signature:
            assert all(line.strip() in message.text for line in message.doubtful), path
