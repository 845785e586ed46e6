"""What pages lack in money matters, told to the editors' lists: a need for this year."""

import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.models import Fund, FundYear
from donations.queries import needs_in_force
from projects import attention
from projects.attention import Found, Lack
from projects.models import Page


def missing_needs(pages: list[Page], at: datetime.datetime) -> Found:
    """Projects that are collected for at the moment `at`, with no need decided for the year. Three queries."""
    day = timezone.localdate(at)
    is_open = Q(closed_on=None) | Q(closed_on__gte=day)
    funds = Fund.objects.filter(
        is_open, opened_on__lte=day, project_id__in=[page.pk for page in pages]
    )
    of_project = {fund.project_id: fund.pk for fund in funds.order_by("opened_on", "pk")}
    years = dict(
        FundYear.objects.filter(
            fund_id__in=of_project.values(), year__starts_on__lte=day, year__ends_on__gte=day
        ).values_list("pk", "fund_id")
    )
    decided = {years[pk] for pk in needs_in_force(years, day)}
    return {
        project_id: [
            Lack(
                "need",
                _("Årets insamlingsbehov är inte bestämt. Ekonomi bestämmer det."),
                reverse("admin:donations_fund_need", args=[fund_id]),
                "donations.add_need",
            )
        ]
        for project_id, fund_id in of_project.items()
        if project_id and fund_id not in decided
    }


def register() -> None:
    """Let the editors' lists know of missing needs."""
    attention.register({"need": "Årets behov"}, missing_needs)
