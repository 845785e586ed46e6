"""The guides in docs/ that staff read at their desk: one text, for a repository's reader and in the admin."""

from dataclasses import dataclass
from itertools import pairwise

from django.conf import settings
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from staff import access

# By their names in the address: docs/redaktor.md. Other documents there are not for the desk.
GUIDES = ("redaktor", "ekonomi")
# How a guide names a picture, so that it is found from docs/ as well.
_PICTURES = "../static/"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Heading:
    """A chapter of a guide, and the id it has in the page."""

    text: str
    anchor: str


@dataclass(frozen=True)
class Guide:
    """A guide as HTML, without its title, and its chapters in order."""

    title: str
    html: SafeString
    contents: list[Heading]


@access.staff(methods=access.READ)
def handbook(request: HttpRequest, name: str) -> HttpResponse:
    """A guide to the work at the desk, from docs/; 404 when there is none of that name."""
    if name not in GUIDES:
        raise Http404
    guide = read((settings.BASE_DIR / "docs" / f"{name}.md").read_text(encoding="utf-8"))
    context = {**admin.site.each_context(request), "title": guide.title, "guide": guide}
    return render(request, "admin/handbook.html", context)


def read(text: str) -> Guide:
    """A guide of our own writing: its first line is the title (`#`), and each `##` a chapter.

    Headings get the ids that repositories give them, so that links within a guide lead right in
    both places. The text is trusted: it is part of the program.
    """
    _opened, title, _closed, *tokens = _MARKDOWN.parse(text)
    contents = []
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            heading = Heading(inside.content, slugify(inside.content, allow_unicode=True))
            token.attrSet("id", heading.anchor)
            if token.tag == "h2":
                contents.append(heading)
        for picture in token.children or ():
            _find_picture(picture)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Guide(title.content, mark_safe(html), contents)  # noqa: S308 - our own words


def _find_picture(token: Token) -> None:
    """Turn a picture's place in the repository into its address."""
    if token.type == "image":
        token.attrSet("src", static(str(token.attrs["src"]).removeprefix(_PICTURES)))
        token.attrSet("loading", "lazy")
