"""How a simulated Freshdesk reads requests: unknown fields, wrong types and missing values are refused.

Source: https://developers.freshdesk.com/api/#error
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.freshdesk.simulator.state import File

TICKET: dict[str, type] = {
    **dict.fromkeys(("name", "email", "facebook_id", "phone", "twitter_id", "unique_external_id"), str),
    **dict.fromkeys(("subject", "type", "description", "due_by", "fr_due_by"), str),
    **dict.fromkeys(("requester_id", "status", "priority", "source", "responder_id", "email_config_id"), int),
    **dict.fromkeys(("group_id", "parent_id", "product_id", "company_id"), int),
    **dict.fromkeys(("internal_agent_id", "internal_group_id"), int),
    **dict.fromkeys(("cc_emails", "tags"), list),
    "custom_fields": dict,
}
NOTE: dict[str, type] = {
    "body": str,
    "structured_body": dict,
    "private": bool,
    "incoming": bool,
    "user_id": int,
    "notify_emails": list,
}
REPLY: dict[str, type] = {
    "body": str,
    "structured_body": dict,
    "from_email": str,
    "user_id": int,
    "cc_emails": list,
    "bcc_emails": list,
}
CONTACT: dict[str, type] = {
    **dict.fromkeys(("name", "email", "phone", "mobile", "twitter_id", "unique_external_id", "description"), str),
    **dict.fromkeys(("job_title", "language", "time_zone", "address"), str),
    **dict.fromkeys(("other_emails", "tags"), list),
    "company_id": int,
    "custom_fields": dict,
    "view_all_tickets": bool,
}
MERGE: dict[str, type] = {
    "primary_id": int,
    "ticket_ids": list,
    "convert_recepients_to_cc": bool,
    "note_in_primary": dict,
    "note_in_secondary": dict,
}
MERGE_CONTACTS: dict[str, type] = {"primary_contact_id": int, "secondary_contact_ids": list, "contact": dict}
RATING: dict[str, type] = {"feedback": str, "ratings": dict}

_NESTED = re.compile(r"(\w+)\[(\w*)\]")
_NULLABLE = frozenset({"type", "group_id", "responder_id", "product_id", "company_id", "due_by", "fr_due_by"})


class Refusal(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, body: Any = None, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> Response:
        if self.body is None:
            return Response(status_code=self.status, headers=self.headers)
        return JSONResponse(self.body, self.status, self.headers)


def invalid(field_name: str, code: str, message: str = "", *, status: int = 400, **more: Any) -> Refusal:
    """A failed validation of one field."""
    error = {"field": field_name, "message": message or "It is not valid", "code": code}
    if more:
        error["additional_info"] = more  # type: ignore[assignment] # a JSON object among strings
    return Refusal(status, {"description": "Validation failed", "errors": [error]})


def denied(status: int, code: str, message: str = "") -> Refusal:
    return Refusal(status, {"code": code, "message": message or "You are not authorized to perform this action."})


@dataclass(slots=True)
class Form:
    """What a request says, typed; `files` only come with multipart."""

    fields: dict[str, Any]
    files: list[File] = field(default_factory=list)


async def read(request: Request, shape: dict[str, type]) -> Form:
    """The body by a shape. Raises Refusal as Freshdesk would."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _form(request, shape)
    if kind != "application/json":
        raise Refusal(415)
    try:
        found = json.loads(await request.body() or b"{}")
    except ValueError:
        raise denied(400, "invalid_json", "Request body has invalid json format") from None
    if not isinstance(found, dict):
        raise denied(400, "invalid_json", "Request body has invalid json format")
    for name, value in found.items():
        _check(name, value, shape)
    return Form(found)


async def _form(request: Request, shape: dict[str, type]) -> Form:
    """In a form everything is text and is coerced."""
    fields: dict[str, Any] = {}
    files: list[File] = []
    async with request.form(max_files=1000, max_fields=1000, max_part_size=2**20) as parts:
        for name, value in parts.multi_items():
            if isinstance(value, UploadFile):
                if name != "attachments[]":
                    raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
                files.append((value.filename or "file", value.content_type or "", await value.read()))
                continue
            nested = _NESTED.fullmatch(name)
            if nested is None:
                fields[name] = _coerced(value, shape.get(name, str))
            elif nested[2]:
                fields.setdefault(nested[1], {})[nested[2]] = value
            else:
                fields.setdefault(nested[1], []).append(value)
    for name, value in fields.items():
        _check(name, value, shape)
    return Form(fields, files)


def _coerced(value: str, kind: type) -> Any:
    if kind is int and value.lstrip("-").isdigit():
        return int(value)
    if kind is bool and value in {"true", "false"}:
        return value == "true"
    return value


def _check(name: str, value: Any, shape: dict[str, type]) -> None:
    if name not in shape:
        raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
    if value is None and name in _NULLABLE:
        return
    kind = shape[name]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid(name, "datatype_mismatch", f"Value set is of type {type(value).__name__}")
    if (
        name == "tags"
        and isinstance(value, list)
        and any(not isinstance(tag, str) or len(tag) > 32 or "," in tag for tag in value)
    ):
        raise invalid(name, "invalid_value", "A tag has at most 32 characters and no comma")


def read_query(request: Request, *known: str) -> tuple[int, int, dict[str, str]]:
    """Page, page size and the rest of a list's query."""
    query = dict(request.query_params)
    for name in query:
        if name not in {"page", "per_page", *known}:
            raise invalid(name, "invalid_field", "Unexpected/invalid field in request")
    numbers = []
    for name, usual, most in (("page", 1, 10**6), ("per_page", 30, 100)):
        text = query.pop(name, str(usual))
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(name, "invalid_value", f"It should be a positive number less than or equal to {most}")
        numbers.append(int(text))
    if numbers[0] > 300:
        raise invalid("page", "invalid_value", "You cannot access tickets beyond the 300th page")
    return numbers[0], numbers[1], query


def paged(request: Request, rows: list[Any], page: int, size: int) -> Response:
    """One page of a list; the header names the next one."""
    shown = rows[(page - 1) * size : page * size]
    headers = {}
    if len(rows) > page * size:
        headers["link"] = f'<{request.url.include_query_params(page=page + 1)}>; rel="next"'
    return JSONResponse(shown, headers=headers)
