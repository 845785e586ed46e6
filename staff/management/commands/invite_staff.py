from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import EmailValidator
from django.db import transaction

from staff import people
from staff.models import User
from staff.roles import Role


class Command(BaseCommand):
    help = (
        "Invite a member of staff from the server itself: the first people, or when nobody is"
        " left who can confirm a role. Prints the invitation's link; nothing is mailed. Run again"
        " for somebody who has not answered, it gives a new link."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--name", required=True, help="first and last name, as colleagues will see it"
        )
        parser.add_argument(
            "--role",
            action="append",
            required=True,
            choices=Role.values,
            help="may be given several times",
        )
        parser.add_argument(
            "--site",
            default="http://localhost:8000",
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
                user = User.objects.filter(email=email.lower()).first()
                if user is None:
                    user = people.invite(email, first_name, last_name, roles, by=None)
                link = people.invitation_link(user, site)
        except (ValidationError, people.PeopleError) as error:
            raise CommandError(" ".join(getattr(error, "messages", [str(error)]))) from error
        self.stdout.write(f"{user}, {user.email}: {', '.join(map(str, user.groups.all()))}.")
        self.stdout.write(f"The link works for {people.INVITATION_DAYS} days:\n{link}")
