"""The page on commands."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer.main

from docs.generator.markdown import code, page, table
from winnow.cli import exit_codes
from winnow.cli.app import build


@cache
def commands() -> Mapping[str, Any]:
    """Each command by what is typed behind `winnow`."""
    return dict(_commands(typer.main.get_command(build()), ""))


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def command_page() -> str:
    """Every command with its arguments and options."""
    common = _common_options()
    blocks = [_command(name, command, common) for name, command in commands().items()]
    codes = inspect.getdoc(exit_codes) or ""
    return page(
        "Commands",
        "`winnow COMMAND --help` says the same. Results go to standard output, everything else to standard error.",
        _command("COMMAND", typer.main.get_command(build()), {}),
        *blocks,
        "## Options of every command\n\n" + table(("option", "default", "what it is"), list(common.values())),
        "## Exit codes\n\n" + codes[codes.index("| code") :],
    )


def _common_options() -> dict[str, tuple[str, str, str]]:
    """The options that all commands share, by their names."""
    shared = [{parameter.name for parameter in command.params} for command in commands().values()]
    common = set.intersection(*shared)
    first = next(iter(commands().values()))
    return {p.name: (_spelling(p), _default_of(p), _parameter_help(p)) for p in first.params if p.name in common}


def _command(name: str, command: Any, common: Mapping[str, Any]) -> str:
    own = [parameter for parameter in command.params if parameter.name not in common]
    arguments = " ".join(_metavar(parameter) for parameter in own if parameter.param_type_name == "argument")
    rows = [(_spelling(parameter), _default_of(parameter), _parameter_help(parameter)) for parameter in own]
    listed = table(("argument or option", "default", "what it is"), rows) if rows else ""
    text = inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\f", "")
    return "\n\n".join(part for part in (f"## `winnow {name} {arguments}".rstrip() + "`", text, listed) if part)


def _metavar(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    return name if parameter.required else f"[{name}]"


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(str(parameter.metavar or parameter.name.upper()))
    names = ", ".join(code(name) for name in [*parameter.opts, *parameter.secondary_opts])
    takes = "" if parameter.is_flag else f" {code(parameter.metavar or _kind(parameter))}"
    variable = parameter.envvar
    return names + takes + (f", or {code(variable)}" if isinstance(variable, str) else "")


def _kind(parameter: Any) -> str:
    """What an option takes, in capitals or as its choices."""
    kind = parameter.type_descriptor.annotation
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(member.value for member in kind)
    return {int: "NUMBER", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def _default_of(parameter: Any) -> str:
    value = parameter.default
    if parameter.required:
        return "required"
    if value is None or callable(value) or isinstance(value, bool) or "Sentinel" in type(value).__name__:
        return ""
    return code(value.value if isinstance(value, Enum) else value)


def _parameter_help(parameter: Any) -> str:
    return str(getattr(parameter, "help", "") or "")


def command_help() -> list[tuple[str, str]]:
    """Each command and each of its parameters with its help."""
    found = []
    for name, command in commands().items():
        found.append((f"winnow {name}", inspect.cleandoc(command.help or "")))
        found += [(_spelling(parameter), _parameter_help(parameter)) for parameter in command.params]
    return found
