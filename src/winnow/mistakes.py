"""Words what pydantic finds wrong with a configuration: one plain sentence for each mistake, with its remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from winnow.errors import nearest

Key = tuple[int | str, ...]

_UNION_BRANCH = re.compile(r"(tuple|mapping|dict)\[.*\]")
"""What pydantic adds to a key for the branch of a union that it tried."""

_EMPTY = ("string_too_short", "too_short")
_TABLE = "should be a table"
_WHOLE = "should be a whole number"
_NUMBER = "should be a number"
_RIGHT = MappingProxyType(
    {
        "string_type": "should be a text in quotes",
        **dict.fromkeys(_EMPTY, "should not be empty"),
        "int_type": _WHOLE,
        "int_parsing": _WHOLE,
        "int_from_float": _WHOLE,
        "float_type": _NUMBER,
        "float_parsing": _NUMBER,
        "finite_number": _NUMBER,
        "bool_type": "should be true or false",
        "bool_parsing": "should be true or false",
        "tuple_type": "should be a list in brackets",
        "dict_type": _TABLE,
        "mapping_type": _TABLE,
        "model_type": _TABLE,
        "greater_than": "should be more than {gt}",
        "greater_than_equal": "should be at least {ge}",
        "less_than": "should be less than {lt}",
        "less_than_equal": "should be at most {le}",
        "literal_error": "should be {expected}",
        "enum": "should be {expected}",
    }
)


def sentences(path: Path, error: ValidationError, root: type[BaseModel]) -> list[str]:
    """One sentence for each mistake in a file: the file, the key, and what would be right."""
    return [f"{path}: {_sentence(key, details, root)}" for key, details in _worth_telling(error, root)]


def what_is_right(details: ErrorDetails) -> str:
    """Say what a value should be, and what it is instead; without the name of its key."""
    if details["type"] == "value_error":
        should = str(details["ctx"]["error"])
    else:
        pydantics = f"is wrong: {details['msg'][:1].lower()}{details['msg'][1:]}"
        should = _RIGHT.get(details["type"], pydantics).format_map(details.get("ctx", {}))
    return should if details["type"] in _EMPTY else f"{should}{_instead(details['input'])}"


def _worth_telling(error: ValidationError, root: type[BaseModel]) -> Iterator[tuple[Key, ErrorDetails]]:
    """One complaint for each mistake.

    A value that fits no branch of a union is complained of once for each, a list once more for its bad entries,
    and a key that is misspelt is unknown as well as missing.
    """
    found: dict[Key, ErrorDetails] = {}
    for details in error.errors():
        found.setdefault(_key(details), details)
    misspelt = {
        (*key[:-1], *get_close_matches(str(key[-1]), _section_at(root, key[:-1]), n=1, cutoff=0.6))
        for key, details in found.items()
        if details["type"] == "extra_forbidden"
    }
    for key, details in found.items():
        has_closer = any(len(other) > len(key) and other[: len(key)] == key for other in found)
        if not (details["type"] == "missing" and key in misspelt) and not has_closer:
            yield key, details


def _key(details: ErrorDetails) -> Key:
    """The place in the file, without the branches of unions."""
    parts = [part for part in details["loc"] if isinstance(part, int) or not _UNION_BRANCH.fullmatch(part)]
    if parts[-2:] == ["label", "str"]:
        parts.pop()
    return tuple(parts)


def _sentence(key: Key, details: ErrorDetails, root: type[BaseModel]) -> str:
    place = _place(key)
    match details["type"]:
        case "extra_forbidden":
            where = f"the table [{_place(key[:-1])}]" if key[:-1] else "the file"
            known = _section_at(root, key[:-1])
            return f"unknown key '{key[-1]}' in {where}.{nearest(str(key[-1]), known)}"
        case "missing":
            return f"the key '{place}' is missing{_described(root, key)}"
        case "string_pattern_mismatch":
            return (
                f"'services' has the name '{key[1]}', which cannot be part of an address: use up to 63 lower-case "
                "letters, digits, '-' and '_', with a letter or digit first"
            )
        case "value_error":
            return f"'{place}' {what_is_right(details)}"
        case "dict_type" | "mapping_type" | "model_type" if _is_table(root, key):
            return f"'{place}' should be a table, [{place}]{_instead(details['input'])}"
        case _:
            return f"'{place}' {what_is_right(details)}{_described(root, key)}"


def _place(key: Key) -> str:
    """The key as one writes it: `services.shop.candidates[0].family`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return text.removeprefix(".")


def _instead(value: object) -> str:
    """What stands there now, as TOML writes it; nothing for tables and lists, whose place says enough."""
    if isinstance(value, bool):
        return f", not {str(value).lower()}"
    if isinstance(value, str):
        return f", not {value!r}" if len(value) <= 60 else f", not {value[:57]!r}..."
    return "" if value is None or isinstance(value, list | tuple | Mapping | BaseModel) else f", not {value}"


def _described(root: type[BaseModel], key: Key) -> str:
    field = _walk(root, key)[1]
    return f": {field.description}" if field is not None and field.description else ""


def _is_table(root: type[BaseModel], key: Key) -> bool:
    return not isinstance(key[-1], int) and _walk(root, key)[0] is not None


def _section_at(root: type[BaseModel], key: Key) -> list[str]:
    """The keys that are allowed in the table at this place."""
    section = _walk(root, key)[0]
    return [] if section is None else list(section.model_fields)


def _walk(root: type[BaseModel], key: Key) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model of the table at this place, and the field; None where there is none."""
    section: type[BaseModel] | None = root
    field: FieldInfo | None = None
    parts = iter(key)
    for part in parts:
        field = None if section is None else section.model_fields.get(str(part))
        if field is None:
            return None, None
        section = _model_within(field.annotation)
        if get_origin(field.annotation) is not None and next(parts, None) is not None and section is None:
            return None, None  # within a table or a list of plain values: the field describes the whole
    return section, field


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_within(inner)) is not None), None)
