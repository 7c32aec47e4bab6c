"""Turn an HTML body into text: quotes are marked with ">", what is struck out or hidden is left out.

The figures are in docs/mail.md, sections 3 and 4.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from html import unescape
from typing import Any, NamedTuple

#: characters of one body that are read
MAX_HTML = 400_000
#: tags of a body that is rendered; of a longer one only the tags are removed
MAX_TAGS = 20_000
#: bytes of a document in which it may declare its charset
MAX_DECLARATION = 2048

#: tags that begin on a line of their own
_LINE_TAGS = (
    *("html", "body", "div", "section", "article", "header", "footer", "main", "nav", "aside", "address"),
    *("center", "form", "fieldset", "figure", "hr", "caption"),
    *("table", "tbody", "thead", "tfoot", "tr", "li", "dt", "dd"),
)
#: tags with an empty line before and after them
_PARAGRAPH_TAGS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre")
#: block tag -> empty lines before and after it
_MARGINS = {**dict.fromkeys(_LINE_TAGS, 0), **dict.fromkeys(_PARAGRAPH_TAGS, 1)}
_LISTS = frozenset({"ul", "ol"})
_CELLS = frozenset({"td", "th"})
#: HTML's white space, to which a non-breaking space does not belong
_WHITE_SPACE = " \t\r\n\f"
_TO_BLANKS = str.maketrans(dict.fromkeys("\t\r\n\f", " "))

#: is in place of a quote that was cut out; it is removed from what customers write
_PLACEHOLDER = "\ue000"
#: classes, ids and names of the containers in which mail programs quote
_QUOTE_NAMES = frozenset(
    {
        "OLK_SRC_BODY_SECTION",
        "__QUOTED_TEXT__",
        "front-blockquote",
        "gmail_attr",
        "isForwardContent",
        "iwc-quote",
        "mail-editor-reference-message-container",
        "messageReplySection",
        "moz-cite-prefix",
        "moz-forward-container",
        "ms-outlook-mobile-body-reference",
        "ms-outlook-mobile-reference-message",
        "protonmail_quote",
        "reply-intro",
        "tutanota_quote",
        "yahoo-quoted-begin",
        "yahoo_quoted",
        "zmail_extra",
    }
)
#: the same of elements from which on all of the document is the earlier mail
_CUT_NAMES = frozenset(
    {
        "__DIVIDER__",
        "appendonsend",
        "divRplyFwdMsg",
        "stopSpelling",
        "x_appendonsend",
        "x_divRplyFwdMsg",
        "zwchr",
    }
)
#: the line above the earlier mail in Outlook and Windows Mail
_CUT_STYLE = re.compile(
    r"border-top:\s?(?:solid #(?:E1E1E1|B5C4DF)|(?:1px|1pt) solid (?:#E1E1E1|#B5C4DF|rgb\(181, 196, 223\)))",
    re.IGNORECASE,
)
_HIDDEN_TAGS = frozenset({"script", "style", "title", "s", "del", "strike", "template", "head"})
_HIDDEN_STYLE = re.compile(
    r"display:none|mso-hide:all|font-size:0(?:px|pt)?(?:;|$|!)|visibility:hidden"
    r"|text-decoration:line-through",
    re.IGNORECASE,
)
_SIGNATURE_NAMES = frozenset({"Signature", "x_Signature", "gmail_signature", "moz-signature"})
_NAME_ATTRIBUTES = ("id", "name", "data-marker")
_TELLING_ATTRIBUTES = frozenset({"class", "style", *_NAME_ATTRIBUTES})
_NO_ATTRIBUTES: dict[str, str] = {}
#: in the class or style of a quote
_QUOTE_LOOKS = re.compile("quote|cite|border-left")
#: tags that begin a line of a quote
_QUOTE_LINE_TAGS = frozenset(
    {"br", "p", "div", "tr", "li", "blockquote", "h1", "h2", "h3", "h4", "pre", "table", "hr"}
)

_TAG = re.compile(r"<[^<>]{0,5000}>")
_LINE_BREAK_TAG = re.compile(
    r"<(?:br|/?p|/?div|/tr|/li|/?h[1-6]|/?table|/?blockquote)\b[^<>]{0,2000}>", re.IGNORECASE
)
_UNSEEN = re.compile(
    r"<(script|style|title)\b[^<>]{0,2000}>[^<]{0,100000}</\1\s{0,9}>|<!--[^<>]{0,20000}-->", re.IGNORECASE
)
#: lxml refuses text that declares an encoding
_XML_DECLARATION = re.compile(r"\A\s{0,99}<\?xml[^<>]{0,200}\?>")
_CHARSET = re.compile(rb"charset\s{0,3}=\s{0,3}[\"']?([A-Za-z0-9_.:-]{2,30})", re.IGNORECASE)
_GAPS = re.compile(r"\n{3,}")


def html_to_text(html: str) -> str:
    """Render an HTML body as text; never raises.

    Args:
        html: of which MAX_HTML characters are read.

    Returns:
        The text as a person would see it. Each line of a quote begins with "> ", and "--" is above a
        signature. Of what lxml cannot parse only the tags are removed.
    """
    html = html[:MAX_HTML].replace(_PLACEHOLDER, "")
    html = _XML_DECLARATION.sub("", html, count=1)
    if html.count("<") > MAX_TAGS:
        return _without_tags(html)

    from lxml.etree import LxmlError  # late: mails in plain text do not need it

    try:
        text = _render(_parse(html))
    except (LxmlError, ValueError, RecursionError, AssertionError, TypeError, LookupError):
        return _without_tags(html)
    if text.strip():
        return text

    return _without_tags(html)


def declared_charset(data: bytes) -> str:
    """Return the charset that a document declares itself, "" if it does not.

    It counts for parts whose header names none.

    Args:
        data: of which MAX_DECLARATION bytes are searched.
    """
    found = _CHARSET.search(data[:MAX_DECLARATION])
    if found is None:
        return ""
    return found[1].decode("ascii")


def _without_tags(html: str) -> str:
    """Remove the tags and nothing more, from what cannot be rendered.

    Args:
        html: of any kind.
    """
    seen = _UNSEEN.sub(" ", html)
    lines = _LINE_BREAK_TAG.sub("\n", seen)
    return _tidy(unescape(_TAG.sub("", lines)))


def _tidy(text: str) -> str:
    """Strip each line at its end, and leave one empty line where there are several.

    Args:
        text: in which a non-breaking space counts as a blank.
    """
    lines = text.replace("\xa0", " ").split("\n")
    stripped = "\n".join(map(str.rstrip, lines))
    if "\n\n\n" in stripped:
        stripped = _GAPS.sub("\n\n", stripped)
    return stripped.strip("\n")


def _parse(html: str) -> Any:
    """Return lxml's tree of a document, None for an empty one."""
    from lxml.etree import fromstring

    return fromstring(html, _parser())


@cache
def _parser() -> Any:
    """Return the parser, which is created once."""
    from lxml.etree import HTMLParser

    return HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)


class _Element(NamedTuple):
    """An element of the tree that may be a quote or a signature.

    `names` are its classes, id and names, by which mail programs mark their containers.
    """

    node: Any
    attributes: dict[str, str]
    names: frozenset[str]

    @property
    def begins_earlier_mail(self) -> bool:
        """Whether all that follows in the document is the earlier mail.

        Outlook marks this element with an id, or only with the line above the earlier mail.
        """
        if not _CUT_NAMES.isdisjoint(self.names):
            return True
        style = self.attributes.get("style", "")
        has_line = "border-top" in style.lower()
        return has_line and _CUT_STYLE.search(style) is not None

    @property
    def is_quote(self) -> bool:
        """Whether it is a quote.

        A <blockquote> may be an indented paragraph. It is a quote if its attributes say so, or if it is
        introduced as one.
        """
        if self.node.tag != "blockquote":
            return not _QUOTE_NAMES.isdisjoint(self.names)
        if self.attributes.get("type") == "cite":
            return True

        style = self.attributes.get("style", "").replace(" ", "")
        looks = self.attributes.get("class", "") + style
        return _QUOTE_LOOKS.search(looks) is not None or _is_introduced(self.node)

    @property
    def is_signature(self) -> bool:
        """Whether it is a signature."""
        return not _SIGNATURE_NAMES.isdisjoint(self.names)


def _render(tree: Any) -> str:
    """Return the text of a tree.

    Quotes are replaced by placeholders first, so that they can be rendered in a cheaper way and marked line
    by line.

    Args:
        tree: the document, which is changed; None for an empty one.
    """
    if tree is None:
        return ""

    elements = _visible_elements(tree)
    first = next((element for element in elements if element.begins_earlier_mail), None)
    if first is not None:
        _quote_rest(first.node)
        elements = _visible_elements(tree)

    quotes = [_cut_out(node, number) for number, node in enumerate(_outermost_quotes(elements))]
    for element in elements:
        if element.is_signature:
            _mark_signature(element.node)

    layout = _TextLayout()
    layout.add(tree)
    return _tidy(_with_quotes(layout.lines_of_text(), quotes))


def _visible_elements(tree: Any) -> list[_Element]:
    """Return the elements that can be quotes or signatures, in the document's order.

    Most elements have no attributes that tell something, and are passed over.

    Args:
        tree: from which what is hidden is removed.
    """
    found: list[_Element] = []
    hidden: set[Any] = set()
    for node in list(tree.iter()):
        items = node.items()
        attributes = dict(items) if items else _NO_ATTRIBUTES
        if _is_hidden(node.tag, attributes):
            _remove(node)
            hidden.add(node)
            continue
        is_telling = not _TELLING_ATTRIBUTES.isdisjoint(attributes)
        if is_telling or node.tag == "blockquote":
            found.append(_Element(node, attributes, _names(attributes)))

    if not hidden:
        return found

    return [element for element in found if hidden.isdisjoint(element.node.iterancestors())]


def _is_hidden(tag: Any, attributes: dict[str, str]) -> bool:
    """Whether an element is struck out or not shown.

    Args:
        tag: the tag of the element.
        attributes: the attributes of the element.
    """
    if tag in _HIDDEN_TAGS or "hidden" in attributes:
        return True
    style = attributes.get("style", "")
    return style != "" and _style_hides(style)


@lru_cache(maxsize=512)  # a page repeats a few styles
def _style_hides(style: str) -> bool:
    """Whether an element with this style is struck out or not shown."""
    return _HIDDEN_STYLE.search(style.replace(" ", "")) is not None


def _names(attributes: dict[str, str]) -> frozenset[str]:
    """Return the classes, the id and the names of an element.

    Args:
        attributes: the attributes of the element; "class" has several names.
    """
    names = attributes.get("class", "").split()
    for key in _NAME_ATTRIBUTES:
        if key in attributes:
            names.append(attributes[key])
    return frozenset(names)


def _remove(node: Any) -> None:
    """Remove an element but not the text after it, which is appended to what is before the element.

    Args:
        node: the element; the root stays.
    """
    parent = node.getparent()
    if parent is None:
        return

    previous = node.getprevious()
    tail = _tail(node)
    if previous is None:
        parent.text = (parent.text or "") + tail
    else:
        previous.tail = _tail(previous) + tail

    node.tail = None
    parent.remove(node)


def _outermost_quotes(elements: Iterable[_Element]) -> list[Any]:
    """Return the nodes of the quotes that are not inside of others.

    Args:
        elements: in the document's order, in which an element comes before what is inside of it.
    """
    found: dict[Any, None] = {}
    for element in elements:
        if not element.is_quote:
            continue
        is_inside = any(above in found for above in element.node.iterancestors())
        if not is_inside:
            found[element.node] = None

    return list(found)


def _is_introduced(node: Any) -> bool:
    """Whether a text such as "Kim wrote:" is right before an element.

    Args:
        node: the element. Line breaks before it do not count.
    """
    previous = node.getprevious()
    while _is_line_break(previous):
        previous = previous.getprevious()
    if previous is not None:
        text = _tail(previous).strip() or "".join(previous.itertext()).strip()
        return text.endswith(":")

    parent = node.getparent()
    if parent is None:
        return False

    return (parent.text or "").rstrip().endswith(":")


def _is_line_break(node: Any) -> bool:
    """Whether an element is a line break without text after it.

    Args:
        node: the element, None if there is none.
    """
    if node is None or node.tag != "br":
        return False
    return _tail(node).strip() == ""


def _tail(node: Any) -> str:
    """Return the text after an element, which lxml keeps in the element.

    Args:
        node: the element.
    """
    return node.tail or ""


def _quote_rest(node: Any) -> None:
    """Put an element and all that follows it in the document into one quote.

    Args:
        node: the element, at whose place the quote begins.
    """
    parent = node.getparent()
    if parent is None:
        return

    quote = node.makeelement("blockquote", {"type": "cite"})
    parent.insert(parent.index(node), quote)
    branch = quote
    while branch is not None and branch.tag not in {"body", "html"}:
        for following in list(branch.itersiblings()):
            quote.append(following)
        branch = branch.getparent()


def _cut_out(node: Any, number: int) -> str:
    """Replace a quote by a placeholder with its number, and return its text.

    Args:
        node: the quote.
        number: by which the text is found again.
    """
    text = _quote_text(node)
    parent = node.getparent()
    if parent is None:
        return text

    placeholder = node.makeelement("div")
    placeholder.text = f"{_PLACEHOLDER}{number}{_PLACEHOLDER}"
    placeholder.tail, node.tail = node.tail, None
    parent.replace(node, placeholder)
    return text


def _quote_text(node: Any) -> str:
    """Return the text of a quote: good enough to be shown and searched, in a tenth of the time of the layout.

    Args:
        node: the element, whose tail is not in the quote.
    """
    pieces: list[str] = []
    for inner in node.iter():
        if inner.tag in _QUOTE_LINE_TAGS:
            pieces.append("\n")
        if isinstance(inner.tag, str):  # and no entity
            pieces.append(_on_one_line(inner.text))
        if inner is not node:
            pieces.append(_on_one_line(inner.tail))

    lines = "".join(pieces).split("\n")
    return _tidy("\n".join(" ".join(line.split()) for line in lines))


def _on_one_line(text: str | None) -> str:
    """Return a text with blanks for line breaks, which mean nothing in HTML.

    Args:
        text: the text of an element, None for an empty one.
    """
    return (text or "").replace("\n", " ")


def _mark_signature(node: Any) -> None:
    """Put a line "--" above a signature that has none.

    Args:
        node: the signature.
    """
    text = "".join(node.itertext()).lstrip()
    if text.startswith("--") or node.getparent() is None:
        return
    delimiter = node.makeelement("div")
    delimiter.text = "--"
    node.addprevious(delimiter)


def _with_quotes(lines: Iterable[str], quotes: list[str]) -> str:
    """Return the text of a document with its quotes, on separate lines, instead of the placeholders.

    Args:
        lines: the lines of the document.
        quotes: their texts by the numbers in the placeholders.
    """
    if not quotes:
        return "\n".join(lines)

    found: list[str] = []
    for line in lines:
        before, mark, rest = line.partition(_PLACEHOLDER)
        if not mark:
            found.append(line)
            continue
        number, _, after = rest.partition(_PLACEHOLDER)
        if before.strip():
            found.append(before)
        found += _quoted_lines(quotes[int(number)])
        if after.strip():
            found.append(after)

    return "\n".join(found)


def _quoted_lines(text: str) -> Iterator[str]:
    """Yield the lines of a quote with their marks.

    Args:
        text: the text of a quote; an empty one has no lines.
    """
    if not text:
        return
    for line in text.split("\n"):
        yield f"> {line}".rstrip()


class _TextLayout:
    """Lays out a tree as lines of text; links and pictures leave no trace.

    `gap` is the number of empty lines before the next text. `pre_depth` is how many <pre> are open, and
    `counters` has the next number of each open list, 0 for one with bullets.
    """

    def __init__(self) -> None:
        """Begin with an empty page."""
        self.lines: list[str] = []
        self.line = ""
        self.gap = 0
        self.pre_depth = 0
        self.counters: list[int] = []

    def lines_of_text(self) -> list[str]:
        """Return the lines of what was added."""
        self.end_line(0)
        return self.lines

    def add(self, node: Any) -> None:
        """Add an element with its contents.

        Raises:
            RecursionError: it is nested deeper than any letter.
        """
        tag = node.tag
        margin = _MARGINS.get(tag)
        if margin is not None:
            self.end_line(margin)
            self._open(tag)
        elif tag == "br":
            self.break_line()
        elif tag in _CELLS and self.line:
            self.line += "  "

        text = node.text  # lxml decodes it at each access
        if text:
            self.add_text(text)
        for child in node:
            self.add(child)
            tail = child.tail
            if tail:
                self.add_text(tail)

        if margin is not None:
            self._close(tag)
            self.end_line(margin)

    def _open(self, tag: str) -> None:
        """Begin a list, a list item or preformatted text.

        Args:
            tag: the tag of a block.
        """
        match tag:
            case "ul":
                self.counters.append(0)
            case "ol":
                self.counters.append(1)
            case "pre":
                self.pre_depth += 1
            case "li":
                indent = "  " * len(self.counters)
                self.line = f"{indent}{self._bullet()} "
            case _:
                pass

    def _close(self, tag: str) -> None:
        """End a list or preformatted text.

        Args:
            tag: the tag of a block.
        """
        if tag in _LISTS:
            self.counters.pop()
        elif tag == "pre":
            self.pre_depth -= 1

    def _bullet(self) -> str:
        """Return the number of a list item, or a bullet.

        An item outside of any list has a bullet, too.
        """
        number = self.counters[-1] if self.counters else 0
        if number == 0:
            return "*"
        self.counters[-1] += 1
        return f"{number}."

    def add_text(self, text: str) -> None:
        """Add text, of which white space is collapsed outside of <pre>.

        Args:
            text: not empty.
        """
        if self.pre_depth:
            self._add_preformatted(text)
            return

        words = text.split() if text.isascii() else _words(text)
        if words and text[0] in _WHITE_SPACE:
            self._add_blank()

        self.line += " ".join(words)
        if text[-1] in _WHITE_SPACE:
            self._add_blank()

    def _add_blank(self) -> None:
        """Add a blank between two words, but none at the beginning of a line and no second one."""
        if self.line and not self.line.endswith(" "):
            self.line += " "

    def _add_preformatted(self, text: str) -> None:
        """Add text with its white space and line breaks.

        Args:
            text: not empty.
        """
        first, *rest = text.replace("\r", "").split("\n")
        self.line += first
        for line in rest:
            self.break_line()
            self.line = line

    def break_line(self) -> None:
        """End the line, even if it is empty."""
        if self.lines:
            self.lines += [""] * self.gap
        self.gap = 0
        self.lines.append(self.line)
        self.line = ""

    def end_line(self, margin: int) -> None:
        """End the line unless it is empty.

        Args:
            margin: empty lines to leave before the next text, at least.
        """
        if self.line.strip():
            self.break_line()
        self.line = ""
        self.gap = max(self.gap, margin)


def _words(text: str) -> list[str]:
    """Split at HTML's white space.

    Args:
        text: that is not ASCII.
    """
    blanks = text.translate(_TO_BLANKS)
    return list(filter(None, blanks.split(" ")))
