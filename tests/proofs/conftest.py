"""Projects whose jobs wait in each of the queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.projects import make_project, train_directly
from tests.proofs.tickets import note_endings
from tests.servers import PostgreSQL
from winnow.settings import Settings, load_settings

QUEUES = ("sqlite", "postgresql", "redis and sqlite", "redis and postgresql")
SettingsOf = Callable[..., Settings]


@pytest.fixture
def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingsOf:
    """Makes a trained project with these settings, whose database notes how jobs end.

    Its workers are given up early, and try again as often as they are killed.
    """

    def make(**settings: object) -> Settings:
        if "database" in settings:
            monkeypatch.setenv("WINNOW_DATABASE", str(settings["database"]))
        project = make_project(tmp_path / "project")
        train_directly(project)
        given = {"lease_seconds": 1.0, "attempts": 100, "retry_seconds": 0.1, **settings}
        made = load_settings(project=project, **given)
        note_endings(made)
        return made

    return make


@pytest.fixture(params=QUEUES)
def queue_settings(request: pytest.FixtureRequest, settings_of: SettingsOf) -> Iterator[Settings]:
    """Settings of a trained project, once for each queue."""
    with_redis, _, store = request.param.rpartition(" and ")
    redis = {"redis": request.getfixturevalue("redis_url")} if with_redis else {}
    if store == "sqlite":
        yield settings_of(**redis)
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    with server.fresh() as url:
        yield settings_of(database=url, **redis)
