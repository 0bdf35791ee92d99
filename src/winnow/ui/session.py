"""Who looks at the page, and how the page asks for them.

Every script asks the API with the credentials of the browser that it draws for: the page has no rights of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from winnow.client import Client
from winnow.client.account_answers import Identity
from winnow.client.answers import Service
from winnow.domain import Role
from winnow.ui.visitors import COOKIE

_FRESH_SECONDS = 3.0
_SERVICE, _PICKER = "winnow-service", "winnow-picker"
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


def client() -> Client:
    """Give the client that asks on behalf of whoever looks."""
    return _client_of(st.secrets["winnow"]["api"], _token())


def identity() -> Identity:
    """Who looks, and what they may do."""
    return read(Client.whoami)


def may(role: Role) -> bool:
    """Whether who looks may do what `role` may."""
    own = identity().role
    return own is not None and own.covers(role)


def read(
    method: Callable[Concatenate[Client, _Given], _Answer], /, *args: _Given.args, **filters: _Given.kwargs
) -> _Answer:
    """Ask the API, or answer from what it said to the same person less than three seconds ago.

    entries = read(Client.history, "sentiment", 50, label="negative")

    For what only reads. After a change, `forget`.
    """
    asked: _Answer = _read(credentials(), method.__name__, args, filters)
    return asked


def forget() -> None:
    """Let the next `read` ask again, whoever it is for: something was changed."""
    _read.clear()


def choose_service() -> Service | None:
    """Draw the picker of services in the sidebar; the service that was picked, None where the project has none.

    The choice holds on all pages and stands in the address as `?service=`.
    """
    services = {service.name: service for service in read(Client.services).services}
    if not services:
        return None
    asked, last = st.query_params.get("service"), st.session_state.get(_SERVICE)
    picked = asked if asked != last else st.session_state.get(_PICKER)  # a link that led here comes first
    wanted = (name for name in (picked, last) if name in services)
    st.session_state[_PICKER] = next(wanted, next(iter(services)))  # each page has a picker of its own
    chosen = st.sidebar.selectbox("Service", list(services), key=_PICKER)
    st.session_state[_SERVICE] = chosen
    if st.query_params.get("service") != chosen:
        st.query_params["service"] = chosen
    return services[chosen]


def _token() -> str | None:
    return st.context.cookies.to_dict().get(COOKIE)


def credentials() -> str:
    """Under what answers are remembered: nobody is shown what somebody else may see."""
    api = st.secrets["winnow"]["api"]
    return hashlib.sha256(f"{api}\n{_token() or ''}".encode()).hexdigest()


@st.cache_resource(max_entries=200, ttl=3600, show_spinner=False)
def _client_of(api: str, token: str | None) -> Client:
    return Client(api, token=token or "", retries=1)


@st.cache_data(ttl=_FRESH_SECONDS, max_entries=500, show_spinner=False)
def _read(credentials: str, method: str, args: tuple[Any, ...], filters: Mapping[str, Any]) -> Any:  # noqa: ARG001
    """Answers by who asks and what. `credentials` is part of the key only."""
    return getattr(client(), method)(*args, **filters)
