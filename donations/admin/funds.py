import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.admin.operation import OperationAdmin
from donations.days import long_date
from donations.forms import FundForm, NeedForm
from donations.models import CollectionYear, Fund, Need
from donations.money import format_kronor
from projects.picked import PickedMixin
from staff import access
from staff.modeladmin import HistoryAdmin
from staff.requests import member


def _kronor_or_unknown(ore: int | None) -> str:
    return _("inte bestämt") if ore is None else format_kronor(ore)


def _table(headings: list[str], rows: list[list[Any]]) -> str:
    """A small table whose first column names its rows."""
    head = format_html_join("", "<th scope='col'>{}</th>", ((heading,) for heading in headings))
    body = format_html_join(
        "",
        "<tr><th scope='row'>{}</th>{}</tr>",
        (
            (row[0], format_html_join("", "<td>{}</td>", ((cell,) for cell in row[1:])))
            for row in rows
        ),
    )
    return format_html(
        "<table class='fund-years'><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, body
    )


@admin.register(Fund)
class FundAdmin(PickedMixin, HistoryAdmin, OperationAdmin):
    """Funds with what each year has given, and a way in to the need of a year."""

    form = FundForm
    change_form_template = "admin/donations/fund.html"
    list_display = ["collection_number", "page", "opened_on", "closed_on"]
    list_select_related = ["project", "focus_area"]
    search_fields = ["collection_number", "project__title", "focus_area__title"]
    autocomplete_fields = ["project", "focus_area", "successor"]
    readonly_fields = ["years", "needs"]
    fields = [
        "collection_number",
        "project",
        "focus_area",
        "channels",
        "opened_on",
        "closed_on",
        "successor",
        "extra_words",
        "years",
        "needs",
    ]

    @admin.display(description="sida")
    def page(self, fund: Fund) -> str:
        return str(fund.page)

    @admin.display(description="insamlingsår")
    def years(self, fund: Fund) -> str:
        fund_years = list(fund.years.select_related("year"))
        if not fund_years:
            return _("Inga än. Bestäm årets behov, eller vänta på den första gåvan.")
        figures = queries.figures(fund_years, timezone.localdate())
        rows = []
        for fund_year in fund_years:
            shown = figures[fund_year.pk]
            amounts = (shown.need, shown.collected, shown.remaining, shown.surplus)
            rows.append([fund_year.year, *map(_kronor_or_unknown, amounts)])
        return _table(["År", "Behov", "Insamlat", "Kvar att samla in", "Överskott"], rows)

    @admin.display(description="beslut om behov")
    def needs(self, fund: Fund) -> str:
        decided = Need.objects.filter(fund_year__fund=fund).select_related("fund_year__year", "by")
        rows = [
            [
                need.fund_year.year,
                format_kronor(need.amount_ore),
                long_date(need.decided_on),
                need.reason,
                need.by,
            ]
            for need in decided
        ]
        return _table(["År", "Behov", "Från och med", "Skäl", "Av"], rows) if rows else "–"

    def get_readonly_fields(self, request: HttpRequest, obj: Fund | None = None) -> list[str]:
        """The number, and whose it is, last as long as the fund once money may have come."""
        if obj and obj.years.exists():
            return ["collection_number", "project", "focus_area", *self.readonly_fields]
        return list(self.readonly_fields)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:fund_id>/behov/", view(self.need_view), name="donations_fund_need"),
            *super().get_urls(),
        ]

    @access.staff("donations.add_need")
    def need_view(self, request: HttpRequest, fund_id: int) -> HttpResponseBase:
        """Decide what the fund needs for a year."""
        fund = get_object_or_404(Fund, pk=fund_id)
        this_year = operations.collection_year(timezone.localdate())
        operations.collection_year(this_year.ends_on + datetime.timedelta(days=1))

        def run(data: dict[str, Any]) -> str:
            year: CollectionYear = data["year"]
            operations.set_need(
                operations.fund_year(fund, year.starts_on, member(request)),
                data["amount"],
                decided_on=data["decided_on"],
                reason=data["reason"],
                by=member(request),
            )
            return _("Behovet för %(year)s är %(amount)s från och med %(day)s.") % {
                "year": year,
                "amount": format_kronor(data["amount"]),
                "day": long_date(data["decided_on"]),
            }

        return self.operate(
            request,
            NeedForm,
            run,
            title=_("Bestäm behovet för %s") % fund,
            button=_("Spara behovet"),
            consequence=_(
                "Behovet syns på webbplatsen från den dag det gäller. Ett beslut tas inte bort; det"
                " ersätts av ett nytt."
            ),
            initial={"year": this_year},
            back=reverse("admin:donations_fund_change", args=[fund.pk]),
            intro=_(
                "Ett nytt beslut ersätter det förra från den dag det gäller. "
                "Alla beslut står kvar på insamlingens sida."
            ),
        )
