"""A fund's page: its figures on any day, the curve of its year, and its years side by side."""

import datetime
import re
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import operations, queries
from donations.finance import fund_curve, fund_figures
from donations.models import CollectionYear, FundYear, Need
from donations.money import format_kronor
from donations.operations import LineIn
from donations.reports import collected
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import NBSP, address, row_of, text_of

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
YEAR_2024 = CollectionYear(
    name="2024", starts_on=datetime.date(2024, 1, 1), ends_on=datetime.date(2024, 12, 31)
)


@pytest.fixture
def eskil() -> Client:
    """Eskil does the finances."""
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def first_figures(page: Any) -> str:
    """The large figures, as a person reads them."""
    html = page.content.decode().replace(NBSP, " ")
    found = re.search(r'<dl class="key-figures">(.*?)</dl>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


# On another day


def test_the_figures_stand_as_they_did_at_the_end_of_a_day(eskil: Client) -> None:
    fund = cast.fund()
    year = cast.fund_year(fund, 1_000_00)
    cast.gift(fund, 600_00)
    cast.gift(fund, 300_00, cast.MIDSUMMER + DAY)
    operations.disburse(year, 100_00, booked_on=cast.MIDSUMMER + DAY, reason="x", by=cast.ester())
    before = eskil.get(f"{address('finance_fund')}&dag={cast.MIDSUMMER}")
    assert first_figures(before) == (
        "Kvar att samla in 400 kr 60 % av behovet är täckt Insamlat 600 kr"
        " Behov 1 000 kr bestämt den 1 januari 2024 Överskott 0 kr I kassan 600 kr"
    )
    assert "Siffrorna den 21 juni 2024" in text_of(before)
    assert "Går att flytta i dag" not in text_of(before)
    assert [row.transfer.amount_ore for row, _b in before.context["transfers"].rows] == [600_00]
    after = eskil.get(f"{address('finance_fund')}&dag={cast.MIDSUMMER + DAY}")
    assert "Insamlat 900 kr" in first_figures(after)
    assert "I kassan 800 kr 100 kr är utbetalt" in first_figures(after)
    assert first_figures(eskil.get(address("finance_fund"))) == first_figures(after)


def test_a_fund_that_needs_nothing_of_its_own_tells_of_no_share_of_it(eskil: Client) -> None:
    cast.fund_year(cast.fund(), 0)
    assert "Kvar att samla in 0 kr insamlingen har inget eget behov Insamlat" in first_figures(
        eskil.get(address("finance_fund"))
    )


@pytest.mark.parametrize(("day", "is_final"), [("2024-06-30", True), ("2024-07-01", False)])
def test_they_are_final_once_their_period_is_locked(
    eskil: Client, day: str, is_final: bool
) -> None:
    cast.gift(cast.fund(), 600_00)
    path = f"{address('finance_fund')}&dag={day}"
    assert "Siffrorna är preliminära: ingen period är låst." in text_of(eskil.get(path))
    operations.lock_period(datetime.date(2024, 6, 30), by=cast.ester())
    text = text_of(eskil.get(path))
    final = "Siffrorna är slutgiltiga: perioden är låst till och med den 30 juni 2024."
    open_ = "Siffrorna är preliminära: perioden är låst bara till och med den 30 juni 2024."
    assert (final in text, open_ in text) == (is_final, not is_final)


def test_a_day_outside_the_year_or_that_is_none_is_told(eskil: Client) -> None:
    fund = cast.fund()
    cast.fund_year(fund, 1_000_00)
    cast.gift(fund, 600_00)
    early = eskil.get(f"{address('finance_fund')}&dag=2023-12-31")
    assert "Insamlingsåret 2024 hade inte börjat då" in text_of(early)
    assert "Insamlat 0 kr" in first_figures(early)
    assert "Ingenting var bokfört för 2024 den 31 december 2023." in text_of(early)
    late = eskil.get(f"{address('finance_fund')}&dag=2025-02-01")
    assert "Insamlat 600 kr" in first_figures(late)
    tomorrow = timezone.localdate() + DAY
    for typed, sentence in (
        ("2024-02-30", "Skriv dagen som år-månad-dag"),
        ("igår", "Skriv dagen som år-månad-dag"),
        (tomorrow.isoformat(), "Dagen kan inte ligga i framtiden."),
    ):
        page = eskil.get(f"{address('finance_fund')}&dag={typed}")
        assert sentence in text_of(page)
        assert f'value="{typed}"' in page.content.decode()
        assert "Insamlat 600 kr" in first_figures(page)


def test_a_day_without_a_year_is_shown_in_the_year_that_holds_it(eskil: Client) -> None:
    fund = cast.fund()
    cast.gift(fund, 600_00)
    cast.gift(fund, 300_00, datetime.date(2025, 1, 1))
    path = reverse("finance_fund", args=["47030"])
    for day, year, ore in (("2024-12-31", "2024", "600 kr"), ("2025-01-01", "2025", "300 kr")):
        page = eskil.get(f"{path}?dag={day}")
        assert page.context["year"].name == year
        assert f"Insamlat {ore}" in first_figures(page)


def test_a_fund_without_the_year_has_its_page_all_the_same(eskil: Client) -> None:
    cast.fund()
    for day in (cast.MIDSUMMER, timezone.localdate()):
        operations.collection_year(day)
    page = eskil.get(address("finance_fund"))
    assert "Kvar att samla in okänt" in first_figures(page)
    assert "Ingenting är bokfört för 2024 än." in text_of(page)
    for nothing in ("Över året", "År för år", "Saldo"):
        assert nothing not in text_of(page)
    # This year's is offered, so that its need can be decided.
    assert f"?ar={timezone.localdate().year}" in page.content.decode()


def test_an_empty_year_says_so(eskil: Client) -> None:
    cast.fund_year(cast.fund(), 1_000_00)
    page = eskil.get(address("finance_fund"))
    assert "Ingenting är bokfört för 2024 än." in text_of(page)
    assert page.context["curve"] is None
    assert "Inga transaktioner stämmer" in text_of(eskil.get(f"{address('finance_fund')}&vag=in"))


# The curve


def need(kronor: int, on: datetime.date, pk: int = 1) -> Need:
    return Need(pk=pk, amount_ore=kronor * 100, decided_on=on)


def points(path: str) -> list[tuple[float, float]]:
    """The corners of a line that goes level, and then up or down."""
    x, y = map(float, re.match(r"M([\d.]+),([\d.]+)", path).groups())  # type: ignore[union-attr]
    found = [(x, y)]
    for way, to in re.findall(r"([HV])([\d.]+)", path):
        x, y = (float(to), y) if way == "H" else (x, float(to))
        found.append((x, y))
    return found


def draw(**how: Any) -> fund_curve.Curve:
    given: dict[str, Any] = {
        "year": YEAR_2024,
        "before": None,
        "needs": [],
        "day": YEAR_2024.ends_on,
    }
    curve = fund_curve.draw(**{**given, **how})
    assert curve is not None
    return curve


def test_the_curve_rises_at_the_end_of_each_day_and_ends_on_the_day_asked_for() -> None:
    half = datetime.date(2024, 6, 30)
    curve = draw(collected=[(datetime.date(2024, 3, 31), 500_00), (half, 1_000_00)], day=half)
    assert curve.scale == ["1 000".replace(" ", NBSP), "800", "600", "400", "200", "0"]
    assert points(curve.now) == [(0, 400), (250, 400), (250, 200), (500, 200), (500, 0), (500, 0)]
    assert curve.end == "M500.0,0.0 h0"
    assert (curve.so_far, curve.year_before, curve.before) == (1_000_00, None, "")


def test_what_comes_after_the_day_or_the_year_is_not_drawn() -> None:
    gifts = [(datetime.date(2024, 3, 31), 500_00), (datetime.date(2025, 1, 2), 400_00)]
    assert draw(collected=gifts, day=datetime.date(2025, 6, 1)).so_far == 500_00
    assert draw(collected=gifts, day=datetime.date(2025, 6, 1)).through == YEAR_2024.ends_on
    for early in (datetime.date(2024, 3, 30), YEAR_2024.starts_on - DAY):
        assert fund_curve.draw(YEAR_2024, gifts, None, [], early) is None


def test_the_need_is_drawn_in_steps_from_when_it_was_decided() -> None:
    gifts = [(datetime.date(2024, 1, 1), 100_00)]
    first, second = datetime.date(2023, 11, 1), datetime.date(2024, 7, 1)
    curve = draw(collected=gifts, needs=[need(1_000, first), need(500, second, 2)])
    assert [y for _x, y in points(curve.need)] == [0, 0, 200, 200]
    first_of_july = pytest.approx(500, abs=3)
    assert [x for x, _y in points(curve.need)] == [0, first_of_july, first_of_july, 1000]
    late = draw(collected=gifts, needs=[need(1_000, second)])
    assert points(late.need)[0][0] == 500
    # Of two from one day, the later; and none that was decided after the day that is shown.
    both = draw(collected=gifts, needs=[need(1_000, first), need(200, first, 2)])
    assert {y for _x, y in points(both.need)} == {0}
    assert both.scale[0] == "200"
    assert not draw(collected=gifts, needs=[need(9, second)], day=second - DAY).need
    assert not draw(collected=gifts, needs=[need(0, first)]).need


def test_a_need_decided_when_the_year_has_ended_stands_on_its_last_day() -> None:
    gifts = [(datetime.date(2024, 1, 1), 100_00)]
    early, late = need(1_000, YEAR_2024.starts_on), need(500, datetime.date(2025, 1, 1), 2)
    changed = draw(collected=gifts, needs=[early, late], day=datetime.date(2025, 1, 1))
    assert (changed.rows[-2].need, changed.rows[-1].need) == (1_000_00, 500_00)
    assert draw(collected=gifts, needs=[early, late]).rows[-1].need == 1_000_00
    alone = draw(collected=gifts, needs=[late], day=datetime.date(2025, 1, 1))
    assert [row.need for row in alone.rows[-2:]] == [None, 500_00]
    assert points(alone.need)[-1][0] == 1000


def test_needs_that_have_been_read_are_in_force_as_those_that_are_asked_for() -> None:
    year = cast.fund_year(cast.fund(), 1_000_00)
    for ore, day in ((500_00, cast.MIDSUMMER), (700_00, cast.MIDSUMMER), (9_00, cast.NEW_YEAR)):
        operations.set_need(year, ore, decided_on=day, reason="x", by=cast.ester())
    for day, ores in (
        (cast.NEW_YEAR - DAY, []),
        (cast.NEW_YEAR, [9_00]),
        (cast.MIDSUMMER, [700_00]),
    ):
        found = queries.in_force(Need.objects.all(), day)
        assert found == queries.needs_in_force([year.pk], day)
        assert [need.amount_ore for need in found.values()] == ores


def test_the_year_before_lies_on_the_same_days_also_from_a_leap_day() -> None:
    year = CollectionYear(
        name="2025", starts_on=datetime.date(2025, 1, 1), ends_on=datetime.date(2025, 12, 31)
    )
    before = [(datetime.date(2024, 2, 29), 100_00), (datetime.date(2025, 1, 1), 700_00)]
    shown = {"year": year, "collected": [], "before": before}
    assert draw(**shown, day=datetime.date(2025, 2, 27)).year_before == 0
    curve = draw(**shown, day=datetime.date(2025, 2, 28))
    assert curve.year_before == 100_00
    assert max(x for x, _y in points(curve.before)) == 1000
    assert curve.scale[0] == "100"  # what came after the year's end is no part of it


@pytest.mark.parametrize(
    ("ore", "scale"),
    [
        (1, ["1", "0"]),
        (-50, ["1", "0", "−1"]),
        (9_999_99, ["10 000", "8 000", "6 000", "4 000", "2 000", "0"]),
        (1_000_000_01, ["1 500", "1 000", "500", "0"]),
        (10**12 * 9, ["100 000", "80 000", "60 000", "40 000", "20 000", "0"]),
    ],
)
def test_the_scale_holds_every_amount_on_few_even_lines(ore: int, scale: list[str]) -> None:
    curve = draw(collected=[(datetime.date(2024, 5, 5), ore)])
    assert [level.replace(NBSP, " ") for level in curve.scale] == scale
    assert all(0 <= y <= 400 for _x, y in points(curve.now))


def test_a_broken_year_has_its_own_months() -> None:
    year = CollectionYear(
        name="2024/25", starts_on=datetime.date(2024, 9, 1), ends_on=datetime.date(2025, 8, 31)
    )
    curve = draw(year=year, collected=[(datetime.date(2025, 2, 28), 5_00)], day=year.ends_on)
    assert [first + rest for first, rest in curve.months][:5] == ["sep", "okt", "nov", "dec", "jan"]
    assert points(curve.now)[1][0] == 500
    assert (curve.rows[0].label, curve.rows[-1].label) == ("september 2024", "augusti 2025")


def test_the_table_says_what_the_curve_does(eskil: Client) -> None:
    fund = cast.fund()
    year = cast.fund_year(fund, 1_000_00)
    operations.set_need(year, 500_00, decided_on=cast.MIDSUMMER, reason="x", by=cast.ester())
    gift = cast.gift(fund, 300_00, datetime.date(2024, 1, 31))
    cast.gift(fund, 400_00, datetime.date(2024, 3, 1))
    operations.refund(gift, 50_00, booked_on=datetime.date(2024, 3, 2), reason="x", by=cast.ester())
    cast.gift(fund, 70_00, datetime.date(2023, 3, 31))
    page = eskil.get(f"{address('finance_fund')}&dag=2024-06-30")
    assert row_of(page, "Januari 2024") == "Januari 2024 300 kr 300 kr 1 000 kr 0 kr"
    assert row_of(page, "Februari 2024") == "Februari 2024 0 kr 300 kr 1 000 kr 0 kr"
    assert row_of(page, "Mars 2024") == "Mars 2024 350 kr 650 kr 1 000 kr 70 kr"
    assert row_of(page, "Juni 2024") == "Juni 2024 0 kr 650 kr 500 kr 70 kr"
    assert row_of(page, "Juli 2024") == "Juli 2024 – – – 70 kr"
    part = eskil.get(f"{address('finance_fund')}&dag=2024-06-20")
    assert "Juni 2024, till och med den 20 0 kr 650 kr 1 000 kr 70 kr" in text_of(part)
    assert "den 20 juni 2024 är 650 kr insamlat. Samma dag 2023 var det 70 kr" in text_of(part)
    figures = queries.figures([year], cast.MIDSUMMER)[year.pk]
    assert part.context["curve"].so_far == figures.collected
    assert "style=" not in page.content.decode()


def test_what_was_collected_day_by_day_ends_as_the_figures_do(eskil: Client) -> None:
    """Of openings, placements, reversals and moves, only what is collected counts."""
    area = cast.area()
    fund = cast.fund("47030", cast.project("brunnar", area))
    year = cast.fund_year(fund, 100_00)
    other = cast.fund_year(cast.fund("47031", cast.project("pumpar", area)), 100_00)
    how: dict[str, Any] = {"booked_on": cast.MIDSUMMER, "reason": "x", "by": cast.ester()}
    operations.open_with(year, 7_00, **how)
    wrong = cast.gift(fund, 60_00)
    cast.gift(fund, 500_00)
    operations.reverse(wrong, **how)
    operations.disburse(year, 9_00, **how)
    draft = operations.draft([LineIn(year, other, 40_00)], reason="x", by=cast.ester())
    operations.approve(operations.submit(draft, by=cast.ester()), by=cast.colleague())
    figures = queries.figures([year], timezone.localdate())[year.pk]
    days = collected.days([year, other])
    assert days[year.pk].collected()[-1] == (cast.MIDSUMMER, figures.collected)
    assert days[other.pk].collected() == []
    assert days[year.pk].stand(timezone.localdate()).ore == figures.cash
    assert days[year.pk].stand(cast.MIDSUMMER - DAY).ore == 0
    text = text_of(eskil.get(address("finance_fund")))
    assert "Det som har flyttats till eller från insamlingen är inte med i kurvan." in text


# Years side by side


def test_the_years_stand_side_by_side_six_at_a_time_with_a_way_to_the_rest(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fund_figures, "MOST_YEARS", 2)
    fund = cast.fund()
    for name in range(2021, 2025):
        first = datetime.date(name, 1, 1)
        cast.fund_year(fund, (name - 2000) * 100_00, first)
        cast.gift(fund, name * 100, first)
    page = eskil.get(address("finance_fund"))
    assert row_of(page, "Gåvor som").endswith("här 0 kr 0 kr")
    assert [one.year.name for one in page.context["side_by_side"].years] == ["2024", "2023"]
    assert row_of(page, "Behov 2") == "Behov 2 400 kr 2 300 kr"
    assert "Senare år" not in text_of(page)
    [earlier] = re.findall(r'href="([^"]+)#ar-for-ar">Tidigare', page.content.decode())
    page = eskil.get(reverse("finance_fund", args=["47030"]) + earlier.replace("&amp;", "&"))
    assert page.context["year"].name == "2024"
    assert row_of(page, "Behov 2") == "Behov 2 200 kr 2 100 kr"
    assert "Tidigare år" not in text_of(page)
    assert "Senare år" in text_of(page)
    # Years that had not begun on the day are left out.
    page = eskil.get(f"{address('finance_fund', 2022)}&dag=2022-03-01&jamfor=2024")
    assert row_of(page, "Insamlat 2 022").startswith("Insamlat 2 022 kr 2 021 kr")


def test_every_figure_side_by_side_is_the_years_own(eskil: Client) -> None:
    fund = cast.fund()
    for name in (2023, 2024):
        cast.fund_year(fund, 1_000_00, datetime.date(name, 1, 1))
        cast.gift(fund, name * 100, datetime.date(name, 2, 2))
    today = timezone.localdate()
    years = list(FundYear.objects.select_related("year").order_by("-year__starts_on"))
    found = queries.figures_today(years, today)
    page = eskil.get(address("finance_fund"))
    rows = [row for _heading, rows in page.context["side_by_side"].groups for row in rows]
    assert len({line.label for line, _values in rows}) == len(rows)
    for line, values in rows:
        own = [
            next(one.ore for _h, lines in blocks for one in lines if one.label == line.label)
            for blocks in (fund_figures.blocks(found[y.pk], is_today=True) for y in years)
        ]
        assert [ore for _year, ore in values] == own, line.label
        told = " ".join(format_kronor(ore or 0).replace(NBSP, " ") for ore in own)
        assert f"{line.label} {told}" in text_of(page).split("År för år")[-1]


def test_the_year_of_today_is_chosen_at_midnight_in_stockholm() -> None:
    cast.gift(cast.fund(), 100_00)
    for now, name in (("2025-12-31 22:59", "2025"), ("2025-12-31 23:01", "2026")):
        with time_machine.travel(f"{now}:00+00:00", tick=False):
            client = cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))
            page = client.get(reverse("finance_fund", args=["47030"]))
            assert page.context["year"].name == name
