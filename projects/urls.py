from django.urls import path

from projects import views

urlpatterns = [
    path("", views.start, name="start"),
    path("nyheter/", views.news, name="news"),
    path("kontakt/", views.contacts, name="contacts"),
    path("om-gavor/", views.about_giving, name="about_giving"),
    path("tillganglighet/", views.accessibility, name="accessibility"),
    path("projekt/<slug:slug>/", views.page, {"kind": "project"}, name="project"),
    path("fokusomrade/<slug:slug>/", views.page, {"kind": "focus_area"}, name="focus_area"),
    path("organisation/<slug:slug>/", views.page, {"kind": "organisation"}, name="organisation"),
]
