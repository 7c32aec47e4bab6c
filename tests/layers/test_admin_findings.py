"""Each finding about an admin's first hour and year has a test, or a reason why not: the list, and that its tests exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: finding -> the tests that failed before it was mended
FINDINGS = {
    "B1": (
        "test_each_damaged_file_is_a_problem_with_its_name_and_never_a_traceback",
        "test_a_letter_that_cannot_be_read_is_refused_at_a_reload_and_status_says_so",
        "test_root_is_warned_of_a_file_that_the_services_user_cannot_read",
    ),
    "B2": (
        "test_a_mailbox_that_is_out_at_the_start_takes_down_nothing_else",
        "test_a_refused_password_is_tried_by_one_connection_and_then_seldom",
    ),
    "M1": ("test_init_without_answers_writes_the_starter_and_check_names_what_is_still_an_example",),
    "M2": (
        "test_a_mail_to_the_lead_that_is_refused_for_good_is_told_to_the_next_above",
        "test_a_refused_configuration_and_refused_mails_to_agents_are_not_well",
    ),
    "M3": ("test_check_names_what_keeps_the_daemon_from_starting",),
    "M4": ("test_a_server_that_takes_no_letters_of_ours_is_a_problem_and_nothing_is_sent",),
    "M5": (
        "test_an_agent_with_an_alias_of_the_mailbox_is_refused",
        "test_a_mail_in_answer_to_a_desk_mail_is_never_a_customers_word_and_the_owner_sees_it",
    ),
    "M6": (
        "test_a_ledger_refuses_another_key_until_the_old_one_stands_below_it",
        "test_a_ledger_is_encrypted_anew_and_the_old_key_opens_nothing_of_it",
    ),
    "M7": (
        "test_a_ledger_moves_to_another_database_and_goes_on_there",
        "test_a_new_ledger_in_a_mailbox_that_has_letters_of_ours_stops_and_asks",
    ),
    "M8": (
        "test_a_command_that_reads_makes_no_ledger_and_says_where_there_is_none",
        "test_a_backup_of_nothing_is_no_backup",
    ),
    "M9": (
        "test_a_single_run_goes_on_until_nothing_is_left",
        "test_a_single_run_that_gets_nowhere_ends_and_says_how_much_is_left",
    ),
    "M10": ("test_a_refused_configuration_and_refused_mails_to_agents_are_not_well",),
    "M11": (
        "test_an_amount_that_could_be_a_thousandth_is_refused",
        "test_a_setting_with_a_separator_of_thousands_is_refused_with_the_amount_to_write",
    ),
    "M12": (
        "test_markup_that_a_letter_does_not_know_is_named_with_its_line_and_nothing_else_is",
        "test_check_finds_letters_that_are_missing_or_that_nobody_sends",
    ),
    "M13": (
        "test_a_language_that_was_copied_and_not_translated_is_named_letter_by_letter",
        "test_a_language_without_letters_is_a_warning",
        "test_a_new_language_begins_with_what_is_to_be_translated_and_check_says_what_is_left",
    ),
    "M14": (
        "test_an_admins_own_text_stands_in_a_letter_and_in_a_link",
        "test_a_playbook_brings_its_own_steps_and_its_own_letter",
        "test_a_letter_shows_its_logo_and_has_its_files",
        "test_a_preview_is_sent_to_an_address_of_ones_own_and_to_nobody_else",
    ),
    "M15": ("test_two_brands_never_mix_in_a_letter_a_cap_or_a_report",),
    "M16": (
        "test_the_wheel_has_what_an_admin_reads_and_installs",
        "test_the_unit_starts_this_installation_and_hands_over_what_the_configuration_names",
        "test_a_package_is_installed_set_up_started_upgraded_and_removed",
    ),
    "M17": ("test_what_a_transaction_would_have_done_is_not_in_the_log",),
    "m1": ("test_a_mistake_is_found_at_its_line",),
    "m2": ("test_a_folder_that_does_not_exist_is_named_at_its_line_with_those_that_do",),
    "m3": (
        "test_a_rule_of_wording_and_a_step_are_found_at_their_lines_with_what_was_meant",
        "test_words_that_a_part_brings_into_a_letter_are_named_in_the_part",
    ),
    "m4": ("test_a_language_with_next_to_no_phrases_in_a_group_is_a_warning",),
    "m5": ("test_a_playbook_that_is_none_by_its_name_is_a_warning",),
    "m6": (
        "test_columns_are_found_by_their_names_however_a_spreadsheet_wrote_them",
        "test_a_file_of_another_charset_is_refused_with_how_to_save_it",
    ),
    "m7": ("test_a_healthy_daemon_is_ok_in_company_time",),
    "m8": (
        "test_a_letter_that_a_person_let_go_waits_for_neither_quiet_hours_nor_quotas_but_for_a_hold",
        "test_a_letter_of_quiet_hours_leaves_when_a_reload_has_changed_them",
    ),
    "m9": ("test_lists_of_cases_and_letters_take_what_is_wanted",),
    "m10": ("test_every_command_and_option_has_its_place_in_the_man_page_and_the_completion",),
    "m11": ("test_both_ways_find_the_same",),
    "m12": ("test_only_the_demo_imports_the_mail_servers_of_the_extra",),
    "m15": ("test_the_librarys_own_warnings_reach_nobody",),
    "m16": ("test_the_hidden_preview_has_no_colour_that_a_spam_filter_counts",),
    "m17": ("test_the_preview_is_hidden_in_its_element_and_phone_and_mail_are_links",),
    "m18": (
        "test_a_finding_beside_the_letter_has_its_file_and_line",
        "test_the_letter_is_shown_in_the_colours_that_are_chosen",
        "test_a_browser_shows_letter_and_findings",
    ),
    "m19": ("test_a_password_that_two_accounts_share_is_a_warning",),
    "m20": ("test_a_mail_to_the_lead_that_is_refused_for_good_is_told_to_the_next_above",),
    "m21": ("test_a_fault_that_ends_every_start_does_not_loop_for_ever",),
}
#: findings without a test of their own here, and why; decision 55 has what is not built of M12 (contrast), M14 (rules of
#: an admin's own) and m3 (a line for a whole letter)
REASONS = {
    "m13": "the target of `make demo` installs another list of packages",
    "m14": "words of the README",
}


def test_every_finding_is_in_the_list() -> None:
    numbers = [f"B{n}" for n in (1, 2)] + [f"M{n}" for n in range(1, 18)] + [f"m{n}" for n in range(1, 22)]
    assert sorted({*FINDINGS, *REASONS}) == sorted(numbers)


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_tests_of_a_finding_exist(finding: str) -> None:
    text = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    for name in FINDINGS[finding]:
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), name
