"""The page with all letters in order and what happened in between: one file that loads nothing."""

import base64
import hashlib
import re
from collections.abc import Sequence
from html import escape

from followupd.demo.people import html_of, text_of
from followupd.demo.story import RecountResult
from followupd.demo.terminal import Act, Narration, Narrator, ShownMail

#: gives each frame the height of its letter; the letters themselves cannot run scripts
_SCRIPT = """
const fit = frame => {
  const inner = frame.contentDocument && frame.contentDocument.documentElement;
  if (inner && frame.clientWidth) {
    frame.style.height = '0';
    frame.style.height = inner.scrollHeight + 'px';
  }
};
const frames = [...document.querySelectorAll('iframe')];
const all = () => frames.forEach(fit);
frames.forEach(frame => frame.addEventListener('load', () => fit(frame)));
document.querySelectorAll('details').forEach(each => each.addEventListener('toggle', all));
addEventListener('load', all);
addEventListener('resize', all);
"""

#: a tag in a sentence
_TAG = re.compile(r"`([\w-]+)`")

_STYLE = """
:root { --ink: #22292b; --soft: #5c686b; --line: #d5dbd8; --back: #f3f4f1; --sheet: #fff; --green: #14615a;
  --red: #a3271f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e7eae9; --soft: #a3adab; --line: #3a4345; --back: #131617; --sheet: #1d2123;
  --green: #6fc2b6; --red: #f0857c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); color-scheme: light dark;
  overflow-wrap: anywhere;
  font: 17px/1.55 -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 760px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { margin: 0 0 8px; font-size: 30px; line-height: 1.2; }
h2 { margin: 56px 0 14px; font-size: 22px; line-height: 1.3; }
h3 { margin: 28px 0 10px; font-size: 14px; font-weight: 600; color: var(--soft); }
a { color: var(--green); }
.lead { margin: 0 0 24px; color: var(--soft); }
.results { margin: 0; padding: 16px 20px; list-style: none; background: var(--sheet);
  border-left: 4px solid var(--green); }
.results li { padding: 3px 0 3px 26px; text-indent: -26px; }
.results li::before { content: "\\2713"; display: inline-block; width: 26px; text-indent: 0;
  color: var(--green); font-weight: 700; }
.results li.bad::before { content: "\\2717"; color: var(--red); }
.event { display: grid; grid-template-columns: 56px 1fr; margin: 0 0 8px; }
.event time { color: var(--soft); font-variant-numeric: tabular-nums; }
.mail { margin: 12px 0 28px; background: var(--sheet); border: 1px solid var(--line); border-radius: 6px;
  overflow: hidden; }
.mail header, summary { padding: 12px 16px; }
summary { cursor: pointer; }
details[open] > summary, .mail header { border-bottom: 1px solid var(--line); }
.subject { font-weight: 600; }
.small { font-size: 14px; color: var(--soft); }
summary .subject { margin-left: 4px; }
summary .small { display: block; margin-left: 20px; }
pre { margin: 0; padding: 16px; white-space: pre-wrap;
  font: 14px/1.5 Menlo, Consolas, "Liberation Mono", monospace; }
iframe { display: block; width: 100%; height: 640px; border: 0; }
footer { margin-top: 56px; padding-top: 20px; border-top: 1px solid var(--line); color: var(--soft); }
@media (max-width: 480px) {
  main { padding: 28px 14px 48px; }
  h1 { font-size: 25px; }
  .event { grid-template-columns: 46px 1fr; font-size: 16px; }
  .event time { font-size: 14px; line-height: 25px; }
}
"""


def page(narrator: Narrator, results: Sequence[RecountResult]) -> str:
    """Return the page as HTML."""
    parts = [_head(), _opening(results)]
    day = ""
    for entry in narrator.entries:
        if isinstance(entry, Act):
            parts.append(f"<h2>{escape(entry.title)}</h2>")
            continue
        today = f"{entry.at:%A} {entry.at.day} {entry.at:%B %Y}"
        if today != day:
            parts.append(f"<h3>{today}</h3>")
            day = today
        if isinstance(entry, Narration):
            parts.append(_sentence(entry))
        else:
            parts.append(_mail(entry, narrator))

    return "\n".join([*parts, _END])


def _head() -> str:
    """Return the beginning of the page, with a policy that only allows its own script."""
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>followupd: one complaint's whole life</title>
<style>{_STYLE}</style>
</head>
<body>
<main>"""


def _opening(results: Sequence[RecountResult]) -> str:
    """Return the title and the results of the checks."""
    items = []
    for result in results:
        attribute = "" if result.good else " class=bad"
        items.append(f"<li{attribute}>{escape(result.text)}</li>")

    rows = "\n".join(items)

    return f"""<h1>One complaint's whole life</h1>
<p class="lead">Every letter of the demo in order, with what happened in between.
All of it was sent over real IMAP and SMTP on this machine; only the clock was simulated.</p>
<ul class="results">
{rows}
</ul>"""


def _sentence(entry: Narration) -> str:
    """Return one sentence of the story with its time."""
    who = f"<strong>{escape(entry.who)}</strong> " if entry.who else ""
    text = _TAG.sub(r"<code>\1</code>", escape(entry.text))
    return f'<p class="event"><time>{entry.at:%H:%M}</time><span>{who}{text}</span></p>'


def _mail(shown: ShownMail, narrator: Narrator) -> str:
    """Return a letter to the customer, visible, or any other mail, folded."""
    subject = f'<span class="subject">{escape(str(shown.mail["Subject"]))}</span>'
    people = f"{escape(str(shown.mail['From']))}, read by {escape(shown.reader)}"
    details = f'<span class="small">{people}</span>'
    links, body = _links(shown), _body(shown, narrator)

    if shown.key and "/" not in shown.key:
        head = f"<header><div>{subject}</div>{details}<br>{links}</header>"
        return f'<article class="mail">{head}{body}</article>'

    return f'<details class="mail"><summary>{subject}{details}{links}</summary>{body}</details>'


def _links(shown: ShownMail) -> str:
    """Return links to the mail's files."""
    names = [f"{shown.name}.eml"]
    if html_of(shown.mail):
        names.append(f"{shown.name}.html")
    escaped = [escape(name, quote=True) for name in names]
    links = ", ".join(f'<a href="letters/{name}">{name}</a>' for name in escaped)

    return f'<span class="small">{links}</span>'


def _body(shown: ShownMail, narrator: Narrator) -> str:
    """Return the HTML part of a mail in a sandbox, or else its text."""
    html = html_of(shown.mail)
    if not html:
        return f"<pre>{escape(narrator.mask(text_of(shown.mail)))}</pre>"
    title = escape(shown.name, quote=True)
    content = escape(narrator.mask(html), quote=True)

    return f'<iframe title="{title}" sandbox="allow-same-origin" srcdoc="{content}"></iframe>'


_END = f"""<footer>Only the gift card's own letter has its code; this page does not.
To see what was promised and forgotten in your own mail, where nothing is sent or changed:
<code>followupd lookback --mailbox ADDRESS</code>. To set up your own: <code>followupd init DIR</code></footer>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""
