"""The page on HTTP routes, from their OpenAPI description."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from docs.generator.markdown import code, page, table
from winnow.api.app import create_api
from winnow.project import FILE_NAME
from winnow.runtime import Runtime
from winnow.settings import load_settings

HTTP_VERBS = ("get", "post", "put", "patch", "delete")


@cache
def api() -> Mapping[str, Any]:
    """The OpenAPI description of a project's routes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / FILE_NAME).write_text('[project]\nname = "reference"\n', encoding="utf-8")
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
        "# Shapes",
        *shapes,
    )


def _operations() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, verbs in api()["paths"].items():
        for verb in HTTP_VERBS:
            if verb in verbs:
                yield path, verb, verbs[verb]


def _schemas() -> dict[str, Mapping[str, Any]]:
    unwanted = ("HTTPValidationError", "ValidationError")
    found: dict[str, Mapping[str, Any]] = dict(api()["components"]["schemas"])
    found["PredictRequest"] = dict(
        api()["paths"]["/services/{service}/predict"]["post"]["requestBody"]["content"]["application/json"][
            "schema"
        ]
    )
    return {name: found[name] for name in sorted(found) if name not in unwanted}


def _route(verb: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [f"## `{verb} {path}`", operation.get("description", "")]
    parameters = [
        (
            code(p["name"]),
            p["in"],
            _schema_type(p["schema"]),
            code(p["schema"].get("default")),
            p.get("description", ""),
        )
        for p in operation.get("parameters", [])
        if p["in"] != "path"
    ]
    if parameters:
        parts.append(table(("parameter", "in", "type", "default", "what it is"), parameters))
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("title") if "$ref" not in content["schema"] else None
        shape = f"[{name}](#{name.lower()})" if name in _schemas() else _schema_type(content["schema"])
        parts.append(f"Body (`{kind}`): {shape}.")
    answers = [
        (status, _answer_type(answer), answer["description"])
        for status, answer in operation["responses"].items()
        if "HTTPValidationError" not in str(answer)
    ]
    parts.append(table(("status", "answer", "meaning"), answers))
    return "\n\n".join(part for part in parts if part)


def _answer_type(answer: Mapping[str, Any]) -> str:
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    return "text" if schema is None else _schema_type(schema)


def _shape(name: str, schema: Mapping[str, Any]) -> str:
    rows = [
        (code(key), _schema_type(entry), code(entry.get("default")), entry.get("description", ""))
        for key, entry in schema.get("properties", {}).items()
    ]
    return f"## {name}\n\n{schema.get('description', '')}\n\n" + table(
        ("key", "type", "default", "what it is"), rows
    )


def _schema_type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
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
