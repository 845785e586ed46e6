"""What becomes of each surplus when a year is over, closing the year, and locking periods."""

import datetime
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from donations import operations, queries
from donations.models import (
    FundYear,
    LeftSurplus,
    PeriodLock,
    Proposal,
    Transfer,
    YearClosing,
)
from donations.operations import LineIn
from staff.models import Event
from staff.roles import Role
from tests import cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

CARRIED = {"booked_on": "2025-01-15", "reason": "Behövs nästa år"}


@pytest.fixture
def ekonomi(client: Client) -> Client:
    return cast.sign_in(client, cast.member("Eko", Role.FINANCE))


@pytest.fixture
def over(db: None) -> FundYear:
    """A fund year of a year that is over, with a need of 100 kr and a surplus of 50 kr."""
    fund = cast.fund()
    year = cast.fund_year(fund, 100_00)
    cast.gift(fund, 150_00)
    return year


def address(over: FundYear, end: str = "") -> str:
    return f"/ekonomi/arsskifte/{over.year_id}/{end}"


def send(client: Client, where: str, **typed: str) -> Any:
    """Fill in and send a form as it is shown."""
    once = client.get(where).context["form"]["once"].value()
    return client.post(where, {"once": once, **typed})


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def surplus(year: FundYear) -> int | None:
    return queries.figures([year], timezone.localdate())[year.pk].surplus


class TestDeciding:
    """Each surplus: moved, carried over, or left with a reason."""

    def test_a_surplus_is_shown_with_its_figures_and_what_can_be_done(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        shown = text_of(ekonomi.get(address(over)))
        assert "Överskott som inte är beslutade: 1, tillsammans 50 kr" in shown
        for way in (
            f"/ekonomi/omfordelning/ny/{over.pk}/",
            f"/ekonomi/arsskifte/for-over/{over.pk}/",
            f"/ekonomi/arsskifte/lat-sta-kvar/{over.pk}/",
        ):
            assert way in shown

    def test_whoever_only_reads_sees_the_figures_but_no_ways(
        self, over: FundYear, client: Client
    ) -> None:
        reader = cast.sign_in(client, cast.member("Las", Role.READER))
        shown = text_of(reader.get(address(over)))
        assert "50 kr" in shown
        assert "for-over" not in shown
        assert reader.post(f"/ekonomi/arsskifte/for-over/{over.pk}/").status_code == 403
        assert reader.post(address(over, "stang/")).status_code == 403

    def test_the_surplus_is_filled_in_and_carried_over_to_the_same_funds_next_year(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        where = f"/ekonomi/arsskifte/for-over/{over.pk}/"
        assert ekonomi.get(where).context["form"]["amount"].value() == "50"
        send(ekonomi, where, amount="50", **CARRIED)
        transfer = Transfer.objects.get(kind=Transfer.Kind.CARRY_OVER)
        following = transfer.credit.fund_year
        assert following is not None
        assert (following.fund_id, following.year.name) == (over.fund_id, "2025")
        shown = text_of(ekonomi.get(address(over)))
        assert "50 kr</strong> överfört till 2025 den 15 januari 2025, av Eko" in shown
        assert "Behövs nästa år" in shown
        assert "Allt är klart för att stänga året" in shown

    @pytest.mark.parametrize(
        ("typed", "complaint"),
        [
            ({"amount": "50,01"}, "går att föra över är 50 kr; du försökte föra över 50,01 kr"),
            ({"amount": "0"}, "större än 0 kr"),
            ({"booked_on": "2024-12-31"}, "Året är inte slut"),
            ({"booked_on": "2099-01-01"}, "Dagen kan inte ligga i framtiden"),
            ({"reason": ""}, "Skriv varför."),
        ],
    )
    def test_a_refusal_names_the_figures_and_keeps_what_was_typed(
        self, over: FundYear, ekonomi: Client, typed: dict[str, str], complaint: str
    ) -> None:
        where = f"/ekonomi/arsskifte/for-over/{over.pk}/"
        refused = send(ekonomi, where, **{"amount": "50", **CARRIED, **typed})
        assert complaint in text_of(refused)
        assert f'value="{typed.get("amount", "50")}"' in text_of(refused)
        assert not Transfer.objects.filter(kind=Transfer.Kind.CARRY_OVER).exists()

    def test_what_a_proposal_holds_cannot_be_carried_over(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        hold(over, 20_00)
        where = f"/ekonomi/arsskifte/for-over/{over.pk}/"
        assert ekonomi.get(where).context["form"]["amount"].value() == "30"
        assert "är 30 kr" in text_of(send(ekonomi, where, amount="50", **CARRIED))

    def test_a_surplus_that_is_left_says_who_decided_and_why(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        where = f"/ekonomi/arsskifte/lat-sta-kvar/{over.pk}/"
        send(ekonomi, where, reason="  ")
        assert not LeftSurplus.objects.exists()
        send(ekonomi, where, reason="Betalas ut i februari")
        shown = text_of(ekonomi.get(address(over)))
        assert "50 kr</strong> står kvar" in shown
        assert "av Eko. Betalas ut i februari" in shown
        assert "beslutat</span>" in shown

    def test_a_surplus_that_has_changed_since_it_was_left_is_decided_again(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        send(ekonomi, f"/ekonomi/arsskifte/lat-sta-kvar/{over.pk}/", reason="Betalas ut")
        cast.gift(over.fund, 7_00)
        shown = text_of(ekonomi.get(address(over)))
        assert "Gäller inte längre: överskottet är nu 57 kr" in shown
        assert "Överskott som inte är beslutade: 1, tillsammans 57 kr" in shown

    def test_a_second_click_carries_nothing_over_twice(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        where = f"/ekonomi/arsskifte/for-over/{over.pk}/"
        once = ekonomi.get(where).context["form"]["once"].value()
        sent = {"once": once, "amount": "20", **CARRIED}
        ekonomi.post(where, sent)
        assert "Det var redan gjort" in text_of(ekonomi.post(where, sent, follow=True))
        assert surplus(over) == 30_00

    def test_a_reallocation_is_shown_as_decided(self, over: FundYear, ekonomi: Client) -> None:
        proposal = hold(over, 50_00)
        operations.approve(proposal, by=cast.colleague(), booked_on=timezone.localdate())
        shown = text_of(ekonomi.get(address(over)))
        assert "50 kr</strong> omfördelat till 47031 Granne" in shown
        assert "Allt är klart" in shown


def hold(source: FundYear, ore: int) -> Proposal:
    """A proposal that waits, to a neighbour that needs a thousand."""
    neighbour = cast.fund_year(
        cast.fund("47031", cast.project("granne", source.focus_area)), 1000_00
    )
    line = LineIn(source, neighbour, ore)
    proposal = operations.draft([line], reason="Till en granne", by=cast.ester())
    operations.submit(proposal, by=cast.ester())
    return proposal


class TestClosing:
    def test_a_year_with_an_undecided_surplus_stays_open(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        where = address(over, "stang/")
        assert ekonomi.get(where)["Location"] == address(over)
        refused = ekonomi.post(where, {"once": uuid.uuid4(), "sure": "ja"})
        assert "Överskott som inte är beslutade: 1, tillsammans 50 kr" in text_of(refused)
        assert not YearClosing.objects.exists()

    def test_a_year_with_a_proposal_that_waits_stays_open(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        hold(over, 50_00)
        shown = text_of(ekonomi.get(address(over)))
        assert "Förslag som väntar på beslut: 1" in shown
        assert "Stäng året</a>" not in shown

    def test_closing_asks_once_more_and_locks_the_years_days(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        operations.leave_surplus(over, reason="Betalas ut", by=cast.ester())
        where = address(over, "stang/")
        assert "Kryssa i rutan" in text_of(send(ekonomi, where))
        assert not YearClosing.objects.exists()
        shown = text_of(ekonomi.get(where))
        assert "Alla dagar till och med den 31 december 2024 låses" in shown
        send(ekonomi, where, sure="ja")
        assert YearClosing.objects.get().year == over.year
        assert operations.first_open_day() == datetime.date(2025, 1, 1)
        assert Event.objects.filter(text="Stängde insamlingsåret 2024").exists()

    def test_a_closed_year_says_so_and_is_only_read(self, over: FundYear, ekonomi: Client) -> None:
        operations.leave_surplus(over, reason="Betalas ut", by=cast.ester())
        where = f"/ekonomi/arsskifte/for-over/{over.pk}/"
        once = ekonomi.get(where).context["form"]["once"].value()
        operations.close_year(over.year, by=cast.ester())
        shown = text_of(ekonomi.get(address(over)))
        assert "Insamlingsåret 2024 stängdes den" in shown
        assert "for-over" not in shown
        for page in (where, f"/ekonomi/arsskifte/lat-sta-kvar/{over.pk}/", address(over, "stang/")):
            assert ekonomi.get(page)["Location"] == address(over)
        refused = ekonomi.post(where, {"once": once, "amount": "50", **CARRIED})
        assert "Insamlingsåret 2024 är stängt" in text_of(refused)
        assert surplus(over) == 50_00

    def test_a_year_that_goes_on_can_be_looked_at_but_not_decided(self, ekonomi: Client) -> None:
        today = timezone.localdate()
        fund = cast.fund()
        year = cast.fund_year(fund, day=today)
        operations.set_need(year, 0, decided_on=today, reason="Beslut", by=cast.ester())
        cast.gift(fund, 50_00, day=today)
        shown = text_of(ekonomi.get(address(year)))
        assert f"Insamlingsåret {year.year} är inte slut" in shown
        assert "for-over" not in shown

    def test_needs_that_are_unknown_are_pointed_out(self, over: FundYear, ekonomi: Client) -> None:
        cast.fund_year(cast.fund("47035", cast.project("okant")))
        assert "En insamling har inget bestämt behov" in text_of(ekonomi.get(address(over)))


class TestPeriods:
    def test_locking_shows_what_is_not_finished_then_asks_once_more(
        self, over: FundYear, ekonomi: Client
    ) -> None:
        cast.gift(None, 30_00, day=datetime.date(2024, 6, 30))
        cast.gift(None, 40_00, day=datetime.date(2024, 7, 1))
        hold(over, 50_00)
        where = "/ekonomi/perioder/las/?till=2024-06-30"
        shown = text_of(ekonomi.get(where))
        assert 'bankdatum i perioden: 1, tillsammans <span class="money">30 kr' in shown
        assert "väntar på beslut: 1" in shown
        assert "Kryssa i rutan" in text_of(send(ekonomi, where))
        assert not PeriodLock.objects.exists()
        done = send(ekonomi, where, sure="ja")
        assert done["Location"] == "/ekonomi/perioder/"
        assert operations.first_open_day() == datetime.date(2024, 7, 1)
        assert "Låst till och med den 30 juni 2024" in text_of(ekonomi.get("/ekonomi/perioder/"))

    @pytest.mark.parametrize(
        ("day", "complaint"),
        [
            ("", "Välj den sista dagen"),
            ("i somras", "Skriv dagen som år-månad-dag"),
            ("2024-03-31", "Perioden är redan låst till och med den 31 mars 2024"),
            ("2099-01-01", "som längst till och med i går"),
        ],
    )
    def test_a_day_that_cannot_be_locked_is_refused_before_anything_is_asked(
        self, ekonomi: Client, day: str, complaint: str
    ) -> None:
        operations.lock_period(datetime.date(2024, 3, 31), by=cast.ester())
        shown = ekonomi.get("/ekonomi/perioder/las/", {"till": day})
        assert complaint in text_of(shown)
        assert f'value="{day}"' in text_of(shown) or not day

    def test_the_first_open_day_can_be_locked_and_today_cannot(self, ekonomi: Client) -> None:
        operations.lock_period(datetime.date(2024, 3, 31), by=cast.ester())
        assert operations.what_stops_lock(datetime.date(2024, 4, 1)) == ""
        today = timezone.localdate()
        assert operations.what_stops_lock(today) != ""
        assert operations.what_stops_lock(today - datetime.timedelta(days=1)) == ""

    def test_a_second_click_and_another_tab_lock_nothing_twice(self, ekonomi: Client) -> None:
        where = "/ekonomi/perioder/las/?till=2024-06-30"
        first, second = (ekonomi.get(where).context["form"]["once"].value() for _tab in range(2))
        ekonomi.post(where, {"once": first, "sure": "ja"})
        again = ekonomi.post(where, {"once": first, "sure": "ja"}, follow=True)
        assert "Det var redan gjort" in text_of(again)
        other_tab = ekonomi.post(where, {"once": second, "sure": "ja"})
        assert "redan låst till och med den 30 juni 2024" in text_of(other_tab)
        assert PeriodLock.objects.count() == 1

    def test_the_approver_reads_but_does_not_lock(self, client: Client) -> None:
        approver = cast.sign_in(client, cast.member("Att", Role.APPROVER))
        assert "Lås en period" not in text_of(approver.get("/ekonomi/perioder/"))
        assert approver.get("/ekonomi/perioder/las/?till=2024-06-30").status_code == 403


@pytest.mark.look
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_on_these_pages(
    open_as: "Callable[..., Page]", axe: "Callable[[Page], list[str]]", width: int
) -> None:
    fund = cast.fund()
    over = cast.fund_year(fund, 100_00)
    cast.gift(fund, 150_00)
    settled = cast.fund_year(
        cast.fund("47039", cast.project("klart")), day=datetime.date(2023, 1, 1)
    )
    page = open_as(cast.ester(), "/ekonomi/arsskifte/", width=width)
    assert axe(page) == []
    for path in (
        address(over),
        f"/ekonomi/arsskifte/for-over/{over.pk}/",
        f"/ekonomi/arsskifte/lat-sta-kvar/{over.pk}/",
        address(settled, "stang/"),
        "/ekonomi/perioder/",
        "/ekonomi/perioder/las/?till=2024-06-30",
    ):
        page.goto(path)
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
