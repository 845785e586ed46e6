"""What finance sets up before files come: numbers, where each one's gifts come from, rules, bound payers."""

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from donations import recall
from donations.bankfiles.records import Number, Scheme
from donations.forms import GiftSourceForm
from donations.models import (
    Account,
    AccountNumber,
    AsideRule,
    BoundPayer,
    ColumnMapping,
    Fund,
    GiftSource,
    Payment,
)
from staff.models import Event
from staff.roles import Role
from tests import cast
from tests.test_finance_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def eskil() -> Client:
    return cast.sign_in(Client(), cast.member("Eskil", Role.FINANCE))


def rows(prefix: str, *typed: dict[str, Any], there: int = 0) -> dict[str, Any]:
    """An inline's fields as they are sent: `there` rows are known from before."""
    sent: dict[str, Any] = {
        f"{prefix}-TOTAL_FORMS": len(typed),
        f"{prefix}-INITIAL_FORMS": there,
        f"{prefix}-MIN_NUM_FORMS": 0,
        f"{prefix}-MAX_NUM_FORMS": 1000,
    }
    for at, row in enumerate(typed):
        sent |= {f"{prefix}-{at}-{name}": value for name, value in row.items()}
    return sent


def register(client: Client, *numbers: tuple[str, str]) -> Any:
    """Send the account's page with these numbers typed into it."""
    address = reverse("admin:donations_account_change", args=[cast.bank().pk])
    typed = [
        {"account": cast.bank().pk, "scheme": scheme, "digits": digits}
        for scheme, digits in numbers
    ]
    return client.post(address, {"name": "Gåvokonto"} | rows("numbers", *typed))


def number(digits: str = "9912346", scheme: str = "bankgiro") -> AccountNumber:
    return AccountNumber.objects.create(account=cast.bank(), scheme=scheme, digits=digits)


def choose_sources(client: Client, of: AccountNumber, *sources: tuple[str, str]) -> Any:
    address = reverse("admin:donations_accountnumber_change", args=[of.pk])
    typed = [{"number": of.pk, "format": name, "from_day": day} for name, day in sources]
    own = {"account": of.account_id, "scheme": of.scheme, "digits": of.printed}
    return client.post(address, own | rows("sources", *typed))


def last_deed() -> str:
    event = Event.objects.first()
    assert event is not None
    return event.text


# Numbers


def test_numbers_are_typed_as_people_write_them_and_kept_as_files_have_them(eskil: Client) -> None:
    answer = register(
        eskil,
        ("bankgiro", "Bg 991-2346"),
        ("plusgiro", "9 99 99 99 - 7"),
        ("swish", "123 000 00 00"),
        ("iban", "se45 5000 0000 0583 9825 7466"),
        ("bban", "5000-0583 98 257 466"),
    )
    assert answer.status_code == 302
    assert set(recall.our_numbers()) == {
        Number(Scheme.BANKGIRO, "9912346"),
        Number(Scheme.PLUSGIRO, "99999997"),
        Number(Scheme.SWISH, "1230000000"),
        Number(Scheme.IBAN, "SE4550000000058398257466"),
        Number(Scheme.BBAN, "5000058398257466"),
    }
    page = eskil.get(reverse("admin:donations_account_change", args=[cast.bank().pk]))
    for shown in ("991-2346", "9 99 99 99-7", "123 000 00 00", "SE45 5000 0000 0583 9825 7466"):
        assert f'value="{shown}"' in page.content.decode()
    assert "bankgiro 991-2346, " in text_of(
        eskil.get(reverse("admin:donations_account_changelist"))
    )
    assert last_deed().startswith("Ändrade konto ”Gåvokonto”")


@pytest.mark.parametrize(
    ("scheme", "digits", "sentence"),
    [
        ("bankgiro", "991-2347", "Bankgironumret är felskrivet"),
        ("bankgiro", "99-12", "Ett bankgironummer har sju eller åtta siffror"),
        ("plusgiro", "9 99 99 99-8", "Plusgironumret är felskrivet"),
        ("swish", "070-174 06 10", "börjar med 123"),
        ("iban", "SE45 5000 0000 0583 9825 7467", "IBAN är felskrivet."),
        ("bban", "12", "Ett kontonummer är clearingnummer och kontonummer"),
        ("", "991-2346", "måste fyllas i"),
        ("x", "991-2346", "Välj ett giltigt alternativ"),
    ],
)
def test_a_number_that_cannot_be_is_told_and_stays_as_typed(
    eskil: Client, scheme: str, digits: str, sentence: str
) -> None:
    page = register(eskil, (scheme, digits))
    assert sentence in page.content.decode()
    assert f'value="{digits}"' in page.content.decode()
    assert not AccountNumber.objects.exists()


def test_a_number_belongs_to_one_account_once(eskil: Client) -> None:
    other = Account.objects.create(kind="bank", name="Sparkonto")
    AccountNumber.objects.create(account=other, scheme="bankgiro", digits="9912346")
    page = register(eskil, ("bankgiro", "991-2346"))
    assert "Numret hör redan till ett av era konton." in page.content.decode()
    page = register(eskil, ("swish", "1230000000"), ("swish", "123 000 00 00"))
    assert page.status_code == 200
    assert AccountNumber.objects.count() == 1


def test_what_becomes_of_a_number_is_in_its_history(eskil: Client) -> None:
    mine = number("1230000000", "swish")
    address = reverse("admin:donations_accountnumber_change", args=[mine.pk])
    typed = {"account": mine.account_id, "scheme": "swish", "digits": "123 000 00 18"}
    assert eskil.post(address, typed | rows("sources")).status_code == 302
    change = mine.history.first()
    assert change is not None
    assert (change.digits, str(change.history_user)) == ("1230000018", "Eskil")
    history = reverse("admin:donations_accountnumber_history", args=[mine.pk])
    assert "Eskil" in text_of(eskil.get(history))
    assert eskil.post(address.replace("change", "delete"), {"post": "yes"}).status_code == 302
    assert not AccountNumber.objects.exists()


# Sources


def test_the_change_from_bgmax_to_camt_is_two_sources_with_a_day_each(eskil: Client) -> None:
    mine = number()
    answer = choose_sources(eskil, mine, ("BgMax", "2024-01-01"), ("camt.054", "2024-06-01"))
    assert answer.status_code == 302
    assert [(source.format, source.from_day) for source in mine.sources.all()] == [
        ("camt.054", datetime.date(2024, 6, 1)),
        ("BgMax", datetime.date(2024, 1, 1)),
    ]
    page = text_of(eskil.get(reverse("admin:donations_account_change", args=[cast.bank().pk])))
    assert "camt.054 (inbetalningar) från och med den 1 juni 2024" in page
    listed = text_of(eskil.get(reverse("admin:donations_accountnumber_changelist")))
    assert "camt.054 (inbetalningar)" in listed
    assert "BgMax" not in listed
    page = text_of(eskil.get(reverse("admin:donations_accountnumber_change", args=[mine.pk])))
    assert "Eskil lade till BgMax från och med den 1 januari 2024" in page


def test_without_a_source_every_kind_of_file_gives_gifts(eskil: Client) -> None:
    mine = number()
    GiftSource.objects.create(
        number=mine, format="BgMax", from_day=timezone.localdate() + datetime.timedelta(days=1)
    )
    number("1230000000", "swish")
    listed = text_of(eskil.get(reverse("admin:donations_accountnumber_changelist")))
    assert listed.count("alla sorters filer") == 2
    page = eskil.get(reverse("admin:donations_accountnumber_change", args=[mine.pk]))
    assert "Utan val ger alla sorters filer gåvor." in text_of(page)


def test_a_source_is_a_format_that_is_known_or_a_saved_mapping(eskil: Client) -> None:
    mine = number()
    ColumnMapping.objects.create(
        name="Marsrapporten", mapping="{}", created_at=timezone.now(), by=cast.ester()
    )
    for name in ("camt.053", "Swish Swedbank", "Swish Handelsbanken", "Marsrapporten"):
        assert choose_sources(eskil, mine, (name, "2024-01-01")).status_code == 302, name
        mine.sources.all().delete()
    page = choose_sources(eskil, mine, ("PDF", "2024-01-01"))
    assert "Välj ett giltigt alternativ" in page.content.decode()
    assert "kolumnmallen ”Marsrapporten”" in page.content.decode()
    page = choose_sources(eskil, mine, ("BgMax", ""))
    assert "måste fyllas i" in page.content.decode()
    GiftSource.objects.create(number=mine, format="BgMax", from_day=cast.NEW_YEAR)
    page = choose_sources(eskil, mine, ("camt.054", "2024-01-01"))
    assert "Från den dagen finns redan en källa. Ändra den i stället." in page.content.decode()
    assert mine.sources.get().format == "BgMax"
    page = choose_sources(eskil, number("1230000000", "swish"), *[("BgMax", "2024-01-01")] * 2)
    assert page.status_code == 200


def test_a_source_that_somebody_adds_in_the_same_moment_is_told_as_a_fault(
    eskil: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    giro = number()
    GiftSource.objects.create(number=giro, format="BgMax", from_day=datetime.date(2026, 1, 1))
    looked: list[object] = []
    look = GiftSourceForm.clean_from_day

    def after_the_other(form: GiftSourceForm) -> datetime.date:
        """At the first look the other's row is not there yet."""
        looked.append(form)
        return look(form) if len(looked) > 1 else form.cleaned_data["from_day"]

    monkeypatch.setattr(GiftSourceForm, "clean_from_day", after_the_other)
    page = choose_sources(eskil, giro, ("camt.054", "2026-01-01"))
    assert page.status_code == 200
    assert "finns redan" in text_of(page)
    assert [one.format for one in giro.sources.all()] == ["BgMax"]


def test_a_source_whose_mapping_is_gone_can_still_be_shown_and_saved(eskil: Client) -> None:
    mine = number()
    GiftSource.objects.create(number=mine, format="Borttagen", from_day=cast.NEW_YEAR)
    page = eskil.get(reverse("admin:donations_accountnumber_change", args=[mine.pk]))
    assert '<option value="Borttagen" selected>' in page.content.decode()


# Rules


def rule(client: Client, **typed: str) -> Any:
    address = reverse("admin:donations_asiderule_add")
    return client.post(address, {"name": "Månadspris", "is_a": "fee"} | typed)


def test_a_rule_is_written_in_kronor_and_gone_by(eskil: Client) -> None:
    assert rule(eskil, text="månadspris", way="out", most_ore="1 250,50").status_code == 302
    [found] = recall.rules()
    assert (found.text, found.way, found.most_ore) == ("månadspris", "out", 125_050)
    page = eskil.get(reverse("admin:donations_asiderule_change", args=[AsideRule.objects.get().pk]))
    assert "1\N{NO-BREAK SPACE}250,50" in page.content.decode()
    assert last_deed() == "Lade till regel för det som inte är gåvor ”Månadspris”"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Regeln skulle ta undan gåvor."),
        ({"way": "in", "least_ore": "10"}, "Regeln skulle ta undan gåvor."),
        ({"text": "ab"}, "Texten i regeln ska ha minst 3 bokstäver"),
        ({"account": "–"}, "Kontot i regeln ska vara ett nummer."),
        ({"way": "out", "least_ore": "20", "most_ore": "10"}, "är större än det största"),
        ({"text": "avgift", "most_ore": "tio"}, "tio"),
        ({"text": "avgift", "name": ""}, "måste fyllas i"),
        ({"text": "avgift", "is_a": "gift"}, "Välj ett giltigt alternativ"),
    ],
)
def test_a_rule_that_cannot_be_is_told_and_stays_as_typed(
    eskil: Client, typed: dict[str, str], sentence: str
) -> None:
    page = rule(eskil, **typed)
    assert sentence in page.content.decode()
    form = page.context["adminform"].form
    assert {name: form[name].value() for name in typed} == typed
    assert not AsideRule.objects.exists()


# Extra words


def test_extra_words_are_written_at_the_fund(eskil: Client) -> None:
    fund = cast.fund()
    address = reverse("admin:donations_fund_change", args=[fund.pk])
    assert "egna ord" in eskil.get(address).content.decode().casefold()
    typed = {"collection_number": "47030", "project": fund.project_id, "opened_on": "2024-01-01"}
    assert eskil.post(address, typed | {"extra_words": "Nepal\n gränsen "}).status_code == 302
    fund.refresh_from_db()
    assert fund.words == ("Nepal", "gränsen")


# Bound payers


def bind(client: Client, digits: str, fund: Fund) -> Any:
    address = reverse("admin:donations_boundpayer_add")
    return client.post(address, {"number": digits, "fund": fund.pk})


def test_a_payer_in_autogiro_is_bound_once_and_can_be_let_go(eskil: Client) -> None:
    fund = cast.fund()
    assert bind(eskil, "0000001234", fund).status_code == 302
    assert recall.register().autogiro == {"1234": fund.pk}
    assert last_deed() == f"Lade till bunden betalare nr {BoundPayer.objects.get().pk}"
    page = bind(eskil, "1234", fund)
    assert "Betalaren är redan bunden till 47030 Brunnar." in page.content.decode()
    listed = eskil.get(reverse("admin:donations_boundpayer_changelist"))
    assert "Autogiro, betalarnummer 1234" in text_of(listed)
    remove = reverse("admin:donations_boundpayer_delete", args=[BoundPayer.objects.get().pk])
    assert remove in listed.content.decode()
    assert eskil.post(remove, {"post": "yes"}).status_code == 302
    assert recall.register().autogiro == {}


@pytest.mark.parametrize("digits", ["", "12-34", "x", "0", "1" * 17, "١٢٣"])
def test_a_payer_number_that_cannot_be_is_told(eskil: Client, digits: str) -> None:
    page = bind(eskil, digits, cast.fund())
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert not BoundPayer.objects.exists()


def test_a_payer_bound_from_a_payment_is_shown_by_its_name_to_finance_alone() -> None:
    payment = Payment.objects.create(
        bank_date=cast.MIDSUMMER, channel="swish", payer_name="Greta Givare"
    )
    BoundPayer.objects.create(
        key="k",
        payment=payment,
        fund=cast.fund(),
        by=cast.ester(),
        created_at=timezone.now(),
        used_on=cast.MIDSUMMER,
    )
    address = reverse("admin:donations_boundpayer_changelist")
    for role in (Role.FINANCE, Role.APPROVER, Role.READER, Role.EDITOR, Role.ADMINISTRATOR):
        page = cast.sign_in(Client(), cast.member(f"M{role}", role)).get(address)
        assert ("Greta Givare" in page.content.decode()) == (role == Role.FINANCE), role


# Who may


@pytest.mark.parametrize("role", [Role.APPROVER, Role.READER])
def test_others_in_finance_read_numbers_sources_and_rules_and_change_none(role: Role) -> None:
    mine = number()
    GiftSource.objects.create(number=mine, format="BgMax", from_day=cast.NEW_YEAR)
    made = AsideRule.objects.create(name="Månadspris", is_a="fee", text="månadspris")
    client = cast.sign_in(Client(), cast.member("Maj", role))
    for name, thing, shown in (
        ("account", cast.bank(), "991-2346"),
        ("accountnumber", mine, "BgMax"),
        ("asiderule", made, "månadspris"),
    ):
        page = client.get(reverse(f"admin:donations_{name}_change", args=[thing.pk]))
        assert shown in text_of(page), name
        assert 'name="_save"' not in page.content.decode(), name
    assert register(client, ("swish", "1230000000")).status_code == 403
    assert rule(client, text="avgift").status_code == 403
