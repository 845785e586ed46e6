"""Markdown to safe HTML, in one function, and what else is to be known about such a text."""

import datetime
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.conf import settings
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from projects.models import Consent, Image
from projects.models.pages import BODY_LIMIT
from projects.models.pictures import keys_in

# The longest text that an editor can write. The rest of a longer one is cut away: hostile texts
# take a time that grows faster than their length.
LIMIT = BODY_LIMIT
# How a text names one of our pictures, wherever the files are kept. Any of its widths will do.
_PICTURE = re.compile(r"/media/bilder/(?P<key>[0-9a-f]{32})-[0-9]{1,5}\.webp")
# The same with its description, in the ways that it can be taken out of a text again.
_WRITTEN = re.compile(
    r"!?\[(?:[^\[\]\\]|\\.)*\]\(\s*<?/media/bilder/(?P<key>[0-9a-f]{32})-[^\s)\"'<>]*>?"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?\s*\)"
)
_SIZES = "(min-width: 43rem) 41rem, 100vw"
_HEADING = re.compile(r"h([1-6])")
_EMPTY = re.compile(r"<p>\s*(?:<br />\s*)*</p>\n?")
_SPECIAL = re.compile(r"[\\`*_\[\]<>&!~|]")

_TAGS = {
    *("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    *("img", "figure", "figcaption", "small", "div", "span"),
}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href"},
    "ol": {"start"},
    "img": {"src", "srcset", "sizes", "width", "height", "alt"},
}
# Only what is written here: no text can choose classes or roles.
_VALUES = {
    "div": {
        "class": {"table-scroll"},
        "role": {"group"},
        "tabindex": {"0"},
        "aria-label": {"Tabell"},
    },
    "figure": {"class": {"picture"}},
    "img": {"loading": {"lazy"}},
    "span": {"class": {"hidden-visually"}},
}


def render(text: str, top_heading: int, at: datetime.datetime | None = None) -> SafeString:
    """Markdown text as sanitised HTML whose `#` is a heading of level `top_heading` (2 to 6).

    Raw HTML is shown as text. Of pictures only our own are shown, those that have an alternative
    text and whose consent is valid at the moment `at` (now, when none is given). Whatever comes
    after the first `LIMIT` characters is left out.
    """
    tokens = _parse(text)
    _shift_headings(tokens, top_heading)
    html = _MARKDOWN.renderer.render(
        tokens, _MARKDOWN.options, {"pictures": _shown(text, tokens, at or timezone.now())}
    )
    clean = nh3.clean(
        _EMPTY.sub("", html),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        tag_attribute_values=_VALUES,
        generic_attribute_prefixes=set(),
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )
    return mark_safe(clean)  # noqa: S308 - nh3 has just sanitised it


def picture_code(image: Image) -> str:
    """How a text names the picture: its alternative text and its address."""
    alt = _SPECIAL.sub(r"\\\g<0>", " ".join(image.alt.split()))
    return f"![{alt}](/media/{image.name(image.widths[-1])})"


def without_pictures(text: str, keys: Container[str] | None = None) -> str:
    """The text without our pictures and what they are said to show: all of them, or those with the keys."""
    return _WRITTEN.sub(
        lambda found: "" if keys is None or found["key"] in keys else found[0], text
    )


def has_pictures(text: str) -> bool:
    """Whether the text names any picture, ours or another."""
    return any(_pictures(_parse(text)))


def complaints(text: str) -> list[str]:
    """What keeps the text's pictures from being shown, in Swedish sentences to its writer."""
    pictures = list(_pictures(_parse(text)))
    keys = keys_in(text)
    ours = set(Image.objects.filter(key__in=keys).values_list("key", flat=True)) if keys else set()
    found = []
    if _oddly_written(text):
        found.append(
            _(
                "En bild är skriven på ett sätt som inte går att visa. Skriv den så här, utan "
                "hakparenteser i beskrivningen: ![En kvinna vid en brunn](/media/bilder/…)."
            )
        )
    for token in pictures:
        address = str(token.attrs.get("src", ""))
        if _key(token) not in ours:
            found.append(
                _(
                    "Bilden ”%s” finns inte bland våra bilder. Ladda upp den med knappen Bild i stället."
                )
                % address[:100]
            )
        elif not _alt(token):
            found.append(
                _(
                    "Bilden ”%s” saknar alternativtext. Skriv vad den visar mellan hakparenteserna: "
                    "![En kvinna vid en brunn](…)."
                )
                % address[:100]
            )
    return found


def _parse(text: str) -> list[Token]:
    return _MARKDOWN.parse(text[:LIMIT])


def _pictures(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from (child for child in token.children or () if child.type == "image")


def _key(picture: Token) -> str | None:
    found = _PICTURE.fullmatch(str(picture.attrs.get("src", "")))
    return found["key"] if found else None


def _oddly_written(text: str) -> set[str]:
    """The keys of pictures that would be shown, and that `without_pictures` does not find in the text.

    What a person is said to do in a picture could then not be taken away with it.
    """
    if "/media/bilder/" not in text:
        return set()
    left = _pictures(_parse(without_pictures(text)))
    return {key for picture in left if (key := _key(picture))}


def _alt(picture: Token) -> str:
    text = RendererHTML().renderInlineAsText(picture.children, _MARKDOWN.options, {})
    return " ".join(text.split())


def _shown(text: str, tokens: Sequence[Token], at: datetime.datetime) -> dict[str, Image]:
    """The pictures in the text that may be shown, by key.

    Only those whose addresses stand there plainly: by these a version knows its pictures, and an
    address written in another way (`&#47;media`) would not be found when the picture is erased.
    """
    keys = {key for token in _pictures(tokens) if (key := _key(token))} & keys_in(text)
    keys -= _oddly_written(text)
    if not keys:
        return {}
    images = Image.objects.filter(key__in=keys, consent__in=Consent.objects.valid(at))
    return {image.key: image for image in images}


def _shift_headings(tokens: Iterable[Token], top_heading: int) -> None:
    for token in tokens:
        if found := _HEADING.fullmatch(token.tag):
            token.tag = f"h{min(6, int(found[1]) + top_heading - 1)}"


class _Renderer(RendererHTML):
    """The library's HTML with our pictures, with links elsewhere marked, with tables in a box."""

    def paragraph_open(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        if not _is_figure(tokens[at + 1]):
            return self.renderToken(tokens, at, options, env)
        tokens[at + 1].children[0].meta["figure"] = True
        return ""

    def paragraph_close(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        return "\n" if _is_figure(tokens[at - 1]) else self.renderToken(tokens, at, options, env)

    def image(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        picture, alt = env["pictures"].get(_key(tokens[at])), _alt(tokens[at])
        if not picture or not alt:
            return ""
        html, credit = _img(picture, alt), escape(picture.credit)
        if "figure" not in tokens[at].meta:
            return html + (f" <small>({credit})</small>" if credit else "")
        caption = f"<figcaption>{credit}</figcaption>" if credit else ""
        return f'<figure class="picture">{html}{caption}</figure>'

    def link_close(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        note = f'<span class="hidden-visually"> ({escape(_("annan webbplats"))})</span>'
        return (note if _leads_elsewhere(tokens, at) else "") + "</a>"

    def table_open(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        return '<div class="table-scroll" role="group" tabindex="0" aria-label="Tabell"><table>\n'

    def table_close(self, tokens: Any, at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"


def _is_figure(inline: Token) -> bool:
    """A picture that has a paragraph to itself."""
    return [child.type for child in inline.children or ()] == ["image"]


def _img(picture: Image, alt: str) -> str:
    return format_html(
        '<img src="{}" srcset="{}" sizes="{}" width="{}" height="{}" alt="{}" loading="lazy">',
        picture.src,
        picture.srcset,
        _SIZES,
        picture.width,
        picture.height,
        alt,
    )


def _leads_elsewhere(tokens: Sequence[Token], close: int) -> bool:
    """Whether the link that ends at `close` leads to another website. (Links hold no links.)"""
    opened = next(at for at in range(close, -1, -1) if tokens[at].type == "link_open")
    try:
        address = urlsplit(str(tokens[opened].attrs.get("href", "")))
        return bool(address.netloc) and address.hostname not in settings.ALLOWED_HOSTS
    except ValueError:
        return True


_MARKDOWN = MarkdownIt(
    "commonmark", {"html": False, "breaks": True}, renderer_cls=_Renderer
).enable("table")
