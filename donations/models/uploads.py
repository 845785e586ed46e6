"""Sheets that wait between their preview and the deed."""

import datetime
import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from donations.models.funds import CollectionYear

# A preview that nobody has carried out by then has to be made anew.
KEPT = datetime.timedelta(days=1)


class UploadedSheetQuerySet(models.QuerySet["UploadedSheet"]):
    def forget(self) -> int:
        """Remove those that nobody has carried out in time; tell how many."""
        return self.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


class UploadedSheet(models.Model):
    """What somebody has uploaded and not yet carried out: the bytes themselves, so that what is done
    is what was shown. It goes when it is carried out, or after a day.
    """

    class Kind(models.TextChoices):
        PROJECTS = "projects", "projekt"
        NEEDS = "needs", "insamlingsbehov"

    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField("filnamn", max_length=255)
    data = models.BinaryField()
    year = models.ForeignKey(CollectionYear, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField("inlämnat")

    objects = UploadedSheetQuerySet.as_manager()

    class Meta:
        verbose_name = "inlämnat ark"
        verbose_name_plural = "inlämnade ark"

    def __str__(self) -> str:
        return self.name
