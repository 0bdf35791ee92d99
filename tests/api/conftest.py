from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.images import make_image_project, train_colours
from tests.projects import Server


@pytest.fixture(scope="session")
def http(trained_server: Server) -> Iterator[httpx2.Client]:
    """Plain HTTP to a server that the tests share."""
    with httpx2.Client(base_url=trained_server.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def image_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a project that tells colours apart, with a library and the classic routes; tests share it."""
    project = make_image_project(tmp_path_factory.mktemp("images") / "project")
    train_colours(project, "other", promote=False)
    train_colours(project)
    with Server(project, retry_seconds=0, max_body_mb=1) as server:
        yield server


@pytest.fixture(scope="session")
def images(image_server: Server) -> Iterator[httpx2.Client]:
    """Plain HTTP to the server of images."""
    with httpx2.Client(base_url=image_server.url, trust_env=False) as client:
        yield client
