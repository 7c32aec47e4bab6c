"""The page of a month on a phone: what a manager wants to know is read without scrolling."""

import re
from html import escape
from pathlib import Path

import pytest

from followupd.services.maintenance import monthly_page
from tests.policies.test_monthly import reported
from tests.servers.chromium import Chromium

#: a small phone
WIDTH, HEIGHT = 360, 640
#: measures the page from outside of it, since no script may run in it
MEASURE = """
frame.onload = () => {
  const seen = [...frame.contentDocument.querySelectorAll(".answer")];
  const ends = seen.map(each => Math.round(each.getBoundingClientRect().bottom));
  document.title = ends.join(" ") + " wide " + frame.contentDocument.documentElement.scrollWidth;
};
"""


@pytest.mark.parametrize("number", [4, 40, 4000])
def test_three_answers_are_on_the_first_screen_of_a_phone(
    number: int, chromium: Chromium, tmp_path: Path
) -> None:
    page = escape(monthly_page(reported(number), "Northern Kettles and Lamps of Example Ltd"))
    frame = f'<iframe id="frame" style="width: {WIDTH}px; height: {HEIGHT}px" srcdoc="{page}"></iframe>'
    (tmp_path / "outer.html").write_text(f"<title>none</title>{frame}<script>{MEASURE}</script>")
    dom = chromium.page((tmp_path / "outer.html").as_uri())
    measured = re.search(r"<title>([\d ]+) wide (\d+)</title>", dom)
    assert measured, dom[:300]
    ends = [int(end) for end in measured[1].split()]
    assert len(ends) == 3
    assert max(ends) < HEIGHT
    assert int(measured[2]) <= WIDTH
