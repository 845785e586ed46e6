import ipaddress

from django.conf import settings
from django.http import HttpRequest

from staff.models import User


def member(request: HttpRequest) -> User:
    """The member of staff behind a request that has been let in."""
    assert isinstance(request.user, User)
    return request.user


def address(request: HttpRequest) -> str | None:
    """The IP address that a request came from; none when it has none (a socket file, a test).

    Behind a proxy it is X-Real-IP, which the proxy must overwrite, and nothing else: a header that
    a visitor can write would let an attacker be somebody new at each attempt.
    """
    said = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        said = request.META.get("HTTP_X_REAL_IP", said)
    try:
        return str(ipaddress.ip_address(said.strip()))
    except ValueError:
        return None
