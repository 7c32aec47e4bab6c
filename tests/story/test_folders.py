"""Command folders: what moving a mail into a folder means, in each language of agents."""

import pytest

from followupd.adapters.settings.tags import DEFAULT_FOLDERS, DEFAULT_TAGS
from followupd.languages import catalogue
from followupd.text.folders import command_lines, folders_for, line_of, unknown_below_root
from followupd.text.orders import Grammar

GRAMMAR = Grammar(tags=DEFAULT_TAGS)
VALUES = {"refund": ("25",), "owner": ("ana",), "cause-code": ("carrier",), "playbook": ("default",)}


def meaning(name: str, folders: dict[str, str] | None = None, tags: dict[str, str] | None = None) -> str:
    known = DEFAULT_FOLDERS if folders is None else folders
    return line_of(name, known, DEFAULT_TAGS if tags is None else tags, GRAMMAR)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_every_tag_has_a_folder_in_the_agents_language_that_is_read_back(language: str) -> None:
    words = catalogue().language(language).answers.verbs
    names = list(folders_for(DEFAULT_TAGS, words, VALUES))
    lines = command_lines(names, DEFAULT_FOLDERS, DEFAULT_TAGS, GRAMMAR)
    verbs = {line.partition(":")[0] for line in lines.values()}
    assert verbs == {line.partition(":")[0] for line in DEFAULT_TAGS.values()}
    assert {"refund: 25", "owner: ana", "cause-code: carrier", "playbook: default"} <= set(lines.values())
    assert [name for name in names if name not in lines] == ["Recovery"]
    assert len(set(map(str.casefold, names))) == len(names)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Recovery/Refund/25", "refund: 25"),
        ("recovery/refund-25", "refund: 25"),
        ("Recovery/Erstattung/25", "refund: 25"),
        ("Recovery/Remboursement/12,50", "refund: 12,50"),
        ("Recovery/Not complaint", "dismiss"),
        ("Recovery/keine Beschwerde", "dismiss"),
        ("Recovery/Refund", "refund"),
        ("Recovery", ""),
        ("Recovery/Archive", ""),
        ("Recovery/Kept/2026", ""),
        ("Recovery/Close", ""),
        ("Archive/Refund/25", ""),
        ("Refund/25", ""),
    ],
)
def test_a_folder_means_what_its_name_says(name: str, line: str) -> None:
    assert meaning(name) == line


def test_the_admins_own_folders_go_before_the_shipped_ones() -> None:
    own = {"Vouchers/*": "coupon: {}", "Recovery/Fixed": "", "Recovery/Hold": "note: waiting for the depot"}
    assert meaning("Vouchers/SPRING", own) == "coupon: SPRING"
    assert meaning("Recovery/Fixed", own) == ""
    assert meaning("Recovery/Hold", own) == "note: waiting for the depot"


def test_a_tag_that_is_switched_off_is_no_folder_either() -> None:
    tags = {name: line for name, line in DEFAULT_TAGS.items() if name != "refund-*"}
    assert meaning("Recovery/Refund/25", tags=tags) == ""
    assert not any("Refund" in name for name in folders_for(tags, {}, VALUES))


def test_a_folder_that_means_nothing_is_told_apart_from_the_parents_of_those_that_do() -> None:
    existing = ["INBOX", "Recovery", "Recovery/Archive", "Recovery/Refund/25", "Recovery/Refund", "Sent"]
    commands = command_lines(existing, DEFAULT_FOLDERS, DEFAULT_TAGS, GRAMMAR)
    assert unknown_below_root(existing, commands) == ["Recovery/Archive"]
