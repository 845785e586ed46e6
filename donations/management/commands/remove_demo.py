from typing import Any

from django.core.management.base import BaseCommand, CommandError

from donations.demo.removing import CannotRemove, remove
from staff.models import User


class Command(BaseCommand):
    help = "Remove the demo: its pages, pictures, books and sign-ins. Only while every transfer is its own."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            remove()
        except CannotRemove as reason:
            raise CommandError(str(reason)) from reason
        self.stdout.write("Demot är borttaget.")
        if not User.objects.exists():
            self.stdout.write(
                "Bjud in den första administratören: .venv/bin/python manage.py invite_staff"
                " E-POSTADRESS --name NAMN --role Administratör"
            )
