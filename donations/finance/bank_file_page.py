"""One bank file: what it comes to before it is booked and after, its lines, and how it is undone."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations import intake
from donations.bankfiles.records import Refused
from donations.days import long_date
from donations.finance import bank_file_telling as telling
from donations.finance import bank_file_work as work
from donations.finance.bank_file_work import Work
from donations.finance.bank_files import address, book, read, take
from donations.finance.forms import Tick
from donations.finance.operation import operate, sent
from donations.forms import WHY, OperationForm
from donations.masking import mask
from donations.models import BankFile, Fund, Transfer
from donations.money import format_kronor
from donations.operations import OperationError, bank_files
from donations.outcome import Fate, Outcome, Told
from staff import access
from staff.requests import member

LINES_ON_A_PAGE = 50


class BookForm(forms.Form):
    """Book a file as it was shown, with every question about it answered yes."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, questions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for at, question in enumerate(questions, 1):
            self.fields[f"question_{at}"] = forms.BooleanField(
                label=_("%s Ja, det stämmer.") % question,
                widget=Tick(question),
                error_messages={"required": _("Kryssa i rutan om det stämmer.")},
            )


class UndoForm(OperationForm):
    """Undo a whole file."""

    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Till exempel ”Filen var för fel månad”.",
        error_messages=WHY,
    )


def _found(file_id: int) -> BankFile:
    files = BankFile.objects.select_related("by", "confirmed_by", "undone_by", "mapping")
    return get_object_or_404(files, pk=file_id)


# The page


@access.staff("donations.view_bankfile", methods=access.READ)
def bank_file(request: HttpRequest, file_id: int) -> HttpResponse:
    """The file as it stands: under way, refused, to be booked, booked or undone."""
    of = _found(file_id)
    if _is_to_be_read(of) and member(request).has_perm("donations.add_bankfile"):
        read(of)  # its columns have just been chosen
    return _page(request, of)


def _is_to_be_read(of: BankFile) -> bool:
    """Whether nobody has begun to read the file as it is to be read now."""
    now = work.of(of)
    is_tried = now is not None and (not now.is_over or bool(now.failed))
    return bool(of.format and of.file) and of.read_at is None and not is_tried


def _page(request: HttpRequest, of: BankFile, form: BookForm | None = None) -> HttpResponse:
    now = work.of(of)
    context: dict[str, Any] = {"bank_file": of, "work": now}
    if now and now.is_alive:
        return render(request, "ekonomi/bankfiler/under_way.html", context)
    if now and now.has_died and _is_done(of, now):
        context["work"] = None
    outcome = telling.outcome_of(of)
    undecided = of.held.filter(decision="").count() if not of.undone_at else 0
    context |= {
        "state": telling.state(of, undecided, now),
        "undecided": undecided,
        "booked": bank_files.already_booked(of) if not of.confirmed_at else None,
    }
    if outcome:
        context |= _told(of, outcome, undecided)
        questions = outcome.questions
        context["form"] = form or BookForm(initial={"seen": telling.seen(of)}, questions=questions)
    return render(request, "ekonomi/bankfiler/file.html", context)


def _is_done(of: BankFile, now: Work) -> bool:
    """Whether the database says that work is done, whatever was last heard of it."""
    done = {work.READ: of.read_at, work.BOOK: of.confirmed_at, work.UNDO: of.undone_at}
    return done[now.doing] is not None


def _told(of: BankFile, outcome: Outcome, undecided: int) -> dict[str, Any]:
    """What the page shows of a file that has been read."""
    sums = telling.control_sums(outcome)
    return {
        "outcome": outcome,
        "groups": telling.groups(outcome, of, undecided),
        "sums": sums,
        "amiss": any(one.short for one in sums),
        "days": telling.days(outcome),
        "locked": telling.locked_until(outcome) if not of.confirmed_at else None,
        "funds": telling.funds(outcome),
        "accounts": telling.accounts(outcome),
        "deed": telling.deed(outcome),
        "new": outcome.of(*telling.NEW),
        "decided": telling.decided(of),
        "lumps": telling.lumps(of) if of.confirmed_at else [],
    }


@access.staff("donations.add_bankfile")
def confirm(request: HttpRequest, file_id: int) -> HttpResponse:
    """Book the file as it was shown; when it has become another, show that instead."""
    of = _found(file_id)
    outcome = telling.outcome_of(of)
    if request.method != "POST" or not outcome:
        return redirect("finance_bank_file", of.pk)
    if of.confirmed_at:
        messages.info(request, _("Det var redan gjort. Ingenting har bokförts en gång till."))
        return redirect("finance_bank_file", of.pk)
    form = BookForm(request.POST, questions=outcome.questions)
    if form.data.get("seen") != telling.seen(of):
        told = _(
            "Filen har lästs om sedan sidan visades. Så här ser den ut nu. Granska och bokför."
        )
        messages.warning(request, told)
    elif not form.is_valid():
        return _page(request, of, form)
    else:
        _book(request, of)
    return redirect("finance_bank_file", of.pk)


def _book(request: HttpRequest, of: BankFile) -> None:
    try:
        messages.success(request, book(of, member(request)))
    except OperationError as error:
        messages.warning(request, str(error))
    except Refused:
        # What it was taken for is no longer so: the page tells why.
        read(of)


@access.staff("donations.add_bankfile", methods=("POST",))
def read_again(request: HttpRequest, file_id: int) -> HttpResponse:
    """Read a file that is not booked once more, after something has been mended."""
    of = _found(file_id)
    if not of.confirmed_at and of.format and of.file:
        read(of)
    return redirect(address(of))


@access.staff("donations.add_bankfile", methods=("POST",))
def discard(request: HttpRequest, file_id: int) -> HttpResponse:
    """Throw away a file that is not booked."""
    of = BankFile.objects.filter(pk=file_id).first()
    now = work.of(of) if of else None
    if of and now and now.is_alive:
        messages.warning(request, _("Filen läses just nu. Vänta tills den är läst."))
        return redirect("finance_bank_file", of.pk)
    if of and of.confirmed_at:
        messages.warning(request, _("Filen är bokförd. Då kan den bara ångras."))
        return redirect("finance_bank_file", of.pk)
    if of:
        bank_files.discard(of)
        messages.success(request, _("”%s” är kastad. Ingenting är bokfört.") % of)
    return redirect("finance_bank_files")


# Its lines


@access.staff("donations.view_bankfile", methods=access.READ)
def lines(request: HttpRequest, file_id: int, fate: str) -> HttpResponse:
    """The file's lines of one fate, or of one of its parts; who paid is for those who may see payments."""
    of = _found(file_id)
    outcome = telling.outcome_of(of)
    row = _row(of, outcome, fate, request.GET.get("del", "")) if outcome else None
    if row is None or outcome is None:
        raise Http404
    context: dict[str, Any] = {"bank_file": of, "row": row, "is_gone": not of.file}
    if of.file:
        walk: Any = _Lines(of, row)
        try:
            sheet: Any = Paginator(walk, LINES_ON_A_PAGE).get_page(request.GET.get("sida"))
        except Refused as refused:
            # Read as the accounts and rules are now, it is not what it was.
            context["refused"] = refused
        else:
            sees_payers = member(request).has_perm("donations.view_payment")
            context |= {"sheet": sheet, "rows": _with_names(list(sheet), sees_payers)}
    return render(request, "ekonomi/bankfiler/lines.html", context)


def _row(of: BankFile, outcome: Outcome, slug: str, part: str) -> telling.Row | None:
    rows = [row for group in telling.groups(outcome, of, 0) for row in group.rows]
    for row in rows:
        if row.slug == slug and not part:
            return row
        for one in row.parts:
            if (one.slug, one.part) == (slug, part):
                return one
    return None


class _Lines:
    """The lines of a row, as many as were counted; walked for in the file when some are asked for."""

    def __init__(self, of: BankFile, row: telling.Row) -> None:
        self._of, self._row = of, row

    def __len__(self) -> int:
        return self._row.count.lines

    def __getitem__(self, some: slice) -> list[Told]:
        fate = next(fate for fate, slug in telling.SLUGS.items() if slug == self._row.slug)

        def wants(told: Told) -> bool:
            return told.fate is fate and (not self._row.part or told.aside_key == self._row.part)

        return intake.lines_of(self._of, wants, some.start, some.stop)


class _Shown:
    """A line, and what has become of it in words."""

    def __init__(
        self,
        told: Told,
        funds: dict[int, Fund],
        twins: dict[int | None, Transfer],
        sees_payers: bool,
    ) -> None:
        self.line, self._told, self._funds = told.line, told, funds
        self._sees_payers = sees_payers
        self.twin = twins.get(told.twin)

    @cached_property
    def text(self) -> str:
        return "\n".join(reference.text for reference in self.line.references)

    @cached_property
    def becomes(self) -> list[str]:
        """Where it goes, or why it goes nowhere."""
        told = self._told
        if told.aside:
            return [told.aside.why]
        if told.fate is Fate.RECONCILIATION:
            return [_("Gåvorna till numret läses in från en annan sorts fil den dagen.")]
        if told.match and told.match.parts:
            return [
                f"{self._funds[part.fund]}: {format_kronor(part.amount_ore)}"
                if len(told.match.parts) > 1
                else str(self._funds[part.fund])
                for part in told.match.parts
            ]
        # Why nothing was found may say what the payer wrote.
        return [mask(told.match.why)] if told.match and self._sees_payers else []


def _with_names(told: list[Told], sees_payers: bool) -> list[_Shown]:
    twins = {one.twin for one in told if one.twin}
    gifts = Transfer.objects.originals().filter(payment__in=twins, kind=Transfer.Kind.GIFT)
    by_payment = {one.payment_id: one for one in gifts}
    parts = {part.fund for one in told if one.match for part in one.match.parts}
    funds = Fund.objects.select_related("project", "focus_area").in_bulk(list(parts))
    return [_Shown(one, funds, by_payment, sees_payers) for one in told]


# Undone


@access.staff("donations.add_bankfile")
def undo(request: HttpRequest, file_id: int) -> HttpResponse:
    """Undo all that the file has booked, after telling exactly what that is."""
    of = _found(file_id)
    if not of.confirmed_at or of.undone_at:
        messages.info(request, _("Filen är redan ångrad.") if of.undone_at else _("Inte bokförd."))
        return redirect("finance_bank_file", of.pk)

    def run(data: dict[str, Any]) -> str:
        by, reason = member(request), data["reason"]
        if work.is_large(of):
            if not work.begin(
                of, work.UNDO, lambda _progress: bank_files.undo(of, reason=reason, by=by)
            ):
                raise OperationError(_("Någon arbetar redan med filen. Vänta tills det är klart."))
            return _("”%s” ångras nu.") % of
        count = bank_files.undo(of, reason=reason, by=by)
        text = ngettext(
            "”%(file)s” är ångrad: %(count)s gåva är rättad.",
            "”%(file)s” är ångrad: %(count)s gåvor är rättade.",
            count,
        )
        return text % {"file": of, "count": telling.number(count)}

    plan = telling.undoing(of)
    return operate(
        request,
        UndoForm(sent(request)),
        run,
        back=reverse("finance_bank_file", args=[of.pk]),
        template="ekonomi/bankfiler/undo.html",
        title=_("Ångra hela filen"),
        about=_("”%(file)s”, bokförd den %(day)s av %(by)s.")
        % {
            "file": of,
            "day": long_date(timezone.localdate(of.confirmed_at)),
            "by": of.confirmed_by,
        },
        consequence=_(
            "Varje gåva rättas med en ny transaktion, så att summan blir noll. Det syns på webbplatsen"
            " genast. Efteråt kan filen lämnas in igen."
        ),
        button=_("Ångra %s") % telling.amount_of(plan.gifts),
        plan=plan,
        bank_file=of,
    )


@access.staff("donations.add_bankfile", methods=("POST",))
def again(request: HttpRequest, file_id: int) -> HttpResponse:
    """Hand in the bytes of an undone file anew."""
    of = _found(file_id)
    if not of.undone_at or not of.file:
        return redirect("finance_bank_file", of.pk)
    try:
        with intake.opened(of) as stream:
            came = take(of.name, stream, by=member(request), mapping=of.mapping)
    except Refused as refused:
        messages.warning(request, str(refused))
        return redirect("finance_bank_file", of.pk)
    if came.booked:
        messages.info(request, _("Samma fil är redan inlämnad igen och bokförd. Här är den."))
    elif came.bank_file is None:
        messages.warning(request, f"{came.where}: {came.why}" if came.where else came.why)
    return redirect(address(came.booked or came.bank_file or of))
