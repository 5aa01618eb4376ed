"""What the searches of this folder share ends with its last test: trees of all modules are 200 MB."""

from collections.abc import Iterator

import pytest

from tests.house import syntax


@pytest.fixture(scope="package", autouse=True)
def _trees() -> Iterator[None]:
    yield
    syntax.nodes.cache_clear()
