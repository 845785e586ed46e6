"""Files that somebody may upload as a picture, made in code: good, broken, disguised and hostile.

Each `Sample` says what the library ought to do with it: store it, or refuse it with a given reason.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

# Stands in every place of a file that is not its pixels: none of it may be stored.
SECRET = "hemlig-plats-5e8f"
SCRIPT = b"<script>alert('" + SECRET.encode() + b"')</script>"

UNREADABLE = "Filen kunde inte läsas som en bild"
TOO_HEAVY = "större än 15 MB"
TOO_MANY = "fler än 30 miljoner"
TOO_MANY_WEBP = "högst 8 miljoner"
PROGRESSIVE = "progressiv JPEG"
TOO_NARROW = "minst 400 punkter bred"
TOO_TALL = "för hög för sin bredd"
MOVING = "Bilden rör sig"
EMPTY = "Filen är tom"
MISSING = "Välj en bildfil"


@dataclass(frozen=True)
class Sample:
    """A file, the name and type it says it has, and why it is refused ("" when it is stored)."""

    what: str
    make: Callable[[], bytes]
    refused: str = ""
    filename: str = "bild.jpg"
    content_type: str = "image/jpeg"
    size: tuple[int, int] | None = None  # what is stored, when it is worth saying


@cache
def drawn(width: int = 900, height: int = 600, mode: str = "RGB") -> Image.Image:
    """A picture whose four corners differ: red, green, blue, yellow from the top left."""
    picture = Image.new("RGB", (width, height))
    halves = [(0, 0, "#d00000"), (1, 0, "#00a000"), (0, 1, "#0000d0"), (1, 1, "#d0d000")]
    for x, y, colour in halves:
        box = (width * x // 2, height * y // 2, width * (x + 1) // 2, height * (y + 1) // 2)
        picture.paste(colour, box)
    return picture.convert(mode)


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, form, **options)
    return target.getvalue()


@cache
def jpeg() -> bytes:
    return saved(drawn(), "JPEG")


@cache
def png() -> bytes:
    return saved(drawn(), "PNG")


@cache
def webp() -> bytes:
    return saved(drawn(), "WEBP")


def chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bare_png(width: int, height: int, bits: int = 1, colour: int = 0) -> bytes:
    """A valid PNG of nothing but zeros, made without unpacking it: the decompression bomb."""
    channels = {0: 1, 2: 3, 6: 4}[colour]
    row = (width * channels * bits + 7) // 8 + 1
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(bytes(row)) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def padded(data: bytes, size: int) -> bytes:
    """A whole JPEG with bytes after its end, `size` in all."""
    return data + bytes(size - len(data))


def exif(orientation: int = 1) -> bytes:
    """Camera, place, time and a note, as a phone writes them."""
    found = Image.Exif()
    found[0x0112] = orientation
    found[0x010F] = SECRET
    found[0x010E] = SECRET
    gps = found.get_ifd(0x8825)
    gps.update({1: "N", 2: (59.0, 19.0, 46.0), 3: "E", 4: (18.0, 3.0, 9.0), 29: SECRET})
    return found.tobytes()


def sideways(orientation: int) -> bytes:
    """The drawn picture stored as a camera held that way would, so that upright it is itself."""
    back = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    picture = drawn() if back is None else drawn().transpose(back)
    return saved(picture, "JPEG", exif=exif(orientation), quality=95)


def xmp() -> bytes:
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><plats>{SECRET}</plats></x:xmpmeta>'.encode()


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def png_text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET)
    info.add_itxt("Beskrivning", SECRET)
    info.add_text("XML:com.adobe.xmp", SECRET, zip=True)
    return info


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("index.html", SCRIPT)
    return target.getvalue()


def broken_at(data: bytes, part: float) -> bytes:
    return data[: int(len(data) * part)]


def flipped(data: bytes, marker: bytes, after: int) -> bytes:
    """The data with one byte changed, `after` bytes behind the first `marker`."""
    at = data.index(marker) + after
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def moving(form: str) -> bytes:
    frames = [drawn(), drawn().transpose(Image.Transpose.ROTATE_180)]
    return saved(frames[0], form, save_all=True, append_images=frames[1:], duration=100)


def phone_pair() -> bytes:
    """A JPEG with a second picture behind the first, as many phones take them."""
    return saved(drawn(), "MPO", save_all=True, append_images=[drawn(480, 320)])


def grey16() -> bytes:
    return saved(Image.frombytes("I;16", (900, 600), struct.pack("<H", 40_000) * 540_000), "PNG")


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(2000)


def palette(transparent: bool) -> bytes:
    picture = drawn().quantize(16)
    return saved(picture, "PNG", **({"transparency": 0} if transparent else {}))


def bomb_text() -> bytes:
    """A PNG comment of 100 MB, packed to 100 KB."""
    packed = zlib.compress(bytes(100_000_000), 9)
    whole = png()
    return whole[:33] + chunk(b"zTXt", b"Comment\0\0" + packed) + whole[33:]


def good() -> Iterator[Sample]:
    """Files that are stored, each re-encoded."""
    yield Sample("a JPEG", jpeg, size=(900, 600))
    yield Sample("a PNG", png, filename="bild.png", content_type="image/png")
    yield Sample("a WebP", webp, filename="bild.webp", content_type="image/webp")
    yield Sample("a PNG called JPEG", png)
    yield Sample("a JPEG called PNG", jpeg, filename="bild.png", content_type="image/png")
    yield Sample("a WebP called HTML", webp, filename="x.html", content_type="text/html")
    yield Sample("a JPEG sent as a GIF", jpeg, filename="x.gif", content_type="image/gif")
    yield Sample("a JPEG without a type", jpeg, filename="bild", content_type="")
    for orientation in range(1, 9):
        yield Sample(
            f"held as {orientation}, with place", partial(sideways, orientation), size=(900, 600)
        )
    yield Sample(
        "EXIF that is broken", lambda: saved(drawn(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    )
    yield Sample("EXIF in a PNG", lambda: saved(drawn(), "PNG", exif=exif()))
    yield Sample("EXIF in a WebP", lambda: saved(drawn(), "WEBP", exif=exif()))
    yield Sample("XMP in a JPEG", lambda: saved(drawn(), "JPEG", xmp=xmp()))
    yield Sample("XMP in a WebP", lambda: saved(drawn(), "WEBP", xmp=xmp()))
    yield Sample("a profile of colours", lambda: saved(drawn(), "JPEG", icc_profile=profile()))
    yield Sample(
        "a broken profile", lambda: saved(drawn(), "JPEG", icc_profile=SECRET.encode() * 20)
    )
    yield Sample("a comment in a JPEG", lambda: saved(drawn(), "JPEG", comment=SECRET))
    yield Sample("comments in a PNG", lambda: saved(drawn(), "PNG", pnginfo=png_text()))
    yield Sample("CMYK", lambda: saved(drawn(mode="CMYK"), "JPEG"))
    yield Sample("grey", lambda: saved(drawn(mode="L"), "JPEG"))
    yield Sample("sixteen bits of grey", grey16)
    yield Sample("black and white", lambda: saved(drawn(mode="1"), "PNG"))
    yield Sample("a palette", lambda: palette(transparent=False))
    yield Sample("a palette with a hole", lambda: palette(transparent=True))
    yield Sample("transparent", lambda: saved(drawn(mode="RGBA"), "PNG"))
    yield Sample("grey and transparent", lambda: saved(drawn(mode="LA"), "PNG"))
    yield Sample("progressive", lambda: saved(drawn(), "JPEG", progressive=True))
    yield Sample("two pictures from a phone", phone_pair)
    yield Sample("400 wide", lambda: saved(drawn(400, 300), "PNG"), size=(400, 300))
    yield Sample(
        "399 wide until it is turned",
        lambda: saved(drawn(400, 399).transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif(6)),
        size=(400, 399),
    )
    yield Sample(
        "two and a half times as tall", lambda: saved(drawn(400, 1000), "PNG"), size=(400, 1000)
    )
    yield Sample("15 MB", lambda: padded(jpeg(), 15_000_000))
    yield Sample("30 million points", lambda: bare_png(6000, 5000), size=(1600, 1333))
    yield Sample("JPEG and ZIP", lambda: jpeg() + zipped())
    yield Sample("PNG and HTML", lambda: png() + SCRIPT)
    yield Sample(
        "PNG with HTML in a comment",
        lambda: png()[:33] + chunk(b"tEXt", b"Comment\0" + SCRIPT) + png()[33:],
    )
    yield Sample("JPEG and PHP", lambda: jpeg() + b"<?php system($_GET['x']); ?>")
    for name in (
        "åäö på ön.jpg",
        "../../../../etc/passwd.jpg",
        "bild.php.jpg",
        "bild.jpg.php",
        "nul\0.jpg",
        "CON.jpg",
        "a" * 300 + ".jpg",
        "<script>.jpg",
        "..jpg",
        ".htaccess",
    ):
        yield Sample(f"called {name[:30]!r}", jpeg, filename=name)


def bad() -> Iterator[Sample]:
    """Files that are refused."""
    yield Sample("nothing", lambda: b"", EMPTY)
    yield Sample("one byte", lambda: b"\xff", UNREADABLE)
    yield Sample("the header of a JPEG", lambda: b"\xff\xd8\xff\xe0", UNREADABLE)
    yield Sample("noise", lambda: os.urandom(50_000), UNREADABLE)
    yield Sample("a GIF", lambda: saved(drawn(), "GIF"), UNREADABLE, "x.gif", "image/gif")
    yield Sample("a GIF called JPEG", lambda: saved(drawn(), "GIF"), UNREADABLE)
    yield Sample(
        "a GIF that is JavaScript",
        lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)//",
        UNREADABLE,
        "x.js",
    )
    yield Sample("HTML as a GIF", lambda: b"<html>" + SCRIPT, UNREADABLE, "x.gif", "image/gif")
    yield Sample("HTML as a JPEG", lambda: b"<html>" + SCRIPT, UNREADABLE)
    yield Sample(
        "an SVG with a script",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        UNREADABLE,
        "x.svg",
        "image/svg+xml",
    )
    yield Sample(
        "an SVG called PNG",
        lambda: (
            b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>"
        ),
        UNREADABLE,
        "x.png",
    )
    yield Sample(
        "an EPS",
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 900 600\n%pipe%id",
        UNREADABLE,
        "x.eps",
    )
    yield Sample("a PDF", lambda: saved(drawn(), "PDF"), UNREADABLE, "x.pdf", "application/pdf")
    yield Sample("a ZIP", zipped, UNREADABLE, "x.zip", "application/zip")
    yield Sample("a ZIP before a JPEG", lambda: zipped() + jpeg(), UNREADABLE)
    yield Sample("a TIFF", lambda: saved(drawn(), "TIFF"), UNREADABLE, "x.tif", "image/tiff")
    yield Sample("a BMP", lambda: saved(drawn(), "BMP"), UNREADABLE, "x.bmp", "image/bmp")
    yield Sample("an ICO", lambda: saved(drawn(), "ICO"), UNREADABLE, "x.ico")
    yield Sample("a HEIC from a phone", heic, UNREADABLE, "x.heic", "image/heic")
    yield Sample("a Photoshop file", lambda: b"8BPS\0\1" + bytes(400), UNREADABLE, "x.psd")
    yield Sample("a font", lambda: b"wOF2" + bytes(400), UNREADABLE)
    yield Sample("a program", lambda: b"\x7fELF" + bytes(400), UNREADABLE)
    yield Sample("text", lambda: "Hej på dig!".encode(), UNREADABLE, "x.txt", "text/plain")
    for part in (0.05, 0.3, 0.7, 0.95):
        yield Sample(f"a JPEG cut at {part}", partial(broken_at, jpeg(), part), UNREADABLE)
        yield Sample(f"a PNG cut at {part}", partial(broken_at, png(), part), UNREADABLE)
        yield Sample(f"a WebP cut at {part}", partial(broken_at, webp(), part), UNREADABLE)
    yield Sample("a PNG with a wrong checksum", lambda: flipped(png(), b"IHDR", 18), UNREADABLE)
    yield Sample("a PNG with broken pixels", lambda: flipped(png(), b"IDAT", 4), UNREADABLE)
    yield Sample("a PNG without pixels", lambda: png()[:33] + chunk(b"IEND", b""), UNREADABLE)
    yield Sample("a PNG with an unpacked bomb of text", bomb_text, UNREADABLE)
    yield Sample(
        "a PNG of no height",
        lambda: (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 900, 0, 8, 2, 0, 0, 0))
            + chunk(b"IEND", b"")
        ),
        UNREADABLE,
    )
    yield Sample(
        "a PNG as large as can be said",
        lambda: (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", b"")
        ),
        UNREADABLE,
    )
    yield Sample("a bomb of 13 000 × 13 000", lambda: bare_png(13_000, 13_000), TOO_MANY)
    yield Sample("a smaller bomb", lambda: bare_png(8000, 8000), TOO_MANY)
    yield Sample("30 million points and a row", lambda: bare_png(6000, 5001), TOO_MANY)
    yield Sample(
        "a WebP of many points",
        lambda: saved(Image.new("RGB", (4000, 2001)), "WEBP"),
        TOO_MANY_WEBP,
    )
    yield Sample(
        "a progressive JPEG of many points",
        lambda: saved(drawn(5100, 4000), "JPEG", progressive=True, subsampling=0),
        PROGRESSIVE,
    )
    yield Sample("a moving WebP", lambda: moving("WEBP"), MOVING)
    yield Sample("a moving PNG", lambda: moving("PNG"), MOVING)
    yield Sample("a single point", lambda: saved(drawn(1, 1), "PNG"), TOO_NARROW)
    yield Sample("399 wide", lambda: saved(drawn(399, 600), "PNG"), TOO_NARROW)
    yield Sample(
        "400 wide until it is turned",
        lambda: saved(drawn(400, 399), "JPEG", exif=exif(6)),
        TOO_NARROW,
    )
    yield Sample("a sliver", lambda: saved(drawn(400, 1001), "PNG"), TOO_TALL)
    yield Sample("15 MB and a byte", lambda: padded(jpeg(), 15_000_001), TOO_HEAVY)
    yield Sample("40 MB of nothing", lambda: bytes(40_000_000), TOO_HEAVY)


def samples() -> list[Sample]:
    return [*good(), *bad()]


def noisy(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Pixels that are hard to pack, made cheaply."""
    tile = Image.frombytes("RGB", (256, 256), os.urandom(256 * 256 * 3))
    picture = Image.new("RGB", (width, height))
    for x in range(0, width, 256):
        for y in range(0, height, 256):
            picture.paste(tile, (x, y))
    return picture.convert(mode)


# The hardest, each at a limit or beyond: what memory is measured with.
LARGEST: dict[str, Callable[[], bytes]] = {
    "JPEG of 30 Mpx": lambda: saved(drawn(6000, 5000), "JPEG", quality=90),
    "progressive JPEG of 30 Mpx": lambda: saved(drawn(6000, 5000), "JPEG", progressive=True),
    "progressive JPEG of 20 Mpx, all colours": lambda: saved(
        drawn(5000, 4000), "JPEG", progressive=True, subsampling=0
    ),
    "progressive CMYK JPEG of 15 Mpx": lambda: saved(
        drawn(5000, 3000, "CMYK"), "JPEG", progressive=True
    ),
    "CMYK JPEG of 30 Mpx": lambda: saved(drawn(6000, 5000, "CMYK"), "JPEG"),
    "tall JPEG of 30 Mpx on its side": lambda: saved(
        drawn(8600, 3450), "JPEG", exif=exif(6), progressive=True
    ),
    "transparent PNG of 30 Mpx": lambda: bare_png(6000, 5000, bits=8, colour=6),
    "tall transparent PNG of 30 Mpx": lambda: bare_png(3460, 8650, bits=8, colour=6),
    "sixteen-bit PNG of 30 Mpx": lambda: bare_png(6000, 5000, bits=16, colour=6),
    "grey sixteen-bit PNG of 30 Mpx": lambda: bare_png(6000, 5000, bits=16, colour=0),
    "palette PNG of 30 Mpx": lambda: saved(drawn(6000, 5000).quantize(16), "PNG", transparency=0),
    "transparent PNG of 12 Mpx": lambda: bare_png(2230, 5570, bits=8, colour=6),
    "WebP of 8 Mpx": lambda: saved(Image.new("RGBA", (4000, 2000)), "WEBP"),
    "bomb of 169 Mpx": lambda: bare_png(13_000, 13_000),
    "JPEG of 15 MB": lambda: padded(jpeg(), 15_000_000),
}
