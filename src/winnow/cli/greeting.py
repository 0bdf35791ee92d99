"""What `winnow up` says once it serves: where, how to try it, and who may sign in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from winnow.cli.output import Block, styled
from winnow.domain import Json

if TYPE_CHECKING:
    from winnow.accounts.people import NewAccount
    from winnow.settings import Settings


@dataclass(frozen=True, slots=True)
class Greeting:
    """What is served. `example` is a service to try, with an input; `services` says of each whether it is ready.

    `admin` was made because nobody has an account, or has none with a password of their own.
    """

    project: str
    settings: Settings
    services: Mapping[str, bool]
    example: tuple[str, Json] | None
    admin: NewAccount | None

    def to_json(self, address: str) -> dict[str, Json]:
        """The same for programs."""
        admin = self.admin
        return {
            "address": address,
            "docs": f"{address}/docs",
            "page": f"{address}/ui" if has_page(self.settings) else None,
            "project": self.project,
            "services": dict(self.services),
            "concurrency": self.settings.concurrency,
            "first_admin": None if admin is None else {"name": admin.account.name, "password": admin.password},
        }

    def blocks(self, address: str) -> Iterator[Block]:
        """Line by line."""
        page = has_page(self.settings)
        yield styled(f"{self.project} is served at {address}", "bold green")
        if page:
            yield f"  page           {address}/ui"
        if self.admin is not None:
            yield f"  sign in        as {self.admin.account.name}, with the one-time password {self.admin.password}"
            if not page:
                yield f"                 `winnow users password {self.admin.account.name}` sets another one"
        yield f"  documentation  {address}/docs"
        if self.example is not None:
            name, value = self.example
            body = shlex.quote(json.dumps({"input": value}, ensure_ascii=False))
            yield f"  try it         curl -s {address}/services/{name}/predict -d {body}"
        yield f"  jobs           {_at_once(self.settings)}"
        for name, ready in self.services.items():
            if not ready:
                yield styled(f"  not ready      {name} has no champion yet: `winnow train {name}`", "yellow")
        yield "  stop it        Ctrl-C"


def has_page(settings: Settings) -> bool:
    """Whether the page for people is served: it is wanted, can be, and there is one process for it to be in."""
    return settings.page and settings.workers == 1 and find_spec("streamlit") is not None


def _at_once(settings: Settings) -> str:
    """How many jobs are worked on, in words."""
    if settings.concurrency == 0:
        return "left to `winnow worker`"
    each = f" in each of {settings.workers} processes" if settings.workers > 1 else ""
    return f"{settings.concurrency} at once{each}"
