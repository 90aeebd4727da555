"""A browser for walkthroughs: pages fetched and forms sent, as a person would, with cookies."""

import re
from http.cookiejar import CookieJar
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

__all__ = ["Browser"]


class Browser:
    """Fetches pages of one site."""

    def __init__(self, site: str) -> None:
        self.site = site
        self.path = "/"
        """The path of the page that was shown last, after all redirects."""
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """Return a page's text."""
        return self._open(path)

    def submit(self, path: str, **fields: str) -> str:
        """Fill in the form of a page and send it; return the page that follows."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path))
        assert token, f"{path} has no form with a CSRF token."
        data = urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        return self._open(path, data)

    def answers(self) -> bool:
        """Tell whether the site is up."""
        try:
            self.get("/")
        except URLError:
            return False
        return True

    def _open(self, path: str, data: bytes | None = None) -> str:
        with self._opener.open(self.site + path, data, timeout=30) as response:
            self.path = urlsplit(response.url).path
            return response.read().decode()
