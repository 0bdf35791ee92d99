"""How the bodies that `winnow.api.inputs` decodes are documented: they pass FastAPI by, which cannot know them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Schema = Mapping[str, Any]

_LARGEST_INTEGER = 2**31 - 1
_FROM_LIBRARY = {
    "type": "object",
    "properties": {"library": {"type": "string", "description": "Name of an image of the service's library."}},
    "required": ["library"],
    "additionalProperties": False,
}
_OPTIONS: Schema = MappingProxyType(
    {
        "version": {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": _LARGEST_INTEGER},
                {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[ -~]+$"},
                {"type": "null"},
            ],
            "description": "Number of the version to ask, or a candidate's name for its newest; else the champion.",
        },
        "top_k": {
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": _LARGEST_INTEGER}, {"type": "null"}],
            "description": "How many labels have scores, most probable first; else as winnow.toml says.",
        },
    }
)
_INPUTS: Schema = MappingProxyType(
    {
        "input": {
            "anyOf": [{"type": "string", "minLength": 1, "pattern": r"\S"}, _FROM_LIBRARY],
            "description": 'A text; or an image: in base64, as a data URI, or `{"library": name}`.',
        },
        "inputs": {
            "type": "array",
            "items": {},
            "minItems": 1,
            "description": "Several of them, each answered or refused by itself.",
        },
    }
)
_FORM: Schema = MappingProxyType(
    {
        "image": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "Image files.",
        },
        "library": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Names of images of the service's library.",
        },
    }
)
_EXAMPLES = MappingProxyType(
    {
        "one": {"summary": "One input", "value": {"input": "It broke after two days."}},
        "several": {
            "summary": "Several inputs",
            "value": {"inputs": ["It broke after two days.", "My best purchase this year."], "top_k": 1},
        },
    }
)


def asking_body(title: str, more: Schema = MappingProxyType({})) -> dict[str, Any]:
    """The documentation of a body that asks, under this title. `more` are schemas of keys that it may have besides.

    For a route's `openapi_extra`.
    """
    plain = {
        "title": title,
        "description": "What is asked, of which version, and how many labels are wanted.",
        "type": "object",
        "properties": {**_INPUTS, **_OPTIONS, **more},
        "oneOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "additionalProperties": False,
    }
    form = {
        "type": "object",
        "properties": {**_FORM, **_OPTIONS, **more},
        "anyOf": [{"required": ["image"]}, {"required": ["library"]}],
        "additionalProperties": False,
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": plain, "examples": dict(_EXAMPLES)},
                "image/*": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {"schema": form},
            },
        }
    }
