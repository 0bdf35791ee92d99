"""Signing in and out, and choosing a password: three forms, and the cookie that comes of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from winnow.client import Client
from winnow.client.account_answers import Session
from winnow.errors import Forbidden, InvalidInput, Overloaded, TooLarge, Unauthenticated, WinnowError
from winnow.ui.documents import Field, Form, form_page, message_page
from winnow.ui.same_origin import HOME, from_here, within
from winnow.ui.visitors import COOKIE, Visitors

SIGN_IN, PASSWORD, SIGN_OUT = "/ui/sign-in", "/ui/password", "/ui/sign-out"
_LONGEST_BODY = 16_384
_STATUS = ((Overloaded, 429), (InvalidInput, 422), (Unauthenticated, 401), (Forbidden, 403))


class SignIn:
    """Answers for the three addresses that need no session."""

    def __init__(self, api: str, visitors: Visitors) -> None:
        self._api = api
        self._visitors = visitors

    async def answer(self, request: Request) -> Response:
        """Show a form, or do what was sent with it."""
        if request.method in ("GET", "HEAD"):
            return await self._show(request)
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "GET, POST"})
        if not from_here(request.headers):
            return message_page(
                "This was sent from elsewhere",
                "Only forms of this address sign anybody in or out. Open the page itself and try again.",
                403,
                (HOME, "Open the page"),
            )
        try:
            return await self._do(request, await _fields(request))
        except TooLarge as error:
            return message_page("This form cannot be read", f"{error}.", 413)

    async def _do(self, request: Request, fields: dict[str, str]) -> Response:
        match request.scope["path"]:
            case "/ui/sign-in":
                return await self._enter_as(request, fields)
            case "/ui/password":
                return await self._choose(request, fields)
            case _:
                return self._leave()

    async def _show(self, request: Request) -> Response:
        next_address = within(request.query_params.get("next"))
        match request.scope["path"]:
            case "/ui/sign-in":
                return form_page(_sign_in_form(), next_address=next_address)
            case "/ui/password":
                name = await self._name_of(request)
                return form_page(_password_form(name), next_address=next_address)
            case _:
                return form_page(_SIGN_OUT_FORM, next_address=next_address)

    async def _name_of(self, request: Request) -> str:
        """The account that the browser is signed in to; empty where it is to none."""
        identity = await self._visitors.identify(request.cookies.get(COOKIE))
        return identity.name if identity.kind == "account" else ""

    async def _enter_as(self, request: Request, fields: dict[str, str]) -> Response:
        name, next_address = fields.get("name", ""), within(fields.get("next"))
        try:
            session = await self._ask(request, lambda client: client.sign_in(name, fields.get("password", "")))
        except WinnowError as error:
            return _again(_sign_in_form(name), error, next_address)
        to = f"{PASSWORD}?next={quote(next_address, safe='')}" if session.identity.one_time else next_address
        return self._enter(request, session, to)

    async def _choose(self, request: Request, fields: dict[str, str]) -> Response:
        name, next_address = fields.get("name", ""), within(fields.get("next"))
        form = _password_form(name, fixed=bool(await self._name_of(request)))
        current, new = fields.get("current", ""), fields.get("new", "")
        if new != fields.get("again"):
            return _again(
                form, InvalidInput("the new password was typed differently the second time"), next_address
            )
        try:
            session = await self._ask(request, lambda client: client.change_password(name, current, new))
        except WinnowError as error:
            return _again(form, error, next_address)
        return self._enter(request, session, next_address)

    async def _ask(self, request: Request, ask: Callable[[Client], Session]) -> Session:
        address = request.client.host if request.client else None
        return await to_thread.run_sync(partial(_asked, self._api, address, ask))

    def _enter(self, request: Request, session: Session, to: str) -> Response:
        """Let somebody in: the cookie is the API's signed session, and no script of a page can read it."""
        self._visitors.forget()
        response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
        response.set_cookie(
            COOKIE,
            session.session,
            max_age=max(1, math.floor((session.expires_at - datetime.now(UTC)).total_seconds())),
            path="/ui",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="lax",
        )
        return response

    def _leave(self) -> Response:
        self._visitors.forget()
        response = RedirectResponse(SIGN_IN, 303, {"Cache-Control": "no-store"})
        response.delete_cookie(COOKIE, path="/ui", httponly=True, samesite="lax")
        return response


_SIGN_OUT_FORM = Form(
    "Sign out?",
    "This browser forgets who you are. Others that you are signed in with do not.",
    "Sign out",
    after=f'<p class="other"><a href="{HOME}">Stay signed in</a></p>',
)


def _sign_in_form(name: str = "") -> Form:
    return Form(
        "Sign in",
        "With the name and the password of your account. Who has none asks an admin for one.",
        "Sign in",
        (
            Field("name", "Name", fills="username", value=name),
            Field("password", "Password", "password", "current-password"),
        ),
    )


def _password_form(name: str, *, fixed: bool = True) -> Form:
    return Form(
        "Choose your own password",
        "It replaces the one that you have, or were given.",
        "Save the password",
        (
            Field("name", "Name", fills="username", value=name, fixed=fixed and bool(name)),
            Field("current", "Password until now", "password", "current-password"),
            Field("new", "New password", "password", "new-password", hint="At least 10 characters."),
            Field("again", "New password again", "password", "new-password"),
        ),
    )


def _again(form: Form, error: WinnowError, next_address: str) -> Response:
    """The form once more, with what was wrong."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
    words = str(error)
    headers = {"Retry-After": str(math.ceil(error.retry_after))} if isinstance(error, Overloaded) else {}
    problem = f"{words[:1].upper()}{words[1:].rstrip('.')}."
    return form_page(form, problem=problem, next_address=next_address, status=status, headers=headers)


def _asked(api: str, address: str | None, ask: Callable[[Client], Session]) -> Session:
    with Client(api, token="", retries=0, on_behalf_of=address) as client:
        return ask(client)


async def _fields(request: Request) -> dict[str, str]:
    """The fields of a form; `TooLarge` where it is larger than any of these can be."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_BODY:
            raise TooLarge("it has more bytes than a name and passwords need")
    given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[-1] for name, values in given.items()}
