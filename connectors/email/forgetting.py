"""What the records hold about the mails of a conversation, and taking it away. The mails are in the mailbox."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import Account, Put, Said, Subject, Words
from connectors.email.token import digest

_MOST = 10_000  # rows of one kind that name a conversation
_NAMING = ("link", "id", "tag")  # records that lead to a conversation


async def records_of(account: Account, subject: Subject) -> dict[str, Any]:
    """Threads, and mails that were composed and may have to be sent again."""
    threads = [await account.records.get("thread", name) for name in _conversations(subject)]
    mails = [await account.records.get("mail", digest(key)) for key in subject.keys]
    return {
        "threads": [row[0] for row in threads if row is not None],
        "mails": [row[0] for row in mails if row is not None],
    }


async def forget(account: Account, subject: Subject, mailbox: str) -> Sequence[Said]:
    """Removes it; the mails themselves are for the admin to delete."""
    records, gone = account.records, [Put("mail", digest(key), None) for key in subject.keys]
    for name in _conversations(subject):
        thread = await records.get("thread", name)
        if thread is not None and thread[0].get("last"):
            gone.append(Put("mail", str(thread[0]["last"]), None))
        for kind in _NAMING:
            rows = await records.search(kind, name, limit=_MOST)
            gone += [Put(kind, key, None) for key, row in rows if row.get("conversation") == name]
        gone.append(Put("thread", name, None))
    for place in range(0, len(gone), 500):
        await records.commit(*gone[place : place + 500])
    addresses = sorted({where for one in subject.contacts if "@" in (where := one.email or one.id)})
    tags = sorted({*subject.conversations, *subject.tickets})
    if not tags and not addresses:
        return ()
    what = ", ".join([*addresses, *tags])
    return (Words(*(_LEFT[language].format(mailbox=mailbox, what=what) for language in ("en", "zh"))),)


_LEFT = {
    "en": "Delete the mails of this customer in {mailbox} and in the mailboxes of everybody who got a copy, in the "
    "folders for sent and deleted mails as well. Search for: {what}",
    "zh": "请在邮箱 {mailbox} 以及所有收到副本的邮箱中删除该客户的邮件，包括“已发送”和“已删除”文件夹。可搜索：{what}",
}


def _conversations(subject: Subject) -> list[str]:
    return sorted({*subject.conversations, *subject.tickets})
