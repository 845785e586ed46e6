"""What finance sets up before files come: our accounts' numbers, rules for what is no gift, bound payers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _

from donations.days import long_date
from donations.forms import AccountNumberForm, AsideRuleForm, BoundPayerForm, GiftSourceForm
from donations.models import Account, AccountNumber, AsideRule, BoundPayer, GiftSource
from projects.picked import PickedMixin
from staff.modeladmin import HistoryAdmin, ModelAdmin
from staff.models import Event
from staff.requests import member


def _sources(number: AccountNumber) -> str:
    """The number's sources, the newest first, each on a line."""
    lines = [(one,) for one in number.sources.all()]
    return format_html_join("", "<div>{}</div>", lines) or _("alla sorters filer")


class AccountNumberInline(admin.StackedInline):
    """An account's numbers, with the way to where each one's gifts come from."""

    model = AccountNumber
    form = AccountNumberForm
    extra = 1
    verbose_name_plural = "Kontots nummer"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = "digits" if self.has_change_permission(request, obj) else "printed"
        return ["scheme", typed, "gifts_from"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["printed", "gifts_from"]

    @admin.display(description="nummer")
    def printed(self, number: AccountNumber) -> str:
        return number.printed

    @admin.display(description="gåvorna kommer från")
    def gifts_from(self, number: AccountNumber) -> str:
        if not number.pk:
            return _("Spara numret först. Sedan kan du välja filformat.")
        address = reverse("admin:donations_accountnumber_change", args=[number.pk])
        way = _("Filformat för %s") % number
        return format_html('{}<div><a href="{}">{}</a></div>', _sources(number), address, way)


@admin.register(Account)
class AccountAdmin(ModelAdmin):
    """Our bank accounts. The other accounts are made by what happens."""

    area = Event.Area.MONEY
    fields = ["name"]
    list_display = ["name", "numbers"]
    inlines = [AccountNumberInline]

    @admin.display(description="nummer")
    def numbers(self, account: Account) -> str:
        return ", ".join(map(str, account.numbers.all())) or "–"

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request).filter(kind=Account.Kind.BANK)
        return found.prefetch_related("numbers")

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        obj.kind = Account.Kind.BANK
        super().save_model(request, obj, form, change)


class GiftSourceInline(admin.StackedInline):
    model = GiftSource
    form = GiftSourceForm
    extra = 1
    verbose_name_plural = "Gåvorna kommer från"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["format" if self.has_change_permission(request, obj) else "kind", "from_day"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["kind"]

    @admin.display(description="filformat")
    def kind(self, source: GiftSource) -> str:
        return source.kind


@admin.register(AccountNumber)
class AccountNumberAdmin(HistoryAdmin):
    """A number, and from which kind of file its gifts come. Nested in its account's page it has no room."""

    area = Event.Area.MONEY
    form = AccountNumberForm
    list_display = ["printed", "scheme", "account", "gifts_from"]
    list_select_related = ["account"]
    inlines = [GiftSourceInline]
    change_form_template = "admin/donations/account_number.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("sources")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        typed = "digits" if obj is None or self.has_change_permission(request, obj) else "printed"
        changes = ["source_changes"] if obj else []
        return ["account", "scheme", typed, *changes]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["printed", "source_changes"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "account":
            kwargs["queryset"] = Account.objects.filter(kind=Account.Kind.BANK)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="nummer", ordering="digits")
    def printed(self, number: AccountNumber) -> str:
        return number.printed

    @admin.display(description="gåvorna kommer nu från")
    def gifts_from(self, number: AccountNumber) -> str:
        today = timezone.localdate()
        begun = [one.kind for one in number.sources.all() if one.from_day <= today]
        return begun[0] if begun else _("alla sorters filer")

    @admin.display(description="ändringar av källorna")
    def source_changes(self, number: AccountNumber) -> str:
        """Who has changed from where gifts come, and when: the sources have no page of their own."""
        did = {"+": _("lade till"), "~": _("ändrade till"), "-": _("tog bort")}
        changes = GiftSource.history.filter(number_id=number.pk).select_related("history_user")
        lines = (
            (
                long_date(timezone.localdate(change.history_date)),
                change.history_user or _("servern"),
                did[change.history_type],
                change.instance,
            )
            for change in changes[:50]
        )
        return format_html_join("", "<div>{}: {} {} {}</div>", lines) or "–"


@admin.register(AsideRule)
class AsideRuleAdmin(HistoryAdmin):
    area = Event.Area.MONEY
    form = AsideRuleForm
    list_display = ["name", "is_a", "way", "text", "account", "code"]
    fields = ["name", "is_a", "text", "account", "code", "way", "least_ore", "most_ore"]


@admin.register(BoundPayer)
class BoundPayerAdmin(PickedMixin, ModelAdmin):
    """Payers bound to a fund: those of Autogiro are added here, the others where their payment is placed."""

    area = Event.Area.MONEY
    form = BoundPayerForm
    list_display = ["payer", "fund", "by", "created_at", "used_on", "remove"]
    list_select_related = ["payment", "fund__project", "fund__focus_area", "by"]
    autocomplete_fields = ["fund"]
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["payer", "fund", "by", "created_at", "used_on"] if obj else ["number", "fund"]

    @admin.display(description="betalare")
    def payer(self, bound: BoundPayer) -> str:
        if bound.number:
            return _("Autogiro, betalarnummer %s") % bound.number
        return (bound.payment.payer_name if bound.payment else "") or _("utan namn")

    @admin.display(description="")
    def remove(self, bound: BoundPayer) -> str:
        address = reverse("admin:donations_boundpayer_delete", args=[bound.pk])
        return format_html('<a href="{}">{}</a>', address, _("Ta bort"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A payer's name is a payment's."""
        may = super().has_view_permission(request, obj)
        return may and member(request).has_perm("donations.view_payment")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: BoundPayer, form: Any, change: bool) -> None:
        obj.by, obj.created_at = member(request), timezone.now()
        obj.used_on = timezone.localdate()
        super().save_model(request, obj, form, change)
