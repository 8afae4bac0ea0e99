"""What the account needs at Zendesk: a webhook, its signing secret, triggers that call it, and ticket fields.

The webhook is of the kind that triggers call, which every plan has. The triggers send ids only, because texts inside a
template break its JSON, and have no condition on the channel: it would drop what agents write with other tools.
Sources: https://developer.zendesk.com/documentation/webhooks/creating-and-monitoring-webhooks/ and
https://developer.zendesk.com/documentation/ticketing/reference-guides/conditions-reference/
"""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bridge.contract import Account, AuthFailed, Gone, Rejected, Said, SetUpChange, Words
from connectors.zendesk.api import Api, Row, id_of, path_id, rows_of
from connectors.zendesk.callback import Hook
from connectors.zendesk.errors import Forbidden
from connectors.zendesk.health import webhook_of
from connectors.zendesk.settings import Settings
from connectors.zendesk.triggers import TEMPLATE, Condition, is_same, spoken

_SUBSCRIPTIONS = ["conditional_ticket_events"]
FIELDS = (
    ("Replies left", "integer", "How many replies the customer's channel still allows; kept by the bridge."),
    ("Window closes at", "text", "Until when the customer's channel allows replies; kept by the bridge."),
)
START_FIELD = (
    "Write to the customer",
    "checkbox",
    "The customer reads the public comments of this ticket in their chat.",
)

Apply = Callable[[], Awaitable[Said]]


class SetUp:
    """Plans for one account. Names hold the account's, so that two bridges or accounts do not meet."""

    def __init__(self, config: Settings, account: Account, api: Api, hook: Hook) -> None:
        self._config = config
        self._account = account
        self._api = api
        self._hook = hook
        self.name = f"Bridge ({account.name})"

    async def plan(self, *, remove: bool) -> Sequence[SetUpChange]:
        """The changes, in the order in which they have to be made."""
        try:
            webhook = await webhook_of(self._api, self.name)
            triggers = await self._triggers()
        except (Forbidden, Gone, Rejected) as error:
            await self._api.get("/users/me")  # credentials that are refused altogether are no matter of rights
            return [
                SetUpChange(
                    f"{error.message}. Set-up needs the credentials of an admin; or make by hand: {self._manual}",
                    zh=f"{error.message}。接入设置需要管理员凭据；或手动创建：{self._manual}",
                )
            ]
        if remove:
            return await self._removal(webhook, triggers)
        changes = await self._webhook_changes(webhook)
        for title, conditions in self._wanted().items():
            found = triggers.get(title)
            if found is None:
                changes.append(
                    SetUpChange(
                        f"Create the trigger {title!r}: {spoken(conditions)}",
                        self._creating(title, conditions),
                        f"创建触发器“{title}”：{spoken(conditions)}",
                    )
                )
            elif webhook is None or not is_same(found, conditions, id_of(webhook.get("id"))):
                changes.append(
                    SetUpChange(
                        f"Repair the trigger {title!r}: {spoken(conditions)}",
                        self._repairing(found, title, conditions),
                        f"修复触发器“{title}”：{spoken(conditions)}",
                    )
                )
        if self._config.allowance_fields or self._config.start_tag:
            changes += await self._field_changes()
        return changes

    # The webhook

    async def _webhook_changes(self, webhook: Row | None) -> list[SetUpChange]:
        endpoint = self._account.hook_url
        if webhook is None:
            text = f"Create the webhook {self.name!r}, which calls {endpoint}, and keep its signing secret"
            zh = f"创建 Webhook“{self.name}”，调用 {endpoint}，并保存其签名密钥"
            return [SetUpChange(text, self._create_webhook, zh)]
        changes = []
        identifier = id_of(webhook.get("id"))
        if list(webhook.get("subscriptions") or []) not in ([], _SUBSCRIPTIONS):
            # kinds are fixed at creation
            return [
                SetUpChange(
                    f"Delete the webhook {self.name!r}, which is not for triggers, and run set-up again",
                    zh=f"请删除并非用于触发器的 Webhook“{self.name}”，然后重新检查",
                )
            ]
        if webhook.get("endpoint") != endpoint or webhook.get("status") != "active":
            now = f"{webhook.get('endpoint')}, {webhook.get('status')}"
            text = f"Point the webhook {self.name!r} at {endpoint} and switch it on (now: {now})"
            zh = f"将 Webhook“{self.name}”指向 {endpoint} 并启用（当前：{now}）"
            changes.append(SetUpChange(text, self._repairing_webhook(identifier), zh))
        if await self._secret(identifier) != await self._hook.stored():
            changes.append(
                SetUpChange(
                    f"Keep the signing secret of the webhook {self.name!r}",
                    self._keeping(identifier),
                    f"保存 Webhook“{self.name}”的签名密钥",
                )
            )
        return changes

    def _webhook(self) -> Row:
        return {
            "name": self.name,
            "description": "Tells the bridge which ticket changed.",
            "endpoint": self._account.hook_url,
            "http_method": "POST",
            "request_format": "json",
            "status": "active",
            "subscriptions": _SUBSCRIPTIONS,
        }

    async def _create_webhook(self) -> Said:
        answer = await self._api.send("POST", "/webhooks", body={"webhook": self._webhook()})
        made = self._api.object(answer).get("webhook")
        identifier = id_of(made.get("id")) if isinstance(made, dict) else ""
        await self._hook.store(await self._secret(identifier))
        return Words(f"created webhook {identifier}", f"已创建 Webhook {identifier}")

    def _repairing_webhook(self, identifier: str) -> Apply:
        async def apply() -> Said:
            await self._api.send(
                "PUT", f"/webhooks/{path_id(identifier)}", body={"webhook": self._webhook()}, repeatable=True
            )
            return Words(f"repaired webhook {identifier}", f"已修复 Webhook {identifier}")

        return apply

    def _keeping(self, identifier: str) -> Apply:
        async def apply() -> Said:
            await self._hook.store(await self._secret(identifier))
            return Words("kept the signing secret", "已保存签名密钥")

        return apply

    async def _secret(self, identifier: str) -> str:
        found = (await self._api.get(f"/webhooks/{path_id(identifier)}/signing_secret")).get("signing_secret")
        return str(found.get("secret") or "").strip() if isinstance(found, dict) else ""

    # The triggers

    def _wanted(self) -> dict[str, dict[str, list[Condition]]]:
        tags = " ".join(filter(None, (self._config.tag, self._config.start_tag)))  # at least one of them
        tagged = {"field": "current_tags", "operator": "includes", "value": tags}
        changed = {"field": "update_type", "operator": "is", "value": "Change"}
        public, private = (
            {"field": "comment_is_public", "operator": "is", "value": value} for value in ("true", "false")
        )
        starts = self._config.start_tag
        begun = [
            {"field": "update_type", "operator": "is", "value": "Create"},
            public,
            {"field": "current_tags", "operator": "includes", "value": starts},
        ]
        statuses = [{"field": "status", "operator": "value", "value": value} for value in ("open", "solved", "closed")]
        return {
            f"{self.name}: an agent answered": {"all": [changed, public, tagged], "any": []},
            # agents command the bridge by notes
            f"{self.name}: a private note was written": {"all": [changed, private, tagged], "any": []},
            f"{self.name}: the status changed": {"all": [changed, tagged], "any": statuses},
            **({f"{self.name}: an agent began": {"all": begun, "any": []}} if starts else {}),
        }

    async def _triggers(self) -> dict[str, Row]:
        return {str(row.get("title")): row for row in await self._api.all("/triggers", "triggers")}

    def _creating(self, title: str, conditions: dict[str, list[Condition]]) -> Apply:
        async def apply() -> Said:
            body = {"trigger": {**await self._trigger(title, conditions), **await self._category()}}
            answer = await self._api.send("POST", "/triggers", body=body)
            made = self._api.object(answer).get("trigger")
            number = id_of(made.get("id")) if isinstance(made, dict) else ""
            return Words(f"created trigger {number}", f"已创建触发器 {number}")

        return apply

    def _repairing(self, found: Row, title: str, conditions: dict[str, list[Condition]]) -> Apply:
        async def apply() -> Said:
            body = {"trigger": await self._trigger(title, conditions)}
            await self._api.send("PUT", f"/triggers/{path_id(id_of(found.get('id')))}", body=body, repeatable=True)
            number = id_of(found.get("id"))
            return Words(f"repaired trigger {number}", f"已修复触发器 {number}")

        return apply

    async def _trigger(self, title: str, conditions: dict[str, list[Condition]]) -> Row:
        webhook = await webhook_of(self._api, self.name)
        if webhook is None:
            raise Rejected(f"there is no webhook {self.name!r} to call", code="no webhook")
        action = {"field": "notification_webhook", "value": [id_of(webhook.get("id")), TEMPLATE]}
        return {"title": title, "active": True, "conditions": conditions, "actions": [action]}

    async def _category(self) -> Row:
        """Accounts with trigger categories want one."""
        try:
            rows = rows_of(await self._api.get("/trigger_categories"), "trigger_categories")
        except (AuthFailed, Gone, Rejected):
            return {}
        return {"category_id": id_of(rows[0].get("id"))} if rows else {}

    # Ticket fields

    async def _fields(self) -> dict[str, Row]:
        return {str(row.get("title")): row for row in await self._api.all("/ticket_fields", "ticket_fields")}

    def _wanted_fields(self) -> list[tuple[str, str, str]]:
        return [*(FIELDS if self._config.allowance_fields else ()), *((START_FIELD,) if self._config.start_tag else ())]

    async def _field_changes(self) -> list[SetUpChange]:
        there = await self._fields()
        return [
            SetUpChange(
                f"Create the ticket field {title!r}",
                self._creating_field(title, kind, description),
                f"创建工单字段“{title}”",
            )
            for title, kind, description in self._wanted_fields()
            if title not in there
        ]

    def _creating_field(self, title: str, kind: str, description: str) -> Apply:
        async def apply() -> Said:
            field = {"type": kind, "title": title, "agent_description": description}
            if kind == "checkbox":
                field["tag"] = self._config.start_tag
            body = {"ticket_field": field}
            made = self._api.object(await self._api.send("POST", "/ticket_fields", body=body)).get("ticket_field")
            number = id_of(made.get("id")) if isinstance(made, dict) else ""
            return Words(f"created ticket field {number}", f"已创建工单字段 {number}")

        return apply

    # Taking it away

    async def _removal(self, webhook: Row | None, triggers: Mapping[str, Row]) -> list[SetUpChange]:
        """Triggers first: a webhook that a trigger names cannot be deleted."""
        changes = [
            SetUpChange(
                f"Delete the trigger {title!r}",
                self._deleting(f"/triggers/{path_id(id_of(triggers[title].get('id')))}"),
                f"删除触发器“{title}”",
            )
            for title in self._wanted()
            if title in triggers
        ]
        if webhook is not None:
            path = f"/webhooks/{path_id(id_of(webhook.get('id')))}"
            changes.append(
                SetUpChange(
                    f"Delete the webhook {self.name!r} and forget its signing secret",
                    self._deleting(path, forget=True),
                    f"删除 Webhook“{self.name}”，并清除其签名密钥",
                )
            )
        if wanted := self._wanted_fields():
            there = await self._fields()
            changes += [
                SetUpChange(
                    f"Delete the ticket field {title!r}",
                    self._deleting(f"/ticket_fields/{path_id(id_of(there[title].get('id')))}"),
                    f"删除工单字段“{title}”",
                )
                for title, _, _ in wanted
                if title in there
            ]
        return changes

    def _deleting(self, path: str, *, forget: bool = False) -> Apply:
        async def apply() -> Said:
            with contextlib.suppress(Gone):  # somebody else was faster
                await self._api.send("DELETE", path, repeatable=True)
            if forget:
                await self._hook.store("")
            return Words("deleted", "已删除")

        return apply

    @property
    def _manual(self) -> str:
        conditions = "; ".join(f"trigger {title!r}: {spoken(wanted)}" for title, wanted in self._wanted().items())
        webhook = f"a webhook {self.name!r} for triggers, POST, JSON, to {self._account.hook_url}"
        return f"{webhook}; {conditions}; body {TEMPLATE}"
