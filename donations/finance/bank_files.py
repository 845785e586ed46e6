"""Files from the bank: handed in, several at a time, and the list of all there have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations.bankfiles.records import Refused
from donations.demo import bank_files as demo_files
from donations.finance import bank_file_telling as telling
from donations.finance import bank_file_work as work
from donations.models import AccountNumber, BankFile, ColumnMapping, HeldLine
from donations.operations import OperationError, bank_files
from donations.outcome import Outcome
from staff import access, demo
from staff.models import User
from staff.requests import member

ON_A_PAGE = 30
# Files that are booked in one go.
AT_ONCE = 50


# Handed in


class FilesInput(forms.FileInput):
    """Takes several files, also dropped on it."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One or more files; its value is a list of them."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list) else [data]
        if not any(files):
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return files


class FilesForm(forms.Form):
    """Files to hand in."""

    chosen = FilesField(
        label="filer från banken",
        help_text=(
            "En eller flera, också dragna hit. Högst 500 MB var: camt.054, camt.053, BgMax,"
            " Swishrapport eller ett ark."
        ),
        widget=FilesInput,
        error_messages={"required": "Välj minst en fil."},
    )


@dataclass(frozen=True)
class Arrival:
    """What became of a file that was handed in: kept, or told in Swedish why not.

    `where` says where in the file, `content` what stands there; `booked` is the same file, booked before.
    """

    name: str
    bank_file: BankFile | None = None
    why: str = ""
    where: str = ""
    content: str = ""
    booked: BankFile | None = None

    @property
    def is_told(self) -> bool:
        """Whether there is something to say of it."""
        return bool(self.why or self.booked)


@access.staff("donations.add_bankfile")
def upload(request: HttpRequest) -> HttpResponse:
    """Take files in, each on its own, and read them; nothing is booked."""
    if request.method != "POST":
        return redirect("finance_bank_files")
    form = FilesForm(request.POST, request.FILES)
    # Known when all that was sent has been received.
    too_large = [
        Arrival(name, why=_("Filen är större än 500 MB. Hämta den i delar, en månad i taget."))
        for name in getattr(request, "too_large", ())
    ]
    if not form.is_valid() and not too_large:
        return _list(request, form=form)
    files = form.cleaned_data.get("chosen", [])
    arrivals = [take(one.name, one, by=member(request)) for one in files] + too_large
    if len(arrivals) == 1 and (only := arrivals[0].bank_file):
        return redirect(address(only))
    told_of = [one for one in arrivals if one.is_told]
    if told_of:
        return _list(request, arrivals=told_of, kept=len(arrivals) - len(told_of))
    told = _("%s filer är inlämnade. Granska dem här och bokför dem sedan.") % len(arrivals)
    messages.success(request, told)
    return redirect("finance_bank_files")


def take(name: str, stream: Any, *, by: User, mapping: ColumnMapping | None = None) -> Arrival:
    """Keep a file and read it, unless it cannot be read or is here already."""
    try:
        bank_file = bank_files.receive(name, stream, by=by, mapping=mapping)
    except Refused as refused:
        return Arrival(name, why=refused.why, where=refused.where, content=refused.content)
    if booked := bank_files.already_booked(bank_file):
        bank_files.discard(bank_file)
        return Arrival(name, booked=booked)
    if waiting := _waiting(bank_file):
        bank_files.discard(bank_file)
        return Arrival(name, waiting)
    if bank_file.format:
        read(bank_file)
    if bank_file.refusal:
        told = bank_file.refusal
        return Arrival(name, bank_file, told["why"], told["where"], told["content"])
    return Arrival(name, bank_file)


def _waiting(bank_file: BankFile) -> BankFile | None:
    """The same bytes, handed in before and neither refused nor booked.

    Not after: of two that come at once, one stays. One whose columns are to be chosen is the same as another
    such alone: a mapping that has come since reads the new one.
    """
    same = BankFile.objects.filter(digest=bank_file.digest, confirmed_at=None, refusal__isnull=True)
    known = ~Q(format="") if bank_file.format else Q(format="")
    return same.filter(known, pk__lt=bank_file.pk).first()


def read(bank_file: BankFile) -> None:
    """Read a file through: now, or beside the request when it is large."""
    if work.is_large(bank_file):
        work.begin(
            bank_file, work.READ, lambda progress: bank_files.read(bank_file, progress=progress)
        )
    else:
        bank_files.read(bank_file)


def book(bank_file: BankFile, by: User) -> str:
    """Book a file as it was shown, and tell in Swedish what came of it. Raises `OperationError`, `Refused`.

    A large one is booked beside the request.
    """
    shown = Outcome.from_json(bank_file.outcome)

    def run(progress: Any = None) -> Outcome:
        try:
            return bank_files.confirm(bank_file, by=by, seen=shown, progress=progress)
        except bank_files.Changed as error:
            bank_file.refresh_from_db()
            now = telling.outcome_of(bank_file)
            told = telling.changes(shown, now) if now else ""
            raise OperationError(f"{error} {told}".strip()) from error

    if work.is_large(bank_file):
        if not work.begin(bank_file, work.BOOK, run):
            raise OperationError(_("Någon arbetar redan med filen. Vänta tills det är klart."))
        return _("”%s” bokförs nu.") % bank_file
    new = run().of(*telling.NEW)
    if not new.lines:
        return _("”%s” är sparad. Den hade inga nya gåvor att bokföra.") % bank_file
    return _("”%(file)s” är bokförd: %(new)s.") % {
        "file": bank_file,
        "new": telling.amount_of(new),
    }


def address(bank_file: BankFile) -> str:
    """Where there is something to do with the file: its page, or where its columns are chosen."""
    name = "finance_bank_file" if bank_file.format else "finance_bank_file_columns"
    return reverse(name, args=[bank_file.pk])


# To try with


@access.staff("donations.add_bankfile", methods=access.READ)
def demo_bank_file(request: HttpRequest, name: str) -> HttpResponse:
    """One of the demo's files for the last bank day, to be handed in. Raises `Http404` where there is no demo."""
    if name not in demo_files.NAMES or not demo.sign_ins():
        raise Http404
    day = demo_files.last_bank_day(timezone.localdate())
    file_name = f"{name}-{day:%Y-%m-%d}.xml"
    return HttpResponse(
        demo_files.write(name, day),
        content_type="application/xml",
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )


# All of them


@access.staff("donations.add_bankfile")
def confirm_all(request: HttpRequest) -> HttpResponse:
    """Book every file of those shown that has nothing to ask, each in a transaction of its own."""
    if request.method == "POST":
        shown = dict(one.split(":", 1) for one in request.POST.getlist("fil") if ":" in one)
        # In the order they came, so that what stands in two of them is new in the first.
        chosen = [one for one in reversed(_ready()) if str(one.pk) in shown]
        for one in chosen:
            _confirm_one(request, one, shown[str(one.pk)])
        if not chosen:
            messages.info(request, _("Det var redan gjort. Ingenting har bokförts en gång till."))
    return redirect("finance_bank_files")


def _confirm_one(request: HttpRequest, bank_file: BankFile, was: str) -> None:
    if was != telling.seen(bank_file):
        told = _("”%s” har lästs om sedan sidan visades. Granska den på dess egen sida.")
        messages.warning(request, told % bank_file)
        return
    try:
        messages.success(request, book(bank_file, member(request)))
    except (OperationError, Refused) as error:
        messages.warning(request, f"”{bank_file}”: {error}")


def _ready() -> list[BankFile]:
    """The newest files that can be booked as they are: read, new, and with nothing to ask."""
    unbooked = BankFile.objects.filter(
        confirmed_at=None, refusal__isnull=True, read_at__isnull=False
    )
    found = [one for one in unbooked.exclude(outcome={})[:AT_ONCE] if not one.outcome["questions"]]
    under_way = {pk for pk, now in work.of_each(found).items() if now.is_alive}
    return [one for one in found if one.pk not in under_way]


@access.staff("donations.view_bankfile", methods=access.READ)
def bank_file_list(request: HttpRequest) -> HttpResponse:
    """Every file that has been handed in, the newest first, and the way to hand in more."""
    return _list(request)


def _list(
    request: HttpRequest,
    form: FilesForm | None = None,
    arrivals: Sequence[Arrival] = (),
    kept: int = 0,
) -> HttpResponse:
    asked, only = request.GET.get("q", "").strip(), request.GET.get("visa", "")
    found = _found(asked, only)
    sheet = Paginator(found, ON_A_PAGE).get_page(request.GET.get("sida"))
    rows, works = [], work.of_each(sheet)
    for one in sheet:
        outcome = telling.outcome_of(one)
        told = telling.state(one, one.undecided, works.get(one.pk))
        rows.append((one, outcome, outcome and outcome.of(*telling.NEW), told))
    may_add = member(request).has_perm("donations.add_bankfile")
    ready = _ready() if may_add else []
    comes_to = [Outcome.from_json(one.outcome).of(*telling.NEW) for one in ready]
    context = {
        "form": form or FilesForm(),
        "arrivals": arrivals,
        "kept": kept,
        "rows": rows,
        "sheet": sheet,
        "q": asked,
        "only": only,
        "is_empty": not asked and not only and not rows,
        "has_demo_files": may_add and bool(demo.sign_ins()),
        "has_numbers": AccountNumber.objects.exists(),
        "ready": [(one, telling.seen(one)) for one in ready],
        "ready_lines": sum(count.lines for count in comes_to),
        "ready_ore": sum(count.ore for count in comes_to),
    }
    return render(request, "ekonomi/bankfiler/list.html", context)


def _found(asked: str, only: str) -> QuerySet[Any]:
    """Files whose name holds what is asked for; `only` those that wait, if it says so."""
    waiting = HeldLine.objects.filter(file=OuterRef("pk"), decision="").order_by().values("file")
    undecided = Subquery(waiting.annotate(lines=Count("pk")).values("lines"))
    found: QuerySet[Any] = BankFile.objects.select_related("by", "confirmed_by", "undone_by")
    found = found.annotate(undecided=Coalesce(undecided, 0))
    if asked:
        # SQLite tells upper case from lower in å, ä and ö.
        forms_ = {asked, asked.lower(), asked.upper(), asked.capitalize()}
        found = found.filter(Q(*(("name__icontains", one) for one in forms_), _connector=Q.OR))
    if only == "obokforda":
        found = found.filter(unbooked())
    elif only == "beslut":
        found = found.filter(undone_at=None, undecided__gt=0)
    return found


def unbooked() -> Q:
    """Files that wait to be booked."""
    return Q(confirmed_at=None, refusal__isnull=True)


def undecided() -> QuerySet[HeldLine]:
    """Lines that wait for a person's decision, in any file."""
    return HeldLine.objects.filter(decision="", file__undone_at=None)
