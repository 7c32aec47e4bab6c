"""HTML mails come out as a person would read them: paragraphs, lists, rows; nothing hidden, nothing run together."""

import pytest

from followupd.text.mail.html import html_to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("One<br>Two<br><br>Three", "One\nTwo\n\nThree"),
        ("<div>One\n  <b>bold</b>, <i>and</i>\tmore</div>", "One bold, and more"),
        ("<ul><li>a parcel</li><li>a <b>refund</b></li></ul>after", "  * a parcel\n  * a refund\n\nafter"),
        ("<ol><li>first</li><li>second</li></ol>", "  1. first\n  2. second"),
        (
            "<table><tr><td>Order</td><td>12345</td></tr><tr><td>Price</td><td>25 EUR</td></tr></table>",
            "Order  12345\nPrice  25 EUR",
        ),
        ("<pre>one\n  two\n\nthree</pre>", "one\n  two\n\nthree"),
        ("25&nbsp;EUR", "25 EUR"),
        ("<p>not <del>25</del> <s>30</s> 20 EUR</p>", "not 20 EUR"),
        ("<p>seen<span style='display: none'>unseen</span> too</p>", "seen too"),
        ("a<script>var x = 1;</script>b<style>p {}</style>c<!-- d -->e", "abce"),
        ("<a href='https://x.test'>the link</a><img alt='a picture' src='x'>", "the link"),
    ],
)
def test_html_is_read_as_it_looks(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_html_that_is_nested_beyond_reason_keeps_its_words() -> None:
    assert "in the middle" in html_to_text("<div>" * 3000 + "in the middle" + "</div>" * 3000)


@pytest.mark.parametrize(
    "odd", ["", "   ", "<", "<>", "</p>", "<!-- -->", "\x00", "<p", "&#xD800;", "<td>x", "<li>x"]
)
def test_no_html_is_too_odd(odd: str) -> None:
    assert "<p>" not in html_to_text(odd)
