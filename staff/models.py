from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A member of staff. Visitors and donors have no accounts.

    Our own model from the first migration, since it cannot be exchanged later.
    """

    class Meta:
        verbose_name = "medarbetare"
        verbose_name_plural = "medarbetare"

    def __str__(self) -> str:
        return self.get_full_name() or self.username
