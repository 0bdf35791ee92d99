"""The doors: each route's role is asked for before anything of the request's body is read.

FastAPI reads a body first and asks `dependencies` then. Whoever may not upload would have uploaded by that time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount, Route, compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from winnow.api.access import require, role_of
from winnow.domain import Role

OUTSIDE = ("/openapi.json", "/docs", "/docs/files")
"""Paths that are no routes of the API: its description, which says nothing of any data."""


@dataclass(frozen=True, slots=True)
class Door:
    """A route, what its paths look like, and who may use it; everybody where `role` is None."""

    route: APIRoute
    pattern: re.Pattern[str]
    methods: Collection[str]
    role: Role | None


def doors_of(api: FastAPI) -> list[Door]:
    """Every route with its role; `LookupError` where one does not say who may use it."""
    found = []
    for context in iter_route_contexts(api.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            pattern, _, _ = compile_path(context.path or route.path)
            found.append(Door(route, pattern, context.methods or (), role_of(route)))
        elif not isinstance(route, Route | Mount) or route.path not in OUTSIDE:
            raise LookupError(f"the route {getattr(route, 'path', route)} does not say who may use it")
    return found


class Doors:
    """Lets a request in where its sender may use the route that it matches. What matches none is not found."""

    def __init__(self, app: ASGIApp, doors: Sequence[Door]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http":
            door = self._find(scope)
            if door is not None and door.role is not None:
                scope["route"] = door.route  # for figures and the log, should it be refused
                require(scope, door.role)
        await self._app(scope, receive, send)

    def _find(self, scope: Scope) -> Door | None:
        """The first that matches, which is the one that the router takes."""
        path, method = _path(scope), scope["method"]
        fitting = (door for door in self._doors if method in door.methods and door.pattern.match(path))
        return next(fitting, None)


def _path(scope: Scope) -> str:
    """The path below where the application is mounted, as the router has it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path
