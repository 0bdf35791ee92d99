"""P9: safe when exposed. Every route by everybody, and no start on other addresses without accounts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import APIRouter, FastAPI

from tests.images import make_image_project
from tests.projects import Server, make_project, settings_of, train_directly
from winnow.accounts.people import People
from winnow.accounts.sessions import Sessions
from winnow.accounts.tokens import Tokens, digest
from winnow.api.access import EDITOR
from winnow.api.app import create_api
from winnow.api.doors import doors_of
from winnow.api.server import serve
from winnow.domain import Role, Token, new_id, now
from winnow.errors import ProjectError
from winnow.runtime import Runtime
from winnow.settings import load_settings
from winnow.store import Database, tokens

WALK = "a long walk at dawn"
SERVICE = "/services/{service}"
PUBLIC, VIEWER, EDIT, ADMIN = None, Role.VIEWER, Role.EDITOR, Role.ADMIN

TABLE: Mapping[str, Role | None] = {
    "GET /health/live": PUBLIC,
    "GET /health/ready": PUBLIC,
    "GET /metrics": VIEWER,
    "GET /account": PUBLIC,
    "POST /session": PUBLIC,
    "POST /account/password": PUBLIC,
    "DELETE /sessions": VIEWER,
    "GET /accounts": ADMIN,
    "POST /accounts": ADMIN,
    "PATCH /accounts/{name}": ADMIN,
    "POST /accounts/{name}/password": ADMIN,
    "DELETE /accounts/{name}": ADMIN,
    "GET /tokens": VIEWER,
    "POST /tokens": VIEWER,
    "DELETE /tokens/{token_id}": VIEWER,
    "GET /events": ADMIN,
    "GET /services": VIEWER,
    f"GET {SERVICE}": VIEWER,
    f"POST {SERVICE}/predict": VIEWER,
    f"GET {SERVICE}/library": VIEWER,
    f"GET {SERVICE}/library/{{name}}": VIEWER,
    f"GET {SERVICE}/library/{{name}}/thumbnail": VIEWER,
    f"GET {SERVICE}/images/{{digest}}": VIEWER,
    f"POST {SERVICE}/jobs": EDIT,
    f"POST {SERVICE}/files": EDIT,
    "GET /jobs": EDIT,
    "GET /jobs/{ticket}": EDIT,
    "DELETE /jobs/{ticket}": EDIT,
    "GET /jobs/{ticket}/result": EDIT,
    "GET /jobs/{ticket}/events": EDIT,
    f"GET {SERVICE}/history": VIEWER,
    f"GET {SERVICE}/history/export": VIEWER,
    "POST /predictions/{prediction_id}/feedback": EDIT,
    f"GET {SERVICE}/examples": EDIT,
    f"POST {SERVICE}/examples": EDIT,
    f"POST {SERVICE}/examples/upload": ADMIN,
    f"GET {SERVICE}/examples/counts": EDIT,
    f"GET {SERVICE}/examples/disagreements": EDIT,
    f"GET {SERVICE}/examples/export": EDIT,
    f"GET {SERVICE}/snapshots": EDIT,
    f"GET {SERVICE}/snapshots/{{number}}/file": ADMIN,
    "POST /erasures": ADMIN,
    f"POST {SERVICE}/train": ADMIN,
    f"GET {SERVICE}/runs": VIEWER,
    f"GET {SERVICE}/runs/{{run_id}}": VIEWER,
    f"DELETE {SERVICE}/runs/{{run_id}}": ADMIN,
    f"GET {SERVICE}/report": VIEWER,
    f"GET {SERVICE}/versions": VIEWER,
    f"POST {SERVICE}/versions/{{version}}/promote": ADMIN,
    f"POST {SERVICE}/rollback": ADMIN,
    f"GET {SERVICE}/traffic": VIEWER,
    f"GET {SERVICE}/live": VIEWER,
    f"GET {SERVICE}/compare": VIEWER,
    f"GET {SERVICE}/reports": VIEWER,
    "GET /alerts": VIEWER,
    "POST /alerts/{alert_id}/acknowledge": EDIT,
    "POST /predict": VIEWER,
    "GET /history": VIEWER,
    "GET /status": PUBLIC,
    "GET /authentification": VIEWER,
    "POST /comment": EDIT,
    "POST /uploadfile": ADMIN,
    "GET /info": VIEWER,
    "POST /classifications": VIEWER,
    "GET /classifications/{job_id}": VIEWER,
}
"""Who may use each route. This is the promise; the routes have to say the same."""

WITH_PASSWORDS = ("POST /session", "POST /account/password")
"""Routes to which nothing but the body says who sends it."""

BY_THE_LANE = {"service": "sentiment"}
PLACES = {
    "service": "nosuch",
    "name": "nosuch",
    **dict.fromkeys(("version", "number"), "1"),
    "digest": "sha256:0",
    **dict.fromkeys(("ticket", "run_id", "prediction_id", "token_id", "alert_id", "job_id"), new_id()),
}
"""What stands in paths: nothing that is there, so that who is let in changes nothing."""


@dataclass(frozen=True)
class Guests:
    """A server, and everybody who may knock: a name and the header that they send."""

    server: Server
    headers: Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_image_project(tmp_path_factory.mktemp("guarded") / "project")
    toml = (made / "winnow.toml").read_text(encoding="utf-8")
    every = 'classic = { images = "colours", sentiment = "sentiment", satisfaction = "sentiment" }'
    (made / "winnow.toml").write_text(re.sub("classic = .*", every, toml), encoding="utf-8")
    train_directly(made, "sentiment")
    return made


@pytest.fixture(scope="module")
def guests(project: Path) -> Iterator[Guests]:
    settings = settings_of(project)
    database = Database(settings.database_url)
    people, kept = People(database), Tokens(database)
    sent = {"anonymous": ""}
    for role in Role:
        people.add(f"the-{role}", role, WALK)
        sent[role.value] = kept.add(f"a-{role}", role, account=f"the-{role}")[1]
    sent["one-time account"] = Sessions(database, settings).make(people.invite("new", Role.ADMIN).account)[0]
    sent["expired token"] = _expired(database)
    revoked, sent["revoked token"] = kept.add("gone", Role.ADMIN)
    kept.revoke(revoked.id)
    session, _ = Sessions(database, settings).make(people.get("the-admin"))
    sent["tampered session"] = session[:-2] + ("AA" if session[-2:] != "AA" else "BB")
    headers = {name: {"Authorization": f"Bearer {value}"} if value else {} for name, value in sent.items()}
    with Server(project, anonymous="auto", page=False, concurrency=0) as server:
        yield Guests(server, headers)
    database.close()


def _expired(database: Database) -> str:
    past = now() - timedelta(days=1)
    with database.write() as connection:
        token = Token(new_id(), "old", Role.ADMIN, None, past, expires_at=past)
        tokens.add(connection, token, digest("wnw_expired"))
    return "wnw_expired"


def expected(route: str, role: Role | None, guest: str) -> set[int] | None:
    """The status that a guest has to get; None where it may be anything but 401 and 403."""
    if route in WITH_PASSWORDS:
        return {422}  # without a body
    if guest in ("expired token", "revoked token", "tampered session"):
        return {401}
    if role is None:
        return None
    if guest == "anonymous":
        return {401}
    if guest == "one-time account":
        return {403}
    return None if Role(guest).covers(role) else {403}


def paths(route: str) -> list[str]:
    """A path of a route, and the path that the lane for predictions takes."""
    path = route.partition(" ")[2]
    lane = [path.format(**BY_THE_LANE)] if path == f"{SERVICE}/predict" else []
    return [path.format(**PLACES), *lane]


def test_the_routes_say_what_the_table_says(project: Path) -> None:
    api = create_api(Runtime(load_settings(project=project)))
    said = {f"{method} {door.route.path}": door.role for door in doors_of(api) for method in door.methods}
    assert said == TABLE


@pytest.mark.slow
def test_every_route_by_everybody(guests: Guests) -> None:
    tried = 0
    with httpx2.Client(base_url=guests.server.url, trust_env=False) as http:
        for route, role in TABLE.items():
            method = route.partition(" ")[0]
            for path in paths(route):
                for guest, headers in guests.headers.items():
                    status = http.request(method, path, headers=headers).status_code
                    wanted = expected(route, role, guest)
                    fits = status not in (401, 403, 500) if wanted is None else status in wanted
                    assert fits, f"{method} {path} by {guest}: {status}, not {wanted or 'anything else'}"
                    tried += 1
    assert tried == (len(TABLE) + 1) * len(guests.headers)
    assert not [line for line in guests.server.log_lines() if line["level"] == "error"]


def test_head_goes_where_get_does(guests: Guests) -> None:
    with httpx2.Client(base_url=guests.server.url, trust_env=False) as http:
        assert http.head("/accounts").status_code == 401
        assert http.head("/accounts", headers=guests.headers["viewer"]).status_code == 403
        assert http.head("/accounts", headers=guests.headers["admin"]).status_code == 200


@pytest.mark.parametrize(
    "path", ["/accounts/", "//accounts", "/%61ccounts", "/accounts;x", "/./accounts", "/ACCOUNTS"]
)
def test_no_way_round_the_doors(guests: Guests, path: str) -> None:
    """However a path is written, it is the route's, and has its door; or it is nobody's."""
    with httpx2.Client(base_url=guests.server.url, trust_env=False) as http:
        assert http.get(path).status_code in (401, 404)
        assert http.get(path, headers=guests.headers["viewer"]).status_code in (403, 404)


def test_a_password_is_not_taken_for_that_of_another(guests: Guests) -> None:
    with httpx2.Client(base_url=guests.server.url, trust_env=False) as http:
        assert http.get("/services", auth=("the-viewer", WALK)).status_code == 200
        assert http.get("/accounts", auth=("the-viewer", WALK)).status_code == 403
        assert http.get("/services", auth=("the-viewer", WALK.upper())).status_code == 401


@pytest.mark.parametrize("router", [APIRouter(), APIRouter(prefix="/x")], ids=["plain", "prefixed"])
def test_a_route_that_says_nothing_is_never_served(router: APIRouter) -> None:
    api = FastAPI(docs_url=None, redoc_url=None)

    @router.get("/said", dependencies=[EDITOR])
    def said() -> None: ...

    api.include_router(router)
    assert [door.role for door in doors_of(api)] == [Role.EDITOR]

    @router.get("/unsaid")
    def unsaid() -> None: ...

    with pytest.raises(LookupError, match="unsaid"):
        doors_of(api)


def test_nothing_else_is_served_beside_the_routes() -> None:
    api = FastAPI(docs_url=None, redoc_url=None)
    api.mount("/door", api)
    with pytest.raises(LookupError, match="/door"):
        doors_of(api)


EXPOSED = ["0.0.0.0", "::", "192.0.2.1", "10.0.0.5", "example.org", "::ffff:127.0.0.1", ""]


@pytest.mark.parametrize("host", EXPOSED)
def test_other_addresses_need_an_account(tmp_path: Path, host: str) -> None:
    project = make_project(tmp_path / "project")
    settings = load_settings(project=project, host=host, port=0)
    with pytest.raises(ProjectError, match=re.escape("`winnow users add NAME --role admin`")):
        serve(settings, pytest.fail)
    database = Database(settings.database_url)
    People(database).invite("ada", Role.ADMIN)  # a password that somebody else knows is none of one's own
    database.close()
    with pytest.raises(ProjectError, match="nobody has an account"):
        serve(settings, pytest.fail)


@pytest.mark.parametrize("anonymous", ["viewer", "editor", "admin"])
def test_strangers_may_do_nothing_on_other_addresses(tmp_path: Path, anonymous: str) -> None:
    settings = load_settings(project=make_project(tmp_path), host="0.0.0.0", port=0, anonymous=anonymous)
    with pytest.raises(ProjectError, match=f"auto or nobody, not {anonymous}"):
        serve(settings, pytest.fail)


@pytest.mark.parametrize("anonymous", ["auto", "nobody"])
def test_served_to_other_machines_with_an_account(tmp_path: Path, anonymous: str) -> None:
    project = make_project(tmp_path / "project")
    database = Database(settings_of(project).database_url)
    database.migrate()
    People(database).add("ada", Role.ADMIN, WALK)
    database.close()
    with Server(project, host="0.0.0.0", anonymous=anonymous, page=False) as server:
        url = server.url.replace("0.0.0.0", "127.0.0.1")
        with httpx2.Client(base_url=url, trust_env=False) as http:
            assert http.get("/services").status_code == 401
            assert http.get("/services", auth=("ada", WALK)).status_code == 200
            assert http.get("/health/live").status_code == 200


def test_a_claimed_project_is_closed_to_strangers_in_every_process(project: Path) -> None:
    with Server(project, anonymous="auto", page=False, workers=2, concurrency=0) as server:
        for _ in range(10):  # a connection each
            assert httpx2.get(f"{server.url}/services", trust_env=False).status_code == 401
