from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from donations.demo import loading
from staff import demo
from staff.models import User


class Command(BaseCommand):
    help = "Load the demo organisation with its pages, three years of gifts and its sign-ins."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--if-empty",
            action="store_true",
            help="do nothing (and say nothing) when the database is in use",
        )

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "The demo has sign-ins that everybody knows: it is never loaded in production."
            )
        if loading.is_empty():
            self.stdout.write("Läser in demoinnehållet …")
            loading.load(timezone.localdate())
        elif not if_empty:
            raise CommandError("The database is in use. The demo is only loaded into an empty one.")
        if User.objects.filter(email=loading.AUTHOR).exists():
            loading.make_sign_ins()
            self.stdout.write(f"\nInloggningar till demot (lösenord: {demo.PASSWORD}):")
            for email, (_first, _last, roles) in loading.SIGN_INS.items():
                self.stdout.write(f"  {email:24} {', '.join(roles)}")
            self.stdout.write("Sidan som frågar efter koden visar den för demots inloggningar.")
