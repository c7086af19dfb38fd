"""OpenAPI with what FastAPI cannot see: bodies that are validated from raw bytes, preconditions, the shape of errors.

Types are generated from it, so names are kept stable: an operation is called as its function (``list_routes`` →
``listRoutes``). What an answer has it always has, so its fields are all required; a body may leave those out that have
a default, and where that makes it another type than the answer's it is called ``<name>Input``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from gridwire.control.body import Body
from gridwire.control.changing import PREVIEW, previewable
from gridwire.control.errors import PROBLEM
from gridwire.control.refusals import codes_of, headers_of
from gridwire.version import __version__

Schema = dict[str, Any]
_REF: Final = "#/components/schemas/"
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457, with a stable code, the field that is wrong and the next step; `x-problem-codes` of an"
    " operation says which codes it has, those of logging in besides.",
    "required": ["type", "title", "status", "detail", "code", "field", "fix"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": ["string", "null"]},
        "fix": {"type": ["string", "null"]},
        "conflict": {"$ref": "#/components/schemas/Versions"},
    },
}
_NOUN: Final = [{"$ref": f"{_REF}{name}"} for name in ("Node", "Service", "Route", "Policy")]
_VERSIONS_SCHEMA: Final = {
    "type": "object",
    "title": "Versions",
    "description": "Where two persons changed one noun: what was sent, what is there now with its ETag, what both were"
    " made of where that is still known. A rollback has the newest revision as current.",
    "required": ["yours", "current", "base", "etag"],
    "properties": {
        "yours": {"anyOf": [*_NOUN, {"type": "null"}]},
        "current": {"anyOf": [*_NOUN, {"type": "object"}, {"type": "null"}]},
        "base": {"anyOf": [*_NOUN, {"type": "null"}]},
        "etag": {"type": ["string", "null"]},
    },
}


def described(app: FastAPI) -> None:
    """Make ``app.openapi()`` complete."""

    def openapi() -> Schema:
        if app.openapi_schema is None:
            app.openapi_schema = schema_of(app.routes)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def operation_id(route: APIRoute) -> str:
    """``list_routes`` → ``listRoutes``."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def schema_of(routes: Sequence[BaseRoute]) -> Schema:
    schema = get_openapi(title="gridwire", version=__version__, routes=routes)
    answers: Schema = schema.setdefault("components", {}).setdefault("schemas", {})
    for name, definition in list(answers.items()):
        answers[name] = _always(definition)
    answers |= {"Problem": _PROBLEM_SCHEMA, "Versions": _VERSIONS_SCHEMA}
    answers |= {name: _always(definition) for name, definition in _defined(PREVIEW, "serialization").items()}
    bodies: Schema = {}
    for route in routes:
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = schema["paths"][route.path][method.lower()]
            operation["responses"].pop("422", None)
            if (
                events := operation["responses"].get("200", {}).get("content", {}).get("text/event-stream")
            ) is not None:
                events["schema"].pop("type", None)  # FastAPI's own word for all that is not JSON
            operation["responses"]["default"] = {
                "description": "Refused or failed",
                "content": {PROBLEM: {"schema": {"$ref": f"{_REF}Problem"}}},
            }
            called = operation["operationId"]
            if route.tags != ["agent"] and route.tags != ["enrolments"]:
                operation["x-problem-codes"] = list(codes_of(called, method.lower()))
            if headers := headers_of(called):
                operation["parameters"] = [*operation.get("parameters", ()), *headers]
            if previewable(route.dependant):
                _may_be_previewed(operation["responses"])
            for dependency in route.dependant.dependencies:
                if isinstance(dependency.call, Body):
                    operation["requestBody"] = _body(dependency.call, bodies)
    other = _differing(answers, bodies)
    renamed = {f"{_REF}{name}": f"{_REF}{name}Input" for name in other}
    for name, definition in bodies.items():
        answers[f"{name}Input" if name in other else name] = _referring(definition, renamed)
    for operations in schema["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"] = _referring(operation["requestBody"], renamed)
    for unused in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which nothing answers here
        answers.pop(unused, None)
    plain = {name: _plain(name) for name in answers}
    schema["components"]["schemas"] = {plain[name]: answers[name] | {"title": plain[name]} for name in sorted(answers)}
    named: Schema = _referring(schema, {f"{_REF}{name}": f"{_REF}{better}" for name, better in plain.items()})
    return named


def _plain(name: str) -> str:
    """``Listing_Route_`` → ``RouteListing``: as a person would call a generic of one type."""
    generic, bar, inner = name.partition("_")
    return f"{inner.removesuffix('_')}{generic}" if bar else name


def _body(body: Body[Any], bodies: Schema) -> Schema:
    found = _defined(body.adapter, "validation")
    bodies.update(found)
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"{_REF}{next(iter(found))}"}}}}


def _defined(adapter: TypeAdapter[Any], mode: Literal["validation", "serialization"]) -> Schema:
    """A type, and after it those that it holds, by name."""
    found = adapter.json_schema(ref_template=f"{_REF}{{model}}", mode=mode)
    inner: Schema = found.pop("$defs", {})
    return {str(found["title"]): found, **inner}


def _may_be_previewed(responses: Schema) -> None:
    """With ``preview`` the answer is another."""
    preview = {"$ref": f"{_REF}Preview"}
    done = responses.get("200", {}).get("content", {}).get("application/json", {}).get("schema")
    schema = preview if done is None else {"anyOf": [done, preview]}
    responses["200"] = {
        "description": "Done, or what it would be" if done is not None else "What it would be",
        "content": {"application/json": {"schema": schema}},
    }


def _always(definition: Schema) -> Schema:
    return definition | {"required": list(definition["properties"])} if "properties" in definition else definition


def _differing(answers: Schema, bodies: Schema) -> frozenset[str]:
    """The types of bodies that are not what answers have under that name, be it in a type that they hold."""
    found: set[str] = set()
    while True:
        changed = {f"{_REF}{name}": "another" for name in found}
        more = {n for n, d in bodies.items() if n in answers and _referring(d, changed) != answers[n]} - found
        if not more:
            return frozenset(found)
        found |= more


def _referring(value: Any, renamed: dict[str, str]) -> Any:
    """The same with other references."""
    if isinstance(value, dict):
        return {
            key: renamed.get(inner, inner) if key == "$ref" and isinstance(inner, str) else _referring(inner, renamed)
            for key, inner in value.items()
        }
    return [_referring(inner, renamed) for inner in value] if isinstance(value, list) else value
