"""Everything that happens to members of staff and their roles, each one call, each in the audit list.

What a person may not do raises `PeopleError` with a Swedish sentence; what no form lets through is
stopped by the database's guards.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urljoin

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.core import signing
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from staff import audit
from staff.models import RoleChange, RoleDecision, User
from staff.roles import CONFIRMED, Role, apart_from

INVITATION_DAYS = 7
_SALT = "staff.invitation"
PEOPLE = audit.Area.PEOPLE


class PeopleError(ValueError):
    """What may not be done to a member of staff; the message is a Swedish sentence."""


class LetterError(PeopleError):
    """What was asked for is done, but the letter about it did not get away."""


# Invitations


@transaction.atomic
def invite(
    email: str, first_name: str, last_name: str, roles: Iterable[Role], *, by: User | None
) -> User:
    """A new member of staff, who cannot sign in before the invitation has been answered.

    Raises `PeopleError` when the address is taken or the roles do not go together.
    """
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, first_name=first_name, last_name=last_name)
    except IntegrityError as error:
        text = _("Det finns redan en medarbetare med e-postadressen %s.") % email
        raise PeopleError(text) from error
    audit.record(PEOPLE, _("Bjöd in %s") % user, by=by, about=user)
    for role in roles:
        give(user, role, by=by)
    return user


def send_invitation(user: User, *, site: str, by: User) -> None:
    """Mail an invited person the address, under `site`, at which they choose their password.

    Raises `LetterError` when the letter cannot be sent; everything else then stands.
    """
    link = invitation_link(user, site)
    _mail("invitation", user, by=by, link=link, days=INVITATION_DAYS)
    with transaction.atomic():
        audit.record(PEOPLE, _("Skickade en inbjudan till %s") % user, by=by, about=user)


def invitation_link(user: User, site: str) -> str:
    """A new link for an invited person, under the site's address; links made before stop working.

    Raises `PeopleError` for somebody who has answered already.
    """
    if user.has_usable_password():
        raise PeopleError(_("%s har redan tackat ja till sin inbjudan.") % user)
    user.invited_at = timezone.now()
    user.save(update_fields=["invited_at"])
    token = signing.dumps([user.pk, user.invited_at.isoformat()], salt=_SALT)
    return urljoin(site, reverse("accept_invitation", args=[token]))


def invited(token: str) -> User | None:
    """Whom an invitation's token lets in: none when it is forged, old, replaced or used."""
    try:
        pk, invited_at = signing.loads(token, salt=_SALT, max_age=INVITATION_DAYS * 24 * 60 * 60)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=pk, is_active=True).first()
    if user is None or user.has_usable_password() or user.invited_at is None:
        return None
    return user if user.invited_at.isoformat() == invited_at else None


@transaction.atomic
def accept(user: User, password: str) -> User:
    """The invited person has chosen a password. Raises `PeopleError` for the second of two answers."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.has_usable_password():
        raise PeopleError(_("Inbjudan är redan besvarad. Logga in."))
    user.set_password(password)
    user.save()
    audit.record(PEOPLE, _("Tackade ja till sin inbjudan"), by=user, about=user)
    return user


# Roles


@transaction.atomic
def give(user: User, role: Role, *, by: User | None) -> RoleChange:
    """Give somebody a role: at once, or when another person has confirmed it.

    The roles in `CONFIRMED` always are, and so is any role for somebody who has signed in. `by` none
    is the server's own command line, whose keeper could do anything: nobody has to confirm that.
    Raises `PeopleError`.
    """
    _refuse_own(user, by)
    _lock(user)
    if has(user, role):
        raise PeopleError(_("%(user)s har redan rollen %(role)s.") % {"user": user, "role": role})
    if waiting(user).filter(role__name=role).exists():
        raise PeopleError(_("Rollen %s väntar redan på att bekräftas.") % role)
    _refuse_mixing(user, role)
    needs_confirmation = by is not None and (role in CONFIRMED or user.last_login is not None)
    change = RoleChange.objects.create(
        user=user,
        role=Group.objects.get(name=role),
        gives=True,
        needs_confirmation=needs_confirmation,
        asked_by=by,
    )
    if needs_confirmation:
        text = _("Begärde rollen %(role)s för %(user)s")
    else:
        user.groups.add(change.role)
        text = _("Gav %(user)s rollen %(role)s")
    audit.record(PEOPLE, text % {"role": role, "user": user}, by=by, about=user)
    return change


@transaction.atomic
def take(user: User, role: Role, *, by: User | None) -> None:
    """Take a role from somebody, or what they have been promised of it, at once."""
    _refuse_own(user, by)
    _lock(user)
    group = Group.objects.get(name=role)
    if not has(user, role) and not waiting(user).filter(role=group).exists():
        raise PeopleError(_("%(user)s har inte rollen %(role)s.") % {"user": user, "role": role})
    user.groups.remove(group)
    RoleChange.objects.create(
        user=user, role=group, gives=False, needs_confirmation=False, asked_by=by
    )
    audit.record(
        PEOPLE,
        _("Tog bort rollen %(role)s från %(user)s") % {"role": role, "user": user},
        by=by,
        about=user,
    )


@transaction.atomic
def decide(change: RoleChange, *, confirmed: bool, by: User) -> RoleDecision:
    """Another person's answer to a role that waits. Raises `PeopleError`."""
    _lock(change.user)
    if by == change.asked_by:
        raise PeopleError(_("Du har själv begärt rollen. En annan person ska bekräfta den."))
    if by == change.user:
        raise PeopleError(_("Du kan inte bekräfta en roll åt dig själv."))
    if not waiting(change.user).filter(pk=change.pk).exists():
        raise PeopleError(_("Det finns inget kvar att besluta om: rollen väntar inte längre."))
    if confirmed:
        _refuse_mixing(change.user, Role(change.role.name))
    decision = RoleDecision.objects.create(change=change, confirmed=confirmed, by=by)
    if confirmed:
        change.user.groups.add(change.role)
    text = _("Bekräftade rollen %(role)s för %(user)s")
    if not confirmed:
        text = _("Avslog rollen %(role)s för %(user)s")
    audit.record(
        PEOPLE, text % {"role": change.role, "user": change.user}, by=by, about=change.user
    )
    return decision


def has(user: User, role: Role) -> bool:
    return user.groups.filter(name=role).exists()


def waiting(user: User | None = None) -> QuerySet[RoleChange]:
    """The roles that wait for another person's answer: everybody's, or one person's."""
    newest = (
        RoleChange.objects.filter(user=OuterRef("user"), role=OuterRef("role"))
        .order_by("-id")
        .values("id")[:1]
    )
    changes = RoleChange.objects.filter(
        id=Subquery(newest), needs_confirmation=True, decision=None, user__is_active=True
    )
    return changes if user is None else changes.filter(user=user)


def _lock(user: User) -> None:
    """Let two people who change somebody's roles at once do it one after the other."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _refuse_own(user: User, by: User | None) -> None:
    if user == by:
        raise PeopleError(_("Ingen ändrar sina egna roller. Be en annan administratör."))


def _refuse_mixing(user: User, role: Role) -> None:
    for other in apart_from(role):
        if has(user, other) or waiting(user).filter(role__name=other).exists():
            raise PeopleError(
                _(
                    "%(role)s och %(other)s får inte vara samma person: den som delar ut roller ska"
                    " inte också flytta eller godkänna pengar."
                )
                % {"role": role, "other": other.lower()}
            )


# Accounts


@transaction.atomic
def close(user: User, *, by: User) -> None:
    """Shut somebody out, from their next click on, and their invitation with them. What they did stays."""
    if user == by:
        raise PeopleError(_("Du kan inte stänga av dig själv. Be en annan administratör."))
    user.is_active = False
    user.invited_at = None
    user.save(update_fields=["is_active", "invited_at"])
    end_sessions(user)
    audit.record(PEOPLE, _("Stängde av %s") % user, by=by, about=user)


@transaction.atomic
def reopen(user: User, *, by: User) -> None:
    """Let somebody in again who was shut out. Roles that another has to confirm are confirmed anew."""
    if user == by:
        raise PeopleError(_("Du kan inte öppna ditt eget konto."))
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(PEOPLE, _("Öppnade kontot för %s igen") % user, by=by, about=user)
    for role in [role for role in CONFIRMED if has(user, role)]:
        take(user, role, by=by)
        give(user, role, by=by)


def reset_sign_in(user: User, *, site: str, by: User) -> None:
    """Forget somebody's password, app, keys and codes, and invite them anew to choose others.

    The password too: otherwise whoever had got hold of it would choose the second factor. Raises
    `PeopleError`; `LetterError` when only the letter is missing.
    """
    if user == by:
        raise PeopleError(_("Hur du själv loggar in ändrar du under Mitt konto."))
    with transaction.atomic():
        Authenticator.objects.filter(user=user).delete()
        user.set_unusable_password()
        user.save(update_fields=["password"])
        end_sessions(user)
        audit.record(PEOPLE, _("Nollställde inloggningen för %s") % user, by=by, about=user)
    link = invitation_link(user, site)
    _mail("sign_in_reset", user, by=by, link=link, days=INVITATION_DAYS)


def end_sessions(user: User) -> None:
    """Sign somebody out everywhere."""
    for session in UserSession.objects.filter(user=user):
        session.end()


def _mail(name: str, user: User, **context: Any) -> None:
    """Send somebody one of the letters in templates/staff/mail/, whose first line is the subject.

    Outside any transaction: a slow mail server must not hold the books up. Raises `LetterError`.
    """
    text = render_to_string(f"staff/mail/{name}.txt", {"user": user, **context})
    subject, _rest, message = text.partition("\n")
    try:
        send_mail(subject, message.lstrip(), from_email=None, recipient_list=[user.email])
    except OSError as error:
        raise LetterError(
            _("Det är gjort, men brevet till %s gick inte iväg. Försök igen med ”Bjud in igen”.")
            % user.email
        ) from error
