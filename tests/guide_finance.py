"""The pictures of the guide for finance (docs/ekonomi.md): see guide.py."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.guide import WINDOW, Camera, in_swedish, press

if TYPE_CHECKING:
    from playwright.sync_api import Page


@contextmanager
def wide(page: "Page") -> Iterator[None]:
    """A window that has room for a table of many columns."""
    page.set_viewport_size({"width": 1280, "height": 940})
    yield
    page.set_viewport_size(WINDOW)  # type: ignore[arg-type]


def today(camera: Camera) -> None:
    """What waits, before anything is done."""
    camera.page.goto("/ekonomi/")
    camera.take("i-dag", "main h1", "main section", within=760)


def what_is_left(camera: Camera) -> None:
    """The overview, and a fund's year."""
    page = camera.page
    with wide(page):
        page.goto("/ekonomi/kvar-att-samla-in/")
        in_swedish(page)
        camera.take_alone("kvar", "#insamlingar", ".funds-table tbody:nth-of-type(1)")
    page.goto("/ekonomi/insamling/47030/")
    in_swedish(page)
    figures, curve = (f"section[aria-labelledby={name}]" for name in ("siffror", "over-aret"))
    camera.take("insamling", figures, curve, within=1000)


def files(camera: Camera) -> None:
    """The bank's two files, handed in and looked at."""
    page = camera.page
    page.goto("/ekonomi/bankfiler/")
    with tempfile.TemporaryDirectory(prefix="kollekt-guide-") as folder:
        paths = []
        for name in ("gåvorna (camt.054)", "kontoutdraget (camt.053)"):
            with page.expect_download() as coming:
                page.get_by_role("link", name=name).click()
            paths.append(Path(folder, coming.value.suggested_filename))
            coming.value.save_as(paths[-1])
        page.set_input_files("input[type=file]", paths)
        press(page, "Lämna in och granska")
    page.locator("th a", has_text="camt.054").first.click()
    camera.take(
        "bankfil",
        "section[aria-labelledby=innehall-i-filen]",
        "section[aria-labelledby=summor]",
        within=1000,
    )
    page.goto("/ekonomi/bankfiler/")
    press(page, "Bokför de 2 filerna")


def unplaced(camera: Camera) -> None:
    """Gifts that wait, each with what is suggested."""
    camera.page.goto("/ekonomi/oplacerade/")
    camera.take("oplacerade", ".waiting-gifts", within=900)


def reconciliation(camera: Camera) -> None:
    """A month of days, and one that differs."""
    page = camera.page
    page.goto("/ekonomi/avstamning/")
    camera.take("avstamning", ".states", ".month-table tbody tr:nth-child(12)", within=940)


def proposal(camera: Camera) -> None:
    """A surplus shared out, before it is handed in."""
    page = camera.page
    page.goto("/ekonomi/omfordelning/ny/")
    page.locator("main th a").first.click()
    page.get_by_label("Belopp att fördela").fill("10 000")
    press(page, "Räkna ut")
    camera.take("omfordelning", ".share-how", "section[aria-labelledby=mottagare]", within=900)


def reports(camera: Camera) -> None:
    """A report, a file for the general ledger, and a year's results."""
    page = camera.page
    with wide(page):
        page.goto("/ekonomi/rapporter/forandring/")
        camera.take_alone("rapport", ".report", ".report-table tbody:nth-of-type(1)")
        page.goto("/ekonomi/resultat/vatten-och-halsa/2025/")
        camera.take_alone("resultat", ".results-page", ".results-part >> nth=0")
    page.goto("/ekonomi/sie/")
    page.locator(".sie-months tbody a").last.click()
    camera.take("export", "section[aria-labelledby=innehall-i-filen]")


def turn(camera: Camera) -> None:
    """The year that is over, surplus by surplus."""
    page = camera.page
    page.goto("/ekonomi/arsskifte/")
    page.locator("main a", has_text="2025").first.click()
    camera.take("arsskifte", "main h1", "article.decision", within=940)


STEPS: list[Callable[[Camera], None]] = [
    *(today, what_is_left, files, unplaced, reconciliation, proposal, reports, turn)
]
