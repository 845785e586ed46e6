import datetime
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from donations import operations, queries
from donations.forms import (
    CollectionYearForm,
    FundForm,
    GiftForm,
    NeedForm,
    OperationForm,
    RefundForm,
    ReverseForm,
    SurplusClauseForm,
    long_date,
)
from donations.models import (
    Account,
    CollectionYear,
    Fund,
    Need,
    Submission,
    SurplusClause,
    Transfer,
)
from donations.money import AmountError, format_kronor, parse_kronor
from donations.operations import GiftIn, OperationError
from projects.picked import PickedMixin
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


class OperationAdmin(admin.ModelAdmin):
    """An admin whose money moves through `operations`, one form for each movement."""

    def operate(
        self,
        request: HttpRequest,
        form_class: type[OperationForm],
        run: Callable[[dict[str, Any]], str],
        *,
        title: str,
        button: str,
        back: str,
        intro: str = "",
        initial: dict[str, Any] | None = None,
    ) -> HttpResponseBase:
        """Show the form, and carry out `run` with its data once; `run` tells in Swedish what was done.

        A refusal is shown with everything that was typed.
        """
        form = form_class(request.POST) if request.method == "POST" else form_class(initial=initial)
        if form.is_valid():
            try:
                with transaction.atomic():
                    is_new = Submission.objects.get_or_create(key=form.cleaned_data["once"])[1]
                    told = run(form.cleaned_data) if is_new else ""
            except OperationError as error:
                form.add_error(None, str(error))
            except IntegrityError:
                form.add_error(None, _("Böckerna tillåter inte det här. Ingenting har ändrats."))
            else:
                if told:
                    messages.success(request, told)
                else:
                    messages.info(
                        request, _("Det var redan gjort. Ingenting har bokförts en gång till.")
                    )
                return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "button": button,
            "back": back,
            "intro": intro,
        }
        return render(request, "admin/donations/operation.html", context)

    def require_permission(self, request: HttpRequest) -> None:
        if not member(request).has_perm("donations.add_transfer"):
            raise PermissionDenied


@admin.register(Transfer)
class TransferAdmin(OperationAdmin):
    """The ledger, to read; a gift is added, a transfer is reversed or refunded, nothing is changed."""

    list_display = ["booked_on", "kind", "from_account", "to_account", "kronor", "status"]
    list_filter = ["kind", "booked_on"]
    search_fields = [
        "=credit__fund_year__fund__collection_number",
        "=debit__fund_year__fund__collection_number",
        "payment__payer_name",
        "payment__message",
    ]
    search_help_text = (
        "Sök på insamlingsnummer, givare, meddelande, belopp (1 234,50) eller dag (2026-11-21)."
    )
    list_select_related = [
        "debit__fund_year__fund__project",
        "debit__fund_year__fund__focus_area",
        "debit__fund_year__year",
        "credit__fund_year__fund__project",
        "credit__fund_year__fund__focus_area",
        "credit__fund_year__year",
        "reversal",
    ]
    show_full_result_count = False
    change_form_template = "admin/donations/transfer.html"
    change_list_template = "admin/donations/transfers.html"
    readonly_fields = [
        "booked_on",
        "kind",
        "from_account",
        "to_account",
        "kronor",
        "payment",
        "payer",
        "reason",
        "corrects",
        "reverses",
        "since",
        "by",
        "created_at",
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.readonly_fields)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Also an amount or a day, written as people write them."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        with suppress(AmountError):
            found |= queryset.filter(amount_ore=parse_kronor(search_term))
        with suppress(ValueError):
            found |= queryset.filter(booked_on=datetime.date.fromisoformat(search_term.strip()))
        return found, may_repeat

    @admin.display(description="vad som hänt sedan dess")
    def since(self, transfer: Transfer) -> str:
        later = [*transfer.corrections.all()]
        if hasattr(transfer, "reversal"):
            later.append(transfer.reversal)
        links = [
            (
                reverse("admin:donations_transfer_change", args=[entry.pk]),
                _("Rättad") if entry.reverses_id else entry.get_kind_display().capitalize(),
                long_date(entry.booked_on),
                format_kronor(entry.amount_ore),
                entry.reason,
            )
            for entry in later
        ]
        return format_html_join("", "<p><a href='{}'>{} den {}</a>: {}. {}</p>", links) or "–"

    @admin.display(description="från", ordering="debit")
    def from_account(self, transfer: Transfer) -> str:
        return str(transfer.debit)

    @admin.display(description="till", ordering="credit")
    def to_account(self, transfer: Transfer) -> str:
        return str(transfer.credit)

    @admin.display(description="belopp", ordering="amount_ore")
    def kronor(self, transfer: Transfer) -> str:
        return format_kronor(transfer.amount_ore)

    @admin.display(description="givare och meddelande")
    def payer(self, transfer: Transfer) -> str:
        said = [transfer.payment.payer_name, transfer.payment.message] if transfer.payment else []
        return ", ".join(text for text in said if text) or "–"

    @admin.display(description="läge")
    def status(self, transfer: Transfer) -> str:
        if transfer.reverses_id:
            return _("rättelse")
        return _("rättad") if hasattr(transfer, "reversal") else ""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().changelist_view(
            request, {"title": _("Transaktioner"), **(extra_context or {})}
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:transfer_id>/ratta/",
                view(self.reverse_view),
                name="donations_transfer_reverse",
            ),
            path(
                "<int:transfer_id>/aterbetala/",
                view(self.refund_view),
                name="donations_transfer_refund",
            ),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        self.require_permission(request)

        def run(data: dict[str, Any]) -> str:
            fund: Fund = data["collection_number"]
            gift = GiftIn(
                fund=fund,
                amount_ore=data["amount"],
                bank_date=data["bank_date"],
                channel=data["channel"],
                payer_name=data["payer_name"],
                message=data["message"],
            )
            operations.register_gift(gift, bank=data["bank"], by=member(request))
            return _("%(amount)s är bokförda på %(fund)s.") % {
                "amount": format_kronor(gift.amount_ore),
                "fund": fund,
            }

        return self.operate(
            request,
            GiftForm,
            run,
            title=_("Registrera en gåva"),
            button=_("Bokför gåvan"),
            back=reverse("admin:donations_transfer_changelist"),
            initial={"collection_number": request.GET.get("nummer", "")},
        )

    def reverse_view(self, request: HttpRequest, transfer_id: int) -> HttpResponseBase:
        """Undo a transfer."""
        self.require_permission(request)
        transfer = get_object_or_404(Transfer, pk=transfer_id)

        def run(data: dict[str, Any]) -> str:
            operations.reverse(
                transfer, booked_on=data["booked_on"], reason=data["reason"], by=member(request)
            )
            return _("Transaktionen är rättad.")

        return self.operate(
            request,
            ReverseForm,
            run,
            title=_("Rätta en transaktion"),
            button=_("Bokför rättelsen"),
            back=self._page(transfer),
            intro=_(
                "%(what)s, %(amount)s. Den står kvar i böckerna, men räknas som om den aldrig hade bokförts."
            )
            % self._named(transfer),
        )

    def refund_view(self, request: HttpRequest, transfer_id: int) -> HttpResponseBase:
        """Pay back a gift."""
        self.require_permission(request)
        gift = get_object_or_404(Transfer, pk=transfer_id)

        def run(data: dict[str, Any]) -> str:
            operations.refund(
                gift,
                data["amount"],
                booked_on=data["booked_on"],
                reason=data["reason"],
                by=member(request),
            )
            return _("%s är bokförda som återbetalda.") % format_kronor(data["amount"])

        return self.operate(
            request,
            RefundForm,
            run,
            title=_("Återbetala en gåva"),
            button=_("Bokför återbetalningen"),
            back=self._page(gift),
            intro=_(
                "%(what)s, %(amount)s. Bokför återbetalningen när pengarna har lämnat bankkontot."
            )
            % self._named(gift),
            initial={"amount": operations.left_of(gift)},
        )

    def _named(self, transfer: Transfer) -> dict[str, str]:
        what = f"{transfer.get_kind_display().capitalize()} den {long_date(transfer.booked_on)}"
        return {"what": what, "amount": format_kronor(transfer.amount_ore)}

    def _page(self, transfer: Transfer) -> str:
        return reverse("admin:donations_transfer_change", args=[transfer.pk])


@admin.register(Fund)
class FundAdmin(PickedMixin, OperationAdmin):
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
        return _table(["År", "Behov", "Insamlat", "Kvar", "Överskott"], rows)

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

    def need_view(self, request: HttpRequest, fund_id: int) -> HttpResponseBase:
        """Decide what the fund needs for a year."""
        self.require_permission(request)
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
            initial={"year": this_year},
            back=reverse("admin:donations_fund_change", args=[fund.pk]),
            intro=_(
                "Ett nytt beslut ersätter det förra från den dag det gäller. "
                "Alla beslut står kvar på insamlingens sida."
            ),
        )


@admin.register(CollectionYear)
class CollectionYearAdmin(admin.ModelAdmin):
    form = CollectionYearForm
    list_display = ["name", "starts_on", "ends_on"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only an unused year at either end: years have no gaps."""
        if obj is None:
            return False
        ends = (CollectionYear.objects.first(), CollectionYear.objects.last())
        is_free = obj in ends and not obj.fund_years.exists()
        return is_free and super().has_delete_permission(request, obj)


@admin.register(SurplusClause)
class SurplusClauseAdmin(admin.ModelAdmin):
    form = SurplusClauseForm
    list_display = ["focus_area", "valid_from", "text"]
    list_filter = ["focus_area"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Account)
class AccountAdmin(admin.ModelAdmin):
    """Our bank accounts. The other accounts are made by what happens."""

    fields = ["name"]
    list_display = ["name"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).filter(kind=Account.Kind.BANK)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        obj.kind = Account.Kind.BANK
        super().save_model(request, obj, form, change)
