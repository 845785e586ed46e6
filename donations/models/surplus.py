"""What becomes of a surplus: proposals to move it, and decisions to leave it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from donations.models.funds import CollectionYear, FundYear
from donations.money import LIMIT_ORE
from projects.models import FocusArea


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def pending(self) -> "ProposalQuerySet":
        """Those that wait for a decision: what they name is held."""
        return self.filter(submitted_at__isnull=False, decision="")


class Proposal(models.Model):
    """Surplus that one person proposes to move, and another decides about.

    Within one focus area and one collection year. A draft can be changed and thrown away; from
    submission on it is fixed by the database, and so is what was decided. `figures_then` is what
    the submitter saw: for each fund year, by its id, its need (or null), available and disbursed, in öre.
    """

    class Decision(models.TextChoices):
        APPROVED = "approved", "godkänt"
        REJECTED = "rejected", "avslaget"
        WITHDRAWN = "withdrawn", "återtaget"

    focus_area = models.ForeignKey(
        FocusArea, verbose_name="fokusområde", on_delete=models.PROTECT, related_name="proposals"
    )
    year = models.ForeignKey(
        CollectionYear,
        verbose_name="insamlingsperiod",
        on_delete=models.PROTECT,
        related_name="proposals",
    )
    reason = models.CharField("skäl", max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="föreslaget av",
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField("påbörjat")
    changed_at = models.DateTimeField("ändrat")
    submitted_at = models.DateTimeField("inlämnat", null=True, blank=True)
    figures_then = models.JSONField("läget vid inlämningen", null=True, blank=True)
    decision = models.CharField("beslut", max_length=10, choices=Decision, blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="beslutat av",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField("beslutat", null=True, blank=True)
    decision_reason = models.CharField("skäl för beslutet", max_length=300, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = "förslag till omfördelning"
        verbose_name_plural = "förslag till omfördelning"
        ordering = ["-id"]
        permissions = [("decide_proposal", "Kan besluta om förslag till omfördelning")]
        constraints = [
            models.CheckConstraint(
                name="proposal_decided_whole",
                condition=Q(decision="", decided_by=None, decided_at=None)
                | Q(
                    decision__in=["approved", "rejected", "withdrawn"],
                    submitted_at__isnull=False,
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="proposal_two_people",
                condition=Q(decision__in=["", "withdrawn"]) | ~Q(decided_by=F("by")),
                violation_error_message="Den som har lämnat förslaget kan inte själv besluta om det.",
            ),
            models.CheckConstraint(
                name="proposal_withdrawn_by_its_own",
                condition=~Q(decision="withdrawn") | Q(decided_by=F("by")),
                violation_error_message="Bara den som har lämnat in förslaget kan ta tillbaka det.",
            ),
        ]

    def __str__(self) -> str:
        return f"förslag {self.pk}, {self.focus_area} {self.year}"

    @property
    def is_pending(self) -> bool:
        return self.submitted_at is not None and not self.decision


class ProposalLineQuerySet(models.QuerySet["ProposalLine"]):
    def with_sides(self) -> "ProposalLineQuerySet":
        """With both fund years, their names, and what a line corrects, in the same query."""
        return self.select_related(
            *("source__fund__project", "source__fund__focus_area", "source__year"),
            *("receiver__fund__project", "receiver__fund__focus_area", "receiver__year"),
            "corrects__line",
        )


class ProposalLine(models.Model):
    """An amount to move from one fund year to another.

    `approved_ore` is what was decided (0: nothing); `need_ore` and `surplus_ore` are the source's
    at that moment. They are written once. `corrects` is the reallocation of a closed year that the
    line moves back, in the same two funds' open year.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField("ordning", default=0)
    source = models.ForeignKey(
        FundYear, verbose_name="från", on_delete=models.PROTECT, related_name="lines_out"
    )
    receiver = models.ForeignKey(
        FundYear, verbose_name="till", on_delete=models.PROTECT, related_name="lines_in"
    )
    amount_ore = models.BigIntegerField("belopp")
    reason = models.CharField("skäl", max_length=300, blank=True)
    corrects = models.ForeignKey(
        "donations.Transfer",
        verbose_name="avser",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    approved_ore = models.BigIntegerField("godkänt belopp", null=True, blank=True)
    need_ore = models.BigIntegerField("behov då", null=True, blank=True)
    surplus_ore = models.BigIntegerField("överskott då", null=True, blank=True)

    objects = ProposalLineQuerySet.as_manager()

    class Meta:
        verbose_name = "rad i förslag"
        verbose_name_plural = "rader i förslag"
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                name="proposal_line_amount",
                condition=Q(amount_ore__gt=0, amount_ore__lt=LIMIT_ORE),
            ),
            models.CheckConstraint(
                name="proposal_line_approved",
                condition=Q(approved_ore=None)
                | Q(approved_ore__gte=0, approved_ore__lte=F("amount_ore")),
            ),
            models.CheckConstraint(
                name="proposal_line_two_funds", condition=~Q(source=F("receiver"))
            ),
            models.UniqueConstraint(
                name="proposal_line_once", fields=["proposal", "source", "receiver"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.receiver}"


class LeftSurplus(models.Model):
    """A surplus that stays where it is when the year is closed, as somebody has decided. Append-only."""

    fund_year = models.ForeignKey(
        FundYear, verbose_name="insamlingsår", on_delete=models.PROTECT, related_name="left"
    )
    amount_ore = models.BigIntegerField("belopp")
    reason = models.CharField("skäl", max_length=300)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("skrivet")

    class Meta:
        verbose_name = "överskott som står kvar"
        verbose_name_plural = "överskott som står kvar"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="left_surplus_amount", condition=Q(amount_ore__gt=0, amount_ore__lt=LIMIT_ORE)
            )
        ]

    def __str__(self) -> str:
        return f"{self.fund_year}"
