"""Where surplus is, what holds it back, and whom it is offered to."""

from typing import Any

import pytest
from django.utils import timezone

from donations import candidates, operations, since
from donations.models import FundYear, Proposal
from donations.operations import LineIn
from donations.queries import Figures
from projects.models import FocusArea, Project
from tests import cast

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


def neighbour(number: str, need: int, area: FocusArea | None = None, **fields: Any) -> FundYear:
    """A fund of the area with that need in kronor this year, and nothing collected."""
    area = area or FocusArea.objects.get(slug="vatten")
    project = cast.project(f"p{number}", area, title=f"Projekt {number}", **fields)
    return cast.fund_year(cast.fund(number, project), need * 100, TODAY())


@pytest.fixture
def source() -> FundYear:
    """47030 in Nepal, which needs 100 kr and has 300 kr, given under a clause."""
    area = cast.area(clause_from=TODAY().replace(month=1, day=1))
    year = neighbour("47030", 100, area, countries=["NP"])
    cast.gift(year.fund, 300_00, TODAY())
    return year


def suggested(source: FundYear) -> dict[str, str]:
    """The suggested funds' numbers in order, each with its reason."""
    found = candidates.candidates(source, TODAY())
    return {one.key: one.reason.replace("\N{NO-BREAK SPACE}", " ") for one in found}


def hold(source: FundYear, receiver: FundYear, kronor: int) -> Proposal:
    """A proposal of Ester's that waits."""
    lines = [LineIn(source, receiver, kronor * 100)]
    draft = operations.draft(lines, reason="Skäl", by=cast.ester())
    return operations.submit(draft, by=cast.ester())


def test_those_picked_by_hand_come_first_then_those_alike_then_those_with_most_left(
    source: FundYear,
) -> None:
    partner = cast.organisation("dobato", title="Dobato")
    assert source.fund.project
    source.fund.project.partners.add(partner)
    neighbour("47031", 900)
    neighbour("47032", 500, countries=["NP"])
    both = neighbour("47033", 400, countries=["NP"])
    picked = neighbour("47034", 50)
    assert both.fund.project
    assert picked.fund.project
    both.fund.project.partners.add(partner)
    source.fund.project.similar.add(picked.fund.project)
    assert suggested(source) == {
        "47034": "Utvald på projektets sida. Kvar att samla in 50 kr.",
        "47033": "Samma land: Nepal. Samma partner: Dobato. Kvar att samla in 400 kr.",
        "47032": "Samma land: Nepal. Kvar att samla in 500 kr.",
        "47031": "Kvar att samla in 900 kr.",
    }
    assert list(suggested(source)) == ["47034", "47033", "47032", "47031"]


def test_what_visitors_read_counts_before_what_is_being_written(source: FundYear) -> None:
    other = neighbour("47031", 900, countries=["NP"]).fund.project
    assert other
    cast.publish(other)
    Project.objects.filter(pk=other.pk).update(countries="KE")
    assert suggested(source)["47031"].startswith("Samma land: Nepal.")


def test_only_those_of_the_same_area_and_year_who_still_need_money_are_suggested(
    source: FundYear,
) -> None:
    neighbour("47031", 0)
    neighbour("47032", 900, cast.area("skola"))
    last_year = neighbour("47033", 900).fund
    cast.fund_year(last_year, 700_00, cast.NEW_YEAR)
    cast.fund_year(cast.fund("47034"), None, TODAY())
    assert list(suggested(source)) == ["47033"]
    assert suggested(source)["47033"] == "Kvar att samla in 900 kr."


def test_what_a_proposal_that_waits_sends_a_candidate_is_not_offered_it_again(
    source: FundYear,
) -> None:
    receiver = neighbour("47031", 150)
    hold(source, receiver, 149)
    assert [one.remaining_ore for one in candidates.candidates(source, TODAY())] == [100]
    hold(source, receiver, 1)
    assert candidates.candidates(source, TODAY()) == []


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({}, "inte bestämt"),
        ({"need": 0, "gifts": 300_00, "covered": 300_00}, ""),
        ({"need": 0, "gifts": 300_00, "covered": 299_00}, "omfattar bara 299"),
        ({"need": 0, "gifts": 300_00}, "Inget överskottsvillkor"),
        ({"need": 0, "gifts": 300_00, "covered": 300_00, "disbursed": 1_00}, "Bara 299"),
        ({"need": 0, "gifts": 300_00, "covered": 300_00, "disbursed": 300_00}, "Allt är redan"),
        ({"need": 0, "gifts": 300_00, "covered": 300_00, "pending": 5_00}, "5 kr hålls"),
    ],
)
def test_what_holds_a_surplus_back_is_told(
    source: FundYear, figures: dict[str, int], told: str
) -> None:
    row = candidates.Surplus(source, Figures(TODAY(), **figures))  # type: ignore[arg-type]
    text = " ".join(row.obstacles).replace("\N{NO-BREAK SPACE}", " ")
    assert told in text
    assert bool(text) is bool(told)


def test_surpluses_are_listed_most_movable_first_also_where_the_need_is_unknown(
    source: FundYear,
) -> None:
    larger, unknown = neighbour("47031", 100), cast.fund("47032")
    neighbour("47033", 500)
    cast.gift(larger.fund, 900_00, TODAY())
    cast.gift(unknown, 10_00, TODAY())
    found = [row.fund_year.fund.collection_number for row in candidates.surpluses(TODAY())]
    assert found == ["47031", "47030", "47032"]


def test_what_has_changed_since_a_proposal_was_submitted_is_told_figure_by_figure(
    source: FundYear,
) -> None:
    receiver = neighbour("47031", 150)
    proposal = hold(source, receiver, 100)
    assert since.submission(proposal, TODAY()) == []
    gift = source.account.credits.get()
    operations.refund(gift, 120_00, booked_on=TODAY(), reason="Ångrat", by=cast.ester())
    operations.disburse(source, 30_00, booked_on=TODAY(), reason="Till partner", by=cast.ester())
    cast.gift(receiver.fund, 70_00, TODAY())
    operations.set_need(receiver, 250_00, decided_on=TODAY(), reason="Dyrare", by=cast.ester())
    told = [text.replace("\N{NO-BREAK SPACE}", " ") for text in since.submission(proposal, TODAY())]
    begins = "Sedan förslaget lämnades in har"
    assert told == [
        f"{begins} överskottet i 47030 minskat från 200 kr till 80 kr.",
        f"{begins} 30 kr betalats ut från 47030.",
        f"{begins} behovet i 47031 ökat från 150 kr till 250 kr.",
        f"{begins} det som är kvar att samla in i 47031 ökat från 150 kr till 180 kr.",
    ]


def test_a_donors_no_that_takes_the_money_away_is_told_to_who_decides() -> None:
    area = cast.area("skog", clause_from=None)
    fund = cast.fund("47090", cast.project("kallor", area))
    source, receiver = cast.fund_year(fund, 0, TODAY()), neighbour("47091", 600, area)
    gift = cast.gift(fund, 500_00, TODAY())

    def answer(is_yes: bool) -> None:
        operations.record_answer(
            gift, is_yes, asked_by="Ester", answered_on=TODAY(), by=cast.ester()
        )

    answer(is_yes=True)
    proposal = hold(source, receiver, 300)
    answer(is_yes=False)
    assert list(operations.approvable(proposal).values()) == [0]
    [told] = since.submission(proposal, TODAY())
    assert told.replace("\N{NO-BREAK SPACE}", " ") == (
        "Sedan förslaget lämnades in har det som villkor eller givares ja omfattar i 47090 minskat "
        "från 500 kr till 0 kr."
    )
