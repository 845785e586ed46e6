import datetime
from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from donations import operations
from donations.admin.operation import OperationAdmin
from donations.days import long_date
from donations.forms import RefundForm, ReverseForm
from donations.masking import mask
from donations.models import Account, SurplusClause, Transfer
from donations.money import AmountError, format_kronor, parse_kronor
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
        "clause",
        "answers",
        "reason",
        "corrects",
        "reverses",
        "since",
        "exported",
        "author",
        "created_at",
    ]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Who gave is seen by those who may see payments; the books themselves by everybody in finance."""
        hidden = set() if _may_see_payers(request) else {"payment", "payer"}
        if obj is None or not _is_given_to_a_fund(obj):
            hidden |= {"clause", "answers"}
        return [field for field in self.readonly_fields if field not in hidden]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """With what may be done about the gift, if it is one."""
        transfer = self.get_object(request, unquote(object_id))
        extra = dict(extra_context or {})
        if transfer and not transfer.reverses_id and not hasattr(transfer, "reversal"):
            on_suspense = transfer.credit.kind == Account.Kind.SUSPENSE
            extra["is_waiting"] = on_suspense and operations.left_of(transfer) > 0
            extra["may_be_asked"] = _is_given_to_a_fund(transfer) and not transfer.covered_ore
        return super().change_view(request, object_id, form_url, extra)

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

    @admin.display(description="överskottsvillkor när gåvan gavs")
    def clause(self, transfer: Transfer) -> str:
        """What the donor could read about a surplus on the bank's date."""
        fund_year = transfer.credit.fund_year
        assert fund_year is not None  # shown for gifts to a fund alone
        day = transfer.payment.bank_date if transfer.payment else transfer.booked_on
        found = SurplusClause.objects.in_force(fund_year.focus_area_id, day)
        if found is None:
            return _("Inget villkor gällde den %s.") % long_date(day)
        return _("”%(text)s” Gäller från den %(day)s.") % {
            "text": found.text,
            "day": long_date(found.valid_from),
        }

    @admin.display(description="givarens svar om överskott")
    def answers(self, transfer: Transfer) -> str:
        """Everything that the donor has answered, the newest, which holds, first."""
        rows = [
            (_("Ja") if one.is_yes else _("Nej"), long_date(one.answered_on), one.asked_by, one.by)
            for one in transfer.answers.select_related("by")
        ]
        said = _("{} den {}. {} frågade, {} antecknade.")
        return format_html_join("", f"<p>{said}</p>", rows) or "–"

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
        return mask(", ".join(text for text in said if text)) or "–"

    @admin.display(description="exporterad till bokföringen")
    def exported(self, transfer: Transfer) -> str:
        """The export that its voucher is in."""
        export = operations.held_in(transfer)
        if export is None:
            return _("inte än")
        address = reverse("finance_sie_export", args=[export.number])
        return format_html("<a href='{}'>{}</a>", address, export)

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
        """A gift is registered among the pages of finance."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("finance_gift"))

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
            title=_("Betala tillbaka en gåva"),
            button=_("Bokför återbetalningen"),
            consequence=_(
                "Inga pengar lämnar banken härifrån: det gör du där. Blev det fel här kan"
                " återbetalningen rättas."
            ),
            back=reverse("finance_unplaced") if "ko" in request.GET else self._page(gift),
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


def _is_given_to_a_fund(transfer: Transfer) -> bool:
    """Whether it is a gift or a placement that stands on a fund's year."""
    given = transfer.kind in (Transfer.Kind.GIFT, Transfer.Kind.PLACEMENT)
    return given and not transfer.reverses_id and transfer.credit.fund_year_id is not None


def _may_see_payers(request: HttpRequest) -> bool:
    return member(request).has_perm("donations.view_payment")
