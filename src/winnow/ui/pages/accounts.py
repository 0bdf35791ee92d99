"""The page Accounts: who may sign in, what programs sign in with, and one's own password."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from winnow.client import Client
from winnow.client.account_answers import Account, Identity, NewAccount, NewToken, Token
from winnow.domain import Role
from winnow.ui.account_view import account_rows, signed_in_sentence, token_named, token_rows
from winnow.ui.changes import changed, notice
from winnow.ui.session import client, forget, identity, may, read
from winnow.ui.widgets import empty, errors, heading, sign_in_link, table
from winnow.ui.words import role_words

_SHOWN_ONCE = "accounts-shown-once"
_ROLES = list(Role)


def draw() -> None:
    """Draw the page."""
    heading("Accounts", "Who may sign in, and what programs sign in with.")
    notice()
    _draw_secret()
    who = identity()
    st.markdown(signed_in_sentence(who))
    if who.kind == "anonymous":
        sign_in_link()
        if not may(Role.ADMIN):
            return
    names = ["My account", "Tokens", *(["Everybody"] if may(Role.ADMIN) else [])]
    panels = {"My account": _own, "Tokens": _tokens, "Everybody": _everybody}
    for name, tab in zip(names, st.tabs(names, key="accounts-tab", on_change="rerun"), strict=True):
        if tab.open:
            with tab, errors():
                panels[name](who)


def _own(who: Identity) -> None:
    if who.kind != "account":
        empty("You use no account of your own.", "Sign in with a name and a password to have one here.")
        return
    st.markdown("**Change the password**")
    st.html('<a href="/ui/password?next=/ui/accounts" target="_self">Choose another password</a>')
    st.caption("Other browsers that you are signed in with have to sign in again.")
    st.markdown("**Sign out everywhere**")
    st.caption("Ends every session of yours, this one too. Tokens go on working.")
    if st.button("Sign out everywhere", icon=":material/logout:"):
        client().sign_out_everywhere()
        forget()
        st.success("You are signed out everywhere.", icon=":material/check_circle:")
        sign_in_link("Sign in again")


def _tokens(who: Identity) -> None:
    st.caption("A program sends its token as `Authorization: Bearer …`. It may do what its role may, and no more.")
    tokens = read(Client.tokens)
    if tokens:
        table(token_rows(tokens), "Tokens, newest first")
    else:
        empty("There is no token yet.", "Add one below for each program that should ask Winnow by itself.")
    left, right = st.columns(2)
    with left:
        _add_token(who)
    with right:
        _revoke_token(tokens)


def _add_token(who: Identity) -> None:
    allowed_roles = [role for role in _ROLES if who.role is not None and who.role.covers(role)]
    with st.form("add-token", clear_on_submit=True):
        st.markdown("**Add a token**")
        name = st.text_input("Name", placeholder="nightly import", max_chars=100)
        role = st.selectbox("Role", allowed_roles, format_func=_role_words)
        days = st.number_input("Days until it ends", 1, 3650, value=90)
        pressed = st.form_submit_button("Add the token", type="primary")
    if pressed:
        made = client().add_token(name, role=role, days=int(days))
        _show_once(made, f"The token {made.token.name} is there.")


def _revoke_token(tokens: Sequence[Token]) -> None:
    if not tokens:
        return
    with st.form("revoke-token"):
        st.markdown("**Revoke a token**")
        token = st.selectbox("Token", tokens, format_func=token_named)
        sure = st.checkbox("Whatever uses it is refused from then on.")
        pressed = st.form_submit_button("Revoke the token", icon=":material/block:")
    if pressed and _is_sure(sure):
        client().revoke_token(token.id)
        changed(f"The token {token.name} is revoked.")


def _everybody(who: Identity) -> None:
    accounts = read(Client.accounts)
    if accounts:
        table(account_rows(accounts), "Accounts, by name")
    else:
        empty("There is no account yet.", "Add one below. Its owner chooses a password at the first sign-in.")
    left, right = st.columns(2)
    with left:
        _add_account()
    with right:
        if accounts:
            _change_account(accounts, who)


def _add_account() -> None:
    with st.form("add-account", clear_on_submit=True):
        st.markdown("**Add an account**")
        name = st.text_input("Name", placeholder="ada", max_chars=100)
        role = st.selectbox("Role", _ROLES, format_func=_role_words)
        pressed = st.form_submit_button("Add the account", type="primary")
    if pressed:
        made = client().add_account(name, role)
        _show_once(made, f"The account {made.account.name} is there.")


def _change_account(accounts: Sequence[Account], who: Identity) -> None:
    with st.container(border=True):
        st.markdown("**Change an account**")
        name = st.selectbox("Account", [account.name for account in accounts])
        account = next(known for known in accounts if known.name == name)
        role = st.selectbox("Its role", _ROLES, index=_ROLES.index(account.role), format_func=_role_words)
        with st.container(horizontal=True):
            change = st.button("Change the role", disabled=role is account.role, icon=":material/badge:")
            reset = st.button("Reset the password", icon=":material/key:")
        sure = st.checkbox(f"Remove {name}, with every session of theirs.")
        remove = st.button("Remove the account", disabled=not sure, icon=":material/person_remove:")
    if name == who.name:
        st.caption("This is your own account.")
    if change:
        client().set_role(name, role)
        changed(f"{name} {role_words(role)} now.")
    if reset:
        made = client().reset_password(name)
        _show_once(made, f"{name} has a new one-time password.")
    if remove:
        client().remove_account(name)
        changed(f"The account {name} is removed.")


def _is_sure(sure: bool) -> bool:
    if not sure:
        st.warning("Tick the box first: this cannot be undone.", icon=":material/warning:")
    return sure


def _show_once(made: NewAccount | NewToken, what: str) -> None:
    """Keep a secret for the next drawing of the page, and for no other."""
    if isinstance(made, NewAccount):
        told = (
            f"One-time password of {made.account.name}. It is shown this once; hand it over in person.",
            made.password,
        )
    else:
        told = (
            f"Secret of the token {made.token.name}. It is shown this once; keep it like a password.",
            made.secret,
        )
    st.session_state[_SHOWN_ONCE] = told
    changed(what)


def _draw_secret() -> None:
    told = st.session_state.pop(_SHOWN_ONCE, None)
    if told is not None:
        caption, secret = told
        with st.container(border=True):
            st.markdown(f"**{caption}**")
            st.code(secret, language=None)


def _role_words(role: Role) -> str:
    return f"{role}: {role_words(role)}"


with errors():
    draw()
