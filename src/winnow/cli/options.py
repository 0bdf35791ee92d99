"""Commands with many options: those that a dataclass declares, and the settings, which `winnow.settings` declares.

@command
@with_options(_Wanted)
def jobs(session: Session, **given: Any) -> None:
    wanted = _Wanted(**given)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from typing import Annotated, Any, get_type_hints

import typer
from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from winnow.settings import PREFIX, Settings

_Command = Callable[..., None]


def with_options(declared: type[Any]) -> Callable[[_Command], _Command]:
    """Put an argument or option for each field of a dataclass where the function has `**given`."""
    hints = get_type_hints(declared, include_extras=True)
    return _adding([_parameter(field.name, field.default, hints[field.name]) for field in fields(declared)])


def with_settings(*, without: Collection[str] = ()) -> Callable[[_Command], _Command]:
    """Put an option for each setting, but for those named, where the function has `**given`."""
    taken = {"project", *without}
    return _adding([_setting(name, field) for name, field in Settings.model_fields.items() if name not in taken])


def _adding(more: Sequence[inspect.Parameter]) -> Callable[[_Command], _Command]:
    def add(function: _Command) -> _Command:
        signature = inspect.signature(function, eval_str=True)
        own = [part for part in signature.parameters.values() if part.kind is not inspect.Parameter.VAR_KEYWORD]
        function.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return function

    return add


def _setting(name: str, field: FieldInfo) -> inspect.Parameter:
    kind = str | None if field.annotation == SecretStr | None else field.annotation
    flag = name.replace("_", "-")
    option = typer.Option(
        f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}",
        help=field.description,
        envvar=f"{PREFIX}{name.upper()}",
        min=next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None),  # type: ignore[arg-type]
        max=next((bound.le for bound in field.metadata if isinstance(bound, Le)), None),  # type: ignore[arg-type]
    )
    return _parameter(name, field.default, Annotated[kind, option])


def _parameter(name: str, default: object, annotation: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
