from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config import parts, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
]

if settings.SERVE_MEDIA:
    urlpatterns += [
        path("media/<path:path>", views.media, name="media"),
    ]

if not settings.PRODUCTION:
    urlpatterns += [
        path("_/delar/", parts.parts, name="parts"),
        path("_/delar/500/", parts.server_error, name="parts_500"),
    ]

urlpatterns += [
    path("", include("staff.urls")),
    path("", include("donations.urls")),
    path("", include("projects.urls")),
]

handler400 = "config.errors.bad_request"
handler429 = "config.errors.too_many_requests"
