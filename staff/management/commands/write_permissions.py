from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from staff import permissions


class Command(BaseCommand):
    help = "Write docs/permissions.md: who may do what, from the URL resolver and the code."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("Run it on a development machine, which has every address.")
        path = settings.BASE_DIR / "docs" / "permissions.md"
        path.write_text(permissions.document(), encoding="utf-8")
        self.stdout.write(f"{path} is written.")
