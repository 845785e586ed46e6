from django.http import HttpRequest

from staff.models import User


def member(request: HttpRequest) -> User:
    """The member of staff behind a request that has been let in."""
    assert isinstance(request.user, User)
    return request.user
