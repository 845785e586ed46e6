"""What page templates show of money. Pages themselves know nothing of it."""

from collections.abc import Iterable
from dataclasses import replace

from django import template
from django.utils import timezone

from donations import queries
from donations.boxes import Box, Closed, Listed, boxes, closed, listed, needing_money, with_moves
from donations.masking import mask
from donations.models import SurplusClause
from donations.money import format_amount, format_kronor
from projects.models import Page, Version
from projects.rendering import PageLink, PageView

register = template.Library()

# How many similar projects a fully funded page names.
SIMILAR = 3


@register.filter
def kronor(ore: int | None) -> str:
    """An amount in öre as text: 27600000 → "276 000 kr"."""
    return "" if ore is None else format_kronor(ore)


@register.filter
def belopp(ore: int | None) -> str:
    """An amount in öre where its unit is told by the heading: 27600000 → "276 000"."""
    return "" if ore is None else format_amount(ore)


@register.filter
def skillnad(ore: int | None) -> str:
    """As `belopp`, with its sign also when it is more: 100 → "+1", −100 → "−1"."""
    return f"+{format_amount(ore)}" if ore and ore > 0 else belopp(ore)


@register.filter
def masked(text: str | None) -> str:
    """What somebody wrote, with what looks like a personnummer hidden."""
    return mask(text or "")


@register.filter
def antal(many: int | None) -> str:
    """A number with a space between thousands: 1204 → "1 204"."""
    return "" if many is None else format_amount(many * 100)


@register.simple_tag
def project_money(page: PageView) -> Box | None:
    """The collection box of a page, or None when it has no open fund."""
    box = boxes([page.pk]).get(page.pk)
    if box is None:
        return None
    box = with_moves(box, page.pk)
    if not box.is_fully_funded or page.focus_area is None:
        return box
    handpicked = {link.pk for link in page.similar}
    others = needing_money(listed(focus_area_id=page.focus_area.pk))
    # Stable: those picked by hand first, each group in its order.
    others.sort(key=lambda project: project.page.pk not in handpicked)
    return replace(box, similar=others[:SIMILAR])


@register.simple_tag
def closed_collection(page: PageView) -> Closed | None:
    """What a page without an open fund tells of the one it had."""
    return closed(page.pk)


@register.simple_tag
def surplus_clause(area: PageLink) -> str:
    """The wording about a surplus that a donor to the focus area reads today, or nothing."""
    clause = SurplusClause.objects.in_force(area.pk, timezone.localdate())
    return clause.text if clause else ""


@register.simple_tag
def with_boxes(pages: Iterable[PageLink]) -> list[tuple[PageLink, Box | None]]:
    """Each page with its box or None, in the given order, at the cost of one page's."""
    pages = list(pages)
    found = boxes(page.pk for page in pages)
    return [(page, found.get(page.pk)) for page in pages]


@register.simple_tag
def area_money(page: PageView | PageLink) -> queries.Total:
    """A focus area's total: the sum of its published projects' funds as shown, and its own."""
    projects = Version.objects.filter(page__kind=Page.Kind.PROJECT).published(timezone.now())
    ids = projects.values_list("page_id", flat=True)
    return queries.area_total(page.pk, ids, timezone.localdate())


@register.simple_tag
def projects_needing_money(limit: int = 6) -> list[Listed]:
    """Published projects with something left to collect, those that have come the shortest way first."""
    return needing_money(listed())[:limit]
