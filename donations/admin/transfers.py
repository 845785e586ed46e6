import datetime
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _

from donations import operations
from donations.admin.operation import OperationAdmin
from donations.forms import GiftForm, RefundForm, ReverseForm, long_date
from donations.models import Fund, Transfer
from donations.money import AmountError, format_kronor, parse_kronor
from donations.operations import GiftIn
from staff import access
from staff.requests import member


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
        "author",
        "created_at",
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who gave is seen by those who may see payments; the books themselves by everybody in finance."""
        about_payer = set() if _may_see_payers(request) else {"payment", "payer"}
        return [field for field in self.readonly_fields if field not in about_payer]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        fields = super().get_search_fields(request)
        return [f for f in fields if _may_see_payers(request) or not f.startswith("payment__")]

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

    @admin.display(description="av")
    def author(self, transfer: Transfer) -> str:
        """A name and no link: who reads the books does not read about colleagues."""
        return str(transfer.by)

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
        if not self.has_add_permission(request):
            raise PermissionDenied

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
            consequence=_(
                "Gåvan syns på webbplatsen genast. Det som är bokfört kan inte ändras eller tas"
                " bort, bara rättas med en ny transaktion."
            ),
            back=reverse("admin:donations_transfer_changelist"),
            initial={"collection_number": request.GET.get("nummer", "")},
        )

    @access.staff("donations.add_transfer")
    def reverse_view(self, request: HttpRequest, transfer_id: int) -> HttpResponseBase:
        """Undo a transfer."""
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
            consequence=_(
                "En rättelse kan inte ångras. Var det fel att rätta får det rätta bokföras på nytt."
            ),
            back=self._page(transfer),
            intro=_(
                "%(what)s, %(amount)s. Den står kvar i bokföringen, men räknas som om den aldrig hade bokförts."
            )
            % self._named(transfer),
        )

    @access.staff("donations.add_transfer")
    def refund_view(self, request: HttpRequest, transfer_id: int) -> HttpResponseBase:
        """Pay back a gift."""
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
            consequence=_(
                "Inga pengar lämnar banken härifrån: det gör du där. Blev det fel här kan"
                " återbetalningen rättas."
            ),
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


def _may_see_payers(request: HttpRequest) -> bool:
    return member(request).has_perm("donations.view_payment")
