"""The guides for editors and for finance: found from the desk, true to the screens, and read by all."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import django.contrib.admin
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from staff import handbook
from staff.roles import Role
from tests import cast, guide

pytestmark = pytest.mark.once

PATH = "/admin/handbok/redaktor/"
TEXTS = {
    name: (Path(settings.BASE_DIR) / "docs" / f"{name}.md").read_text(encoding="utf-8")
    for name in handbook.GUIDES
}
TEXT = TEXTS["redaktor"]


def rut() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


@pytest.mark.django_db
def test_an_editor_finds_the_guide_on_the_desk_and_on_every_page() -> None:
    client = rut()
    desk = client.get(reverse("admin:index")).content.decode()
    header, rest = desk.split("</header>", 1)
    assert f'href="{PATH}"' in header
    assert f'href="{PATH}"' in rest
    assert f'href="{PATH}"' in client.get("/admin/projects/project/add/").content.decode()
    assert "Handbok för redaktörer" in client.get(PATH).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.READER])
def test_who_sees_the_money_finds_the_guide_for_finance(role: Role) -> None:
    client = cast.sign_in(Client(), cast.member("Eskil", role))
    path = "/admin/handbok/ekonomi/"
    assert f'href="{path}"' in client.get(reverse("admin:index")).text
    assert f'href="{path}"' in client.get(reverse("finance_start")).text
    assert "Vad Kollekt inte gör" in client.get(path).text
    assert path not in rut().get(reverse("admin:index")).text


@pytest.mark.django_db
def test_a_visitor_is_sent_to_sign_in_and_back_to_the_guide() -> None:
    response = Client().get(PATH)
    assert response.status_code == 302
    assert unquote(response["Location"]) == f"/logga-in/?next={PATH}"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["finns-inte", "permissions", "sign-in"])
def test_other_documents_are_no_guides(name: str) -> None:
    assert rut().get(f"/admin/handbok/{name}/").status_code == 404


@pytest.mark.parametrize("of", handbook.GUIDES)
def test_every_picture_in_a_guide_is_one_the_command_takes_and_none_is_left_over(of: str) -> None:
    named = set(re.findall(rf"\]\(\.\./static/(handbok/{of}/\S+)\)", TEXTS[of]))
    assert len(named) >= 8
    taking = Path("tests", "guide.py" if of == "redaktor" else "guide_finance.py").read_text()
    taken = re.findall(r"\.take(?:_alone)?\(\s*\"(\S+?)\"", taking)
    assert named == {f"handbok/{of}/{name}.webp" for name in taken}
    assert named == {f"handbok/{of}/{path.name}" for path in (guide.FOLDER / of).iterdir()}
    for name in named:
        found = finders.find(name)
        assert found, f"{name} is missing: run make guide"
        assert Path(found).stat().st_size < guide.AT_MOST_BYTES


@pytest.mark.parametrize("of", handbook.GUIDES)
def test_every_picture_in_a_guide_is_described(of: str) -> None:
    alts = re.findall(r"!\[(.*?)\]\(", TEXTS[of])
    assert len(alts) == TEXTS[of].count(".webp)")
    assert all(len(alt) > 30 and alt.endswith(".") for alt in alts)


@pytest.mark.parametrize("name", handbook.GUIDES)
def test_headings_have_ids_of_their_own(name: str) -> None:
    html = str(handbook.read(TEXTS[name]).html)
    ids = re.findall(r'<h[23] id="([^"]+)"', html)
    assert len(ids) == html.count("<h2") + html.count("<h3") == len(set(ids))


@pytest.mark.parametrize("name", handbook.GUIDES)
def test_what_the_guide_says_stands_on_the_screen_does(name: str) -> None:
    """Words in bold are the screens' own: ours, or Django's in Swedish."""
    said = _words_on_screens()
    missing = [
        words
        for words in re.findall(r"\*\*(.+?)\*\*", TEXTS[name])
        if not all(part.casefold() in said for part in words.split(": "))
    ]
    assert missing == []


def _words_on_screens() -> str:
    root = Path(settings.BASE_DIR)
    ours = [
        path
        for folder in ("templates", "projects", "donations", "staff", "static/js", "locale")
        for ending in ("html", "py", "js", "po")
        for path in (root / folder).rglob(f"*.{ending}")
    ]
    swedish = Path(django.contrib.admin.__file__).parent / "locale" / "sv" / "LC_MESSAGES"
    texts = [path.read_text(encoding="utf-8") for path in [*ours, *swedish.glob("*.po")]]
    return "\n".join(texts).casefold()


@pytest.mark.browser
@pytest.mark.look
def test_the_guide_is_read_by_all(width: int, open_as: Any, axe: Any) -> None:
    page = open_as(cast.member("Rut", Role.EDITOR), PATH, width=width)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    chapters = page.locator(".handbook__contents a").all()
    assert len(chapters) == TEXT.count("\n## ") > 10
    for chapter in chapters:
        chapter.click()
        place = page.locator(".handbook__text h2:target")
        assert place.inner_text() == chapter.inner_text()
        assert place.evaluate("place => place.getBoundingClientRect().top < innerHeight")
    for link in page.locator('.handbook__text a[href^="#"]').all():
        link.click()
        assert page.locator(".handbook__text :target").count() == 1
    page.evaluate(
        "document.querySelectorAll('.handbook__text img').forEach(one => one.loading = 'eager')"
    )
    page.wait_for_load_state("networkidle")
    shown = page.locator(".handbook__text img").evaluate_all(
        "all => all.map(one => one.naturalWidth)"
    )
    assert len(shown) == TEXT.count(".webp)")
    assert set(shown) == {guide.WIDTH}
