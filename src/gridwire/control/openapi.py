"""OpenAPI with what FastAPI cannot see: bodies that are validated from raw bytes, and the shape of errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from gridwire.control.body import Body
from gridwire.control.errors import PROBLEM

_PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457, with a stable code, the field that is wrong and the next step.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": ["string", "null"]},
        "fix": {"type": ["string", "null"]},
    },
}


def described(app: FastAPI) -> None:
    """Make ``app.openapi()`` complete."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
    components: dict[str, Any] = schema.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = _PROBLEM_SCHEMA
    for route in app.routes:
        if not isinstance(route, APIRoute):
            continue
        for method in route.methods or ():
            operation = schema["paths"][route.path][method.lower()]
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {
                "description": "Refused or failed",
                "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for dependency in route.dependant.dependencies:
                if isinstance(dependency.call, Body):
                    operation["requestBody"] = _body(dependency.call, components)
    return schema


def _body(body: Body[Any], components: dict[str, Any]) -> dict[str, Any]:
    found = body.adapter.json_schema(ref_template="#/components/schemas/{model}", mode="validation")
    for name, definition in found.pop("$defs", {}).items():
        components.setdefault(name, definition)
    name = str(found["title"])
    components.setdefault(name, found)
    return {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}
