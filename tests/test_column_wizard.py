"""The wizard for sheets: columns chosen and seen as they will be read, kept once, and found again."""

import io
import os
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import recall
from donations.bankfiles.mapped import Mapping, Sign, look, with_headings
from donations.bankfiles.records import Scheme
from donations.models import AccountNumber, BankFile, ColumnMapping, GiftSource
from staff.models import Event
from staff.roles import PERMISSIONS, Role
from tests import cast
from tests.test_finance_pages import row_of, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db
LIST = "/ekonomi/bankfiler/kolumnmallar/"
SHEET = (
    "Swishrapport mars;;;\n"
    "Datum;Belopp;Meddelande;Namn\n"
    "2026-03-03;500,00;47030;Greta Givare\n"
    "2026-03-04;-100,00;Åter;Bo Öman\n"
)


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def number(digits: str = "1230000000", scheme: str = "swish") -> AccountNumber:
    return AccountNumber.objects.create(account=cast.bank(), scheme=scheme, digits=digits)


def sheet(data: str | bytes = SHEET, name: str = "mars.csv", **fields: Any) -> BankFile:
    """A sheet that has been handed in and that no format and no saved mapping reads."""
    raw = data.encode() if isinstance(data, str) else data
    made = BankFile(name=name, digest="0" * 64, size=len(raw), received_at=timezone.now())
    made.by = cast.ester()
    for field, value in fields.items():
        setattr(made, field, value)
    made.file.save("arket", ContentFile(raw), save=False)
    made.save()
    return made


def page_of(file: BankFile) -> str:
    return reverse("finance_bank_file_columns", args=[file.pk])


def typed(client: Client, file: BankFile, **changed: Any) -> dict[str, Any]:
    """What the form holds when it comes, and what is changed in it."""
    form = client.get(page_of(file)).context["columns"]
    return {field.name: field.value() or "" for field in form} | changed


def save(client: Client, file: BankFile, name: str = "Bankens rapport", **changed: Any) -> Any:
    return client.post(page_of(file), typed(client, file, **changed) | {"save": "1", "name": name})


def kept(name: str = "Bankens rapport", text: str = SHEET, **fields: Any) -> ColumnMapping:
    told: dict[str, Any] = {"date": 0, "amount": 1, "message": 2, "payer_name": 3}
    told |= {"day_format": "ÅÅÅÅ-MM-DD", "scheme": Scheme.SWISH, "account": "1230000000"}
    mapping = with_headings(Mapping(**told | fields), look(io.BytesIO(text.encode())))
    return ColumnMapping.objects.create(
        name=name, mapping=mapping.to_json(), created_at=timezone.now(), by=cast.ester()
    )


# Chosen and seen


def test_the_page_comes_with_a_suggestion_and_the_rows_as_they_would_be_read(eskil: Client) -> None:
    number()
    page = eskil.get(page_of(sheet()))
    text = text_of(page)
    assert "B: Belopp (500,00)" in text
    assert "Gåvokonto: Swish 123 000 00 00" in text
    assert "Här är de 2 första raderna. Alla går att läsa." in text
    assert row_of(page, "Greta") == ("3 3 mar 2026 123 000 00 00 47030 Greta Givare 500 kr in")
    assert row_of(page, "Bo Öman").endswith("100 kr ut")
    assert "Fel:" not in page.content.decode()
    assert not ColumnMapping.objects.exists()


def test_every_change_is_shown_anew_and_what_was_chosen_stays(eskil: Client) -> None:
    number()
    file = sheet()
    page = eskil.post(
        page_of(file), typed(eskil, file, minus="in", message="", reference="2", show="1")
    )
    assert row_of(page, "Bo Öman").endswith("100 kr in")
    assert row_of(page, "Greta").endswith("500 kr ut")
    assert page.context["columns"]["reference"].value() == "2"
    page = eskil.post(page_of(file), typed(eskil, file, minus="never"))
    assert "Fel: Kolumn B har ett minustecken" in row_of(page, "Bo Öman")
    assert "1 gå" not in text_of(page)
    assert "En går inte att läsa." in text_of(page)
    assert page.context["columns"]["minus"].value() == "never"
    assert not ColumnMapping.objects.exists()


def test_each_fault_stands_at_its_row(eskil: Client) -> None:
    number()
    text = "Datum;Belopp\n2026-03-03;500,00\n2026-03-04;fem\n2026-02-30;5,00\n"
    page = eskil.get(page_of(sheet(text)))
    page = eskil.post(
        page_of(BankFile.objects.get()),
        typed(eskil, BankFile.objects.get(), date="0", amount="1", day_format="ÅÅÅÅ-MM-DD"),
    )
    assert "Kolumn B har ”fem”. Ett belopp ska skrivas som 1500,00." in row_of(page, "fem")
    assert "som inte är en dag på formen ÅÅÅÅ-MM-DD" in row_of(page, "2026-02-30")
    assert "2 går inte att läsa" in text_of(page)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"date": ""}, "Välj kolumnen med datum"),
        ({"amount": ""}, "Välj kolumnen med belopp, eller kolumnerna med in och ut."),
        (
            {"money_in": "3", "payer_name": ""},
            "Välj antingen en kolumn med belopp eller kolumner med in och ut.",
        ),
        ({"message": "1"}, "Samma kolumn är vald två gånger."),
        ({"account": ""}, "Välj kontot som pengarna kom till, eller kolumnen"),
        ({"account_column": "2"}, "Välj antingen ett konto eller kolumnen med kontots nummer"),
        ({"header_row": "3"}, "Rad 3 är en betalning. Skriv 0 om filen inte har några rubriker."),
        ({"header_row": "40"}, "Rad 40 är tom eller finns inte."),
        ({"header_row": "-1"}, "större än eller lika med 0"),
        ({"header_row": "x"}, "Rätta det som är markerat"),
        ({"date": "77"}, "Rätta det som är markerat"),
        ({"account": "swish:x"}, "Rätta det som är markerat"),
        ({"account": "bankgiro:54029680"}, "Rätta det som är markerat"),
        ({"day_format": "x"}, "Rätta det som är markerat"),
        ({"minus": "x"}, "Rätta det som är markerat"),
        ({"scheme": "x"}, "Rätta det som är markerat"),
    ],
)
def test_what_cannot_be_is_told_and_what_was_chosen_stays(
    eskil: Client, changed: dict[str, str], sentence: str
) -> None:
    number()
    file = sheet()
    page = save(eskil, file, **changed)
    assert sentence in text_of(page)
    assert page.content.decode().count("<title>Fel: ") == 1
    chosen = page.context["columns"]
    assert {name: str(chosen[name].value()) for name in changed} == changed
    assert page.context["named"]["name"].value() == "Bankens rapport"
    assert not ColumnMapping.objects.exists()


def test_without_registered_numbers_the_page_still_works(eskil: Client) -> None:
    text = text_of(eskil.get(page_of(sheet())))
    assert "Inget av era konton har något nummer än." in text
    assert "Välj kontot som pengarna kom till" in text


def test_a_sheet_without_headings_and_one_with_the_same_twice(eskil: Client) -> None:
    number()
    page = eskil.get(page_of(sheet("2026-03-03;500,00;;Till brunnen\n2026-03-04;1,00;;Åter\n")))
    assert page.context["columns"]["header_row"].value() == "0"
    assert "C (tom)" in text_of(page)
    assert row_of(page, "brunnen").startswith("1 3 mar 2026")
    page = eskil.get(page_of(sheet("Datum;Belopp;Belopp\n2026-03-03;SEK;500,00\n")))
    assert "B: Belopp (SEK)" in text_of(page)
    assert "C: Belopp (500,00)" in text_of(page)
    assert "500 kr in" in text_of(page)


def test_long_headings_are_cut_and_odd_ones_are_harmless(eskil: Client) -> None:
    number()
    long = "Meddelande " + "från betalaren " * 30
    page = eskil.get(page_of(sheet(f"Datum;Belopp;{long};<script>x\n2026-03-03;5,00;Hej;Bo\n")))
    assert "C: Meddelande från betalaren från betalare… (Hej)" in text_of(page)
    assert "<script>x" not in page.content.decode()


def test_a_sheet_with_two_hundred_columns_is_refused_in_words(eskil: Client) -> None:
    number()
    file = sheet(";".join(f"K{n}" for n in range(200)) + "\n")
    page = eskil.get(page_of(file))
    assert "Raden har fler än 100 kolumner." in text_of(page)
    assert "Raden har fler än 100 kolumner." in text_of(eskil.post(page_of(file), {"save": "1"}))


def test_of_a_million_rows_the_first_are_read(eskil: Client) -> None:
    number()
    head, row = SHEET[: SHEET.index("2026")], "2026-03-03;500,00;47030;Greta Givare\n"
    file = sheet(head + row * 1_000_000)
    begun = time.process_time()
    assert "Här är de 10 första raderna." in text_of(eskil.get(page_of(file)))
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("data", [b"\0\1\2", b"%PDF-1.7", b"PK\3\4trasig", b'"'])
def test_what_is_no_sheet_is_told_and_nothing_breaks(eskil: Client, data: bytes) -> None:
    page = eskil.get(page_of(sheet(data)))
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode() or "Välj kolumnen" in text_of(page)


def test_a_file_whose_bytes_are_gone_says_so(eskil: Client) -> None:
    file = sheet()
    os.remove(file.file.path)
    assert "Filens innehåll finns inte kvar." in text_of(eskil.get(page_of(file)))


@pytest.mark.parametrize(
    "fields", [{"format": "camt.054"}, {"confirmed_at": timezone.now()}, {"file": ""}]
)
def test_a_file_that_is_no_sheet_or_is_booked_or_has_no_bytes_has_no_such_page(
    eskil: Client, fields: dict[str, Any]
) -> None:
    file = sheet()
    BankFile.objects.update(**fields)
    answer = eskil.get(page_of(file))
    assert answer["Location"] == reverse("finance_bank_file", args=[file.pk])
    assert eskil.post(page_of(file), {"save": "1"}).status_code == 302
    assert not ColumnMapping.objects.exists()


# Kept


def test_what_is_saved_is_the_mapping_and_the_file_is_read_by_it(eskil: Client) -> None:
    number()
    file = sheet(refusal={"why": "x"}, outcome={"x": 1}, read_at=timezone.now())
    answer = save(eskil, file)
    assert answer["Location"] == reverse("finance_bank_file", args=[file.pk])
    mapping = ColumnMapping.objects.get()
    assert mapping.columns == Mapping(
        date=0,
        day_format="ÅÅÅÅ-MM-DD",
        scheme=Scheme.SWISH,
        account="1230000000",
        delimiter=";",
        encoding="utf-8-sig",
        header_row=2,
        headings=("Datum", "Belopp", "Meddelande", "Namn"),
        amount=1,
        minus=Sign.OUT,
        message=2,
        payer_name=3,
        channel="swish",
    )
    file.refresh_from_db()
    assert (file.mapping, file.format) == (mapping, "Bankens rapport")
    assert (file.read_at, file.outcome, file.refusal) == (None, {}, None)
    event = Event.objects.first()
    assert event is not None
    assert event.text == "Lade till kolumnmall ”Bankens rapport”"
    assert "Greta" not in mapping.mapping


def test_a_second_click_makes_no_second_mapping(eskil: Client) -> None:
    number()
    file = sheet()
    sent = typed(eskil, file) | {"save": "1", "name": "Bankens rapport"}
    assert [eskil.post(page_of(file), sent).status_code for _click in range(2)] == [302, 302]
    assert ColumnMapping.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "måste fyllas i"),
        ("Upptagen", "Det finns redan en kolumnmall med det namnet. Välj ett annat."),
        ("bgmax", "Så heter redan ett filformat. Välj ett annat namn."),
        ("Swishrapport från Swedbank", "Så heter redan ett filformat."),
        ("x" * 61, "som mest 60 tecken"),
    ],
)
def test_a_name_that_cannot_be_is_told(eskil: Client, name: str, sentence: str) -> None:
    number()
    kept("Upptagen", "Annat;Annat 2\n2026-03-03;5,00\n")
    page = save(eskil, sheet(), name)
    assert sentence in text_of(page)
    assert page.context["named"]["name"].value() == name
    assert ColumnMapping.objects.count() == 1


def test_a_mapping_that_does_not_read_the_first_rows_is_not_kept(eskil: Client) -> None:
    number()
    page = save(eskil, sheet(), minus="never")
    assert "Alla rader här måste gå att läsa innan mallen sparas." in text_of(page)
    assert not ColumnMapping.objects.exists()


def test_a_file_that_was_booked_meanwhile_keeps_no_mapping(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from donations.finance import columns

    number()
    file = sheet()
    real = columns._save

    def late(*given: Any) -> bool:
        BankFile.objects.update(confirmed_at=timezone.now())
        return real(*given)

    monkeypatch.setattr(columns, "_save", late)
    assert save(eskil, file).status_code == 200
    assert not ColumnMapping.objects.exists()


def test_on_a_file_that_waits_the_mapping_itself_is_changed(eskil: Client) -> None:
    number()
    mapping = kept()
    file, other = sheet(mapping=mapping), sheet(mapping=mapping, read_at=timezone.now())
    page = eskil.get(page_of(file))
    assert page.context["columns"]["message"].value() == "2"
    assert page.context["named"]["name"].value() == "Bankens rapport"
    assert save(eskil, file, message="", reference="2").status_code == 302
    assert ColumnMapping.objects.get().columns.reference == 2
    other.refresh_from_db()
    assert other.read_at is None  # what it came to was read by the columns of before


def test_a_mapping_that_booked_files_were_read_by_is_changed_under_another_name(
    eskil: Client,
) -> None:
    number()
    mapping = kept()
    sheet(mapping=mapping, confirmed_at=timezone.now(), confirmed_by=cast.ester())
    file = sheet(mapping=mapping)
    page = save(eskil, file, message="", reference="2")
    assert "Ge den ändrade mallen ett eget namn." in text_of(page)
    assert save(eskil, file, "Den nya", message="", reference="2").status_code == 302
    mapping.refresh_from_db()
    assert mapping.columns.message == 2
    file.refresh_from_db()
    assert file.format == "Den nya"


def test_a_saved_mapping_without_headings_is_offered_and_used(eskil: Client) -> None:
    number()
    text = "2026-03-03;500,00;47030;Bo\n"
    mapping = kept("Utan rubriker", text)
    kept("Med rubriker")
    file = sheet("2026-04-03;100,00;47031;Åsa\n".encode("cp1252"))
    page = eskil.get(page_of(file))
    assert [one.name for one in page.context["ready"]] == ["Utan rubriker"]
    assert eskil.post(page_of(file), {"use": str(mapping.pk)}).status_code == 302
    file.refresh_from_db()
    assert (file.mapping, file.format) == (mapping, "Utan rubriker")


# Found again


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_file_with_the_same_headings_finds_its_mapping(encoding: str) -> None:
    mapping = kept()
    kept("En annan", "Datum;Belopp;Text;Namn\n2026-03-03;5,00;x;y\n")
    data = SHEET.replace("47030", "Från Åsa").replace("\n", "\r\n").encode(encoding)
    assert recall.fitting_mapping(io.BytesIO(data)) == mapping


def test_of_several_the_newest_is_found() -> None:
    kept()
    newest = kept("Nyare")
    assert recall.fitting_mapping(io.BytesIO(SHEET.encode())) == newest


@pytest.mark.parametrize(
    "text",
    [
        SHEET.replace("Meddelande", "Text"),
        SHEET.replace(";", ","),
        SHEET[SHEET.index("Datum") :],
        "2026-03-03;500,00;47030;Greta Givare\n",
        "",
    ],
)
def test_a_file_with_other_headings_finds_none(text: str) -> None:
    kept()
    kept("Utan rubriker", "2026-03-03;500,00;47030;Bo\n")
    assert recall.fitting_mapping(io.BytesIO(text.encode())) is None


def test_what_is_no_sheet_finds_none_and_nothing_is_raised() -> None:
    kept()
    draw = random.Random(7)
    for _turn in range(300):
        data = bytearray(SHEET.encode() if draw.random() < 0.5 else b"PK\3\4" + SHEET.encode())
        for _change in range(draw.randrange(1, 9)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        recall.fitting_mapping(io.BytesIO(bytes(data)))


# Those that are kept


def test_the_list_tells_what_each_reads_and_who_wrote_it(eskil: Client) -> None:
    assert "Det finns inga kolumnmallar än." in text_of(eskil.get(LIST))
    kept()
    row = row_of(eskil.get(LIST), "Bankens")
    assert "CSV med rubriker på rad 2: datum i kolumn A (Datum), belopp i kolumn B" in row
    assert "Pengarna kom till Swish 123 000 00 00." in row
    assert "Ester" in row


def test_a_new_name_follows_the_numbers_and_the_files(eskil: Client) -> None:
    mapping = kept()
    source = GiftSource.objects.create(number=number(), format=mapping.name, from_day=cast.NEW_YEAR)
    file = sheet(mapping=mapping, format=mapping.name)
    path = reverse("finance_column_mapping", args=[mapping.pk])
    assert "måste fyllas i" in text_of(eskil.post(path, {"name": ""}))
    assert "Så heter redan" in text_of(eskil.post(path, {"name": "BgMax"}))
    assert eskil.post(path, {"name": "Marsrapporten"})["Location"] == LIST
    for thing in (mapping, source, file):
        thing.refresh_from_db()
    assert (mapping.name, source.format, file.format) == ("Marsrapporten",) * 3
    assert source.history.count() == 2
    event = Event.objects.first()
    assert event is not None
    assert event.text == "Bytte namn på kolumnmallen ”Bankens rapport” till ”Marsrapporten”"


def test_one_that_a_file_or_a_number_goes_by_stays(eskil: Client) -> None:
    mapping = kept()
    path = reverse("finance_column_mapping", args=[mapping.pk])
    remove = reverse("finance_column_mapping_delete", args=[mapping.pk])
    file = sheet(mapping=mapping)
    page = eskil.get(path)
    assert page_of(file) in page.content.decode()
    assert "1 fil är läst med mallen" in text_of(page)
    assert remove not in page.content.decode()
    assert eskil.post(remove)["Location"] == path
    file.delete()
    source = GiftSource.objects.create(number=number(), format=mapping.name, from_day=cast.NEW_YEAR)
    assert "Gåvorna till Swish 123 000 00 00 läses in med mallen." in text_of(eskil.get(path))
    assert eskil.post(remove)["Location"] == path
    source.delete()
    assert eskil.post(remove)["Location"] == LIST
    assert not ColumnMapping.objects.exists()
    assert "Mallen är redan borttagen." in text_of(eskil.post(remove, follow=True))


def test_who_chooses_columns_may_see_who_paid() -> None:
    for role, permissions in PERMISSIONS.items():
        if "donations.add_columnmapping" in permissions:
            assert "donations.view_payment" in permissions, role


# In a browser


@pytest.mark.browser
@pytest.mark.look
@pytest.mark.django_db(transaction=True)
def test_the_pages_are_whole_and_accessible_and_follow_each_choice(
    open_as: Callable[..., "Page"], axe: Callable[["Page"], list[str]], width: int
) -> None:
    number()
    long = "Meddelande " + "grundvattenövervakningsstation " * 9
    text = (
        f"Datum;Belopp;{long};Namn;Namn\n2026-03-03;500,00;{'x' * 300};Greta;\n2026-03-04;fem;;;\n"
    )
    file, mapping = sheet(text, "långtidsunderhåll" * 12 + ".csv"), kept("ö" * 60)
    eskil = cast.member("Eskil", Role.FINANCE)
    page = open_as(eskil, page_of(file), width=width, javascript=True)
    page.select_option("#id_date", "0")
    page.get_by_text("Välj kolumnen med belopp").wait_for()
    page.select_option("#id_amount", "1")
    page.get_by_text("Kolumn B har ”fem”").wait_for()
    assert "1 går" not in page.content()
    for path in (None, LIST, reverse("finance_column_mapping", args=[mapping.pk])):
        if path:
            page.goto(path)
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(page_of(file))
    page.fill("#id_header_row", "0")
    page.locator("#id_header_row").blur()
    page.get_by_role("option", name="A (Datum)").first.wait_for(state="attached")
    page.get_by_role("button", name="Spara och läs filen").click()
    page.wait_for_load_state()
    assert page.title().startswith("Fel: ")
    assert axe(page) == []
