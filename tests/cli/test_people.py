"""`winnow users`, `tokens` and `audit`, what other commands leave in the trail, and the first admin."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import WINNOW, Ended, environment, winnow
from tests.projects import Server
from winnow.client import Client
from winnow.domain import Role

WALK = "a long walk at dawn"


@pytest.fixture(scope="module")
def claimed_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project whose only account is that of ada, an admin; tests that share it change nothing."""
    copy = shutil.copytree(shop, tmp_path_factory.mktemp("claimed") / "shop")
    assert users(copy, "add", "ada", "--role", "admin", "--password-stdin", given=WALK).code == 0
    return copy


@pytest.fixture
def empty_shop(new_shop: Path) -> Path:
    """A project with no examples and no accounts."""
    return new_shop


def users(project: Path, *arguments: str, given: str = "") -> Ended:
    return winnow("users", *arguments, project=project, given=given)


@pytest.mark.slow
def test_an_account_at_the_command_line(empty_shop: Path) -> None:
    assert "nobody has an account yet" in users(empty_shop).out
    made = users(empty_shop, "add", "ada", "--role", "admin", "--password-stdin", given=f"{WALK}\n")
    assert (made.code, made.out) == (0, "ada is an admin now\n")
    invited = users(empty_shop, "add", "grace", "--role", "viewer", "--one-time")
    assert len(invited.out.strip()) == 23  # the password alone
    assert "has to be replaced" in invited.err
    listed = users(empty_shop, "--json").json["accounts"]
    assert [(account["name"], account["role"], account["one_time"]) for account in listed] == [
        ("ada", "admin", False),
        ("grace", "viewer", True),
    ]
    assert "argon2" not in users(empty_shop, "--json").out
    assert users(empty_shop, "role", "grace", "--role", "editor").out == "grace is an editor now\n"
    assert users(empty_shop, "password", "grace", "--password-stdin", given=WALK).code == 0
    assert users(empty_shop, "remove", "grace").out == "grace has no account any more\n"
    trail = winnow("audit", "--json", project=empty_shop).json["events"]
    assert [(event["action"], event["subject"], event["outcome"]) for event in trail] == [
        ("remove-account", "grace", "done"),
        ("set-password", "grace", "done"),
        ("set-role", "grace", "done"),
        ("add-account", "grace", "done"),
        ("add-account", "ada", "done"),
    ]
    assert all(event["actor"].startswith("cli:") and len(event["actor"]) > 4 for event in trail)
    assert WALK not in json.dumps(trail)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["add"], 2, "say whose account"),
        (["add", "joan"], 2, "say what they may do"),
        (["add", "joan", "--role", "admin"], 1, "no terminal"),
        (["add", "joan", "--role", "admin", "--one-time", "--password-stdin"], 2, "one of them"),
        (["add", "Joan", "--role", "admin", "--one-time"], 1, "cannot be the name"),
        (["add", "ada", "--role", "viewer", "--one-time"], 4, "already"),
        (["add", "joan", "--role", "king", "--one-time"], 2, "king"),
        (["role", "joan", "--role", "viewer"], 3, "there is no account 'joan'"),
        (["role", "ada", "--role", "viewer"], 4, "last admin"),
        (["remove", "ada"], 4, "last admin"),
        (["remove", "ada", "--one-time"], 2, "for add and password"),
        (["remove", "ada", "--role", "viewer"], 2, "for add and role"),
        (["password", "joan", "--one-time"], 3, "there is no account"),
    ],
    ids=range(13),
)
def test_what_is_refused(claimed_shop: Path, arguments: list[str], code: int, says: str) -> None:
    ended = users(claimed_shop, *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert says in " ".join(ended.err.split())


def test_a_short_password_is_refused(empty_shop: Path) -> None:
    ended = users(empty_shop, "add", "ada", "--role", "admin", "--password-stdin", given="short\n")
    assert ended.code == 1
    assert "at least 10 characters" in ended.err
    assert users(empty_shop, "--json").json == {"accounts": []}


def test_a_terminal_is_asked_twice(empty_shop: Path) -> None:
    ours, theirs = pty.openpty()
    command = [WINNOW, "users", "add", "ada", "--role", "admin"]
    with subprocess.Popen(
        command,
        cwd=empty_shop,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment(),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        for question in (b"Password for ada", b"Repeat for confirmation"):
            while question not in shown or _echoes(ours):  # what is typed before it is hidden is thrown away
                shown += os.read(ours, 1000) if _readable(ours) else b""
            os.write(ours, f"{WALK}\n".encode())
        assert process.wait(30) == 0
    while b"is an admin now" not in shown:
        shown += os.read(ours, 1000)
    os.close(ours)
    assert WALK.encode() not in shown


def _readable(terminal: int) -> bool:
    return bool(select.select([terminal], [], [], 0.01)[0])


def _echoes(terminal: int) -> bool:
    flags: int = termios.tcgetattr(terminal)[3]
    return bool(flags & termios.ECHO)


@pytest.mark.slow
def test_tokens(empty_shop: Path) -> None:
    assert "there are no tokens" in winnow("tokens", project=empty_shop).out
    made = winnow("tokens", "add", "nightly", "--role", "editor", project=empty_shop)
    assert made.code == 0
    assert made.out.startswith("wnw_")
    assert len(made.out.split()) == 1  # the secret alone
    users(empty_shop, "add", "ada", "--role", "admin", "--one-time")
    owned = winnow(
        "tokens",
        "add",
        "board",
        "--role",
        "viewer",
        "--days",
        "9",
        "--account",
        "ada",
        "--json",
        project=empty_shop,
    )
    assert owned.json["token"]["account"] == "ada"
    listed = winnow("tokens", "--json", project=empty_shop)
    assert [token["name"] for token in listed.json["tokens"]] == ["board", "nightly"]
    assert "wnw_" not in listed.out
    assert "until" in winnow("tokens", project=empty_shop).out
    served = Server(empty_shop, anonymous="nobody", page=False, concurrency=0)
    with served as server, Client(server.url, token=made.out.strip()) as client:
        assert client.whoami().name == "token:nightly"
    assert winnow("tokens", "revoke", "nightly", project=empty_shop).code == 0
    assert winnow("tokens", "revoke", owned.json["token"]["id"], project=empty_shop).code == 0
    assert winnow("tokens", "--json", project=empty_shop).json == {"tokens": []}
    actions = [event["action"] for event in winnow("audit", "--json", project=empty_shop).json["events"]]
    assert actions == ["revoke-token", "revoke-token", "add-token", "add-account", "add-token"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["add"], 2),
        (["add", "x"], 2),
        (["add", "x", "--role", "viewer", "--days", "0"], 1),
        (["add", "x", "--role", "viewer", "--account", "nobody"], 3),
        (["revoke"], 2),
        (["revoke", "nosuch"], 3),
        (["revoke", "x", "--role", "viewer"], 2),
    ],
    ids=range(7),
)
def test_tokens_that_are_not_made(claimed_shop: Path, arguments: list[str], code: int) -> None:
    assert winnow("tokens", *arguments, project=claimed_shop).code == code


@pytest.mark.slow
def test_commands_leave_word_in_the_trail(own_shop: Path) -> None:
    reviews = own_shop / "sentiment" / "reviews.csv"
    assert winnow("load", "sentiment", reviews, project=own_shop).code == 0
    assert winnow("promote", "sentiment", 1, "--force", project=own_shop).code == 0
    assert winnow("rollback", "sentiment", project=own_shop).code == 0
    assert winnow("submit", "sentiment", "--train", project=own_shop).code == 0
    assert winnow("promote", "sentiment", 999, project=own_shop).code == 3
    assert winnow("promote", "nosuch", 1, project=own_shop).code == 3
    trail = winnow("audit", "--service", "sentiment", "--json", project=own_shop).json["events"]
    newest = [(event["action"], event["outcome"]) for event in trail[:5]]  # the rest is the copied project's own
    assert newest == [
        ("promote", "not-found"),
        ("train", "done"),
        ("rollback", "done"),
        ("promote", "done"),
        ("load", "done"),
    ]
    table = winnow("audit", "--action", "promote", project=own_shop).out.splitlines()
    assert "version 1" in table[2]
    assert '{"force": true}' in table[2]
    assert "no event passes" in winnow("audit", "--actor", "nobody", project=own_shop).out


@contextmanager
def up(project: Path, **more: str) -> Iterator[dict[str, Any]]:
    """`winnow up --json`, and what it says."""
    command = [WINNOW, "up", "--port", "0", "--concurrency", "0", "--json"]
    with (
        (project / "err.txt").open("w") as told,
        subprocess.Popen(
            command, cwd=project, stdout=subprocess.PIPE, stderr=told, text=True, env=environment(**more)
        ) as process,
    ):
        try:
            assert process.stdout is not None
            yield json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_the_first_admin(empty_shop: Path) -> None:
    with up(empty_shop) as first:
        assert first["page"] == f"{first['address']}/ui"
        assert first["first_admin"]["name"] == "admin"
    with up(empty_shop) as second, Client(second["address"], token="") as page:
        assert first["first_admin"] != second["first_admin"]
        assert page.whoami().role is Role.VIEWER
        begun = page.sign_in("admin", second["first_admin"]["password"])
        assert begun.identity.one_time
        page.change_password("admin", second["first_admin"]["password"], WALK)
        assert page.whoami().role is None  # the project is claimed
    with up(empty_shop, WINNOW_PAGE="false") as third, Client(third["address"], account=("admin", WALK)) as admin:
        assert third["first_admin"] is None
        assert third["page"] is None
        assert admin.whoami().role is Role.ADMIN
        assert [event.action for event in admin.events()] == ["change-password", "first-admin", "first-admin"]
    assert second["first_admin"]["password"] not in (empty_shop / "err.txt").read_text()


def test_no_admin_is_made_where_everybody_is_one(empty_shop: Path) -> None:
    with up(empty_shop, WINNOW_ANONYMOUS="admin", WINNOW_PAGE="false") as ready:
        assert ready["first_admin"] is None
    assert users(empty_shop, "--json").json == {"accounts": []}


def test_the_greeting_says_how_to_sign_in(empty_shop: Path) -> None:
    command = [WINNOW, "up", "--port", "0", "--concurrency", "0"]
    with subprocess.Popen(
        command, cwd=empty_shop, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        greeting = "".join(iter(process.stdout.readline, "  stop it        Ctrl-C\n"))
        process.terminate()
        process.wait(30)
    lines = {line[2:15].strip(): line[17:] for line in greeting.splitlines()[1:]}
    assert lines["page"].endswith("/ui")
    assert lines["sign in"].startswith("as admin, with the one-time password ")
