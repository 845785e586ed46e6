"""Who is let in with which role, and who decides it: through `staff.people`, and past it in plain SQL."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from staff import people, roles, second_factor
from staff.models import Event, RoleChange, RoleDecision, User
from staff.people import PeopleError
from staff.roles import Role
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def astrid() -> User:
    return cast.astrid()


@pytest.fixture
def alva() -> User:
    """Alva confirms what others ask for."""
    return cast.member("Alva", Role.APPROVER)


def held(user: User) -> set[str]:
    return set(user.groups.values_list("name", flat=True))


def worked(name: str, *given: Role) -> User:
    """Somebody who has signed in before."""
    user = cast.member(name, *given)
    user.last_login = user.date_joined
    user.save()
    return user


class TestInviting:
    def test_an_editor_is_one_from_the_start(self, astrid: User) -> None:
        rut = people.invite("Rut@Example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)
        assert rut.email == "rut@example.org"
        assert held(rut) == {"Redaktör"}
        assert not rut.has_usable_password()

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.ADMINISTRATOR])
    def test_who_reaches_money_or_people_waits_for_another_person(
        self, astrid: User, alva: User, role: Role
    ) -> None:
        new = people.invite("ny@example.org", "Ny", "Nilsson", [role], by=astrid)
        assert held(new) == set()
        people.decide(people.waiting(new).get(), confirmed=True, by=alva)
        assert held(new) == {role}

    def test_an_address_is_invited_once_however_it_is_written(self, astrid: User) -> None:
        people.invite("rut@example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)
        with pytest.raises(PeopleError, match="finns redan"):
            people.invite("RUT@example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)

    def test_the_letter_is_swedish_and_names_who_invites(self, astrid: User) -> None:
        rut = people.invite("rut@example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)
        people.send_invitation(rut, site="https://x.example/", by=astrid)
        [letter] = mail.outbox
        assert letter.to == ["rut@example.org"]
        assert letter.subject == "Välkommen till Kollekt"
        assert "Astrid har bjudit in dig" in letter.body
        assert "https://x.example/inbjudan/" in letter.body

    def test_of_two_answers_to_one_invitation_the_first_counts(self, astrid: User) -> None:
        rut = people.invite("rut@example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)
        people.accept(rut, "sju sorters kakor")
        with pytest.raises(PeopleError, match="redan besvarad"):
            people.accept(rut, "åtta sorters kakor")
        assert User.objects.get(pk=rut.pk).check_password("sju sorters kakor")

    def test_a_letter_that_cannot_be_sent_is_told_and_can_be_sent_again(
        self, astrid: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*args: object, **kwargs: object) -> None:
            raise OSError("no mail server")

        rut = people.invite("rut@example.org", "Rut", "Rönn", [Role.EDITOR], by=astrid)
        with monkeypatch.context() as patch:
            patch.setattr(people, "send_mail", fails)
            with pytest.raises(people.LetterError, match="gick inte iväg"):
                people.send_invitation(rut, site="https://x.example/", by=astrid)
        assert not Event.objects.filter(text__startswith="Skickade").exists()
        people.send_invitation(rut, site="https://x.example/", by=astrid)
        assert [letter.to for letter in mail.outbox] == [["rut@example.org"]]

    def test_the_first_people_come_from_the_servers_own_command(self, capsys: object) -> None:
        call_command("invite_staff", "ada@example.org", role=["Administratör"], name="Ada Alm")
        assert held(User.objects.get(email="ada@example.org")) == {"Administratör"}

    @pytest.mark.parametrize(
        ("email", "given"),
        [("ada", ["Redaktör"]), ("a@example.org", ["Administratör", "Ekonomi"])],
    )
    def test_the_command_refuses_what_cannot_be_and_leaves_nothing(
        self, email: str, given: list[str]
    ) -> None:
        with pytest.raises(CommandError):
            call_command("invite_staff", email, role=given, name="Ada Alm")
        assert not User.objects.exists()


class TestRoles:
    def test_there_are_no_superusers(self) -> None:
        with pytest.raises(CommandError, match="invite_staff"):
            call_command("createsuperuser")

    def test_nobody_gives_themselves_a_role(self, astrid: User) -> None:
        with pytest.raises(PeopleError, match="Ingen ändrar sina egna roller"):
            people.give(astrid, Role.EDITOR, by=astrid)
        with pytest.raises(PeopleError, match="Ingen ändrar sina egna roller"):
            people.take(astrid, Role.ADMINISTRATOR, by=astrid)

    def test_a_role_raised_is_confirmed_by_another_person(self, astrid: User, alva: User) -> None:
        rut = worked("Rut", Role.EDITOR)
        change = people.give(rut, Role.FINANCE, by=astrid)
        assert held(rut) == {"Redaktör"}
        people.decide(change, confirmed=True, by=alva)
        assert held(rut) == {"Redaktör", "Ekonomi"}

    def test_a_no_leaves_the_role_away_and_it_can_be_asked_for_again(
        self, astrid: User, alva: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        people.decide(people.give(rut, Role.APPROVER, by=astrid), confirmed=False, by=alva)
        assert held(rut) == {"Redaktör"}
        assert not people.waiting(rut).exists()
        people.decide(people.give(rut, Role.APPROVER, by=astrid), confirmed=True, by=alva)
        assert held(rut) == {"Redaktör", "Attestant"}

    def test_who_asked_and_who_gets_it_cannot_confirm(self, astrid: User) -> None:
        eskil = worked("Eskil", Role.FINANCE)
        change = people.give(eskil, Role.APPROVER, by=astrid)
        for who in (astrid, eskil):
            with pytest.raises(PeopleError):
                people.decide(change, confirmed=True, by=who)
        assert held(eskil) == {"Ekonomi"}

    def test_a_role_is_answered_once(self, astrid: User, alva: User) -> None:
        change = people.give(worked("Rut", Role.EDITOR), Role.APPROVER, by=astrid)
        people.decide(change, confirmed=False, by=alva)
        with pytest.raises(PeopleError, match="inget kvar att besluta"):
            people.decide(change, confirmed=True, by=alva)

    def test_a_role_taken_back_before_the_answer_waits_no_longer(
        self, astrid: User, alva: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        change = people.give(rut, Role.APPROVER, by=astrid)
        people.take(rut, Role.APPROVER, by=astrid)
        with pytest.raises(PeopleError, match="inget kvar att besluta"):
            people.decide(change, confirmed=True, by=alva)

    def test_a_role_is_taken_at_once(self, astrid: User) -> None:
        rut = worked("Rut", Role.EDITOR)
        people.take(rut, Role.EDITOR, by=astrid)
        assert held(rut) == set()
        assert not User.objects.get(pk=rut.pk).has_perm("projects.change_project")

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (Role.ADMINISTRATOR, Role.FINANCE),
            (Role.ADMINISTRATOR, Role.APPROVER),
            (Role.FINANCE, Role.ADMINISTRATOR),
            (Role.APPROVER, Role.ADMINISTRATOR),
        ],
    )
    def test_who_hands_out_roles_neither_moves_money_nor_approves(
        self, astrid: User, first: Role, second: Role
    ) -> None:
        with pytest.raises(PeopleError, match="får inte vara samma person"):
            people.give(worked("Bo", first), second, by=astrid)

    def test_two_roles_that_do_not_go_together_cannot_both_wait(self, astrid: User) -> None:
        bo = worked("Bo", Role.EDITOR)
        people.give(bo, Role.APPROVER, by=astrid)
        with pytest.raises(PeopleError, match="får inte vara samma person"):
            people.give(bo, Role.ADMINISTRATOR, by=astrid)

    def test_what_each_role_may_do_is_what_the_code_says_after_a_migrate(self) -> None:
        assert roles.differences() == []

    def test_the_command_puts_a_role_right_and_tells_what_it_mended(self, capsys: object) -> None:
        editor = Group.objects.get(name=Role.EDITOR)
        editor.permissions.add(Permission.objects.get(codename="add_transfer"))
        editor.permissions.remove(Permission.objects.get(codename="add_project"))
        with pytest.raises(CommandError, match="not as written"):
            call_command("sync_roles", check=True)
        assert set(roles.sync()) == {
            "Redaktör has donations.add_transfer beyond its role",
            "Redaktör lacks projects.add_project",
        }
        call_command("sync_roles", check=True)

    def test_the_administrator_can_touch_neither_money_nor_pages(self, astrid: User) -> None:
        may = {p for p in astrid.get_all_permissions() if not p.startswith("staff.")}
        assert {p for p in may if "sitesettings" not in p} == set()


class TestAccounts:
    def test_who_is_shut_out_can_be_let_in_again_with_the_roles_they_had(
        self, astrid: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        people.close(rut, by=astrid)
        assert not User.objects.get(pk=rut.pk).has_perm("projects.change_project")
        people.reopen(rut, by=astrid)
        assert User.objects.get(pk=rut.pk).has_perm("projects.change_project")

    def test_an_approver_let_in_again_is_confirmed_again(self, astrid: User, alva: User) -> None:
        eva = worked("Eva", Role.APPROVER, Role.READER)
        people.close(eva, by=astrid)
        people.reopen(eva, by=astrid)
        assert held(eva) == {"Läsare"}
        people.decide(people.waiting(eva).get(), confirmed=True, by=alva)
        assert held(eva) == {"Läsare", "Attestant"}

    def test_nobody_does_it_to_themselves(self, astrid: User) -> None:
        deeds: list[Callable[[], None]] = [
            lambda: people.close(astrid, by=astrid),
            lambda: people.reopen(astrid, by=astrid),
            lambda: people.reset_sign_in(astrid, site="https://x.example/", by=astrid),
        ]
        for deed in deeds:
            with pytest.raises(PeopleError):
                deed()

    def test_who_has_lost_the_telephone_chooses_password_and_second_factor_anew_by_mail(
        self, astrid: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        people.reset_sign_in(rut, site="https://x.example/", by=astrid)
        rut.refresh_from_db()
        assert not rut.has_usable_password()
        assert not second_factor.is_set_up(rut)
        [letter] = mail.outbox
        assert letter.to == ["rut@example.org"]
        token = letter.body.partition("/inbjudan/")[2].partition("/")[0]
        assert people.invited(token) == rut

    def test_every_deed_is_in_the_audit_list(self, astrid: User, alva: User) -> None:
        rut = worked("Rut", Role.EDITOR)
        before = Event.objects.count()
        people.decide(people.give(rut, Role.FINANCE, by=astrid), confirmed=True, by=alva)
        people.take(rut, Role.FINANCE, by=astrid)
        people.reset_sign_in(rut, site="https://x.example/", by=astrid)
        people.close(rut, by=astrid)
        people.reopen(rut, by=astrid)
        done = [(str(e.by), e.text) for e in Event.objects.order_by("id")[before:]]
        assert done == [
            ("Astrid", "Begärde rollen Ekonomi för Rut"),
            ("Alva", "Bekräftade rollen Ekonomi för Rut"),
            ("Astrid", "Tog bort rollen Ekonomi från Rut"),
            ("Astrid", "Nollställde inloggningen för Rut"),
            ("Astrid", "Stängde av Rut"),
            ("Astrid", "Öppnade kontot för Rut igen"),
        ]


class TestPastTheCode:
    """What the database refuses whoever asks."""

    def refused(self, sql: str, *values: int) -> None:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, values)

    def test_a_role_that_nobody_has_given_cannot_be_held(self) -> None:
        rut = worked("Rut", Role.EDITOR)
        approver = Group.objects.get(name=Role.APPROVER)
        with pytest.raises(DatabaseError), transaction.atomic():
            rut.groups.add(approver)
        self.refused(
            "UPDATE staff_user_groups SET group_id = %s WHERE user_id = %s", approver.pk, rut.pk
        )

    def test_a_role_that_waits_or_was_declined_cannot_be_held(
        self, astrid: User, alva: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        change = people.give(rut, Role.APPROVER, by=astrid)
        with pytest.raises(DatabaseError), transaction.atomic():
            rut.groups.add(change.role)
        people.decide(change, confirmed=False, by=alva)
        with pytest.raises(DatabaseError), transaction.atomic():
            rut.groups.add(change.role)

    def test_a_role_once_taken_cannot_be_held_on_the_old_yes(
        self, astrid: User, alva: User
    ) -> None:
        rut = worked("Rut", Role.EDITOR)
        change = people.give(rut, Role.APPROVER, by=astrid)
        people.decide(change, confirmed=True, by=alva)
        people.take(rut, Role.APPROVER, by=astrid)
        with pytest.raises(DatabaseError), transaction.atomic():
            rut.groups.add(change.role)

    def test_a_change_of_ones_own_role_cannot_be_written(self, astrid: User) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            RoleChange.objects.create(
                user=astrid,
                role=Group.objects.get(name=Role.EDITOR),
                gives=True,
                needs_confirmation=False,
                asked_by=astrid,
            )

    @pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER, Role.ADMINISTRATOR])
    def test_who_reaches_money_or_people_cannot_be_made_so_without_another_persons_yes(
        self, astrid: User, role: Role
    ) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            RoleChange.objects.create(
                user=worked("Rut", Role.EDITOR),
                role=Group.objects.get(name=role),
                gives=True,
                needs_confirmation=False,
                asked_by=astrid,
            )

    def test_who_asked_and_who_gets_it_cannot_say_yes(self, astrid: User) -> None:
        rut = worked("Rut", Role.EDITOR)
        change = people.give(rut, Role.APPROVER, by=astrid)
        for who in (astrid, rut):
            with pytest.raises(DatabaseError), transaction.atomic():
                RoleDecision.objects.create(change=change, confirmed=True, by=who)

    def test_an_administrator_cannot_hold_finance_or_approval(self, astrid: User) -> None:
        group = Group.objects.get(name=Role.FINANCE)
        RoleChange.objects.create(user=astrid, role=group, gives=True, needs_confirmation=False)
        with pytest.raises(DatabaseError), transaction.atomic():
            astrid.groups.add(group)

    def test_a_permission_comes_with_a_role_alone(self, astrid: User) -> None:
        with pytest.raises(DatabaseError), transaction.atomic():
            astrid.user_permissions.add(Permission.objects.get(codename="add_transfer"))

    @pytest.mark.parametrize("table", ["staff_event", "staff_rolechange", "staff_roledecision"])
    def test_what_has_happened_is_neither_changed_nor_taken_away(
        self, astrid: User, alva: User, table: str
    ) -> None:
        change = people.give(worked("Rut", Role.EDITOR), Role.APPROVER, by=astrid)
        people.decide(change, confirmed=True, by=alva)
        self.refused(f"DELETE FROM {table}")
        self.refused(f"UPDATE {table} SET id = id + 1000")
        if connection.vendor == "postgresql":
            self.refused(f"TRUNCATE {table} CASCADE")
        else:
            self.refused(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
