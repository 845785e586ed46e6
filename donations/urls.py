from django.urls import re_path

from donations import views

urlpatterns = [
    re_path(r"^(?P<number>[0-9]{1,30})/?$", views.collection_number, name="collection_number"),
]
