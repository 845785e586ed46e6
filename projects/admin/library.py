"""What pages share: pictures, consents, contacts."""

import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from projects import consents, library
from projects.admin.content import ContentAdmin
from projects.forms import ErasureForm, ImageForm, read_picture
from projects.library import Use
from projects.models import Consent, Contact, Image
from projects.picked import PickedMixin
from projects.turns import in_turn
from staff import access
from staff.requests import member

# How long before its end a consent is called to the editors' mind.
SOON = datetime.timedelta(days=60)


class LibraryList(ChangeList):
    """A list that knows where each of its rows is used, asked for all of them at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        uses = library.uses_of_images if self.model is Image else library.uses_of_consents
        found = uses(rows)
        valid = set(Consent.objects.valid(timezone.now()).values_list("pk", flat=True))
        for row in rows:
            row.uses = found.get(row.pk, [])
            row.is_shown = isinstance(row, Image) and row.consent_id in valid
        self.result_list = rows


class ConsentState(admin.SimpleListFilter):
    """Where a consent stands today, or the consent of a picture."""

    title = "samtycke"
    parameter_name = "samtycke"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("snart", _("upphör inom 60 dagar")),
            ("galler", _("gäller")),
            ("galler-inte", _("gäller inte")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        now = timezone.now()
        valid = Consent.objects.valid(now)
        soon = valid.filter(valid_until__lte=timezone.localdate(now) + SOON)
        name = "pk__in" if queryset.model is Consent else "consent__in"
        match self.value():
            case "snart":
                return queryset.filter(**{name: soon})
            case "galler":
                return queryset.filter(**{name: valid})
            case "galler-inte":
                return queryset.exclude(**{name: valid})
        return queryset


@admin.register(Image)
class ImageAdmin(PickedMixin, ContentAdmin):
    form = ImageForm
    readonly_fields = ["picture", "used"]
    list_display = ["thumbnail", "alt", "credit", "consent_state", "used"]
    list_display_links = ["alt"]
    list_filter = [ConsentState]
    list_select_related = ["consent"]
    list_per_page = 50
    search_help_text = "Sök på vad bilden visar eller på fotografens namn."
    autocomplete_fields = ["consent"]
    actions = None

    class Media:
        css = {"all": ["css/focus.css", "css/library.css"]}
        js = [Script("js/library.js", defer=True)]

    def get_fields(self, request: HttpRequest, obj: Image | None = None) -> list[Any]:
        if obj is None:
            return ["upload", "alt", "credit", "consent"]
        return ["picture", "focus_x", "focus_y", "alt", "credit", "consent", "used"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LibraryList

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Read the file before it is this form's turn: nobody waits for that."""
        if upload := request.FILES.get("upload"):
            read_picture(upload)
        return super().changeform_view(request, *args, **kwargs)

    @admin.display(description="bild")
    def thumbnail(self, image: Image) -> str:
        if not image.is_shown:  # type: ignore[attr-defined]
            return _("Visas inte")
        return format_html(
            '<img class="library-thumbnail {}" src="{}" alt="" loading="lazy">',
            image.focus,
            image.thumbnail,
        )

    @admin.display(description="bilden")
    def picture(self, image: Image) -> str:
        if not _is_shown(image):
            return _("Bilden visas inte: samtycket gäller inte.")
        crop = '<img class="library-crop library-crop--{} {}" src="{}" alt="">'
        return format_html(
            '<span class="focus-picture"><img src="{}" width="{}" height="{}" alt="{}"></span>'
            '<span class="focus-crops">{}{}</span><span class="help">{}</span>',
            image.url(image.widths[min(1, len(image.widths) - 1)]),
            image.width,
            image.height,
            image.alt,
            format_html(crop, "wide", image.focus, image.thumbnail),
            format_html(crop, "square", image.focus, image.thumbnail),
            _(
                "Det viktigaste i bilden ska synas också där den beskärs, som i de två små bilderna. "
                "Klicka på det, eller skriv var det är."
            ),
        )

    @admin.display(description="samtycke", ordering="consent__valid_until")
    def consent_state(self, image: Image) -> str:
        return state_text(image.consent, timezone.now())

    @admin.display(description="används på")
    def used(self, image: Image) -> str:
        uses = getattr(image, "uses", None)
        if uses is None:
            uses = library.uses_of_images([image]).get(image.pk, [])
        return uses_text(uses)

    @in_turn
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Django's page, or where the picture is used, for as long as it is."""
        image = self.get_object(request, object_id)
        uses = library.uses_of_images([image]).get(image.pk, []) if image else []
        if image is None or not uses or not self.has_delete_permission(request, image):
            return super().delete_view(request, object_id, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Bilden används"),
            "opts": self.opts,
            "image": image,
            "uses": uses,
            "change_url": reverse("admin:projects_image_change", args=[image.pk]),
        }
        return render(request, "admin/projects/image_in_use.html", context, status=409)


@admin.register(Consent)
class ConsentAdmin(ContentAdmin):
    change_form_template = "admin/projects/consent_form.html"
    list_display = ["subject", "state", "valid_until", "used"]
    list_filter = [ConsentState]
    list_per_page = 50
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LibraryList

    def get_ordering(self, request: HttpRequest) -> Any:
        """What ends soon: what ends first, first."""
        if request.GET.get("samtycke") == "snart":
            return ["valid_until", "subject", "pk"]
        return super().get_ordering(request)

    def get_urls(self) -> list[URLPattern]:
        erase = path(
            "<int:consent_id>/radera/",
            self.admin_site.admin_view(self.erase),
            name="projects_consent_erase",
        )
        return [erase, *super().get_urls()]

    @admin.display(description="läge")
    def state(self, consent: Consent) -> str:
        return state_text(consent, timezone.now())

    @admin.display(description="används på")
    def used(self, consent: Consent) -> str:
        return uses_text(getattr(consent, "uses", []))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if consent := kwargs.get("obj"):
            context |= {
                "state_text": state_text(consent, timezone.now()),
                "uses": library.uses_of_consents([consent]).get(consent.pk, []),
                "may_erase": self.has_delete_permission(request, consent),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @access.staff(as_="delete")
    def erase(self, request: HttpRequest, consent_id: int) -> HttpResponseBase:
        """Exactly what an erasure takes away, and the button that does it."""
        consent = get_object_or_404(Consent, pk=consent_id)
        if not self.has_delete_permission(request, consent):
            raise PermissionDenied
        form = ErasureForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            is_all_gone = consents.erase(consent, by=member(request))
            messages.success(request, _("Allt som samtycke nr %s gällde är raderat.") % consent_id)
            if not is_all_gone:
                messages.warning(request, _NOT_ALL_GONE)
            return redirect("admin:projects_consent_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": _("Radera allt som samtycket gäller?"),
            "opts": self.opts,
            "consent": consent,
            "erasure": consents.erasure_of(consent),
            "form": form,
            "change_url": reverse("admin:projects_consent_change", args=[consent.pk]),
        }
        return render(request, "admin/projects/consent_erase.html", context)


@admin.register(Contact)
class ContactAdmin(PickedMixin, ContentAdmin):
    list_display = ["name", "role", "email"]
    autocomplete_fields = ["image"]


# What an erasure says when the storage, or somebody who was reading, kept it from doing all of it at once.
_NOT_ALL_GONE = (
    "Ingenting av det syns längre, men lagringen svarade inte som den skulle, och rester finns kvar på"
    " servern tills den har städats. Säg till den som sköter servern."
)


def state_text(consent: Consent, at: datetime.datetime) -> str:
    """Where a consent stands at the moment `at` (aware), in a few words."""
    today = timezone.localdate(at)
    if consent.withdrawn_at and consent.withdrawn_at <= at:
        return _("Återkallat den %s") % _day(timezone.localdate(consent.withdrawn_at))
    if consent.valid_until and consent.valid_until < today:
        return _("Upphörde den %s") % _day(consent.valid_until)
    if not consent.not_needed_reason and (consent.given_on is None or consent.given_on > today):
        return _("Gäller inte än")
    if consent.valid_until and consent.valid_until <= today + SOON:
        return _("Upphör snart: gäller till och med den %s") % _day(consent.valid_until)
    if consent.valid_until:
        return _("Gäller till och med den %s") % _day(consent.valid_until)
    return _("Behövs inte") if consent.not_needed_reason else _("Gäller utan slutdatum")


def uses_text(uses: list[Use]) -> SafeString | str:
    """Links to the pages and contacts, those where it stands only in earlier versions last."""
    if not uses:
        return _("Används inte")
    links = [
        format_html('<a href="{}">{}</a>', use.url, use.name)
        if use.is_now
        else format_html(_('<a href="{}">{}</a> (bara tidigare versioner)'), use.url, use.name)
        for use in sorted(uses, key=lambda use: not use.is_now)
    ]
    return format_html_join(", ", "{}", ((link,) for link in links))


def _day(day: datetime.date) -> str:
    return date_format(day, "j F Y")


def _is_shown(image: Image) -> bool:
    """Whether the picture's file is sent to anybody (see `config.views.media`)."""
    return Consent.objects.valid(timezone.now()).filter(pk=image.consent_id).exists()
