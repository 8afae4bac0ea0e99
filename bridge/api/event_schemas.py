"""What `[[events]]` send, described: the `webhooks` of the API's OpenAPI file, one for each kind."""

from typing import Any

from bridge.settings.events import KINDS

Schema = dict[str, Any]
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_MESSAGES: Schema = {
    "messages": {"type": "array", "items": {"$ref": "#/components/schemas/ToldMessage"}, "minItems": 1}
}
_ENDED: Schema = {"code": _TEXT, "reason": _TEXT, **_MESSAGES}
_MORE: dict[str, Schema] = {  # in `data`, beside the conversation
    "conversation.opened": {"by": {"enum": ["customer", "agent"]}},
    "message.received": _MESSAGES,
    "message.accepted": _MESSAGES,
    "message.held": {"why": _TEXT, **_MESSAGES},
    "message.failed": _ENDED,
    "message.unconfirmed": _ENDED,
    "handover": {"left": _TEXT, "taken": _TEXT, "why": _TEXT, "who": _TEXT},
    "rating": {
        "score": {"type": "integer", "minimum": 1, "maximum": 5},
        "scale": {"type": "integer", "const": 5},
        "corrected": {"type": "boolean"},
    },
}
_HEADERS = {
    "webhook-id": "The same at each repeat.",
    "webhook-timestamp": "Seconds since 1970: when this try was made.",
    "webhook-signature": "As standardwebhooks.com says, over the body as it came.",
}
_ANSWERS = {
    "2XX": "Taken, if it comes within ten seconds.",
    "410": "Given up for good.",
    "4XX": "400, 409, 413, 415, 422: this event is tried again. Others: all of this receiver's wait.",
    "5XX": "All of this receiver's wait; `retry-after` is kept to.",
}


def event_schemas() -> Schema:
    """For `components.schemas`."""
    message = {"id": _TEXT, "from": {"enum": ["customer", "person", "bot", "automatic"]}, "kinds": _list_of(_TEXT)}
    words = {
        "at": _TIME,
        "text": _TEXT | {"description": "With `texts = true`."},
        "author": {"type": ["string", "null"]},
    }
    return {
        "ToldConversation": _object(
            {
                "id": _NUMBER, "channel": _TEXT, "conversation": _TEXT, "person": _NUMBER, "desk": _TEXT,
                "ticket": {"type": ["string", "null"]},
            }
        ),
        "ToldMessage": _object(message) | {"properties": message | words},
        **{_name(kind): _event(kind) for kind in KINDS},
    }  # fmt: skip


def event_webhooks() -> Schema:
    """For `webhooks`: the request that a receiver gets."""
    return {kind: {"post": _request(kind)} for kind in KINDS}


def _event(kind: str) -> Schema:
    data = {"conversation": {"$ref": "#/components/schemas/ToldConversation"}, **_MORE.get(kind, {})}
    return _object({"type": {"type": "string", "const": kind}, "timestamp": _TIME, "data": _object(data)})


def _request(kind: str) -> Schema:
    return {
        "operationId": "on" + _name(kind),
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": _TEXT, "description": text}
            for name, text in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{_name(kind)}"}}},
        },
        "responses": {code: {"description": text} for code, text in _ANSWERS.items()},
    }


def _name(kind: str) -> str:
    """`message.received` is MessageReceived."""
    return "".join(word.capitalize() for word in kind.split("."))


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}
