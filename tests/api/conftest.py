from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.projects import Server


@pytest.fixture(scope="session")
def http(trained_server: Server) -> Iterator[httpx2.Client]:
    """Plain HTTP to a server that the tests share."""
    with httpx2.Client(base_url=trained_server.url, trust_env=False) as client:
        yield client
