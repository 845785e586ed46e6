from typing import Any

from django.core.validators import MaxLengthValidator
from django.db import models

from projects.models.pages import MARKDOWN_HELP, Page

TEXT_LIMIT = 10_000


class ContentRow(models.Model):
    """A piece of content on a page, in the editor's order."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="%(class)ss")
    position = models.PositiveIntegerField(
        "ordning",
        null=True,
        blank=True,
        help_text="Lägst tal först. Lämna tomt för att lägga raden sist.",
    )

    class Meta:
        abstract = True
        ordering = ["position", "id"]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.position is None:
            last = (
                type(self)
                ._default_manager.filter(page=self.page)
                .aggregate(last=models.Max("position"))
            )
            self.position = (last["last"] or 0) + 1
        super().save(*args, **kwargs)


class Achievement(ContentRow):
    number = models.CharField(
        "antal",
        max_length=20,
        blank=True,
        help_text="Visas stort, till exempel ”34” eller ”drygt 5 000”.",
    )
    period = models.CharField(
        "period", max_length=40, blank=True, help_text="Till exempel ”2025” eller ”2023–2025”."
    )
    text = models.TextField(
        "text",
        max_length=400,
        help_text="En mening som går att läsa efter antalet: ”utbildningar för …”.",
    )

    class Meta(ContentRow.Meta):
        verbose_name = "resultat"
        verbose_name_plural = "resultat"

    def __str__(self) -> str:
        return f"{self.number} {self.text}".strip()


class Plan(ContentRow):
    heading = models.CharField("rubrik", max_length=140, blank=True)
    text = models.TextField(
        "text", validators=[MaxLengthValidator(TEXT_LIMIT)], help_text=MARKDOWN_HELP
    )

    class Meta(ContentRow.Meta):
        verbose_name = "plan"
        verbose_name_plural = "planer"

    def __str__(self) -> str:
        return self.heading or self.text[:60]


class Story(ContentRow):
    heading = models.CharField("rubrik", max_length=140)
    text = models.TextField(
        "text", validators=[MaxLengthValidator(TEXT_LIMIT)], help_text=MARKDOWN_HELP
    )
    who = models.CharField(
        "vem", max_length=120, blank=True, help_text="Till exempel ”Nai, 49 år, Kambodja”."
    )
    is_pseudonym = models.BooleanField(
        "namnet är ändrat",
        default=False,
        help_text="Sidan säger då att personen heter något annat.",
    )
    picture = models.ForeignKey(
        "projects.Image",
        verbose_name="bild",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stories",
    )
    consent = models.ForeignKey(
        "projects.Consent",
        verbose_name="samtycke",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="stories",
        help_text="Utan ett samtycke som gäller visas berättelsen inte.",
    )

    class Meta(ContentRow.Meta):
        verbose_name = "berättelse"
        verbose_name_plural = "berättelser"

    def __str__(self) -> str:
        return self.heading


class KeyFigure(ContentRow):
    value = models.CharField("värde", max_length=40)
    label = models.CharField("vad det är", max_length=200)
    source = models.CharField("källa", max_length=200, blank=True)

    class Meta(ContentRow.Meta):
        verbose_name = "nyckeltal"
        verbose_name_plural = "nyckeltal"

    def __str__(self) -> str:
        return f"{self.value} {self.label}"


class Section(ContentRow):
    heading = models.CharField("rubrik", max_length=140)
    text = models.TextField(
        "text", validators=[MaxLengthValidator(TEXT_LIMIT)], help_text=MARKDOWN_HELP
    )

    class Meta(ContentRow.Meta):
        verbose_name = "avsnitt"
        verbose_name_plural = "avsnitt"

    def __str__(self) -> str:
        return self.heading


class Update(ContentRow):
    published_on = models.DateField("datum")
    heading = models.CharField("rubrik", max_length=140)
    text = models.TextField(
        "text", validators=[MaxLengthValidator(TEXT_LIMIT)], help_text=MARKDOWN_HELP
    )

    class Meta(ContentRow.Meta):
        verbose_name = "nyhet"
        verbose_name_plural = "nyheter"
        ordering = ["-published_on", "position", "id"]

    def __str__(self) -> str:
        return self.heading
