"""Going through the gifts that wait: suggestions, one click, undone, remembered, found and noted."""

import datetime
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from donations import operations, recall
from donations.bankfiles import matching
from donations.days import long_date
from donations.finance import unplaced
from donations.models import (
    BankFile,
    BoundPayer,
    Fund,
    Payment,
    RememberedPlacement,
    Transfer,
    UnplacedGift,
)
from donations.operations import GiftIn, Part
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import text_of

pytestmark = pytest.mark.django_db
QUEUE = "/ekonomi/oplacerade/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture
def funds() -> list[Fund]:
    area = cast.area()
    return [
        cast.fund(number, cast.project(slug, area))
        for number, slug in (("47030", "brunnar"), ("47031", "pumpar"))
    ]


def waiting(message: str = "", ore: int = 1_000_00, *, days: int = 0, **payer: Any) -> Transfer:
    """A gift that waits, from Greta when nothing else is said; `payer` as on `Payment`."""
    given = GiftIn(None, ore, cast.MIDSUMMER + days * DAY, "swish", "Greta", message)
    gift = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
    Payment.objects.filter(transfers__pk=gift.pk).update(**payer)
    return Transfer.objects.get(pk=gift.pk)


def rows(client: Client, **search: str) -> dict[int, unplaced.Row]:
    return {row.gift.pk: row for row in client.get(QUEUE, search).context["rows"]}


def suggested(client: Client, gift: Transfer) -> list[tuple[str, str]]:
    return [(choice.value, choice.why) for choice in rows(client)[gift.pk].choices]


def click(client: Client, gift: Transfer, query: str = "", **typed: str) -> Any:
    """Place a gift as its forms in the queue do."""
    row = rows(client)[gift.pk]
    path = reverse("finance_place_at_once", args=[gift.pk])
    return client.post(path + query, {"once": str(row.once), **typed})


def undo(client: Client, answer: Any) -> Any:
    """The button beside the message that tells what was placed."""
    form = client.get(answer["Location"]).context["undo"]
    sent = {name: form[name].value() for name in ("once", "placed")}
    return client.post(reverse("finance_unplace"), sent)


def placements() -> list[tuple[str, int, str]]:
    found = Transfer.objects.filter(kind="placement", reverses=None, reversal=None).order_by("pk")
    return [
        (one.credit.fund_year.fund.collection_number, one.amount_ore, one.reason)
        for one in found
        if one.credit.fund_year
    ]


# Suggestions


def test_a_suggestion_stands_with_its_reason_and_is_placed_with_it(
    eskil: Client, funds: list[Fund]
) -> None:
    Fund.objects.filter(pk=funds[0].pk).update(extra_words="Nepal")
    gift = waiting("Till Nepal")
    why = "”Nepal” står i texten, och är ett ord för 47030."
    assert suggested(eskil, gift) == [("47030", why)]
    text = text_of(eskil.get(QUEUE))
    assert f"Placera på 47030 Brunnar {why}" in text
    assert "Inget insamlingsnummer står i betalningen." in text
    click(eskil, gift, choice="47030")
    assert placements() == [("47030", 1_000_00, why)]
    assert not UnplacedGift.objects.exists()


def test_what_would_decide_today_comes_first_though_it_did_not_when_the_gift_came(
    eskil: Client, funds: list[Fund]
) -> None:
    gift = waiting("47032")
    assert suggested(eskil, gift) == []
    assert "Numret 47032 står i meddelandet, men ingen insamling har det." in text_of(
        eskil.get(QUEUE)
    )
    cast.fund("47032", cast.project("filter"))
    assert suggested(eskil, gift) == [("47032", "Meddelandet är 47032.")]


def test_part_amounts_are_one_click_too_while_the_whole_gift_waits(
    eskil: Client, funds: list[Fund]
) -> None:
    references = [["reference", "47030", 400_00], ["reference", "47031", 600_00]]
    gift = waiting("47030\n47031", references=references)
    [(value, _why), *_others] = suggested(eskil, gift)
    assert value == "47030:40000+47031:60000"
    assert "Dela: 400 kr på 47030 Brunnar och 600 kr på 47031 Pumpar" in text_of(eskil.get(QUEUE))
    answer = click(eskil, gift, choice=value)
    assert [(number, ore) for number, ore, _why in placements()] == [
        ("47030", 400_00),
        ("47031", 600_00),
    ]
    undo(eskil, answer)
    assert placements() == []
    operations.place(
        gift, [Part(funds[0], 1_00)], booked_on=cast.MIDSUMMER, reason="x", by=cast.ester()
    )
    assert value not in [one for one, _why in suggested(eskil, gift)]


def test_a_closed_funds_heir_is_suggested_from_the_day_it_opened(
    eskil: Client, funds: list[Fund]
) -> None:
    closed, heir = funds
    closed.closed_on, closed.successor = cast.MIDSUMMER - DAY, heir
    closed.save()
    Fund.objects.filter(pk=heir.pk).update(opened_on=cast.MIDSUMMER + 3 * DAY)
    given = GiftIn(closed, 5_00, cast.MIDSUMMER, "cash")
    gift = operations.register_gift(given, bank=cast.bank(), by=cast.ester())
    why = "Insamling 47030 är stängd och ersätts av 47031."
    assert suggested(eskil, gift) == [("47031", why)]
    click(eskil, gift, choice="47031")
    [placed] = Transfer.objects.filter(kind="placement")
    assert (placed.booked_on, placed.reason) == (cast.MIDSUMMER + 3 * DAY, why)


def test_a_page_of_gifts_asks_no_more_than_one_gift_does(eskil: Client, funds: list[Fund]) -> None:
    first = waiting("Till brunnen")
    click(eskil, first, choice="", number="47030")
    waiting("Till brunnen")
    eskil.get(QUEUE)
    with CaptureQueriesContext(connection) as for_one:
        eskil.get(QUEUE)
    for days in range(5):
        waiting("Till brunnen", days=days)
    with CaptureQueriesContext(connection) as for_six:
        eskil.get(QUEUE)
    assert len(for_six) == len(for_one)


# Placing


def test_a_number_is_typed_and_may_have_a_reason(eskil: Client, funds: list[Fund]) -> None:
    first, second = waiting(), waiting(ore=5_00)
    click(eskil, first, number=" 47 031 ")
    click(eskil, second, number="47030", reason="Givaren ringde")
    assert placements() == [
        ("47031", 1_000_00, "Vald för hand bland oplacerade gåvor."),
        ("47030", 5_00, "Givaren ringde"),
    ]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"number": ""}, "Skriv insamlingens nummer, till exempel 47030."),
        ({"number": "47039"}, "Det finns ingen insamling med numret 47039."),
        ({"number": "4703"}, "fem siffror"),
        ({"choice": "47039"}, "Ladda om den och försök igen."),
        ({"choice": "47030:0x"}, "Ladda om den och försök igen."),
        ({"choice": "47030:100001"}, "Av gåvan finns 1 000 kr kvar att placera"),
        ({"number": "47030", "once": "x"}, "Ladda om den och försök igen."),
        ({"choice": "47030:1+47031:2", "bind": "on"}, "Ta bort krysset."),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_kept(
    eskil: Client, funds: list[Fund], typed: dict[str, str], sentence: str
) -> None:
    gift = waiting()
    page = click(eskil, gift, **typed)
    text = text_of(page)
    assert page.status_code == 200
    assert "Ingenting är sparat." in text
    assert sentence in text
    if typed.get("number"):
        assert f'value="{typed["number"]}"' in page.content.decode()
    assert placements() == []
    assert not BoundPayer.objects.exists()


def test_a_closed_fund_is_refused_in_words(eskil: Client, funds: list[Fund]) -> None:
    Fund.objects.filter(pk=funds[0].pk).update(closed_on=cast.MIDSUMMER - DAY)
    page = click(eskil, waiting(), number="47030")
    assert "Insamling 47030 är stängd den dagen." in text_of(page)


def test_a_second_click_places_nothing_twice_and_a_gift_another_has_placed_is_told(
    eskil: Client, funds: list[Fund]
) -> None:
    gift = waiting()
    typed = {"once": str(rows(eskil)[gift.pk].once), "number": "47030"}
    path = reverse("finance_place_at_once", args=[gift.pk])
    assert [eskil.post(path, typed).status_code for _ in range(2)] == [302, 302]
    assert "Det var redan gjort." in text_of(eskil.get(QUEUE))
    assert len(placements()) == 1
    other = "8c0d1c54-4a0e-4a4f-9f5c-0d9f6e8d8a11"
    late = eskil.post(path, {"once": other, "number": "47030"})
    assert "Ingenting av gåvan väntar längre." in text_of(late)
    assert len(placements()) == 1


def test_a_gift_on_a_locked_day_is_placed_on_the_first_open_one(
    eskil: Client, funds: list[Fund]
) -> None:
    gift = waiting()
    operations.lock_period(cast.MIDSUMMER, by=cast.ester())
    click(eskil, gift, number="47030")
    assert Transfer.objects.get(kind="placement").booked_on == cast.MIDSUMMER + DAY


def test_the_answer_leads_to_the_next_gift_in_the_same_search(
    eskil: Client, funds: list[Fund]
) -> None:
    first, second, third = (waiting("ja", days=days) for days in range(3))
    other = waiting("nej", days=1)
    answer = click(eskil, first, "?q=ja&sida=1", number="47030")
    where = urlsplit(answer["Location"])
    query = parse_qs(where.query)
    assert (where.path, where.fragment) == (QUEUE, f"gava-{second.pk}")
    assert (query["q"], query["sida"]) == (["ja"], ["1"])
    assert urlsplit(click(eskil, third, "?q=ja", number="47030")["Location"]).fragment == (
        f"gava-{second.pk}"
    )
    assert urlsplit(click(eskil, second, "?q=ja", number="47030")["Location"]).fragment == (
        "innehall"
    )
    partly = click(eskil, other, choice="47030:1")
    assert urlsplit(partly["Location"]).fragment == f"gava-{other.pk}"


# Undone


def test_a_placement_is_undone_with_one_click_and_only_once(
    eskil: Client, funds: list[Fund]
) -> None:
    gift = waiting()
    answer = click(eskil, gift, number="47030")
    assert "Ångra placeringen" in text_of(eskil.get(answer["Location"]))
    back = undo(eskil, answer)
    assert back["Location"] == f"{QUEUE}#gava-{gift.pk}"
    text = text_of(eskil.get(answer["Location"]))
    assert "Placeringen är ångrad. Gåvan väntar igen." in text
    assert "Ångra placeringen" not in text
    assert UnplacedGift.objects.get().left_ore == 1_000_00
    reversal = Transfer.objects.exclude(reverses=None).get()
    assert (reversal.reason, reversal.booked_on) == ("Placeringen ångrades i kön.", cast.MIDSUMMER)


@pytest.mark.parametrize("placed", ["", "x", "1.2", "9" * 30, "0", "²"])
def test_an_address_that_was_made_up_undoes_nothing(eskil: Client, placed: str) -> None:
    waiting()
    assert eskil.get(QUEUE, {"placerad": placed}).context["undo"] is None
    sent = {"once": "8c0d1c54-4a0e-4a4f-9f5c-0d9f6e8d8a11", "placed": placed}
    page = eskil.post(reverse("finance_unplace"), sent)
    assert page.status_code == 200
    assert "Ingenting är sparat." in text_of(page)


def test_a_gift_is_not_undone_as_a_placement(eskil: Client) -> None:
    gift = waiting()
    sent = {"once": "8c0d1c54-4a0e-4a4f-9f5c-0d9f6e8d8a11", "placed": str(gift.pk)}
    eskil.post(reverse("finance_unplace"), sent)
    assert not Transfer.objects.exclude(reverses=None).exists()


# Remembered


@pytest.mark.parametrize(
    ("then", "now", "is_known"),
    [
        ({"payer_account": "123-4"}, {"payer_account": "1234", "payer_name": "G. Ek"}, True),
        ({"payer_identity": "46701"}, {"payer_identity": "46701"}, True),
        ({}, {"payer_name": "GRETA"}, True),
        ({}, {"payer_name": "Gunnar"}, False),
        ({}, {"message": "till pumpen"}, False),
        ({"payer_name": ""}, {"payer_name": ""}, False),
    ],
)
def test_the_same_payer_and_text_is_suggested_next_time_with_the_day(
    eskil: Client, funds: list[Fund], then: Any, now: Any, is_known: bool
) -> None:
    click(eskil, waiting("Till brunnen", **then), number="47030")
    day = timezone.localdate()
    words = f"{day.day} {long_date(day).split()[1]} {day.year}"
    why = f"Samma betalare och text placerades på 47030 den {words}."
    gift = waiting(**{"message": "till brunnen!", **now})
    assert suggested(eskil, gift) == ([("47030", why)] if is_known else [])


def test_nobody_can_read_a_payer_in_what_is_remembered(eskil: Client, funds: list[Fund]) -> None:
    click(eskil, waiting("Till brunnen", payer_account="1234"), number="47030", bind="on")
    kept = [
        *RememberedPlacement.objects.values_list("key", flat=True),
        BoundPayer.objects.get().key,
    ]
    assert len(kept) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in kept)


def test_the_newest_decision_wins_and_the_one_before_it_comes_back_when_it_is_undone(
    eskil: Client, funds: list[Fund]
) -> None:
    click(eskil, waiting("Till brunnen"), number="47030")
    answer = click(eskil, waiting("Till brunnen"), number="47031")
    third = waiting("Till brunnen")
    assert [value for value, _why in suggested(eskil, third)] == ["47031"]
    undo(eskil, answer)
    assert [value for value, _why in suggested(eskil, third)] == ["47030"]
    again = click(eskil, third, choice="47030")
    undo(eskil, again)
    assert [value for value, _why in suggested(eskil, third)] == ["47030"]
    first = Transfer.objects.filter(kind="placement").earliest("pk")
    operations.reverse(first, booked_on=cast.MIDSUMMER, reason="x", by=cast.ester())
    assert suggested(eskil, third) == []


def test_a_split_is_remembered_whole(eskil: Client, funds: list[Fund]) -> None:
    gift = waiting("Lite till varje")
    for fund, ore in zip(funds, (400_00, 600_00), strict=True):
        operations.place(
            gift, [Part(fund, ore)], booked_on=cast.MIDSUMMER, reason="x", by=cast.ester()
        )
    values = [value for value, _why in suggested(eskil, waiting("Lite till varje"))]
    assert values == ["47030", "47031"]


def test_a_bound_payers_gifts_go_where_they_were_bound_until_that_is_undone(
    eskil: Client, funds: list[Fund]
) -> None:
    gift = waiting("Hej", payer_account="1234")
    answer = click(eskil, gift, number="47030", bind="on")
    page = text_of(eskil.get(answer["Location"]))
    assert "Betalaren är ihågkommen." in page
    another = waiting("Något helt annat", payer_account="1234", payer_name="Ek")
    line = recall.line_of(another)
    assert matching.match(line, recall.register()).parts == (matching.Part(funds[0].pk, 1_000_00),)
    assert matching.match(line, recall.register([line])) == matching.match(line, recall.register())
    assert Event.objects.filter(text="Knöt en betalare till 47030 Brunnar").exists()
    undo(eskil, answer)
    assert not BoundPayer.objects.exists()
    assert matching.match(line, recall.register()).parts == ()


def test_a_payer_nobody_can_tell_is_not_offered_to_be_remembered(
    eskil: Client, funds: list[Fund]
) -> None:
    unknown, named, sure = (
        waiting("Hej", payer_name=""),
        waiting("Hej"),
        waiting("Hej", payer_account="1"),
    )
    found = rows(eskil)
    assert [found[one.pk].known_by for one in (unknown, named, sure)] == ["", "text", "payer"]
    assert "Betalaren går inte att känna igen" in text_of(
        click(eskil, unknown, number="47030", bind="on")
    )
    assert placements() == []


# Found, noted, hidden


def test_gifts_are_found_by_text_amount_day_and_file(eskil: Client) -> None:
    file = BankFile.objects.create(
        name="juni.xml", digest="d", size=1, received_at=timezone.now(), by=cast.ester()
    )
    key = "8c0d1c54-4a0e-4a4f-9f5c-0d9f6e8d8a11"
    from_file = waiting("Brunnen", file=file, key=key, account=cast.bank())
    noted, later = waiting(note="Ringde"), waiting(ore=99_50, days=1, payer_name="Karl")
    for search, found in (
        ({"q": "brunn"}, [from_file]),
        ({"q": "ringde"}, [noted]),
        ({"q": "karl"}, [later]),
        ({"belopp": "99,50"}, [later]),
        ({"belopp": "1 000"}, [from_file, noted]),
        ({"dag": str(cast.MIDSUMMER + DAY)}, [later]),
        ({"fil": str(file.pk)}, [from_file]),
        ({"q": "brunn", "belopp": "99,50"}, []),
    ):
        assert list(rows(eskil, **search)) == [one.pk for one in found], search
    nothing = eskil.get(QUEUE, {"q": "%"})
    assert "Ingen gåva som väntar stämmer med sökningen." in text_of(nothing)
    odd = eskil.get(QUEUE, {"belopp": "tio", "dag": "i går", "fil": "x"})
    assert "Skriv beloppet i kronor med siffror" in text_of(odd)
    assert "Skriv dagen som år-månad-dag" in text_of(odd)


def test_thousands_come_in_pages_and_a_page_that_is_not_there_is_the_last(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unplaced, "ON_A_PAGE", 2)
    ids = [waiting(days=days).pk for days in range(5)]
    seen = [pk for page in "123" for pk in rows(eskil, sida=page)]
    assert seen == ids
    assert list(rows(eskil, sida="99")) == ids[4:]


def test_a_note_is_written_changed_and_taken_away_and_no_personnummer_is_kept(
    eskil: Client,
) -> None:
    gift = waiting()
    for text, kept in (
        ("Ringde den 3:e", "Ringde den 3:e"),
        (" Eva 811228-9874 ringde ", "Eva ••••••-•••• ringde"),
        ("", ""),
    ):
        typed = {"once": str(rows(eskil)[gift.pk].once), "note": text}
        answer = eskil.post(reverse("finance_note", args=[gift.pk]), typed)
        assert answer["Location"] == f"{QUEUE}#gava-{gift.pk}"
        assert Payment.objects.get(transfers=gift).note == kept
    assert not Event.objects.filter(text__contains="ringde").exists()


def test_a_personnummer_in_the_message_is_shown_nowhere(eskil: Client, funds: list[Fund]) -> None:
    number = "811228-9874"
    gift = waiting(f"Till brunnen {number}", payer_name=f"Eva {number}", note=number)
    for path in (
        QUEUE,
        reverse("finance_place", args=[gift.pk]),
        reverse("finance_answer", args=[gift.pk]),
        reverse("admin:donations_transfer_change", args=[gift.pk]),
    ):
        html = eskil.get(path).content.decode()
        assert "••••••-••••" in html, path
        assert number not in html, path


def test_an_ocr_number_that_is_a_personnummer_is_hidden_in_what_is_told(eskil: Client) -> None:
    waiting("8112289874", references=[["ocr", "8112289874", None]])
    text = text_of(eskil.get(QUEUE))
    assert "OCR-numret ••••••-•••• hör inte till någon insamling." in text


@pytest.mark.parametrize("role", [Role.APPROVER, Role.READER])
def test_who_only_reads_sees_neither_payers_nor_what_can_be_done(role: Role) -> None:
    gift = waiting("47030", note="Ringde")
    client = cast.sign_in(Client(), cast.member("Maj", role))
    text = text_of(client.get(QUEUE))
    for hidden in ("Greta", "47030", "Ringde", "Placera", "Meddelande"):
        assert hidden not in text
    assert list(rows(client, q="Greta")) == [gift.pk]  # as if nothing had been asked
    for name in ("finance_place_at_once", "finance_note"):
        assert client.post(reverse(name, args=[gift.pk])).status_code == 403
    assert client.post(reverse("finance_unplace")).status_code == 403


def test_what_is_paid_back_from_the_queue_leads_back_there(eskil: Client) -> None:
    gift = waiting()
    path = reverse("admin:donations_transfer_refund", args=[gift.pk]) + "?ko"
    form = eskil.get(path).context["form"]
    typed = {"once": form["once"].value(), "amount": "1000", "booked_on": str(cast.MIDSUMMER)}
    assert eskil.post(path, typed | {"reason": "Fel"})["Location"] == QUEUE


def test_a_split_goes_on_to_the_next_gift(eskil: Client, funds: list[Fund]) -> None:
    first, second = waiting(), waiting(days=1)
    path = reverse("finance_place", args=[first.pk])
    form = eskil.get(path).context["form"]
    typed = {"once": form["once"].value(), "booked_on": str(cast.MIDSUMMER), "reason": "x"}
    rows_typed = {"number_1": "47030", "amount_1": "400", "number_2": "47031", "amount_2": "600"}
    answer = eskil.post(path, typed | rows_typed)
    assert answer["Location"] == f"{QUEUE}#gava-{second.pk}"
