"""Days and years that are finished."""

import datetime

from django.conf import settings
from django.db import models
from django.db.models import Max

from donations.models.funds import CollectionYear


class PeriodLock(models.Model):
    """Nothing more is booked on the days up to and with this one. Append-only: locks only move forward."""

    through = models.DateField("till och med", unique=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("låst")

    class Meta:
        verbose_name = "periodlåsning"
        verbose_name_plural = "periodlåsningar"
        ordering = ["-through"]

    def __str__(self) -> str:
        return f"till och med {self.through}"


def first_open_day() -> datetime.date:
    """The first day that no period lock holds."""
    locked = PeriodLock.objects.aggregate(Max("through"))["through__max"]
    return locked + datetime.timedelta(days=1) if locked else datetime.date.min


def is_final(day: datetime.date) -> bool:
    """Whether figures at the end of the day can no longer change: it is locked."""
    return day < first_open_day()


class YearClosing(models.Model):
    """A collection year whose needs and surpluses are settled. Append-only."""

    year = models.OneToOneField(
        CollectionYear,
        verbose_name="insamlingsperiod",
        on_delete=models.PROTECT,
        related_name="closing",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("stängd")

    class Meta:
        verbose_name = "årsstängning"
        verbose_name_plural = "årsstängningar"
        ordering = ["-year__starts_on"]

    def __str__(self) -> str:
        return str(self.year)
