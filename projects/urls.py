from django.urls import path

from projects import views

urlpatterns = [
    path("", views.start, name="start"),
    path("projekt/<slug:slug>/", views.page, {"kind": "project"}, name="project"),
    path("fokusomrade/<slug:slug>/", views.page, {"kind": "focus_area"}, name="focus_area"),
    path("organisation/<slug:slug>/", views.page, {"kind": "organisation"}, name="organisation"),
]
