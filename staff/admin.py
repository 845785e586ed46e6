import datetime
from collections.abc import Callable, Iterable
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _

from staff import access, audit, people
from staff.forms import InvitationForm
from staff.modeladmin import ModelAdmin
from staff.models import Event, RoleChange, User
from staff.people import PeopleError
from staff.requests import member
from staff.roles import CONFIRMED, PURPOSE, Role, apart_from
from staff.second_factor import FACTORS


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Members of staff: invited, given roles, shut out; never deleted, since what they did stays."""

    area = Event.Area.PEOPLE
    change_form_template = "admin/staff/user.html"
    change_list_template = "admin/staff/users.html"
    list_display = ["name", "email", "roles", "state", "last_login"]
    list_filter = ["is_active", "groups"]
    search_fields = ["first_name", "last_name", "email"]
    fields = ["first_name", "last_name", "email"]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "authenticator_set")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """An address leads to the account: whoever could exchange it could take the account over."""
        return ["email"] if obj else []

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by what the list must not tell, letter by letter: a password's hash."""
        known = ("is_active", "groups", "first_name", "last_name", "email")
        return lookup.split("__")[0] in known and super().lookup_allowed(lookup, value, request)

    @admin.display(description="namn", ordering="first_name")
    def name(self, user: User) -> str:
        return str(user)

    @admin.display(description="roller")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "–"

    @admin.display(description="läge")
    def state(self, user: User) -> str:
        return state_text(user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # Inviting

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        """Invite somebody: the account with its roles, and then the letter."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InvitationForm(request.POST or None)
        if form.is_valid():
            data = form.cleaned_data
            roles = [Role(name) for name in data["roles"]]
            try:
                user = people.invite(
                    data["email"], data["first_name"], data["last_name"], roles, by=member(request)
                )
            except PeopleError as error:
                form.add_error(None, str(error))
            else:
                return self._do(request, user.pk, self._invite_first)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Bjud in en medarbetare"),
            "opts": self.opts,
            "form": form,
            "days": people.INVITATION_DAYS,
            "roles": _described(Role),
        }
        return render(request, "admin/staff/invite.html", context)

    def _invite_first(self, request: HttpRequest, user: User) -> str:
        people.send_invitation(user, site=request.build_absolute_uri("/"), by=member(request))
        text = _("En inbjudan är skickad till %s.") % user.email
        if people.waiting(user).exists():
            text += " " + _("En annan person ska bekräfta rollen innan den gäller.")
        return text

    # One person

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if isinstance(user, User):
            waiting = people.waiting(user).select_related("role", "asked_by")
            held = {group.name for group in user.groups.all()}
            promised = {change.role.name for change in waiting}
            context |= {
                "show_save_and_add_another": False,
                "state": state_text(user),
                "held": [role for role in Role if role.value in held],
                "waiting": waiting,
                "free": _described(_free_beside(held | promised)),
                "is_self": user == request.user,
                "has_answered": user.has_usable_password(),
                "changes": user.role_changes.select_related(
                    "role", "asked_by", "decision", "decision__by"
                ),
                "may_change": self.has_change_permission(request, user),
            }
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[URLPattern]:
        view_of = self.admin_site.admin_view

        def deed(name: str, run: Callable[[HttpRequest, User], str]) -> URLPattern:
            @access.staff("staff.change_user", methods=("POST",))
            @reauthentication_required
            def view(request: HttpRequest, user_id: int) -> HttpResponseBase:
                return self._do(request, user_id, run)

            return path(
                f"<int:user_id>/{name}/", view_of(view), name=f"staff_user_{name.replace('-', '_')}"
            )

        return [
            deed("ge-roll", self._give),
            deed("ta-bort-roll", self._take),
            deed("bjud-in-igen", self._invite_again),
            deed("stang-av", self._close),
            deed("oppna", self._reopen),
            deed("nollstall-inloggningen", self._reset_sign_in),
            path("roller/", view_of(self.roles_view), name="staff_user_roles"),
            path("roller/<int:change_id>/", view_of(self.decide_view), name="staff_user_decide"),
            *super().get_urls(),
        ]

    def _do(
        self, request: HttpRequest, user_id: int, run: Callable[[HttpRequest, User], str]
    ) -> HttpResponseBase:
        user = get_object_or_404(User, pk=user_id)
        try:
            messages.success(request, run(request, user))
        except PeopleError as error:
            messages.error(request, str(error))
        return redirect("admin:staff_user_change", user.pk)

    def _give(self, request: HttpRequest, user: User) -> str:
        change = people.give(user, _role(request), by=member(request))
        if change.needs_confirmation:
            return _("Rollen är begärd. Den gäller när en annan person har bekräftat den.")
        return _("%(user)s har nu rollen %(role)s.") % {"user": user, "role": change.role}

    def _take(self, request: HttpRequest, user: User) -> str:
        role = _role(request)
        people.take(user, role, by=member(request))
        return _("%(user)s har inte längre rollen %(role)s.") % {"user": user, "role": role}

    def _invite_again(self, request: HttpRequest, user: User) -> str:
        people.send_invitation(user, site=request.build_absolute_uri("/"), by=member(request))
        return _("En ny inbjudan är skickad till %s. Den förra gäller inte längre.") % user.email

    def _close(self, request: HttpRequest, user: User) -> str:
        people.close(user, by=member(request))
        return _("%s är avstängd och utloggad överallt.") % user

    def _reopen(self, request: HttpRequest, user: User) -> str:
        people.reopen(user, by=member(request))
        return _("%s kan logga in igen.") % user

    def _reset_sign_in(self, request: HttpRequest, user: User) -> str:
        people.reset_sign_in(user, site=request.build_absolute_uri("/"), by=member(request))
        return _("%s har fått ett brev för att välja lösenord och andra steg på nytt.") % user

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Recorded by both names: the list shows who somebody is by the name that they have now."""
        before = str(User.objects.get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        if before != str(obj):
            text = _("Ändrade namnet %(before)s till %(after)s") % {"before": before, "after": obj}
            audit.record(self.area, text, by=member(request), about=obj)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing more: `save_model` has said it."""

    # Roles that wait

    @access.staff("staff.view_user", methods=access.READ)
    def roles_view(self, request: HttpRequest) -> HttpResponseBase:
        """Roles that wait for another person's answer."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Roller att bekräfta"),
            "opts": self.opts,
            "waiting": [
                {"change": change, "purpose": PURPOSE[Role(change.role.name)]}
                for change in people.waiting().select_related("user", "role", "asked_by")
            ],
            "may_decide": member(request).has_perm("staff.decide_rolechange"),
        }
        return render(request, "admin/staff/roles.html", context)

    @access.staff("staff.decide_rolechange", methods=("POST",))
    @method_decorator(reauthentication_required)
    def decide_view(self, request: HttpRequest, change_id: int) -> HttpResponseBase:
        change = get_object_or_404(RoleChange, pk=change_id)
        confirmed = "confirm" in request.POST
        if not confirmed and "decline" not in request.POST:
            return redirect("admin:staff_user_roles")
        try:
            people.decide(change, confirmed=confirmed, by=member(request))
        except PeopleError as error:
            messages.error(request, str(error))
        else:
            names = {"user": change.user, "role": change.role}
            text = _("Rollen %(role)s för %(user)s är bekräftad.")
            if not confirmed:
                text = _("Rollen %(role)s för %(user)s är avslagen.")
            messages.success(request, text % names)
        return redirect("admin:staff_user_roles")


def _role(request: HttpRequest) -> Role:
    try:
        return Role(request.POST.get("role", ""))
    except ValueError:
        raise PeopleError(_("Välj en av rollerna.")) from None


def _described(roles: Iterable[Role]) -> list[dict[str, Any]]:
    """What somebody who hands out roles is told about each."""
    return [
        {"name": role.value, "purpose": PURPOSE[role], "is_confirmed": role in CONFIRMED}
        for role in roles
    ]


def _free_beside(names: set[str]) -> list[Role]:
    """The roles that may be given to somebody who has, or is promised, those named."""
    return [r for r in Role if r not in names and not names & apart_from(r)]


def state_text(user: User) -> str:
    """Where an account stands, in a few words."""
    if not user.is_active:
        return _("avstängd")
    if not user.has_usable_password():
        return _("inbjuden, har inte svarat")
    factors = {factor.type for factor in user.authenticator_set.all()}  # type: ignore[attr-defined]
    if not factors & {f.value for f in FACTORS}:
        return _("saknar andra steg")
    return _("aktiv")


class AreaFilter(admin.SimpleListFilter):
    """The parts of the list that one may look into."""

    title = "område"
    parameter_name = "omrade"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        seen = Event.areas_seen_by(member(request))
        return [(area.value, area.label) for area in Event.Area if area in seen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(area=self.value()) if self.value() in Event.Area.values else queryset


class DayFilter(admin.SimpleListFilter):
    """Deeds of the last days."""

    title = "när"
    parameter_name = "dagar"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("1", _("i dag")),
            ("7", _("de senaste sju dagarna")),
            ("31", _("den senaste månaden")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("1", "7", "31"):
            return queryset
        first = timezone.localdate() - datetime.timedelta(days=int(self.value() or 1) - 1)
        return queryset.filter(at__date__gte=first)


@admin.register(Event)
class EventAdmin(ModelAdmin):
    """The audit list: who did what, when. To read and to search."""

    area = Event.Area.PEOPLE
    list_display = ["at", "who", "text", "area"]
    list_display_links = None
    list_filter = [AreaFilter, DayFilter]
    list_select_related = ["by", "origin"]
    search_fields = ["search_text"]
    search_help_text = "Sök på vad som gjorts, på ett namn eller på en dag (2026-11-21)."
    list_per_page = 50
    show_full_result_count = False
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        events: QuerySet[Event] = Event.objects.visible_to(member(request))
        return events

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in ("model", "object_id") or super().lookup_allowed(lookup, value, request)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        """Every word, in any letters, Swedish ones too; or a day."""
        if day := _day(search_term):
            return queryset.filter(at__date=day), False
        for word in search_term.casefold().split():
            queryset = queryset.filter(search_text__contains=word)
        return queryset, False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list, which says so when it is narrowed down to one thing (see `history_view`)."""
        narrowed = {"narrowed_to": _narrowed_to(request)}
        return super().changelist_view(request, {**narrowed, **(extra_context or {})})

    @admin.display(description="vem", ordering="by")
    def who(self, event: Event) -> str:
        return str(event.by or _("servern"))

    def get_list_display(self, request: HttpRequest) -> Any:
        if member(request).has_perm("staff.view_origin"):
            return [*self.list_display, "origin_address"]
        return self.list_display

    @admin.display(description="varifrån")
    def origin_address(self, event: Event) -> str:
        return str(event.origin.address or "–") if hasattr(event, "origin") else "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _narrowed_to(request: HttpRequest) -> str:
    """The name of the one thing whose events are asked for; "" when all are."""
    asked = request.GET.get("object_id", "")
    try:
        model = apps.get_model(request.GET.get("model", ""))
        thing = model._default_manager.filter(pk=asked).first() if asked else None
    except (LookupError, ValueError, ValidationError):
        return ""
    if thing is None:
        return _("något som är borttaget") if asked else ""
    may_see = member(request).has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    return audit.name_of(thing) if may_see else _("en sak")


def _day(text: str) -> datetime.date | None:
    try:
        return parse_date(text.strip())
    except ValueError:
        return None
