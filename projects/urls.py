from django.urls import path

from projects import markdown_editor, views

urlpatterns = [
    path("", views.start, name="start"),
    path("nyheter/", views.news, name="news"),
    path("kontakt/", views.contacts, name="contacts"),
    path("om-gavor/", views.about_giving, name="about_giving"),
    path("tillganglighet/", views.accessibility, name="accessibility"),
    path("utkast/<str:token>/", views.draft, name="draft"),
    path("projekt/<slug:slug>/", views.page, {"kind": "project"}, name="project"),
    path("fokusomrade/<slug:slug>/", views.page, {"kind": "focus_area"}, name="focus_area"),
    path("organisation/<slug:slug>/", views.page, {"kind": "organisation"}, name="organisation"),
    # By the names that the library knows them by.
    path("redaktion/text/visa/", markdown_editor.preview, name="markdownx_preview"),
    path("redaktion/text/bild/", markdown_editor.upload, name="markdownx_upload"),
    path("redaktion/text/bilder/", markdown_editor.choose, name="choose_picture"),
]
