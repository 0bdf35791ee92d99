"""Logs: one line per event, for people or for machines, and nothing that users sent unless asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

_SPEAK = """
import logging, warnings
from loguru import logger
from winnow.monitoring.logs import configure_logging
from winnow.settings import load_settings

configure_logging(load_settings())
logger.debug("a detail")
logger.bind(request_id="r-1").info("served <b>{}</b> é", 3)
logging.getLogger("some.library").warning("careful with %s", "this")
logging.getLogger("uvicorn.access").info("noise")
try:
    secret = "what a user sent"
    raise ValueError("no such thing")
except ValueError as error:
    logger.opt(exception=error).error("it broke\\nin two lines")
"""


def spoken(**settings: str) -> list[str]:
    """Standard error of a process that logs a little with these settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WINNOW_")}
    environment |= {f"WINNOW_{key.upper()}": value for key, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-c", _SPEAK], env=environment, capture_output=True, check=True, encoding="utf-8"
    )
    assert done.stdout == "", "logs go to standard error: standard output is for results"
    return done.stderr.splitlines()


def entries(**settings: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in spoken(**settings)]


def test_json_is_one_object_per_line_even_for_messages_of_several_lines() -> None:
    served, careful, broke = entries(log_format="json")
    assert served == {"time": served["time"], "level": "info", "message": "served <b>3</b> é", "request_id": "r-1"}
    assert (careful["level"], careful["message"], careful["logger"]) == (
        "warning",
        "careful with this",
        "some.library",
    )
    assert (broke["level"], broke["message"]) == ("error", "it broke\nin two lines")
    assert broke["exception"].endswith("ValueError: no such thing\n")


def test_away_from_a_terminal_logs_are_json_without_being_told() -> None:
    assert [entry["level"] for entry in entries()] == ["info", "warning", "error"]


def test_people_get_a_line_with_the_time_the_level_and_what_belongs_to_it() -> None:
    lines = spoken(log_format="human")
    assert lines[0].split()[1:] == ["INFO", "served", "<b>3</b>", "é", "request_id=r-1"]
    assert "WARNING careful with this" in lines[1]
    assert lines[-1] == "ValueError: no such thing"


def test_the_level_decides_what_is_said() -> None:
    assert entries(log_level="debug")[0]["message"] == "a detail"
    assert [entry["level"] for entry in entries(log_level="error")] == ["error"]


def test_a_traceback_shows_code_and_no_values() -> None:
    """Values of variables may be what users sent."""
    for log_format in ("json", "human"):
        text = "\n".join(spoken(log_format=log_format))
        assert "no such thing" in text
        assert text.count("what a user sent") <= 1, "at most as the source line itself"
