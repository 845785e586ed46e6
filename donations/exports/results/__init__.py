"""The summary of results as a PDF: A4, tagged (PDF/UA-1), set by Typst in this process.

What people have written reaches Typst as data and never as source. It reads no file but its own source
and the fonts beside it, asks the system for no font, and fetches nothing.
"""

import base64
import io
import json
import logging
import re
import unicodedata
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typst
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageOps

from donations.reports import results_words
from donations.reports.results import Results
from projects.models import SiteSettings
from projects.rendering import Picture

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_FONTS = typst.Fonts(include_system_fonts=False, font_paths=[_HERE / "fonts"])
# The picture on the first page: as wide as the sheet, in pixels.
_PICTURE = (1500, 560)
# As text, which is all that Typst is handed: as a list of numbers it takes a hundred times the room.
_DRAWN = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}">'
    '<image width="{0}" height="{1}" href="data:image/jpeg;base64,{2}"/></svg>'
)
# A run of letters that no line has room for, and how much of it may stand together.
_UNBROKEN = re.compile(r"[^\s/-]{30,}")
_TOGETHER = 12
# Control characters and what is no character.
_NOT_SET = {"Cc", "Cs", "Cn"}
# What must be what it is, letter by letter.
_WHOLE = {"url", "drawn", "hue"}


def pdf(results: Results, home: str) -> bytes:
    """The summary as a PDF file; `home` is the site's address, which the pages' own are put after."""
    data = _safe(_data(results, home))
    try:
        return _compile(data, is_checked=True)
    except typst.TypstError:
        # PDF/UA allows no letter that the fonts lack, such as one of Khmer. Tagged it is all the same.
        return _compile(data, is_checked=False)


def _compile(data: Any, *, is_checked: bool) -> bytes:
    return typst.compile(
        _HERE / "results.typ",
        root=_HERE,
        font_paths=_FONTS,
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(data)},
        pdf_standards=["ua-1"] if is_checked else [],
    )


def _data(results: Results, home: str) -> dict[str, Any]:
    site, contact = SiteSettings.current(), results.contact
    told = asdict(results_words.told(results))
    for part in told["parts"]:
        part["url"] = f"{home}{part['url']}"
        part["address"] = part["url"].split("://", 1)[-1].rstrip("/")
        for one in part["achieved"]:
            del one["belongs"]
    return told | {
        "organisation": site.name,
        "site": [
            line
            for line in (
                site.name,
                _("Organisationsnummer %s") % site.organisation_number
                if site.organisation_number
                else "",
                site.address,
                site.email,
                site.phone,
            )
            if line
        ],
        "contact": [contact.name, contact.role, contact.email, contact.phone] if contact else [],
        "picture": _picture(results.area.page.image),
    }


def _picture(picture: Picture | None) -> dict[str, Any] | None:
    """The bytes of the picture, cut to the sheet with its focus in view, and what it shows."""
    if picture is None:
        return None
    image = picture.image
    width = next((one for one in image.widths if one >= _PICTURE[0]), image.widths[-1])
    focus = (image.focus_x / 100, image.focus_y / 100)
    cut = io.BytesIO()
    try:
        with default_storage.open(image.name(width)) as file, Pillow.open(file) as opened:
            fitted = ImageOps.fit(opened.convert("RGB"), _PICTURE, centering=focus)
    except OSError:
        # The summary is whole without it.
        logger.exception("%s could not be read for the summary of results", image.name(width))
        return None
    fitted.save(cut, "JPEG", quality=85)
    drawn = _DRAWN.format(*_PICTURE, base64.b64encode(cut.getvalue()).decode())
    return {"drawn": drawn, "alt": picture.alt, "credit": picture.credit}


def _safe(value: Any) -> Any:
    """The data with texts that can be set: without control characters, and with words that can be broken."""
    if isinstance(value, str):
        kept = (c for c in value if c == "\n" or unicodedata.category(c) not in _NOT_SET)
        return _UNBROKEN.sub(_breakable, "".join(kept))
    if isinstance(value, dict):
        return {key: one if key in _WHOLE else _safe(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(one) for one in value]
    return value


def _breakable(word: re.Match[str]) -> str:
    """The letters with places between them where a line may end."""
    parts = [word[0][at : at + _TOGETHER] for at in range(0, len(word[0]), _TOGETHER)]
    return "\N{ZERO WIDTH SPACE}".join(parts)
