"""What the public is told of a fund, and of a focus area, on a day."""

import datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from donations import boxes, queries
from donations.models import Fund
from projects.models import FocusArea, Project
from tests import cast
from triggers import registry

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)


def area_total(area: FocusArea, day: datetime.date) -> queries.Total:
    return queries.area_total(area.pk, Project.objects.values_list("pk", flat=True), day)


@pytest.mark.parametrize(
    ("opened", "closed", "is_shown"),
    [(0, None, True), (1, None, False), (-9, 0, True), (-9, -1, False), (-9, 9, True)],
)
def test_a_box_is_shown_from_the_day_a_fund_opens_through_the_day_it_closes(
    opened: int, closed: int | None, is_shown: bool
) -> None:
    today = timezone.localdate()
    page = cast.project()
    Fund.objects.create(
        collection_number="47030",
        project=page,
        opened_on=today + opened * DAY,
        closed_on=None if closed is None else today + closed * DAY,
    )
    assert (page.pk in boxes.boxes([page.pk])) is is_shown


def test_when_a_fund_is_succeeded_the_box_shows_the_newer() -> None:
    today = timezone.localdate()
    page = cast.project()
    old = cast.fund("47030", page)
    old.closed_on = today
    old.save()
    Fund.objects.create(collection_number="47031", project=page, opened_on=today)
    assert boxes.boxes([page.pk])[page.pk].collection_number == "47031"


def test_a_page_whose_fund_is_closed_tells_so_with_its_figures_and_leads_on() -> None:
    today = timezone.localdate()
    page, other = cast.project("brunnar"), cast.project("pumpar")
    for published in (page, other):
        cast.publish(published)
    old = cast.fund("47030", page)
    cast.fund_year(old, 100_00, today)
    cast.gift(old, 30_00, today - DAY)
    old.closed_on, old.successor = today - DAY, cast.fund("47031", other)
    old.save()
    read = Client().get("/projekt/brunnar/").content.decode().replace("\N{NO-BREAK SPACE}", " ")
    for words in (
        "Insamlingen är stängd",
        "47030",
        "100 kr",
        "30 kr",
        "Ge i stället till insamlingen 47031",
    ):
        assert words in read
    assert 'href="/projekt/pumpar/"' in read
    assert "Kvar att samla in" not in read
    assert "Så ger du" not in read


def test_the_year_told_is_the_one_that_the_fund_was_closed_in() -> None:
    page = cast.project()
    fund = cast.fund("47030", page)
    for year in (cast.YEAR, cast.YEAR + 1):
        cast.fund_year(fund, 100_00, datetime.date(year, 1, 1))
    cast.gift(fund, 30_00)
    fund.closed_on = datetime.date(cast.YEAR, 12, 31)
    fund.save()
    told = boxes.closed(page.pk)
    assert told
    assert (told.year, told.figures.collected) == (str(cast.YEAR), 30_00)


def test_who_has_taken_over_is_named_once_it_is_open() -> None:
    today = timezone.localdate()
    old, new = cast.fund("47030", cast.project()), cast.fund("47031", cast.project("pumpar"))
    old.closed_on, old.successor = today - DAY, new
    old.save()
    for opened, heir in ((today + DAY, None), (today, new)):
        new.opened_on = opened
        new.save()
        old.refresh_from_db()
        assert queries.heir(old, today) == heir


def test_a_project_that_changes_area_takes_along_the_years_that_nothing_leans_on() -> None:
    today = timezone.localdate()
    water, forest = cast.area("vatten"), cast.area("skog")
    page = cast.project("brunnar", water)
    fund = cast.fund("47030", page)
    next_year = datetime.date(today.year + 1, 1, 1)
    past, now, following = (
        cast.fund_year(fund, day=day) for day in (cast.NEW_YEAR, today, next_year)
    )
    cast.gift(fund, 1_00, today)
    page.focus_area = forest
    page.save()
    areas = [type(year).objects.get(pk=year.pk).focus_area for year in (past, now, following)]
    assert areas == [water, water, forest]


def test_a_closed_fund_with_nobody_after_it_and_one_not_opened_yet() -> None:
    today = timezone.localdate()
    page, future = cast.project("brunnar"), cast.project("pumpar")
    for published in (page, future):
        cast.publish(published)
    Fund.objects.create(
        collection_number="47030", project=page, opened_on=today - 9 * DAY, closed_on=today - DAY
    )
    Fund.objects.create(collection_number="47031", project=future, opened_on=today + DAY)
    read = Client().get("/projekt/brunnar/").content.decode()
    assert "Numret tar inte emot fler gåvor" in read
    assert "Insamlat" not in read, "it never had a year"
    assert "Insamlingen är stängd" not in Client().get("/projekt/pumpar/").content.decode()


def test_a_closed_funds_year_still_counts_in_its_areas_total() -> None:
    area = cast.area()
    fund = cast.fund("47030", cast.project("brunnar", area))
    cast.fund_year(fund, 100_00)
    cast.gift(fund, 30_00)
    fund.closed_on = cast.MIDSUMMER
    fund.save()
    shown = area_total(area, datetime.date(cast.YEAR, 12, 31))
    assert (shown.collected, shown.remaining) == (30_00, 70_00)


def test_a_project_that_changes_area_takes_its_years_with_it_only_from_the_next() -> None:
    old, new = cast.area("vatten"), cast.area("skola")
    project = cast.project("brunnar", old)
    fund = cast.fund("47030", project)
    cast.fund_year(fund, 100_00)
    cast.gift(fund, 30_00)
    project.focus_area = new
    project.save()
    this_year, next_year = cast.MIDSUMMER, cast.MIDSUMMER.replace(year=cast.YEAR + 1)
    cast.gift(fund, 5_00, next_year)

    assert area_total(old, this_year).collected == 30_00
    assert area_total(new, this_year) == queries.Total()
    assert area_total(old, next_year) == queries.Total()
    assert area_total(new, next_year).collected == 5_00


def test_on_new_years_day_an_areas_fund_needs_nothing_and_a_projects_need_is_unknown() -> None:
    area = cast.area()
    own, fund = cast.fund("47000", area), cast.fund("47030", cast.project("brunnar", area))
    day = datetime.date(cast.YEAR, 1, 1)
    statuses = queries.fund_statuses([own, fund], day)
    assert (statuses[own.pk].figures.need, statuses[fund.pk].figures.need) == (0, None)
    assert area_total(area, day) == queries.Total(unknown_needs=1)


def test_a_fully_funded_page_names_the_projects_of_its_area_that_still_need_money() -> None:
    today = timezone.localdate()
    area = cast.area(clause_from=None)
    cast.publish(area)
    pages = {
        slug: cast.project(slug, area) for slug in ("klart", "allmant", "handplockat", "okant")
    }
    pages["klart"].similar.add(pages["handplockat"])
    for number, (slug, page) in enumerate(pages.items()):
        fund = cast.fund(f"4700{number}", page)
        if slug != "okant":
            cast.fund_year(fund, 100_00, today)
        cast.publish(page)
    cast.gift(Fund.objects.get(project=pages["klart"]), 100_00, today)
    cast.gift(Fund.objects.get(project=pages["handplockat"]), 50_00, today)

    html = Client().get("/projekt/klart/").content.decode()

    box = html[html.index('id="insamling"') :]
    assert box.index("Handplockat") < box.index("Allmant")
    assert "Okant" not in box[: box.index("</section>")]


def test_the_page_says_when_its_figures_last_changed_and_what_they_rest_on() -> None:
    page = cast.project()
    fund = cast.fund("47030", page)
    cast.publish(page)
    with time_machine.travel(
        datetime.datetime(2024, 3, 31, 0, 30, tzinfo=datetime.UTC), tick=False
    ):
        cast.gift(fund, 5_00, datetime.date(2024, 3, 30))
    with time_machine.travel(datetime.datetime(2024, 4, 2, 9, tzinfo=datetime.UTC), tick=False):
        box = boxes.boxes([page.pk])[page.pk]
    assert box.updated_at == datetime.datetime(2024, 3, 31, 0, 30, tzinfo=datetime.UTC)
    assert box.updated_from == "det som är bokfört till och med den 30 mars 2024"


def test_a_trigger_that_is_not_ours_is_told_and_taken_away() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TRIGGER spare AFTER INSERT ON donations_need BEGIN SELECT 1; END"
            )
        else:
            cursor.execute(
                "CREATE TRIGGER spare AFTER INSERT ON donations_need"
                " FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard()"
            )
            cursor.execute("ALTER TABLE donations_need ENABLE ALWAYS TRIGGER spare")
    told = ["trigger spare on donations_need is not one of ours"]
    assert registry.differences(connection) == told
    assert registry.install(connection) == told
    assert registry.differences(connection) == []
