"""What is kept of a conversation whose facts are kept no longer: its spans as they were, as JSON. No text is in it."""

import json
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from bridge.figures.spans import EpisodeSpan, Folded, TurnSpan


def dump(folded: Folded) -> str:
    """As it is stored."""
    return json.dumps(asdict(folded), default=datetime.isoformat, ensure_ascii=False, separators=(",", ":"))


def load(text: str) -> Folded | None:
    """As it was stored; None where all facts are there."""
    if not text:
        return None
    found = json.loads(text)
    episode = found["episode"]
    if episode is not None:
        episode = _moments(EpisodeSpan, episode)
        episode["shifts"] = [(datetime.fromisoformat(at), by) for at, by in episode["shifts"]]
        episode = EpisodeSpan(**episode)
    turns = [TurnSpan(**_moments(TurnSpan, one)) for one in found["turns"]]
    return Folded(datetime.fromisoformat(found["until"]), found["holder"], episode, turns)


def _moments(of: Any, found: dict[str, Any]) -> dict[str, Any]:
    times = {one.name for one in fields(of) if one.name.endswith("_at")}
    return {key: datetime.fromisoformat(value) if key in times and value else value for key, value in found.items()}
