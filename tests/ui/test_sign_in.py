"""Signing in and out over plain HTTP, as a browser without scripts does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.projects import Server, copy_project, settings_of
from tests.ui.conftest import PASSWORD
from winnow.accounts.people import People
from winnow.client import Client
from winnow.domain import Role
from winnow.store import Database


@pytest.fixture
def browser(guarded_server: Server) -> Iterator[httpx2.Client]:
    """A browser that has not signed in."""
    with httpx2.Client(base_url=guarded_server.url) as client:
        yield client


def _sign_in(browser: httpx2.Client, name: str = "ada", password: str = PASSWORD, **fields: str) -> httpx2.Response:
    return browser.post("/ui/sign-in", data={"name": name, "password": password, **fields})


@pytest.mark.parametrize(
    "path", ["/ui/", "/ui/history?service=sentiment", "/ui/_stcore/host-config", "/ui/static/x.js"]
)
def test_who_is_not_known_is_asked_to_sign_in_and_brought_back(browser: httpx2.Client, path: str) -> None:
    refused = browser.get(path)
    assert refused.status_code == 303
    form = browser.get(refused.headers["location"])
    assert form.status_code == 200
    back = re.search(r'name="next" value="([^"]*)"', form.text)
    assert back is not None
    assert _sign_in(browser, next=back[1].replace("&amp;", "&")).headers["location"] in (path, "/ui/")
    assert browser.get("/ui/").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(browser: httpx2.Client) -> None:
    cookie = _sign_in(browser).headers["set-cookie"].lower()
    assert cookie.startswith("winnow_session=")
    for part in ("httponly", "samesite=lax", "path=/ui", "max-age="):
        assert part in cookie
    assert "secure" not in cookie  # it was not asked over https


def test_over_https_the_cookie_is_for_https_only(browser: httpx2.Client) -> None:
    browser.headers["x-forwarded-proto"] = "https"
    assert "secure" in _sign_in(browser).headers["set-cookie"].lower()


@pytest.mark.parametrize("account", [("ada", "wrong password!"), ("nobody", PASSWORD), ("", ""), ("ada", "\x00")])
def test_a_wrong_password_is_said_and_announced(browser: httpx2.Client, account: tuple[str, str]) -> None:
    refused = _sign_in(browser, *account)
    assert refused.status_code in (401, 422)
    assert 'role="alert"' in refused.text
    assert "set-cookie" not in refused.headers
    assert account[1] == "" or account[1] not in refused.text


def test_what_was_typed_cannot_become_markup(browser: httpx2.Client) -> None:
    refused = _sign_in(browser, '"><script>alert(1)</script>', "wrong password!", next='/ui/"><b>')
    assert "<script>" not in refused.text
    assert "<b>" not in refused.text


@pytest.mark.parametrize(
    "next_address",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/ui/../services", "/services", "/ui\r\nX: y",
     "ui/", "/ui/%2e%2e/services", "javascript:alert(1)", "/uix"],
)  # fmt: skip
def test_nobody_is_sent_away_from_the_page(browser: httpx2.Client, next_address: str) -> None:
    assert _sign_in(browser, next=next_address).headers["location"] == "/ui/"


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil.example"},
     {"origin": "null"}],
    ids=["cross-site", "same-site", "other-origin", "null-origin"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/ui/sign-in", "/ui/sign-out", "/ui/password"])
def test_forms_of_other_sites_are_refused(browser: httpx2.Client, headers: dict[str, str], path: str) -> None:
    sent = browser.post(path, data={"name": "ada", "password": PASSWORD}, headers=headers)
    assert sent.status_code == 403
    assert "set-cookie" not in sent.headers


def test_signing_out_forgets_who_one_is(browser: httpx2.Client) -> None:
    _sign_in(browser)
    assert browser.get("/ui/").status_code == 200
    assert browser.get("/ui/sign-out").status_code == 200  # asks first: a link from elsewhere must not do it
    assert browser.get("/ui/").status_code == 200
    assert browser.post("/ui/sign-out").status_code == 303
    assert browser.get("/ui/").status_code == 303


@pytest.mark.parametrize("session", ["", "nonsense", "é", "a" * 5000], ids=["none", "nonsense", "accent", "long"])
def test_a_forged_cookie_is_nobody(browser: httpx2.Client, session: str) -> None:
    asked = browser.get("/ui/", headers=[(b"cookie", b"winnow_session=" + session.encode())])
    assert asked.status_code == 303


def test_forms_are_bounded_and_know_two_methods(browser: httpx2.Client) -> None:
    assert _sign_in(browser, "a" * 20_000).status_code == 413
    assert browser.put("/ui/sign-in").status_code == 405


def test_every_field_has_a_label_and_the_page_runs_no_script(browser: httpx2.Client) -> None:
    for path in ("/ui/sign-in", "/ui/password", "/ui/sign-out"):
        form = browser.get(path)
        inputs = set(re.findall(r'<input id="(\w+)"', form.text))
        assert inputs == set(re.findall(r'<label for="(\w+)"', form.text))
        assert "<script" not in form.text
        assert "default-src 'none'" in form.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in form.headers["content-security-policy"]
        assert '<html lang="en">' in form.text
        assert form.headers["cache-control"] == "no-store"


def test_one_password_changes_into_ones_own(trained_project: Path, tmp_path: Path) -> None:
    project = copy_project(trained_project, tmp_path / "project")
    database = Database(settings_of(project).database_url)
    database.migrate()
    given = People(database).invite("otto", Role.EDITOR)
    database.close()
    with Server(project, page=True, anonymous="nobody") as server, httpx2.Client(base_url=server.url) as browser:
        entered = _sign_in(browser, "otto", given.password, next="/ui/history")
        assert entered.headers["location"] == "/ui/password?next=%2Fui%2Fhistory"
        assert browser.get("/ui/").headers["location"] == "/ui/password?next=%2Fui%2F"  # nothing else before
        assert 'value="otto"' in browser.get("/ui/password").text
        new = {"name": "otto", "current": given.password, "new": PASSWORD, "again": PASSWORD, "next": "/ui/history"}
        for wrong in (
            {"again": "another long password"},
            {"current": "not it at all"},
            {"new": "short", "again": "short"},
        ):
            refused = browser.post("/ui/password", data={**new, **wrong})
            assert refused.status_code in (401, 422)
            assert 'role="alert"' in refused.text
        assert browser.post("/ui/password", data=new).headers["location"] == "/ui/history"
        assert browser.get("/ui/history").status_code == 200
        assert _sign_in(browser, "otto", given.password).status_code == 401  # the one that was given is void


def test_too_many_wrong_passwords_are_refused_with_when_to_come_back(trained_project: Path, tmp_path: Path) -> None:
    project = copy_project(trained_project, tmp_path / "project")
    with Server(project, page=True, anonymous="nobody") as server, httpx2.Client(base_url=server.url) as browser:
        answers = [_sign_in(browser, "ada", "wrong password!") for _ in range(30)]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["retry-after"]) > 0
        assert 'role="alert"' in refused.text


def test_a_wrong_password_counts_for_the_browsers_address_not_for_the_pages(
    browser: httpx2.Client, guarded_server: Server
) -> None:
    browser.headers["x-forwarded-for"] = "198.51.100.7"  # as a proxy on this machine says it
    assert _sign_in(browser, "ada", "wrong password!").status_code == 401
    assert any("came from 198.51.100.7" in line["message"] for line in guarded_server.log_lines())


# The connection that a page is drawn over


def _stream(server: Server) -> str:
    return f"{server.url.replace('http', 'ws', 1)}/ui/_stcore/stream"


def _session(server: Server, name: str) -> str:
    with Client(server.url, token="") as client:
        return client.sign_in(name, PASSWORD).session


@pytest.mark.parametrize("cookie", [None, "winnow_session=nonsense"], ids=["without", "forged"])
def test_no_connection_without_a_session(guarded_server: Server, cookie: str | None) -> None:
    headers = {} if cookie is None else {"Cookie": cookie}
    with pytest.raises(InvalidStatus) as refused, connect(_stream(guarded_server), additional_headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_no_connection_from_another_sites_page(guarded_server: Server) -> None:
    headers = {"Cookie": f"winnow_session={_session(guarded_server, 'ada')}"}
    with (
        pytest.raises(InvalidStatus),
        connect(_stream(guarded_server), additional_headers=headers, origin=Origin("http://evil.example")),
    ):
        pass


def test_a_session_connects(guarded_server: Server) -> None:
    headers = {"Cookie": f"winnow_session={_session(guarded_server, 'vera')}"}
    with connect(
        _stream(guarded_server), additional_headers=headers, origin=Origin(guarded_server.url)
    ) as connection:
        assert connection.response is not None
