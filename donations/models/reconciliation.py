"""Reconciliation: what statements say of each day of a bank account, what the books hold, and who has looked."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from donations.bankfiles.aside import SHOWN, Class
from donations.bankfiles.records import Way
from donations.days import long_date
from donations.models.bank import BankFile
from donations.models.ledger import Account
from donations.money import LIMIT_ORE, format_kronor


class BankDay(models.Model):
    """What the books hold of a bank account by the bank's own day: gifts in, refunds out. Written by triggers alone.

    `DailyTotal` has the day that counts, which is another one for what came after a period was locked. A
    reversal takes away from the day of what it reverses. Slots as in `DailyTotal`.
    """

    pk = models.CompositePrimaryKey("account_id", "bank_date", "slot")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="bank_days")
    bank_date = models.DateField()
    slot = models.PositiveSmallIntegerField()
    gifts = models.BigIntegerField()
    in_ore = models.BigIntegerField()
    refunds = models.BigIntegerField()
    out_ore = models.BigIntegerField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = "bankdag"
        verbose_name_plural = "bankdagar"

    def __str__(self) -> str:
        return f"{self.account} {self.bank_date}"


class StatementDay(models.Model):
    """What one statement is the first to tell of a day: lines of one class, going one way, and their sum.

    `is_a` is `aside.Class`, or "" for what may be a gift. A line that an earlier statement has told of is
    not counted again, so that the rows of a day add up. Each day that a statement spans has a row, if
    only to say that nothing happened. The lines themselves are found by walking the file.
    """

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="statement_days")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField("dag")
    is_a = models.CharField(
        "slag",
        max_length=20,
        choices=[(one.value, text) for one, text in SHOWN.items()],
        blank=True,
    )
    way = models.CharField("väg", max_length=3, choices=[(one.value, one.value) for one in Way])
    lines = models.IntegerField("rader")
    ore = models.BigIntegerField("belopp")

    class Meta:
        verbose_name = "dag på kontoutdrag"
        verbose_name_plural = "dagar på kontoutdrag"
        indexes = [models.Index(name="statement_day", fields=["account", "day"])]
        constraints = [
            models.UniqueConstraint(
                name="statement_day_once", fields=["file", "account", "day", "is_a", "way"]
            ),
            models.CheckConstraint(
                name="statement_day_counts",
                condition=Q(lines=0, ore=0) | Q(lines__gt=0, ore__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.day}: {self.lines}"

    @property
    def is_gift(self) -> bool:
        """Whether it is money that has to be in the books: gifts one by one, or the sum of several."""
        return self.way == Way.IN.value and self.is_a in ("", Class.LUMP.value)


class StatedDay(models.Model):
    """What somebody has read off a statement that there is no file of. Append-only: the newest holds.

    `in_ore` is all that came in on the account that day, and `aside_ore` what of it is no gift. Without
    `in_ore`, what was written before is struck out.
    """

    account = models.ForeignKey(
        Account, verbose_name="bankkonto", on_delete=models.PROTECT, related_name="+"
    )
    day = models.DateField("dag")
    in_ore = models.BigIntegerField("insatt", null=True, blank=True)
    aside_ore = models.BigIntegerField("varav annat än gåvor", default=0)
    note = models.CharField("anteckning", max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skrivet")

    class Meta:
        verbose_name = "inskriven summa"
        verbose_name_plural = "inskrivna summor"
        ordering = ["-id"]
        indexes = [models.Index(name="stated_day", fields=["account", "day"])]
        constraints = [
            models.CheckConstraint(
                name="stated_day_amounts",
                condition=Q(in_ore=None, aside_ore=0)
                | Q(
                    # What is compared with nothing known would pass.
                    in_ore__isnull=False,
                    in_ore__lt=LIMIT_ORE,
                    aside_ore__gte=0,
                    aside_ore__lte=F("in_ore"),
                ),
            )
        ]

    def __str__(self) -> str:
        told = "struken" if self.in_ore is None else format_kronor(self.in_ore)
        return f"{self.account} den {long_date(self.day)}: {told}"


class SignOff(models.Model):
    """A person's word that an account's day has been looked at, or taken back. Append-only: the newest holds.

    A sign-off bears the sums that were seen: what came in by the statement, what of it is set aside, and
    the books' gifts. When those do not come out even it bears a reason; so does taking it back.
    """

    account = models.ForeignKey(
        Account, verbose_name="bankkonto", on_delete=models.PROTECT, related_name="+"
    )
    day = models.DateField("dag")
    is_signed = models.BooleanField("avstämd")
    statement_ore = models.BigIntegerField("på kontoutdraget", null=True, blank=True)
    aside_ore = models.BigIntegerField("varav annat än gåvor", null=True, blank=True)
    books_ore = models.BigIntegerField("i böckerna", null=True, blank=True)
    reason = models.CharField("skäl", max_length=300, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skriven")

    class Meta:
        verbose_name = "avstämning"
        verbose_name_plural = "avstämningar"
        ordering = ["-id"]
        indexes = [models.Index(name="sign_off_day", fields=["account", "day"])]
        constraints = [
            models.CheckConstraint(
                name="sign_off_whole",
                condition=Q(is_signed=False, statement_ore=None, aside_ore=None, books_ore=None)
                | Q(
                    is_signed=True,
                    # What is compared with nothing known would pass.
                    statement_ore__isnull=False,
                    aside_ore__isnull=False,
                    books_ore__isnull=False,
                    statement_ore__gte=0,
                    aside_ore__gte=0,
                    aside_ore__lte=F("statement_ore"),
                ),
            ),
            models.CheckConstraint(
                name="sign_off_says_why",
                condition=~Q(reason="")
                | Q(is_signed=True, statement_ore=F("books_ore") + F("aside_ore")),
            ),
        ]

    def __str__(self) -> str:
        told = "avstämd" if self.is_signed else "avstämningen togs tillbaka"
        return f"{self.account} den {long_date(self.day)}: {told}"

    @property
    def difference_ore(self) -> int:
        """What the statement had beyond the books, below zero when it had less; 0 for what was taken back."""
        if not self.is_signed:
            return 0
        assert None not in (self.statement_ore, self.aside_ore, self.books_ore)
        return self.statement_ore - self.aside_ore - self.books_ore  # type: ignore[operator]
