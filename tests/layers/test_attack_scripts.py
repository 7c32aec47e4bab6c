"""Each script of the first attacks has the tests into which its attack was turned: the list, and that the tests exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: script, and what of it -> the tests in which its attack fails, each with variations of its own
SCRIPTS = {
    "chaos": ("test_an_unlucky_day_sends_nothing_twice_forgets_nothing_and_asks_about_each_doubt",),
    "o1_e2e": (
        "test_no_forged_note_pays_out_and_the_same_note_of_the_agent_does",
        "test_money_that_a_note_gives_is_told_to_the_agent_in_whose_name_it_came",
        "test_a_desk_mail_gives_no_orders_once_its_case_is_closed",
        "test_a_desk_mail_of_a_closed_case_stays_dead_when_the_case_is_opened_again",
        "test_a_customer_who_opens_a_closed_case_again_brings_no_desk_mail_to_life",
    ),
    "o1_note_forgery": (
        "test_a_note_whose_sender_is_not_confirmed_gives_no_orders",
        "test_no_change_of_one_place_turns_a_failed_check_into_a_pass",
        "test_the_examples_of_the_standard_are_read_as_it_says",
        "test_a_failed_check_anywhere_is_a_failed_check",
        "test_below_a_line_that_is_no_field_nothing_is_proven",
        "test_who_is_only_named_in_a_mail_has_not_proven_to_be_its_sender",
    ),
    "o2_flood": (
        "test_a_flood_of_forged_complaints_costs_no_honest_customer_a_day_nor_an_agent_an_afternoon",
        "test_a_flood_of_complaints_holds_back_no_letter_that_people_promised",
        "test_a_flood_of_another_shape_costs_no_honest_customer_a_day",
        "test_a_flood_costs_no_honest_letter_a_day_no_agent_an_afternoon_and_the_machine_little",
        "test_a_slow_flood_costs_no_agent_an_afternoon_either",
        "test_a_flood_of_mails_about_a_case_or_in_an_agents_name_costs_no_agent_an_afternoon",
    ),
    "o2b_flood_small": (
        "test_the_leads_hear_at_once_that_the_breaker_is_open",
        "test_no_breaker_holds_back_the_mail_that_says_that_it_is_open",
    ),
    "o3_quoting": (
        "test_a_line_of_the_customers_is_no_order_until_the_agent_says_it_again",
        "test_no_order_in_a_customers_subject_or_name_is_an_agents",
    ),
    "o4_injection": (
        "test_no_text_becomes_a_header_or_a_second_recipient",
        "test_no_value_becomes_markup",
        "test_customers_words_are_no_template",
        "test_no_word_of_a_customer_moves_the_terminal",
        "test_no_word_of_a_customer_or_server_breaks_a_line_of_the_log",
    ),
    "o5_bombs": ("test_hostile_mail_costs_little", "test_absurd_nesting_goes_to_quarantine_with_its_reason"),
    "o5b_dump": ("test_a_hostile_text_costs_no_more_than_a_long_mail",),
    "o5c_judge": ("test_a_hostile_text_costs_no_more_than_a_long_mail",),
    "o6_subject_echo": (
        "test_the_first_letter_by_machine_repeats_no_word_of_the_mail_that_came_in",
        "test_no_letter_by_machine_follows_the_reply_to_of_a_form_that_is_not_ours",
        "test_no_name_in_an_address_or_below_the_text_is_a_message_to_a_victim",
        "test_words_in_disguise_make_no_greeting",
    ),
    "o7_servers": (
        "test_an_imap_server_that_never_stops_is_left",
        "test_an_imap_server_whose_news_never_stop_is_left",
        "test_an_smtp_server_that_never_stops_is_left_and_only_after_the_dot_in_doubt",
    ),
    "o8_spaced": (
        "test_64_kb_of_any_byte_in_any_field_cost_little",
        "test_64_kb_of_blanks_and_separators_in_any_order_cost_little",
    ),
    "o8_e2e": (
        "test_a_mail_that_costs_too_much_is_quarantined_and_the_next_one_is_answered",
        "test_a_stop_amid_a_slow_mail_is_heard_and_the_mail_is_read_after_it",
    ),
    "o9_ledger, two daemons": (
        "test_a_ledger_with_two_names_has_one_daemon",
        "test_a_ledger_with_a_hard_link_is_refused",
    ),
    "o9_ledger, removed": (
        "test_a_ledger_that_is_taken_away_from_a_running_daemon_stops_all_letters",
        "test_a_ledger_that_is_overwritten_under_the_daemon_stops_all_letters_and_it_is_said",
    ),
    "o9_ledger, full": ("test_a_full_disk_at_any_time_loses_no_letter_and_sends_none_twice",),
    "o9_ledger, read-only": (
        "test_a_ledger_that_is_locked_for_some_cycles_loses_no_letter",
        "test_rights_or_a_key_that_are_lost_for_a_while_lose_no_letter_and_send_none_twice",
    ),
    "o9_ledger, keywords lost": ("test_tags_that_the_server_loses_send_no_letter_again",),
    "o9_ledger, uidvalidity": (
        "test_after_a_uidvalidity_change_all_is_read_anew_but_old_mail_stays_passed_over",
        "test_after_a_uidvalidity_change_nothing_is_heard_twice_and_old_mail_stays_passed_over",
        "test_no_mail_is_forgotten_when_a_mailbox_is_put_back_from_a_backup",
    ),
    "o9_ledger, clock": (
        "test_a_jump_and_back_within_a_minute_makes_nothing_due",
        "test_a_clock_that_is_a_year_ahead_for_a_moment_makes_nothing_due_and_it_is_said",
    ),
    "o10_fuzz": (
        "test_64_kb_of_any_byte_in_any_field_cost_little",
        "test_64_kb_of_blanks_and_marks_of_quotes_in_the_text_cost_little",
    ),
    "o11_pg": (
        "test_a_replica_that_is_promoted_in_the_middle_of_a_transaction_loses_and_doubles_nothing",
        "test_a_stale_replica_that_is_promoted_sends_no_letter_again",
        "test_a_database_in_trouble_while_a_letter_leaves_loses_and_doubles_nothing",
    ),
    "o12_restored_mailbox": ("test_no_mail_is_forgotten_when_a_mailbox_is_put_back_from_a_backup",),
    "o13_desk_id_breaker": (
        "test_one_mail_from_outside_never_opens_the_breaker",
        "test_the_name_of_a_thread_is_no_letter",
    ),
    "o14_forged_bounce": (
        "test_a_forged_report_about_a_letter_or_a_card_sends_nothing_again",
        "test_a_forged_report_of_delivery_proves_nothing_and_sends_nothing",
    ),
    "o15_breaker_confirm": (
        "test_a_flood_of_forged_complaints_costs_no_honest_customer_a_day_nor_an_agent_an_afternoon",
        "test_a_flood_of_another_shape_costs_no_honest_customer_a_day",
    ),
    "o16_lost_ledger": (
        "test_a_ledger_that_was_lost_sends_no_letter_again_and_says_so",
        "test_a_new_ledger_waits_for_sent_before_it_writes_to_anybody",
    ),
    "o17_weak_key": (
        "test_a_key_that_could_be_guessed_is_refused",
        "test_an_old_key_that_could_be_guessed_opens_values_and_gives_no_orders",
    ),
    "redos": (
        "test_each_pattern_is_proven_linear",
        "test_each_pattern_that_a_function_builds_is_linear_or_cheap_for_all_that_it_may_read",
        "test_64_kb_cost_little_where_patterns_are_bounded",
    ),
}
DEFINED = {
    name: path.name
    for path in TESTS.rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
}


def test_every_script_is_in_the_list() -> None:
    numbers = {re.split(r"[_,]", name)[0] for name in SCRIPTS}
    assert numbers >= {"chaos", "redos", "o5b", "o5c", "o2b", *(f"o{number}" for number in range(1, 18))}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_tests_of_a_script_exist(script: str) -> None:
    assert {name for name in SCRIPTS[script] if name not in DEFINED} == set()
