from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, BaseUserManager, Group
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone


class UserManager(BaseUserManager["User"]):
    """Members of staff by the e-mail address that they sign in with."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A member of staff without any role; without a password nobody can sign in as them yet."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())


class User(AbstractUser):
    """A member of staff. Visitors and donors have no accounts.

    What somebody may do comes from their roles alone (see `staff.roles`): there are no superusers,
    and everybody who has an account is staff.
    """

    username = None  # type: ignore[assignment] # people sign in with their e-mail address
    is_staff = True
    is_superuser = False

    first_name = models.CharField("förnamn", max_length=150, blank=True)
    last_name = models.CharField("efternamn", max_length=150, blank=True)
    is_active = models.BooleanField("öppet konto", default=True)
    last_login = models.DateTimeField("senaste inloggning", blank=True, null=True)
    email = models.EmailField(
        "e-postadress",
        max_length=150,
        unique=True,
        error_messages={"unique": "Det finns redan en medarbetare med den e-postadressen."},
    )
    invited_at = models.DateTimeField("inbjuden", null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "medarbetare"
        verbose_name_plural = "medarbetare"
        ordering = ["first_name", "last_name", "id"]
        constraints = [
            # So that unique means unique, however somebody writes it.
            models.CheckConstraint(
                name="user_email_in_lower_case", condition=Q(email=Lower("email"))
            ),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)


class RoleChange(models.Model):
    """A role that somebody is given or loses: who asked, and whether another has to confirm it.

    Append-only. `asked_by` is none when it came from the server's command line.
    """

    user = models.ForeignKey(
        User, verbose_name="medarbetare", on_delete=models.PROTECT, related_name="role_changes"
    )
    role = models.ForeignKey(Group, verbose_name="roll", on_delete=models.PROTECT, related_name="+")
    gives = models.BooleanField("ger rollen")
    needs_confirmation = models.BooleanField("ska bekräftas av en annan")
    asked_by = models.ForeignKey(
        User,
        verbose_name="begärd av",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    asked_at = models.DateTimeField("begärd", default=timezone.now)

    class Meta:
        verbose_name = "rolländring"
        verbose_name_plural = "rolländringar"
        ordering = ["-id"]
        permissions = [("decide_rolechange", "Kan bekräfta eller avslå en roll")]
        constraints = [
            models.CheckConstraint(
                name="role_change_not_own",
                condition=Q(asked_by__isnull=True) | ~Q(asked_by=F("user")),
            ),
            models.CheckConstraint(
                name="role_change_taking_needs_nobody",
                condition=Q(gives=True) | Q(needs_confirmation=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} till {self.user}" if self.gives else f"{self.role} från {self.user}"


class RoleDecision(models.Model):
    """Another person's yes or no to a role. Append-only."""

    change = models.OneToOneField(
        RoleChange, verbose_name="rolländring", on_delete=models.PROTECT, related_name="decision"
    )
    confirmed = models.BooleanField("bekräftad")
    by = models.ForeignKey(User, verbose_name="av", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField("när", default=timezone.now)

    class Meta:
        verbose_name = "beslut om roll"
        verbose_name_plural = "beslut om roller"

    def __str__(self) -> str:
        return f"{self.change}: {'ja' if self.confirmed else 'nej'}"


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: User) -> "EventQuerySet":
        """What happened in the parts of Kollekt that `user` may look into."""
        return self.filter(area__in=Event.areas_seen_by(user))


class Event(models.Model):
    """Something that somebody did: the audit list. Append-only; written by `staff.audit.record` alone.

    It holds no donor's name and nobody's address (see `Origin`). `by` is none for the server's
    command line.
    """

    class Area(models.TextChoices):
        CONTENT = "content", "innehåll"
        MONEY = "money", "pengar"
        PEOPLE = "people", "medarbetare"
        SETTINGS = "settings", "inställningar"

    SEEN_WITH: ClassVar[dict[str, str]] = {
        Area.CONTENT: "projects.view_project",
        Area.MONEY: "donations.view_transfer",
        Area.PEOPLE: "staff.view_user",
        Area.SETTINGS: "projects.view_sitesettings",
    }

    at = models.DateTimeField("när", default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="vem",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    area = models.CharField("område", max_length=10, choices=Area)
    text = models.CharField("vad", max_length=500)
    # What it was done to: "projects.project" and its primary key, or nothing.
    model = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    search_text = models.TextField(editable=False)

    objects = EventQuerySet.as_manager()

    class Meta:
        verbose_name = "händelse"
        verbose_name_plural = "händelser"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["at"]),
            models.Index(fields=["model", "object_id"]),
        ]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def areas_seen_by(cls, user: User) -> list[str]:
        """The parts of the list that somebody may look into, by what else they may see."""
        return [area for area, permission in cls.SEEN_WITH.items() if user.has_perm(permission)]


class Origin(models.Model):
    """From where something was done. Removed in time (`manage.py forget_origins`); the event stays."""

    event = models.OneToOneField(Event, on_delete=models.PROTECT, related_name="origin")
    address = models.GenericIPAddressField("adress", null=True)
    client = models.CharField("webbläsare", max_length=300, blank=True)

    class Meta:
        verbose_name = "ursprung"
        verbose_name_plural = "ursprung"

    def __str__(self) -> str:
        return f"{self.address}"
