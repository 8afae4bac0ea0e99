"""How RT writes things down in JSON: ids as strings in lists and as numbers in full objects, times to the second."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.rt.simulator.state import Attachment, State, Ticket, Transaction

UNSET = "1970-01-01T00:00:00Z"
_ALWAYS = {"id", "type", "_url"}
_MOST = 100


def ref(kind: str, identifier: Any) -> dict[str, Any]:
    return {"type": kind, "id": str(identifier), "_url": f"/REST/2.0/{kind}/{identifier}"}


def time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def error(status: int, message: str) -> Response:
    return JSONResponse({"message": message}, status)


def transaction_row(one: Transaction) -> dict[str, Any]:
    """As it stands in a list. `Object` is empty there, `ObjectId` is where it was written."""
    return {
        **ref("transaction", one.id),
        "Type": one.kind,
        "Creator": ref("user", one.creator),
        "Created": time(one.created),
        "Data": one.data,
        "Field": one.column,
        "OldValue": one.old,
        "NewValue": one.new,
        "Object": "",
        "ObjectId": str(one.ticket),
        "ObjectType": "RT::Ticket",
    }


def attachment_row(one: Attachment) -> dict[str, Any]:
    return {
        **ref("attachment", one.id),
        "Filename": one.name,
        "ContentType": one.mime,
        "ContentLength": str(len(one.data)),
        "Subject": one.subject,
        "MessageId": one.message_id,
    }


def ticket_row(one: Ticket, state: State) -> dict[str, Any]:
    return {
        **ref("ticket", one.id),
        "Subject": one.subject,
        "Status": one.status,
        "Creator": ref("user", one.creator),
        "Queue": ref("queue", state.queues[one.queue]),
        "Created": time(one.created),
        "LastUpdated": time(one.updated),
    }


def full_ticket(one: Ticket, state: State, links: Iterable[str]) -> dict[str, Any]:
    """A ticket by itself. Its links say what the asking user may do."""
    self_url = f"/REST/2.0/ticket/{one.id}"
    return {
        **ticket_row(one, state),
        "id": one.id,
        "EffectiveId": ref("ticket", one.id),
        "Requestor": [ref("user", person) for person in one.requestors],
        "Owner": ref("user", "Nobody"),
        "Resolved": UNSET,
        "CustomFields": [],
        "_hyperlinks": [
            {"ref": "self", "type": "ticket", "id": one.id, "_url": self_url},
            *({"ref": link, "_url": f"{self_url}/{link}"} for link in ("history", *links)),
        ],
    }


def page(
    request: Request,
    rows: Sequence[dict[str, Any]],
    *,
    counted: bool,
    most: int = _MOST,
    hidden: Collection[str] = (),
) -> Response:
    """One page. It is cut first, and then rows of hidden types are taken away: pages get short, or empty."""
    asked = request.query_params
    size = min(_number(asked.get("per_page"), 20), most)
    number = _number(asked.get("page"), 1)
    ordered = sorted(rows, key=lambda row: int(row["id"]), reverse=asked.get("order") == "DESC")
    wanted = _ALWAYS | set(asked.get("fields", "").split(","))
    cut = [row for row in ordered[(number - 1) * size : number * size] if row.get("Type") not in hidden]
    items = [{name: value for name, value in row.items() if name in wanted} for row in cut]
    total = len(rows) if counted else None
    return JSONResponse(
        {
            "items": items,
            "count": len(items),
            "page": number,
            "per_page": size,
            "total": total,
            "pages": -(-len(rows) // size) if counted else None,
        }
    )


def _number(value: str | None, otherwise: int) -> int:
    return int(value) if value and value.isdigit() and int(value) else otherwise
