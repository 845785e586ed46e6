import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from donations.bankfiles.records import Refused
from donations.models import BankFile
from donations.money import format_kronor
from donations.operations import OperationError, bank_files
from donations.outcome import Fate, Outcome
from staff.models import User

# Who has booked what nobody signed in for.
SYSTEM = "bankfiler@kollekt.invalid"


class Command(BaseCommand):
    help = "Import files from banks: each is booked whole, or refused whole. Exit status 1 when one was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="read and tell; book nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object a line, per file")
        parser.add_argument("--user", metavar="EMAIL", help="who is to stand in the books")

    def handle(self, *args: Any, files: list[Path], dry_run: bool, **options: Any) -> None:
        by = _user(options["user"])
        is_refused = False
        for path in files:
            told = self._import(path, by, dry_run)
            is_refused |= told["refused"] is not None
            self.stdout.write(
                json.dumps(told, ensure_ascii=False) if options["json"] else _sentence(told)
            )
        if is_refused:
            raise SystemExit(1)

    def _import(self, path: Path, by: User, dry_run: bool) -> dict[str, Any]:
        try:
            with path.open("rb") as stream:
                bank_file = bank_files.receive(path.name, stream, by=by)
        except OSError as error:
            return _told(path, refused=("", f"Filen kan inte läsas: {error.strerror}."))
        except Refused as refused:
            return _told(path, refused=(refused.where, refused.why))
        try:
            return _told(path, bank_file, *_run(bank_file, by, dry_run))
        finally:
            if not bank_file.confirmed_at:
                bank_files.discard(bank_file)


def _run(
    bank_file: BankFile, by: User, dry_run: bool
) -> tuple[Outcome | None, tuple[str, str] | None]:
    """What the file comes to, or where and why it is refused."""
    if not bank_file.format:
        return None, ("", "Ingen kolumnmall passar filen. Gör en på sidan Bankfiler.")
    try:
        if not dry_run and not bank_files.already_booked(bank_file):
            return bank_files.confirm(bank_file, by=by), None
    except Refused as refused:
        return None, (refused.where, refused.why)
    except OperationError as error:
        if not bank_files.already_booked(bank_file):
            return None, ("", str(error))
    bank_files.read(bank_file)
    if bank_file.refusal:
        return None, (bank_file.refusal["where"], bank_file.refusal["why"])
    return Outcome.from_json(bank_file.outcome), None


def _told(
    path: Path,
    bank_file: BankFile | None = None,
    outcome: Outcome | None = None,
    refused: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """What is told of a file; all counts are 0 for one that is refused."""
    came = outcome or Outcome()
    gifts = came.of(*(Fate.MATCHED, Fate.UNPLACED, Fate.DUPLICATE, Fate.SUSPECTED, Fate.CONFLICT))
    return {
        "file": str(path),
        "format": bank_file.format if bank_file else "",
        "version": bank_file.version if bank_file else "",
        "payments": gifts.lines,
        "amount_ore": gifts.ore,
        "matched": came.of(Fate.MATCHED).lines,
        "unplaced": came.of(Fate.UNPLACED).lines,
        "duplicates": came.of(Fate.DUPLICATE).lines,
        "suspected_duplicates": came.of(Fate.SUSPECTED).lines,
        "conflicts": came.of(Fate.CONFLICT).lines,
        "outgoing": came.of(Fate.OUTGOING).lines,
        "set_aside": came.of(Fate.ASIDE, Fate.RETURNED, Fate.LUMP, Fate.RECONCILIATION).lines,
        "refused": refused and {"where": refused[0], "reason": refused[1]},
    }


def _sentence(told: dict[str, Any]) -> str:
    if told["refused"]:
        where = f"{told['refused']['where']}: " if told["refused"]["where"] else ""
        return f"{told['file']} togs inte emot. {where}{told['refused']['reason']}"
    return (
        f"{told['file']} ({told['format']} {told['version']}): {told['payments']} betalningar, "
        f"{format_kronor(told['amount_ore'])}; placerade {told['matched']}, oplacerade {told['unplaced']}, "
        f"redan inlästa {told['duplicates']}, misstänkta dubbletter {told['suspected_duplicates']}, "
        f"konflikter {told['conflicts']}, ut {told['outgoing']}, undan {told['set_aside']}."
    )


def _user(email: str | None) -> User:
    """The named member of staff; without a name, one that nobody can sign in as."""
    if email:
        found = User.objects.filter(email=email.lower()).first()
        if not found:
            raise CommandError(f"Det finns ingen medarbetare med e-postadressen {email}.")
        return found
    return User.objects.get_or_create(
        email=SYSTEM,
        defaults={"is_active": False, "first_name": "Inläsning", "last_name": "av bankfiler"},
    )[0]
