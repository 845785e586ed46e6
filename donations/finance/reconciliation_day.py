"""One day of a bank account: statement and books side by side, and a person's word about it."""

import datetime
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from donations import once
from donations.bankfiles.aside import SHOWN as CLASSES
from donations.bankfiles.aside import Class, Count
from donations.days import long_date
from donations.finance.operation import operate, sent
from donations.finance.reconciliation import Shown
from donations.forms import KronorField, OperationForm
from donations.models import Account, SignOff, StatedDay, Transfer
from donations.money import format_kronor
from donations.operations import reconciliation
from donations.reports import reconciliation as report
from donations.reports.reconciliation import ONE_DAY, Day
from donations.reports.reconciliation_day import Detail, How, detail
from staff import access
from staff.requests import member

# Pairs on a page, and lines or gifts that stand alone, on each side.
ON_A_PAGE, MOST = 50, 100

# What says that a line and a gift are the same.
WHY = {
    How.ID: "Samma id hos banken",
    How.DECIDED: "Beslutat av en person",
    How.WAITING: "Väntar på beslut",
    How.ALIKE: "Samma belopp och dag",
}


class SignForm(OperationForm):
    """Sign the day off as it was shown."""

    seen = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="varför det skiljer",
        max_length=300,
        required=False,
        help_text="Det som gör att skillnaden är i sin ordning. Skriv inte vem som gav.",
    )

    def __init__(self, *args: Any, of: Day, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["seen"] = of.seen
        # Also where what was sent is older: its own words are kept.
        self.fields["reason"].required = bool(of.difference_ore)
        self.fields["reason"].error_messages["required"] = _(
            "Skriv varför det skiljer %s, eller rätta det först."
        ) % format_kronor(abs(of.difference_ore))
        if not of.difference_ore:
            self.fields["reason"].widget = forms.HiddenInput()


class TakeBackForm(OperationForm):
    """Take a sign-off back."""

    reason = forms.CharField(
        label="skäl",
        max_length=300,
        help_text="Till exempel ”En gåva saknades, den registreras i dag”.",
    )


class StateForm(OperationForm):
    """What came in on the account, as a person reads it off a statement."""

    amount = KronorField(
        label="in på kontot den dagen",
        help_text="Alla pengar in, i kronor. Skriv 0 om inget kom in.",
        error_messages={"required": "Skriv hur mycket som kom in, eller 0."},
    )
    aside = KronorField(
        label="varav annat än gåvor",
        required=False,
        help_text="Till exempel ränta eller en överföring från ett eget konto.",
    )
    note = forms.CharField(
        label="anteckning",
        max_length=300,
        required=False,
        help_text="Till exempel var summan står. Skriv inte vem som gav.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        amount, aside = data.get("amount"), data.get("aside") or 0
        if amount is not None and aside > amount:
            self.add_error("aside", _("Kan inte vara mer än allt som kom in den dagen."))
        return data


@dataclass(frozen=True)
class Since:
    """What the books have got, or lost, since the day was signed."""

    transfer: Transfer
    is_gone: bool


def _day(account_id: int, day: str) -> Day:
    """The day that the address names. Raises `Http404` also for one that has not been."""
    account = get_object_or_404(Account, pk=account_id, kind=Account.Kind.BANK)
    try:
        date = datetime.date.fromisoformat(day) if len(day) == 10 else None
    except ValueError as error:
        raise Http404 from error
    today = timezone.localdate()
    if date is None or not datetime.date(1900, 1, 1) <= date <= today:
        raise Http404
    return report.day_of(account, date, today)


def address(of: Day) -> str:
    """The day's page."""
    return reverse("finance_reconciliation_day", args=[of.account.pk, of.day])


@access.staff("donations.view_signoff", methods=access.READ)
def day(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """A day of an account: the statement's lines and the books' gifts side by side, and what differs."""
    of = _day(account_id, day)
    return _page(request, of, SignForm(of=of))


def _page(request: HttpRequest, of: Day, form: SignForm) -> HttpResponse:
    told = detail(of.account, of.day)
    words = SignOff.objects.filter(account=of.account, day=of.day).select_related("by")
    stated = StatedDay.objects.filter(account=of.account, day=of.day).select_related("by")
    # Without a file there is nothing to pair: then the gifts are listed as they are.
    listed: list[Any] = [*told.pairs] if of.has_file else [*told.gifts]
    sheet: Any = Paginator(listed, ON_A_PAGE).get_page(request.GET.get("sida"))
    context = {
        "of": of,
        "shown": Shown(of),
        "form": form,
        "told": told,
        "aside": _classes(of.aside),
        "out": _classes(of.out),
        "is_recounted": _is_counted_otherwise(of, told),
        "sheet": sheet,
        "pairs": [(one, WHY[one.how]) for one in sheet] if of.has_file else [],
        "most": f":{MOST}",
        "most_lines": MOST,
        "since": _since(of, told) if of.is_changed else [],
        "words": list(words),
        "stated": list(stated),
        "previous": of.day - ONE_DAY,
        "next": of.day + ONE_DAY if of.day < of.today else None,
        "can_sign": of.has_statement and of.day < of.today and (not of.is_signed or of.is_changed),
    }
    return render(request, "ekonomi/avstamning/day.html", context)


def _classes(cells: list[tuple[str, Count]]) -> list[tuple[str, Count]]:
    """Counts by what their class is called."""
    return [(CLASSES[Class(is_a)].capitalize() if is_a else "", one) for is_a, one in cells]


def _is_counted_otherwise(of: Day, told: Detail) -> bool:
    """Whether the lines, by today's rules, come to something else than when the file was booked."""
    if not of.has_file or told.lost:
        return False
    return (of.in_ore, of.given_ore) != (told.in_ore, told.given_ore)


def _since(of: Day, told: Detail) -> list[Since]:
    """The gifts and refunds that have come, or been reversed, since the day was signed."""
    assert of.sign_off
    then = of.sign_off.created_at
    standing = [*told.gifts, *(pair.gift for pair in told.pairs)]
    standing += [gift for lump in told.lumps for gift in lump.gifts]
    standing += [refund for refund, _line in told.refunds]
    come = [Since(one, False) for one in standing if one.created_at > then]
    gone = [
        Since(one, True)
        for one in told.reversed
        if one.created_at <= then < one.reversal.created_at
    ]
    return come + gone


@access.staff("donations.add_signoff", methods=("POST",))
def sign(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """Sign the day off; a difference has to be explained."""
    of = _day(account_id, day)
    form = SignForm(request.POST, of=of)

    def run(data: dict[str, Any]) -> str:
        reconciliation.sign_off(
            of.account, of.day, by=member(request), seen=data["seen"], reason=data["reason"]
        )
        return _("%(account)s är avstämt den %(day)s.") % {
            "account": of.account,
            "day": long_date(of.day),
        }

    if once.carried_out(request, form, run):
        return HttpResponseRedirect(address(of))
    # What is shown now is what is signed next time.
    form.data = request.POST.copy()
    form.data["seen"] = of.seen
    return _page(request, of, form)


@access.staff("donations.add_signoff")
def take_back(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """Take a sign-off back, with a reason."""
    of = _day(account_id, day)

    def run(data: dict[str, Any]) -> str:
        reconciliation.take_back(of.account, of.day, reason=data["reason"], by=member(request))
        return _("Avstämningen är tillbakatagen. Dagen väntar igen.")

    return operate(
        request,
        TakeBackForm(sent(request)),
        run,
        back=address(of),
        title=_("Ta tillbaka avstämningen"),
        about=f"{of.account}, {long_date(of.day)}",
        consequence=_(
            "Dagen väntar på att stämmas av igen. Att den har varit avstämd, av vem och med vilka summor,"
            " står kvar."
        ),
        button=_("Ta tillbaka"),
    )


@access.staff("donations.add_signoff")
def state(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """Write down what came in by a statement that there is no file of."""
    of = _day(account_id, day)
    before = of.stated

    def run(data: dict[str, Any]) -> str:
        reconciliation.state_day(
            of.account,
            of.day,
            data["amount"],
            aside_ore=data["aside"] or 0,
            note=data["note"],
            by=member(request),
        )
        return _("Summan är sparad.")

    initial = {"amount": before.in_ore, "aside": before.aside_ore or None} if before else {}
    return operate(
        request,
        StateForm(sent(request), initial=initial),
        run,
        back=address(of),
        title=_("Skriv in kontoutdragets summa"),
        about=f"{of.account}, {long_date(of.day)}",
        intro=_("För en dag utan kontoutdrag i fil. Lämnas filen in senare är det den som räknas."),
        consequence=_("Det du skrev tidigare står kvar i dagens historik."),
        button=_("Spara summan"),
    )


@access.staff("donations.add_signoff")
def strike(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """Strike out a sum that was typed in."""
    of = _day(account_id, day)

    def run(_data: dict[str, Any]) -> str:
        if report.day_of(of.account, of.day, of.today).stated:
            reconciliation.state_day(of.account, of.day, None, by=member(request))
        return _("Summan är struken.")

    return operate(
        request,
        OperationForm(sent(request)),
        run,
        back=address(of),
        title=_("Stryk den inskrivna summan"),
        about=f"{of.account}, {long_date(of.day)}",
        consequence=_("Dagen står sedan utan kontoutdrag. Det som stod finns kvar i historiken."),
        button=_("Stryk summan"),
    )


@access.staff("donations.add_signoff", methods=("POST",))
def count_anew(request: HttpRequest, account_id: int, day: str) -> HttpResponse:
    """Count the statement's lines once more, after a rule for what is no gift has changed."""
    of = _day(account_id, day)
    reconciliation.count_day_anew(of.account, of.day, by=member(request))
    return HttpResponseRedirect(address(of))
