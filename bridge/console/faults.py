"""Faults of a configuration in the reader's language. They are lines in English, as `bridge check` prints them; those
that a draft of rules can have are known by their form. What has none of these forms is shown as it stands.
"""

import re
from collections.abc import Iterable

from bridge.contract import Words

_MEANT = r"(?:; did you mean (?P<meant>'[^']*')\?)?"
_KINDS = {
    "account": "账号",
    "bot": "机器人",
    "desk": "客服账号",
    "calendar": "工作时间",
    "target": "时限规则",
    "topic": "话题",
}
_SIDES = {"channel": "客户渠道", "desk": "客服系统"}
_FORMS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(form, re.DOTALL), zh)
    for form, zh in (
        (r"not valid TOML: (?P<said>.*)", "不是有效的 TOML：{said}"),
        (r"a draft has \[\[routes\]\] only", "草稿中只能有 [[routes]]"),
        (r"is missing; set it there or as (?P<variable>\w+)", "缺少此项，请填写，或设置环境变量 {variable}"),
        (rf"is not a known key{_MEANT}", "不是已知的配置项{meant}"),
        (
            rf"there is no (?P<kind>{'|'.join(_KINDS)}) (?P<name>'[^']*'); \w+: (?P<known>.*?){_MEANT}",
            "不存在名为 {name} 的{kind}，可选：{known}{meant}",
        ),
        (r"account (?P<name>'[^']*') cannot be a (?P<side>channel|desk)", "账号 {name} 不能用作{side}"),
        (r"account (?P<name>'[^']*') is no bot", "账号 {name} 不是机器人"),
        (
            r"account (?P<name>'[^']*') is a desk in these routes; give the bot an account of its own",
            "账号 {name} 在这些路由中用作客服系统，请为机器人使用单独的账号",
        ),
        (
            r"reserve = (?P<n>\d+) leaves nothing: the channel allows (?P<most>\d+) replies in all",
            "reserve = {n} 使机器人无法回复：该渠道总共允许 {most} 条",
        ),
        (
            r"mode = 'suggest' is of no use at (?P<name>'[^']*'): notes go with the customer's next words there",
            "{name} 不适合 mode = 'suggest'：那里的备注只随客户的下一条消息送达",
        ),
        (r"hours = (?P<name>'[^']*') needs the route's `calendar`", "hours = {name} 需要路由设置 `calendar`"),
        (r"(?P<name>'[^']*') needs the route's `calendar`", "{name} 需要路由设置 `calendar`"),
        (
            rf"(?P<name>'[^']*') is not open, closed or a calendar; calendars: (?P<known>.*?){_MEANT}",
            "{name} 不是 open、closed 或工作时间的名称，可选：{known}{meant}",
        ),
        (r"the last route of (?P<name>'[^']*') must match everything", "{name} 的最后一条路由必须匹配所有会话"),
        (
            r"no route names this account; add one under \[\[routes\]\]",
            "没有路由使用该账号，请在 [[routes]] 中添加",
        ),
        (
            r"(?P<name>'[^']*') is never reached: (?P<first>'[^']*') before it takes every.* or take it out",
            "{name} 永远不会生效：前面的 {first} 已匹配其全部会话；请调整顺序或删除",
        ),
        (
            r"(?P<name>'[^']*') \((?P<kind>[\w-]+)\) cannot take it; [\w-]+ takes: (?P<known>.*); take it out.*",
            "{name}（{kind}）不支持该项，可用：{known}；请删除，否则工单不会带上它",
        ),
        (
            r"has (?P<n>\d+) bytes, and a message of (?P<name>'[^']*') holds (?P<most>\d+); shorten it",
            "共 {n} 字节，而 {name} 的一条消息最多 {most} 字节，请缩短",
        ),
        (r"two routes are called (?P<name>'[^']*'); give each a name of its own", "有两条路由都叫 {name}，请分别命名"),
        (r"is longer than (?P<n>\d+) characters: it must fit into one message", "超过 {n} 个字符，必须能放入一条消息"),
        (
            r"anybody can type this; use (?P<name>`.*`), which only a signed context or the API sets",
            "此项任何人都可伪造，请改用只能由签名上下文或 API 设置的 {name}",
        ),
        (r"must be one or several of (?P<known>.*)", "应为以下之一或多个：{known}"),
        (rf"is not a known condition(?:; known: (?P<known>.*))?{_MEANT}", "不是已知的条件{meant} {known}"),
        (r"must be true or false", "应为 true 或 false"),
        (r"must be a number from 0 to 1", "应为 0 到 1 之间的数字"),
        (r"must be a text, or a list of texts", "应为文本或文本列表"),
        (
            r'must be a number of replies, or one with a sign: 0, "<3", ">=4", or several of them',
            '应为回复条数，可带符号：0、"<3"、">=4"，或多个值',
        ),
    )
)
_NONE = re.compile(r"\bnone\b")


def fault_in(fault: str, language: str) -> str:
    """One line, where it stands and what is wrong."""
    if language != "zh":
        return fault
    parts = fault.split(": ")
    for place in range(len(parts)):
        where, text = parts[:place], ": ".join(parts[place:])
        for form, zh in _FORMS:
            if found := form.fullmatch(text):
                return "：".join(["草稿" if one == "draft" else one for one in where] + [_said(zh, found)])
    return fault


def faults_in(faults: Iterable[str]) -> Words:
    """All of them as one sentence."""
    lines = list(faults)
    return Words("; ".join(lines), "；".join(fault_in(one, "zh") for one in lines))


def _said(zh: str, found: re.Match[str]) -> str:
    values = {name: value or "" for name, value in found.groupdict().items()}
    meant = values.get("meant")
    return zh.format(
        **{
            **values,
            "kind": _KINDS.get(values.get("kind", ""), values.get("kind", "")),
            "side": _SIDES.get(values.get("side", ""), ""),
            "known": _NONE.sub("无", values.get("known", "")),
            "meant": f"；是否想写 {meant}？" if meant else "",
        }
    )
