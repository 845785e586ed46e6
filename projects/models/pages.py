from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django_countries.fields import CountryField

from projects.models.searched import Searched

MARKDOWN_HELP = (
    "Skriv i Markdown: tom rad mellan stycken, <code>**fet**</code>, <code>- punkt</code>, "
    "<code>[länktext](https://…)</code>."
)
BODY_LIMIT = 30_000


class Page(Searched):
    """The working copy of a page. What visitors see is a `Version` of it that is in force."""

    class Kind(models.TextChoices):
        FOCUS_AREA = "focus_area", "fokusområde"
        PROJECT = "project", "projekt"
        ORGANISATION = "organisation", "organisation"

    KIND: ClassVar[Kind]
    SEARCHED = ("title", "slug")

    kind = models.CharField("sidtyp", max_length=20, choices=Kind, editable=False)
    title = models.CharField("rubrik", max_length=140, help_text="Högst 140 tecken.")
    slug = models.SlugField(
        "adress",
        max_length=100,
        unique=True,
        help_text="Sidans adress på webbplatsen. Byter du den leder den gamla adressen till den nya; "
        "en adress som har använts kan aldrig användas av en annan sida.",
    )
    summary = models.TextField(
        "ingress",
        max_length=400,
        blank=True,
        help_text="Två eller tre meningar som står överst på sidan och i listor och sökresultat.",
    )
    body = models.TextField(
        "brödtext", blank=True, validators=[MaxLengthValidator(BODY_LIMIT)], help_text=MARKDOWN_HELP
    )
    image = models.ForeignKey(
        "projects.Image",
        verbose_name="bild",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="pages",
        help_text="Visas stort överst på sidan och i listor.",
    )
    contact = models.ForeignKey(
        "projects.Contact",
        verbose_name="kontaktperson",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="pages",
    )
    achievements_intro = models.CharField(
        "inledning till resultaten",
        max_length=300,
        blank=True,
        help_text="En mening före listan med resultat, till exempel ”Under de tre första åren:”.",
    )
    changed_at = models.DateTimeField("ändrad", auto_now=True)

    class Meta:
        verbose_name = "sida"
        verbose_name_plural = "sidor"
        ordering = ["title", "id"]

    def __str__(self) -> str:
        return self.title

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, and keep the address for this page for ever."""
        if hasattr(self, "KIND"):
            self.kind = self.KIND
        with transaction.atomic():
            super().save(*args, **kwargs)
            if not Address.objects.filter(slug=self.slug, page_id=self.pk).exists():
                Address.objects.create(slug=self.slug, page_id=self.pk)

    def get_absolute_url(self) -> str:
        return reverse(self.kind, args=[self.slug])

    def clean(self) -> None:
        taken = Address.objects.filter(slug=self.slug).exclude(page_id=self.pk).first()
        if taken:
            raise ValidationError(
                {
                    "slug": _(
                        "Adressen ”%(slug)s” hör till sidan ”%(page)s” och kan inte användas igen. Välj en annan."
                    )
                    % {"slug": self.slug, "page": taken.page.title}
                }
            )


class Address(models.Model):
    """Every slug a page has ever had. Old ones redirect, none is used by another page."""

    slug = models.SlugField(max_length=100, unique=True)
    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="addresses")

    class Meta:
        verbose_name = "adress"
        verbose_name_plural = "adresser"

    def __str__(self) -> str:
        return self.slug


class FocusArea(Page):
    KIND = Page.Kind.FOCUS_AREA

    class Hue(models.TextChoices):
        HEATHER = "ljung", "ljung"
        SEA = "hav", "hav"
        FOREST = "skog", "skog"
        SUN = "sol", "sol"

    hue = models.CharField("färg", max_length=10, choices=Hue, default=Hue.SEA)

    class Meta:
        verbose_name = "fokusområde"
        verbose_name_plural = "fokusområden"


class Organisation(Page):
    KIND = Page.Kind.ORGANISATION

    class OrganisationKind(models.TextChoices):
        PARTNER = "partner", "partnerorganisation"
        NETWORK = "network", "nätverk"

    organisation_kind = models.CharField(
        "slag", max_length=10, choices=OrganisationKind, default=OrganisationKind.PARTNER
    )
    website = models.URLField("webbplats", blank=True)

    class Meta:
        verbose_name = "organisation"
        verbose_name_plural = "organisationer"


class Project(Page):
    KIND = Page.Kind.PROJECT

    focus_area = models.ForeignKey(
        FocusArea, verbose_name="fokusområde", on_delete=models.PROTECT, related_name="projects"
    )
    countries = CountryField("länder", multiple=True, blank=True, blank_label="")
    partners = models.ManyToManyField(
        Organisation, verbose_name="partnerorganisationer", blank=True, related_name="projects"
    )
    similar = models.ManyToManyField(
        "self",
        verbose_name="liknande projekt",
        symmetrical=False,
        blank=True,
        help_text="Projekt i samma fokusområde som står närmast, om det här får mer än det behöver.",
    )
    qualifies_for_tax_reduction = models.BooleanField(
        "gåvor kan ge skattereduktion",
        default=False,
        help_text="Kryssa bara i om projektet är sådant socialt hjälparbete eller sådan forskning "
        "som organisationens godkännande gäller.",
    )

    class Meta:
        verbose_name = "projekt"
        verbose_name_plural = "projekt"
