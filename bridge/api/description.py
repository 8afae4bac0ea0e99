"""`GET /api/openapi.json`: all addresses, and what `[[events]]` send. Bodies come from the models that read them."""

from functools import cache
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge import __version__
from bridge.api.consents import ConsentGiven
from bridge.api.contexts import ContextGiven
from bridge.api.event_schemas import event_schemas, event_webhooks
from bridge.api.messages import MessageGiven
from bridge.figures.export import WHAT
from bridge.figures.report import BY

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_ROWS: Schema = {"type": "array", "items": {"type": "object"}}
_TICKET: Schema = {"id": _NUMBER, "ticket": {"type": ["string", "null"]}}
_NEXT: Schema = {"type": ["integer", "null"], "description": "`before` of the next page; null where there is none."}


async def show_description(_request: Request) -> Response:
    """For anybody with a token."""
    return JSONResponse(describe_api())


@cache
def describe_api() -> Schema:
    """OpenAPI 3.1."""
    schemas: Schema = {
        "Error": _object({"error": _TEXT}),
        "Conversation": _object(_texts("channel", "conversation", "desk", "state", "created", "at") | _TICKET),
        "Conversations": _object({"conversations": _list("Conversation"), "next": _NEXT}),
        "ConversationState": _object(
            _texts("channel", "conversation", "desk", "state", "holder")
            | {"link": _NUMBER, "person": _NUMBER, "steps": _ROWS, "waiting": _ROWS}
        ),
        "Identity": _object(_texts("account", "conversation")),
        "Person": _object(
            {"id": _NUMBER, "identities": _list("Identity"), "conversations": _list("Conversation"), "next": _NEXT}
        ),
        "MessageState": _object(
            _texts("id", "address", "given", "account", "conversation", "state", "why", "at")
            | {"ticket": {"type": ["string", "null"]}}
        ),
        "ContextKept": _object({"kept": {"type": "boolean"}, "shown": {"type": "boolean"}}),
        "ConsentsLeft": _object({"left": _NUMBER}),
        "Figures": _object(_texts("since", "until", "timezone") | {"complete": {"type": "boolean"}}),
        **event_schemas(),
    }
    for model in (ContextGiven, MessageGiven, ConsentGiven):
        found = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= found.pop("$defs", {})
        schemas[model.__name__] = found
    span = [_query("since", _TEXT), _query("until", _TEXT)]
    page = [_query("limit", _NUMBER | {"minimum": 1, "maximum": 200}), _query("before", _NUMBER | {"minimum": 1})]
    narrow = [_query(name, _TEXT) for name in ("channel", "desk", "state")]
    rows = {"content": {kind: {"schema": _TEXT} for kind in ("text/csv", "application/x-ndjson")}}
    what = {"name": "what", "in": "path", "required": True, "schema": _TEXT | {"enum": [*WHAT]}}
    form = _query("format", _TEXT | {"enum": ["csv", "jsonl"]})
    by = _query("by", _TEXT | {"enum": [*BY]})
    paths: Schema = {
        "/api/context": {"post": _act("giveContext", "context", 202, "ContextKept", body=ContextGiven)},
        "/api/consents": {"post": _act("giveConsent", "context", 200, "ConsentsLeft", body=ConsentGiven)},
        "/api/messages": {"post": _act("sendMessage", "send", 202, "MessageState", body=MessageGiven)},
        "/api/messages/{id}": {"get": _act("getMessage", "read", 200, "MessageState", [_path(_TEXT)])},
        "/api/conversations": {"get": _act("listConversations", "read", 200, "Conversations", [*narrow, *page])},
        "/api/conversations/{id}": {"get": _act("getConversation", "read", 200, "ConversationState", [_path(_NUMBER)])},
        "/api/people/{id}": {"get": _act("getPerson", "read", 200, "Person", [_path(_NUMBER), *page])},
        "/api/figures": {"get": _act("getFigures", "figures", 200, "Figures", [*span, by])},
        "/api/figures/{what}": {"get": _act("exportFigures", "figures", 200, "Figures", [what, form, *span])},
        "/api/openapi.json": {"get": _act("describe", "", 200, "Figures")},
    }  # fmt: skip
    paths["/api/figures/{what}"]["get"]["responses"]["200"] = {"description": "Rows.", **rows}
    paths["/api/openapi.json"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {"type": "object"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "bridge", "version": __version__, "description": "For the shop's own systems."},
        "security": [{"token": []}],
        "paths": paths,
        "webhooks": event_webhooks(),
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _act(
    name: str,
    scope: str,
    status: int,
    answer: str,
    parameters: list[Schema] | None = None,
    body: type[BaseModel] | None = None,
) -> Schema:
    refusals = {
        "401": "No token, or one that is none.", "403": "The token lacks the scope.", "404": "There is no such thing.",
        "413": "Larger than 16 KiB.", "422": "The field that is wrong.",
        "429": "Too many requests: try again after `retry-after`.", "503": "Try again after `retry-after`.",
    }  # fmt: skip
    responses = {code: {"description": text, "content": _json("Error")} for code, text in refusals.items()}
    act: Schema = {
        "operationId": name,
        "description": f"Needs the scope `{scope}`." if scope else "For any token.",
        "parameters": parameters or [],
        "responses": {str(status): {"description": "Done.", "content": _json(answer)}, **responses},
    }
    return {**act, "requestBody": {"required": True, "content": _json(body.__name__)}} if body is not None else act


def _json(name: str) -> Schema:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _texts(*names: str) -> Schema:
    return dict.fromkeys(names, _TEXT)


def _list(name: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def _path(schema: Schema) -> Schema:
    return {"name": "id", "in": "path", "required": True, "schema": schema}
