"""What the pages at the door need to say: fields, ways in, devices, the demo's people."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django import template
from django.forms import BoundField
from django.template import RequestContext
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from staff import demo, second_factor
from staff.models import User

register = template.Library()

# What a browser says of itself → what a person calls it. The first that is found counts: Edge says
# that it is Chrome too, and Chrome that it is Safari.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "CrOS": "Chromebook",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Ways:
    """With what somebody can show that it is they, besides the password."""

    app: bool
    keys: int
    codes: int


@register.inclusion_tag("staff/door_field.html")
def door_field(
    field: BoundField, label: str, help: str = "", *, blank: bool = False, **attrs: Any
) -> dict[str, Any]:
    """A form's field with our own label and help, and what describes it tied to it.

    `blank` leaves out what was typed (a code that was wrong). Other keywords become attributes.
    When something has to be mended, the first such field takes the focus.
    """
    widget = field.field.widget
    name = field.id_for_label
    described = [f"{name}_help"] if help else []
    described += [f"{name}_error"] if field.errors else []
    described += ["form-error"] if field.form.non_field_errors() else []
    wrong = [other.name for other in field.form.visible_fields() if other.errors]
    if wrong:
        attrs["autofocus"] = field.name == wrong[0]
    ours = {"id": name, "placeholder": False, **attrs}
    if described:
        ours["aria-describedby"] = " ".join(described)
    value = None if blank else field.value()
    return {
        "field": field,
        "label": label,
        "help": help,
        "is_password": getattr(widget, "input_type", "") == "password",
        "input": widget.render(field.html_name, value, field.build_widget_attrs(ours)),
    }


@register.simple_tag(takes_context=True)
def is_inside(context: RequestContext) -> bool:
    """Whether whoever looks at the page has come all the way in."""
    request = context["request"]
    return request.user.is_authenticated and second_factor.is_shown(request)


@register.simple_tag
def ways_in(user: User) -> Ways:
    """The member's app, number of keys, and number of recovery codes left."""
    found = list(Authenticator.objects.filter(user=user))
    codes = [one for one in found if one.type == Authenticator.Type.RECOVERY_CODES]
    return Ways(
        app=any(one.type == Authenticator.Type.TOTP for one in found),
        keys=sum(one.type == Authenticator.Type.WEBAUTHN for one in found),
        codes=len(codes[0].wrap().get_unused_codes()) if codes else 0,
    )


@register.simple_tag
def demo_sign_ins() -> dict[str, Any]:
    """The demo's people, for anybody to sign in as, and their password; nobody in production."""
    return {"people": demo.sign_ins(), "password": demo.PASSWORD}


@register.simple_tag
def inline_svg(document: str, label: str) -> SafeString:
    """An SVG document that we have made ourselves, as a picture within the page."""
    drawing = mark_safe(document[document.index("<svg") + len("<svg") :])  # noqa: S308
    return format_html('<svg role="img" aria-label="{}"{}', label, drawing)


@register.filter
def in_fours(secret: str) -> str:
    """In groups of four, easier to copy by hand: "JBSWY3DP" → "JBSW Y3DP"."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


@register.filter
def device(user_agent: str) -> str:
    """What a person calls a browser that describes itself so: "Chrome på Windows"."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s på %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Okänd webbläsare")


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((name for sign, name in names.items() if sign in user_agent), "")
