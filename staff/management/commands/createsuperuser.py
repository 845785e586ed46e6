from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Nobody stands above the roles: see invite_staff."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "Nobody stands above the roles. The first people are invited by manage.py invite_staff"
            " EMAIL --name NAME --role Administratör"
        )
