"""Markdown to safe HTML, in one function."""

import re

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
_TAGS = {
    *("p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
_HEADING = re.compile(r"(</?h)([1-6])(?=[ >])")


def render(text: str, top_heading: int) -> SafeString:
    """Markdown text as sanitised HTML whose `#` is a heading of level `top_heading` (2 to 6).

    Raw HTML is shown as text; pictures and scripts cannot be written.
    """
    html = _HEADING.sub(
        lambda m: f"{m[1]}{min(6, int(m[2]) + top_heading - 1)}", _MARKDOWN.render(text)
    )
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}, "th": set(), "td": set()},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener",
    )
    return mark_safe(clean)  # noqa: S308 - nh3 has just sanitised it
