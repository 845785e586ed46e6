import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from projects.models.searched import Searched


class ConsentQuerySet(models.QuerySet["Consent"]):
    def valid(self, at: datetime.datetime) -> "ConsentQuerySet":
        """Consents that let what they cover be shown at the moment `at` (aware).

        An end date is the last Stockholm day on which it may be shown.
        """
        from django.utils import timezone

        day = timezone.localdate(at)
        return self.filter(
            Q(given_on__lte=day) | ~Q(not_needed_reason=""),
            Q(valid_until=None) | Q(valid_until__gte=day),
            Q(withdrawn_at=None) | Q(withdrawn_at__gt=at),
        )


class Consent(Searched):
    """Why a story or a picture of people may be shown, or why nobody needs to be asked."""

    is_personal = True  # named after people: see staff.audit.name_of
    SEARCHED = ("subject",)

    subject = models.CharField(
        "vem eller vad det gäller",
        max_length=200,
        help_text="Till exempel ”Nai, intervju i mars 2026” eller ”Tecknade bilder”.",
    )
    asked_by = models.CharField("vem som frågade", max_length=120, blank=True)
    method = models.CharField(
        "hur",
        max_length=200,
        blank=True,
        help_text="Till exempel ”muntligt vid intervjun, på khmer” eller ”skriftligt, blankett i arkivet”.",
    )
    given_on = models.DateField("gavs den", null=True, blank=True)
    valid_until = models.DateField(
        "gäller till och med",
        null=True,
        blank=True,
        help_text="Sista dagen som berättelsen eller bilden får visas. Lämna tomt om inget slutdatum är satt.",
    )
    not_needed_reason = models.CharField(
        "varför inget samtycke behövs",
        max_length=200,
        blank=True,
        help_text="Fyll bara i detta när ingen behöver tillfrågas, till exempel ”Tecknad bild utan personer”.",
    )
    withdrawn_at = models.DateTimeField(
        "återkallat",
        null=True,
        blank=True,
        help_text="Från den här stunden visas ingenting som samtycket gäller.",
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = "samtycke"
        verbose_name_plural = "samtycken"
        ordering = ["subject", "id"]
        constraints = [
            models.CheckConstraint(
                name="consent_given_or_not_needed",
                condition=Q(given_on__isnull=False) & ~Q(method="") & ~Q(asked_by="")
                | ~Q(not_needed_reason=""),
                violation_error_message=(
                    "Skriv vem som frågade, hur och vilken dag – eller varför inget samtycke behövs."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    def clean(self) -> None:
        if self.given_on and self.valid_until and self.valid_until < self.given_on:
            raise ValidationError(
                {"valid_until": _("Slutdatumet kan inte ligga före dagen då samtycket gavs.")}
            )


class Contact(Searched):
    """A person a reader can turn to. Shared by many pages and always shown as it is now."""

    is_personal = True  # named after people: see staff.audit.name_of
    SEARCHED = ("name", "role")

    name = models.CharField("namn", max_length=120)
    role = models.CharField("roll", max_length=160, blank=True)
    email = models.EmailField("e-post", blank=True)
    phone = models.CharField("telefon", max_length=40, blank=True)
    greeting = models.TextField(
        "hälsning",
        max_length=400,
        blank=True,
        help_text="En eller två meningar till läsaren, till exempel ”Hör gärna av dig till mig!”.",
    )
    image = models.ForeignKey(
        "projects.Image",
        verbose_name="bild",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contacts",
    )

    class Meta:
        verbose_name = "kontaktperson"
        verbose_name_plural = "kontaktpersoner"
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name
