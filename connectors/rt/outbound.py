"""From messages to steps. Pure."""

from collections.abc import Sequence
from itertools import groupby

from bridge.contract import Audience, Labels, Media, Message, Phrases, RenderContext, Status, Step, files_in

_MOST = 40_000  # characters of one correspondence
LABELS = "labels"


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """A burst is one correspondence; private notes stay apart. The first one makes the ticket."""
    steps: list[Step] = []
    missing = context.conversation is None
    phrases = Phrases(context.language)
    for audience, group in groupby(messages, key=lambda message: message.audience):
        for part in _portions(list(group), phrases):
            verb = "comment" if audience is Audience.AGENTS else "correspond"
            if missing and audience is Audience.CUSTOMER:
                verb, missing = "create", False
            steps.append(_step(verb, part, context, audience))
    return steps


def show(labels: Labels) -> Step | None:
    """RT itself has no tags: what has a custom field is shown, and nothing else."""
    if not labels.fields:
        return None
    return Step(verb=LABELS, body={"fields": dict(labels.fields)}, audience=Audience.AGENTS)


def _portions(messages: list[Message], phrases: Phrases) -> list[list[Message]]:
    portions: list[list[Message]] = [[]]
    size = 0
    for message in messages:
        length = len(phrases.message(message))
        if portions[-1] and size + length > _MOST:
            portions.append([])
            size = 0
        portions[-1].append(message)
        size += length
    return portions


def _step(verb: str, messages: list[Message], context: RenderContext, audience: Audience) -> Step:
    phrases = Phrases(context.language)
    said = [phrases.message(message) for message in messages]
    body = {}
    if verb == "create":
        body["subject"] = phrases.subject(messages, context, channel=True)
        said.append(phrases.way_in(context, messages))
    body["text"] = "\n\n".join(filter(None, said))
    if verb == "correspond" and context.status is Status.SOLVED:
        body["status"] = "open"
    files = [media for message in messages for part in message.parts for media, _ in files_in(part) if media.sha256]
    if files and phrases.language != "en":
        body["language"] = phrases.language
    return Step(
        verb=verb,
        body=body,
        media=tuple(files),
        covers=tuple(message.id for message in messages),
        audience=audience,
    )


def without_files(step: Step, missing: Sequence[Media]) -> Step:
    """A step with a line for each file that cannot be read now: the words do not wait for it."""
    if not missing:
        return step
    phrases = Phrases(step.body.get("language", "en"))
    lines = "\n".join(phrases.file(media, "file", "missing") for media in missing)
    body = {**step.body, "text": f"{step.body['text']}\n\n{lines}"}
    return step.model_copy(update={"media": tuple(media for media in step.media if media not in missing), "body": body})
