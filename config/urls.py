from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.static import serve

from config import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("admin/", admin.site.urls),
]

if settings.SERVE_MEDIA:
    urlpatterns += [
        path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}, name="media"),
    ]

urlpatterns += [
    path("", include("donations.urls")),
    path("", include("projects.urls")),
]
