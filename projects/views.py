from typing import Any

from django.core.paginator import Page as Sheet
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from projects import previews, rendering, snapshots
from projects.markdown import render as markdown
from projects.models import Page, SiteSettings
from staff import access

NEWS_ON_START = 4
NEWS_PER_SHEET = 20


@access.public
def start(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    versions = rendering.published().published(now)
    areas = versions.filter(page__kind=Page.Kind.FOCUS_AREA).order_by("title", "page_id")
    news = rendering.news(versions, now)[:NEWS_ON_START]
    return render(request, "start.html", {"areas": rendering.links(areas, now), "news": news})


@access.public
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
    view = rendering.version_view(version, now)
    return render(request, f"{kind}.html", page_context(version.page, view))


@access.public
def draft(request: HttpRequest, token: str) -> HttpResponse:
    """A page's draft, for who has the link to it; what no consent covers is left out as everywhere."""
    now = timezone.now()
    try:
        page = previews.page_of(token, now)
    except previews.LinkError as error:
        answer = render(request, "draft_gone.html", status=410 if error.has_been else 404)
    else:
        view = rendering.page_view(page, snapshots.from_page(page), now, is_preview=True)
        context = page_context(page, view) | {"is_shared_draft": True}
        answer = render(request, f"{page.kind}.html", context)
    answer["Cache-Control"] = "private, no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    # Who follows a link out of the draft does not take its address along.
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def page_context(page: Page, view: rendering.PageView) -> dict[str, object]:
    """What a page's template is given, published or in preview."""
    context: dict[str, object] = {"page": view}
    if page.kind == Page.Kind.FOCUS_AREA:
        now = timezone.now()
        projects = rendering.published().filter(focus_area_id=page.pk).published(now)
        context["projects"] = rendering.links(projects.order_by("title", "page_id"), now)
    return context


@access.public
def news(request: HttpRequest) -> HttpResponse:
    """News from all published pages, the newest first."""
    now = timezone.now()
    found = rendering.news(rendering.published().published(now), now)
    return render(request, "news.html", {"sheet": sheet(found, NEWS_PER_SHEET, request)})


@access.public
def contacts(request: HttpRequest) -> HttpResponse:
    """Everybody a reader can turn to, with what they answer for."""
    now = timezone.now()
    versions = rendering.published().published(now).order_by("title", "page_id")
    return render(request, "contacts.html", {"contacts": rendering.contacts(versions, now)})


@access.public
def about_giving(request: HttpRequest) -> HttpResponse:
    """What happens to a gift, in the organisation's own words."""
    now = timezone.now()
    versions = rendering.published().published(now)
    areas = versions.filter(page__kind=Page.Kind.FOCUS_AREA).order_by("title", "page_id")
    site = SiteSettings.current()
    texts = [
        ("Vad händer med din gåva?", site.about_gift),
        ("När det kommer in mer än behovet", site.about_surplus),
        ("Vem kontrollerar?", site.about_control),
        ("Hur mycket går till administration?", site.about_administration),
    ]
    parts = [
        rendering.TextView(heading, markdown(text, top_heading=3, at=now))
        for heading, text in texts
        if text
    ]
    context = {"parts": parts, "areas": rendering.links(areas, now)}
    return render(request, "about_giving.html", context)


@access.public
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "accessibility.html")


def sheet(items: Any, size: int, request: HttpRequest) -> Sheet:
    """The sheet of a long list (or query) that `?sida=` asks for; what cannot be gives the nearest that can."""
    return Paginator(items, size).get_page(request.GET.get("sida"))
