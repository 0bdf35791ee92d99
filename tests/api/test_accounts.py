"""Accounts, tokens and the audit trail over HTTP, through the client."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.projects import Server, copy_project, settings_of
from winnow.accounts.people import People
from winnow.accounts.tokens import Tokens
from winnow.client import Client
from winnow.domain import Role, new_id
from winnow.errors import Conflict, Forbidden, InvalidInput, NotFound, Overloaded, Unauthenticated
from winnow.store import Database

WALK = "a long walk at dawn"


@dataclass(frozen=True)
class Guarded:
    """A server whose accounts are ada (admin), grace (editor) and vic (viewer), all with the same password."""

    url: str
    server: Server
    database: Database

    def client(self, name: str, password: str = WALK) -> Client:
        return Client(self.url, account=(name, password))


@pytest.fixture(scope="module")
def guarded(trained_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    project = copy_project(trained_project, tmp_path_factory.mktemp("guarded") / "project")
    database = Database(settings_of(project).database_url)
    people = People(database)
    for name, role in (("ada", Role.ADMIN), ("grace", Role.EDITOR), ("vic", Role.VIEWER)):
        people.add(name, role, WALK)
    with Server(project, anonymous="auto", page=False, concurrency=0) as server:
        yield Guarded(server.url, server, database)
    database.close()


def test_who_one_is(guarded: Guarded) -> None:
    with Client(guarded.url, token="") as stranger, guarded.client("vic") as vic:
        assert (stranger.whoami().name, stranger.whoami().role) == ("anonymous", None)
        assert (vic.whoami().name, vic.whoami().role) == ("vic", Role.VIEWER)
        with pytest.raises(Unauthenticated, match="sign in first"):
            stranger.services()
        with pytest.raises(Forbidden, match="takes the role admin, and vic has the role viewer"):
            vic.accounts()


def test_the_environment_has_the_token(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = Tokens(guarded.database).add("nightly", Role.EDITOR)
    monkeypatch.setenv("WINNOW_TOKEN", secret)
    with Client(guarded.url) as client, Client(guarded.url, token="") as stranger, guarded.client("vic") as vic:
        assert client.whoami().name == "token:nightly"
        assert stranger.whoami().name == "anonymous"
        assert vic.whoami().name == "vic"


@pytest.mark.parametrize(
    "given", [{"token": "two words"}, {"token": "é"}, {"token": "a", "account": ("b", "c")}], ids=["s", "e", "both"]
)
def test_credentials_that_cannot_be_sent(given: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Client("http://127.0.0.1:1", **given)  # type: ignore[arg-type]


def test_refusals_say_how_to_sign_in(guarded: Guarded) -> None:
    wrong = {"Authorization": "Basic eHg6eXk="}
    with httpx2.Client(base_url=guarded.url, trust_env=False) as http:
        answers = [
            http.get("/services"),
            http.get("/services", headers=wrong),
            http.get("/health/live", headers=wrong),
        ]
        answers.append(http.post("/session", json={"name": "nobody", "password": "x"}))
        predict = "/services/sentiment/predict"
        answers.append(http.post(predict, json={"input": "Good."}))
        assert http.get("/health/live").status_code == 200
    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="winnow", charset="UTF-8"'
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["error_code"] == "UNAUTHENTICATED"


def test_an_account_from_invitation_to_removal(guarded: Guarded) -> None:
    with guarded.client("ada") as ada, Client(guarded.url, token="") as page:
        new = ada.add_account("joan", "viewer")
        with pytest.raises(Conflict):
            ada.add_account("joan", Role.EDITOR)
        begun = page.sign_in("joan", new.password)
        assert begun.identity.one_time
        with Client(guarded.url, token=begun.session) as joan:
            assert joan.whoami().one_time
            with pytest.raises(Forbidden, match="one-time password"):
                joan.services()
        done = page.change_password("joan", new.password, "a longer walk at dusk")
        with Client(guarded.url, token=begun.session) as joan, pytest.raises(Unauthenticated):
            joan.whoami()
        with Client(guarded.url, token=done.session) as joan:
            assert joan.predict("sentiment", "Lovely.").label
            assert ada.set_role("joan", "editor").role is Role.EDITOR
            assert joan.whoami().role is Role.EDITOR
            token = joan.add_token("hers")
            with Client(guarded.url, token=token.secret) as program:
                assert program.whoami().role is Role.EDITOR
                joan.sign_out_everywhere()
                with pytest.raises(Unauthenticated):
                    joan.whoami()
                assert program.whoami().name == "token:hers"
                reset = ada.reset_password("joan")
                assert reset.account.one_time
                assert ada.remove_account("joan").name == "joan"
                with pytest.raises(Unauthenticated):
                    program.whoami()
        with pytest.raises(NotFound):
            ada.remove_account("joan")
        trail = [(event.action, event.actor, event.outcome) for event in ada.events(20) if event.subject == "joan"]
    assert trail == [
        ("remove-account", "ada", "not-found"),
        ("remove-account", "ada", "done"),
        ("reset-password", "ada", "done"),
        ("sign-out-everywhere", "joan", "done"),
        ("set-role", "ada", "done"),
        ("change-password", "joan", "done"),
        ("add-account", "ada", "conflict"),
        ("add-account", "ada", "done"),
    ]


def test_the_last_admin_stays(guarded: Guarded) -> None:
    with guarded.client("ada") as ada:
        with pytest.raises(Conflict, match="last admin"):
            ada.remove_account("ada")
        with pytest.raises(Conflict, match="last admin"):
            ada.set_role("ada", "viewer")
        assert [account.name for account in ada.accounts()] == ["ada", "grace", "vic"]


def test_tokens_belong_to_somebody(guarded: Guarded) -> None:
    with guarded.client("vic") as vic, guarded.client("grace") as grace, guarded.client("ada") as ada:
        made = vic.add_token("board", days=1)
        assert made.token.role is Role.VIEWER
        assert made.token.expires_at is not None
        with pytest.raises(Forbidden, match="at most your own role"):
            vic.add_token("more", role="admin")
        assert [token.name for token in vic.tokens()] == ["board"]
        assert grace.tokens() == []
        assert "board" in [token.name for token in ada.tokens()]
        with pytest.raises(NotFound):
            grace.revoke_token(made.token.id)
        with Client(guarded.url, token=made.secret) as program:
            assert program.services()
            with pytest.raises(Forbidden, match="cannot make tokens"):
                program.add_token("another")
            assert program.tokens()[0].last_used_at is not None
            assert ada.revoke_token(made.token.id).name == "board"
            with pytest.raises(Unauthenticated):  # at once
                program.services()
        with pytest.raises(NotFound):
            vic.revoke_token(new_id())


def test_strangers_of_an_open_project_make_no_tokens(trained_project: Path, tmp_path: Path) -> None:
    project = copy_project(trained_project, tmp_path / "open")
    with Server(project, anonymous="auto", page=False) as server, Client(server.url, token="") as stranger:
        assert stranger.predict("sentiment", "Lovely.").label
        assert stranger.tokens() == []
        with pytest.raises(Forbidden, match="sign in first"):
            stranger.add_token("for ever")
        with pytest.raises(Forbidden, match="only a person"):
            stranger.sign_out_everywhere()
        with pytest.raises(Unauthenticated, match="takes the role editor"):
            stranger.add_example("sentiment", "Lovely.", "positive")


def test_who_said_so_is_kept(guarded: Guarded) -> None:
    with guarded.client("grace") as grace:
        prediction = grace.predict("sentiment", "Said by grace.")
        grace.feedback(prediction.id, "negative")
    with guarded.database.read() as connection:
        feedback = connection.exec_driver_sql("SELECT account FROM feedback").fetchall()
        batches = connection.exec_driver_sql("SELECT account FROM batches WHERE source = 'feedback'").fetchall()
    assert feedback == batches == [("grace",)]


def test_a_training_by_ticket_takes_an_admin(guarded: Guarded) -> None:
    with guarded.client("grace") as grace, guarded.client("ada") as ada:
        with pytest.raises(Forbidden, match="takes the role admin"):
            grace.submit_training("sentiment")
        job = ada.submit_training("sentiment")
        answered = grace.submit("sentiment", "Lovely.")
        with pytest.raises(Forbidden, match="takes the role admin"):
            grace.cancel_job(job)
        grace.cancel_job(answered)
        ada.cancel_job(job)
        actions = [(event.action, event.subject) for event in ada.events(2, service="sentiment")]
    assert actions == [("cancel-run", f"job {job.id}"), ("train", f"job {job.id}")]


def test_the_trail_is_filtered_and_paged(guarded: Guarded) -> None:
    with guarded.client("ada") as ada:
        for _ in range(3):
            with pytest.raises(NotFound):
                ada.set_role("nobody", "viewer")
        newest = ada.events(2, action="set-role")
        older = ada.events(1, before=newest[-1].id, actor="ada", action="set-role")
        assert len(newest) == 2
        assert older[0].id < newest[1].id < newest[0].id
        assert older[0].request_id
        assert ada.events(actor="nobody") == []
        assert ada.events(service="nosuch") == []
    for event in [*newest, *older]:
        assert (event.subject, event.details, event.outcome) == ("nobody", {"role": "viewer"}, "not-found")


def test_guessing_is_slowed_down(guarded: Guarded) -> None:
    with Client(guarded.url, token="") as page, guarded.client("ada") as ada:
        ada.whoami()
        for _ in range(10):
            with pytest.raises(Unauthenticated):
                page.sign_in("vic", "wrong password")
        with pytest.raises(Overloaded) as refusal:
            page.sign_in("vic", WALK + "!")
        assert 1 <= refusal.value.retry_after <= 300
        with pytest.raises(Overloaded):
            page.change_password("vic", "wrong password", WALK)
        assert page.sign_in("grace", WALK).identity.name == "grace"
        assert ada.whoami().name == "ada"


@pytest.mark.parametrize("path", ["/services/sentiment/examples/upload", "/services/sentiment/files"])
def test_nothing_of_an_upload_is_read_before_it_is_known_who_sends_it(guarded: Guarded, path: str) -> None:
    url = httpx2.URL(guarded.url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 900000000\r\n"
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n--x".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 401 ")


def test_secrets_are_in_no_log(guarded: Guarded) -> None:
    """The last one here: what all others have sent is looked for."""
    log = guarded.server.log.read_text(encoding="utf-8")
    assert "a wrong password for vic came from" in log
    assert "wnw_" not in log
    assert "walk at" not in log
    assert "wrong password'" not in log
    with guarded.client("ada") as ada:
        trail = json.dumps([event.details for event in ada.events(1000)])
    assert "wnw_" not in trail
    assert "walk at" not in trail
