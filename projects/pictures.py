"""Uploaded pictures made safe: verified, turned upright, rebuilt from their pixels, in WebP widths."""

import io
import warnings
from dataclasses import dataclass

from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageOps

WIDTHS = (480, 800, 1200, 1600)
MAX_BYTES = 15_000_000
MAX_PIXELS = 30_000_000
# A narrower one would be stretched to a blur.
NARROWEST = 400
# What a WebP file can hold.
TALLEST = 16_383
FORMATS = ("JPEG", "PNG", "WEBP")


class PictureError(ValueError):
    """A picture that is not taken; the message is a Swedish sentence for the person who sent it."""


@dataclass(frozen=True)
class Picture:
    """Re-encoded files by width in pixels; `width` and `height` are the largest file's."""

    width: int
    height: int
    files: dict[int, bytes]


def reencode(data: bytes) -> Picture:
    """Read JPEG, PNG or WebP bytes and give the same picture as new WebP files.

    Nothing of the original file survives: no EXIF, GPS, colour profile, comment
    or trailing bytes. Raises `PictureError`.
    """
    if len(data) > MAX_BYTES:
        raise PictureError(
            _("Bilden är större än 15 MB. Spara den i mindre format och försök igen.")
        )
    pixels = _pixels(data)
    if pixels.width < NARROWEST:
        raise PictureError(
            _(
                "Bilden är %(width)s × %(height)s punkter. Den behöver vara minst %(least)s punkter bred."
            )
            % {"width": pixels.width, "height": pixels.height, "least": NARROWEST}
        )
    files = {}
    for width in [w for w in WIDTHS if w < pixels.width] + [min(pixels.width, WIDTHS[-1])]:
        height = max(1, round(pixels.height * width / pixels.width))
        if height > TALLEST:
            raise PictureError(_("Bilden är för hög för sin bredd. Beskär den och försök igen."))
        target = io.BytesIO()
        pixels.resize((width, height), Pillow.Resampling.LANCZOS).save(
            target, "WEBP", quality=80, method=4
        )
        files[width] = target.getvalue()
    largest = max(files)
    return Picture(largest, max(1, round(pixels.height * largest / pixels.width)), files)


def _pixels(data: bytes) -> Pillow.Image:
    """The picture's pixels alone, upright, as a new image without any metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            picture = Pillow.open(io.BytesIO(data), formats=FORMATS)
            if picture.width * picture.height > MAX_PIXELS:
                raise PictureError(
                    _("Bilden har fler än 30 miljoner bildpunkter. Spara den i mindre format.")
                )
            upright = ImageOps.exif_transpose(picture)
        plain = upright.convert(
            "RGBA" if "A" in upright.getbands() or "transparency" in upright.info else "RGB"
        )
    except PictureError:
        raise
    except (
        OSError,
        SyntaxError,
        ValueError,
        Pillow.DecompressionBombError,
        Pillow.DecompressionBombWarning,
    ) as error:
        raise PictureError(
            _("Filen kunde inte läsas som en bild. Ladda upp en JPEG-, PNG- eller WebP-fil.")
        ) from error
    bare = Pillow.new(plain.mode, plain.size)
    bare.paste(plain)
    return bare
