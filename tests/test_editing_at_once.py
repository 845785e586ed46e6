"""Two people at once in the admin: the second is told, nothing written is lost, nothing erased comes back."""

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from PIL import Image as Pillow

from projects import consents, snapshots
from projects.models import Image, Page, Project
from staff import audit
from staff.roles import Role
from tests import cast
from tests.test_concurrency import together
from tests.test_consent import WORDS, Told, everything_stored, form_of
from tests.test_permissions import picture

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def rut() -> Client:
    return cast.sign_in(Client(), cast.member("Rut", Role.EDITOR))


@pytest.fixture
def lo() -> Client:
    return cast.sign_in(Client(), cast.member("Lo", Role.EDITOR))


@pytest.fixture
def page() -> Project:
    made = cast.project()
    snapshots.freeze(made, cast.ester())
    return made


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, Any]]:
    """What `first` and `second` give. The first is held up for half a second when it has done what stands
    under `name` of `owner`, before its transaction ends; there the second begins."""

    def run(first: Any, owner: Any, name: str, second: Any) -> tuple[Any, Any]:
        done, is_there = getattr(owner, name), threading.Event()

        def slowly(*args: Any, **kwargs: Any) -> Any:
            given = done(*args, **kwargs)
            if not is_there.is_set():
                is_there.set()
                time.sleep(0.5)
            return given

        def second_in_its_turn() -> Any:
            assert is_there.wait(timeout=20)
            return second()

        def alone(work: Callable[[], Any]) -> Any:
            try:
                return work()
            finally:
                connections["default"].close()

        monkeypatch.setattr(owner, name, slowly)
        with ThreadPoolExecutor(2) as threads:
            one, other = threads.map(alone, [first, second_in_its_turn])
        return one, other

    return run


def form_url(page: Page) -> str:
    return f"/admin/projects/project/{page.pk}/change/"


def shown(answer: Any) -> str:
    return answer.content.decode()


def test_of_two_who_save_a_page_at_once_the_second_is_told_and_has_what_they_wrote(
    rut: Client, lo: Client, page: Project
) -> None:
    clients = [rut, lo]
    forms = [form_of(client, form_url(page)) for client in clients]

    def save(n: int) -> Any:
        return clients[n].post(form_url(page), forms[n] | {"summary": f"Ingress nummer {n}"})

    answers = together(save, writers=2)
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    second = next(n for n, answer in enumerate(answers) if answer.status_code == 200)
    assert "sparade sidan kl." in shown(answers[second])
    assert f"Ingress nummer {second}" in shown(answers[second])
    page.refresh_from_db()
    assert page.summary == f"Ingress nummer {1 - second}"
    assert page.versions.count() == 2


def test_of_two_who_make_a_page_with_the_same_address_the_second_is_told(
    rut: Client, lo: Client, page: Project
) -> None:
    copies = f"/admin/projects/project/{page.pk}/kopiera/"

    def copy(n: int) -> Any:
        return [rut, lo][n].post(copies, {"title": "Brunnar i norr", "slug": "norr"})

    assert sorted(answer.status_code for answer in together(copy, writers=2)) == [200, 302]
    assert Project.objects.filter(slug="norr").count() == 1


def test_a_story_that_is_being_saved_is_erased_with_what_was_just_written(
    rut: Client, meanwhile: Any
) -> None:
    told, by = Told(), cast.ester()
    form = form_of(rut, form_url(told.page))
    form |= {"stories-0-text": f"{WORDS} Det nyskrivna."}
    saved, _erased = meanwhile(
        lambda: rut.post(form_url(told.page), form),
        snapshots,
        "freeze",
        lambda: consents.erase(told.consent, by=by),
    )
    assert saved.status_code == 302
    assert [w for w in [*told.words, "Det nyskrivna"] if w in everything_stored()] == []


def test_a_page_that_is_saved_during_an_erasure_does_not_bring_the_story_back(
    rut: Client, meanwhile: Any
) -> None:
    told, by = Told(), cast.ester()
    form = form_of(rut, form_url(told.page)) | {"summary": "Det här skrev jag"}
    _erased, saved = meanwhile(
        lambda: consents.erase(told.consent, by=by),
        audit,
        "record",
        lambda: rut.post(form_url(told.page), form),
    )
    assert saved.status_code == 200
    assert "Det här skrev jag" in shown(saved)
    assert [word for word in told.words if word in everything_stored()] == []


USES = pytest.mark.parametrize("field", ["image", "body"])


def begin_to_use(client: Client, page: Project, field: str, image: Image) -> Callable[[], Any]:
    used = {"image": str(image.pk), "body": f"![En brunn]({image.src})"}[field]
    form = form_of(client, form_url(page)) | {field: used, "summary": "Det här skrev jag"}
    return lambda: client.post(form_url(page), form)


def deletion(client: Client, image: Image) -> Callable[[], Any]:
    url = f"/admin/projects/image/{image.pk}/delete/"
    return lambda: client.post(url, {"post": "yes"})


@USES
def test_a_picture_that_a_page_is_beginning_to_use_is_not_deleted(
    rut: Client, lo: Client, page: Project, meanwhile: Any, field: str
) -> None:
    image = picture()
    saved, deleted = meanwhile(
        begin_to_use(rut, page, field, image), snapshots, "freeze", deletion(lo, image)
    )
    assert (saved.status_code, deleted.status_code) == (302, 409)
    assert "Bilden används" in shown(deleted)
    assert Image.objects.filter(pk=image.pk).exists()


@USES
def test_a_page_does_not_begin_to_use_a_picture_that_is_being_deleted(
    rut: Client, lo: Client, page: Project, meanwhile: Any, field: str
) -> None:
    image = picture()
    deleted, saved = meanwhile(
        deletion(lo, image), Image, "delete", begin_to_use(rut, page, field, image)
    )
    assert (deleted.status_code, saved.status_code) == (302, 200)
    assert "Det här skrev jag" in shown(saved)
    assert not Image.objects.filter(pk=image.pk).exists()
    page.refresh_from_db()
    assert (page.image, page.body) == (None, "")


def test_a_picture_is_not_put_under_a_consent_that_is_being_erased(
    rut: Client, meanwhile: Any
) -> None:
    told, by = Told(), cast.ester()
    upload = {"alt": "En till", "consent": told.consent.pk, "upload": png()}
    _erased, sent = meanwhile(
        lambda: consents.erase(told.consent, by=by),
        audit,
        "record",
        lambda: rut.post("/redaktion/text/bild/", upload),
    )
    assert sent.status_code == 400
    assert "Samtycket finns inte längre" in sent.json()["errors"]["consent"][0]
    assert not Image.objects.filter(alt="En till").exists()


def png() -> SimpleUploadedFile:
    data = io.BytesIO()
    Pillow.new("RGB", (480, 320), "teal").save(data, "PNG")
    return SimpleUploadedFile("brunn.png", data.getvalue(), "image/png")
