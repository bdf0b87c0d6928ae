"""One zygote for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.crash.crashes import Zygote


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """Give what forks services."""
    zygote = Zygote()
    yield zygote
    zygote.end()
