"""Markdown becomes safe HTML in one function: what is shown, and what can never be."""

import datetime
import time
import timeit
from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from projects.markdown import LIMIT, complaints, picture_code, render, without_pictures
from projects.models import Image
from projects.pictures import Picture
from tests import cast
from tests.markdown_corpus import PATHOLOGICAL, VECTORS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# What may stand in a page, apart from the code: tags, and the attributes of each.
MAY_STAND: dict[str, set[str]] = {
    **{tag: set() for tag in ("p", "br", "hr", "strong", "em", "code", "pre", "blockquote")},
    **{tag: set() for tag in ("ul", "li", "h2", "h3", "h4", "h5", "h6", "small", "figcaption")},
    **{tag: set() for tag in ("table", "thead", "tbody", "tr", "th", "td")},
    "ol": {"start"},
    "a": {"href", "rel"},
    "span": {"class"},
    "div": {"class", "role", "tabindex", "aria-label"},
    "figure": {"class"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt", "loading"},
}
MAY_LEAD = {"", "http", "https", "mailto", "tel"}
CLASSES = {"hidden-visually", "table-scroll", "picture"}


class Found(HTMLParser):
    """What a browser's parser would meet, and what of it has no business there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.amiss: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in MAY_STAND:
            self.amiss.append(f"<{tag}>")
            return
        for name, value in attrs:
            if name not in MAY_STAND[tag]:
                self.amiss.append(f"<{tag} {name}>")
            if name == "href" and scheme(value or "") not in MAY_LEAD:
                self.amiss.append(f"{tag} leads to {value}")
            if name in ("src", "srcset") and not (value or "").startswith("/media/bilder/"):
                self.amiss.append(f"{tag} fetches {value}")
            if name == "class" and value not in CLASSES:
                self.amiss.append(f"<{tag} class={value}>")

    def handle_comment(self, data: str) -> None:
        self.amiss.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.amiss.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.amiss.append(f"instruction {data}")


def scheme(address: str) -> str:
    """The scheme as a browser sees it, which drops white space and control characters."""
    plain = "".join(c for c in address if c.isprintable() and not c.isspace())
    return urlsplit(plain).scheme.lower()


def picture(**fields: Any) -> Image:
    given = {"alt": "En brunn", "consent": cast.consent()}
    image = Image(**{**given, **fields})
    image.store(Picture(800, 400, {480: b"webp", 800: b"webp"}))
    image.save()
    return image


# What is shown


def test_headings_begin_at_the_level_asked_for_and_end_at_six() -> None:
    html = render("# a\n\n## b\n\n###### c", top_heading=4)
    assert ("<h4>a</h4>" in html, "<h5>b</h5>" in html, "<h6>c</h6>" in html) == (True,) * 3


def test_swedish_quotes_and_dashes_are_left_as_they_were_written() -> None:
    text = '”Hej”, sa hon – ’ja’ -- "nej" ... (c)'
    assert render(text, 2) == '<p>”Hej”, sa hon – ’ja’ -- "nej" ... (c)</p>\n'


def test_raw_html_is_shown_as_the_text_it_is() -> None:
    assert render("<b>hej</b>", 2) == "<p>&lt;b&gt;hej&lt;/b&gt;</p>\n"


@pytest.mark.parametrize(
    ("address", "is_marked"),
    [
        ("https://example.org/a", True),
        ("http://example.org", True),
        ("//example.org/a", True),
        ("https://localhost/projekt/brunnar/", False),
        ("/projekt/brunnar/", False),
        ("#resultat", False),
        ("mailto:lo@example.org", False),
        ("tel:+46812345", False),
    ],
)
def test_a_link_to_another_website_says_so_to_a_screen_reader(
    address: str, is_marked: bool
) -> None:
    html = render(f"[Läs mer]({address}).", 2)
    assert ('<span class="hidden-visually"> (annan webbplats)</span></a>.' in html) == is_marked
    assert 'rel="noopener"' in html


def test_a_table_scrolls_in_a_box_that_the_keyboard_reaches() -> None:
    html = render("|a|b|\n|-|-:|\n|1|2|", 2)
    assert html.startswith('<div class="table-scroll" role="group" tabindex="0"')
    assert "<td>1</td>\n<td>2</td>" in html
    assert html.endswith("</table></div>\n")


def test_what_comes_after_the_limit_is_left_out() -> None:
    assert render("a" * LIMIT + "b", 2) == f"<p>{'a' * LIMIT}</p>\n"


# Pictures


def test_a_picture_of_ours_is_shown_in_all_its_widths_with_its_maker() -> None:
    image = picture(credit="Åsa Öh")
    html = render(f"Före.\n\n{picture_code(image)}\n\nEfter.", 2)
    assert f'src="{image.src}"' in html
    assert f'srcset="{image.srcset}"' in html
    assert 'width="800" height="400" alt="En brunn" loading="lazy"' in html
    assert '<figure class="picture"><img' in html
    assert "<figcaption>Åsa Öh</figcaption></figure>" in html
    assert Found(html).amiss == []


def test_a_picture_among_words_stands_among_them() -> None:
    html = render(f"Se {picture_code(picture(credit='Åsa'))} här.", 2)
    assert "<p>Se <img" in html
    assert "<small>(Åsa)</small> här.</p>" in html
    assert "figure" not in html


def test_any_width_in_the_text_names_the_same_picture() -> None:
    image = picture()
    for width in (480, 800, 1600):
        assert image.src in render(f"![x](/media/bilder/{image.key}-{width}.webp)", 2)


def test_a_picture_whose_consent_has_ended_is_left_out_whole() -> None:
    day = datetime.date(2026, 3, 1)
    image = picture(consent=cast.consent(valid_until=day), credit="Åsa")
    text = f"Före.\n\n{picture_code(image)}\n\nEfter {picture_code(image)}."
    stockholm = timezone.get_current_timezone()
    last, after = (
        datetime.datetime(2026, 3, day, hour, tzinfo=stockholm) for day, hour in [(1, 23), (2, 0)]
    )
    assert render(text, 2, last).count("<img") == 2
    assert render(text, 2, after) == "<p>Före.</p>\n\n<p>Efter .</p>\n"


def test_a_picture_whose_consent_is_withdrawn_is_gone_at_once() -> None:
    image = picture()
    text = picture_code(image)
    assert "<img" in render(text, 2)
    image.consent.withdrawn_at = timezone.now()
    image.consent.save()
    assert render(text, 2).strip() == ""


@pytest.mark.parametrize(
    "text",
    [
        "![](/media/bilder/{key}-480.webp)",
        "![  ](/media/bilder/{key}-480.webp)",
        "![a](https://example.org/media/bilder/{key}-480.webp)",
        "![a](//example.org/media/bilder/{key}-480.webp)",
        "![a](/media/bilder/{key}-480.webp?spar=1)",
        "![a](/media/bilder/{key}-480.svg)",
        "![a](/media/andra/{key}-480.webp)",
        "![a](https://example.org/spion.gif)",
        "![a](data:image/png;base64,AAAA)",
        # Shown, it would be found by no search when the picture has to be erased.
        "![a](&#47;media/bilder/{key}-480.webp)",
        "![a](/media/bilder&#47;{key}-480.webp)",
        # Nor would what somebody is said to do in it, when it stands like this.
        "![Nai][1]\n\n[1]: /media/bilder/{key}-480.webp",
        "![Nai [vid] brunnen](/media/bilder/{key}-480.webp)",
        "![Nai `]` ler](/media/bilder/{key}-480.webp)",
    ],
)
def test_no_other_picture_is_shown_and_the_writer_is_told(text: str) -> None:
    written = text.format(key=picture().key)
    assert render(written, 2).strip() == ""
    assert len(complaints(written)) == 1


def test_a_text_in_order_has_nothing_to_complain_of() -> None:
    assert complaints(f"# Hej\n\n[x](/y) {picture_code(picture())}") == []


def test_an_alternative_text_of_any_signs_comes_back_as_it_was() -> None:
    alt = r"En *stor* [brunn] \ <b>&amp; `x` _y_ ![z](q) ”5 > 3” | ~~a~~"
    html = render(picture_code(picture(alt=alt)), 2)
    parser = HTMLParser()
    alts: list[str | None] = []
    parser.handle_starttag = lambda tag, attrs: alts.append(dict(attrs).get("alt"))  # type: ignore[method-assign]
    parser.feed(html)
    assert alt in alts


def test_a_text_without_pictures_asks_the_database_nothing_and_one_with_many_asks_once() -> None:
    many = "\n\n".join(picture_code(picture()) for _ in range(5))
    with CaptureQueriesContext(connection) as asked:
        render("# Hej [x](/y)", 2)
    assert len(asked) == 0
    with CaptureQueriesContext(connection) as asked:
        assert render(many, 2).count("<img") == 5
    assert len(asked) == 1


def test_a_pictures_words_are_not_searched_for_its_consent_can_end() -> None:
    one = picture_code(picture(alt="Nai [vid] brunnen"))
    other = picture_code(picture(alt="Nai ler")).replace(".webp)", '.webp "Nai")')
    area = cast.area(body=f"Hej {one}{other} då")
    version = cast.publish(area).version
    assert version is not None
    assert "hej då" in version.search_text
    assert "nai" not in version.search_text
    assert "media" not in version.search_text


def test_pictures_go_from_a_text_in_good_time_however_their_words_are_written() -> None:
    escapes = "\\_" * 20_000
    hard = f"![{escapes}](/media/bilder/{'0' * 32}-480.webp"
    started = time.perf_counter()
    assert without_pictures(hard) == hard
    assert without_pictures(f"{hard})") == ""
    assert time.perf_counter() - started < 1


# What can never be


def test_the_corpus_is_large_and_holds_nothing_twice() -> None:
    assert len(VECTORS) >= 200
    assert len(set(VECTORS)) == len(VECTORS)


def test_of_no_vector_anything_remains_that_may_not_stand_in_a_page() -> None:
    amiss = {text: found for text in VECTORS if (found := Found(render(text, 2)).amiss)}
    assert amiss == {}


def test_of_all_vectors_together_nothing_remains_either() -> None:
    for start in range(0, len(VECTORS), 100):
        for between in ("\n\n", "\n", " "):
            text = between.join(VECTORS[start : start + 100])
            assert Found(render(text, 2)).amiss == []


def test_the_check_would_see_what_it_looks_for() -> None:
    for html in (
        "<script>x</script>",
        "<p onclick=x>",
        '<a href=" java\tscript:x">',
        "<img src=https://example.org/x>",
        "<!-- x -->",
        "<div class=desk>",
    ):
        assert Found(html).amiss != []


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_a_hostile_text_of_100_kb_is_rendered_in_less_than_a_second(name: str) -> None:
    text = PATHOLOGICAL[name]
    assert 90_000 <= len(text) <= 100_000
    shown: list[str] = []
    assert takes_less_than_a_second(lambda: shown.append(render(text, 2)))
    assert takes_less_than_a_second(lambda: (complaints(text), without_pictures(text)))
    assert Found(shown[0]).amiss == []


def takes_less_than_a_second(work: Callable[[], object]) -> bool:
    """Whether one try of three does, of the processor's time, without the collector of garbage.

    Other work on the machine slows one of them, and what the tests before have left in memory takes
    the collector longer than the work itself.
    """
    return any(timeit.timeit(work, timer=time.process_time, number=1) < 1 for _ in range(3))


@pytest.mark.browser
@pytest.mark.look
def test_nothing_of_the_corpus_runs_in_a_browser(
    open_page: Callable[..., "Page"], transactional_db: None
) -> None:
    """All of it on public pages, under the site's own policy; `open_page` holds that nothing was stopped
    by the policy either, for nothing tried."""
    size = 90
    pages = []
    for number, start in enumerate(range(0, len(VECTORS), size)):
        area = cast.area(f"omrade-{number}", body="\n\n".join(VECTORS[start : start + size]))
        cast.publish(area)
        pages.append(area.get_absolute_url())
    for address in pages:
        page = open_page(address)
        assert page.evaluate("window.hit") is None
        assert page.locator(".prose").first.inner_text().strip()
        allowed = ", ".join(MAY_STAND)
        assert page.locator(f".prose *:not({allowed})").count() == 0
        page.context.close()
