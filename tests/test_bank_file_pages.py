"""Bank files as finance meets them: handed in, looked at, booked, decided about, undone."""

import datetime
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from donations import operations, queries
from donations.finance import bank_file_telling as telling
from donations.finance import bank_file_work as work
from donations.finance import bank_files as pages
from donations.models import AccountNumber, BankFile, Fund, HeldLine, Payment, PeriodLock, Transfer
from donations.operations import Part, bank_files
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.bankfiles import flat
from tests.test_finance_pages import row_of, text_of
from tests.test_import import DAY, gift, received, written

pytestmark = pytest.mark.django_db
CAMT = Path(__file__).parent / "bankfiles" / "camt"
LIST = "/ekonomi/bankfiler/"


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


@pytest.fixture(autouse=True)
def ours() -> None:
    for scheme, digits in (
        ("bankgiro", "9912346"),
        ("bban", "54401234567"),
        ("iban", "SE6699900000001234567890"),
    ):
        AccountNumber.objects.create(account=cast.bank(), scheme=scheme, digits=digits)


@pytest.fixture(autouse=True)
def brunnar() -> Fund:
    return cast.fund("47030")


ONE = written(gift("470302", 50_000, serial="9", name="Åsa Lindström"))
TWO = written(
    gift("470302", 50_000, serial="1", name="Åsa Lindström"),
    gift("", 25_050, serial="2", text="Tack, jag är 19811218-9876"),
    day=DAY + datetime.timedelta(days=1),
    serial="00018",
)


def upload(client: Client, *files: tuple[str, bytes]) -> Any:
    sent = [SimpleUploadedFile(name, data) for name, data in files]
    return client.post(reverse("finance_bank_files_upload"), {"chosen": sent})


def handed_in(client: Client, data: bytes, name: str = "fil.txt") -> BankFile:
    upload(client, (name, data))
    return BankFile.objects.latest("pk")


def page(client: Client, name: str, *args: Any) -> Any:
    return client.get(reverse(name, args=args))


def shown(client: Client, of: BankFile) -> Any:
    return page(client, "finance_bank_file", of.pk)


def book(client: Client, of: BankFile, **typed: str) -> Any:
    answer = shown(client, of)
    form = answer.context["form"]
    data = {"seen": form.initial["seen"], **typed}
    return client.post(reverse("finance_bank_file_confirm", args=[of.pk]), data)


def booked(client: Client, data: bytes, name: str = "fil.txt") -> BankFile:
    of = handed_in(client, data, name)
    book(client, of)
    of.refresh_from_db()
    assert of.confirmed_at
    return of


def gifts() -> list[int]:
    """The standing gifts' öre, in the order they were booked."""
    found = Transfer.objects.filter(kind="gift", reverses=None, reversal=None).order_by("pk")
    return list(found.values_list("amount_ore", flat=True))


# Handed in


def test_one_file_leads_to_its_page_with_all_it_comes_to_and_nothing_booked(eskil: Client) -> None:
    answer = upload(eskil, ("mars.txt", TWO))
    of = BankFile.objects.get()
    assert answer["Location"] == reverse("finance_bank_file", args=[of.pk])
    preview = shown(eskil, of)
    assert "BgMax" in text_of(preview)
    assert "4 mars 2026" in text_of(preview)
    assert row_of(preview, "Till sin") == "Till sin insamling 1 500 kr"
    assert row_of(preview, "Till opla") == "Till oplacerade gåvor 1 250,50 kr"
    assert row_of(preview, "Summa in") == "Summa in 750,50 kr 750,50 kr ✓ Stämmer"
    assert "Bokför 2 gåvor, 750,50 kr" in text_of(preview)
    assert "47030" in text_of(preview)
    assert gifts() == []


def test_several_files_are_listed_the_newest_first_and_each_stands_alone(eskil: Client) -> None:
    answer = upload(
        eskil, ("ett.txt", ONE), ("bilder.pdf", b"%PDF-1.7 en sida"), ("andra.txt", TWO)
    )
    text = text_of(answer)
    assert "En fil togs inte emot" in text
    assert "bilder.pdf Filen är en pdf" in text
    assert "2 andra filer är inlämnade." in text
    assert text.index("andra.txt") < text.index("ett.txt")
    assert "2 filer är lästa utan frågor att svara på: 3 nya gåvor, tillsammans 1 250,50 kr" in text
    assert BankFile.objects.count() == 2
    fine = upload(eskil, ("tre.txt", written(gift("470302", 100))), ("ett.txt", ONE))
    assert fine["Location"] == LIST
    assert BankFile.objects.count() == 3, "the one that waits already is not taken twice"


def test_a_refused_file_is_told_with_its_place_its_reason_and_what_stands_there(
    eskil: Client,
) -> None:
    broken = ONE.replace(b"50000", b"5000X", 1)
    text = text_of(upload(eskil, ("trasig.txt", broken), ("hel.txt", ONE)))
    assert re.search(r"trasig.txt Rad \d+: ", text)
    assert "Där står: " in text
    refused = BankFile.objects.get(name="trasig.txt")
    assert "Filen togs inte emot" in text_of(shown(eskil, refused))
    reader = cast.sign_in(Client(), cast.member("Maj", Role.READER))
    assert "Där står" not in text_of(shown(reader, refused))


def test_a_file_of_an_account_that_is_not_ours_is_read_again_once_the_number_is_there(
    eskil: Client,
) -> None:
    number = AccountNumber.objects.filter(scheme__in=["bankgiro", "bban"])
    number.delete()
    of = handed_in(eskil, ONE)
    assert "lägg till numret under Konton" in text_of(shown(eskil, of))
    AccountNumber.objects.create(account=cast.bank(), scheme="bankgiro", digits="9912346")
    eskil.post(reverse("finance_bank_file_read", args=[of.pk]))
    assert "Bokför 1 gåva, 500 kr" in text_of(shown(eskil, of))


def test_bytes_that_are_booked_already_lead_to_that_file(eskil: Client) -> None:
    first = booked(eskil, ONE)
    answer = upload(eskil, ("omdöpt.txt", ONE))
    assert "Filen är redan inläst och bokförd" in text_of(answer)
    assert reverse("finance_bank_file", args=[first.pk]) in answer.content.decode()
    assert BankFile.objects.count() == 1


def test_a_sheet_that_no_mapping_fits_leads_to_its_columns(eskil: Client) -> None:
    sheet = b"Datum;Belopp;Text\n2026-03-03;100,00;Hej\n"
    answer = upload(eskil, ("ark.csv", sheet))
    of = BankFile.objects.get()
    assert answer["Location"] == reverse("finance_bank_file_columns", args=[of.pk])
    assert "Kolumner ska väljas" in row_of(eskil.get(LIST), "ark.csv")


def test_a_sheet_whose_columns_wait_to_be_chosen_is_not_taken_twice(eskil: Client) -> None:
    sheet = b"Datum;Belopp;Text\n2026-03-03;100,00;Hej\n"
    first = handed_in(eskil, sheet, "ark.csv")
    again = upload(eskil, ("ark igen.csv", sheet))
    assert again["Location"] == reverse("finance_bank_file_columns", args=[first.pk])
    assert BankFile.objects.count() == 1
    handed_in(eskil, sheet + b"2026-03-04;100,00;Hej\n", "ett annat.csv")
    assert BankFile.objects.count() == 2


def test_a_file_whose_columns_have_been_chosen_is_read_when_its_page_is_opened(
    eskil: Client,
) -> None:
    of = received(ONE)
    reader = cast.sign_in(Client(), cast.member("Maj", Role.READER))
    assert "Inte läst" in text_of(shown(reader, of))
    assert "Bokför 1 gåva, 500 kr" in text_of(shown(eskil, of))


def test_a_file_beyond_the_limit_is_told_and_the_others_are_kept(
    eskil: Client, settings: Any
) -> None:
    settings.MAX_UPLOAD_BYTES = 2_000
    answer = upload(eskil, ("stor.txt", b"01BGMAX" + b"x" * 70_000), ("liten.txt", ONE))
    assert "stor.txt Filen är större än 500 MB." in text_of(answer)
    assert [one.name for one in BankFile.objects.all()] == ["liten.txt"]


def test_no_file_at_all_is_told_by_the_field(eskil: Client) -> None:
    assert "Välj minst en fil." in text_of(upload(eskil))


def test_the_empty_list_says_what_to_do_first(eskil: Client) -> None:
    text = text_of(eskil.get(LIST))
    assert "Ingen har lämnats in än" in text
    assert "Skriv först in numren" not in text
    AccountNumber.objects.all().delete()
    assert "Skriv först in numren på era konton" in text_of(eskil.get(LIST))


# Booked


def test_a_file_is_booked_once_however_often_the_button_is_pressed(eskil: Client) -> None:
    of = handed_in(eskil, TWO)
    form = shown(eskil, of).context["form"].initial
    address = reverse("finance_bank_file_confirm", args=[of.pk])
    first = eskil.post(address, form, follow=True)
    assert "är bokförd: 2 gåvor, 750,50 kr" in text_of(first)
    assert "1 gåva lades bland oplacerade gåvor" in text_of(first)
    assert "Det var redan gjort" in text_of(eskil.post(address, form, follow=True))
    assert gifts() == [50_000, 25_050]


def test_a_question_has_to_be_answered_and_is_asked_again_until_it_is(eskil: Client) -> None:
    old = written(gift("470302", 100), day=datetime.date(2024, 3, 3))
    of = handed_in(eskil, old)
    asked = shown(eskil, of)
    assert "Filen har betalningar från den 3 mars 2024. Är det rätt fil?" in text_of(asked)
    assert "Klara att bokföra" not in text_of(eskil.get(LIST))
    assert "Kryssa i rutan om det stämmer." in text_of(book(eskil, of))
    assert gifts() == []
    [name] = [name for name in asked.context["form"].fields if name != "seen"]
    book(eskil, of, **{name: "on"})
    assert gifts() == [100]


def test_what_another_file_has_changed_meanwhile_is_shown_and_nothing_is_booked(
    eskil: Client,
) -> None:
    both = handed_in(
        eskil, written(gift("470302", 100, serial="1"), gift("470302", 200, serial="2"))
    )
    form = shown(eskil, both).context["form"].initial
    booked(eskil, written(gift("470302", 100, serial="1")))
    address = reverse("finance_bank_file_confirm", args=[both.pk])
    answer = eskil.post(address, form, follow=True)
    text = text_of(answer)
    assert "Ingenting är bokfört. Något har ändrats sedan du såg filen." in text
    assert "Redan inlästa: 1 (1 kr) i stället för 0." in text
    assert "Bokför 1 gåva, 2 kr" in text
    assert gifts() == [100]
    assert "Filen har lästs om sedan sidan visades" in text_of(
        eskil.post(address, form, follow=True)
    )
    assert gifts() == [100]
    book(eskil, both)
    assert gifts() == [100, 200]


def test_all_files_with_nothing_to_ask_are_booked_each_by_itself(eskil: Client) -> None:
    old = written(gift("470302", 100), day=datetime.date(2024, 3, 3))
    upload(eskil, ("ett.txt", ONE), ("två.txt", TWO), ("gammal.txt", old))
    inputs = re.findall(r'name="fil" value="([^"]+)"', eskil.get(LIST).content.decode())
    assert len(inputs) == 2
    answer = eskil.post(reverse("finance_bank_files_confirm"), {"fil": inputs}, follow=True)
    text = text_of(answer)
    assert "”ett.txt” är bokförd: 1 gåva, 500 kr." in text
    assert "”två.txt” är bokförd: 2 gåvor, 750,50 kr." in text
    assert "1 Bankfiler att bokföra" in text_of(eskil.get(reverse("finance_start")))
    again = eskil.post(reverse("finance_bank_files_confirm"), {"fil": inputs}, follow=True)
    assert "Det var redan gjort." in text_of(again)
    assert sorted(gifts()) == [25_050, 50_000, 50_000]


def test_gifts_of_locked_days_are_told_to_be_booked_on_the_first_open_one(eskil: Client) -> None:
    cast.fund_year(Fund.objects.get(), day=DAY)
    operations.lock_period(datetime.date(2026, 3, 31), by=cast.ester())
    assert PeriodLock.objects.exists()
    text = text_of(shown(eskil, handed_in(eskil, ONE)))
    assert "Gåvor från dem bokförs den 1 april 2026." in text


def test_a_file_that_is_not_booked_can_be_thrown_away_and_a_booked_one_cannot(
    eskil: Client,
) -> None:
    of = handed_in(eskil, ONE)
    storage, name = of.file.storage, of.file.name
    eskil.post(reverse("finance_bank_file_discard", args=[of.pk]))
    assert not BankFile.objects.exists()
    of = booked(eskil, ONE)
    answer = eskil.post(reverse("finance_bank_file_discard", args=[of.pk]), follow=True)
    assert "Då kan den bara ångras." in text_of(answer)
    assert BankFile.objects.exists()
    assert name is not None
    assert storage is not None


# Its lines


def test_each_count_leads_to_its_lines_before_and_after_booking(eskil: Client) -> None:
    of = handed_in(eskil, TWO)
    for _time in ("before", "after"):
        rows = page(eskil, "finance_bank_file_lines", of.pk, "placerade")
        assert "Åsa Lindström" in row_of(rows, "500 kr")
        assert "47030" in row_of(rows, "500 kr")
        waits = text_of(page(eskil, "finance_bank_file_lines", of.pk, "oplacerade"))
        assert "Tack, jag är" in waits
        assert "9876" not in waits
        if not of.confirmed_at:
            book(eskil, of)
            of.refresh_from_db()


def test_what_was_set_aside_is_told_by_kind_and_leads_to_its_lines(eskil: Client) -> None:
    of = handed_in(eskil, (CAMT / "053-08-lumps-and-fees.xml").read_bytes(), "kontoutdrag.xml")
    preview = shown(eskil, of)
    assert row_of(preview, "Klumpsummor, gåvorna").endswith("2 2 000 kr")
    assert row_of(preview, "Avgift").endswith("1 54,50 kr")
    [part] = [p for group in preview.context["groups"] for row in group.rows for p in row.parts][:1]
    address = reverse("finance_bank_file_lines", args=[of.pk, part.slug])
    assert eskil.get(address, {"del": part.part}).context["rows"] != []
    assert eskil.get(address, {"del": "finns inte"}).status_code == 404


@pytest.mark.parametrize("path", sorted(CAMT.glob("*.xml")), ids=lambda path: path.stem)
def test_every_sum_that_a_file_states_is_the_one_that_was_read(eskil: Client, path: Path) -> None:
    of = handed_in(eskil, path.read_bytes(), path.name)
    if outcome := telling.outcome_of(of):
        assert [one for one in telling.control_sums(outcome) if one.short] == []


def test_a_sum_that_is_not_the_files_own_is_told_with_how_much_it_lacks(eskil: Client) -> None:
    of = handed_in(eskil, ONE)
    of.outcome["stated"] |= {"credits": 3, "credit_ore": 70_000}
    of.save()
    preview = shown(eskil, of)
    assert row_of(preview, "Betalningar in") == "Betalningar in 3 1 Skiljer 2"
    assert row_of(preview, "Summa in") == "Summa in 700 kr 500 kr Skiljer 200 kr"
    assert "Stämmer inte, se nedan" in text_of(preview)


# Lump sums


def test_a_lump_sum_is_linked_to_its_gifts_whichever_file_comes_first(eskil: Client) -> None:
    lump = booked(eskil, (CAMT / "053-08-lumps-and-fees.xml").read_bytes(), "kontoutdrag.xml")
    assert "1 250,50 kr den 3 mars 2026: uppgifterna har inte kommit." in text_of(
        shown(eskil, lump)
    )
    details = (CAMT / "054-08-details-of-the-lump.xml").read_bytes()
    booked(eskil, details, "gavor.xml")
    assert "1 250,50 kr den 3 mars 2026: 2 gåvor i gavor.xml , stämmer." in text_of(
        shown(eskil, lump)
    )


def test_a_lump_sum_without_a_number_is_known_by_its_day_and_told_what_it_lacks(
    eskil: Client,
) -> None:
    lump = booked(eskil, (CAMT / "053-08-lumps-and-fees.xml").read_bytes(), "kontoutdrag.xml")
    lump.lumps.update(deposit="")
    booked(eskil, written(gift("470302", 105_050)), "gavor.txt")
    assert [one.count for one in telling.lumps(lump)] == [0, 0], "it may be of either"
    lump.lumps.exclude(amount_ore=125_050).delete()
    [told] = telling.lumps(lump)
    assert (told.count, told.short_ore) == (1, 20_000)
    assert "skiljer 200 kr." in text_of(shown(eskil, lump))
    booked(eskil, written(gift("470302", 125_050), serial="00019"), "fler.txt")
    [told] = telling.lumps(lump)
    assert (told.count, told.short_ore) == (1, 0)


# Decided


@pytest.fixture
def twins(eskil: Client) -> BankFile:
    """Two lines that wait beside their twins from another format, and one new gift."""
    booked(
        eskil,
        written(
            gift("470302", 25_050, serial="1", name="Andersson A"),
            gift("4703070", 100_000, serial="2", name="Bo Åberg"),
        ),
        "bgmax.txt",
    )
    camt = (CAMT / "054-08-details-of-the-lump.xml").read_bytes()
    of = booked(eskil, camt, "camt.xml")
    assert of.held.filter(decision="").count() == 2
    return of


def test_a_line_stands_beside_its_twin_with_what_differs_in_words(
    eskil: Client, twins: BankFile
) -> None:
    assert "2 Betalningar som liknar bokförda gåvor" in text_of(eskil.get(reverse("finance_start")))
    assert "Väntar på beslut: 2" in row_of(eskil.get(LIST), "camt.xml")
    answer = page(eskil, "finance_held", twins.pk)
    assert row_of(answer, "Belopp") == "Belopp 250,50 kr 250,50 kr"
    assert row_of(answer, "Givare").startswith("Givare skiljer sig ")
    assert "bgmax.txt" in row_of(answer, "Finns i")


def test_the_same_gift_is_not_booked_and_the_decision_can_be_undone(
    eskil: Client, twins: BankFile
) -> None:
    before = gifts()
    one, other = twins.held.all()
    address = reverse("finance_held", args=[twins.pk])
    answer = eskil.post(address, {"rad": one.pk, "beslut": "same"})
    assert answer["Location"].endswith(f"#rad-{other.pk}")
    eskil.post(address, {"rad": one.pk, "beslut": "another"})
    assert gifts() == before, "somebody has decided already"
    done = eskil.get(address, {"visa": "beslutade"})
    assert "Samma gåva , beslutade Eskil" in text_of(done)
    eskil.post(reverse("finance_held_reopen", args=[twins.pk, one.pk]))
    assert twins.held.filter(decision="").count() == 2
    assert Event.objects.filter(text__startswith="Ångrade ett beslut").count() == 1
    eskil.post(address, {"rad": one.pk, "beslut": "another"})
    assert gifts() == [*before, one.amount_ore]
    refused = eskil.post(reverse("finance_held_reopen", args=[twins.pk, one.pk]), follow=True)
    assert "Rätta gåvan i stället." in text_of(refused)


@pytest.mark.parametrize("decision", ["same", "another"])
def test_one_decision_covers_the_file_after_its_sum_was_told(
    eskil: Client, twins: BankFile, decision: str
) -> None:
    before = gifts()
    address = reverse("finance_held_all", args=[twins.pk]) + f"?varfor=alike&beslut={decision}"
    asked = eskil.get(address)
    assert "1 250,50 kr" in text_of(asked)
    sent = {"once": str(asked.context["form"]["once"].value()), "seen": asked.context["seen"]}
    changed = eskil.post(address, {**sent, "seen": "3 999"})
    assert "Det har ändrats vad som väntar" in text_of(changed)
    assert twins.held.filter(decision="").count() == 2
    assert eskil.post(address, sent)["Location"] == reverse("finance_bank_file", args=[twins.pk])
    eskil.post(address, sent)
    assert gifts() == (before if decision == "same" else [*before, 25_050, 100_000])


def test_a_decision_about_conflicts_leaves_alone_what_waits_for_another_reason(
    twins: BankFile,
) -> None:
    why = HeldLine.Why.CONFLICT
    assert bank_files.decide(twins, HeldLine.Decision.SAME, by=cast.ester(), why=why) == 0
    assert twins.held.filter(decision="").count() == 2


def test_a_conflict_offers_to_keep_to_book_or_to_correct_the_booked_one(eskil: Client) -> None:
    number = AccountNumber.objects.create(account=cast.bank(), scheme="swish", digits="1230000000")
    swish = (CAMT / "054-08-swish.xml").read_bytes()
    booked(eskil, swish, "swish.xml")
    of = booked(eskil, swish.replace(b">50.00<", b">60.00<"), "swish-igen.xml")
    assert list(of.held.values_list("why", flat=True)) == [HeldLine.Why.CONFLICT], number
    answer = page(eskil, "finance_held", of.pk)
    text = text_of(answer)
    assert "Behåll den bokförda" in text
    assert "Bokför också denna" in text
    assert "Rätta den bokförda gåvan först" in text
    assert row_of(answer, "Belopp") == "Belopp skiljer sig 60 kr 50 kr"


@pytest.mark.parametrize(
    "typed", [{}, {"rad": "x"}, {"rad": "9" * 30}, {"rad": "1", "beslut": "x"}]
)
def test_a_decision_made_by_hand_decides_nothing(
    eskil: Client, twins: BankFile, typed: dict[str, str]
) -> None:
    eskil.post(reverse("finance_held", args=[twins.pk]), typed)
    assert twins.held.filter(decision="").count() == 2


# Undone


def test_undoing_tells_exactly_what_it_undoes_and_lets_the_file_come_again(eskil: Client) -> None:
    of = booked(eskil, TWO, "mars.txt")
    [waiting] = queries.unplaced()
    part = Part(Fund.objects.get(), 25_050)
    operations.place(waiting, [part], booked_on=waiting.booked_on, reason="x", by=cast.ester())
    address = reverse("finance_bank_file_undo", args=[of.pk])
    asked = eskil.get(address)
    text = text_of(asked)
    assert "2 gåvor, tillsammans 750,50 kr" in text
    assert "1 placering som någon har gjort för hand av gåvorna, 250,50 kr" in text
    assert "Ångra 2 gåvor, 750,50 kr" in text
    once = str(asked.context["form"]["once"].value())
    assert "Rätta det som är markerat." in text_of(eskil.post(address, {"once": once}))
    done = eskil.post(address, {"once": once, "reason": "Fel månad"}, follow=True)
    assert "är ångrad: 2 gåvor är rättade" in text_of(done)
    assert gifts() == []
    assert Event.objects.filter(text__startswith=f"Ångrade bankfil nr {of.pk}:").count() == 1
    again = eskil.post(reverse("finance_bank_file_again", args=[of.pk]))
    new = BankFile.objects.latest("pk")
    assert new.pk != of.pk
    assert again["Location"] == reverse("finance_bank_file", args=[new.pk])
    eskil.post(reverse("finance_bank_file_again", args=[of.pk]))
    assert BankFile.objects.count() == 2
    book(eskil, new)
    assert gifts() == [50_000, 25_050]


def test_undoing_the_first_file_lets_the_others_lines_wait_again(
    eskil: Client, twins: BankFile
) -> None:
    bank_files.decide(twins, HeldLine.Decision.SAME, by=cast.ester())
    first = BankFile.objects.get(name="bgmax.txt")
    text = text_of(page(eskil, "finance_bank_file_undo", first.pk))
    assert "2 beslut om ”samma gåva” i andra filer" in text
    bank_files.undo(first, reason="x", by=cast.ester())
    answer = text_of(page(eskil, "finance_held", twins.pk))
    assert "Ångrad, finns inte kvar" in answer
    all_ = reverse("finance_held_all", args=[twins.pk])
    warned = eskil.get(all_, {"varfor": "alike", "beslut": "same"})
    assert "För 2 av raderna är gåvan som de liknade ångrad eller rättad" in text_of(warned)


def test_lines_stand_beside_their_twins_again_when_the_undone_file_comes_back(
    eskil: Client, twins: BankFile
) -> None:
    first = BankFile.objects.get(name="bgmax.txt")
    bank_files.undo(first, reason="x", by=cast.ester())
    assert set(twins.held.values_list("twin", flat=True)) == {None}
    assert "Gåvan som raden liknade är ångrad" in text_of(page(eskil, "finance_held", twins.pk))
    all_ = reverse("finance_held_all", args=[twins.pk])
    warned = eskil.get(all_, {"varfor": "alike", "beslut": "another"})
    assert "räknas den två gånger" in text_of(warned)
    eskil.post(reverse("finance_bank_file_again", args=[first.pk]))
    again = BankFile.objects.get(name="bgmax.txt", undone_at=None)
    book(eskil, again)
    assert {one.twin and one.twin.file for one in twins.held.all()} == {again}
    assert again.payments.count() == twins.held.count() == 2
    assert "bgmax.txt" in row_of(page(eskil, "finance_held", twins.pk), "Finns i")


def test_a_booked_files_page_tells_what_was_decided_and_what_still_waits(
    eskil: Client, twins: BankFile
) -> None:
    one, other = twins.held.all()
    assert "Väntar på beslut Liknar" in text_of(shown(eskil, twins))
    bank_files.decide(twins, HeldLine.Decision.ANOTHER, by=cast.ester(), lines=[one.pk])
    assert "Väntar på beslut: 1 av 2" in text_of(shown(eskil, twins))
    bank_files.decide(twins, HeldLine.Decision.SAME, by=cast.ester(), lines=[other.pk])
    told = text_of(shown(eskil, twins))
    assert "Beslutade rader : 1 fanns redan, 1 bokfördes" in told
    assert "Har väntat på beslut Liknar" in told
    assert "Väntar på" not in told
    bank_files.undo(twins, reason="x", by=cast.ester())
    assert "Gåvor, bokförda och sedan ångrade" in text_of(shown(eskil, twins))


def test_lines_that_are_read_otherwise_than_when_they_were_counted_are_told_to_be(
    eskil: Client,
) -> None:
    of = handed_in(eskil, TWO)
    booked(eskil, TWO + b"\n", "samma.txt")
    rows = text_of(page(eskil, "finance_bank_file_lines", of.pk, "placerade"))
    assert "Läs filen igen för att se vad som händer med dem." in rows


def test_one_way_alone_is_marked_on_the_page_of_a_files_unplaced_lines(eskil: Client) -> None:
    rows = page(eskil, "finance_bank_file_lines", handed_in(eskil, TWO).pk, "oplacerade")
    assert rows.content.decode().count("aria-current") == 1


# Who may see what


@pytest.mark.parametrize("role", [Role.APPROVER, Role.READER])
def test_who_only_reads_sees_totals_and_states_and_no_payer(
    eskil: Client, role: Role, twins: BankFile
) -> None:
    of = booked(eskil, TWO, "mars.txt")
    reader = cast.sign_in(Client(), cast.member("Maj", role))
    assert "Lämna in" not in text_of(reader.get(LIST)).replace("Inlämnad", "")
    text = text_of(shown(reader, of))
    assert "750,50 kr" in text
    assert "Ångra" not in text
    rows = text_of(page(reader, "finance_bank_file_lines", of.pk, "placerade"))
    assert "500 kr" in rows
    assert "Åsa" not in rows
    assert page(reader, "finance_held", twins.pk).status_code == 403


def test_the_list_is_searched_by_name_whatever_the_case(eskil: Client) -> None:
    upload(eskil, ("Åkersberga mars.txt", ONE), ("april.txt", TWO))
    assert [row[0].name for row in eskil.get(LIST, {"q": "åkers"}).context["rows"]] == [
        "Åkersberga mars.txt"
    ]
    assert "Ingen fil heter något med ”maj”." in text_of(eskil.get(LIST, {"q": "maj"}))


def test_what_waits_is_listed_alone(eskil: Client, twins: BankFile) -> None:
    unbooked = handed_in(eskil, ONE, "ny.txt")
    for only, names in (("obokforda", [unbooked.name]), ("beslut", [twins.name])):
        rows = eskil.get(LIST, {"visa": only}).context["rows"]
        assert [row[0].name for row in rows] == names


def test_no_payer_stands_in_the_audit_list(eskil: Client, twins: BankFile) -> None:
    of = booked(eskil, TWO)
    bank_files.undo(of, reason="x", by=cast.ester())
    bank_files.decide(twins, HeldLine.Decision.ANOTHER, by=cast.ester())
    payers = set(Payment.objects.exclude(payer_name="").values_list("payer_name", flat=True))
    assert payers
    told = "\n".join(Event.objects.values_list("text", flat=True))
    assert [name for name in payers if name in told] == []


# Long work


def test_a_large_file_is_begun_beside_the_request_and_its_page_tells_how_far(
    eskil: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(work.threading.Thread, "start", lambda thread: begun.append(thread))
    settings.LARGE_BANK_FILE = 10
    of = handed_in(eskil, ONE)
    assert len(begun) == 1
    assert of.read_at is None
    assert "0 % läst" in text_of(shown(eskil, of))
    assert "Läses, 0 %" in row_of(eskil.get(LIST), "fil.txt")
    eskil.post(reverse("finance_bank_file_read", args=[of.pk]))
    eskil.post(reverse("finance_bank_file_discard", args=[of.pk]))
    assert len(begun) == 1, "a second click begins nothing"
    assert BankFile.objects.exists()
    monkeypatch.setattr(work, "SILENT", -1)
    died = text_of(shown(eskil, of))
    assert "Arbetet avbröts, ingenting är bokfört." in died
    assert "Läs filen" in died
    monkeypatch.setattr(work, "SILENT", 20)
    eskil.post(reverse("finance_bank_file_read", args=[of.pk]))
    assert len(begun) == 1, "what is alive after all is not begun again"
    monkeypatch.setattr(work, "SILENT", -1)
    eskil.post(reverse("finance_bank_file_read", args=[of.pk]))
    assert len(begun) == 2


def test_stream_of_a_file_on_disk_is_taken_like_one_in_memory(eskil: Client, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = [
        "config.uploads.CapHandler",
        "django.core.files.uploadhandler.TemporaryFileUploadHandler",
    ]
    assert "Bokför 2 gåvor" in text_of(shown(eskil, handed_in(eskil, TWO)))


def test_take_gives_the_place_and_the_reason_of_a_refusal() -> None:
    came = pages.take("tom.txt", io.BytesIO(b""), by=cast.ester())
    assert came.why
    assert came.bank_file is None


# What seldom happens


def test_of_two_who_hand_in_the_same_bytes_at_once_the_first_file_stays(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_comes(_of: BankFile) -> None:
        received(ONE, "samma.txt")

    monkeypatch.setattr(bank_files, "already_booked", another_comes)
    answer = upload(eskil, ("fil.txt", ONE))
    first = BankFile.objects.earliest("pk")
    assert first.name == "fil.txt"
    assert answer["Location"] == reverse("finance_bank_file", args=[first.pk])


def test_the_day_that_a_file_was_booked_is_stockholms(eskil: Client) -> None:
    of = booked(eskil, ONE)
    midnight = datetime.datetime(2026, 4, 1, 22, 30, tzinfo=datetime.UTC)
    BankFile.objects.filter(pk=of.pk).update(confirmed_at=midnight)
    assert "bokförd den 2 april 2026" in text_of(page(eskil, "finance_bank_file_undo", of.pk))


def test_no_page_breaks_when_the_bytes_are_gone(eskil: Client) -> None:
    of = booked(eskil, TWO)
    new = handed_in(eskil, ONE)
    seen = shown(eskil, new).context["form"].initial["seen"]
    for one in (of, new):
        one.file.storage.delete(str(one.file.name))
    gone = "Filens innehåll finns inte kvar. Lämna in den igen."
    assert gone in text_of(page(eskil, "finance_bank_file_lines", of.pk, "placerade"))
    confirm = reverse("finance_bank_file_confirm", args=[new.pk])
    assert gone in text_of(eskil.post(confirm, {"seen": seen}, follow=True))
    bank_files.undo(of, reason="x", by=cast.ester())
    again = reverse("finance_bank_file_again", args=[of.pk])
    assert gone in text_of(eskil.post(again, follow=True))


def test_the_counts_of_a_file_that_has_been_weeded_out_stay_and_its_lines_are_told_gone(
    eskil: Client,
) -> None:
    of = booked(eskil, TWO)
    BankFile.objects.filter(pk=of.pk).update(file="", name="")
    text = text_of(page(eskil, "finance_bank_file_lines", of.pk, "placerade"))
    assert "Filens rader är gallrade." in text
    assert "1 rad, tillsammans 500 kr" in text


def test_lines_that_can_no_longer_be_read_as_they_were_are_told_why(eskil: Client) -> None:
    of = booked(eskil, TWO)
    AccountNumber.objects.all().delete()
    text = text_of(page(eskil, "finance_bank_file_lines", of.pk, "placerade"))
    assert "Filen går inte längre att läsa som den var" in text
    assert "hör inte till något av era konton" in text


def test_what_a_payer_wrote_instead_of_an_ocr_number_is_for_those_who_see_payers(
    eskil: Client,
) -> None:
    of = handed_in(eskil, written([flat.payment(100, "8112289874", code="2")]))
    reader = cast.sign_in(Client(), cast.member("Maj", Role.READER))
    told = text_of(page(reader, "finance_bank_file_lines", of.pk, "oplacerade"))
    assert "8112289874" not in told
    assert "••••••-••••" not in told
    told = text_of(page(eskil, "finance_bank_file_lines", of.pk, "oplacerade"))
    assert "8112289874" not in told
    assert "OCR-numret ••••••-•••• hör inte till någon insamling." in told


def test_a_large_file_that_is_being_read_is_not_said_to_be_booked(
    eskil: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = handed_in(eskil, ONE)
    settings.LARGE_BANK_FILE = 10
    monkeypatch.setattr(work, "begin", lambda *_args: False)
    seen = shown(eskil, of).context["form"].initial["seen"]
    confirm = reverse("finance_bank_file_confirm", args=[of.pk])
    text = text_of(eskil.post(confirm, {"seen": seen}, follow=True))
    assert "Någon arbetar redan med filen. Vänta tills det är klart." in text
    assert "bokförs nu" not in text


@pytest.mark.parametrize(
    "name",
    ["lines", "confirm", "read", "discard", "undo", "again", "columns"],
)
def test_a_file_that_does_not_exist_breaks_nothing(eskil: Client, name: str) -> None:
    args = [10**15, "placerade"] if name == "lines" else [10**15]
    address = reverse(f"finance_bank_file_{name}", args=args)
    assert eskil.get(address).status_code < 500
    assert eskil.post(address).status_code < 500


def test_odd_pages_and_fields_break_nothing(eskil: Client, twins: BankFile) -> None:
    many = "9" * 4000
    for path in (
        f"{LIST}?sida={many}&q=%00&visa=x",
        f"{LIST}{twins.pk}/rader/liknande/?sida={10**9}",
        f"{LIST}{twins.pk}/rader/ovrigt/?del=x",
        f"{LIST}{twins.pk}/beslut/?sida={10**9}&visa=beslutade",
        f"/ekonomi/oplacerade/?sida={10**9}&placerad={many}&belopp=x&dag=x&fil=x",
        f"{LIST}{10**30}/",
    ):
        assert eskil.get(path).status_code < 500, path
    for path in (
        f"{LIST}lamna-in/",
        f"{LIST}bokfor/",
        f"{LIST}{twins.pk}/beslut/",
        f"{LIST}{twins.pk}/beslut/alla/?varfor=alike&beslut=same",
        f"{LIST}{twins.pk}/angra/",
        "/ekonomi/oplacerade/angra/",
    ):
        assert eskil.post(path).status_code < 500, path
    assert eskil.post(f"{LIST}bokfor/", {"fil": ["x", "1:", f"{many}:x"]}).status_code < 500
    assert (
        eskil.post(f"{LIST}{twins.pk}/beslut/", {"rad": many, "beslut": "same"}).status_code == 302
    )
    for data in (b"", b"\0", b"\xff\xfe"):
        for name in ("x" * 400 + ".txt", "a\u202e\n.txt", "<b>å</b>.xml"):
            assert upload(eskil, (name, data)).status_code < 500, (name, data)


def test_the_list_costs_the_same_however_many_files_there_are(
    eskil: Client, django_assert_num_queries: Any
) -> None:
    upload(eskil, ("en.txt", ONE))
    eskil.get(LIST)
    with CaptureQueriesContext(connection) as captured:
        eskil.get(LIST)
    of_one = len(captured)
    upload(eskil, *((f"{n}.txt", written(gift("47030", n), serial=f"{n:05}")) for n in range(2, 8)))
    eskil.get(LIST)
    with django_assert_num_queries(of_one):
        assert len(eskil.get(LIST).context["rows"]) == 7


def test_undoing_a_file_tells_of_later_ones_that_took_its_gifts_for_known(eskil: Client) -> None:
    first = booked(eskil, ONE, "mars.txt")
    booked(eskil, TWO, "april.txt")
    booked(eskil, ONE + b"\r\n", "mars igen.txt")
    text = text_of(page(eskil, "finance_bank_file_undo", first.pk))
    assert "Gåvor som också står i mars igen.txt räknades där som redan inlästa." in text
    last = BankFile.objects.get(name="mars igen.txt")
    assert "redan inlästa" not in text_of(page(eskil, "finance_bank_file_undo", last.pk))
