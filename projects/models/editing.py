import datetime

from django.conf import settings
from django.db import models

from projects.models.pages import Page

PREVIEW_DAYS = 14


class PreviewLink(models.Model):
    """Leave for whoever has the link to read a page's working copy. A page has one at a time.

    The address is signed, and stands in no table; see `projects.previews`.
    """

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="preview_links")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "länk till utkast"
        verbose_name_plural = "länkar till utkast"
        ordering = ["-id"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(name="preview_link_one_per_page", fields=["page"])]

    def __str__(self) -> str:
        return f"{self.page}, till {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def expires_at(self) -> datetime.datetime:
        return self.created_at + datetime.timedelta(days=PREVIEW_DAYS)


class Review(models.Model):
    """Somebody has looked a page through and found that it still holds, without changing it."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="reviews")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("sett över")

    class Meta:
        verbose_name = "översyn"
        verbose_name_plural = "översyner"
        ordering = ["-at", "-id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.page}, {self.at:%Y-%m-%d}"
