"""A configuration directory lies over the shipped templates, file by file; only its changes are checked."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from followupd.adapters.templates.check import affected_letters, problems, render_sample, sample_renderer
from followupd.adapters.templates.sources import TemplateFiles, sandbox
from followupd.domain.letter import CUSTOMER_LETTERS, DESK_MAILS, LetterKind
from followupd.languages import catalogue
from tests.story.lettered import NOW, PLAYBOOK, TEMPLATES, sample


def all_of(language: str) -> list[str]:
    """Return the files of all letters of a language."""
    names = ["again", "safety", *map(str, (*CUSTOMER_LETTERS, *DESK_MAILS))]
    return sorted(f"{language}/{name}.md" for name in names)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "templates/en").mkdir(parents=True)
    return tmp_path / "templates"


def overlay(own: Path) -> TemplateFiles:
    return TemplateFiles(own, TEMPLATES)


def edited(own: Path, name: str, old: str, new: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert old in text
    (own / name).parent.mkdir(exist_ok=True)
    (own / name).write_text(text.replace(old, new, 1))


def found(own: Path) -> set[tuple[str, str]]:
    return {(problem.file, problem.rule) for problem in problems(overlay(own), PLAYBOOK, NOW)}


def text_of(files: TemplateFiles, kind: LetterKind, language: str) -> str:
    return render_sample(
        sample_renderer(files, catalogue()), kind, sample(language=language), PLAYBOOK, NOW
    ).text


# --- lookup -------------------------------------------------------------------------------------------------


def test_an_own_file_is_used_before_the_shipped_one(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "The working case")
    assert "The working case" in text_of(overlay(own), LetterKind.HOLDING, "en")
    assert text_of(overlay(own), LetterKind.HOLDING, "de") == text_of(
        TemplateFiles(TEMPLATES), LetterKind.HOLDING, "de"
    )


def test_a_shipped_letter_includes_the_own_part_of_its_language(own: Path) -> None:
    edited(own, "en/_greeting.md", "Dear", "Good day")
    assert "Good day" in text_of(overlay(own), LetterKind.HOLDING, "en")
    assert "Good day" not in text_of(overlay(own), LetterKind.HOLDING, "fr")


def test_files_that_were_read_once_are_not_read_again(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "The working case")
    files = overlay(own)
    files.load_all()
    shutil.rmtree(own)
    assert "The working case" in text_of(files, LetterKind.HOLDING, "en")


def test_a_link_out_of_the_directory_is_not_followed(own: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("---\nsubject: secret\n---\nsecret")
    (own / "en/holding.md").symlink_to(tmp_path / "secret.md")
    assert "secret" not in text_of(overlay(own), LetterKind.HOLDING, "en")


def test_a_directory_that_is_a_link_out_of_the_directory_is_not_followed(own: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/holding.md").write_text("---\nsubject: secret\n---\nsecret")
    shutil.rmtree(own / "en")
    (own / "en").symlink_to(tmp_path / "elsewhere")
    assert "secret" not in text_of(overlay(own), LetterKind.HOLDING, "en")


def test_a_link_within_the_directory_is_followed(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "The working case")
    (own / "en/holding.md").rename(own / "en/other.md")
    (own / "en/holding.md").symlink_to("other.md")
    assert "The working case" in text_of(overlay(own), LetterKind.HOLDING, "en")


def test_the_languages_are_the_shipped_ones_and_the_own_ones(own: Path) -> None:
    (own / "nl").mkdir()
    (own / "nl/holding.md").write_text("")
    assert overlay(own).languages() == [
        "de",
        "de-informal",
        "en",
        "es",
        "es-informal",
        "fr",
        "fr-informal",
        "nl",
    ]


# --- check --------------------------------------------------------------------------------------------------


def test_without_changes_nothing_is_checked(own: Path) -> None:
    shutil.copy(TEMPLATES / "en/holding.md", own / "en/holding.md")
    assert [affected_letters(overlay(own), language) for language in ("en", "de")] == [[], []]
    assert found(own) == set()


def test_a_changed_letter_affects_its_own_kind(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "{{ nobody }}")
    assert affected_letters(overlay(own), "en") == ["en/holding.md"]
    assert found(own) == {("templates/en/holding.md", "L04")}


def test_a_changed_part_affects_every_letter_of_its_language(own: Path) -> None:
    edited(own, "en/_signature.md", "{{ owner.phone }}", "ask for me")
    assert affected_letters(overlay(own), "en") == all_of("en")
    assert affected_letters(overlay(own), "de") == []
    assert ("templates/en/follow-up.md", "L06") in found(own)


def test_a_changed_layout_affects_every_letter(own: Path) -> None:
    edited(own, "layout.html", "{{ body }}", "{{ body }}{{ nobody }}")
    assert affected_letters(overlay(own), "fr") == all_of("fr")
    assert ("templates/layout.html", "L05") in found(own)


def test_changed_language_files_affect_every_letter_of_the_language(own: Path) -> None:
    (own.parent / "languages/de").mkdir(parents=True)
    assert affected_letters(overlay(own), "de") == all_of("de")
    assert affected_letters(overlay(own), "en") == []


def test_a_file_that_is_no_letter_is_reported(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "Your case")
    (own / "en/holding.md").rename(own / "en/houlding.md")
    assert found(own) == {("templates/en/houlding.md", "L09")}


# --- letters of a playbook, and for danger -------------------------------------------------------------------


def test_the_letter_of_a_playbook_stands_in_for_the_general_one_in_its_cases(own: Path) -> None:
    edited(own, "en/holding.md", "", "")
    (own / "en/holding.delivery.md").write_text(
        (own / "en/holding.md").read_text().replace("Your case", "Your parcel")
    )
    renderer = sample_renderer(overlay(own), catalogue())
    texts = [
        render_sample(renderer, LetterKind.HOLDING, replace(sample(), playbook=name), PLAYBOOK, NOW).text
        for name in ("default", "delivery")
    ]
    assert ["Your parcel is with me" in " ".join(text.split()) for text in texts] == [False, True]
    assert found(own) == set()


def test_a_mistake_in_the_letter_of_a_playbook_is_found_with_its_file(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "{{ customer.address.nothing }}")
    (own / "en/holding.md").rename(own / "en/holding.delivery.md")
    assert found(own) == {("templates/en/holding.delivery.md", "L05")}


@pytest.mark.parametrize("name", ["desk/opened.delivery.md", "hold.delivery.md", "safe.md"])
def test_only_letters_to_customers_may_be_those_of_a_playbook(own: Path, name: str) -> None:
    (own / "en/desk").mkdir()
    shutil.copy(TEMPLATES / "en/holding.md", own / "en" / name)
    assert found(own) == {(f"templates/en/{name}", "L09")}


def test_a_letter_in_the_customers_language_goes_before_one_of_the_playbook_in_another(own: Path) -> None:
    edited(own, "en/holding.md", "Your case", "Your parcel")
    (own / "en/holding.md").rename(own / "en/holding.delivery.md")
    renderer = sample_renderer(overlay(own), catalogue())
    case = replace(sample(language="de"), playbook="delivery")
    assert render_sample(renderer, LetterKind.HOLDING, case, PLAYBOOK, NOW).language == "de"


# --- compiled code ------------------------------------------------------------------------------------------


def code_of(files: TemplateFiles, name: str, *, markup: bool = True) -> object:
    return sandbox(files, str, markup=markup).get_template(name).root_render_func.__code__


def test_what_two_brands_share_is_compiled_once_and_what_differs_is_not(own: Path) -> None:
    edited(own, "en/_signature.md", "{{", "Yours, {{")
    shipped, changed = TemplateFiles(TEMPLATES), overlay(own)
    assert code_of(changed, "en/holding.md") is code_of(shipped, "en/holding.md")
    assert code_of(changed, "en/_signature.md") is not code_of(shipped, "en/_signature.md")
    assert code_of(shipped, "en/holding.md") is not code_of(shipped, "en/holding.md", markup=False)
