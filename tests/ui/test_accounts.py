"""The page Accounts, on a real server: who may sign in, tokens, and secrets that are shown once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.projects import Server
from tests.ui.conftest import Look
from tests.ui.turning import buttons, field, open_tab, press, said, tables
from winnow.client import Client
from winnow.client.account_answers import Account, Identity, Token
from winnow.domain import Role
from winnow.errors import Unauthenticated
from winnow.ui.account_view import account_rows, signed_in_sentence, token_named, token_rows

MOMENT = datetime(2026, 11, 20, 21, 4, tzinfo=UTC)


@pytest.fixture
def server(project_copy: Path) -> Iterator[Server]:
    """A server without accounts, where whoever asks may do everything."""
    with Server(project_copy) as server:
        yield server


def test_who_looks_in_a_sentence() -> None:
    ada = Identity("ada", Role.EDITOR, "account", one_time=False)
    assert signed_in_sentence(ada).startswith("You are **ada**, with the role editor: you may ")
    nobody = Identity("anonymous", None, "anonymous", one_time=False)
    assert (
        signed_in_sentence(nobody)
        == "Nobody is signed in. Whoever opens this page may do nothing before signing in."
    )


def test_accounts_and_tokens_as_tables() -> None:
    (row,) = account_rows([Account("ada", Role.ADMIN, one_time=True, created_at=MOMENT)])
    assert (row["Role"], row["Password"]) == ("admin", "one-time, to be replaced")
    token = Token("id", "nightly", Role.EDITOR, None, MOMENT, None, None)
    (row,) = token_rows([token])
    assert (row["Of"], row["Last used"], row["Ends"]) == ("no account", "never", "never")
    assert token_named(token) == "nightly · editor · no account"


def test_a_new_account_has_a_password_that_is_shown_once(look: Look, server: Server) -> None:
    test = open_tab(look, "accounts", "Everybody", server=server)
    assert "There is no account yet." in said(test)
    field(test.text_input, "Name").set_value("ian")
    field(test.selectbox, "Role").set_value(Role.EDITOR)
    press(test, "Add the account")
    assert "One-time password of ian" in said(test)
    (password,) = [code.value for code in test.code]
    with Client(server.url, account=("ian", password)) as client:
        assert client.whoami().one_time
    test.run()
    assert password not in said(test)
    assert [(row["Name"], row["Role"]) for row in tables(test)[0]] == [("ian", "editor")]


def test_an_account_is_changed_and_removed(look: Look, server: Server) -> None:
    with Client(server.url) as client:
        client.add_account("ada", Role.ADMIN)
        first = client.add_account("ian", Role.VIEWER).password
        test = open_tab(look, "accounts", "Everybody", server=server)
        field(test.selectbox, "Account").set_value("ian").run()
        field(test.selectbox, "Its role").set_value(Role.EDITOR).run()
        press(test, "Change the role")
        assert {known.name: known.role for known in client.accounts()}["ian"] is Role.EDITOR
        press(test, "Reset the password")
        assert "ian has a new one-time password." in said(test)
        with Client(server.url, account=("ian", first)) as old, pytest.raises(Unauthenticated):
            old.whoami()
        field(test.checkbox, "Remove ian, with every session of theirs.").check().run()
        press(test, "Remove the account")
        assert [known.name for known in client.accounts()] == ["ada"]


def test_a_refused_change_is_a_sentence(look: Look, server: Server) -> None:
    test = open_tab(look, "accounts", "Everybody", server=server)
    press(test, "Add the account")
    assert test.error
    assert "name" in test.error[0].value
    assert not test.code


def test_a_token_is_shown_once_and_revoked(look: Look, server: Server) -> None:
    test = open_tab(look, "accounts", "Tokens", server=server)
    assert "There is no token yet." in said(test)
    field(test.text_input, "Name").set_value("nightly")
    field(test.selectbox, "Role").set_value(Role.EDITOR)
    press(test, "Add the token")
    (secret,) = [code.value for code in test.code]
    with Client(server.url, token=secret) as client:
        assert (client.whoami().kind, client.whoami().role) == ("token", Role.EDITOR)
        test.run()
        assert secret not in said(test)
        press(test, "Revoke the token")
        assert "Tick the box first" in said(test)
        field(test.checkbox, "Whatever uses it is refused from then on.").check()
        press(test, "Revoke the token")
        assert "The token nightly is revoked." in said(test)
        with pytest.raises(Unauthenticated):
            client.whoami()


def test_who_is_not_signed_in_has_no_password_to_change(look: Look, server: Server) -> None:
    test = open_tab(look, "accounts", "My account", server=server)
    assert "Nobody is signed in." in said(test)
    assert "You use no account of your own." in said(test)
    assert "Sign out everywhere" not in buttons(test)
