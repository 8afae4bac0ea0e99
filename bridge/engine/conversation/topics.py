"""What a conversation is about: counted once for each, in the transaction of the message that says so."""

from bridge.contract import Message, words_of
from bridge.engine.context import Work
from bridge.routing.topics import topics
from mappings import facts, figure_spans
from mappings.links import LinkRow


def note_topics(work: Work, link: LinkRow, message: Message) -> None:
    """Keeps the topics of a customer's message. What is about none of them costs no statement."""
    names = topics(words_of(message), work.runtime.topics)
    if names:
        root = (
            link.id if link.term == 1 else figure_spans.root_of(work.tx, link.id)
        )  # in its first hands it has no past
        common = {"kind": "topic", "link_id": link.id, "at": work.now}
        facts.add_facts(work.tx, [{**common, "ref": f"{root}.{name}", "code": name} for name in names])
