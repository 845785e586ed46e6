"""The page of parts, for those who carry on: every component of the public site in every state.

Served on a development machine only (see config.urls). What it shows is made
here, apart from the pictures, which are the database's first ones.
"""

import datetime
from dataclasses import replace
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from donations.boxes import Box, Listed
from donations.moves import Other, Part, YearMoves
from donations.queries import Figures
from projects.markdown import render as markdown
from projects.models import Image
from projects.rendering import (
    AchievementView,
    ContactView,
    KeyFigureView,
    PageLink,
    PageView,
    Picture,
    StoryView,
    TextView,
    UpdateView,
)
from staff import access

CLAUSE = (
    "Får projektet mer än årets behov kan överskottet gå till ett annat projekt i samma"
    " fokusområde. Två personer godkänner varje flytt, och du ser den här på sidan."
)


@access.public
def parts(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    today = timezone.localdate()
    pictures = [
        Picture(image, image.alt, image.credit) for image in Image.objects.order_by("pk")[:4]
    ]
    filled = GiftForm(
        {"amount": "tio", "email": "sara.ek", "to": "", "message": "Till pumparna", "way": "swish"},
        auto_id="fel_%s",
    )
    filled.is_valid()
    context = {
        "boxes": boxes(today),
        "page": page(today, pictures),
        "areas": area_links(pictures),
        "projects": listed(today, pictures),
        "form": GiftForm(),
        "filled": filled,
        "sheet": Paginator(range(230), 24).get_page(request.GET.get("sida", 5)),
        "colours": ["paper", "surface", "ink", "ink-soft", "rule", "rule-strong"],
        "hues": ["ljung", "hav", "skog", "sol", ""],
    }
    return render(request, "parts.html", context)


@access.public
def server_error(request: HttpRequest) -> HttpResponse:
    """The page a visitor gets when something has broken: nothing is known there but the template."""
    from django.template import loader

    return HttpResponse(loader.get_template("500.html").render())


class GiftForm(forms.Form):
    """One field of each sort, as forms on the site have them."""

    amount = forms.CharField(label="Belopp", help_text="Hela kronor, till exempel 250")
    email = forms.EmailField(label="E-post", required=False)
    to = forms.ChoiceField(
        label="Projekt", choices=[("", "Välj ett projekt"), ("47112", "Räddningsbåt (47112)")]
    )
    message = forms.CharField(
        label="Hälsning",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Högst 140 tecken",
    )
    way = forms.ChoiceField(
        label="Så vill jag ge",
        widget=forms.RadioSelect,
        choices=[("swish", "Swish"), ("bankgiro", "Bankgiro"), ("autogiro", "Varje månad")],
    )
    monthly = forms.BooleanField(
        label="Jag har läst vad som händer om det kommer in mer än behovet", required=True
    )
    closed = forms.CharField(
        label="Insamlingsnummer", disabled=True, required=False, initial="47112"
    )

    def clean_amount(self) -> str:
        amount = self.cleaned_data["amount"]
        if not amount.isdigit():
            raise forms.ValidationError("Skriv beloppet med siffror, till exempel 250.")
        return amount


def boxes(today: datetime.date) -> list[tuple[str, Box]]:
    """The collection box in every state, each with what the state is called here."""
    decided = today.replace(month=1, day=1)
    at = timezone.now()

    def box(number: str, similar: list[Listed] | None = None, **kronor: Any) -> Box:
        amounts = {name: round(amount * 100) for name, amount in kronor.items()}
        dates: dict[str, Any] = {"need_decided_on": decided} if "need" in amounts else {}
        if amounts.keys() - {"need"}:
            dates |= {"changed_at": at, "newest_day": today}
        return Box(
            collection_number=number,
            year=str(today.year),
            figures=Figures(today, **amounts, **dates),
            clause=CLAUSE if number != "47118" else "",
            similar=similar or [],
        )

    return [
        ("Behovet är inte bestämt", box("47110", gifts=18_450)),
        ("Ingenting har kommit in", box("47111", need=120_000)),
        ("Mindre än 1 %", box("47112", need=120_000, gifts=50)),
        ("Halvvägs", box("47113", need=120_000, gifts=60_000)),
        ("En krona kvar", box("47114", need=120_000, gifts=119_999)),
        ("Hela behovet är täckt", box("47115", need=120_000, gifts=120_000)),
        (
            "Överskott, och andra som behöver",
            box("47030", similar_projects(today), need=276_000, gifts=332_028),
        ),
        (
            "Omfördelat och överfört, hit och härifrån",
            with_moves(
                box(
                    "47116",
                    need=276_000,
                    gifts=240_500.50,
                    carried_in=31_200,
                    carried_out=4_000,
                    moved_in=56_028,
                    moved_out=12_300,
                ),
                today.year,
            ),
        ),
        ("Insamlat under noll efter en rättelse", box("47117", need=40_000, refunds=350)),
        ("Behovet är noll", box("47118", need=0, gifts=2_300)),
        ("Mycket litet", box("47119", need=3, gifts=0.50)),
        ("Mycket stort", box("47120", need=30_000_000, gifts=29_999_999.99)),
    ]


def with_moves(box: Box, year: int) -> Box:
    """The box with where the money that it counts as moved has come from and gone."""
    published = Other("47030", "Hjälp människor ur sexhandel och tvångsarbete", "#rutan")
    unpublished = Other("47212", "Bokbussen på den röda vägen", "")
    moves = YearMoves(
        str(year),
        box.collection_number,
        into=[Part(box.figures.moved_in, published)],
        out=[Part(7_500_00, published), Part(box.figures.moved_out - 7_500_00, unpublished)],
        carried_in=box.figures.carried_in,
        carried_out=box.figures.carried_out,
    )
    earlier = replace(moves, year=str(year - 1), year_before=str(year - 2), year_after=str(year))
    return replace(box, moves=moves, earlier=[earlier])


def similar_projects(today: datetime.date) -> list[Listed]:
    return [project for project in listed(today, []) if project.needs_money][:2]


def area_links(pictures: list[Picture]) -> list[PageLink]:
    names = [
        ("Mot människohandel", "ljung", "Skydd för den som har blivit utnyttjad."),
        ("Vatten och hälsa", "hav", "Brunnar, båtar och sköterskor nära hemmet."),
        ("Skola och utbildning", "skog", "Lärare, böcker och en väg till skolan."),
        ("Mat och klimat", "sol", "Frön och odlingar som tål torka och flod."),
    ]
    return [
        PageLink(
            pk=-place,  # a page without funds: it shows no money
            slug="",
            title=title,
            url="#fokusomraden",
            summary=summary,
            image=pictures[place] if place < len(pictures) else None,
            countries=[],
            hue=hue,
        )
        for place, (title, hue, summary) in enumerate(names)
    ]


def listed(today: datetime.date, pictures: list[Picture]) -> list[Listed]:
    areas = area_links(pictures)

    def project(place: int, area: int, title: str, countries: list[str], **kronor: int) -> Listed:
        amounts: dict[str, Any] = {name: amount * 100 for name, amount in kronor.items()}
        link = PageLink(
            pk=-100 - place,
            slug="",
            title=title,
            url="#projekt",
            summary="Byn väljer själv vad som ska göras först, och sköter det sedan.",
            image=pictures[area] if place != 2 and area < len(pictures) else None,
            countries=countries,
        )
        figures = Figures(today, **amounts)
        box = Box(str(47200 + place), str(today.year), figures, CLAUSE) if kronor else None
        return Listed(link, areas[area], box)

    return [
        project(1, 1, "Räddningsbåt till Brahmaputra", ["Bangladesh"], need=276_000, gifts=103_250),
        project(2, 2, "Bokbussen på den röda vägen", ["Kambodja"], need=84_000, gifts=84_000),
        project(3, 3, "Fröbanken för gamla rissorter", ["Bangladesh", "Nepal"], gifts=12_600),
        project(4, 0, "Utbildningsmöjligheter för gränspoliser", []),
    ]


def page(today: datetime.date, pictures: list[Picture]) -> PageView:
    """A page with one of everything an editor can enter, and a second where a second looks different."""
    first = pictures[0] if pictures else None
    links = [project.page for project in listed(today, pictures)]
    return PageView(
        pk=0,
        kind="project",
        title="Räddningsbåt till Brahmaputra",
        summary="När floden stiger är båten enda vägen till sjukhuset.",
        body=markdown(TEXT, top_heading=2),
        url="#delar",
        image=first,
        focus_area=area_links(pictures)[1],
        hue="hav",
        countries=["Bangladesh", "Nepal"],
        partners=links[:2],
        similar=links[2:],
        achievements_intro="Under de tre första åren:",
        achievements=[
            AchievementView("34", "2025", "utbildningar för båtförare och byvakter"),
            AchievementView("drygt 5 000", "2023–2025", "familjer fick en väg till vård"),
            AchievementView("", "", "Byarna har egna kassor som betalar för bränslet."),
        ],
        plans=[
            TextView("En båt till", markdown("Den ska gå **norrut**.", 4)),
            TextView("", markdown("Nya motorer som går att laga på plats.", 4)),
        ],
        stories=[
            StoryView(
                heading="Rehana ror först",
                text=markdown("”Jag kan varje sandbank. Det är vattnet som är nytt.”", 3),
                who="Rehana, 43 år, Kurigram",
                is_pseudonym=True,
                picture=first,
            )
        ],
        key_figures=[
            KeyFigureView(
                "1 400 km²", "mark som floden har tagit på trettio år", "Flodverket 2025"
            ),
            KeyFigureView("4 av 10", "förlossningar sker utan barnmorska", ""),
            KeyFigureView("mer än hälften", "av byarna saknar väg hela året", "Egen kartläggning"),
        ],
        sections=[TextView("Befolkningsundersökningar", markdown(TEXT, 3))],
        updates=[
            UpdateView(today, "Båten är i vattnet", markdown("Den heter *Asha*.", 4)),
            UpdateView(
                today - datetime.timedelta(days=40),
                "Skrovet är färdigt",
                markdown("Se [ritningarna](https://example.org/ritning).", 4),
            ),
        ],
        contact=ContactView(
            "Henrik Vallbro",
            "Ansvarig för fokusområdet Vatten och hälsa",
            "henrik.vallbro@example.org",
            "070-174 06 18",
            "Ring eller skriv om du undrar något om båtarna!",
            first,
        ),
        qualifies_for_tax_reduction=True,
        organisation_kind="",
        website="https://example.org/baten",
        published_at=timezone.now(),
        is_preview=True,
    )


TEXT = """\
Ett stycke med **fetstil**, *kursiv*, en [länk till annat](https://example.org/) och `kod`.

Nästa stycke, med en rad
som bryts där skribenten bröt den.

# Underrubrik

- En punkt
- En punkt som är så lång att den fyller mer än en rad också på en bred skärm, och därför visar \
hur raderna ställer sig under varandra
    - En punkt i punkten

1. Först det här
2. Sedan det här

> Det finns ingen väg hit. Det finns en flod.

| Post | 2025 | 2026 |
|---|---|---|
| Bränsle | 14 200 kr | 15 900 kr |
| Utbildning | 22 000 kr | 18 750 kr |

---

Efter ett streck.
"""
