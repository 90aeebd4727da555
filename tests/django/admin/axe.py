"""Axe: faults of a page for those who use a screen reader, a keyboard, or a small window."""

import importlib.util
from pathlib import Path

from django.conf import settings
from django.test import Client

__all__ = ["ALL", "BUT_COLOURS", "COLOURS", "enter", "faults", "in_theme", "narrow"]

NOT_OURS: dict[str, str] = {}
"""Selectors of elements of Django's own frame that axe finds fault with, and what it is."""

ALL = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    }
}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
BUT_COLOURS = {**ALL, "rules": {"color-contrast": {"enabled": False}}}

RUN = """
const [excluded, {only, ...options}, done] = arguments;
const words = ({target, any}) => `${target} ${any[0]?.message ?? ''}`;
axe.run({include: [[only ?? 'html']], exclude: excluded}, {...options, resultTypes: ['violations']})
  .then(({violations}) => done(violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .map(({id, help, nodes}) => [id, help, ...nodes.map(words)].join(' | '))))
  .catch(error => done([String(error)]));
"""


def enter(driver, live_server, user):
    """Log the user in without the page for it."""
    client = Client()
    client.force_login(user)
    # A cookie is given to a page of the site.
    driver.get(f"{live_server.url}/static/django_eventsourcing/admin.css")
    name = settings.SESSION_COOKIE_NAME
    driver.add_cookie({"name": name, "value": client.cookies[name].value, "path": "/"})


def faults(driver, options=ALL):
    """Return the serious and critical faults that axe finds; ``only`` of the options is where."""
    if not driver.execute_script("return 'axe' in window"):
        driver.execute_script(_source())
    excluded = [[selector] for selector in NOT_OURS]
    return driver.execute_async_script(RUN, excluded, options)


def in_theme(driver, theme):
    """Show the page in this theme of the admin's."""
    driver.execute_script(
        "document.documentElement.dataset.theme = arguments[0];"
        # Colours that go over into others would be measured on their way.
        "document.getAnimations().forEach(each => each.finish());",
        theme,
    )


def narrow(driver, width=390):
    """Make the window as narrow as that of a phone; 0 as it was."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900 if width else 0, "deviceScaleFactor": 0, "mobile": False},
    )


def _source():
    [folder] = importlib.util.find_spec("axe_core_python").submodule_search_locations
    return Path(folder, "axe.min.js").read_text()
