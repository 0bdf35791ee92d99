"""The OpenAPI document is complete, and its examples work."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.projects import Server, settings_of, train_directly
from winnow.accounts.people import People
from winnow.domain import Role
from winnow.store import Database

CHROMIUM = shutil.which("chromium")
NAMES_A_SERVICE = ("/erasures",)
"""Routes whose body may name a service."""
PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}


@pytest.fixture(scope="module")
def document(http: httpx2.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_every_route_of_the_design_is_there(document: dict[str, Any]) -> None:
    service = "/services/{service}"
    assert {(method, path) for method, path, _ in operations(document)} == {
        ("GET", "/services"),
        ("GET", service),
        ("POST", f"{service}/predict"),
        ("GET", f"{service}/library"),
        ("GET", f"{service}/library/{{name}}"),
        ("GET", f"{service}/library/{{name}}/thumbnail"),
        ("GET", f"{service}/images/{{digest}}"),
        ("POST", f"{service}/jobs"),
        ("POST", f"{service}/files"),
        ("GET", "/jobs"),
        ("GET", "/jobs/{ticket}"),
        ("DELETE", "/jobs/{ticket}"),
        ("GET", "/jobs/{ticket}/result"),
        ("GET", "/jobs/{ticket}/events"),
        ("GET", f"{service}/history"),
        ("GET", f"{service}/history/export"),
        ("POST", "/predictions/{prediction_id}/feedback"),
        ("GET", f"{service}/examples"),
        ("POST", f"{service}/examples"),
        ("POST", f"{service}/examples/upload"),
        ("GET", f"{service}/examples/counts"),
        ("GET", f"{service}/examples/disagreements"),
        ("GET", f"{service}/examples/export"),
        ("GET", f"{service}/snapshots"),
        ("GET", f"{service}/snapshots/{{number}}/file"),
        ("POST", "/erasures"),
        ("POST", f"{service}/train"),
        ("GET", f"{service}/runs"),
        ("GET", f"{service}/runs/{{run_id}}"),
        ("DELETE", f"{service}/runs/{{run_id}}"),
        ("GET", f"{service}/report"),
        ("GET", f"{service}/versions"),
        ("POST", f"{service}/versions/{{version}}/promote"),
        ("POST", f"{service}/rollback"),
        ("GET", f"{service}/traffic"),
        ("GET", f"{service}/live"),
        ("GET", f"{service}/compare"),
        ("GET", f"{service}/reports"),
        ("GET", "/alerts"),
        ("POST", "/alerts/{alert_id}/acknowledge"),
        ("GET", "/account"),
        ("POST", "/session"),
        ("POST", "/account/password"),
        ("DELETE", "/sessions"),
        ("GET", "/accounts"),
        ("POST", "/accounts"),
        ("PATCH", "/accounts/{name}"),
        ("POST", "/accounts/{name}/password"),
        ("DELETE", "/accounts/{name}"),
        ("GET", "/tokens"),
        ("POST", "/tokens"),
        ("DELETE", "/tokens/{token_id}"),
        ("GET", "/events"),
        ("GET", "/metrics"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
    }


def test_every_route_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"].endswith("."), where
        assert operation["tags"], where
        for parameter in operation.get("parameters", []):
            assert parameter.get("description") or parameter["schema"].get("description"), f"{where}: {parameter}"
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert "500" in refusals, where
        assert ("404" in refusals) == ("{" in path or path in NAMES_A_SERVICE), where
        assert "401" in refusals, where
        assert "WWW-Authenticate" in refusals["401"]["headers"], where
        takes = re.search(r"Takes the role `(viewer|editor|admin)`\.$", operation["description"])
        assert (takes is not None) == bool(operation["security"]), where
        assert ("403" in refusals) == (takes is not None or method != "GET"), where
        assert ("413" in refusals) == ("requestBody" in operation), where
        for status, answer in refusals.items():
            assert answer["content"] == {"application/problem+json": PROBLEM}, f"{where}: {status}"
            assert answer["description"].endswith("."), f"{where}: {status}"
        for answer in operation["responses"].values():
            assert "X-Request-ID" in answer["headers"], where


def test_special_headers_are_documented(document: dict[str, Any]) -> None:
    predict = document["paths"]["/services/{service}/predict"]["post"]
    assert "Retry-After" in predict["responses"]["429"]["headers"]
    for path in ("train", "jobs", "files"):
        asked = document["paths"][f"/services/{{service}}/{path}"]["post"]
        assert "Location" in asked["responses"]["202"]["headers"]
    result = document["paths"]["/jobs/{ticket}/result"]["get"]
    assert "Retry-After" in result["responses"]["409"]["headers"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    schemas = document["components"]["schemas"]
    found = {name.removeprefix("#/components/schemas/") for name in references(document)}
    assert found <= schemas.keys()
    assert "HTTPValidationError" not in schemas
    assert all(schema.get("description") for name, schema in schemas.items() if not name.startswith("Body_"))


def test_every_example_works(project_copy: Path) -> None:
    """Each documented body is sent to its route, where it should do what it says."""
    train_directly(project_copy, promote=False)
    database = Database(settings_of(project_copy).database_url)
    People(database).add("ada", Role.ADMIN, "a long walk at dawn")
    database.close()
    served = Server(project_copy, concurrency=0)  # a job that trains would be in the way of a run
    with served as server, httpx2.Client(base_url=server.url, trust_env=False) as http:
        sent = 0
        for method, path, operation in operations(http.get("/openapi.json").json()):
            for body in _examples(http, operation):
                prediction = http.post("/services/sentiment/predict", json={"input": "So so."}).json()["id"]
                target = path.format(service="sentiment", version=2, prediction_id=prediction, name="grace")
                response = http.request(method, target, json=body)
                assert response.is_success, f"{method} {path} {body}: {response.text}"
                sent += 1
    assert sent == 15


def _examples(http: httpx2.Client, operation: dict[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "examples" in content:
        return [example["value"] for example in content["examples"].values()]
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    options = [content.get("schema", {}), *content.get("schema", {}).get("anyOf", [])]
    names = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    found = [example for name in names for example in schemas[name].get("examples", [])]
    assert found or not content, operation["summary"]
    return found


def test_the_page_for_people_is_there(http: httpx2.Client) -> None:
    page = http.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text


def test_the_page_needs_no_network(http: httpx2.Client) -> None:
    """Whatever it loads comes from this address, and is there."""
    loaded = re.findall(r'(?:src|href)="([^"]+)"', http.get("/docs").text)
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/")
        assert http.get(address).status_code == 200, address


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_page_shows_the_routes_in_a_browser(http: httpx2.Client, tmp_path: Path) -> None:
    options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    options += " --disable-component-update --disable-sync --virtual-time-budget=10000 --dump-dom"
    command = [str(CHROMIUM), *options.split(), f"--user-data-dir={tmp_path}", str(http.base_url.join("/docs"))]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    for text in ("/services/{service}/predict", "Give Feedback", "Rollback"):
        assert text in re.sub(r"<wbr/?>|\u200b", "", shown)
