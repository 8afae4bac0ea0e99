"""What a bot was asked and has said is taken back, as far as nobody has heard it: its term is over."""

from bridge.contract import AuthorKind, Message, answer_key
from bridge.engine.context import Work
from bridge.engine.conversation.queueing import carried_by
from mappings import links, outbox, waiting
from mappings.links import LinkRow


def withdraw_bot(work: Work, link: LinkRow) -> list[Message]:
    """Drops a bot's unsent answers, and the questions that nobody has begun to ask; returns what those carry."""
    _drop_answers(work, link)
    lane = links.lane_to_bot(link.id)
    steps = outbox.unfinished_in(work.tx, lane)
    free = [step for step in steps if step.begun_at is None and not step.unknown]
    outbox.drop_steps(work.tx, [step.id for step in free], work.now, "handed over")
    asked = {message.id: message for step in free for message in carried_by(step)}
    rows = waiting.waiting_in(work.tx, lane)
    waiting.drop_waiting(work.tx, [row.id for row in rows])
    drafts = links.lane_of_drafts(link.id)
    suggested = [row.id for row in waiting.waiting_in(work.tx, drafts) if row.message_id.startswith(answer_key(""))]
    waiting.drop_waiting(work.tx, suggested)  # what agents wrote waits on
    return list((asked | {row.message_id: Message.model_validate_json(row.message) for row in rows}).values())


def _drop_answers(work: Work, link: LinkRow) -> None:
    lane = links.lane_to_channel(link.id)
    rows = waiting.waiting_in(work.tx, lane)
    spoken = [row.id for row in rows if Message.model_validate_json(row.message).author.kind is AuthorKind.BOT]
    waiting.drop_waiting(work.tx, spoken)
    steps = [step for step in outbox.unfinished_in(work.tx, lane) if step.term is not None and not step.unknown]
    if steps:
        outbox.drop_steps(work.tx, [step.id for step in steps], work.now, "handed over")
        work.effects.accounts.add(link.channel)
