"""What the public is told of money that has moved: on both pages, and in the list of all of it."""

import datetime
import html
import re

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from donations import moves, operations
from donations.models import FundYear, ProposalLine, SurplusClause, Transfer
from donations.operations import LineIn
from projects.models import Contact, FocusArea, SiteSettings
from tests import cast

pytestmark = pytest.mark.django_db
KRONOR = 100


def side(
    number: str,
    title: str,
    need: int,
    given: int,
    *,
    is_published: bool = True,
    day: datetime.date | None = None,
) -> FundYear:
    """A project's fund year with its need and what it was given, in öre."""
    day = day or timezone.localdate()
    page = cast.project(f"p{number}", title=title)
    fund = cast.fund(number, page)
    year = cast.fund_year(fund, need, day)
    if given:
        cast.gift(fund, given, day)
    if is_published:
        cast.publish(page)
    return year


def area() -> FocusArea:
    made = cast.area("vatten", title="Vatten", clause_from=cast.NEW_YEAR)
    cast.publish(made)
    return made


def move(
    source: FundYear,
    *parts: tuple[FundYear, int],
    reason: str = "Behovet är täckt",
    day: datetime.date | None = None,
) -> list[Transfer]:
    """One person proposes, and another approves."""
    lines = [LineIn(source, to, ore, f"{to.fund.page} saknar mest") for to, ore in parts]
    proposal = operations.draft(lines, reason=reason, by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    return operations.approve(proposal, by=cast.colleague(), booked_on=day)


def read(address: str) -> str:
    """The words of a page's main part as a reader meets them, and each link as [words](address)."""
    response = Client().get(address)
    assert response.status_code == 200
    found = response.content.decode().split("<main", 1)[1].split("</main>")[0]
    found = re.sub(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', r"[\2](\1)", found)
    words = html.unescape(re.sub(r"<[^>]+>", " ", found)).replace("\N{SOFT HYPHEN}", "")
    return re.sub(r"[\s\N{NO-BREAK SPACE}]+", " ", words)


def test_both_pages_tell_of_the_surplus_and_link_to_each_other() -> None:
    area()
    rich = side("47030", "Rent vatten", 276_000 * KRONOR, 332_028 * KRONOR)
    west = side("47031", "Brunnar i väst", 100_000 * KRONOR, 0)
    move(rich, (west, 56_028 * KRONOR))

    giving, given = read("/projekt/p47030/"), read("/projekt/p47031/")

    assert "56 028 kr av överskottet har gått till [Brunnar i väst](/projekt/p47031/)" in giving
    assert "Flyttat härifrån −56 028 kr" in giving
    assert "Flyttat hit 56 028 kr varav 56 028 kr från [Rent vatten](/projekt/p47030/)" in given
    assert "[omfördelningarna](/omfordelningar/)" in giving
    assert "[omfördelningarna](/omfordelningar/)" in given


def test_several_receivers_stand_as_a_list_the_largest_first_to_the_ore() -> None:
    area()
    rich = side("47030", "Rent vatten", 100 * KRONOR, 100 * KRONOR + 1_234_501)
    west, east = side("47031", "Väst", 1, 0), side("47032", "Öst", 20_000 * KRONOR, 0)
    move(rich, (west, 1), (east, 1_234_500))
    assert (
        "12 345,01 kr av överskottet har gått till andra projekt: "
        "12 345 kr till [Öst](/projekt/p47032/) 0,01 kr till [Väst](/projekt/p47031/)"
    ) in read("/projekt/p47030/")
    assert "varav 0,01 kr från [Rent vatten](/projekt/p47030/)" in read("/projekt/p47031/")


def test_money_between_the_same_two_is_one_sum_and_what_was_put_back_is_none() -> None:
    area()
    rich = side("47030", "Rent vatten", 100, 1_000_00)
    west = side("47031", "Brunnar i väst", 5_000_00, 0)
    move(rich, (west, 10_00))
    [wrong] = move(rich, (west, 200_00))
    move(rich, (west, 5_00))
    assert "varav 215 kr från [Rent vatten]" in read("/projekt/p47031/")
    operations.reverse(wrong, booked_on=timezone.localdate(), reason="Fel belopp", by=cast.ester())
    assert "varav 15 kr från [Rent vatten]" in read("/projekt/p47031/")

    for transfer in Transfer.objects.filter(line__isnull=False, reversal=None):
        operations.reverse(
            transfer, booked_on=timezone.localdate(), reason="Fel mottagare", by=cast.ester()
        )
    for page in ("/projekt/p47030/", "/projekt/p47031/"):
        assert "Flyttat" not in read(page)
        assert "omfördelningarna" not in read(page)


def test_what_only_waits_for_a_decision_has_not_moved() -> None:
    area()
    rich, west = side("47030", "Rent vatten", 100, 1_000_00), side("47031", "Väst", 500_00, 0)
    proposal = operations.draft([LineIn(rich, west, 5_00)], reason="Därför", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    assert "Flyttat" not in read("/projekt/p47030/")
    assert "Inget överskott har flyttats än." in read("/omfordelningar/")


def test_a_page_that_is_not_published_is_named_by_its_number_without_a_link() -> None:
    area()
    long_name = (
        "Tillsammans för utbildningsmöjligheter & hälsa i byar längs Brahmaputraflodens övre lopp"
    )
    rich = side("47030", "Rent vatten", 100, 1_000_00)
    hidden = side("47031", long_name, 500_00, 0, is_published=False)
    move(rich, (hidden, 5_00))
    told = "5 kr av överskottet har gått till insamling 47031 Kvar att samla in"
    assert told in read("/projekt/p47030/")
    assert "till insamling 47031 Behovet är täckt" in read("/omfordelningar/")
    assert f"till {long_name}" not in read("/omfordelningar/")


def test_last_years_moves_are_folded_under_earlier_years_and_carried_money_says_whence() -> None:
    area()
    last, new = datetime.date(2025, 12, 31), datetime.date(2026, 1, 2)
    with time_machine.travel(datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC), tick=False):
        rich = side("47030", "Rent vatten", 100_00, 155_00, day=last)
        west = side("47031", "Brunnar i väst", 500_00, 0, day=last)
        move(rich, (west, 50_00), day=new)
        operations.carry_over(rich, 3_00, booked_on=new, reason="Till nästa år", by=cast.ester())
        giving, given = read("/projekt/p47030/"), read("/projekt/p47031/")

    assert "Flyttat hit 3 kr varav 3 kr från förra året" in giving
    folded = giving.split("Tidigare år")[1]
    assert "2025 50 kr av överskottet gick till [Brunnar i väst](/projekt/p47031/)" in folded
    assert "3 kr av överskottet gick vidare till 2026" in folded
    assert "Flyttat" not in given
    assert "Tidigare år 2025 50 kr kom från [Rent vatten](/projekt/p47030/)" in given


def test_in_its_own_year_a_page_says_what_went_on_to_the_next() -> None:
    area()
    with time_machine.travel(datetime.datetime(2026, 1, 2, 12, tzinfo=datetime.UTC), tick=False):
        rich = side("47030", "Rent vatten", 100_00, 155_00, day=datetime.date(2025, 12, 31))
        day = timezone.localdate()
        operations.carry_over(rich, 2_00, booked_on=day, reason="Vidare", by=cast.ester())
        [new, old] = moves.of_page(rich.fund.page.pk, day)
    assert (old.year, old.carried_out, old.year_after) == ("2025", 2_00, "2026")
    assert (new.year, new.carried_in, new.year_before) == ("2026", 2_00, "2025")


def test_the_clause_and_whom_to_ask_stand_before_how_to_give() -> None:
    area()
    SiteSettings(name="Långväga", email="info@example.org").save()
    year = side("47030", "Rent vatten", 100_00, 0)
    box = read("/projekt/p47030/").split("Insamlingsnummer")[1]
    asked = "Skriv till [info@example.org](mailto:info@example.org)"
    assert box.index(cast.CLAUSE) < box.index(asked) < box.index("Så ger du")

    page = year.fund.project
    assert page
    page.contact = Contact.objects.create(name="Gunvor Aspelund", email="gunvor@example.org")
    page.save()
    cast.publish(page)
    box = read("/projekt/p47030/").split("Insamlingsnummer")[1]
    asked = "Fråga [Gunvor Aspelund](mailto:gunvor@example.org)"
    assert box.index(cast.CLAUSE) < box.index(asked) < box.index("Så ger du")


class TestTheList:
    def test_each_tells_day_funds_amount_reasons_and_clause_and_names_nobody(self) -> None:
        area()
        rich, west = side("47030", "Rent vatten", 1_00, 900_00), side("47031", "Väst", 500_00, 0)
        [moved] = move(rich, (west, 5_00), reason="Årets behov är täckt med råge")
        told = read("/omfordelningar/")
        for text in (
            "En omfördelning",
            f"Vatten · insamlingsåret {timezone.localdate().year}",
            "5 kr från [Rent vatten](/projekt/p47030/) till [Väst](/projekt/p47031/)",
            "Årets behov är täckt med råge Väst saknar mest",
            "Föreslaget av en person och godkänt av en annan.",
            cast.CLAUSE,
        ):
            assert text in told
        assert not re.search("Ester|Kajsa|@example", told)
        assert "Rättad" not in told
        why = "Sara Ek ångrade sig"
        operations.reverse(moved, booked_on=timezone.localdate(), reason=why, by=cast.ester())
        told = read("/omfordelningar/")
        assert "Rättad den" in told
        assert "Sara" not in told

    def test_only_the_clauses_that_were_in_force_that_year_are_shown(self) -> None:
        this_year = timezone.localdate().year
        where = area()
        for year, text in ((this_year - 1, "Fjolårets ord."), (this_year, "Årets ord.")):
            day = datetime.date(year, 1, 1)
            SurplusClause.objects.create(focus_area=where, text=text, valid_from=day)
        rich, west = side("47030", "Rent vatten", 1_00, 900_00), side("47031", "Väst", 500_00, 0)
        move(rich, (west, 5_00))
        told = read("/omfordelningar/")
        assert "Årets ord." in told
        assert "Fjolårets ord." not in told
        assert cast.CLAUSE not in told

    def test_it_is_filtered_by_year_and_area_and_what_cannot_be_is_left_out(self) -> None:
        area()
        rich, west = side("47030", "Rent vatten", 1_00, 900_00), side("47031", "Väst", 500_00, 0)
        move(rich, (west, 5_00))
        school = cast.area("skola", title="Skola")
        this_year = timezone.localdate().year
        for query, shown in (
            (f"ar={this_year}&omrade=vatten", True),
            ("ar=1999", True),
            (f"ar={this_year}&omrade={school.slug}", True),
            ("ar=%00&omrade='&sida=-9", True),
        ):
            assert ("5 kr från" in read(f"/omfordelningar/?{query}")) is shown
        assert not moves.reallocations(area_id=school.pk)
        assert not moves.reallocations(year="1999")
        assert moves.reallocations(str(this_year), west.focus_area_id).count() == 1

    def test_the_newest_come_first_a_sheet_at_a_time_at_the_same_cost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("donations.views.REALLOCATIONS_PER_SHEET", 3)
        area()
        rich = side("47030", "Rent vatten", 1_00, 900_00)
        to = [side(f"4704{n}", f"By {n}", 500_00, 0) for n in range(5)]
        first = move(rich, (to[0], 5_00))
        assert len(first) == 1
        with CaptureQueriesContext(connection) as for_one:
            read("/omfordelningar/")
        move(rich, *((year, 6_00) for year in to[1:]))
        with CaptureQueriesContext(connection) as for_many:
            told = read("/omfordelningar/")
        assert re.findall(r"till \[(By \d)", told) == ["By 1", "By 2", "By 3"]
        assert re.findall(r"till \[(By \d)", read("/omfordelningar/?sida=2")) == ["By 4", "By 0"]
        assert len(for_many) == len(for_one)

    def test_about_giving_and_the_footer_lead_to_it(self) -> None:
        area()
        html = Client().get("/om-gavor/").content.decode()
        assert html.count('href="/omfordelningar/"') == 2


def test_a_page_costs_as_many_queries_however_many_moves_it_has() -> None:
    area()
    rich = side("47030", "Rent vatten", 1_00, 900_00)
    to = [side(f"4704{n}", f"By {n}", 500_00, 0) for n in range(4)]
    move(rich, (to[0], 5_00))
    with CaptureQueriesContext(connection) as with_one:
        read("/projekt/p47030/")
    move(rich, *((year, 6_00) for year in to))
    with CaptureQueriesContext(connection) as with_many:
        read("/projekt/p47030/")
    assert ProposalLine.objects.count() == 5
    assert len(with_many) == len(with_one)
