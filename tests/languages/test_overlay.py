"""Languages that an admin adds or changes: files under DIR/languages replace the shipped ones."""

from pathlib import Path

import pytest

from followupd.adapters.settings.language_files import language_problems
from followupd.errors import SetupError
from followupd.languages import available, load
from followupd.languages.catalogue import Catalogue
from followupd.languages.schema import Samples
from tests.languages.understanding import commitments

#: a language of twenty words, in which "va" promises, "krom" is a day and "zut" says no
TOY = """
name = "Toy"
locale = "en"
greetings = "lo"

[dates]
lead = "ka"
deadline = "ka"
before = "fa"
trail = "ultim"
glue = "pe"
past_before = "ex"
past_after = "retro"
this_weekday = "co "
clock = '(?P<h>\\d{1,2}) ?hor\\b'
to = "do"
through = "do"
spans = "in {NUMBER} {UNIT}"
phrases = [["day+1", "krom"]]

[dates.units]
"business day" = "labor"

[dates.numbers]
3 = "tri"
"""

PROMISES = """
[parts]
GO = ["send", "fix"]

[clauses]
cut = '[,;] '
unreal = "se"
complement = "lum se"
hedged = "zut"
trigger = "tunc"

[turns]
firm = "va {GO}"
update = "va scribe"
estimate = "va forsan"
dated = "vadat"
done = "ha {GO}"

[fallback]
idle = "olim"
doubt = "forsan"
update = "verb"
topic = "pak"
arranged = "ordinat"

[gifts]
giving = "va don"
given = "ha don"
joint = "und"

[gifts.kinds]
gift-card = "donkart"
free-shipping = "liber send"
replacement = "altr"
coupon = "bon"
refund = "redon"
credit = "kredit"
gesture = "amik"
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Return a configuration directory with a new language, Toy, and nothing else."""
    write(tmp_path, "xx/language.toml", TOY)
    write(tmp_path, "xx/promises.toml", PROMISES)
    return tmp_path


def write(directory: Path, file: str, text: str) -> None:
    path = directory / "languages" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("sentence", "understood"),
    [
        ("Lo Kim, nu va send pak ka krom.", "firm by 2026-12-02 17:00"),
        ("Nu va send pak in tri labor.", "firm by 2026-12-04 17:00"),
        ("Nu va scribe ka 4 December 15 hor.", "next-update by 2026-12-04 15:00"),
        ("Nu va don redon €25, zut bon kal mo.", "gives refund 25.00 EUR"),
        ("Se pak veni, nu va send.", "nothing"),
        ("Nu zut va send pak ka krom.", "nothing"),
        ("We will ship it by Friday.", "nothing"),
    ],
)
def test_a_new_language_is_two_files(toy: Path, sentence: str, understood: str) -> None:
    assert language_problems(toy) == []
    assert commitments(sentence, load("xx_XX", toy)) == understood


def test_a_new_language_is_known_only_where_it_was_added(toy: Path) -> None:
    assert "xx" in available(toy)
    assert "xx" not in available()
    assert load("xx").tag == "en"


def test_what_a_language_lacks_is_english(toy: Path) -> None:
    assert load("xx", toy).promises != load("en").promises
    assert load("xx", toy).read("samples.toml", Samples) == load("en").read("samples.toml", Samples)
    assert load("it").promises == load("en").promises
    assert load("it").months == load("en").months
    assert load("it").info.name == "italiano"


@pytest.mark.parametrize(
    "tag", ["", "x", "tlh", "no such language", "../en", "EN", "en_GB", "english", "germanic"]
)
def test_an_unknown_language_is_english(tag: str) -> None:
    assert load(tag).tag == "en"


@pytest.mark.parametrize(("tag", "known"), [("de", "de"), ("de_AT", "de"), ("de-DE", "de"), ("FR", "fr")])
def test_a_language_is_found_by_its_tag_or_locale(tag: str, known: str) -> None:
    assert load(tag) is load(known)
    assert load(tag).tag == known


def test_one_file_of_a_shipped_language_may_be_replaced(tmp_path: Path) -> None:
    shipped = load("de").info
    write(
        tmp_path,
        "de/language.toml",
        f'name = "Schwyzerdütsch"\nlocale = "{shipped.locale}"\nfarewells = "adie"\n',
    )
    changed = load("de", tmp_path)
    assert (changed.info.name, changed.info.farewells) == ("Schwyzerdütsch", ("adie",))
    assert changed.promises == load("de").promises
    assert changed.months == load("en").months  # its file has no dates any more


def test_files_are_read_once_and_changed_only_by_a_new_start(tmp_path: Path) -> None:
    write(tmp_path, "xx/language.toml", TOY)
    started = Catalogue(tmp_path)
    write(tmp_path, "xx/language.toml", "name = ")
    assert started.language("xx").info.name == "Toy"
    with pytest.raises(SetupError, match=r"languages/xx/language\.toml: is not TOML"):
        _ = Catalogue(tmp_path).language("xx").info


@pytest.mark.parametrize(
    ("file", "text", "line", "problem"),
    [
        ("xx/language.toml", "name =\n", 1, "is not TOML"),
        ("xx/language.toml", 'name = "Toy"\nlocale = "tlh"\n', 2, "'tlh' is no locale"),
        (
            "xx/language.toml",
            'name = "Toy"\nlocale = "en"\ngreetings = [\n  "lo",\n  "(lo",\n]\n',
            5,
            "is not a valid pattern",
        ),
        (
            "xx/promises.toml",
            PROMISES.replace("hedged", 'unreel = "se"\nhedged'),
            9,
            "there is no 'unreel' here",
        ),
        ("xx/promises.toml", PROMISES.replace('"va {GO}"', '"va {WENT}"'), 13, "there is no part WENT"),
        (
            "xx/promises.toml",
            PROMISES.replace('"tunc"', '"(?:tunc ?)+ (?:(?:a|a)+ )*"'),
            10,
            "exponential time",
        ),
        ("currencies.toml", 'codes = "EUR"\n[signs]\n', None, "families is missing"),
        ("xx/promisses.toml", "", None, "does not use this file"),
    ],
)
def test_check_names_the_line_of_each_mistake(
    toy: Path, file: str, text: str, line: int | None, problem: str
) -> None:
    write(toy, file, text)
    found = language_problems(toy)
    assert {(one.file, one.line) for one in found} == {(f"languages/{file}", line)}, found
    assert any(problem in one.problem for one in found), found


def test_a_folder_without_its_first_file_is_no_language(tmp_path: Path) -> None:
    write(tmp_path, "xx/promises.toml", PROMISES)
    (problem,) = language_problems(tmp_path)
    assert problem.file == "languages/xx/language.toml"
