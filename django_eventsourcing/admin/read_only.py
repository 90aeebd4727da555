"""What all pages share: they may be read with the view permission, and nothing may be written."""

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils.text import capfirst

from django_eventsourcing.conf import get_environment_label
from django_eventsourcing.payloads import visible
from django_eventsourcing.reading import limited_reading

__all__ = ["ReadOnlyAdmin"]

READING = ("GET", "HEAD")

# Characters that change the order in which others are shown, or command a terminal to which they
# are copied. Others that are not seen, such as joiners, belong to the words of some languages.
_COMMANDS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class Page(TemplateResponse):
    """A page on which no name, reason or error can make others look like something else."""

    @property
    def rendered_content(self) -> str:
        """The page, with characters that would change how others are shown written as escapes."""
        return _COMMANDS.sub(lambda match: visible(match[0]), super().rendered_content)


class ReadOnlyAdmin(ModelAdmin):
    """Refuses to add, change and delete, whoever asks; subclasses say what there is to read."""

    actions = None
    longest_read = 10.0
    """Seconds that a statement may take for a page that only reads."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_pages(self) -> list[URLPattern]:
        """Return the URLs of pages beside the list and the page of one object."""
        return []

    def get_urls(self) -> list[URLPattern]:
        patterns = [*self.get_pages(), *super().get_urls()]
        for pattern in patterns:
            pattern.callback = self._limited(pattern.callback)
        return patterns

    def _limited(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """Return the view with a limit for what it reads; what operates is given its time."""

        @wraps(view)
        def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in READING:
                return view(request, *args, **kwargs)
            with limited_reading(self.longest_read):
                return view(request, *args, **kwargs)

        return limited

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise PermissionDenied

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raise PermissionDenied

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Nothing is ever changed here, so there is no history of changes.
        raise PermissionDenied

    def check_reading(self, request: HttpRequest) -> None:
        """Raise ``PermissionDenied`` unless the request only reads, and may."""
        if request.method not in READING or not self.has_view_permission(request):
            raise PermissionDenied

    def page(
        self,
        request: HttpRequest,
        template: str,
        title: str,
        *,
        trail: Iterable[tuple[str, str]] = (),
        status: int = 200,
        **context: Any,
    ) -> TemplateResponse:
        """Return a page of the admin; ``trail`` holds the pages above it, with their URLs."""
        return Page(
            request,
            f"admin/django_eventsourcing/{template}",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": title,
                "trail": trail,
                # Unfold has breadcrumbs of its own, which end at the list, and no title.
                "needs_title": apps.is_installed("unfold"),
                "environment": get_environment_label(),
                **context,
            },
            status=status,
        )

    def live_page(
        self, request: HttpRequest, name: str, title: str, **context: Any
    ) -> TemplateResponse:
        """
        Return a page that is refreshed while somebody looks at it.

        The template ``NAME.html`` shows the page, and ``NAME_live.html`` the part that changes,
        which is all that is answered to ``?fragment=1``.
        """
        template = f"{name}_live.html" if "fragment" in request.GET else f"{name}.html"
        return self.page(request, template, title, **context)

    @property
    def list_title(self) -> str:
        """The title of the list of all objects."""
        return capfirst(str(self.model._meta.verbose_name_plural))

    @property
    def list_link(self) -> tuple[str, str]:
        """The list's title and URL, for the trail of the pages below it."""
        return self.list_title, self.url("changelist")

    def url(self, name: str, *args: Any) -> str:
        """Return the URL of a page of this model."""
        opts = self.model._meta
        return reverse(
            f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_{name}", args=args
        )
