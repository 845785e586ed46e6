import logging
import re
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from projects.models.searched import Searched
from projects.pictures import Picture

logger = logging.getLogger(__name__)

FOLDER = "bilder"  # in the media storage
# A picture's file as a Markdown text names it.
IN_TEXT = re.compile(r"/media/bilder/(?P<key>[0-9a-f]{32})-")


def _new_key() -> str:
    return uuid4().hex


def keys_in(value: Any) -> set[str]:
    """The keys of the pictures that stand in the texts of a JSON value."""
    if isinstance(value, str):
        return set(IN_TEXT.findall(value))
    if isinstance(value, dict):
        value = value.values()
    return set().union(*map(keys_in, value)) if hasattr(value, "__iter__") else set()


class Image(Searched):
    """A picture that pages share. Its files are ours: WebP in several widths, never the original bytes."""

    is_personal = True  # its text may name who is seen: see staff.audit.name_of
    SEARCHED = ("alt", "credit")

    key = models.CharField(max_length=32, unique=True, editable=False, default=_new_key)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    widths = models.JSONField(editable=False, default=list)
    alt = models.CharField(
        "alternativtext",
        max_length=300,
        help_text="Vad bilden visar, i en mening, för den som inte ser den.",
    )
    credit = models.CharField("fotograf eller tecknare", max_length=160, blank=True)
    consent = models.ForeignKey(
        "projects.Consent",
        verbose_name="samtycke",
        on_delete=models.PROTECT,
        related_name="images",
        help_text="Bilden visas bara så länge samtycket gäller. "
        "Även en bild där ingen behöver tillfrågas ska ha en rad som säger varför.",
    )
    # Looked up live by every page: they tell what the file shows, not what a version says.
    focus_x = models.PositiveSmallIntegerField(
        "fokus från vänster",
        default=50,
        validators=[MaxValueValidator(100)],
        help_text="Procent av bredden: 0 är vänsterkanten, 100 är högerkanten.",
    )
    focus_y = models.PositiveSmallIntegerField(
        "fokus uppifrån",
        default=50,
        validators=[MaxValueValidator(100)],
        help_text="Procent av höjden: 0 är överkanten, 100 är underkanten.",
    )

    class Meta:
        verbose_name = "bild"
        verbose_name_plural = "bilder"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="image_focus_inside",
                condition=models.Q(focus_x__lte=100, focus_y__lte=100),
                violation_error_message="Fokus ska ligga i bilden: 0 till 100 procent.",
            )
        ]

    def __str__(self) -> str:
        return self.alt

    @property
    def focus(self) -> str:
        """The classes that keep the picture's focus in view where it is cropped, to the nearest tenth."""
        return f"focus-x-{_tenth(self.focus_x)} focus-y-{_tenth(self.focus_y)}"

    def store(self, picture: Picture) -> None:
        """Write the files of a new picture; the caller saves. A picture never gets others later,
        so that a version that shows it stays what it was."""
        self.key = _new_key()
        self.width, self.height = picture.width, picture.height
        self.widths = sorted(picture.files)
        for width, content in picture.files.items():
            default_storage.save(self.name(width), ContentFile(content))

    def name(self, width: int) -> str:
        """The name in the media storage of the file that is `width` pixels wide."""
        return f"{FOLDER}/{self.key}-{width}.webp"

    def names(self) -> list[str]:
        """The names of all its files."""
        return [self.name(width) for width in self.widths]

    def url(self, width: int) -> str:
        return default_storage.url(self.name(width))

    @property
    def thumbnail(self) -> str:
        """The address of the narrowest file."""
        return self.url(self.widths[0])

    @property
    def src(self) -> str:
        """The address of a middling width, for browsers that do not read `srcset`."""
        return self.url(next((w for w in self.widths if w >= 800), self.widths[-1]))

    @property
    def srcset(self) -> str:
        return ", ".join(f"{self.url(w)} {w}w" for w in self.widths)


def _tenth(percent: int) -> int:
    return (percent + 5) // 10 * 10


@receiver(post_delete, sender=Image)
def delete_files(sender: Any, instance: Image, **kwargs: Any) -> None:
    """Take the files away with their row, once it is gone for certain."""
    names = instance.names()
    transaction.on_commit(lambda: remove_files(names))


def remove_files(names: Iterable[str]) -> bool:
    """Take the files out of the media storage; tell whether all are gone. It may be done again."""
    are_gone = True
    for name in names:
        try:
            default_storage.delete(name)
        except Exception:
            # Whatever a storage raises, the others are to go.
            logger.exception("%s could not be deleted: run manage.py finish_erasures", name)
            are_gone = False
    return are_gone
