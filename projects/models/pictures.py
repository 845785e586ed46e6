from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from projects.pictures import Picture


def _new_key() -> str:
    return uuid4().hex


class Image(models.Model):
    """A picture that pages share. Its files are ours: WebP in several widths, never the original bytes."""

    is_personal = True  # its text may name who is seen: see staff.audit.name_of

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

    class Meta:
        verbose_name = "bild"
        verbose_name_plural = "bilder"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.alt

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
        return f"bilder/{self.key}-{width}.webp"

    def url(self, width: int) -> str:
        return default_storage.url(self.name(width))

    @property
    def src(self) -> str:
        """The address of a middling width, for browsers that do not read `srcset`."""
        return self.url(next((w for w in self.widths if w >= 800), self.widths[-1]))

    @property
    def srcset(self) -> str:
        return ", ".join(f"{self.url(w)} {w}w" for w in self.widths)


@receiver(post_delete, sender=Image)
def delete_files(sender: Any, instance: Image, **kwargs: Any) -> None:
    """Take the files away with their row, once it is gone for certain."""
    names = [instance.name(width) for width in instance.widths]

    def delete() -> None:
        for name in names:
            default_storage.delete(name)

    transaction.on_commit(delete)
