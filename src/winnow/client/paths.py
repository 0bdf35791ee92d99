"""Paths of the API, with what users name in them."""

from __future__ import annotations

from urllib.parse import quote


def service_path(service: str, *parts: str | int) -> str:
    """Below one service."""
    return "/".join(["/services", *map(quoted, (service, *parts))])


def job_path(ticket: str, *parts: str) -> str:
    """Below one job."""
    return "/".join(["/jobs", *map(quoted, (ticket, *parts))])


def quoted(part: object) -> str:
    """One segment of a path, whatever is in it; `.` and `..` would otherwise be taken for a way up."""
    return quote(str(part), safe="").replace(".", "%2E")
