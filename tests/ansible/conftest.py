"""A machine without Lighthouse, and the playbooks that provision it."""

from collections.abc import Iterator

import pytest
from tests_support.site import Site, provisioned


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests of a file."""
    with provisioned(tmp_path_factory.mktemp("ansible")) as found:
        yield found
