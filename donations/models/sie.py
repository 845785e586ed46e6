"""What goes to the general ledger: which accounts there, and what has been exported."""

import datetime
import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords

from donations.days import period
from donations.models.funds import Fund
from donations.models.ledger import Account, Transfer
from projects.models import FocusArea

_ACCOUNT = re.compile(r"([1-9][0-9]{2,7}) +(\S.*)")
MONTH = "%Y-%m"
# The fields of the mapping that are accounts.
ACCOUNT_FIELDS = [
    *("clearing", "suspense", "gifts", "refunds", "moved_out", "moved_in"),
    *("disbursed", "disbursed_against", "carried_out", "carried_in", "opened", "opened_against"),
]


def validate_general_account(text: str) -> None:
    """Raise ValidationError unless `text` is an account's number and name."""
    if not _ACCOUNT.fullmatch(text):
        raise ValidationError(
            _("Skriv kontots nummer, tre till åtta siffror, och dess namn: ”3993 Erhållna gåvor”."),
            code="general_account",
        )


def parted(text: str) -> tuple[str, str]:
    """The number and the name of an account that has been validated; of "", two empty texts."""
    found = _ACCOUNT.fullmatch(text)
    return (found[1], found[2]) if found else ("", "")


def general_account(
    name: str, default: str = "", help_text: str = ""
) -> "models.CharField[str, str]":
    """A field for an account in the general ledger as people write it: "3993 Erhållna gåvor"."""
    return models.CharField(
        name,
        max_length=80,
        blank=True,
        default=default,
        help_text=help_text,
        validators=[validate_general_account],
    )


def exported_kinds() -> list[str]:
    """The kinds that go to the general ledger unless finance says otherwise.

    Opening amounts stand in it before Kollekt begins, and a carry-over moves nothing between projects.
    """
    kinds = Transfer.Kind
    return [kinds.GIFT, kinds.PLACEMENT, kinds.REFUND, kinds.REALLOCATION, kinds.DISBURSEMENT]


class SieMapping(models.Model):
    """Which accounts in the general ledger the movements go to. There is one row.

    An account left empty where it says so is that of something else; any other that is empty is missing,
    and nothing that needs it is exported.
    """

    series = models.CharField(
        "verifikationsserie",
        max_length=5,
        default="K",
        validators=[
            RegexValidator(r"\A[A-Za-z0-9]+\Z", "Skriv bokstäver eller siffror, till exempel K.")
        ],
        help_text="Serien som verifikationerna får. Bokföringsprogrammet ger dem nummer.",
    )
    kinds = models.JSONField("exporteras", default=exported_kinds, blank=True)
    clearing = general_account(
        "avräkningskonto",
        default="1689 Avräkning insamling",
        help_text="I stället för banken, som redan bokförs mot samma konto i huvudboken.",
    )
    suspense = general_account("oplacerade gåvor", default="2899 Oplacerade gåvor")
    gifts = general_account(
        "gåvor",
        default="3993 Erhållna donationer och gåvor",
        help_text="Gåvor och placeringar. Ett fokusområde eller en insamling kan ha ett eget konto.",
    )
    refunds = general_account("återbetalningar", help_text="Lämna tomt för kontot för gåvor.")
    moved_out = general_account(
        "omfördelat från", help_text="Lämna tomt för kontot för gåvor: då flyttas bara projektet."
    )
    moved_in = general_account("omfördelat till", help_text="Lämna tomt för kontot för gåvor.")
    disbursed = general_account("utbetalningar", default="6993 Lämnade bidrag och gåvor")
    disbursed_against = general_account(
        "motkonto för utbetalningar", help_text="Lämna tomt för avräkningskontot."
    )
    carried_out = general_account("fört från året", default="2070 Ändamålsbestämda medel")
    carried_in = general_account("fört till nytt år", default="2070 Ändamålsbestämda medel")
    opened = general_account("ingående belopp", default="2070 Ändamålsbestämda medel")
    opened_against = general_account(
        "motkonto för ingående belopp", default="2070 Ändamålsbestämda medel"
    )

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "kontering"
        verbose_name_plural = "kontering"
        constraints = [models.CheckConstraint(name="sie_mapping_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return _("Kontering för bokföringen")

    def save(self, *args: object, **kwargs: object) -> None:
        self.pk = 1
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def name_of(cls, field: str) -> str:
        """What one of its accounts is called: "avräkningskonto"."""
        return str(getattr(cls._meta.get_field(field), "verbose_name", field))

    @classmethod
    def current(cls) -> "SieMapping":
        """The row, or one with defaults (not saved) when nobody has written it yet."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)


class SieOverride(models.Model):
    """What is not as the mapping says: an area's or a fund's account for gifts, a bank account's clearing
    account, a fund's project code."""

    focus_area = models.OneToOneField(
        FocusArea,
        verbose_name="fokusområde",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sie_override",
        error_messages={"unique": "Fokusområdet har redan ett undantag. Ändra det i stället."},
    )
    fund = models.OneToOneField(
        Fund,
        verbose_name="insamling",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sie_override",
        error_messages={"unique": "Insamlingen har redan ett undantag. Ändra det i stället."},
    )
    bank = models.OneToOneField(
        Account,
        verbose_name="bankkonto",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sie_override",
        error_messages={"unique": "Bankkontot har redan ett undantag. Ändra det i stället."},
    )
    account = general_account(
        "konto",
        help_text="För gåvor till fokusområdet eller insamlingen; för ett bankkonto, dess avräkningskonto.",
    )
    project_code = models.CharField(
        "projektkod",
        max_length=20,
        blank=True,
        validators=[
            RegexValidator(
                r"\A[A-Za-zÅÄÖåäö0-9_.-]+\Z",
                "Skriv koden med bokstäver och siffror, utan mellanslag.",
            )
        ],
        help_text="Bara för en insamling. Lämna tomt för insamlingsnumret.",
    )

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "undantag i konteringen"
        verbose_name_plural = "undantag i konteringen"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="sie_override_for_one",
                condition=Q(focus_area__isnull=False, fund=None, bank=None)
                | Q(focus_area=None, fund__isnull=False, bank=None)
                | Q(focus_area=None, fund=None, bank__isnull=False),
                violation_error_message="Välj ett fokusområde, en insamling eller ett bankkonto, bara ett av dem.",
            ),
            models.CheckConstraint(
                name="sie_override_says_something",
                condition=~Q(account="") | ~Q(project_code=""),
                violation_error_message="Fyll i ett konto eller en projektkod.",
            ),
            models.CheckConstraint(
                name="sie_override_project_of_a_fund",
                condition=Q(project_code="") | Q(fund__isnull=False),
                violation_error_message="Bara en insamling har en projektkod.",
            ),
        ]

    def __str__(self) -> str:
        return str(self.focus_area or self.fund or self.bank)


class SieExport(models.Model):
    """A file of vouchers that has been made for the general ledger. Append-only.

    It holds every transfer of its kinds on its days that no export before it holds, up to the newest
    there was (`highest_id`): what is booked on those days afterwards is for a later export. The
    database sees to that: nobody books while an export is made, and no transfer gets a lower id
    afterwards. A repeat holds what another export holds, once more.
    """

    number = models.PositiveIntegerField("nummer", primary_key=True)
    first_day = models.DateField("från och med")
    last_day = models.DateField("till och med")
    highest_id = models.BigIntegerField(db_index=True)
    repeats = models.ForeignKey(
        "self",
        verbose_name="upprepar",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="repeated",
    )
    transfers = models.PositiveBigIntegerField("antal transaktioner")
    amount_ore = models.BigIntegerField("summa")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skapad")
    content = models.BinaryField("filen")

    class Meta:
        verbose_name = "export till bokföringen"
        verbose_name_plural = "exporter till bokföringen"
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                name="sie_export_days", condition=Q(last_day__gte=models.F("first_day"))
            ),
            models.CheckConstraint(name="sie_export_holds", condition=Q(transfers__gt=0)),
        ]

    def __str__(self) -> str:
        return _("export %s") % self.number

    @property
    def period(self) -> str:
        """Its days in words."""
        return period(self.first_day, self.last_day)

    @property
    def file_name(self) -> str:
        """ "kollekt-2026-05-export-12.SI", for a repeat "…-export-15-IGEN-av-12.SI"."""
        again = f"-IGEN-av-{self.repeats_id}" if self.repeats_id else ""
        days = f"{self.first_day}--{self.last_day}"
        if is_month(self.first_day, self.last_day):
            days = self.first_day.strftime(MONTH)
        return f"kollekt-{days}-export-{self.number}{again}.SI"


class SieSum(models.Model):
    """What an export holds of one kind on one day from one account to another. Append-only.

    A reversal stands apart, with its own sides: those of what it reverses, swapped. All exports' sums of
    a kind and a day are together what the daily totals were when the last of them was made; the
    database sees to it.
    """

    export = models.ForeignKey(SieExport, on_delete=models.PROTECT, related_name="sums")
    booked_on = models.DateField("bokföringsdag")
    kind = models.CharField("slag", max_length=12, choices=Transfer.Kind)
    is_reversal = models.BooleanField("rättelser")
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    transfers = models.PositiveBigIntegerField("antal transaktioner")
    amount_ore = models.BigIntegerField("summa")

    class Meta:
        verbose_name = "summa i en export"
        verbose_name_plural = "summor i exporter"
        constraints = [
            models.UniqueConstraint(
                name="sie_sum_once",
                fields=["booked_on", "kind", "debit", "credit", "is_reversal", "export"],
            ),
            models.CheckConstraint(
                name="sie_sum_holds", condition=Q(transfers__gt=0, amount_ore__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.booked_on}: {self.transfers}"


def is_month(first: datetime.date, last: datetime.date) -> bool:
    """Whether the days are one whole month."""
    after = last + datetime.timedelta(days=1)
    return first.day == after.day == 1 and (first.year, first.month) == (last.year, last.month)
