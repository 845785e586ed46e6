"""The picture library: what an editor finds in it, and what a picture that is used is kept from."""

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from PIL import Image as Pillow

from projects.library import uses_of_images
from projects.models import Consent, Contact, Image, Page, Section, Story, Version
from projects.pictures import reencode
from projects.snapshots import freeze
from tests import cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page as Tab


pytestmark = pytest.mark.django_db
LIST = "/admin/projects/image/"


def picture(alt: str = "En brunn", **fields: Any) -> Image:
    data = io.BytesIO()
    Pillow.linear_gradient("L").resize((1800, 1200)).save(data, "PNG")
    consent = fields.pop("consent", None) or cast.consent()
    image = Image(alt=alt, consent=consent, **fields)
    image.store(reencode(data.getvalue()))
    image.save()
    return image


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.ester())


def found(editor: Client, query: str) -> set[str]:
    return {image.alt for image in editor.get(LIST, {"q": query}).context["cl"].result_list}


def test_a_stored_picture_has_files_of_four_widths_with_their_true_measures() -> None:
    image = picture()
    assert image.widths == [480, 800, 1200, 1600]
    assert (image.width, image.height) == (1600, 1067)
    assert image.srcset.count("w,") == 3


@pytest.mark.parametrize("query", ["åsa", "ÅSA", "Öberg", "öberg ÄNGEN", "ängen"])
def test_pictures_are_found_by_description_and_credit_in_any_letters(
    editor: Client, query: str
) -> None:
    picture("ÅSA på ängen", credit="Per ÖBERG")
    picture("En båt")
    assert found(editor, query) == {"ÅSA på ängen"}


def test_the_list_says_what_each_picture_is_and_where_it_is_used(editor: Client) -> None:
    image = picture("En brunn", credit="Per Öberg")
    picture("En båt")
    page = cast.project(title="Brunnar i Takeo", image=image)
    shown = editor.get(LIST).content.decode()
    assert f'src="{image.url(480)}"' in shown
    assert "Per Öberg" in shown
    assert "Gäller till och med den 31 december 2099" in shown
    assert f'<a href="/admin/projects/project/{page.pk}/change/">Brunnar i Takeo</a>' in shown
    assert "Används inte" in shown


def test_the_list_asks_the_database_as_often_for_many_pictures_as_for_few(
    editor: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(3):
        cast.project(f"sida-{number}", image=picture())
    with django_assert_max_num_queries(100) as few:
        editor.get(LIST)
    for number in range(3, 9):
        cast.project(f"sida-{number}", image=picture())
    with django_assert_max_num_queries(len(few) + 6):  # whether each one's consent holds
        editor.get(LIST)


def test_a_picture_whose_consent_has_ended_is_not_sent_to_editors_either(editor: Client) -> None:
    image = picture()
    Consent.objects.update(withdrawn_at=timezone.now())
    shown = editor.get(LIST).content.decode()
    assert image.url(480) not in shown
    assert "Visas inte" in shown
    assert "Återkallat den" in shown


# Where it is used


def as_page(image: Image) -> Page:
    return cast.project(image=image)


def as_story(image: Image) -> Page:
    page = cast.project()
    cast.story(page, picture=image)
    return page


def as_text(image: Image) -> Page:
    return cast.project(body=f"Se:\n\n![En brunn]({image.url(800)})")


def as_section(image: Image) -> Page:
    page = cast.project()
    Section.objects.create(page=page, heading="Vatten", text=f"![En brunn]({image.url(800)})")
    return page


@pytest.mark.parametrize("use", [as_page, as_story, as_text, as_section])
def test_a_used_picture_cannot_be_deleted_and_says_where_it_is_used(
    editor: Client, use: "Callable[[Image], Page]"
) -> None:
    image = picture()
    page = use(image)
    for answer in (
        editor.get(f"{LIST}{image.pk}/delete/"),
        editor.post(f"{LIST}{image.pk}/delete/", {"post": "yes"}),
    ):
        text = answer.content.decode()
        assert "Bilden kan inte tas bort, för den används här:" in text
        assert f'<a href="/admin/projects/project/{page.pk}/change/">{page.title}</a>' in text
    assert Image.objects.filter(pk=image.pk).exists()


@pytest.mark.parametrize("use", [as_page, as_story, as_text, as_section])
def test_a_picture_that_only_a_stored_version_shows_is_kept_for_it(
    editor: Client, use: "Callable[[Image], Page]"
) -> None:
    image = picture()
    page = use(image)
    freeze(page, cast.ester())
    Page.objects.update(image=None, body="")
    Story.objects.all().delete()
    Section.objects.all().delete()
    shown = editor.get(f"{LIST}{image.pk}/delete/").content.decode()
    assert "bara i version 1" in shown
    assert Version.objects.get().images.get() == image


def test_a_picture_of_a_contact_says_so(editor: Client) -> None:
    image = picture()
    Contact.objects.create(name="Lena Ek", image=image)
    assert "Lena Ek" in editor.get(f"{LIST}{image.pk}/delete/").content.decode()


def test_an_unused_picture_is_deleted_with_its_files(
    editor: Client, django_capture_on_commit_callbacks: Any
) -> None:
    image = picture()
    with django_capture_on_commit_callbacks(execute=True):
        editor.post(f"{LIST}{image.pk}/delete/", {"post": "yes"})
    assert not Image.objects.exists()
    assert Client().get(image.src).status_code == 404


def test_a_key_that_no_picture_has_is_no_use() -> None:
    image = picture()
    cast.project(body=f"![x](/media/bilder/{'0' * 32}-480.webp)")
    assert uses_of_images([image]) == {}


# Focus


def test_a_page_shows_the_picture_with_its_focus_as_it_is_now() -> None:
    image = picture(focus_x=23, focus_y=88)
    page = cast.project(image=image)
    cast.publish(page)
    assert 'class="focus-x-20 focus-y-90"' in Client().get(page.get_absolute_url()).content.decode()
    Image.objects.update(focus_x=100, focus_y=0)
    assert 'class="focus-x-100 focus-y-0"' in Client().get(page.get_absolute_url()).content.decode()


@pytest.mark.parametrize(
    ("percent", "step"), [(0, 0), (4, 0), (5, 10), (50, 50), (95, 100), (100, 100)]
)
def test_focus_is_kept_to_the_nearest_tenth(percent: int, step: int) -> None:
    assert Image(focus_x=percent).focus == f"focus-x-{step} focus-y-50"


def test_every_step_has_its_rule() -> None:
    with open("static/css/focus.css") as file:
        rules = set(re.findall(r"\.(focus-[xy]-\d+) ", file.read()))
    steps = [step for step in range(0, 101, 10) if step != 50]
    assert rules == {f"focus-{axis}-{step}" for axis in "xy" for step in steps}


@pytest.mark.parametrize("field", ["focus_x", "focus_y"])
def test_the_database_holds_focus_inside_the_picture(field: str) -> None:
    picture()
    Image.objects.update(**{field: 100})
    with pytest.raises(IntegrityError), transaction.atomic():
        Image.objects.update(**{field: 101})


def test_focus_outside_the_picture_is_refused_in_the_form(editor: Client) -> None:
    image = picture()
    form = {"alt": "En brunn", "consent": image.consent_id, "focus_x": 101, "focus_y": 50}
    answer = editor.post(f"{LIST}{image.pk}/change/", form)
    assert "focus_x" in answer.context["adminform"].form.errors


@pytest.mark.browser
@pytest.mark.once
class TestFocusInABrowser:
    pytestmark = pytest.mark.django_db(transaction=True)

    def test_a_click_in_the_picture_sets_its_focus(
        self, open_as: "Callable[..., Tab]", width: int
    ) -> None:
        image = picture()
        tab = open_as(cast.ester(), f"{LIST}{image.pk}/change/", width=width)
        box = tab.locator(".focus-picture img").bounding_box()
        assert box
        tab.mouse.click(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.75)
        assert abs(int(tab.input_value("#id_focus_x")) - 20) <= 1
        assert abs(int(tab.input_value("#id_focus_y")) - 75) <= 1
        tab.click("[name=_save]")
        image.refresh_from_db()
        assert abs(image.focus_x - 20) <= 1

    def test_arrow_keys_set_it_too(self, open_as: "Callable[..., Tab]") -> None:
        image = picture()
        tab = open_as(cast.ester(), f"{LIST}{image.pk}/change/")
        tab.focus("#id_focus_x")
        for _ in range(10):
            tab.keyboard.press("ArrowUp")
        assert tab.input_value("#id_focus_x") == "60"
        crop = tab.locator(".library-crop--wide")
        assert crop.evaluate("image => getComputedStyle(image).objectPosition") == "60% 50%"

    def test_without_javascript_the_numbers_do(self, open_as: "Callable[..., Tab]") -> None:
        image = picture()
        tab = open_as(cast.ester(), f"{LIST}{image.pk}/change/", javascript=False)
        tab.fill("#id_focus_y", "10")
        tab.click("[name=_save]")
        image.refresh_from_db()
        assert image.focus_y == 10
