"""Sparklines: how fast a follower went in the last hour, as a small drawing and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from django_eventsourcing.progress import format_rate
from django_eventsourcing.wording import for_reader

__all__ = ["Sparkline", "sparkline"]

STEP = 2
"""Between two minutes; all lengths are in pixels of CSS."""
HEIGHT = 24
MARGIN = 2


@dataclass(frozen=True, kw_only=True)
class Sparkline:
    """A line over the minutes of the last hour."""

    points: str
    """As SVG takes them."""
    title: str
    """What the line shows, for those who do not see it."""
    width: int
    height: int


def sparkline(rates: Sequence[float], rate: float | None) -> Sparkline | None:
    """Return the drawing of the rates, the oldest first; ``None`` if none are known."""
    if not rates:
        return None
    most = max(*rates, rate or 0.0)
    room = HEIGHT - 2 * MARGIN
    heights = [round(room * each / most) if most else 0 for each in rates]
    return Sparkline(
        points=" ".join(
            f"{MARGIN + STEP * number},{HEIGHT - MARGIN - height}"
            for number, height in enumerate(heights)
        ),
        title=_title(rate, most),
        width=2 * MARGIN + STEP * (len(rates) - 1),
        height=HEIGHT,
    )


def _title(rate: float | None, most: float) -> str:
    if not most:
        return _("nothing was processed in the last hour")
    if not rate:
        return _("nothing now, at most %(most)s in the last hour") % {
            "most": for_reader(format_rate(most))
        }
    return _("%(rate)s now, at most %(most)s in the last hour") % {
        "rate": for_reader(format_rate(rate)),
        "most": for_reader(format_rate(most)),
    }
