import datetime

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Subquery
from django_countries.fields import CountryField

from projects.models.pages import FocusArea, Organisation, Page, Project


class VersionQuerySet(models.QuerySet["Version"]):
    def published(self, at: datetime.datetime) -> "VersionQuerySet":
        """The versions visitors see at the moment `at` (aware): the one rule of visibility.

        A page's newest publication whose time has come, and that was not called
        off while it waited, is in force; when two begin at the same moment, the
        one decided last.
        """
        in_force = (
            Publication.objects.filter(
                page_id=OuterRef("page_id"), from_at__lte=at, call_off__isnull=True
            )
            .order_by("-from_at", "-id")
            .values("version_id")[:1]
        )
        return self.filter(id=Subquery(in_force))


class Version(models.Model):
    """A page as it was when somebody saved it: what is filtered on as columns, the texts as JSON."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField("nummer")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name="av", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField("sparad", auto_now_add=True)
    format = models.PositiveSmallIntegerField()

    title = models.CharField(max_length=140)
    summary = models.TextField(blank=True)
    search_text = models.TextField(blank=True)
    focus_area = models.ForeignKey(
        FocusArea, on_delete=models.PROTECT, null=True, related_name="project_versions"
    )
    contact = models.ForeignKey(
        "projects.Contact", on_delete=models.PROTECT, null=True, related_name="+"
    )
    qualifies_for_tax_reduction = models.BooleanField(default=False)
    partners = models.ManyToManyField(Organisation, related_name="+")
    similar = models.ManyToManyField(Project, related_name="+")
    images = models.ManyToManyField(
        "projects.Image", through="VersionImage", related_name="versions"
    )
    content = models.JSONField()

    objects = VersionQuerySet.as_manager()

    class Meta:
        verbose_name = "version"
        verbose_name_plural = "versioner"
        ordering = ["page_id", "-number"]
        constraints = [models.UniqueConstraint(name="version_number", fields=["page", "number"])]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"


class VersionCountry(models.Model):
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="countries")
    country = CountryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="version_country", fields=["version", "country"])
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.country}"


class VersionImage(models.Model):
    version = models.ForeignKey(Version, on_delete=models.CASCADE)
    image = models.ForeignKey("projects.Image", on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(name="version_image", fields=["version", "image"])]

    def __str__(self) -> str:
        return f"{self.version}: {self.image}"


class Publication(models.Model):
    """A decision that from a moment on visitors see this version of a page, or nothing.

    Append-only, kept so by the database.
    """

    page = models.ForeignKey(Page, on_delete=models.PROTECT, related_name="publications")
    version = models.ForeignKey(
        Version,
        on_delete=models.PROTECT,
        null=True,
        related_name="publications",
        help_text="Ingen: avpublicerad.",
    )
    from_at = models.DateTimeField("från")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "publicering"
        verbose_name_plural = "publiceringar"
        ordering = ["-from_at", "-id"]
        indexes = [models.Index(name="publication_in_force", fields=["page", "-from_at", "-id"])]

    def __str__(self) -> str:
        return f"{self.version or 'avpublicerad'} från {self.from_at:%Y-%m-%d %H:%M}"


class CallOff(models.Model):
    """A decision that a publication that waits never comes into force. Append-only, like it."""

    publication = models.OneToOneField(
        Publication, on_delete=models.PROTECT, related_name="call_off"
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "avbruten publicering"
        verbose_name_plural = "avbrutna publiceringar"

    def __str__(self) -> str:
        return f"{self.publication}, avbruten"
