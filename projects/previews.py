"""Links by which somebody without an account reads a draft: signed, for a fortnight, one at a time."""

import datetime

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from projects.models import Page, PreviewLink
from projects.publishing import record
from staff.models import User

_SALT = "projects.previews"


class LinkError(Exception):
    """A link that leads to no draft. `has_been` says whether it once did."""

    def __init__(self, has_been: bool) -> None:
        super().__init__()
        self.has_been = has_been


@transaction.atomic
def make(page: Page, by: User, at: datetime.datetime) -> PreviewLink:
    """A link to the draft of `page` that works for 14 days from `at`; the one before it stops working."""
    end(page, by, is_replaced=True)
    link = PreviewLink.objects.create(page_id=page.pk, by=by, created_at=at)
    record(_("Skapade en länk till utkastet av %(page)s"), page, by)
    return link


@transaction.atomic
def end(page: Page, by: User, *, is_replaced: bool = False) -> bool:
    """Let the page's link stop working, if there is one."""
    Page.objects.select_for_update().get(pk=page.pk)
    gone, _rows = PreviewLink.objects.filter(page_id=page.pk).delete()
    if gone and not is_replaced:
        record(_("Stängde länken till utkastet av %(page)s"), page, by)
    return bool(gone)


def current(page: Page, at: datetime.datetime) -> PreviewLink | None:
    """The link that leads to the draft of `page` at the moment `at` (aware), if any."""
    link = PreviewLink.objects.filter(page_id=page.pk).select_related("by").first()
    return link if link and at < link.expires_at and link.by.is_active else None


def address(link: PreviewLink) -> str:
    """The link's address on the site."""
    return reverse("draft", args=[signing.dumps(link.pk, salt=_SALT)])


def page_of(token: str, at: datetime.datetime) -> Page:
    """The page whose draft a link's token opens at the moment `at`. Raises `LinkError`."""
    try:
        pk = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise LinkError(has_been=False) from error
    link = PreviewLink.objects.filter(pk=pk).select_related("page", "by").first()
    if link is None or at >= link.expires_at or not link.by.is_active:
        raise LinkError(has_been=True)
    return link.page
