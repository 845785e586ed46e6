from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from donations.days import long_date
from donations.models.funds import Fund, FundYear
from donations.models.surplus import ProposalLine
from donations.money import LIMIT_ORE, format_kronor


class Account(models.Model):
    """Where money stands: one account for each fund and year, each bank account, and three of a kind."""

    class Kind(models.TextChoices):
        BANK = "bank", "bankkonto"
        FUND = "fund", "insamlingsår"
        SUSPENSE = "suspense", "oplacerade gåvor"
        PARTNERS = "partners", "utbetalt till partner"
        START = "start", "ingående belopp"

    kind = models.CharField("slag", max_length=10, choices=Kind)
    fund_year = models.OneToOneField(
        FundYear,
        verbose_name="insamlingsår",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="account",
    )
    name = models.CharField("namn", max_length=120, blank=True)

    class Meta:
        verbose_name = "konto"
        verbose_name_plural = "konton"
        ordering = ["kind", "name", "id"]
        constraints = [
            models.CheckConstraint(
                name="account_fund_year",
                condition=Q(kind="fund", fund_year__isnull=False)
                | (~Q(kind="fund") & Q(fund_year__isnull=True)),
            ),
            models.UniqueConstraint(
                name="account_one_of_a_kind",
                fields=["kind"],
                condition=Q(kind__in=["suspense", "partners", "start"]),
            ),
        ]

    def __str__(self) -> str:
        return str(self.fund_year) if self.fund_year else self.name or self.get_kind_display()


class Payment(models.Model):
    """Who gave and how: what the bank or the donor said. Kept apart from the books, so it can be forgotten.

    From a bank file, it is told from others by `key`, which no other payment has unless one of them
    has been withdrawn; `money_digest` and `content_digest` tell whether another file says the same
    of it (`bankfiles.identity`).
    """

    bank_date = models.DateField("bankens datum")
    channel = models.CharField("sätt att ge", max_length=10, choices=Fund.Channel)
    payer_name = models.CharField("givare", max_length=140, blank=True)
    payer_account = models.CharField("givarens konto", max_length=40, blank=True)
    payer_identity = models.CharField("givarens telefon eller nummer", max_length=40, blank=True)
    # All that was written, each reference or message on a line of its own.
    message = models.TextField("meddelande", blank=True)
    # The same as the parser told it: [ground, text, öre or null]. Only where no fund could be told.
    references = models.JSONField(null=True, blank=True, editable=False)
    note = models.TextField("anteckning", blank=True)
    meant_for = models.ForeignKey(
        Fund,
        verbose_name="avsedd för",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="En stängd insamling vars nummer stod på gåvan.",
    )
    # Our account that the money came to; none for what was written before there were bank files.
    account = models.ForeignKey(
        Account,
        verbose_name="bankkonto",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    file = models.ForeignKey(
        "donations.BankFile",
        verbose_name="bankfil",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments",
    )
    key = models.UUIDField(null=True, blank=True, editable=False)
    money_digest = models.CharField(max_length=16, blank=True, editable=False)
    content_digest = models.CharField(max_length=16, blank=True, editable=False)
    # What ties the payments of one lump sum together, and to the lump in another file.
    deposit = models.CharField("insättning", max_length=80, blank=True, editable=False)
    withdrawn_at = models.DateTimeField("ångrad", null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "betalning"
        verbose_name_plural = "betalningar"
        # What another kind of file may tell of again is looked for by account and day.
        indexes = [
            models.Index(name="payment_account_day", fields=["account", "bank_date"]),
            models.Index(
                name="payment_deposit", fields=["account", "deposit"], condition=~Q(deposit="")
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                name="payment_once", fields=["key"], condition=Q(withdrawn_at=None)
            ),
            models.CheckConstraint(
                name="payment_from_a_file",
                condition=Q(key=None, file=None)
                | Q(key__isnull=False, file__isnull=False, account__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} den {long_date(self.bank_date)}"


class TransferQuerySet(models.QuerySet["Transfer"]):
    def originals(self) -> "TransferQuerySet":
        """Those that reverse nothing.

        Not `reverses=None`: SQLite would look them up among all that reverse nothing, nearly every row.
        """
        return self.alias(undone=Coalesce("reverses_id", 0)).filter(undone=0)


class Transfer(models.Model):
    """One movement from one account to another. Append-only, guarded by the database.

    `covered_ore` is the part of a gift, a placement or a carry-over that a
    surplus clause in force on the bank's date covers, and so may be moved on.
    """

    class Kind(models.TextChoices):
        OPENING = "opening", "ingående belopp"
        GIFT = "gift", "gåva"
        PLACEMENT = "placement", "placering"
        REFUND = "refund", "återbetalning"
        REALLOCATION = "reallocation", "omfördelning"
        CARRY_OVER = "carry_over", "överföring till nytt år"
        DISBURSEMENT = "disbursement", "utbetalning"

    # Indexed together with the day and the id, below.
    debit = models.ForeignKey(
        Account,
        verbose_name="debet",
        on_delete=models.PROTECT,
        related_name="debits",
        db_index=False,
    )
    credit = models.ForeignKey(
        Account,
        verbose_name="kredit",
        on_delete=models.PROTECT,
        related_name="credits",
        db_index=False,
    )
    amount_ore = models.BigIntegerField("belopp")
    covered_ore = models.BigIntegerField("omfattas av överskottsvillkor", default=0)
    kind = models.CharField("slag", max_length=12, choices=Kind)
    booked_on = models.DateField("bokföringsdag")
    payment = models.ForeignKey(
        Payment,
        verbose_name="betalning",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="transfers",
    )
    reverses = models.OneToOneField(
        "self",
        verbose_name="rättar",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversal",
    )
    corrects = models.ForeignKey(
        "self",
        verbose_name="avser",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
    )
    line = models.ForeignKey(
        ProposalLine,
        verbose_name="rad i förslag",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="transfers",
    )
    reason = models.CharField("skäl", max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skriven")

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = "transaktion"
        verbose_name_plural = "transaktioner"
        ordering = ["-id"]
        # A page of an account is read without its other millions; so are the few that are no gifts,
        # which cost an import of gifts nothing.
        indexes = [
            models.Index(name="transfer_debit_day", fields=["debit", "booked_on", "id"]),
            models.Index(name="transfer_credit_day", fields=["credit", "booked_on", "id"]),
            models.Index(
                name="transfer_debit_kind",
                fields=["debit", "kind", "booked_on", "id"],
                condition=~Q(kind="gift"),
            ),
            models.Index(
                name="transfer_credit_kind",
                fields=["credit", "kind", "booked_on", "id"],
                condition=~Q(kind="gift"),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="transfer_amount", condition=Q(amount_ore__gt=0, amount_ore__lt=LIMIT_ORE)
            ),
            models.CheckConstraint(name="transfer_two_accounts", condition=~Q(debit=F("credit"))),
            models.CheckConstraint(
                name="transfer_covered",
                condition=Q(covered_ore=0)
                | Q(
                    covered_ore__gt=0,
                    covered_ore__lte=F("amount_ore"),
                    kind__in=["gift", "placement", "carry_over"],
                ),
            ),
            # A payment is one gift or one refund. One that was wrong is reversed, and paid in anew.
            models.UniqueConstraint(
                name="transfer_one_per_payment",
                fields=["payment"],
                condition=Q(kind__in=["gift", "refund"], reverses__isnull=True),
            ),
            # What was decided about is posted once, and nothing else is moved between funds.
            models.UniqueConstraint(name="transfer_one_per_line", fields=["line"]),
            models.CheckConstraint(
                name="transfer_line",
                condition=Q(line=None) | Q(kind="reallocation", reverses=None),
            ),
            models.CheckConstraint(
                name="transfer_kind",
                condition=Q(
                    kind__in=[
                        "opening",
                        "gift",
                        "placement",
                        "refund",
                        "reallocation",
                        "carry_over",
                        "disbursement",
                    ]
                ),
            ),
        ]

    def __str__(self) -> str:
        day = long_date(self.booked_on)
        return f"{self.get_kind_display().capitalize()} den {day}, {format_kronor(self.amount_ore)}"


class UnplacedGift(models.Model):
    """A gift of which something waits on suspense: how much. Written by triggers alone."""

    transfer = models.OneToOneField(
        Transfer, primary_key=True, on_delete=models.PROTECT, related_name="unplaced"
    )
    left_ore = models.BigIntegerField("väntar")

    class Meta:
        verbose_name = "oplacerad gåva"
        verbose_name_plural = "oplacerade gåvor"

    def __str__(self) -> str:
        return f"{self.transfer}: {format_kronor(self.left_ore)}"


class DonorAnswer(models.Model):
    """What a donor said when asked whether a surplus of the gift may go to a similar project.

    Append-only, the newest holds. For gifts and placements that no surplus clause covers:
    `covered_ore` is what the answer adds to what is covered, or takes away again.
    """

    transfer = models.ForeignKey(
        Transfer, verbose_name="gåva", on_delete=models.PROTECT, related_name="answers"
    )
    is_yes = models.BooleanField("ja")
    asked_by = models.CharField("vem som frågade", max_length=140)
    answered_on = models.DateField("svarade den")
    booked_on = models.DateField("bokföringsdag", editable=False)
    covered_ore = models.BigIntegerField(default=0, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skrivet")

    class Meta:
        verbose_name = "givarens svar"
        verbose_name_plural = "givares svar"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.transfer}: {'ja' if self.is_yes else 'nej'}"


class DailyTotal(models.Model):
    """What an account took in and gave out of one kind on one day. Written by triggers alone.

    A reversal counts as negative on the side of what it reverses. PostgreSQL
    spreads writers over sixteen slots; readers sum them.
    """

    pk = models.CompositePrimaryKey("account_id", "kind", "booked_on", "slot")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="daily_totals")
    kind = models.CharField(max_length=12, choices=Transfer.Kind)
    booked_on = models.DateField()
    slot = models.PositiveSmallIntegerField()
    in_ore = models.BigIntegerField()
    out_ore = models.BigIntegerField()
    covered_in_ore = models.BigIntegerField()
    covered_out_ore = models.BigIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "dagssumma"
        verbose_name_plural = "dagssummor"

    def __str__(self) -> str:
        return f"{self.account} {self.kind} {self.booked_on}"


class GiftTotal(models.Model):
    """How many gifts there were on a day, and what they came to, by the way they were given and their size.

    Written by triggers alone. `account` is the fund year or suspense that a gift or a placement came
    to, or that a refund left. A placement and a refund have the way, the year and the size of their
    whole gift: what the donor gave is what counts. A reversal counts as negative; PostgreSQL spreads
    writers over sixteen slots, as for `DailyTotal`.
    """

    # The sizes told apart, each by the least that belongs to it, in öre. In the triggers too.
    SIZES = (0, 200_00, 2_000_00)

    pk = models.CompositePrimaryKey(
        "booked_on", "account_id", "kind", "channel", "given_year", "from_ore", "slot"
    )
    booked_on = models.DateField()
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="gift_totals", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Transfer.Kind)
    channel = models.CharField(max_length=10, choices=Fund.Channel)
    # The calendar year of the bank's date: when the donor gave, which the tax authority goes by.
    given_year = models.PositiveSmallIntegerField()
    from_ore = models.BigIntegerField()
    slot = models.PositiveSmallIntegerField()
    count = models.IntegerField()
    ore = models.BigIntegerField()

    class Meta:
        verbose_name = "gåvosumma"
        verbose_name_plural = "gåvosummor"

    def __str__(self) -> str:
        return f"{self.account} {self.kind} {self.channel} {self.booked_on}"


class Submission(models.Model):
    """A form that has been carried out, by the key it was shown with: it is not carried out twice."""

    key = models.UUIDField(primary_key=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "inskickat formulär"
        verbose_name_plural = "inskickade formulär"

    def __str__(self) -> str:
        return str(self.key)
