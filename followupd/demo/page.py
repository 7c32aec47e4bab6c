"""The page that shows the letters in order, with what happened between: one file, nothing from outside, no code of a card."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from followupd.demo.people import html_of, text_of
from followupd.demo.recount import RecountResult
from followupd.demo.terminal import Act, Narration, Narrator, ShownMail

#: gives each letter's frame the height of its letter; frames have no scripts of their own
_SCRIPT = """
const fit = frame => {
  const inner = frame.contentDocument && frame.contentDocument.documentElement;
  if (inner && frame.clientWidth) { frame.style.height = '0'; frame.style.height = inner.scrollHeight + 'px'; }
};
const frames = [...document.querySelectorAll('iframe')];
const all = () => frames.forEach(fit);
frames.forEach(frame => frame.addEventListener('load', () => fit(frame)));
document.querySelectorAll('details').forEach(each => each.addEventListener('toggle', all));
addEventListener('load', all);
addEventListener('resize', all);
"""

#: a tag within a sentence
_TAG = re.compile(r"`([\w-]+)`")

_STYLE = """
:root { --ink: #22292b; --soft: #5c686b; --line: #d5dbd8; --back: #f3f4f1; --sheet: #fff; --green: #14615a; --red: #a3271f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eae9; --soft: #a3adab; --line: #3a4345; --back: #131617; --sheet: #1d2123; --green: #6fc2b6; --red: #f0857c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); color-scheme: light dark; overflow-wrap: anywhere;
  font: 17px/1.55 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { margin: 0 0 8px; font-size: 30px; line-height: 1.2; }
h2 { margin: 56px 0 14px; font-size: 22px; line-height: 1.3; }
h3 { margin: 28px 0 10px; font-size: 14px; font-weight: 600; color: var(--soft); }
a { color: var(--green); }
.lead { margin: 0 0 24px; color: var(--soft); }
.found { margin: 0; padding: 16px 20px; list-style: none; background: var(--sheet); border-left: 4px solid var(--green); }
.found li { padding: 3px 0 3px 26px; text-indent: -26px; }
.found li::before { content: "\\2713"; display: inline-block; width: 26px; text-indent: 0; color: var(--green); font-weight: 700; }
.found li.bad::before { content: "\\2717"; color: var(--red); }
.said { display: grid; grid-template-columns: 56px 1fr; margin: 0 0 8px; }
.said time { color: var(--soft); font-variant-numeric: tabular-nums; }
.mail { margin: 12px 0 28px; background: var(--sheet); border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.mail header, summary { padding: 12px 16px; }
summary { cursor: pointer; }
details[open] > summary, .mail header { border-bottom: 1px solid var(--line); }
.subject { font-weight: 600; }
.small { font-size: 14px; color: var(--soft); }
summary .subject { margin-left: 4px; }
summary .small { display: block; margin-left: 20px; }
pre { margin: 0; padding: 16px; white-space: pre-wrap; font: 14px/1.5 Menlo, Consolas, "Liberation Mono", monospace; }
iframe { display: block; width: 100%; height: 640px; border: 0; }
footer { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--line); color: var(--soft); }
@media (max-width: 480px) {
  main { padding: 28px 14px 48px; }
  h1 { font-size: 25px; }
  .said { grid-template-columns: 46px 1fr; font-size: 16px; }
  .said time { font-size: 14px; line-height: 25px; }
}
"""


def page(tell: Narrator, found: Sequence[RecountResult]) -> str:
    """Return the whole page."""
    parts = [_head(), _opening(found)]
    day = ""
    for entry in tell.entries:
        if isinstance(entry, Act):
            parts.append(f"<h2>{escape(entry.title)}</h2>")
            continue
        if (today := f"{entry.at:%A} {entry.at.day} {entry.at:%B %Y}") != day:
            parts.append(f"<h3>{today}</h3>")
            day = today
        parts.append(_said(entry) if isinstance(entry, Narration) else _mail(entry, tell))
    return "\n".join([*parts, _END])


def _head() -> str:
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>followupd: one complaint's whole life</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    )


def _opening(found: Sequence[RecountResult]) -> str:
    rows = "\n".join(f"<li{'' if each.good else ' class=bad'}>{escape(each.text)}</li>" for each in found)
    return (
        "<h1>One complaint's whole life</h1>\n"
        '<p class="lead">Every letter of the demo in order, with what happened between. All of it went over real IMAP '
        "and SMTP on this machine; only the days were played.</p>\n"
        f'<ul class="found">\n{rows}\n</ul>'
    )


def _said(entry: Narration) -> str:
    who = f"<strong>{escape(entry.who)}</strong> " if entry.who else ""
    text = _TAG.sub(r"<code>\1</code>", escape(entry.text))
    return f'<p class="said"><time>{entry.at:%H:%M}</time><span>{who}{text}</span></p>'


def _mail(shown: ShownMail, tell: Narrator) -> str:
    """Show a letter to the customer open, everything else folded up."""
    body, subject = _body(shown, tell), f'<span class="subject">{escape(str(shown.mail["Subject"]))}</span>'
    about = f'<span class="small">{escape(str(shown.mail["From"]))}, read by {escape(shown.reader)}</span>'
    if shown.key and "/" not in shown.key:
        return f'<article class="mail"><header><div>{subject}</div>{about}<br>{_links(shown)}</header>{body}</article>'
    return f'<details class="mail"><summary>{subject}{about}{_links(shown)}</summary>{body}</details>'


def _links(shown: ShownMail) -> str:
    link = '<a href="letters/{0}.{1}">{0}.{1}</a>'
    names = [link.format(escape(shown.name, quote=True), "eml")]
    names += [link.format(escape(shown.name, quote=True), "html")] if html_of(shown.mail) else []
    return f'<span class="small">{", ".join(names)}</span>'


def _body(shown: ShownMail, tell: Narrator) -> str:
    if html := html_of(shown.mail):
        title = escape(shown.name, quote=True)
        return f'<iframe title="{title}" sandbox="allow-same-origin" srcdoc="{escape(tell.masked(html), quote=True)}"></iframe>'
    return f"<pre>{escape(tell.masked(text_of(shown.mail)))}</pre>"


_END = f"""<footer>The gift card's code stands in its own letter alone, and nowhere on this page.
To set up your own: <code>followupd init DIR</code></footer>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""
