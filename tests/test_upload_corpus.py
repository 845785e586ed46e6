"""Whatever is uploaded as a picture is stored as new pixels, or refused in Swedish with what was typed kept."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow

from projects.models import Image
from tests import cast, upload_corpus
from tests.upload_corpus import LARGEST, SECRET, Sample

pytestmark = pytest.mark.once

ADD = "/admin/projects/image/add/"
SAMPLES = upload_corpus.samples()
MEMORY = 300_000_000


@pytest.fixture
def editor(client: Client, db: Any) -> Client:
    return cast.sign_in(client, cast.ester())


def send(editor: Client, sample: Sample) -> Any:
    upload = SimpleUploadedFile("bild.jpg", sample.make(), sample.content_type)
    # Past the cleaning that Django's own class does: what a hostile client writes.
    upload.__dict__["_name"] = sample.filename
    consent = cast.consent()
    return editor.post(
        ADD, {"upload": upload, "alt": "Åsa vid brunnen", "credit": "Örjan", "consent": consent.pk}
    )


def stored(image: Image) -> Iterator[tuple[str, bytes]]:
    for name in image.names():
        with default_storage.open(name) as file:
            yield name, file.read()


def test_the_corpus_is_large_enough() -> None:
    assert len(SAMPLES) >= 60
    assert len({sample.what for sample in SAMPLES}) == len(SAMPLES)


@pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.refused], ids=lambda sample: sample.what
)
def test_it_is_refused_with_its_reason_and_what_was_typed_is_kept(
    editor: Client, sample: Sample
) -> None:
    answer = send(editor, sample)
    assert answer.status_code == 200
    page = answer.content.decode()
    [reason] = answer.context["adminform"].form.errors["upload"]
    assert sample.refused in reason
    assert 'value="Åsa vid brunnen"' in page
    assert 'value="Örjan"' in page
    assert not Image.objects.exists()
    assert list(answer.context["adminform"].form.errors) == ["upload"]


@pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if not s.refused], ids=lambda sample: sample.what
)
def test_it_is_stored_as_new_pixels_and_nothing_else(editor: Client, sample: Sample) -> None:
    answer = send(editor, sample)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    image = Image.objects.get()
    original = sample.make()
    for (name, data), width in zip(stored(image), image.widths, strict=True):
        assert re.fullmatch(r"bilder/[0-9a-f]{32}-\d+\.webp", name)
        assert SECRET.encode() not in data
        assert b"<script" not in data
        assert chunks(data) <= {"VP8 ", "VP8L", "VP8X", "ALPH"}
        assert original[-200:] not in data
        with Pillow.open(io.BytesIO(data)) as picture:
            assert picture.format == "WEBP"
            assert picture.width == width
            assert not picture.getexif()
            assert {"exif", "icc_profile", "xmp", "comment"}.isdisjoint(picture.info)
    assert (image.width, image.height) == (sample.size or (image.width, image.height))


def chunks(webp: bytes) -> set[str]:
    """The kinds of chunk in a WebP file."""
    found, at = set(), 12
    while at < len(webp):
        found.add(webp[at : at + 4].decode())
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    assert at == len(webp), "bytes after the end"
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
def test_however_the_camera_was_held_the_picture_is_upright(
    editor: Client, orientation: int
) -> None:
    send(editor, Sample("", lambda: upload_corpus.sideways(orientation)))
    [*_, (_, data)] = stored(Image.objects.get())
    with Pillow.open(io.BytesIO(data)) as picture:
        corners = [picture.getpixel((x, y)) for y in (50, 550) for x in (50, 850)]
    for corner, wanted in zip(
        corners, [(208, 0, 0), (0, 160, 0), (0, 0, 208), (208, 208, 0)], strict=True
    ):
        assert isinstance(corner, tuple)
        assert all(abs(a - b) < 40 for a, b in zip(corner, wanted, strict=True)), corners


def test_sixteen_bits_of_grey_keep_their_light(editor: Client) -> None:
    send(editor, Sample("", upload_corpus.grey16))
    [*_, (_, data)] = stored(Image.objects.get())
    with Pillow.open(io.BytesIO(data)) as picture:
        light = picture.convert("L").getpixel((300, 300))
    assert isinstance(light, int | float)
    assert abs(light - 40_000 / 256) < 6


def test_a_transparent_picture_stays_so(editor: Client) -> None:
    send(editor, Sample("", lambda: upload_corpus.bare_png(900, 600, bits=8, colour=6)))
    [*_, (_, data)] = stored(Image.objects.get())
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((300, 300)) == (0, 0, 0, 0)


def test_a_form_without_a_file_asks_for_one_and_keeps_what_was_typed(editor: Client) -> None:
    answer = editor.post(ADD, {"alt": "Åsa vid brunnen", "consent": cast.consent().pk})
    assert answer.context["adminform"].form.errors["upload"] == ["Välj en bildfil."]
    assert 'value="Åsa vid brunnen"' in answer.content.decode()


def test_a_file_that_comes_as_text_is_no_file(editor: Client) -> None:
    answer = editor.post(
        ADD, {"upload": "bild.jpg", "alt": "En brunn", "consent": cast.consent().pk}
    )
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["upload"] == ["Välj en bildfil."]


def test_when_something_else_is_wrong_the_editor_is_told_to_choose_the_file_again(
    editor: Client,
) -> None:
    upload = SimpleUploadedFile("bild.jpg", upload_corpus.jpeg(), "image/jpeg")
    answer = editor.post(ADD, {"upload": upload, "alt": "", "consent": cast.consent().pk})
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"alt", "upload"}
    assert "Välj filen en gång till" in errors["upload"][0]
    assert not Image.objects.exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("what", LARGEST)
def test_the_largest_pictures_are_worked_upon_in_less_than_300_megabytes(
    what: str, tmp_path: Any
) -> None:
    file = tmp_path / "picture"
    file.write_bytes(LARGEST[what]())
    peak = peak_of(str(file))
    print(f"{what}: {peak // 1_000_000} MB")
    assert peak < MEMORY


def peak_of(path: str) -> int:
    """The most memory that a process of its own has held, in bytes, when it has re-encoded the file."""
    program = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "import django; django.setup()\n"
        "import config.urls\n"
        "from projects.pictures import PictureError, reencode\n"
        "try: reencode(Path(sys.argv[1]).read_bytes())\n"
        "except PictureError: pass\n"
        # Of this program alone: `getrusage` remembers the size of whoever started it.
        "status = Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) * 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    return int(done.stdout)
