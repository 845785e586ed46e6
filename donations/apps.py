from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.db.models.signals import post_save

if TYPE_CHECKING:
    from projects.models import Project


class DonationsConfig(AppConfig):
    name = "donations"
    verbose_name = "Ekonomi"

    def ready(self) -> None:
        from donations import attention, totals
        from triggers.registry import triggers_restored

        attention.register()
        triggers_restored.connect(totals.rebuild_after_restore)
        post_save.connect(_take_years_along, sender="projects.Project")


def _take_years_along(instance: "Project", **kwargs: Any) -> None:
    from donations import operations

    operations.follow_area(instance)
