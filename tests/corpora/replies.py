"""Expectations of other reply parsers, read out of their test files: (where, text, the new words)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.corpora.mails import Reply

JS_TEST = re.compile(r"export function (\w+)\s*\(test\)\s*\{(.*?)\n\};?\n", re.DOTALL)
JS_EMAIL = re.compile(r'get_email\("([^"]+)"\)')
JS_WANTED = re.compile(
    r'test\.equal\((COMMON_FIRST_FRAGMENT|"(?:[^"\\]|\\.)*"),\s*'
    r"(?:reply\.fragments\[0\]|fragments\[0\]|email\.getVisibleText\(\)|text\b)"
)
RUBY = re.compile(
    r'join\("([^"]+)"\)\.to_s\s+assert_equal "((?:[^"\\]|\\.)*)",\s*EmailReplyParser\.parse_reply', re.DOTALL
)
PYTHON = re.compile(
    r"""open\('test/emails/([^']+)'\) as \w+:\s+self\.assertEqual\(\s*"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'),\s*EmailReplyParser\.parse_reply""",
    re.DOTALL,
)
ALFONS = re.compile(
    r"""get_email\('([^']+)'(?:(?!get_email).)*?assertTrue\("""
    r"""("(?:[^"\\]|\\.)*") == mail\.replies\[0\]\.body\)""",
    re.DOTALL,
)


def expected_replies(corpora: Path) -> list[Reply]:
    """Every stated expectation about plain text, once for each different mail and wish."""
    found = [
        *crisp(corpora),
        *github(corpora),
        *zapier(corpora),
        *alfonsrv(corpora),
        *quotequail(corpora),
        *talon(corpora),
    ]
    return list({(text, wanted): (where, text, wanted) for where, text, wanted in found}.values())


def crisp(corpora: Path) -> Iterator[Reply]:
    home = corpora / "crisp-email-reply-parser"
    source = (home / "expected/test/test.js").read_text("utf-8")
    common = re.search(r"COMMON_FIRST_FRAGMENT = '(.*?)';", source, re.DOTALL)
    assert common is not None
    shared = common[1].replace("\\n\\\n", "\n")
    for _, body in JS_TEST.findall(source):
        email, wanted = JS_EMAIL.search(body), JS_WANTED.search(body)
        if email and wanted:
            text = (home / f"raw/test/fixtures/{email[1]}.txt").read_text("utf-8")
            yield f"crisp/{email[1]}", text, shared if wanted[1][0] == "C" else ast.literal_eval(wanted[1])


def github(corpora: Path) -> Iterator[Reply]:
    home = corpora / "github-email-reply-parser"
    source = (home / "expected/test/email_reply_parser_test.rb").read_text("utf-8")
    for name, wanted in RUBY.findall(source):
        yield (
            f"github/{name}",
            (home / "raw/test/emails" / name).read_text("utf-8"),
            ast.literal_eval(f'"{wanted}"'),
        )


def zapier(corpora: Path) -> Iterator[Reply]:
    home = corpora / "zapier-email-reply-parser"
    source = (home / "expected/test/test_email_reply_parser.py").read_text("utf-8")
    for name, wanted in PYTHON.findall(source):
        yield f"zapier/{name}", (home / "raw/test/emails" / name).read_text("utf-8"), ast.literal_eval(wanted)


def alfonsrv(corpora: Path) -> Iterator[Reply]:
    home = corpora / "alfonsrv-mail-parser-reply"
    source = (home / "expected/test/test_email_reply_parser.py").read_text("utf-8")
    for name, wanted in ALFONS.findall(source):
        yield (
            f"alfonsrv/{name}",
            (home / f"raw/test/emails/{name}.txt").read_text("utf-8"),
            ast.literal_eval(wanted),
        )


def parametrized(path: Path) -> Iterator[tuple[object, ...]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "parametrize"
        ):
            yield from ast.literal_eval(node.args[1])


def quotequail(corpora: Path) -> Iterator[Reply]:
    for number, (text, _, parts) in enumerate(
        parametrized(corpora / "quotequail/expected/tests/test_quote.py")
    ):
        assert isinstance(text, str)
        assert isinstance(parts, list)
        yield f"quotequail/quote[{number}]", text, "\n".join(part for new, part in parts if new)


def quotequail_html(corpora: Path) -> Iterator[Reply]:
    """HTML mails and the HTML of their new words."""
    for number, (html, _, parts) in enumerate(
        parametrized(corpora / "quotequail/expected/tests/test_quote_html.py")
    ):
        assert isinstance(html, str)
        assert isinstance(parts, list)
        yield f"quotequail/html[{number}]", html, "".join(part for new, part in parts if new)


def talon(corpora: Path) -> Iterator[Reply]:
    """Answers written in a dozen mail programs; each says "Hello" and nothing else (read by hand)."""
    from email import message_from_bytes

    for path in sorted((corpora / "talon/raw/tests/fixtures/standard_replies").glob("*.eml")):
        plain = next(
            (
                part
                for part in message_from_bytes(path.read_bytes()).walk()
                if part.get_content_type() == "text/plain"
            ),
            None,
        )
        if plain is not None:
            payload = plain.get_payload(decode=True)
            assert isinstance(payload, bytes)
            yield (
                f"talon/{path.name}",
                payload.decode(plain.get_content_charset() or "utf-8").replace("\r\n", "\n"),
                "Hello",
            )
