"""Checks what only its engine understands in an admin's language files: cue phrases, and gettext catalogues."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from followupd.adapters.settings.rules import SettingsRule
from followupd.adapters.settings.toml_file import open_toml
from followupd.domain.translatable import places
from followupd.errors import Problem, SetupError
from followupd.languages import Catalogue, catalogue
from followupd.languages.catalogue import MESSAGES
from followupd.text.complaints.phrases import way_of
from followupd.text.complaints.words import Vocabulary, vocabulary_of

COMPLAINTS = "complaints.toml"
#: tables of complaints.toml that hold phrases
_PHRASES = ("cues", "against", "wishes")


def content_problems(directory: Path, file: str) -> list[Problem]:
    """Return what is wrong with a file such as "de/agents.po", whose shape has been checked already."""
    name = Path(file).name
    if name == MESSAGES:
        return list(_wrong_messages(directory, f"languages/{file}"))
    if name == COMPLAINTS:
        return _wrong_phrases(directory, f"languages/{file}", _vocabulary(directory))
    return []


def _vocabulary(directory: Path) -> Vocabulary:
    """Return the words as they are read with the admin's files, or with the shipped ones while one is broken."""
    try:
        return vocabulary_of(Catalogue(directory))
    except SetupError:
        return vocabulary_of(catalogue())


def _wrong_phrases(directory: Path, file: str, vocabulary: Vocabulary) -> list[Problem]:
    opened = open_toml(directory, file, missing="")
    lists = ((table, group) for table in _PHRASES for group in opened.data.get(table, {}))
    for table, group in lists:
        phrases = opened.data[table][group]
        for n, phrase in enumerate([phrases] if isinstance(phrases, str) else phrases):
            try:
                way_of(phrase, vocabulary)
            except ValueError as error:
                problem = f"{' '.join(phrase.split())!r} cannot be looked for: {error}"
                hint = "the first lines of the shipped file say how phrases are written."
                opened.add_problem((table, group, n), SettingsRule.RULE, problem, hint)
    return opened.problems


def _wrong_messages(directory: Path, file: str) -> Iterator[Problem]:
    """Give what is wrong with a gettext catalogue: it is none, or a translation names a value that is not given."""
    from babel.messages.pofile import PoFileError, read_po

    try:
        messages = read_po(BytesIO((directory / file).read_bytes()), abort_invalid=True)
    except PoFileError as error:
        problem = f"is no gettext catalogue: {error.args[0]}"
        hint = "write it with a gettext editor, or as the shipped file of another language."
        yield Problem(file, error.lineno + 1, None, SettingsRule.FILE, problem, hint)
        return
    except UnicodeDecodeError:
        yield Problem(file, None, None, SettingsRule.FILE, "is not UTF-8", "save the file as UTF-8.")
        return
    for message in messages:
        for name in sorted(places(str(message.string)) - places(str(message.id))):
            problem = f"there is no `{{{name}}}` in the sentence {message.id!r}"
            hint = "use the names in curly brackets that the English sentence has."
            yield Problem(file, message.lineno, None, SettingsRule.UNKNOWN, problem, hint)
