"""The page on HTTP routes, from their OpenAPI description."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from docs.generator.markdown import code, page, table
from winnow.api.app import create_api
from winnow.project import FILE_NAME
from winnow.runtime import Runtime
from winnow.settings import load_settings

_EVERYTHING = """
[project]
name = "reference"
classic = { images = "digits", sentiment = "reviews", satisfaction = "reviews" }

[services.digits]
task = "image-classification"
candidates = ["pixels-linear"]

[services.reviews]
task = "text-classification"
"""

HTTP_VERBS = ("get", "post", "put", "patch", "delete")


@cache
def api() -> Mapping[str, Any]:
    """The OpenAPI description of the routes of a project that has them all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / FILE_NAME).write_text(_EVERYTHING, encoding="utf-8")
        return create_api(Runtime(load_settings(project=path))).openapi()


def http_page() -> str:
    """Every route, then every shape that goes over the wire."""
    routes = [_route(verb.upper(), path, operation) for path, verb, operation in _operations()]
    shapes = [_shape(name, schema) for name, schema in _schemas().items()]
    return page(
        "HTTP routes",
        "Bodies and answers are JSON. Every answer has the request's id in `X-Request-Id`: the caller's own where "
        "one was sent, a new one otherwise. Every refusal is a [Problem](#problem) of the type "
        "`application/problem+json`; [errors](errors.md) lists them. A running server shows the same at `/docs`.",
        *routes,
        _problems(),
        "# Shapes",
        *shapes,
    )


def _operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, verbs in api()["paths"].items():
        for verb in HTTP_VERBS:
            if verb in verbs:
                yield path, verb, verbs[verb]


def _schemas() -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = dict(api()["components"]["schemas"])
    for _, _, operation in _operations():
        found |= {schema["title"]: schema for schema in _inline(dict(_bodies(operation)))}
    return {
        name: found[name]
        for name in sorted(found)
        if not name.startswith(("HTTPValidation", "Validation", "Body_"))
    }


def _inline(bodies: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The shapes that a route declares by itself, since its body passes FastAPI by."""
    schema = bodies.get("application/json", {}).get("schema", {})
    options = schema.get("anyOf", [schema])
    return [option for option in options if "title" in option and "properties" in option]


def _route(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"## `{verb} {path}`", operation.get("description", "")]
    for place, title in (("query", "in the query"), ("header", "in the headers")):
        parameters = [
            (code(p["name"]), _schema_type(p["schema"]), _default(p["schema"]), p.get("description", ""))
            for p in operation.get("parameters", [])
            if p["in"] == place
        ]
        if parameters:
            parts.append(table((title, "type", "default", "what it is"), parameters))
    bodies = [_body(kind, content["schema"]) for kind, content in _bodies(operation)]
    parts += [f"{'Or a body' if number else 'Body'}: {body}." for number, body in enumerate(bodies)]
    parts.append(_answers(operation["responses"]))
    return "\n\n".join(part for part in parts if part)


def _bodies(operation: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    return content.items()


def _body(kind: str, schema: Mapping[str, Any]) -> str:
    if kind == "application/json":
        return _schema_type(schema)
    if kind.startswith("image/"):
        return f"the bytes of one image (`{kind}`)"
    form = api()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return f"a form (`{kind}`) with {', '.join(code(key) for key in form['properties'])}"


def _answers(responses: Mapping[str, Any]) -> str:
    good = [f"{status} with {_answer(answer)}" for status, answer in responses.items() if int(status) < 400]
    problems = [f"[{status}](#problems)" for status in responses if int(status) >= 400]
    return f"Answers {', '.join(good)}. Problems: {', '.join(problems)}."


def _answer(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {})
    if not content:
        return "nothing"
    if any(kind.startswith("image/") for kind in content):
        return "an image"
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return "text"
    return _schema_type(schema) + (" or a file" if "text/csv" in content else "")


def _problems() -> str:
    """The meaning of each status, as the routes give it."""
    meanings = {
        status: answer["description"]
        for _, _, operation in _operations()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
    }
    return "## Problems\n\n" + table(("status", "meaning"), sorted(meanings.items()))


def _default(schema: Mapping[str, Any]) -> str:
    return code(json.dumps(schema["default"])) if schema.get("default") is not None else ""


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    rows = [
        (code(key), _schema_type(entry), _default(entry), entry.get("description", ""))
        for key, entry in schema.get("properties", {}).items()
    ]
    return f"## {name}\n\n{schema.get('description', '')}\n\n" + table(
        ("key", "type", "default", "what it is"), rows
    )


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _schema_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return _link(schema["$ref"].rsplit("/", 1)[1])
    if "title" in schema and "properties" in schema:
        return _link(schema["title"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_schema_type(part) for part in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_schema_type(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_schema_type(schema['additionalProperties'])}"
    names = {"string": "text", "integer": "whole number", "boolean": "true or false", "null": "null"}
    text = names.get(str(schema.get("type")), str(schema.get("type", "any JSON")))
    return {"date-time": "time", "binary": "file"}.get(str(schema.get("format")), text)


def route_help() -> list[tuple[str, str]]:
    """Each route with its help."""
    return [(f"{verb.upper()} {path}", operation.get("description", "")) for path, verb, operation in _operations()]
