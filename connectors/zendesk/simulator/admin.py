"""How admins manage webhooks, triggers and ticket fields of a simulated Zendesk."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.zendesk.simulator.hooks import ConnectorCase, Webhook
from connectors.zendesk.simulator.rest import Rest
from connectors.zendesk.simulator.state import Refuse, Row, User, invalid, not_found
from connectors.zendesk.simulator.views import page_of

_CONDITIONS = {
    "update_type",
    "comment_is_public",
    "current_tags",
    "current_via_id",
    "status",
    "role",
    "group_id",
    "brand_id",
}


class Admin:
    """The management side of `Hooks`."""

    def __init__(self, hooks: ConnectorCase) -> None:
        self._hooks = hooks

    def routes(self, rest: Rest) -> list[Route]:
        api = "/api/v2"

        def guarded(handler: Callable[[Request, User], Awaitable[Response]]) -> Any:
            async def admin(request: Request, user: User) -> Response:
                if user.role != "admin":
                    raise Refuse(
                        403, {"errors": [{"code": "Forbidden", "title": "Forbidden", "detail": "Admins only"}]}
                    )
                return await handler(request, user)

            return rest.guarded(admin)

        return [
            Route(f"{api}/webhooks", guarded(self._webhooks), methods=["GET", "POST"]),
            Route(f"{api}/webhooks/test", guarded(self._test), methods=["POST"]),
            Route(f"{api}/webhooks/{{id}}", guarded(self._webhook), methods=["GET", "PUT", "PATCH", "DELETE"]),
            Route(f"{api}/webhooks/{{id}}/signing_secret", guarded(self._secret), methods=["GET", "POST"]),
            Route(f"{api}/webhooks/{{id}}/invocations", guarded(self._log)),
            Route(f"{api}/triggers", guarded(self._triggers), methods=["GET", "POST"]),
            Route(f"{api}/triggers/{{id:int}}", guarded(self._trigger), methods=["GET", "PUT", "DELETE"]),
            Route(f"{api}/trigger_categories", guarded(self._categories)),
            Route(f"{api}/ticket_fields", guarded(self._fields), methods=["GET", "POST"]),
            Route(f"{api}/ticket_fields/{{id:int}}", guarded(self._field), methods=["DELETE"]),
        ]

    def _row(self, webhook: Webhook) -> Row:
        return {
            "id": webhook.id,
            "created_by": str(self._hooks.state.bridge.id),
            "created_at": self._hooks.state.now(),
            **webhook.fields,
        }

    def _find(self, request: Request) -> Webhook:
        found = self._hooks.webhooks.get(request.path_params["id"])
        if found is None:
            raise Refuse(404, {"errors": [{"code": "WebhookNotFound", "title": "Webhook not found"}]})
        return found

    async def _webhooks(self, request: Request, _user: User) -> Response:
        if request.method == "GET":
            part = request.query_params.get("filter[name_contains]", "")
            rows = [self._row(one) for one in self._hooks.webhooks.values() if part in str(one.fields.get("name"))]
            return JSONResponse(
                {"webhooks": rows, "meta": {"has_more": False, "after_cursor": "x"}, "links": {"next": None}}
            )
        fields = (await request.json())["webhook"]
        missing = {"name", "endpoint", "http_method", "request_format", "status"} - set(fields)
        if missing:
            raise Refuse(400, {"errors": [{"code": "InvalidValue", "title": f"{min(missing)} is missing"}]})
        return JSONResponse({"webhook": self._row(self._hooks.add(fields))}, 201)

    async def _webhook(self, request: Request, _user: User) -> Response:
        found = self._find(request)
        if request.method == "GET":
            return JSONResponse({"webhook": self._row(found)})
        if request.method == "DELETE":
            if any(
                str(action["value"][0]) == found.id
                for trigger in self._hooks.triggers.values()
                for action in trigger["actions"]
            ):
                raise Refuse(400, {"errors": [{"code": "InvalidValue", "title": "Webhook is used by a trigger"}]})
            del self._hooks.webhooks[found.id]
            return Response(status_code=204)
        fields = (await request.json())["webhook"]
        kinds = fields.get("subscriptions", found.fields.get("subscriptions"))
        if kinds != found.fields.get("subscriptions"):
            raise Refuse(400, {"errors": [{"code": "InvalidValue", "title": "Subscriptions cannot be changed"}]})
        found.fields |= fields
        return Response(status_code=204)

    async def _secret(self, request: Request, _user: User) -> Response:
        found = self._find(request)
        if request.method == "POST":
            found.secret = f"{uuid4().hex}=="
        return JSONResponse({"signing_secret": {"secret": found.secret, "algorithm": "SHA256"}})

    async def _log(self, request: Request, _user: User) -> Response:
        self._find(request)
        rows = [
            {"id": str(place), "status": "success" if status < 300 else "failed", "status_code": status}
            for place, status in enumerate(self._hooks.invocations)
        ]
        return JSONResponse({"invocations": rows, "meta": {"has_more": False}})

    async def _test(self, request: Request, _user: User) -> Response:
        return JSONResponse({"response": {"status_code": 200, "headers": [], "payload": ""}})

    async def _triggers(self, request: Request, _user: User) -> Response:
        if request.method == "GET":
            rows = list(self._hooks.triggers.values())
            return JSONResponse(page_of(rows, "triggers", request.query_params, "triggers"))
        made = {
            "id": self._hooks.state.next_id(),
            "active": True,
            "category_id": "10026",
            **(await request.json())["trigger"],
        }
        self._expect_sound(made)
        self._hooks.triggers[made["id"]] = made
        return JSONResponse({"trigger": made}, 201, {"location": f"/api/v2/triggers/{made['id']}.json"})

    def _expect_sound(self, trigger: Row) -> None:
        for action in trigger.get("actions") or [{}]:
            value = action.get("value")
            if not isinstance(value, list) or str(value[0]) not in self._hooks.webhooks:
                raise invalid("base", "The webhook of an action does not exist")
        for side in ("all", "any"):
            for one in trigger.get("conditions", {}).get(side, []):
                if one.get("field") not in _CONDITIONS:
                    raise invalid("base", f"{one.get('field')} is no condition")

    async def _trigger(self, request: Request, _user: User) -> Response:
        found = self._hooks.triggers.get(request.path_params["id"])
        if found is None:
            raise not_found()
        if request.method == "DELETE":
            del self._hooks.triggers[found["id"]]
            return Response(status_code=204)
        if request.method == "PUT":
            changed = {**found, **(await request.json())["trigger"]}
            self._expect_sound(changed)
            found = self._hooks.triggers[found["id"]] = changed
        return JSONResponse({"trigger": found})

    async def _categories(self, _request: Request, _user: User) -> Response:
        return JSONResponse({"trigger_categories": self._hooks.categories, "meta": {"has_more": False}, "links": {}})

    async def _fields(self, request: Request, _user: User) -> Response:
        if request.method == "GET":
            rows = list(self._hooks.state.fields.values())
            return JSONResponse(page_of(rows, "ticket_fields", request.query_params, "ticket_fields"))
        made = {"id": self._hooks.state.next_id(), **(await request.json())["ticket_field"]}
        self._hooks.state.fields[made["id"]] = made
        return JSONResponse({"ticket_field": made}, 201)

    async def _field(self, request: Request, _user: User) -> Response:
        if self._hooks.state.fields.pop(request.path_params["id"], None) is None:
            raise not_found()
        return Response(status_code=204)
