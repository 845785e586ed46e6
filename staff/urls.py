"""Signing in: Swedish addresses under allauth's own names, and only the pages that staff use."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import path, re_path

from staff import views

View = Callable[..., HttpResponseBase]


def whole(view: View) -> View:
    """What is sent to the view, and its record in the audit list, are written together or not at all."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return wrapper


urlpatterns = [
    path("logga-in/", account.login, name="account_login"),
    path("logga-in/kod/", mfa.authenticate, name="mfa_authenticate"),
    path("logga-ut/", account.logout, name="account_logout"),
    path("avstangt-konto/", account.account_inactive, name="account_inactive"),
    path("inbjudan/<str:token>/", views.accept_invitation, name="accept_invitation"),
    path("glomt-losenord/", account.password_reset, name="account_reset_password"),
    path(
        "glomt-losenord/skickat/", account.password_reset_done, name="account_reset_password_done"
    ),
    path(
        "glomt-losenord/klart/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    # The key has hyphens of its own, so that the first one is what parts the two.
    re_path(
        r"^glomt-losenord/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[^/]+)/$",
        whole(account.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path("mitt-konto/", views.own_account, name="own_account"),
    path("mitt-konto/bekrafta/", account.reauthenticate, name="account_reauthenticate"),
    path("mitt-konto/losenord/", whole(account.password_change), name="account_change_password"),
    path("mitt-konto/inloggningar/", views.Sessions.as_view(), name="usersessions_list"),
    path("mitt-konto/inloggningar/<int:pk>/avsluta/", views.end_session, name="end_session"),
    path("mitt-konto/andra-steget/", mfa.index, name="mfa_index"),
    path("mitt-konto/andra-steget/valj/", views.set_up_second_factor, name="second_factor"),
    path("mitt-konto/andra-steget/bekrafta/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("mitt-konto/andra-steget/app/", whole(totp.activate_totp), name="mfa_activate_totp"),
    path(
        "mitt-konto/andra-steget/app/ta-bort/",
        whole(totp.deactivate_totp),
        name="mfa_deactivate_totp",
    ),
    path(
        "mitt-konto/andra-steget/reservkoder/",
        recovery_codes.view_recovery_codes,
        name="mfa_view_recovery_codes",
    ),
    path(
        "mitt-konto/andra-steget/reservkoder/nya/",
        whole(recovery_codes.generate_recovery_codes),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "mitt-konto/andra-steget/reservkoder/fil/",
        views.DownloadRecoveryCodes.as_view(),
        name="mfa_download_recovery_codes",
    ),
    path("mitt-konto/andra-steget/nycklar/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path(
        "mitt-konto/andra-steget/nycklar/ny/", whole(webauthn.add_webauthn), name="mfa_add_webauthn"
    ),
    path(
        "mitt-konto/andra-steget/nycklar/bekrafta/",
        webauthn.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
    path(
        "mitt-konto/andra-steget/nycklar/<int:pk>/",
        webauthn.edit_webauthn,
        name="mfa_edit_webauthn",
    ),
    path(
        "mitt-konto/andra-steget/nycklar/<int:pk>/ta-bort/",
        whole(views.remove_key),
        name="mfa_remove_webauthn",
    ),
]
