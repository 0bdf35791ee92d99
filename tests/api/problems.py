"""What every refusal has in common."""

from __future__ import annotations

from typing import Any

import httpx2

MEMBERS = {"type", "title", "status", "detail", "instance", "error", "error_code", "message"}


def check_problem(response: httpx2.Response, status: int, kind: str) -> dict[str, Any]:
    """Check that a response is a problem in the one shape, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem.keys() >= MEMBERS
    assert problem["type"] == f"urn:winnow:problem:{kind}"
    assert problem["status"] == status
    assert problem["instance"] == f"urn:request:{response.headers['x-request-id']}"
    assert problem["detail"] == problem["error"] == problem["message"] != ""
    return problem
