"""`make screenshots`: every kind of page as people see it, in var/screenshots/.

Starts a database of its own with the demo and some pages at the edge of what
editors can make, serves it, and photographs it: phone, tablet and desktop,
light and dark, and the harder views (320 and 2560 px, large text, 400 per cent
zoom, forced colours, print). Three pictures go to docs/images/ for the README.
Words after the command choose the pictures whose names hold one of them.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import chromium, postgres

ROOT = Path(__file__).resolve().parent.parent
SHOTS = ROOT / "var" / "screenshots"
README_PICTURES = ROOT / "docs" / "images"
AT_MOST_BYTES = 200_000

LONGEST_TITLE = (
    "Tillsammans för utbildningsmöjligheter, hälsoundersökningar och försörjningsalternativ"
    " i översvämningsdrabbade byar längs Brahmaputraflodens"
)

PAGES = {
    "start": "/",
    "fokusomrade": "/fokusomrade/mot-manniskohandel/",
    "fokusomrade-47-projekt": "/fokusomrade/vatten-och-halsa/",
    "projekt": "/projekt/hjalp-manniskor-ur-sexhandel-och-tvangsarbete/",
    "projekt-behover": "/projekt/raddningsbat-till-brahmaputra/",
    "projekt-med-allt": "/projekt/kant-allt/",
    "projekt-nastan-tomt": "/projekt/kant-inget/",
    "projekt-tre-kronor": "/projekt/kant-tre-kronor/",
    "projekt-trettio-miljoner": "/projekt/kant-trettio-miljoner/",
    "organisation": "/organisation/plattformen-civila-sverige-mot-manniskohandel/",
    "projektlista": "/projekt/",
    "projektlista-vald": f"/projekt/?q={quote('båt')}&omrade=vatten-och-halsa&land=BD&behov=1",
    "projektlista-sida-2": "/projekt/?omrade=vatten-och-halsa&sida=2",
    "projektlista-tom": f"/projekt/?q={quote('snöskoter')}&land=NP",
    "nyheter": "/nyheter/",
    "kontakt": "/kontakt/",
    "om-gavor": "/om-gavor/",
    "tillganglighet": "/tillganglighet/",
    "404": "/finns-inte/",
    "okant-nummer": "/47099",
    "500": "/_/delar/500/",
    "delar": "/_/delar/",
}
# Those that want more than the demo.
EDGES = {
    *("fokusomrade-47-projekt", "projekt-med-allt", "projekt-nastan-tomt", "projekt-tre-kronor"),
    *("projekt-trettio-miljoner", "projektlista-sida-2"),
}
# Where the harder views are taken: one page of each make.
HARD = [
    *("start", "fokusomrade", "projekt", "projekt-med-allt", "organisation", "projektlista-vald"),
    *("nyheter", "kontakt", "om-gavor", "tillganglighet", "404", "delar"),
]


@dataclass(frozen=True)
class View:
    """A way of looking at a page: a window, and what the visitor has asked the browser for."""

    name: str
    width: int
    height: int = 900
    pages: list[str] = field(default_factory=lambda: list(PAGES))
    context: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


VIEWS = [
    *(
        View(f"{width}-{name}", width, chromium.HEIGHTS[width], context={"color_scheme": scheme})
        for width in (360, 768, 1280)
        for name, scheme in (("ljus", "light"), ("mork", "dark"))
    ),
    View("320", 320, 640, HARD),
    View("2560", 2560, 1440, HARD),
    View("text-200", 1280, 800, HARD, flags=["--blink-settings=defaultFontSize=32"]),
    View("text-200-mobil", 360, 740, HARD, flags=["--blink-settings=defaultFontSize=32"]),
    # A window of 1280 × 1024 at 400 per cent.
    View("zoom-400", 320, 256, HARD, {"device_scale_factor": 4}),
    View("egna-farger", 1280, 800, HARD, {"forced_colors": "active"}),
    View("utskrift", 680, 960, HARD, media={"media": "print"}),
]
ALL_PICTURES = """Promise.all([...document.images].map(image => {
    image.loading = 'eager';
    return image.decode().catch(() => 0);
}))"""
# Name, page, view, and the height of the picture: the top of the page is enough.
README = [
    ("start", "start", "1280-ljus", 1000),
    ("projekt", "projekt", "1280-ljus", 1000),
    ("projekt-mobil", "projekt", "360-mork", 740),
]


def main() -> None:
    if "--prepare" in sys.argv:
        prepare(with_edges="--edges" in sys.argv)
        return
    if missing := chromium.missing_packages():
        sys.exit(f"No browser to photograph with: apt install {' '.join(missing)}")
    words = sys.argv[1:]
    with demo_site() as home:
        wide = photograph(home, set(PAGES) - EDGES, words)
    with demo_site("--edges") as home:
        wide += photograph(home, EDGES, words)
    for line in wide:
        print("Wider than its window:", line)
    print(f"Pictures are in {SHOTS}")
    sys.exit(1 if wide else 0)


@contextmanager
def demo_site(*with_edges: str) -> Iterator[str]:
    """Serve the demo from a folder of its own for the duration of the block; yield its address."""
    with tempfile.TemporaryDirectory(prefix="kollekt-demo-") as folder:
        environment = os.environ | {"KOLLEKT_VAR": folder, "DATABASE_URL": ""}
        environment.pop("KOLLEKT_ENV", None)
        prepared = [sys.executable, "-m", "tests.screenshots", "--prepare", *with_edges]
        subprocess.run(prepared, env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with served(environment) as home:
            yield home


def prepare(with_edges: bool) -> None:
    """Fill the environment's database: the demo, and the pages at the edge if asked for."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()

    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("load_demo", verbosity=0)
    if with_edges:
        edges()
    call_command("collectstatic", interactive=False, verbosity=0)


def edges() -> None:
    """Pages as full, as empty, as many and as expensive as they get."""
    from django.utils import timezone

    from donations.models import Fund
    from projects.models import (
        Achievement,
        FocusArea,
        Image,
        KeyFigure,
        Organisation,
        Plan,
        Project,
        Section,
        Story,
        Update,
    )
    from tests import cast

    today = timezone.localdate()
    water = FocusArea.objects.get(slug="vatten-och-halsa")
    model = Project.objects.get(slug="raddningsbat-till-brahmaputra")
    numbers = iter(range(48001, 48100))
    for place in range(47 - water.projects.count()):
        village = cast.project(
            f"kant-by-{place}",
            water,
            title=f"Rent vatten till {VILLAGES[place % len(VILLAGES)]}{' II' * (place // 22)}",
            summary="Byn borrar en brunn och utser själv dem som ska sköta den.",
            countries=["BD"] if place % 2 else ["NP", "KH"],
            image=model.image if place % 3 else None,
        )
        fund = cast.fund(str(next(numbers)), village)
        cast.fund_year(fund, None if place % 7 == 0 else (place + 1) * 10_000_00, today)
        if place % 5:
            cast.gift(fund, place * 7_500_00 + 50, today)
        cast.publish(village)

    full = cast.project(
        "kant-allt",
        water,
        title=LONGEST_TITLE,
        summary=model.summary + " " + model.summary[:180],
        body=model.body + TABLE,
        countries=["BD", "NP", "KH", "TH", "LA", "SE"],
        image=model.image,
        contact=model.contact,
        achievements_intro=model.achievements_intro or "Under de tre första åren:",
        qualifies_for_tax_reduction=True,
    )
    full.partners.set(Organisation.objects.all())
    full.similar.set([model])
    for source in (model, Project.objects.get(slug=PAGES["projekt"].split("/")[2])):
        for kind in (Achievement, Plan, Story, KeyFigure, Section, Update):
            for row in kind._default_manager.filter(page_id=source.pk):
                row.pk, row._state.adding, row.page, row.position = None, True, full, None
                row.save()
    Section.objects.create(page=full, heading="Försörjningsmöjligheter", text=TABLE)
    bare = Project.objects.create(slug="kant-inget", title="Brunn", focus_area=water)
    cast.publish(bare)
    for slug, title, need, given in (
        ("kant-allt", "", 275_000_00, 412_345_50),
        ("kant-tre-kronor", "Ett frimärke till", 3_00, 1_00),
        ("kant-trettio-miljoner", "Sjukhuset vid deltat", 30_000_000_00, 29_999_999_99),
    ):
        project = Project.objects.filter(slug=slug).first() or cast.project(
            slug, water, title=title, contact=model.contact, countries=["BD"]
        )
        fund = cast.fund(str(next(numbers)), project)
        cast.fund_year(fund, need, today)
        cast.gift(fund, given, today)
        cast.publish(project)
    assert len(full.title) == 140, len(full.title)
    assert Image.objects.exists()
    assert Fund.objects.count() > 47


VILLAGES = [
    *("Ambari", "Bhelua", "Chandpara", "Dakshin Char", "Faridganj", "Goalpara", "Haripur"),
    *("Islampur", "Jhinaigati", "Kalmakanda", "Lalmohan", "Madarganj", "Nageshwari", "Panchbibi"),
    *("Raumari", "Sariakandi", "Tarash", "Ulipur", "Char Rajibpur", "Char Fasson", "Shariatpur"),
    "Bakerganj",
]
TABLE = """

| Post | 2024 | 2025 | 2026 |
|---|---|---|---|
| Borrning och rör | 86 000 kr | 91 500 kr | 112 000 kr |
| Hälsoundersökningar i byarna | 24 000 kr | 24 000 kr | 31 250 kr |
| Utbildning av brunnsskötare | 12 400 kr | 18 900 kr | 9 600 kr |

> Förr gick vi en timme varje morgon. Nu går vi till skolan i stället.
"""


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """Run the server on a free port for the duration of the block; yield its address."""
    port = postgres.free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--no-ws", "--interface", "wsgi"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--blocking-threads", "4", "--workers-kill-timeout", "2", "--log-level", "error"),
            "config.wsgi:application",
        ],
        env=environment,
        cwd=ROOT,
    )
    home = f"http://127.0.0.1:{port}"
    try:
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{home}/healthz").close()  # noqa: S310 - our own
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        yield home
    finally:
        server.terminate()
        server.wait()


def photograph(home: str, names: set[str], words: list[str]) -> list[str]:
    """Take the pages' pictures whose names hold one of the words (all without any); tell which are too wide."""
    from playwright.sync_api import sync_playwright

    too_wide = []
    SHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        for view in VIEWS:
            wanted = [
                name
                for name in view.pages
                if name in names
                and (not words or any(word in f"{name}-{view.name}" for word in words))
            ]
            if not wanted:
                continue
            browser = playwright.chromium.launch(
                executable_path=chromium.find(), args=[*chromium.flags(), *view.flags]
            )
            context = browser.new_context(
                base_url=home,
                viewport={"width": view.width, "height": view.height},
                locale="sv-SE",
                timezone_id="Europe/Stockholm",
                reduced_motion="reduce",
                **view.context,
            )
            page = context.new_page()
            for name in wanted:
                page.goto(PAGES[name])
                if view.media:
                    page.emulate_media(**view.media)
                # Pictures further down are fetched when they come near.
                page.evaluate(ALL_PICTURES)
                if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                    too_wide.append(f"{name} {view.name}")
                shot = SHOTS / f"{name}-{view.name}.png"
                page.screenshot(path=shot, full_page=True)
                for readme, of, seen, height in README:
                    if (name, view.name) == (of, seen):
                        keep_for_readme(readme, shot, view.width, height)
                if view.media:
                    page.pdf(path=shot.with_suffix(".pdf"), prefer_css_page_size=True)
            browser.close()
    return too_wide


def keep_for_readme(name: str, shot: Path, width: int, height: int) -> None:
    """The top of a picture as WebP, small enough for a repository."""
    from PIL import Image

    README_PICTURES.mkdir(parents=True, exist_ok=True)
    target = README_PICTURES / f"{name}.webp"
    with Image.open(shot) as picture:
        picture.crop((0, 0, width, min(height, picture.height))).save(target, quality=82, method=6)
    assert target.stat().st_size <= AT_MOST_BYTES, f"{target} is too heavy"


if __name__ == "__main__":
    main()
