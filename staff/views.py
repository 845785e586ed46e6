from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import DownloadRecoveryCodesView
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from staff import access, audit, people, second_factor
from staff.forms import PasswordForm
from staff.requests import member


@access.public_form
@never_cache
@sensitive_post_parameters()
def accept_invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """An invited person chooses a password, and goes on to the second factor."""
    user = people.invited(token)
    if user is None:
        return render(request, "staff/invitation_over.html", status=410)
    form = PasswordForm(request.POST or None, user=user)
    if form.is_valid():
        try:
            user = people.accept(user, form.cleaned_data["password"])
        except people.PeopleError:
            return render(request, "staff/invitation_over.html", status=410)
        return perform_password_login(request, {"email": user.email}, Login(user=user))
    return render(request, "staff/accept_invitation.html", {"form": form, "invited": user})


@access.half_way
@never_cache
def set_up_second_factor(request: HttpRequest) -> HttpResponseBase:
    """The choice between an app and a key, for somebody who has neither."""
    if second_factor.is_set_up(member(request)):
        return redirect("admin:index")
    return render(request, "staff/second_factor.html")


class RemoveKey(RemoveWebAuthnView):
    """allauth's, which asks `can_delete_authenticator` about apps and forgets to ask about keys."""

    def form_valid(self, form: Form) -> HttpResponse:
        adapter = get_adapter()
        if not adapter.can_delete_authenticator(self.object):
            form.add_error(None, adapter.validation_error("cannot_delete_authenticator"))
            refused: HttpResponse = self.form_invalid(form)
            return refused
        removed: HttpResponse = super().form_valid(form)
        return removed


remove_key = RemoveKey.as_view()


@access.staff(methods=access.READ)
@never_cache
def own_account(request: HttpRequest) -> HttpResponseBase:
    """My name, roles and ways to sign in."""
    user = member(request)
    factors = Authenticator.objects.filter(user=user)
    context = {
        "roles": user.groups.all(),
        "waiting": people.waiting(user).select_related("role"),
        "has_app": factors.filter(type=Authenticator.Type.TOTP).exists(),
        "keys": factors.filter(type=Authenticator.Type.WEBAUTHN).count(),
    }
    return render(request, "staff/own_account.html", context)


@access.staff(methods=("POST",))
def end_session(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Sign out one of my own computers or telephones."""
    user = member(request)
    session = get_object_or_404(UserSession, pk=pk, user=user)
    with transaction.atomic():
        end_sessions(request, [session])
        audit.record(audit.Area.PEOPLE, _("Avslutade en egen inloggning"), by=user, about=user)
    messages.success(request, _("Enheten är utloggad."))
    return redirect("usersessions_list")


class Sessions(ListUserSessionsView):
    """Where I am signed in, and a way to end all the others."""

    def form_valid(self, form: Form) -> HttpResponse:
        user = member(self.request)
        text = _("Avslutade alla andra egna inloggningar")
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            audit.record(audit.Area.PEOPLE, text, by=user, about=user)
        return answer


class DownloadRecoveryCodes(DownloadRecoveryCodesView):
    """My recovery codes as a file, under a Swedish name."""

    def render_to_response(self, context: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().render_to_response(context, **kwargs)
        response["Content-Disposition"] = 'attachment; filename="kollekt-reservkoder.txt"'
        return response
