"""Bodies that ask: JSON, the bytes of one image, or a form. Predict, jobs and dialects read them alike.

    asked = decode(b'{"input": "Lovely.", "top_k": 3}', "application/json")

A body is read for what it is (docs/decisions/0013): an image needs no content type, and neither does JSON.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from winnow.api.forms import read_form
from winnow.api.media_types import IMAGE_STARTS
from winnow.errors import InvalidInput
from winnow.serving.service import AS_USUAL, Options

_OPTIONS = frozenset({"version", "top_k"})
_LARGEST_INTEGER = 2**31 - 1  # of the databases' column
_MAX_NAME = 200


@dataclass(slots=True)
class Asked:
    """What a body asks: `several` where the answer is a list. `more` holds what else the route allows and it has.

    A value is as it came: a text, the bytes of a file, or what else JSON holds. Reading it is for the service.
    Not frozen, for the hot path: see `Prediction`.
    """

    values: Sequence[object]
    several: bool
    options: Options = AS_USUAL
    more: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The values for the log, without the bytes of files."""
        shown = [f"<{len(value):,} bytes>" if isinstance(value, bytes) else value for value in self.values]
        return str(shown)


def decode(body: bytes, content_type: str = "", more: Collection[str] = ()) -> Asked:
    """Read a body. `more` names the keys (or form fields) that it may have besides; `InvalidInput` says how it is.

    Only what every row shares is checked here: what is wrong with one input is said beside its neighbours' answers.
    """
    called = content_type.lower()
    if called.startswith("multipart/"):
        return _of_form(body, content_type, more)
    if called.startswith("image/") or body.startswith(IMAGE_STARTS):
        return Asked([body], several=False)
    return _of_json(body, more)


def read_options(version: object, top_k: object) -> Options:
    """Options as JSON has them, where None stands for what is usual; `InvalidInput` says what is wrong."""
    if version is not None and not _is_version(version):
        raise InvalidInput("'version' should be the number of a version, or the name of a candidate")
    if top_k is not None and not _is_count(top_k):
        raise InvalidInput("'top_k' should be a number of labels, 1 or more")
    return Options(version, top_k)  # type: ignore[arg-type]  # just checked


def from_text(value: str | None) -> int | str | None:
    """An option as a form or a query has it: digits are a number."""
    return int(value) if value is not None and value.isdecimal() and len(value) < 20 else value


def _of_json(body: bytes, more: Collection[str]) -> Asked:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}") from None
    if not isinstance(content, dict) or ("input" in content) is ("inputs" in content):
        raise InvalidInput('the body should be {"input": "a text"} or {"inputs": ["a text", "another"]}')
    several = "inputs" in content
    values = content["inputs"] if several else [content["input"]]
    if not isinstance(values, list) or not values:
        raise InvalidInput("'inputs' should be a list of at least one input")
    if len(content) == 1:
        return Asked(values, several)
    unknown = content.keys() - {"input", "inputs", *_OPTIONS, *more}
    if unknown:
        raise InvalidInput(
            f"the body should be an object with 'input' or 'inputs', and perhaps {_listed(more)}; "
            f"there is no key '{min(unknown)[:60]}'"
        )
    options = read_options(content.get("version"), content.get("top_k"))
    return Asked(values, several, options, {key: content[key] for key in more if key in content})


def _of_form(body: bytes, content_type: str, more: Collection[str]) -> Asked:
    """Inputs are fields `image` (a file) and `library` (a name), in the order in which they were sent."""
    values: list[object] = []
    single: dict[str, str] = {}
    for name, value in read_form(body, content_type):
        if name == "image" and isinstance(value, bytes):
            values.append(value)
        elif name == "library" and isinstance(value, str):
            values.append({"library": value})
        elif name in ("image", "library"):
            raise InvalidInput("the form should have a file in each field 'image', and a name in each 'library'")
        elif name in _OPTIONS or name in more:
            single[name] = _only(name, value, single)
        else:
            raise InvalidInput(
                f"the form should have fields 'image' or 'library', and perhaps {_listed(more)}; "
                f"there is no field '{name[:60]}'"
            )
    if not values:
        raise InvalidInput("the form should have at least one field 'image' with a file, or 'library' with a name")
    options = read_options(from_text(single.pop("version", None)), from_text(single.pop("top_k", None)))
    return Asked(values, len(values) > 1, options, single)


def _only(name: str, value: str | bytes, seen: Mapping[str, str]) -> str:
    if name in seen or not isinstance(value, str):
        raise InvalidInput(f"the form should have one field '{name}', and a text in it")
    return value


def _listed(more: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted({*_OPTIONS, *more}))


def _is_version(value: object) -> bool:
    """A number that the store can look for, or a text that could be a name: no NUL, no half of a pair."""
    if isinstance(value, str):
        return 0 < len(value) <= _MAX_NAME and value.isprintable()
    return _is_count(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST_INTEGER
