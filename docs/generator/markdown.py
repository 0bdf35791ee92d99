"""Markdown, and types and defaults in words."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from enum import Enum
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, is_typeddict

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from winnow import project

NOTE = "<!-- Written from the code: change that, then run `make docs`. -->"

_NAMES: Mapping[Any, str] = MappingProxyType(
    {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
        Any: "any",
        project.Requirement: "requirement",
        project.CandidateSpec: "name or table",
        SecretStr: "text",
        type(None): "null",
    }
)


def page(title: str, lead: str, *blocks: str) -> str:
    """Put a page together."""
    return "\n\n".join([f"# {title}", NOTE, lead, *blocks]) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Draw a Markdown table. Line ends and bars in cells are made harmless."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def code(text: object) -> str:
    """Set as code; nothing stays nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def sentence(thing: object) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def type_name(kind: Any) -> str:
    """A type in words that somebody who writes TOML or JSON understands."""
    if get_origin(kind) is not None or isinstance(kind, UnionType):
        return _composed(get_origin(kind), get_args(kind))
    if is_typeddict(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _choice(member.value for member in kind)
    if kind in _NAMES:
        return _NAMES[kind]
    is_table = isinstance(kind, type) and issubclass(kind, BaseModel)
    return "table" if is_table else str(getattr(kind, "__name__", kind)).lower()


def _composed(origin: Any, parts: tuple[Any, ...]) -> str:
    if origin is Annotated:
        return type_name(parts[0])
    if origin is Literal:
        return _choice(parts)
    if origin in (Union, UnionType):
        names = list(dict.fromkeys(type_name(part) for part in parts))
        return (", or " if any(name.startswith("table of") for name in names) else " or ").join(names)
    if issubclass(origin, Mapping):
        return f"table of {type_name(parts[1])}"
    return f"list of {type_name(parts[0])}"


def _choice(values: Iterable[object]) -> str:
    return " or ".join(f'`"{value}"`' for value in values)


def default(field: FieldInfo) -> str:
    """A field's default, as one would write it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "unset"
    if isinstance(value, BaseModel):
        return "as below"
    if value == "" or (isinstance(value, Sized) and not len(value)):
        return "empty"
    return code(_written(value))


def _written(value: object) -> object:
    """A value as winnow.toml or an environment variable would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, project.CandidateSpec):
        return value.family
    if isinstance(value, tuple):
        return json.dumps([_written(entry) for entry in value])
    return value


def bounds(field: FieldInfo) -> str:
    """The smallest and largest value that is taken, from the field's own constraints."""
    signs = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    found = [
        f"{signs[name]} {getattr(rule, name):,}" for rule in field.metadata for name in signs if hasattr(rule, name)
    ]
    return f" ({', '.join(found)})" if found else ""


def model_rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and help of each field."""
    for name, field in model.model_fields.items():
        yield (
            code(name),
            type_name(field.annotation).removesuffix("null").removesuffix(" or ").removesuffix(",") + bounds(field),
            default(field),
            field_help(field),
        )


def field_help(field: FieldInfo) -> str:
    """A field's description; for a table of its own, what its class says."""
    if field.description:
        return field.description
    kind = field.annotation
    return sentence(kind) if isinstance(kind, type) and issubclass(kind, BaseModel) else ""
