"""What a page lacks: read off the working copies of many pages at once, for lists, forms and the desk.

`projects` knows texts, pictures and people. Other apps add what they know with `register`.
"""

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from projects.models import (
    Consent,
    Image,
    Page,
    Plan,
    Review,
    Section,
    Story,
    Update,
    Version,
)

YEAR = datetime.timedelta(days=365)
_NAMELESS_PICTURE = re.compile(r"!\[\s*\]\(")


@dataclass(frozen=True)
class Lack:
    """One thing that is missing: its kind, a sentence, and where it is mended.

    `where` is a place in the page's own form ("#id_image") or an address of its own; then
    `permission` is what one needs to go there.
    """

    kind: str
    text: str
    where: str = ""
    permission: str = ""

    @property
    def is_in_form(self) -> bool:
        return self.where.startswith("#")


Found = dict[int, list[Lack]]
Check = Callable[[list[Page], datetime.datetime], Found]

# The kinds, in the order they are told, with what a filter calls them.
KINDS: dict[str, str] = {}
_checks: list[Check] = []


def register(kinds: dict[str, str], check: Check) -> None:
    """Let `check` say what pages lack, in a number of queries that does not grow with the pages.

    `kinds` names the kinds of lack it finds, as a filter shows them. Doing it twice is once.
    """
    KINDS.update(kinds)
    if check not in _checks:
        _checks.append(check)


def lacks(pages: Iterable[Page], at: datetime.datetime) -> Found:
    """What each of the pages lacks at the moment `at` (aware), by page id; complete ones are left out."""
    pages = list(pages)
    found: Found = defaultdict(list)
    for check in _checks:
        for page_id, some in check(pages, at).items():
            found[page_id] += some
    order = list(KINDS)
    return {pk: sorted(some, key=lambda lack: order.index(lack.kind)) for pk, some in found.items()}


def _found(rows: Iterable[tuple[int, Lack]]) -> Found:
    found: Found = defaultdict(list)
    for page_id, lack in rows:
        found[page_id].append(lack)
    return found


def _missing_fields(pages: list[Page], at: datetime.datetime) -> Found:
    picture = Lack("picture", _("Sidan har ingen bild."), "#id_image")
    contact = Lack("contact", _("Sidan har ingen kontaktperson."), "#id_contact")
    return _found(
        [(page.pk, picture) for page in pages if page.image_id is None]
        + [(page.pk, contact) for page in pages if page.contact_id is None]
    )


def _pictures(pages: list[Page], at: datetime.datetime) -> Found:
    """Pictures without a description, and those that no consent lets be seen."""
    ids = {page.image_id for page in pages if page.image_id}
    unseen = Image.objects.filter(pk__in=ids).exclude(consent__in=Consent.objects.valid(at))
    hidden = set(unseen.values_list("pk", flat=True))
    nameless = set(Image.objects.filter(pk__in=ids, alt="").values_list("pk", flat=True))
    consent = Lack("consent", _("Sidans bild saknar ett samtycke som gäller."), "#id_image")
    alt = Lack("alt", _("Sidans bild saknar alternativtext."), "#id_image")
    return _found(
        [(page.pk, consent) for page in pages if page.image_id in hidden]
        + [(page.pk, alt) for page in pages if page.image_id in nameless]
    )


def _stories(pages: list[Page], at: datetime.datetime) -> Found:
    """Stories, and their pictures, that no consent lets be seen."""
    valid = set(Consent.objects.valid(at).values_list("pk", flat=True))
    rows = Story.objects.filter(page_id__in=[page.pk for page in pages]).values_list(
        "page_id", "heading", "consent_id", "picture__consent_id"
    )
    story = _("Berättelsen ”%s” visas inte: den saknar ett samtycke som gäller.")
    picture = _("Bilden i berättelsen ”%s” visas inte: den saknar ett samtycke som gäller.")
    return _found(
        (page_id, Lack("consent", text % heading, "#storys-group"))
        for page_id, heading, consent, of_picture in rows
        for text, ok in (
            (story, consent in valid),
            (picture, of_picture is None or of_picture in valid),
        )
        if not ok
    )


# Where Markdown stands beside a page's body, and the part of the form that holds it.
_MARKDOWN: list[tuple[Any, str]] = [
    (Plan, "#plans-group"),
    (Story, "#storys-group"),
    (Section, "#sections-group"),
    (Update, "#updates-group"),
]


def _nameless_in_texts(pages: list[Page], at: datetime.datetime) -> Found:
    text = _("En bild i texten saknar alternativtext.")
    found = [
        (page.pk, Lack("alt", text, "#id_body"))
        for page in pages
        if _NAMELESS_PICTURE.search(page.body)
    ]
    ids = [page.pk for page in pages]
    for model, where in _MARKDOWN:
        rows = model._default_manager.filter(page_id__in=ids, text__contains="![")
        found += [
            (pk, Lack("alt", text, where))
            for pk, said in rows.values_list("page_id", "text")
            if _NAMELESS_PICTURE.search(said)
        ]
    return _found(dict.fromkeys(found))


def _unseen_for_a_year(pages: list[Page], at: datetime.datetime) -> Found:
    """Pages that nobody has saved or looked through for a year."""
    ids = [page.pk for page in pages]

    def newest(model: type[Version] | type[Review], when: str) -> dict[int, datetime.datetime]:
        rows = model._default_manager.filter(page_id__in=ids).order_by().values_list("page_id")
        return dict(rows.annotate(Max(when)))

    saved, seen = newest(Version, "created_at"), newest(Review, "at")
    text = _("Ingen har sett över sidan på ett år.")
    lack = Lack("stale", text, "#oversyn")
    last = {pk: max(filter(None, (saved.get(pk), seen.get(pk))), default=at) for pk in ids}
    return {pk: [lack] for pk in ids if at - last[pk] > YEAR}


register({"picture": "Bild", "contact": "Kontaktperson"}, _missing_fields)
register({"alt": "Alternativtext", "consent": "Samtycke som gäller"}, _pictures)
register({}, _stories)
register({}, _nameless_in_texts)
register({"stale": "Översyn på ett år"}, _unseen_for_a_year)
