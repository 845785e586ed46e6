from typing import Any

from django.core.management.base import BaseCommand

from donations.models import UploadedSheet


class Command(BaseCommand):
    help = "Remove sheets that were uploaded and never carried out in time. Run it every day."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Removed {UploadedSheet.objects.forget()} sheets.")
