"""Alerts in words, in both languages: what is wrong, and that it is over."""

from datetime import datetime

from bridge.contract import Alert
from bridge.contract.storable import clean_name

_WORDS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        "paused": ("{account} is paused: {why}. `bridge doctor --account {account}`", "{account} sends again"),
        "waits": (
            "messages for {account} wait since {since} UTC ({why}). `bridge doctor --account {account}`",
            "{account} takes messages again",
        ),
        "dead": (
            "{count} messages for {account} were given up. `bridge dead list`",
            "nothing is given up for {account}",
        ),
        "quarantined": (
            "{count} messages of {account} could not be read. `bridge dead list`",
            "nothing of {account} is put aside any more",
        ),
        "refused": (
            "callbacks of {account} are refused ({why}, {count} times). `bridge doctor --account {account}`",
            "callbacks of {account} are taken again",
        ),
        "silent": (
            "no callback of {account} since {since} UTC, which is unusual. Look at the vendor's push settings",
            "callbacks of {account} come again",
        ),
        "certificate": ("the certificate of the public address ends on {until}", "the certificate was renewed"),
        "secret": ("the credentials of {account} end on {until}", "the credentials of {account} were renewed"),
        "events": (
            "{receiver} does not take events ({why}): {waiting} wait, {dead} were given up. `bridge events list`",
            "{receiver} takes events again",
        ),
        "disk": (
            "the disk of {place} runs full: {free} are left, {least} should be. Files are refused first, then messages",
            "the disk has room again",
        ),
        "unwritable": (
            "files cannot be stored: {place} cannot be written. `bridge doctor`",
            "files can be stored again",
        ),
        "late": (
            "{count} customers wait for an answer at {account} beyond the target, the first since {since} UTC: {url}",
            "nobody waits at {account} beyond the target",
        ),
    },
    "zh": {
        "paused": (
            "账号 {account} 已暂停：{why}。请运行 bridge doctor --account {account}",
            "账号 {account} 已恢复发送",
        ),
        "waits": (
            "发往 {account} 的消息自 {since}（UTC）起未能送出（{why}）。请运行 bridge doctor --account {account}",
            "{account} 已恢复接收消息",
        ),
        "dead": (
            "发往 {account} 的 {count} 条消息已放弃。请运行 bridge dead list",
            "{account} 已没有放弃的消息",
        ),
        "quarantined": ("{account} 有 {count} 条消息无法读取。请运行 bridge dead list", "{account} 已没有被搁置的消息"),
        "refused": (
            "{account} 的回调被拒绝（{why}，{count} 次）。请运行 bridge doctor --account {account}",
            "{account} 的回调已恢复正常",
        ),
        "silent": (
            "自 {since}（UTC）起未收到 {account} 的回调，这不常见。请检查对方平台的推送设置",
            "{account} 的回调已恢复",
        ),
        "certificate": ("公网地址的证书将于 {until} 到期", "证书已更新"),
        "secret": ("账号 {account} 的凭证将于 {until} 到期", "账号 {account} 的凭证已更新"),
        "events": (
            "{receiver} 未接收事件（{why}）：{waiting} 条等待中，{dead} 条已放弃。请运行 bridge events list",
            "{receiver} 已恢复接收事件",
        ),
        "disk": (
            "{place} 所在磁盘即将写满：剩余 {free}，应至少保留 {least}。请尽快清理，否则将先后停收文件和消息",
            "磁盘空间已恢复",
        ),
        "unwritable": ("无法保存文件：{place} 不可写。请运行 bridge doctor", "文件已可正常保存"),
        "late": (
            "{account} 有 {count} 位客户等待答复已超时，最早的期限为 {since}（UTC）：{url}",
            "{account} 已没有超时等待的客户",
        ),
    },
}
_TITLES = {
    "en": ("Bridge: somebody has to look", "Bridge: well again"),
    "zh": ("客服桥：需要处理", "客服桥：已恢复"),
}


def alert_of(identifier: str, causes: dict[str, dict[str, str]], *, well: bool, language: str, at: datetime) -> Alert:
    """One message about several causes."""
    words = _WORDS[language]
    causes = {cause: {name: clean_name(text) for name, text in facts.items()} for cause, facts in causes.items()}
    lines = [f"· {words[cause.partition('.')[0]][well].format(**facts)}" for cause, facts in sorted(causes.items())]
    named = [{"cause": cause, **facts} for cause, facts in sorted(causes.items())]
    return Alert(
        id=identifier, title=_TITLES[language][well], lines=tuple(lines), well=well, causes=tuple(named), at=at
    )
