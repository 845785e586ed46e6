from typing import Any, ClassVar

from django.db import models

from projects.words import searchable


class Searched(models.Model):
    """A row that is found by its words in the admin, whatever their capitals.

    SQLite itself knows only those of a to z: asked for "åsa" it does not find "Åsa".
    """

    SEARCHED: ClassVar[tuple[str, ...]]  # the fields

    search_text = models.TextField(editable=False, default="")

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.search_text = searchable(" ".join(getattr(self, name) for name in self.SEARCHED))
        super().save(*args, **kwargs)
