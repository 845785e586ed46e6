"""Content that is carried on: an old version into the form, a page into a new one, plans into results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import Truncator, slugify
from django.utils.translation import gettext as _

from projects.models import (
    Achievement,
    Address,
    Consent,
    FocusArea,
    Organisation,
    Page,
    Plan,
    Project,
    Version,
)
from projects.publishing import record
from projects.snapshots import ROWS, Snapshot, freeze, from_page, from_version, typed
from staff.models import User

_PAGE_FIELDS = ("title", "summary", "contact_id")
_TEXTS = ("body", "achievements_intro")


@dataclass(frozen=True)
class Brought:
    """The version that the working copy has become, and the stories that were left where they were."""

    version: Version
    left_out: list[str]


@transaction.atomic
def bring_back(version: Version, by: User) -> Brought:
    """Make the working copy say what `version` says, as a new version. Nothing is published.

    What the working copy said is kept as a version first. When it says the same already, its rows are left
    alone, since somebody may have them open. The address stays as it is, and a story
    whose consent is withdrawn stays where it was.
    """
    page = typed(Page.objects.select_for_update().get(pk=version.page_id))
    freeze(page, by)
    wanted = from_version(version)
    left_out = _write(page, wanted) if from_page(page) != wanted else []
    record(
        _("Tog fram version %(number)s av %(page)s i formuläret"), page, by, number=version.number
    )
    return Brought(freeze(page, by), left_out)


@transaction.atomic
def copy(page: Page, title: str, slug: str, by: User) -> Page:
    """A new page with the content of `page`, under its own title and address. Nothing is published.

    News stay with the page they were news of, and so does a story whose consent is withdrawn.
    """
    original = typed(page)
    snapshot = from_page(original)
    new = type(original)(slug=slug, title=title)
    if isinstance(new, Project):
        new.focus_area_id = snapshot.focus_area_id
    new.save()
    without_news = {**snapshot.content, "updates": []}
    _write(new, snapshot, title=title, content=without_news)
    freeze(new, by)
    record(_("Skapade %(page)s som en kopia av ”%(original)s”"), new, by, original=original.title)
    return new


def free_slug(text: str) -> str:
    """An address like `text` that no page has had."""
    base = slugify(text)[:90].strip("-") or "sida"
    taken = set(Address.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(s for n in range(1, 10**6) if (s := f"{base}-{n}" if n > 1 else base) not in taken)


def _write(page: Page, snapshot: Snapshot, **instead: Any) -> list[str]:
    """Fill the working copy with what the snapshot says; `instead` replaces parts of it.

    Gives the headings of the stories that no longer may be told.
    """
    content = instead.get("content", snapshot.content)
    for name in _PAGE_FIELDS:
        setattr(page, name, instead.get(name, getattr(snapshot, name)))
    for name in _TEXTS:
        setattr(page, name, content[name])
    page.image_id = content["image"]["id"] if content["image"] else None
    _write_kind(page, snapshot)
    page.save()
    return _write_rows(page, content)


def _write_kind(page: Page, snapshot: Snapshot) -> None:
    """What only pages of one kind say."""
    content = snapshot.content
    if isinstance(page, FocusArea):
        page.hue = content["hue"]
    if isinstance(page, Organisation):
        page.organisation_kind = content["organisation_kind"]
        page.website = content["website"]
    if isinstance(page, Project):
        page.focus_area_id = snapshot.focus_area_id or page.focus_area_id
        page.countries = list(snapshot.countries)  # type: ignore[assignment]
        page.qualifies_for_tax_reduction = snapshot.qualifies_for_tax_reduction
        page.partners.set(Organisation.objects.filter(pk__in=snapshot.partner_ids))
        page.similar.set(Project.objects.filter(pk__in=snapshot.similar_ids))


def _write_rows(page: Page, content: dict[str, Any]) -> list[str]:
    stories = [row["consent_id"] for row in content["stories"]]
    consents = {consent.pk: consent for consent in Consent.objects.filter(pk__in=stories)}
    left_out: list[str] = []
    for kind, (model, _fields) in ROWS.items():
        # Written into the rows that are there: somebody may have the form open, and saves into them.
        there = list(model._default_manager.filter(page_id=page.pk).values_list("pk", flat=True))
        for place, row in enumerate(content[kind], start=1):
            values = dict(row)
            if kind == "stories":
                consent = consents.get(row["consent_id"])
                if consent and consent.withdrawn_at and consent.withdrawn_at <= timezone.now():
                    left_out.append(row["heading"])
                    continue
                values["consent_id"] = consent.pk if consent else None
                values["picture_id"] = picture["id"] if (picture := values.pop("picture")) else None
            if there:
                values["pk"] = there.pop(0)
            model(page_id=page.pk, position=place, **values).save()
        model._default_manager.filter(pk__in=there).delete()
    return left_out


@dataclass(frozen=True)
class Result:
    """What came of a plan: the words of the achievement it becomes, and whether the plan stays."""

    plan: Plan
    number: str
    period: str
    text: str
    keep_plan: bool = False


def suggestion(plan: Plan) -> str:
    """A plan's own words, to be written over: short enough for an achievement."""
    limit = Achievement._meta.get_field("text").max_length or 400
    return Truncator(" ".join(plan.text.split())).chars(limit)


@transaction.atomic
def plans_to_results(page: Page, results: Sequence[Result], by: User) -> Version:
    """Write results, last among the page's achievements, and take away the plans they came from.

    Nothing is published.
    """
    Page.objects.select_for_update().get(pk=page.pk)
    for result in results:
        Achievement.objects.create(
            page_id=page.pk, number=result.number, period=result.period, text=result.text
        )
    Plan.objects.filter(
        page_id=page.pk, pk__in=[r.plan.pk for r in results if not r.keep_plan]
    ).delete()
    record(_("Gjorde planer till resultat för %(page)s"), page, by)
    typed(page).save()  # it has changed today
    return freeze(page, by)
