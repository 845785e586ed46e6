"""Uploaded pictures made safe: verified, turned upright, rebuilt from their pixels, in WebP widths."""

import io
import math
import warnings
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageCms

WIDTHS = (480, 800, 1200, 1600)
MAX_BYTES = 15_000_000
MAX_PIXELS = 30_000_000
# Its decoder holds four copies of the picture, and none of them can be made smaller on the way.
MAX_WEBP_PIXELS = 8_000_000
# So does that of a JPEG in several passes; in bytes.
MAX_JPEG_UNPACKED = 120_000_000
# A narrower one would be stretched to a blur.
NARROWEST = 400
# A taller one, for its width, could only be shown as a sliver.
TALLEST = 2.5
FORMATS = ("JPEG", "PNG", "WEBP")

# From here on a picture is made smaller before it is worked upon, so that memory holds it once.
_MANY_PIXELS = 12_500_000
_BAND = 256
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = {5, 6, 7, 8}


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
    or trailing bytes. Its colours are turned into sRGB. Raises `PictureError`.
    """
    if len(data) > MAX_BYTES:
        raise too_heavy()
    pixels = _pixels(data)
    largest = min(pixels.width, WIDTHS[-1])
    files = {}
    for width in [w for w in WIDTHS if w < largest] + [largest]:
        target = io.BytesIO()
        pixels.resize((width, _height(pixels, width)), Pillow.Resampling.LANCZOS).save(
            target, "WEBP", quality=80, method=4
        )
        files[width] = target.getvalue()
    return Picture(largest, _height(pixels, largest), files)


def too_heavy() -> PictureError:
    """What to say of a file of more than `MAX_BYTES`."""
    return PictureError(_("Bilden är större än 15 MB. Spara den i mindre format och försök igen."))


def _height(pixels: Pillow.Image, width: int) -> int:
    return max(1, round(pixels.height * width / pixels.width))


def _pixels(data: bytes) -> Pillow.Image:
    """The picture's pixels alone, upright, as a new image without any metadata."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(data), formats=FORMATS) as picture:
                _refuse_by_weight(picture)
                turn = _orientation(picture)
                on_its_side = turn in _ON_ITS_SIDE
                _refuse_by_shape(*(picture.size[::-1] if on_its_side else picture.size))
                return _bare(_upright(_in_srgb(_narrower(picture, on_its_side)), turn))
    except PictureError:
        raise
    except Exception as error:
        # A broken file can make Pillow stumble anywhere, over anything: struct.error, KeyError, …
        raise PictureError(
            _("Filen kunde inte läsas som en bild. Ladda upp en JPEG-, PNG- eller WebP-fil.")
        ) from error


def _orientation(picture: Pillow.Image) -> int:
    """How the camera was held. Broken EXIF is none: the picture itself may be whole."""
    if picture.format == "PNG":
        # Its EXIF may stand behind the pixels, which are read on the way and have to be whole.
        picture.load()
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1


def _refuse_by_weight(picture: Pillow.Image) -> None:
    """Raise `PictureError` for what would take too much memory, or moves. Nothing is unpacked yet."""
    if _count(picture) > MAX_PIXELS:
        raise PictureError(
            _("Bilden har fler än 30 miljoner bildpunkter. Spara den i mindre format.")
        )
    # A JPEG of two frames is a phone's photo with a preview or a depth map beside it.
    if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
        raise PictureError(_("Bilden rör sig. Spara en stillbild av den och ladda upp den."))
    if picture.format == "WEBP" and _count(picture) > MAX_WEBP_PIXELS:
        raise PictureError(
            _(
                "En WebP-bild får ha högst 8 miljoner bildpunkter. Spara den i mindre format, eller "
                "som JPEG."
            )
        )
    if picture.format in ("JPEG", "MPO") and _unpacked_jpeg(picture) > MAX_JPEG_UNPACKED:
        raise PictureError(
            _(
                "Bilden är en progressiv JPEG med för många bildpunkter. Spara den i mindre format, "
                "eller som en vanlig JPEG."
            )
        )


def _refuse_by_shape(width: int, height: int) -> None:
    """Raise `PictureError` for what could not be shown well, measured upright."""
    if width < NARROWEST:
        raise PictureError(
            _(
                "Bilden är %(width)s × %(height)s punkter. Den behöver vara minst %(least)s punkter bred."
            )
            % {"width": width, "height": height, "least": NARROWEST}
        )
    if height > TALLEST * width:
        raise PictureError(_("Bilden är för hög för sin bredd. Beskär den och försök igen."))


def _unpacked_jpeg(picture: Any) -> int:
    """How many bytes its decoder holds at once of a JPEG that comes in several passes over the picture."""
    if not picture.info.get("progressive"):
        return 0
    sampled = [across * down for _component, across, down, _table in picture.layer]
    return int(2 * _count(picture) * sum(sampled) / max(sampled))


def _narrower(picture: Any, on_its_side: bool) -> Pillow.Image:
    """The picture unpacked, in one of few modes, and no wider than what is stored."""
    width, height = picture.size
    wide = height if on_its_side else width
    # Lets a JPEG's decoder leave out what would be thrown away.
    factor = _factor(picture)
    picture.draft(None, (width // factor, height // factor))
    picture.load()
    small = _reduced(picture, _factor(picture))
    profile = picture.info.get("icc_profile")
    picture.close()  # frees its pixels before there are more
    if wide > WIDTHS[-1]:
        scale = WIDTHS[-1] / wide
        small = small.resize(
            (round(width * scale), round(height * scale)), Pillow.Resampling.LANCZOS
        )
    small.info = {"icc_profile": profile} if profile else {}
    return small


def _factor(picture: Pillow.Image) -> int:
    """By what whole number the picture's sides may be divided before it is worked upon."""
    return max(
        1, min(picture.size) // WIDTHS[-1], math.ceil(math.sqrt(_count(picture) / _MANY_PIXELS))
    )


def _count(picture: Pillow.Image) -> int:
    return picture.width * picture.height


def _reduced(picture: Pillow.Image, factor: int) -> Pillow.Image:
    """The picture in a mode that can be resized, each square of `factor` pixels made one.

    It goes a band at a time, so that memory never holds it whole twice.
    """
    size = (math.ceil(picture.width / factor), math.ceil(picture.height / factor))
    small = None
    for top in range(0, picture.height, factor * _BAND):
        bottom = min(top + factor * _BAND, picture.height)
        band = _resizable(picture.crop((0, top, picture.width, bottom))).reduce(factor)
        small = small or Pillow.new(band.mode, size)
        small.paste(band, (0, top // factor))
    assert small
    return small


def _resizable(picture: Pillow.Image) -> Pillow.Image:
    """The same pixels without a palette, with eight bits to a colour."""
    if picture.mode.startswith("I"):
        # `convert` would cut off everything above the darkest 256 of sixteen bits.
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode == "PA" or "transparency" in picture.info:
        return picture.convert("RGBA")
    return picture.convert("RGB") if picture.mode in ("P", "1") else picture


def _in_srgb(picture: Pillow.Image) -> Pillow.Image:
    """The picture as RGB, or RGBA where something shows through it, in the web's own colours."""
    mode = "RGBA" if _shows_through(picture) else "RGB"
    profile = picture.info.get("icc_profile")
    if profile and picture.mode in ("RGB", "RGBA", "CMYK", "L"):
        try:
            turned = ImageCms.profileToProfile(
                picture,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode=mode,
            )
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            turned = None  # the profile is broken, or not for these pixels
        if turned is not None:
            return turned
    return picture if picture.mode == mode else picture.convert(mode)


def _shows_through(picture: Pillow.Image) -> bool:
    return "A" in picture.getbands() and picture.getchannel("A").getextrema() != (255, 255)


def _upright(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    turn = _UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def _bare(picture: Pillow.Image) -> Pillow.Image:
    bare = Pillow.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare
