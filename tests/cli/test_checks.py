"""What `winnow doctor` says of Redis."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from tests.cli.conftest import winnow


def _redis(project: Path, url: str) -> Any:
    looked = winnow("doctor", "--json", project=project, more={"WINNOW_REDIS": url})
    return next(check for check in looked.json["checks"] if check["name"] == "redis")


def test_a_redis_that_answers(new_shop: Path, redis_url: str) -> None:
    assert _redis(new_shop, redis_url)["state"] == "ok"


def test_a_redis_that_does_not(new_shop: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, and nobody listens
        silent = _redis(new_shop, f"redis://user:secret@127.0.0.1:{nobody.getsockname()[1]}/0")
    assert silent["state"] == "failed"
    assert "secret" not in str(silent)
    assert "WINNOW_REDIS" in silent["remedy"]
    assert _redis(new_shop, "http://127.0.0.1")["state"] == "failed"
