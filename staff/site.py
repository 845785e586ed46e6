"""Django's admin as the staff's desk: signing in happens elsewhere, and its pages know who may see what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from staff import handbook, people, second_factor
from staff.requests import member


@dataclass(frozen=True)
class Task:
    """A model as work: what may be done with it, what may be read in it, and what adding one is called."""

    model: str
    do: str
    read: str = ""
    add: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the desk, under the address of an app."""

    app: str
    name: str
    lead: str
    tasks: tuple[Task, ...]


SECTIONS = (
    Section(
        "projects",
        "Redaktion",
        "Det som besökarna läser.",
        (
            Task(
                "projects.project",
                "Skriv, förhandsvisa och publicera projektens sidor.",
                "Läs vad projektens sidor innehåller.",
                "Nytt projekt",
            ),
            Task(
                "projects.focusarea",
                "De områden som projekten hör till, var och en med en egen sida.",
                "Läs vad fokusområdenas sidor innehåller.",
                "Nytt fokusområde",
            ),
            Task(
                "projects.organisation",
                "Partner och nätverk som ni arbetar tillsammans med.",
                "Läs om partner och nätverk.",
                "Ny organisation",
            ),
            Task(
                "projects.image",
                "Ladda upp bilder och beskriv dem för den som inte ser dem.",
                "Se bilderna och deras beskrivningar.",
                "Ny bild",
            ),
            Task(
                "projects.consent",
                "Vem som har sagt ja till att synas, och hur länge det gäller.",
                "Läs vem som har sagt ja till att synas.",
                "Nytt samtycke",
            ),
            Task(
                "projects.contact",
                "Ändra en uppgift här, så ändras den på alla sidor där personen visas.",
                "Läs vilka som är kontaktpersoner.",
                "Ny kontaktperson",
            ),
        ),
    ),
    Section(
        "donations",
        "Ekonomi",
        "Gåvorna, behoven och bokföringen.",
        (
            Task(
                "donations.transfer",
                "Allt som är bokfört. Härifrån rättar du en transaktion eller återbetalar en gåva.",
                "Allt som är bokfört, att läsa och söka i.",
                "Registrera gåva",
            ),
            Task(
                "donations.fund",
                "Insamlingsnumren: behov, insamlat och kvar för varje år.",
                "Insamlingsnumren: behov, insamlat och kvar för varje år.",
                "Ny insamling",
            ),
            Task(
                "donations.surplusclause",
                "Vad givarna får läsa om pengar utöver behovet.",
                "Vad givarna får läsa om pengar utöver behovet.",
                "Nytt överskottsvillkor",
            ),
            Task(
                "donations.collectionyear",
                "De år som behoven bestäms för.",
                "De år som behoven bestäms för.",
                "Nytt insamlingsår",
            ),
            Task(
                "donations.account",
                "De bankkonton som gåvorna kommer in på, med deras nummer.",
                "De bankkonton som gåvorna kommer in på, med deras nummer.",
                "Nytt bankkonto",
            ),
            Task(
                "donations.accountnumber",
                "Från vilken sorts fil varje nummers gåvor läses in, och från vilken dag.",
                "Från vilken sorts fil varje nummers gåvor läses in.",
                "Nytt nummer",
            ),
            Task(
                "donations.asiderule",
                "Hur avgifter, egna överföringar och annat som inte är gåvor känns igen i bankens filer.",
                "Hur det som inte är gåvor känns igen i bankens filer.",
                "Ny regel",
            ),
            Task(
                "donations.boundpayer",
                "Betalare vars gåvor utan nummer alltid går till samma insamling.",
                "Betalare vars gåvor utan nummer alltid går till samma insamling.",
                "Ny betalare i Autogiro",
            ),
            Task(
                "donations.siemapping",
                "Vilka konton i bokföringen som gåvor och utbetalningar exporteras till.",
                "Vilka konton i bokföringen som gåvor och utbetalningar exporteras till.",
            ),
            Task(
                "donations.sieoverride",
                "Egna konton och projektkoder för fokusområden, insamlingar och bankkonton.",
                "Egna konton och projektkoder för fokusområden, insamlingar och bankkonton.",
                "Nytt undantag i konteringen",
            ),
        ),
    ),
    Section(
        "staff",
        "Webbplats och medarbetare",
        "Webbplatsen, de som arbetar med den och vad de har gjort.",
        (
            Task(
                "staff.user",
                "Bjud in medarbetare, dela ut roller och stäng av konton.",
                "Se vilka som är medarbetare och vilka roller de har.",
                "Bjud in en medarbetare",
            ),
            Task("staff.event", "", "Vem som har gjort vad, och när."),
            Task(
                "projects.sitesettings",
                "Namn, adress och nummer att ge till, som de står på webbplatsen.",
                "Namn, adress och nummer att ge till, som de står på webbplatsen.",
                "Skriv webbplatsens uppgifter",
            ),
        ),
    ),
)
SECTION_OF = {task.model: section for section in SECTIONS for task in section.tasks}


# What other apps put at the top of the desk, each for who it concerns: a template and what it is given,
# or nothing for somebody whose work is elsewhere.
Part = tuple[str, dict[str, Any]]
PARTS: list[Callable[[HttpRequest], Part | None]] = []


def _is_worked_with(entry: dict[str, Any]) -> bool:
    """Whether this person may do more with a model than read it."""
    return bool(entry["add_url"] or entry["perms"].get("change"))


class DeskSite(admin.AdminSite):
    """The admin, behind the same door as everything else."""

    site_header = "Kollekt"
    site_title = "Kollekt"
    index_title = "Skrivbord"
    enable_nav_sidebar = False

    def get_urls(self) -> list[URLPattern | URLResolver]:
        guide = path("handbok/<slug:name>/", handbook.handbook, name="handbook")
        return [guide, *super().get_urls()]

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_authenticated and user.is_active and second_factor.is_shown(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page's header needs: the sections this person may open, and the one they are in."""
        context = super().each_context(request)
        user = member(request)
        if user.has_perm("staff.decide_rolechange"):
            answerable = people.waiting().exclude(asked_by=user).exclude(user=user)
            context["roles_waiting"] = answerable.count()
        context["here"] = self._here(request)
        return context

    def _here(self, request: HttpRequest) -> dict[str, Any] | None:
        """The section that the page belongs to: its app, name and model."""
        match = request.resolver_match
        app, _, rest = ((match.url_name if match else "") or "").partition("_")
        model = rest.partition("_")[0]
        if match and match.url_name == "app_list":
            app, model = match.kwargs.get("app_label", ""), ""
        section = SECTION_OF.get(f"{app}.{model}")
        section = section or next((one for one in SECTIONS if one.app == app), None)
        if section is None:
            return None
        return {
            "app": section.app,
            "name": section.name,
            "model": f"{app}.{model}",
            "is_section": not model,
        }

    def get_app_list(
        self, request: HttpRequest, app_label: str | None = None
    ) -> list[dict[str, Any]]:
        """The desk's sections in their order, each with what this person may do there."""
        apps = self._build_app_dict(request)
        models = {
            f"{label}.{entry['model']._meta.model_name}": entry
            for label, app in apps.items()
            for entry in app["models"]
        }
        sections = [self._section(section, models) for section in SECTIONS]
        return [one for one in sections if one["models"] and app_label in (None, one["app_label"])]

    def _section(self, section: Section, models: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": section.name,
            "app_label": section.app,
            "app_url": reverse("admin:app_list", args=[section.app], current_app=self.name),
            "lead": section.lead,
            "has_module_perms": True,
            "models": [
                models[task.model]
                | {
                    "key": task.model,
                    "about": task.do if _is_worked_with(models[task.model]) else task.read,
                    "add_name": task.add,
                }
                for task in section.tasks
                if task.model in models
            ],
        }

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The desk: what this person may do, and what waits for them or for others' answer to them."""
        own = people.waiting(member(request)).select_related("role", "asked_by")
        found = [part for make in PARTS if (part := make(request))]
        parts = [{"template": template, **context} for template, context in found]
        return super().index(request, {"own_waiting": own, "parts": parts, **(extra_context or {})})

    def app_index(self, request: HttpRequest, app_label: str, extra_context: Any = None) -> Any:
        """One section of the desk."""
        section = next((one for one in SECTIONS if one.app == app_label), None)
        if section is None:
            raise Http404
        return super().app_index(
            request, app_label, {"title": section.name, **(extra_context or {})}
        )

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """To the one place where people sign in."""
        after = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(after, {request.get_host()}, request.is_secure()):
            after = reverse("admin:index")
        return redirect(f"{reverse('account_login')}?{urlencode({'next': after})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_logout")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("account_change_password")

    def password_change_done(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("own_account")
