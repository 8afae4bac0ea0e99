"""Whether an agent is there: the unified status of omnichannel routing.

Source: https://developer.zendesk.com/api-reference/agent-availability/agent-availability-api/agent_availabilities/
"""

from typing import Any

from bridge.contract import ConnectorError
from connectors.zendesk.api import Api, number_of, path_id

_THERE = "online"  # further statuses of an account's own are no promise that somebody takes a ticket


async def present(api: Api, agent: str, group: int | None) -> int | None:
    """The agent's id if they are online and, where a group is named, in it; None for whoever is not, or where Zendesk
    does not say: a ticket must not wait for that, nor lie with somebody who is away.
    """
    number = number_of(agent)
    if not number:
        return None
    try:
        found = await api.get(f"/agent_availabilities/{path_id(agent)}")
    except ConnectorError:  # not part of the plan, no right to ask, or trouble
        return None
    facts = _object(_object(found.get("data")).get("attributes"))
    status = str(_object(facts.get("agent_status")).get("name") or "").strip().casefold()
    groups = facts.get("group_ids")
    in_group = group is None or not isinstance(groups, list) or group in groups
    return number if status == _THERE and in_group else None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
