"""Who may reach which address. Every view says it; `AccessMiddleware` holds it; docs/permissions.md lists it.

A view that says nothing is reached by nobody, so that nothing is left open by forgetting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from inspect import unwrap
from typing import Any, TypeVar

from django.contrib.admin import ModelAdmin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import ResolverMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from staff import second_factor
from staff.requests import member

View = TypeVar("View", bound=Callable[..., Any])
GetResponse = Callable[[HttpRequest], HttpResponseBase]

READ = ("GET", "HEAD")
READ_AND_WRITE = ("GET", "HEAD", "POST")


class Door(Enum):
    """How far in somebody has to be."""

    OPEN = "everybody"
    HALF = "who has given a password, on the way to a second factor"
    STAFF = "who has shown a second factor"


@dataclass(frozen=True)
class Rule:
    """What an address asks of who comes: the door, a permission behind it ("" asks for none), the methods.

    `as_` is what the page's own ModelAdmin has to allow: "view", "add", "change" or "delete"; and
    `as_post` the same for POST where that is more.
    """

    door: Door
    permission: str = ""
    methods: tuple[str, ...] = READ_AND_WRITE
    as_: str = ""
    as_post: str = ""

    def asked(self, method: str) -> str:
        """What the ModelAdmin has to allow before `method`."""
        return (self.as_post or self.as_) if method == "POST" else self.as_


def _mark(rule: Rule) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.access = rule  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Everybody may read."""
    return _mark(Rule(Door.OPEN, methods=READ))(view)


def public_form(view: View) -> View:
    """Everybody may read and send."""
    return _mark(Rule(Door.OPEN))(view)


def half_way(view: View) -> View:
    """To read for those who have given their password and are setting up a second factor."""
    return _mark(Rule(Door.HALF, methods=READ))(view)


def staff(
    permission: str = "", methods: tuple[str, ...] = READ_AND_WRITE, *, as_: str = ""
) -> Callable[[View], View]:
    """Staff with the permission ("donations.add_transfer"); without one, all of them.

    On a ModelAdmin's own method, `as_="change"` asks for what changing that model asks for.
    """
    return _mark(Rule(Door.STAFF, permission, methods, as_))


# Views of libraries, by the name of their address.
NAMED: dict[str, Rule] = {
    **dict.fromkeys(
        [
            "account_login",
            "account_logout",
            "account_reset_password",
            "account_reset_password_from_key",
            "mfa_authenticate",
        ],
        Rule(Door.OPEN),
    ),
    **dict.fromkeys(
        [
            "account_inactive",
            "account_reset_password_done",
            "account_reset_password_from_key_done",
        ],
        Rule(Door.OPEN, methods=READ),
    ),
    **dict.fromkeys(
        [
            "account_reauthenticate",
            "mfa_activate_totp",
            "mfa_add_webauthn",
        ],
        Rule(Door.HALF),
    ),
    **dict.fromkeys(
        [
            "account_change_password",
            "mfa_reauthenticate",
            "mfa_deactivate_totp",
            "mfa_generate_recovery_codes",
            "mfa_reauthenticate_webauthn",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
            "usersessions_list",
        ],
        Rule(Door.STAFF),
    ),
    **dict.fromkeys(
        [
            "mfa_index",
            "mfa_view_recovery_codes",
            "mfa_download_recovery_codes",
            "mfa_list_webauthn",
            # The admin's own pages, beside those of its models.
            "admin:index",
            "admin:app_list",
            "admin:autocomplete",
            "admin:jsi18n",
            "admin:view_on_site",
            "admin:django.contrib.admin.sites.catch_all_view",
        ],
        Rule(Door.STAFF, methods=READ),
    ),
    # They lead to our own pages for the same thing.
    **dict.fromkeys(
        ["admin:login", "admin:logout", "admin:password_change", "admin:password_change_done"],
        Rule(Door.OPEN, methods=READ),
    ),
}

# The pages that every ModelAdmin has, by how the names of their addresses end.
MODEL_PAGES: dict[str, Rule] = {
    # Sent, it is something done to the marked rows.
    "changelist": Rule(Door.STAFF, as_="view", as_post="change"),
    "add": Rule(Door.STAFF, as_="add"),
    "change": Rule(Door.STAFF, as_="view", as_post="change"),
    "delete": Rule(Door.STAFF, as_="delete"),
    "history": Rule(Door.STAFF, methods=READ, as_="view"),
    "": Rule(Door.STAFF, methods=READ, as_="view"),  # a thing's bare address leads to its page
}


def rule_of(match: ResolverMatch) -> Rule | None:
    """The rule of the address that was resolved; none when nobody has written one."""
    if rule := getattr(match.func, "access", None):
        return rule
    if rule := NAMED.get(match.view_name):
        return rule
    if (page := model_page(match)) is not None:
        return MODEL_PAGES[page]
    return None


def model_page(match: ResolverMatch) -> str | None:
    """Which of `MODEL_PAGES` the address is, if any."""
    # Django's own mark on the pages that every ModelAdmin has.
    owner = getattr(match.func, "model_admin", None)
    if not isinstance(owner, ModelAdmin):
        return None
    name = f"{owner.opts.app_label}_{owner.opts.model_name}"
    pages = {f"{name}_{page}": page for page in MODEL_PAGES if page}
    return "" if match.url_name is None else pages.get(match.url_name)


def model_admin_of(match: ResolverMatch) -> ModelAdmin | None:
    """The ModelAdmin that the address belongs to: one of its own pages, or a method of it."""
    method = unwrap(match.func, stop=lambda view: hasattr(view, "__self__"))
    owner = getattr(match.func, "model_admin", getattr(method, "__self__", None))
    return owner if isinstance(owner, ModelAdmin) else None


def model_allows(model_admin: ModelAdmin, do: str, request: HttpRequest, *thing: Model) -> bool:
    """What the ModelAdmin says of doing so to the thing, or at all."""
    if do == "view":
        return model_admin.has_view_or_change_permission(request, *thing)
    return getattr(model_admin, f"has_{do}_permission")(request, *thing)


def _signed_out() -> HttpResponse:
    """What a page's script gets instead of the sign-in page, which it would take for its answer."""
    text = format_html(
        '<p data-refused="signed-out">{} <a href="{}" target="_blank">{}</a></p>',
        _("Du är inte inloggad längre. Det du har skrivit är kvar här."),
        reverse("account_login"),
        _("Logga in i en ny flik och kom sedan tillbaka hit."),
    )
    return HttpResponse(text, status=401)


class AccessMiddleware:
    """Let each request as far in as its address's rule and the person behind it allow."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        assert match is not None
        rule = rule_of(match)
        if rule is None:
            raise ImproperlyConfigured(f"Nobody has said who may reach {match.view_name!r}.")
        if rule.door is not Door.OPEN and (answer := self._stopped(request, match, rule)):
            is_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
            return _signed_out() if is_script and answer.status_code == 302 else answer
        if request.method not in rule.methods:
            return HttpResponseNotAllowed(rule.methods)
        return None

    def _stopped(
        self, request: HttpRequest, match: ResolverMatch, rule: Rule
    ) -> HttpResponseBase | None:
        if not request.user.is_authenticated:
            after = {"next": request.get_full_path()} if request.method in READ else {}
            query = f"?{urlencode(after)}" if after else ""
            return redirect(reverse("account_login") + query)
        if not second_factor.is_shown(request):
            if second_factor.is_set_up(member(request)):
                # Signed in by some way that did not ask for it: out, and in by the front door.
                return second_factor.begin_again(request)
            return None if rule.door is Door.HALF else redirect("second_factor")
        if rule.permission and not member(request).has_perm(rule.permission):
            raise PermissionDenied
        if do := rule.asked(request.method or ""):
            # At all; of the thing itself the page asks again.
            model_admin = model_admin_of(match)
            if model_admin is None:
                raise ImproperlyConfigured(f"{match.view_name!r} belongs to no ModelAdmin.")
            if not model_allows(model_admin, do, request):
                raise PermissionDenied
        return None
