"""Fetching what happened: one cursor for each customer service account, all of them in the account's position.

Source: https://developer.work.weixin.qq.com/document/path/94670. The platform keeps three days. An empty page with
`has_more` is legal, and so is a page shorter than asked for.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.contract import Account, ConnectorError, Page, Raw, Rejected
from bridge.contract.messages import Value
from connectors.tencent.answers import Result, number
from connectors.wecom.api import Api
from connectors.wecom.errors import BELL
from connectors.wecom.settings import Settings

_LIMIT = 500
_BATCH = 100  # customers in one question
_BELL_LASTS = timedelta(minutes=9)  # the platform says ten
_KNOWN_FOR = timedelta(hours=24)
_MARGIN = 60.0  # seconds: what was said while the bridge started
_KNOWN_MAX = 10_000
_BELLS_MAX = 1_000  # more accounts than an app may serve


class Position(Value):
    """How far each account was read. `left` are those still to be read in this round; older than `since` (epoch
    seconds) is history from before the first start.
    """

    since: float = 0.0
    cursors: dict[str, str] = {}
    left: tuple[str, ...] = ()


class Mailboxes:
    """Reads what the bells announce. Bells live in memory: without one the vendor only answers more slowly."""

    def __init__(self, settings: Settings, account: Account, api: Api) -> None:
        self._settings = settings
        self._account = account
        self._api = api
        self._bells: dict[str, tuple[str, datetime]] = {}
        self._known: dict[str, tuple[Result, datetime]] = {}

    def ring(self, account: str, token: str, at: datetime) -> None:
        """A callback said that an account ("" for any) has something new."""
        account = account or self._settings.open_kfid
        self._bells.pop(account, None)
        self._bells[account] = (token, at)
        if len(self._bells) > _BELLS_MAX:  # of accounts that are not read: whoever signs may name any
            del self._bells[next(iter(self._bells))]

    async def read(self, cursor: str | None) -> Page:
        """One page of one account; `more` until all accounts are read."""
        position = self._position(cursor)
        left = position.left or await self._accounts()
        if not left:
            return Page(cursor=position.model_dump_json())
        current, *rest = left
        result = await self._sync(current, position.cursors.get(current, ""))
        items = [item for item in _items(result) if _sent(item) >= position.since]
        has_more = number(result.get("has_more"), 0) == 1
        following = str(result.get("next_cursor") or position.cursors.get(current, ""))
        if has_more and following == position.cursors.get(current, ""):
            has_more = False  # a cursor that stands still would be asked for ever
        if not has_more:
            self._bells.pop(current, None)
        then = position.model_copy(
            update={
                "cursors": {**position.cursors, current: following},
                "left": tuple([current, *rest] if has_more else rest),
            }
        )
        raws = await self._raws(current, items)
        return Page(raws, then.model_dump_json(), more=bool(then.left))

    def _position(self, cursor: str | None) -> Position:
        if cursor is not None:
            return Position.model_validate_json(cursor)
        since = 0.0 if self._settings.history else self._account.now().timestamp() - _MARGIN
        return Position(since=since)

    async def _accounts(self) -> Sequence[str]:
        """Those with a bell first."""
        wanted = self._settings.open_kfid
        if wanted != "*":
            return (wanted,)
        found = await accounts_of(self._api)
        rung = [one for one in self._bells if one in found]
        return [*rung, *(one for one in found if one not in rung)]

    async def _sync(self, account: str, cursor: str) -> Result:
        token = self._token(account)
        try:
            return await self._ask(account, cursor, token)
        except Rejected as error:
            if token and error.code == str(BELL):
                return await self._ask(account, cursor, "")
            if cursor and "cursor" in error.message.lower():  # lost: the three days come again, known by their ids
                return await self._ask(account, "", token)
            raise

    async def _ask(self, account: str, cursor: str, token: str) -> Result:
        body: dict[str, Any] = {"open_kfid": account, "limit": _LIMIT, "voice_format": 0}
        body |= {name: value for name, value in (("cursor", cursor), ("token", token)) if value}
        return await self._api.call("/cgi-bin/kf/sync_msg", body, repeatable=True)

    def _token(self, account: str) -> str:
        token, at = self._bells.get(account) or self._bells.get("*") or ("", self._account.now())
        return token if self._account.now() - at < _BELL_LASTS else ""

    async def _raws(self, account: str, items: Sequence[Result]) -> Sequence[Raw]:
        customers = await self._customers({user for item in items if (user := customer_of(item))})
        raws = []
        for item in items:
            known = customers.get(customer_of(item))
            payload = {"account": account, "item": item} | ({"customer": known} if known else {})
            kept = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
            raws.append(Raw(_key(item), kept, _at(item)))
        return raws

    async def _customers(self, wanted: set[str]) -> dict[str, Result]:
        """Name, picture and unionid. They are worth having, and nothing waits for them."""
        now = self._account.now()
        fresh = {user: found for user, (found, at) in self._known.items() if now - at < _KNOWN_FOR}
        missing = sorted(wanted - fresh.keys())
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            try:
                result = await self._api.call(
                    "/cgi-bin/kf/customer/batchget", {"external_userid_list": batch}, repeatable=True
                )
            except ConnectorError:
                break
            found = result.get("customer_list")
            for one in found if isinstance(found, list) else []:
                if isinstance(one, dict) and isinstance(one.get("external_userid"), str):
                    fresh[one["external_userid"]] = one
                    self._known[one["external_userid"]] = (one, now)
        if len(self._known) > _KNOWN_MAX:
            self._known = {user: found for user, found in self._known.items() if now - found[1] < _KNOWN_FOR}
            self._known = dict(list(self._known.items())[-_KNOWN_MAX:])
        return {user: fresh[user] for user in wanted if user in fresh}


async def accounts_of(api: Api) -> Sequence[str]:
    """The customer service accounts that the app may serve."""
    result = await api.call("/cgi-bin/kf/account/list", {"offset": 0, "limit": 100}, repeatable=True)
    listed = result.get("account_list")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        str(one["open_kfid"]) for one in entries if one.get("open_kfid") and one.get("manage_privilege") is not False
    ]


def customer_of(item: Result) -> str:
    """Events name the customer inside."""
    event = item.get("event")
    inside = event.get("external_userid") if isinstance(event, dict) else None
    found = item.get("external_userid") or inside
    return found if isinstance(found, str) else ""


def _items(result: Result) -> list[Result]:
    found = result.get("msg_list")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _sent(item: Result) -> float:
    return float(number(item.get("send_time"), 0)) or float("inf")


def _at(item: Result) -> datetime | None:
    try:
        return datetime.fromtimestamp(number(item.get("send_time"), 0), UTC) if item.get("send_time") else None
    except (ValueError, OverflowError, OSError):
        return None


def _key(item: Result) -> str:
    found = item.get("msgid")
    if isinstance(found, str) and found:
        return found[:128]
    return "#" + hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
