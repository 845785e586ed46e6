from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from projects import rendering
from projects.models import Page


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    versions = rendering.published().published(now)
    areas = versions.filter(page__kind=Page.Kind.FOCUS_AREA).order_by("title", "page_id")
    return render(
        request,
        "start.html",
        {"areas": rendering.links(areas, now), "news": rendering.news(versions, now, limit=4)},
    )


@require_safe
def page(request: HttpRequest, kind: str, slug: str) -> HttpResponseBase:
    """A published page of the given kind; a former address of it redirects."""
    now = timezone.now()
    version = (
        rendering.published()
        .filter(page__kind=kind, page__addresses__slug=slug)
        .published(now)
        .first()
    )
    if version is None:
        raise Http404
    if version.page.slug != slug:
        return redirect(version.page, permanent=True)
    return render(
        request, f"{kind}.html", page_context(version.page, rendering.version_view(version, now))
    )


def page_context(page: Page, view: rendering.PageView) -> dict[str, object]:
    """What a page's template is given, published or in preview."""
    context: dict[str, object] = {"page": view}
    if page.kind == Page.Kind.FOCUS_AREA:
        now = timezone.now()
        projects = (
            rendering.published()
            .filter(focus_area_id=page.pk)
            .published(now)
            .order_by("title", "page_id")
        )
        context["projects"] = rendering.links(projects, now)
    return context
