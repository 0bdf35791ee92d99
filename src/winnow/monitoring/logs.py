"""Logs: one line per event, for people or for machines, through loguru.

What other libraries log through the standard library ends up in the same place and shape.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
import warnings
from typing import TYPE_CHECKING

from loguru import logger

from winnow.settings import Settings

if TYPE_CHECKING:
    from loguru import Message, Record

_HUMAN = "<dim>{time:HH:mm:ss.SSS}</dim> <level>{level: <7}</level> {message}"
_NOISY = ("uvicorn.access", "alembic", "sqlalchemy", "httpx2", "httpcore2")
"""Libraries that are heard from warnings on: what they say below that, Winnow says itself or nobody needs."""


def configure_logging(settings: Settings) -> None:
    """Send log lines to standard error in the shape that the settings ask for."""
    level = settings.log_level.upper()
    human = settings.log_format == "human" or (settings.log_format == "auto" and sys.stderr.isatty())
    logger.remove()
    if human:
        logger.add(sys.stderr, level=level, format=_human_format, backtrace=False, diagnose=False)
    else:
        logger.add(_write_json, level=level, format="{message}", backtrace=False, diagnose=False)
    logging.basicConfig(handlers=[_Intercept()], level=level, force=True)
    logging.captureWarnings(capture=True)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # whoever sends an image could fill the log
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _human_format(record: Record) -> str:
    extra = "".join(f" <dim>{key}=</dim>{{extra[{key}]}}" for key in record["extra"])
    return f"{_HUMAN}{extra}\n{{exception}}"


def _write_json(message: Message) -> None:
    record = message.record
    line = {
        "time": record["time"].isoformat(),
        "level": record["level"].name.lower(),
        "message": record["message"],
        **record["extra"],
    }
    if record["exception"] is not None:
        error = record["exception"].value
        line["exception"] = "" if error is None else "".join(traceback.format_exception(error))
    sys.stderr.write(f"{json.dumps(line, ensure_ascii=False, default=str)}\n")


class _Intercept(logging.Handler):
    """Hands what the standard library's loggers say to loguru."""

    def emit(self, record: logging.LogRecord) -> None:
        logger.bind(logger=record.name).opt(exception=record.exc_info).log(record.levelname, record.getMessage())
