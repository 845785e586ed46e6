"""The pages of reallocation: one person proposes, another decides, and nothing is done twice."""

import datetime
import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import operations, queries
from donations.finance import reallocation
from donations.models import FundYear, Proposal, Transfer
from donations.operations import LineIn
from staff.models import Event, User
from staff.roles import Role
from tests import cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db

LIST = "/ekonomi/omfordelning/"
Books = dict[str, FundYear]


@pytest.fixture
def books() -> Books:
    """The worked example: 47030 has 56 028 kr too much; its neighbours lack 40 000 and 90 000 kr."""
    today = timezone.localdate()
    area = cast.area(clause_from=today.replace(month=1, day=1))
    made = {}
    for number, need, given in (
        ("47030", 276_000, 332_028),
        ("47031", 100_000, 60_000),
        ("47032", 100_000, 10_000),
    ):
        made[number] = cast.fund_year(
            cast.fund(number, cast.project(f"p{number}", area)), need * 100, today
        )
        cast.gift(made[number].fund, given * 100, today)
    source, first = made["47030"].fund.project, made["47031"].fund.project
    assert source
    assert first
    source.similar.add(first)
    return made


def client(user: User) -> Client:
    return cast.sign_in(Client(), user)


@pytest.fixture
def finance() -> Client:
    return client(cast.ester())


@pytest.fixture
def approver() -> Client:
    return client(cast.colleague())


def text(response: Any) -> str:
    """What is read on the page, without tags, with plain spaces."""
    words = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", words)


def once() -> dict[str, str]:
    return {"once": str(uuid.uuid4())}


def seen(draft: Proposal) -> dict[str, str]:
    """What a page that shows the draft as it is now sends along."""
    return {**once(), "seen": operations.stamp(draft)}


def written(books: Books, do: str, first: str = "40 000", second: str = "16 028") -> dict[str, str]:
    """The form of sharing as somebody has filled it in."""
    return {
        **once(),
        "do": do,
        "amount": "56 028",
        "how": "in_order",
        "reason": "Nepal behöver det mer",
        f"amount_{books['47031'].pk}": first,
        f"amount_{books['47032'].pk}": second,
        f"reason_{books['47031'].pk}": "Utvald",
        f"reason_{books['47032'].pk}": "",
    }


def propose(books: Books) -> str:
    return reverse("finance_propose", args=[books["47030"].pk])


def waiting(books: Books, kronor: int = 40_000, by: User | None = None) -> Proposal:
    """A proposal that waits, of Ester's unless somebody else is given."""
    by = by or cast.ester()
    lines = [LineIn(books["47030"], books["47031"], kronor * 100, "Utvald")]
    return operations.submit(operations.draft(lines, reason="Skäl", by=by), by=by)


def address(proposal: Proposal, deed: str = "") -> str:
    return f"{LIST}{proposal.pk}/{deed}"


def approval(proposal: Proposal, *amounts: str) -> dict[str, str]:
    lines = zip(proposal.lines.all(), amounts, strict=True)
    return {**once(), **{f"amount_{line.pk}": amount for line, amount in lines}}


def balances(books: Books) -> list[int]:
    found = queries.figures(books.values(), timezone.localdate())
    return [found[year.pk].available // 100 for year in books.values()]


# Proposing


def test_a_proposal_begins_from_a_fund_whose_surplus_can_be_moved(
    finance: Client, books: Books
) -> None:
    page = finance.get("/ekonomi/omfordelning/ny/")
    assert propose(books) in page.content.decode()
    waiting(books)
    operations.disburse(
        books["47030"], 332_028_00, booked_on=timezone.localdate(), reason="Allt", by=cast.ester()
    )
    page = finance.get("/ekonomi/omfordelning/ny/")
    assert propose(books) not in page.content.decode()
    assert "Allt är redan utbetalt. 40 000 kr hålls av förslag" in text(page)


@pytest.mark.parametrize(
    ("how", "parts", "left"),
    [
        ("in_order", ["40 000", "16 028"], "Kvar som överskott: 0 kr."),
        ("in_proportion", ["17 239", "38 789"], "Kvar som överskott: 0 kr."),
    ],
)
def test_the_button_fills_the_parts_in_and_books_nothing(
    finance: Client, books: Books, how: str, parts: list[str], left: str
) -> None:
    page = finance.post(propose(books), {**written(books, "share", "1", "1"), "how": how})
    values = [
        row.amount.value().replace("\N{NO-BREAK SPACE}", " ") for row in page.context["form"].rows
    ]
    assert values == parts
    assert "Tillsammans 56 028 kr av 56 028 kr som går att flytta" in text(page)
    assert left in text(page)
    assert not Proposal.objects.exists()


def test_adding_up_keeps_what_was_typed_and_says_when_it_is_too_much(
    finance: Client, books: Books
) -> None:
    page = finance.post(propose(books), written(books, "sum", "40 000", "16 029"))
    assert "Tillsammans 56 029 kr" in text(page)
    assert "Det är mer än vad som går att flytta." in text(page)
    assert 'value="16 029"' in page.content.decode()


def test_more_than_is_movable_is_not_shared_out(finance: Client, books: Books) -> None:
    page = finance.post(propose(books), {**written(books, "share"), "amount": "56 028,01"})
    assert "Det går att flytta högst 56 028 kr." in text(page)


def test_each_reason_is_filled_in_from_the_ranking(finance: Client, books: Books) -> None:
    rows = finance.get(propose(books)).context["form"].rows
    assert rows[0].reason.value().startswith("Utvald på projektets sida.")


def test_a_draft_holds_nothing_and_can_be_changed_submitted_and_then_not_changed(
    finance: Client, books: Books
) -> None:
    assert finance.post(propose(books), written(books, "draft", "5", "")).status_code == 302
    draft = Proposal.objects.get()
    assert queries.pending([books["47030"].pk])[books["47030"].pk].out == 0
    changed = finance.post(address(draft, "andra/"), seen(draft) | written(books, "draft", "7", ""))
    assert changed["Location"] == address(draft)
    assert [line.amount_ore for line in draft.lines.all()] == [7_00]
    draft.refresh_from_db()
    finance.post(address(draft, "lamna-in/"), seen(draft))
    assert queries.pending([books["47030"].pk])[books["47030"].pk].out == 7_00
    assert finance.get(address(draft, "andra/"))["Location"] == address(draft)


def test_a_draft_can_be_thrown_away_twice(finance: Client, books: Books) -> None:
    finance.post(propose(books), written(books, "draft"))
    draft = Proposal.objects.get()
    for _click in range(2):
        assert finance.post(address(draft, "ta-bort/"), seen(draft))["Location"] == LIST
    assert not Proposal.objects.exists()


def test_another_persons_change_of_a_draft_is_read_before_it_is_submitted_changed_or_lost(
    finance: Client, books: Books
) -> None:
    finance.post(propose(books), written(books, "draft", "5", ""))
    draft = Proposal.objects.get()
    as_seen = seen(draft)
    lines = [LineIn(books["47030"], books["47031"], 9_00)]
    operations.draft(lines, reason="Mer", by=cast.colleague(), proposal=draft)
    told = "Kajsa har ändrat utkastet sedan du öppnade sidan. Läs det som det är nu först."
    for deed in ("lamna-in/", "ta-bort/"):
        assert told in text(finance.post(address(draft, deed), as_seen))
    for do in ("share", "sum", "draft"):
        answer = finance.post(address(draft, "andra/"), as_seen | written(books, do, "6", ""))
        assert told in text(answer)
        assert ('value="6"' in answer.content.decode()) == (do != "share")
    draft.refresh_from_db()
    assert not draft.submitted_at
    assert [line.amount_ore for line in draft.lines.all()] == [9_00]
    # Whoever has opened it anew may go on.
    typed = seen(draft) | written(books, "draft", "6", "")
    assert finance.post(address(draft, "andra/"), typed).status_code == 302
    assert [line.amount_ore for line in draft.lines.all()] == [6_00]


def test_what_was_typed_stays_when_the_draft_is_submitted_or_thrown_away_meanwhile(
    finance: Client, books: Books
) -> None:
    finance.post(propose(books), written(books, "draft", "5", ""))
    draft = Proposal.objects.get()
    typed = seen(draft) | written(books, "draft", "6", "") | {"source": str(books["47030"].pk)}
    operations.submit(draft, by=cast.colleague())
    answer = finance.post(address(draft, "andra/"), typed)
    assert "Förslaget är redan inlämnat." in text(answer)
    assert 'value="6"' in answer.content.decode()
    other = operations.draft(
        [LineIn(books["47030"], books["47032"], 1_00)], reason="Annat", by=cast.ester()
    )
    operations.delete_draft(other, by=cast.ester())
    answer = finance.post(address(other, "andra/"), typed | once())
    assert "Utkastet är borttaget." in text(answer)
    assert 'value="6"' in answer.content.decode()
    assert f'action="{propose(books)}"' in answer.content.decode()
    for source in ("", "abc", "9" * 30, "0"):
        gone = finance.post(address(other, "andra/"), typed | once() | {"source": source})
        assert gone.status_code == 404


def test_a_draft_without_a_reason_is_not_submitted_and_it_is_said_where_to_write_it(
    finance: Client, books: Books
) -> None:
    draft = operations.draft(
        [LineIn(books["47030"], books["47031"], 1_00)], reason="", by=cast.ester()
    )
    answer = finance.post(address(draft, "lamna-in/"), seen(draft))
    assert "Skälet till förslaget saknas. Ändra utkastet och skriv det." in text(answer)


def test_a_fund_that_closes_meanwhile_gets_nothing(
    finance: Client, approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    fund = books["47031"].fund
    fund.closed_on = timezone.localdate() - datetime.timedelta(days=1)
    fund.save()
    assert list(operations.approvable(proposal).values()) == [0]
    answer = approver.post(address(proposal, "godkann/"), approval(proposal, "40 000"))
    assert "är stängd. Överskottet kan bara gå till en öppen." in text(answer)
    fund.closed_on = timezone.localdate()
    fund.save()
    assert list(operations.approvable(proposal).values()) == [40_000_00]


def test_a_form_that_lost_its_key_on_the_way_says_so_and_does_nothing(
    approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    answer = approver.post(address(proposal, "avsla/"), {"reason": "Nej"})
    assert "Sidan kom inte hel fram. Ladda om den och försök igen." in text(answer)
    proposal.refresh_from_db()
    assert proposal.is_pending


def test_an_amount_above_the_proposed_is_marked_where_it_stands(
    approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    [line] = proposal.lines.all()
    for amount, complaints in (("40 000,01", 1), ("40 000", 0)):
        answer = approver.post(address(proposal, "godkann/"), approval(proposal, amount))
        errors = answer.context["forms"]["approve"].errors if complaints else {}
        assert [*errors] == [f"amount_{line.pk}"] * complaints
    proposal.refresh_from_db()
    assert proposal.decision == "approved"


def test_every_draft_is_in_the_audit_list_also_one_thrown_away(
    finance: Client, books: Books
) -> None:
    finance.post(propose(books), written(books, "draft", "5", ""))
    draft = Proposal.objects.get()
    finance.post(address(draft, "andra/"), seen(draft) | written(books, "draft", "7", ""))
    draft.refresh_from_db()
    finance.post(address(draft, "ta-bort/"), seen(draft))
    told = [event.text.replace("\N{NO-BREAK SPACE}", " ") for event in Event.objects.order_by("pk")]
    assert [text.split()[0] for text in told[-3:]] == ["Sparade", "Ändrade", "Tog"]
    assert [text.split(": ")[1] for text in told[-3:]] == ["5 kr", "7 kr", "7 kr"]


def test_a_second_click_proposes_nothing_twice(finance: Client, books: Books) -> None:
    form = written(books, "submit", "20 000", "")
    for _click in range(2):
        assert finance.post(propose(books), form).status_code == 302
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reason": " "}, "Skriv varför överskottet ska flyttas."),
        (
            {"first": "40 001", "second": ""},
            "47031 P47031 behöver 40 000 kr till; du försökte flytta 40 001 kr",
        ),
        ({"second": "16 028,01"}, "som går att flytta är 56 028 kr; du försökte flytta 56 028,01"),
        ({"first": "", "second": ""}, "Fyll i minst ett belopp att flytta."),
        ({"first": "fyrtio"}, "Skriv beloppet i kronor med siffror"),
    ],
)
def test_what_cannot_be_submitted_is_refused_and_stays_in_the_form(
    finance: Client, books: Books, change: dict[str, str], told: str
) -> None:
    form = written(books, "submit", change.get("first", "40 000"), change.get("second", "16 028"))
    page = finance.post(propose(books), form | {k: v for k, v in change.items() if k == "reason"})
    assert told in text(page)
    assert page.context["form"]["reason"].value() == change.get("reason", "Nepal behöver det mer")
    assert not Proposal.objects.exists()


# Deciding


def test_the_list_tells_an_approver_what_waits_and_not_the_proposer(
    finance: Client, approver: Client, books: Books
) -> None:
    waiting(books)
    assert "väntar på dig" in text(approver.get(LIST))
    assert "väntar på dig" not in text(finance.get(LIST))
    assert "väntar på dig" not in text(client(cast.member("Lars", Role.READER)).get(LIST))


def test_every_reason_that_anybody_may_read_says_so_where_it_is_written(
    finance: Client, books: Books
) -> None:
    html = finance.get(propose(books)).content.decode()
    described = re.findall(r'<textarea name="reason[^>]*aria-describedby="(\w+)"', html)
    assert len(described) == html.count("<textarea") == 3
    for name in described:
        assert re.search(rf'id="{name}">[^<]*webbplatsen', html), name


def test_decided_proposals_come_a_sheet_at_a_time(
    finance: Client, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reallocation, "ON_A_SHEET", 2)
    proposals = [waiting(books, 1) for _nth in range(3)]
    for proposal in proposals:
        operations.withdraw(proposal, by=cast.ester())
    newest, middle, oldest = reversed(proposals)
    assert list(finance.get(LIST).context["sheet"]) == [newest, middle]
    assert list(finance.get(f"{LIST}?sida=2").context["sheet"]) == [oldest]


def test_another_person_approves_a_part_and_the_page_tells_it_all(
    finance: Client, approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    form = approval(proposal, "30 000") | {"reason": "Resten behövs i höst"}
    for _click in range(2):
        assert approver.post(address(proposal, "godkann/"), form)["Location"] == address(proposal)
    assert balances(books) == [302_028, 90_000, 10_000]
    page = text(finance.get(address(proposal)))
    assert "30 000 kr är flyttade av 40 000 kr som föreslogs" in page
    assert "40 000 kr 30 000 kr 276 000 kr 56 028 kr" in page
    assert "Kajsa godkände förslaget. Skäl: Resten behövs i höst" in page
    assert "Ester lämnade in förslaget" in page
    assert Event.objects.filter(text__startswith="Godkände förslag", by=cast.colleague()).exists()


def test_who_has_both_roles_reads_why_a_proposal_of_ones_own_waits_and_cannot_approve_it(
    finance: Client, books: Books
) -> None:
    proposal = waiting(books)
    page = finance.get(address(proposal))
    assert "En annan person med rollen Attestant behöver besluta om det." in text(page)
    assert "godkann" not in page.content.decode()
    for deed, form in (
        ("godkann/", approval(proposal, "40 000")),
        ("avsla/", {**once(), "reason": "Nej"}),
    ):
        refused = finance.post(address(proposal, deed), form)
        assert "Du har själv lämnat in förslaget." in text(refused)
    proposal.refresh_from_db()
    assert proposal.is_pending
    assert not Transfer.objects.filter(kind=Transfer.Kind.REALLOCATION).exists()


def test_the_approver_reads_what_has_changed_and_is_offered_what_is_left(
    approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    gift = books["47030"].account.credits.get()
    operations.refund(
        gift, 30_000_00, booked_on=timezone.localdate(), reason="Ångrat", by=cast.ester()
    )
    page = approver.get(address(proposal))
    assert "har överskottet i 47030 minskat från 56 028 kr till 26 028 kr." in text(page)
    assert "Av de föreslagna 40 000 kr går det att godkänna högst 26 028 kr i dag." in text(page)
    refused = approver.post(address(proposal, "godkann/"), approval(proposal, "26 028,01"))
    assert "du försökte flytta 26 028,01 kr" in text(refused)
    assert 'value="26 028,01"' in refused.content.decode()
    assert balances(books)[1] == 60_000
    approver.post(address(proposal, "godkann/"), approval(proposal, "26 028"))
    assert balances(books) == [276_000, 86_028, 10_000]


def test_a_rejection_needs_a_reason_and_can_be_copied_into_a_new_draft(
    finance: Client, approver: Client, books: Books
) -> None:
    proposal = waiting(books)
    assert "Ingenting har ändrats." in text(approver.post(address(proposal, "avsla/"), once()))
    approver.post(address(proposal, "avsla/"), {**once(), "reason": "Vänta till hösten"})
    page = finance.get(address(proposal))
    assert "Skäl: Vänta till hösten" in text(page)
    copied = finance.post(address(proposal, "kopiera/"), once())
    draft = Proposal.objects.filter(submitted_at=None).get()
    assert copied["Location"] == address(draft, "andra/")
    assert f"en kopia av förslag {proposal.pk}" in text(finance.get(copied["Location"]))
    assert [line.amount_ore for line in draft.lines.all()] == [40_000_00]
    assert queries.pending([books["47030"].pk])[books["47030"].pk].out == 0


def test_only_the_proposer_takes_a_proposal_back(finance: Client, books: Books) -> None:
    proposal = waiting(books)
    other = client(cast.member("Fia", Role.FINANCE))
    refused = other.post(address(proposal, "ta-tillbaka/"), once())
    assert "Bara den som har lämnat in förslaget kan ta tillbaka det." in text(refused)
    finance.post(address(proposal, "ta-tillbaka/"), once())
    proposal.refresh_from_db()
    assert proposal.decision == Proposal.Decision.WITHDRAWN


def test_an_approved_proposal_is_neither_copied_nor_taken_back(
    finance: Client, books: Books
) -> None:
    proposal = waiting(books)
    operations.approve(proposal, by=cast.colleague())
    assert "kan kopieras" in text(finance.post(address(proposal, "kopiera/"), once()))
    assert "redan beslutat" in text(finance.post(address(proposal, "ta-tillbaka/"), once()))
    assert Proposal.objects.count() == 1


def test_a_moved_amount_leads_to_its_reversal_and_then_tells_of_it(
    finance: Client, books: Books
) -> None:
    proposal = waiting(books)
    [moved] = operations.approve(proposal, by=cast.colleague())
    way = reverse("admin:donations_transfer_reverse", args=[moved.pk])
    assert way in finance.get(address(proposal)).content.decode()
    reader = client(cast.member("Lars", Role.READER)).get(address(proposal))
    assert way not in reader.content.decode()
    operations.reverse(
        moved, booked_on=timezone.localdate(), reason="Fel mottagare", by=cast.ester()
    )
    page = finance.get(address(proposal))
    assert way not in page.content.decode()
    assert "Ester rättade flytten till 47031 P47031. Skäl: Fel mottagare" in text(page)


# How they look


def in_every_state(books: Books) -> list[Proposal]:
    """A draft, and proposals that are withdrawn, rejected, approved, reversed and waiting."""
    ester, other = cast.ester(), cast.colleague()
    withdrawn, rejected, approved, undone = (waiting(books, 1_000) for _ in range(4))
    operations.withdraw(withdrawn, by=ester, reason="Fel belopp")
    operations.reject(rejected, by=other, reason="Vi väntar")
    operations.approve(approved, by=other)
    (moved,) = operations.approve(undone, by=other)
    operations.reverse(
        moved, booked_on=timezone.localdate(), reason="Fel mottagare " * 20, by=ester
    )
    lines = [LineIn(books["47030"], books["47032"], 500_00, "Kvar " * 40)]
    draft = operations.draft(lines, reason="Skäl", by=ester)
    return [draft, withdrawn, rejected, approved, undone, waiting(books, 30_000)]


@pytest.mark.look
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_axe_finds_nothing_on_a_decided_proposal_or_a_refused_decision(
    open_as: "Callable[..., Page]", axe: "Callable[[Page], list[str]]", books: Books
) -> None:
    proposals = in_every_state(books)

    def look(page: "Page", what: str, *, twice: bool = True) -> None:
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what
            if twice or width == 360:
                assert axe(page) == [], (what, width)

    undone, waits = proposals[4:]
    page = open_as(cast.ester())
    for proposal in proposals[1:5]:
        page.goto(address(proposal))
        look(page, address(proposal), twice=proposal == undone)
    page = open_as(cast.colleague(), address(waits))
    page.get_by_label("Belopp till").fill("999 999")
    page.get_by_role("button", name="Godkänn och flytta").click()
    page.get_by_role("alert").wait_for()
    look(page, "a refused approval")


def test_a_proposal_that_was_reversed_says_so_where_its_result_stands(
    finance: Client, books: Books
) -> None:
    undone = in_every_state(books)[4]
    page = text(finance.get(address(undone)))
    assert "Flytten av 1 000 kr till 47031 P47031 rättades den" in page
    assert "Pengarna är tillbaka i 47030 P47030." in page
