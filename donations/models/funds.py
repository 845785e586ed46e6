import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords

from donations.money import LIMIT_ORE, format_kronor
from donations.ocr import ocr_forms
from projects.models import FocusArea, Project

_NUMBERS_AS_WORDS = {4: "fyra", 5: "fem", 6: "sex", 7: "sju", 8: "åtta"}


def validate_collection_number(number: str) -> None:
    """Raise ValidationError unless `number` has exactly the digits that the setting says."""
    digits = settings.COLLECTION_NUMBER_DIGITS
    if not (len(number) == digits and number.isascii() and number.isdigit()):
        raise ValidationError(
            _("Insamlingsnumret ska bestå av %(digits)s siffror, till exempel %(example)s.")
            % {
                "digits": _NUMBERS_AS_WORDS.get(digits, digits),
                "example": "47030".ljust(digits, "1")[:digits],
            },
            code="collection_number",
        )


# How long before the first collection year money can be dated; earlier is a slip of the pen.
MOST_YEARS_BACK = 10


class CollectionYearQuerySet(models.QuerySet["CollectionYear"]):
    def holding(self, day: datetime.date) -> "CollectionYearQuerySet":
        """The year that the day is in; none where there is none yet."""
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class CollectionYear(models.Model):
    """A year that is collected for. Years follow each other without gaps, kept so by the database."""

    name = models.CharField("namn", max_length=20, unique=True)
    starts_on = models.DateField("första dagen", unique=True)
    ends_on = models.DateField("sista dagen", unique=True)

    objects = CollectionYearQuerySet.as_manager()

    class Meta:
        verbose_name = "insamlingsår"
        verbose_name_plural = "insamlingsår"
        ordering = ["starts_on"]
        constraints = [
            models.CheckConstraint(
                name="collection_year_ends_after_start",
                condition=Q(ends_on__gt=models.F("starts_on")),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Fund(models.Model):
    """What is collected under one lasting number: for a project, or for a whole focus area."""

    class Channel(models.TextChoices):
        SWISH = "swish", "Swish"
        BANKGIRO = "bankgiro", "bankgiro"
        PLUSGIRO = "plusgiro", "plusgiro"
        AUTOGIRO = "autogiro", "autogiro"
        CASH = "cash", "kontant eller kollekt"
        OTHER = "other", "annat sätt"

    collection_number = models.CharField(
        "insamlingsnummer",
        max_length=10,
        unique=True,
        validators=[validate_collection_number],
        error_messages={"unique": "Numret används redan av en annan insamling. Välj ett annat."},
        help_text="Fem siffror, till exempel 47030. Numret följer insamlingen så länge den finns.",
    )
    project = models.ForeignKey(
        Project,
        verbose_name="projekt",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="funds",
    )
    focus_area = models.ForeignKey(
        FocusArea,
        verbose_name="fokusområde",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="funds",
        help_text="Bara för en insamling till hela fokusområdet. Då väljs inget projekt.",
    )
    channels = models.JSONField("sätt att ge", default=list, blank=True)
    opened_on = models.DateField("öppnad")
    closed_on = models.DateField("stängd", null=True, blank=True)
    successor = models.ForeignKey(
        "self",
        verbose_name="ersätts av",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="predecessors",
    )
    extra_words = models.TextField(
        "egna ord",
        blank=True,
        help_text=(
            "Ord som givare skriver i stället för numret, till exempel ett land eller ett namn. Ett på"
            " varje rad. De placerar ingen gåva, men ger ett förslag när numret saknas."
        ),
    )

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "insamling"
        verbose_name_plural = "insamlingar"
        ordering = ["collection_number"]
        constraints = [
            models.CheckConstraint(
                name="fund_for_project_or_area",
                condition=Q(project__isnull=True) ^ Q(focus_area__isnull=True),
                violation_error_message="Välj antingen ett projekt eller ett fokusområde.",
            ),
            models.UniqueConstraint(
                name="fund_one_open_per_project",
                fields=["project"],
                condition=Q(closed_on__isnull=True),
                violation_error_message="Projektet har redan en öppen insamling. Stäng den först.",
            ),
            models.UniqueConstraint(
                name="fund_one_open_per_area",
                fields=["focus_area"],
                condition=Q(closed_on__isnull=True),
                violation_error_message="Fokusområdet har redan en öppen insamling. Stäng den först.",
            ),
            models.CheckConstraint(
                name="fund_closed_after_opened",
                condition=Q(closed_on__isnull=True) | Q(closed_on__gte=models.F("opened_on")),
                violation_error_message="En insamling kan inte stängas före dagen den öppnades.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.collection_number} {self.page}"

    @property
    def words(self) -> tuple[str, ...]:
        """The extra words, which only ever suggest the fund."""
        return tuple(filter(None, map(str.strip, self.extra_words.splitlines())))

    def is_closed(self, day: datetime.date) -> bool:
        """Whether it takes no more money on `day`."""
        return self.closed_on is not None and self.closed_on < day

    def is_open(self, day: datetime.date) -> bool:
        """Whether it has opened by `day` and takes money then."""
        return self.opened_on <= day and not self.is_closed(day)

    @property
    def page(self) -> Project | FocusArea:
        """The page whose collection box shows this fund."""
        page = self.project or self.focus_area
        assert page is not None  # fund_for_project_or_area
        return page

    @property
    def area_now(self) -> FocusArea:
        """The focus area that the fund's next year belongs to."""
        return self.project.focus_area if self.project else self.page  # type: ignore[return-value]

    def clean(self) -> None:
        """Refuse a number that could be read as another fund's OCR number, or the other way round."""
        if not (self.collection_number.isascii() and self.collection_number.isdigit()):
            return  # the field itself says what is wrong
        for other in Fund.objects.exclude(pk=self.pk).values_list("collection_number", flat=True):
            if self.collection_number in ocr_forms(other) or other in ocr_forms(
                self.collection_number
            ):
                raise ValidationError(
                    {
                        "collection_number": _(
                            "Numret kan förväxlas med OCR-numret för insamling %(other)s. Välj ett annat."
                        )
                        % {"other": other}
                    }
                )


class FundYear(models.Model):
    """One fund in one collection year: what has a need, figures and an account."""

    fund = models.ForeignKey(
        Fund, verbose_name="insamling", on_delete=models.PROTECT, related_name="years"
    )
    year = models.ForeignKey(
        CollectionYear,
        verbose_name="insamlingsperiod",
        on_delete=models.PROTECT,
        related_name="fund_years",
    )
    focus_area = models.ForeignKey(
        FocusArea, verbose_name="fokusområde", on_delete=models.PROTECT, related_name="fund_years"
    )

    class Meta:
        verbose_name = "insamlingsår"
        verbose_name_plural = "insamlingsår"
        ordering = ["-year__starts_on", "fund__collection_number"]
        constraints = [models.UniqueConstraint(name="fund_year_once", fields=["fund", "year"])]

    def __str__(self) -> str:
        return f"{self.fund} {self.year}"


class Need(models.Model):
    """What a fund needs for a year, as decided on a day. Append-only: the newest is in force."""

    fund_year = models.ForeignKey(
        FundYear, verbose_name="insamlingsår", on_delete=models.PROTECT, related_name="needs"
    )
    amount_ore = models.BigIntegerField("insamlingsbehov")
    decided_on = models.DateField("beslutat den")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField("skäl", max_length=300)
    created_at = models.DateTimeField("skrivet", auto_now_add=True)

    class Meta:
        verbose_name = "insamlingsbehov"
        verbose_name_plural = "insamlingsbehov"
        ordering = ["-decided_on", "-id"]
        constraints = [
            models.CheckConstraint(
                name="need_amount", condition=Q(amount_ore__gte=0, amount_ore__lt=LIMIT_ORE)
            )
        ]

    def __str__(self) -> str:
        return f"{self.fund_year}: {format_kronor(self.amount_ore)}"


class SurplusClauseQuerySet(models.QuerySet["SurplusClause"]):
    def in_force(self, focus_area_id: int, day: datetime.date) -> "SurplusClause | None":
        """The wording that a donor to the area could read on `day`, if there was any."""
        return (
            self.filter(focus_area_id=focus_area_id, valid_from__lte=day)
            .order_by("-valid_from")
            .first()
        )


class SurplusClause(models.Model):
    """What a focus area promises about a surplus, readable before giving.

    Once a gift leans on it, the database refuses to change it; a new one can
    only begin after every gift that is already in the books.
    """

    focus_area = models.ForeignKey(
        FocusArea,
        verbose_name="fokusområde",
        on_delete=models.PROTECT,
        related_name="surplus_clauses",
    )
    text = models.TextField("lydelse", max_length=1000)
    valid_from = models.DateField("gäller från och med")

    objects = SurplusClauseQuerySet.as_manager()
    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "överskottsvillkor"
        verbose_name_plural = "överskottsvillkor"
        ordering = ["focus_area", "-valid_from"]
        constraints = [
            models.UniqueConstraint(name="surplus_clause_once", fields=["focus_area", "valid_from"])
        ]

    def __str__(self) -> str:
        return f"{self.focus_area} från {self.valid_from}"
