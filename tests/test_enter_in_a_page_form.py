"""Enter in a field of a page's form saves, and nothing more."""

from typing import Any

import pytest

from projects.models import Project
from tests import cast


@pytest.mark.browser
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_enter_in_a_field_saves_the_page_and_does_not_publish_it(open_as: Any) -> None:
    project = cast.project()
    page = open_as(cast.ester(), f"/admin/projects/project/{project.pk}/change/")
    page.get_by_label("Rubrik:").first.fill("Brunnar i alla byar")
    page.get_by_label("Rubrik:").first.press("Enter")
    page.locator(".messagelist li").first.wait_for()

    assert Project.objects.get().title == "Brunnar i alla byar"
    assert not project.publications.exists()
