from django.urls import path, re_path

from donations import views

urlpatterns = [
    path("projekt/", views.project_list, name="project_list"),
    re_path(r"^(?P<number>[0-9]{1,30})/?$", views.collection_number, name="collection_number"),
]
