"""The style sheets are what they look like: one rule left open would change all that follow."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders


@pytest.mark.parametrize("name", ["admin.css", "fallback.css"])
def test_blocks_are_closed_before_the_next_begins(name):
    path = Path(finders.find(f"django_eventsourcing/{name}"))
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    depth = 0
    for line in text.splitlines():
        if line.startswith((".", "@", ":")):
            assert depth == 0, f"{name}: {line} is inside the block before it."
        depth += line.count("{") - line.count("}")
    assert depth == 0


def test_every_colour_is_known_under_a_theme_that_leaves_out_those_of_django():
    used, known = (
        set(re.findall(pattern, Path(finders.find(f"django_eventsourcing/{name}")).read_text()))
        for name, pattern in (("admin.css", r"var\((--[\w-]+)"), ("fallback.css", r"(--[\w-]+):"))
    )

    # Breadcrumbs are the theme's own.
    assert {each for each in used - known if not each.startswith("--breadcrumbs-")} == set()
