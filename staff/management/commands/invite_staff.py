from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import EmailValidator
from django.db import transaction

from staff import people
from staff.roles import Role


class Command(BaseCommand):
    help = (
        "Invite a member of staff from the server itself: the first people, or when nobody is"
        " left who can confirm a role. Prints the invitation's link; nothing is mailed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="first and last name")
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            choices=Role.values,
            help="may be given several times",
        )
        parser.add_argument(
            "--site",
            default="http://127.0.0.1:8000",
            help="where the site is reached, for example https://gava.example.org",
        )

    def handle(
        self, *args: Any, email: str, name: str, role: list[str], site: str, **options: Any
    ) -> None:
        first_name, _, last_name = name.strip().partition(" ")
        try:
            EmailValidator()(email)
            with transaction.atomic():
                roles = [Role(name) for name in role]
                user = people.invite(email, first_name, last_name, roles, by=None)
                link = people.invitation_link(user, site)
        except (ValidationError, people.PeopleError) as error:
            raise CommandError(" ".join(getattr(error, "messages", [str(error)]))) from error
        self.stdout.write(f"{user}: {', '.join(role)}.")
        self.stdout.write(f"The link works for {people.INVITATION_DAYS} days:\n{link}")
