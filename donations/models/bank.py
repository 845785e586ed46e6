"""Bank files: which numbers are ours, what has been handed in, and what of it waits for a person."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from simple_history.models import HistoricalRecords

from donations.bankfiles import aside
from donations.bankfiles import numbers as account_numbers
from donations.bankfiles.mapped import Mapping
from donations.bankfiles.recognise import KINDS
from donations.bankfiles.records import Number, Way
from donations.bankfiles.records import Scheme as NumberScheme
from donations.days import long_date
from donations.models.funds import Fund
from donations.models.ledger import Account, Payment
from donations.money import LIMIT_ORE, format_kronor


def private() -> Storage:
    """Where files from banks are kept as they came: no address leads there."""
    return storages["bank_files"]


class AccountNumber(models.Model):
    """A number that one of our bank accounts is known by."""

    class Scheme(models.TextChoices):
        IBAN = "iban", "IBAN"
        BBAN = "bban", "kontonummer"
        BANKGIRO = "bankgiro", "bankgiro"
        PLUSGIRO = "plusgiro", "plusgiro"
        SWISH = "swish", "Swish"

    account = models.ForeignKey(
        Account, verbose_name="konto", on_delete=models.PROTECT, related_name="numbers"
    )
    scheme = models.CharField("slag", max_length=8, choices=Scheme)
    # As `records.Number` has them: without blanks, hyphens and leading zeros.
    digits = models.CharField("nummer", max_length=34)

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "nummer"
        verbose_name_plural = "kontons nummer"
        ordering = ["account", "scheme", "digits"]
        constraints = [
            models.UniqueConstraint(
                name="account_number_once",
                fields=["scheme", "digits"],
                violation_error_message="Numret hör redan till ett av era konton.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scheme_display()} {self.printed}"

    def clean(self) -> None:
        """Keep a number with the account that its gifts came to: they are known again by that account."""
        before = type(self).history.filter(scheme=self.scheme, digits=self.digits)
        others = before.exclude(account=self.account_id).values("account")
        known = Payment.objects.filter(account__in=others, file__isnull=False).first()
        if known:
            raise ValidationError(
                _(
                    "Numret har hört till %s, som har gåvor från bankfiler. På ett annat konto skulle de räknas"
                    " en gång till. Lägg numret där igen."
                )
                % known.account
            )

    @property
    def number(self) -> Number:
        """The number as bank files have it."""
        return Number(NumberScheme(self.scheme), self.digits)

    @property
    def printed(self) -> str:
        """The number as people write it: "900-1223"."""
        return account_numbers.printed(self.number)


class GiftSource(models.Model):
    """From which kind of file a number's gifts come, from a day on; other files of it serve reconciliation.

    A number without any takes gifts from every kind of file.
    """

    number = models.ForeignKey(
        AccountNumber, verbose_name="nummer", on_delete=models.CASCADE, related_name="sources"
    )
    # As `BankFile.format`: "camt.054", "BgMax"; for a sheet, its column mapping's name.
    format = models.CharField("filformat", max_length=60)
    from_day = models.DateField("från och med")

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "källa till gåvor"
        verbose_name_plural = "källor till gåvor"
        ordering = ["number", "-from_day"]
        constraints = [
            models.UniqueConstraint(name="gift_source_one_a_day", fields=["number", "from_day"])
        ]

    def __str__(self) -> str:
        return f"{self.kind} från och med den {long_date(self.from_day)}"

    @property
    def kind(self) -> str:
        """What people call that kind of file."""
        return KINDS.get(self.format) or f"kolumnmallen ”{self.format}”"


class AsideRule(models.Model):
    """What finance has said is no gift: a fee, an own transfer. See `aside.Rule` for what each part asks."""

    class Kind(models.TextChoices):
        FEE = "fee", "avgift"
        INTEREST = "interest", "ränta eller skatt"
        OWN_TRANSFER = "own transfer", "egen överföring"
        RETURN = "return", "återbetalning"
        OTHER = "other", "annat"

    name = models.CharField("namn", max_length=80, unique=True)
    is_a = models.CharField("raden är", max_length=20, choices=Kind)
    text = models.CharField("text", max_length=100, blank=True)
    account = models.CharField("motpartens konto", max_length=40, blank=True)
    code = models.CharField("bankens kod", max_length=40, blank=True)
    way = models.CharField(
        "gäller pengar",
        max_length=3,
        choices=[(Way.IN.value, "in"), (Way.OUT.value, "ut")],
        blank=True,
    )
    least_ore = models.BigIntegerField("minsta belopp", null=True, blank=True)
    most_ore = models.BigIntegerField("största belopp", null=True, blank=True)

    history = HistoricalRecords(verbose_name="ändring", verbose_name_plural="ändringar")

    class Meta:
        verbose_name = "regel för det som inte är gåvor"
        verbose_name_plural = "regler för det som inte är gåvor"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    @property
    def rule(self) -> aside.Rule:
        """The rule as it is gone by. Raises `ValueError` for one that would take every gift."""
        return aside.Rule(
            name=self.name,
            is_a=aside.Class(self.is_a),
            text=self.text,
            account=self.account,
            code=self.code,
            way=Way(self.way) if self.way else None,
            least_ore=self.least_ore,
            most_ore=self.most_ore,
        )


class ColumnMapping(models.Model):
    """How a bank's sheet is read: which column is what. See `mapped.Mapping`, which `mapping` is as JSON."""

    name = models.CharField(
        "namn", max_length=60, unique=True, help_text="Till exempel bankens namn och rapportens."
    )
    mapping = models.TextField("kolumner")
    created_at = models.DateTimeField("skriven")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = "kolumnmall"
        verbose_name_plural = "kolumnmallar"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def columns(self) -> Mapping:
        """Which column is what."""
        return Mapping.from_json(self.mapping)


class BankFile(models.Model):
    """A file that somebody has handed in: its bytes as they came, and what has become of it.

    It is read (`read_at`: `outcome` tells what it holds, or `refusal` why it is not taken), confirmed
    at most once, and can be undone once. The same bytes can be confirmed again only after that.
    """

    # "" when it has been removed with the bytes: it may name a payer.
    name = models.CharField("filnamn", max_length=255)
    digest = models.CharField("kontrollsumma", max_length=64, db_index=True)
    size = models.BigIntegerField("storlek")
    # "" when the bytes have been removed: past the time they are kept, or the file was refused.
    file = models.FileField("fil", storage=private, upload_to="%Y/%m", max_length=200, blank=True)
    format = models.CharField("filformat", max_length=60, blank=True)
    version = models.CharField("version", max_length=20, blank=True)
    mapping = models.ForeignKey(
        ColumnMapping,
        verbose_name="kolumnmall",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    received_at = models.DateTimeField("inlämnad")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    read_at = models.DateTimeField("läst", null=True, blank=True)
    # What it holds, as it was told when it was last read; see `outcome.Outcome`.
    outcome = models.JSONField("utfall", default=dict, blank=True)
    # {"where": …, "why": …, "content": …}; the content may name a payer.
    refusal = models.JSONField("varför den inte togs emot", null=True, blank=True)
    confirmed_at = models.DateTimeField("bokförd", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="bokförd av",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    undone_at = models.DateTimeField("ångrad", null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="ångrad av",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        verbose_name = "bankfil"
        verbose_name_plural = "bankfiler"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="bank_file_once",
                fields=["digest"],
                condition=Q(confirmed_at__isnull=False, undone_at=None),
            ),
            models.CheckConstraint(
                name="bank_file_undone_after",
                condition=Q(undone_at=None) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="bank_file_refused_or_confirmed",
                condition=Q(refusal__isnull=True) | Q(confirmed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"bankfil nr {self.pk}"


class HeldLine(models.Model):
    """A line that is not posted until a person has decided: perhaps the gift is in the books already."""

    class Why(models.TextChoices):
        ALIKE = "alike", "liknar en gåva från en annan sorts fil"
        CONFLICT = "conflict", "samma id, annat innehåll"

    class Decision(models.TextChoices):
        SAME = "same", "samma gåva"
        ANOTHER = "another", "en gåva till"

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="held")
    why = models.CharField("varför", max_length=8, choices=Why)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField(db_index=True)
    money_digest = models.CharField(max_length=16)
    content_digest = models.CharField(max_length=16)
    amount_ore = models.BigIntegerField("belopp")
    bank_date = models.DateField("bankens datum")
    # The line as it was read, to be shown beside its twin and to be posted; it goes with payer details.
    line = models.JSONField(null=True)
    # What is in the books already and may be the same gift; none when that has been undone.
    twin = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="held_twins"
    )
    decision = models.CharField("beslut", max_length=7, choices=Decision, blank=True, default="")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # What was posted for it, when it was another gift.
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="held_line"
    )

    class Meta:
        verbose_name = "rad som väntar på beslut"
        verbose_name_plural = "rader som väntar på beslut"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="held_line_once", fields=["file", "key", "content_digest"]
            ),
            models.CheckConstraint(
                name="held_line_amount", condition=Q(amount_ore__gt=0, amount_ore__lt=LIMIT_ORE)
            ),
            models.CheckConstraint(
                name="held_line_decided_whole",
                condition=Q(decision="", decided_at=None, decided_by=None, payment=None)
                | Q(
                    decision="same",
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    payment=None,
                )
                | Q(
                    decision="another",
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    payment__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{format_kronor(self.amount_ore)} den {long_date(self.bank_date)}"


class LumpSum(models.Model):
    """A sum of payments whose details come in another file: never a gift, and linked to them here."""

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="lumps")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    bank_date = models.DateField("bankens datum")
    amount_ore = models.BigIntegerField("belopp")
    deposit = models.CharField("insättning", max_length=80, blank=True)

    class Meta:
        verbose_name = "klumpsumma"
        verbose_name_plural = "klumpsummor"
        ordering = ["bank_date", "id"]

    def __str__(self) -> str:
        return f"{format_kronor(self.amount_ore)} den {long_date(self.bank_date)}"


class BoundPayer(models.Model):
    """A payer that finance has bound to a fund: every payment of theirs without a number goes there.

    Known by `key`, a keyed digest of what `matching.payer_keys` gives (`recall.digest`), and shown by
    the payment that it was bound from, or by `number`, the payer's own in Autogiro.
    """

    is_personal = True  # named after a payer: see staff.audit.name_of

    key = models.CharField(max_length=64, unique=True)
    number = models.CharField("betalarnummer i Autogiro", max_length=20, blank=True)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="bound"
    )
    fund = models.ForeignKey(
        Fund, verbose_name="insamling", on_delete=models.PROTECT, related_name="+"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("bunden")
    # The bank's date of the newest payment that went by it: the binding is forgotten some time after.
    used_on = models.DateField("senast använd")

    class Meta:
        verbose_name = "bunden betalare"
        verbose_name_plural = "bundna betalare"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.number or self._meta.verbose_name} → {self.fund}"


class RememberedPlacement(models.Model):
    """Where a person placed a payment, to be suggested next time for the same payer and text.

    `key` is a keyed digest of what `matching.memory_keys` gives (`recall.digest`): nobody can read a
    payer in it. The newest of a key is the one suggested; it goes when its placement is reversed, and
    the one before it is suggested again.
    """

    key = models.CharField(max_length=64)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="remembered")
    funds = models.JSONField()  # their ids
    decided_on = models.DateField()

    class Meta:
        verbose_name = "ihågkommen placering"
        verbose_name_plural = "ihågkomna placeringar"
        constraints = [
            models.UniqueConstraint(name="remembered_once", fields=["key", "payment"]),
        ]

    def __str__(self) -> str:
        return f"{self.decided_on}: {self.funds}"
