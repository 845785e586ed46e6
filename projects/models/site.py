from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords


class SiteSettings(models.Model):
    """What the website says about the organisation behind it. There is one row."""

    name = models.CharField("organisationens namn", max_length=120, default="Kollekt")
    tagline = models.CharField("undertitel", max_length=160, blank=True)
    description = models.TextField("beskrivning", max_length=600, blank=True)
    organisation_number = models.CharField("organisationsnummer", max_length=20, blank=True)
    address = models.CharField("adress", max_length=200, blank=True)
    email = models.EmailField("e-post", blank=True)
    phone = models.CharField("telefon", max_length=40, blank=True)
    swish = models.CharField(
        "Swishnummer", max_length=20, blank=True, help_text="Visas i insamlingsrutorna."
    )
    bankgiro = models.CharField(
        "bankgiro", max_length=20, blank=True, help_text="Visas i insamlingsrutorna."
    )
    about_gift = models.TextField(
        "vad händer med din gåva?",
        blank=True,
        help_text="Visas på sidan Om gåvor. Skriv i Markdown.",
    )
    about_surplus = models.TextField("när det kommer in mer än behovet", blank=True)
    about_control = models.TextField("vem som kontrollerar", blank=True)
    about_administration = models.TextField("hur mycket som går till administration", blank=True)

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "webbplatsens uppgifter"
        verbose_name_plural = "webbplatsens uppgifter"
        constraints = [
            models.CheckConstraint(name="site_settings_one_row", condition=models.Q(id=1))
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)

    @classmethod
    def current(cls) -> "SiteSettings":
        """The row, or one with defaults (not saved) when nobody has written it yet."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)
