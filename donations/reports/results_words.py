"""The summary of results in words: what its page and its PDF both say."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from donations import queries
from donations.days import long_date
from donations.money import format_amount, format_kronor
from donations.moves import Part as Moved
from donations.moves import YearMoves
from donations.reports.results import Achieved, Chapter, Money, Results

_NUMBERS = (
    "noll",
    "ett",
    "två",
    "tre",
    "fyra",
    "fem",
    "sex",
    "sju",
    "åtta",
    "nio",
    "tio",
    "elva",
    "tolv",
)


@dataclass(frozen=True)
class Row:
    """A line of a fund's account of the year: what it is, and how much in text."""

    label: str
    amount: str
    is_sum: bool = False


@dataclass(frozen=True)
class Bar:
    """How far a fund has come: whole per cent, from 0 to 100 as a bar is drawn, and the same in words."""

    percent: int
    text: str


@dataclass(frozen=True)
class Account:
    """A fund's year as it is told."""

    collection_number: str
    rows: list[Row]
    bar: Bar | None
    moves: list[str]


@dataclass(frozen=True)
class Part:
    """A chapter as it is told: what was achieved, and what became of the money."""

    title: str
    url: str
    where: str
    achieved: list[Achieved]
    accounts: list[Account]


@dataclass(frozen=True)
class Line:
    """A fund in the table of them all: each column with its amount, in kronor without the unit."""

    name: str
    collection_number: str
    cells: list[tuple[str, str]]


@dataclass(frozen=True)
class Told:
    """The whole summary in words."""

    title: str
    area: str
    hue: str
    year: str
    lead: list[str]
    day: str
    bar: Bar | None
    parts: list[Part]
    columns: list[str]
    lines: list[Line]
    sums: list[tuple[str, str]]
    table_notes: list[str]
    notes: list[tuple[str, str]]


def told(results: Results) -> Told:
    """Everything that the summary says, in its order."""
    total = results.total
    is_asked = bool(total.need)
    return Told(
        title=_("Resultat %s") % results.year,
        area=results.area.page.title,
        hue=results.area.page.hue,
        year=results.year.name,
        lead=_lead(results),
        day=_day(results),
        bar=_bar(total) if is_asked else None,
        parts=[_part(chapter) for chapter in results.chapters],
        columns=[label for label, _amount in _cells([])],
        lines=_lines(results),
        sums=_cells(results.money),
        table_notes=_table_notes(results),
        notes=_notes(results),
    )


# The opening paragraph


def _lead(results: Results) -> list[str]:
    """What the year came to, in sentences."""
    if not results.money:
        return [_("Det fanns ingen insamling i %(area)s %(year)s.") % _names(results)]
    return [
        sentence
        for sentence in (
            _collected(results),
            *_needed(results),
            *_moved(results),
            _paid_out(results),
        )
        if sentence
    ]


def _names(results: Results) -> dict[str, str]:
    return {"area": results.area.page.title, "year": results.year.name}


def _collected(results: Results) -> str:
    projects = {one.page_id for one in results.money if not one.is_for_area}
    to = [_("%s projekt") % _count(len(projects))] if projects else []
    if any(one.is_for_area for one in results.money):
        to.append(_("hela fokusområdet"))
    if results.is_over:
        text = _("Under %(year)s samlades %(amount)s in till %(to)s.")
    else:
        text = _("Hittills under %(year)s har %(amount)s samlats in till %(to)s.")
    collected = results.total.collected
    amount = format_kronor(collected) if collected else _("ingenting")
    return text % {"year": results.year, "amount": amount, "to": _(" och ").join(to)}


def _needed(results: Results) -> list[str]:
    total = results.total
    found = []
    if total.need and total.remaining:
        text = _("Behovet är %(need)s. Av det är %(remaining)s kvar att samla in.")
        if results.is_over:
            text = _("Behovet var %(need)s. Av det är %(remaining)s kvar att samla in.")
        amounts = {"need": total.need, "remaining": total.remaining}
        found.append(text % {name: format_kronor(ore) for name, ore in amounts.items()})
    elif total.need:
        found.append(_("Hela behovet, %s, är täckt.") % format_kronor(total.need))
    if total.surplus:
        text = _("Insamlingar som har fått mer än sitt behov har ett överskott på %s.")
        found.append(text % format_kronor(total.surplus))
    if total.unknown_needs:
        text = ngettext(
            "För %s insamling är behovet inte bestämt.",
            "För %s insamlingar är behovet inte bestämt.",
            total.unknown_needs,
        )
        many = _count(total.unknown_needs) if total.unknown_needs > 1 else _("en")
        found.append(text % many)
    return found


def _moved(results: Results) -> list[str]:
    moved = sum(one.figures.moved_in for one in results.money)
    came = sum(one.figures.carried_in for one in results.money)
    went = sum(one.figures.carried_out for one in results.money)
    named = results.money[0].moves
    found = []
    if came:
        text = _("%(amount)s är överförda från %(year)s.")
        before = named.year_before or _("året innan")
        found.append(text % {"amount": format_kronor(came), "year": before})
    if moved:
        text = _("%s av överskottet är omfördelade till andra insamlingar i fokusområdet.")
        found.append(text % format_kronor(moved))
    if went:
        text = _("%(amount)s är överförda till %(year)s.")
        after = named.year_after or _("nästa år")
        found.append(text % {"amount": format_kronor(went), "year": after})
    return found


def _paid_out(results: Results) -> str:
    paid = sum(one.figures.disbursed for one in results.money)
    if paid:
        return _("%s är utbetalt till dem som gör arbetet.") % format_kronor(paid)
    return _("Ingenting är utbetalt än.") if results.total.available else ""


def _count(many: int) -> str:
    return _NUMBERS[many] if 0 <= many < len(_NUMBERS) else str(many)


def _day(results: Results) -> str:
    """As of which day the figures are, and whether they may change."""
    text = _("Siffrorna visar läget den %s.") % long_date(results.day)
    if results.is_final:
        return text + " " + _("De är slutgiltiga: perioden är låst till och med den dagen.")
    if results.is_closed:
        return (
            text
            + " "
            + _(
                "Insamlingsåret är stängt, så behov och omfördelningar ändras inte mer. En gåva kan"
                " fortfarande rättas, och mer kan betalas ut."
            )
        )
    return text + " " + _("De är preliminära: det kan komma mer, och en gåva kan rättas.")


# The chapters


def _part(chapter: Chapter) -> Part:
    is_area = not chapter.page.focus_area_id
    return Part(
        # The area's name already stands on the summary.
        title=_("Hela fokusområdet") if is_area else chapter.page.title,
        url=chapter.page.url,
        where=_("Gåvor som får gå till vilket som helst av projekten")
        if is_area
        else ", ".join(chapter.page.countries),
        achieved=chapter.achieved,
        accounts=[_account(money) for money in chapter.money],
    )


def _account(money: Money) -> Account:
    figures = money.figures
    return Account(
        money.collection_number,
        list(_rows(money)),
        _bar(figures) if figures.need else None,
        [*_out(money), *_into(money.moves)],
    )


def _rows(money: Money) -> Iterable[Row]:
    """The year's account, each line following from those above it; what is nothing is left out."""
    figures, moved = money.figures, money.moves
    yield Row(_("Insamlat"), format_kronor(figures.collected))
    for label, ore in (
        (_("Överfört från %s") % (moved.year_before or _("året innan")), figures.carried_in),
        (_("Omfördelat hit"), figures.moved_in),
        (_("Omfördelat härifrån"), -figures.moved_out),
        (_("Överfört till %s") % (moved.year_after or _("nästa år")), -figures.carried_out),
    ):
        if ore:
            yield Row(label, format_kronor(ore))
    if moved.is_any and figures.need:
        yield Row(_("Tillgängligt"), format_kronor(figures.available))
    yield from _left(money)
    yield Row(_("Utbetalt"), format_kronor(figures.disbursed))


def _left(money: Money) -> Iterable[Row]:
    figures = money.figures
    if money.is_for_area and not figures.need:
        yield Row(_("Ännu inte fördelat"), format_kronor(figures.available), is_sum=True)
    elif figures.need is None or figures.remaining is None:
        yield Row(_("Behov"), _("inte bestämt"), is_sum=True)
    else:
        yield Row(_("Behov"), format_kronor(figures.need))
        yield Row(_("Kvar att samla in"), format_kronor(figures.remaining), is_sum=True)
        if figures.surplus:
            yield Row(_("Överskott"), format_kronor(figures.surplus), is_sum=True)


def _bar(shown: queries.Figures | queries.Total) -> Bar:
    """How much of a need that is known is met, drawn and in words."""
    drawn = max(0, min(100, shown.percent or 0))
    if not shown.remaining:
        return Bar(100, _("Hela behovet är täckt."))
    if drawn:
        return Bar(drawn, _("%s\xa0%% av behovet är täckt.") % drawn)
    if shown.remaining < (shown.need or 0):
        return Bar(0, _("Mindre än 1\xa0% av behovet är täckt."))
    if shown.collected <= 0:
        return Bar(0, _("Ingenting är insamlat."))
    return Bar(0, _("Inget av behovet är täckt."))


def _out(money: Money) -> list[str]:
    moved, text = money.moves, _("%(amount)s av överskottet gick till %(other)s.")
    if money.is_for_area:
        text = _("%(amount)s gick till %(other)s.")
    found = [text % {"amount": format_kronor(one.ore), "other": _other(one)} for one in moved.out]
    if moved.carried_out:
        text = _("%(amount)s gick vidare till insamlingen för %(year)s.")
        year = moved.year_after or _("nästa år")
        found.append(text % {"amount": format_kronor(moved.carried_out), "year": year})
    return found


def _into(moved: YearMoves) -> list[str]:
    text = _("%(amount)s kom från %(other)s.")
    found = [text % {"amount": format_kronor(one.ore), "other": _other(one)} for one in moved.into]
    if moved.carried_in:
        text = _("%(amount)s kom från insamlingen för %(year)s.")
        year = moved.year_before or _("året innan")
        found.append(text % {"amount": format_kronor(moved.carried_in), "year": year})
    return found


def _other(moved: Moved) -> str:
    """The fund at the other end, by its page's name and its number."""
    other = moved.other
    if not other.url:  # named by its number alone
        return other.title
    return f"{other.title} ({other.collection_number})"


# The table of every fund


def _lines(results: Results) -> list[Line]:
    named = [
        (_part(chapter).title, money) for chapter in results.chapters for money in chapter.money
    ]
    named += [(_("Projekt utan publicerad sida"), money) for money in results.hidden]
    return [Line(name, money.collection_number, _cells([money])) for name, money in named]


def _cells(money: list[Money]) -> list[tuple[str, str]]:
    """The columns of a fund, or of several together: each as it is shown, added up."""
    figures = [one.figures for one in money]
    total = queries.total(figures)
    is_known = not money or total.unknown_needs < len(money)
    columns = [
        (_("Behov"), total.need if is_known else None),
        (_("Insamlat"), total.collected),
        (_("Flyttat hit"), sum(one.moved_in + one.carried_in for one in figures)),
        (_("Flyttat härifrån"), sum(one.moved_out + one.carried_out for one in figures)),
        (_("Kvar att samla in"), total.remaining if is_known else None),
        (_("Överskott"), total.surplus if is_known else None),
        (_("Utbetalt"), sum(one.disbursed for one in figures)),
    ]
    return [(label, "–" if ore is None else format_amount(ore)) for label, ore in columns]


def _table_notes(results: Results) -> list[str]:
    """What has to be known for the sums to add up."""
    found = []
    unknown = [one for one in results.money if one.figures.need is None]
    if unknown:
        text = _("Behovet är inte bestämt för insamling %s och ingår inte i summan av behoven.")
        found.append(text % _numbers(unknown))
    if results.hidden:
        text = _(
            "Insamling %s hör till projekt som inte har någon publicerad sida. De beskrivs inte här,"
            " men deras pengar ingår i summorna."
        )
        found.append(text % _numbers(results.hidden))
    opening = sum(one.figures.opening for one in results.money)
    if opening:
        text = _(
            "I det insamlade ingår %s som var insamlat innan insamlingarna började bokföras här."
        )
        found.append(text % format_kronor(opening))
    return found


def _numbers(money: list[Money]) -> str:
    *first, last = [one.collection_number for one in money]
    return (
        _("%(first)s och %(last)s") % {"first": ", ".join(first), "last": last} if first else last
    )


# What the words mean


def _notes(results: Results) -> list[tuple[str, str]]:
    return [
        (
            _("Resultat"),
            _(
                "är hämtade från projektens sidor på webbplatsen. Där perioden är längre än %s gäller"
                " resultatet hela perioden."
            )
            % results.year,
        ),
        (
            _("Behov"),
            _("är det som projektet behöver under insamlingsåret, enligt det senaste beslutet."),
        ),
        (
            _("Insamlat"),
            _("är gåvorna till insamlingen under året, minus det som givare har fått tillbaka."),
        ),
        (
            _("Flyttat hit och härifrån"),
            _(
                "är det som är omfördelat mellan insamlingar i samma fokusområde, eller överfört från ett"
                " insamlingsår till nästa. Bara ett överskott flyttas, när givarna har kunnat läsa om"
                " det innan de gav eller själva har sagt ja. En person föreslår och en annan godkänner."
            ),
        ),
        (
            _("Kvar att samla in"),
            _(
                "är behovet minus det som är insamlat och det som är flyttat hit, plus det som är flyttat"
                " härifrån. Har en insamling fått mer än sitt behov är det ett överskott. Det minskar"
                " inte det som är kvar i en annan."
            ),
        ),
        (
            _("Utbetalt"),
            _(
                "är det som har skickats vidare till dem som gör arbetet. En del betalas ut efter"
                " insamlingsårets slut."
            ),
        ),
    ]
