"""Forms of a scenario: a quick one in every run of the tests, and a long one for `make stress`."""

from typing import Any

import pytest


def forms(**values: tuple[Any, Any]) -> pytest.MarkDecorator:
    """Run a scenario with the first of each pair of values, and under stress with the second."""
    names = list(values)
    quick = [pair[0] for pair in values.values()]
    long = [pair[1] for pair in values.values()]
    return pytest.mark.parametrize(
        names if len(names) > 1 else names[0],
        [
            pytest.param(*quick, id="quick"),
            pytest.param(*long, id="long", marks=pytest.mark.stress),
        ],
    )


def on(*vendors: str) -> pytest.MarkDecorator:
    """Run a scenario on these kinds of databases alone."""
    return pytest.mark.parametrize("vendor", vendors, indirect=True)
