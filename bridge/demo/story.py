"""How far the visitor is, and the way of the messages, in the words of the console."""

from typing import Any

from bridge.demo.texts import say
from mappings.states import StepState

_MARKS = {StepState.DONE: "done", StepState.READY: "ready", StepState.PARKED: "ready", "unknown": "ready"}
_SHOWN = 14
_FEWEST = 4  # answers of an agent that the platform takes at once, after one of the bot's
_MACHINES = ("answer:", "handoff:", "greeting:")


class Story:
    """The three steps. What was done once stays done."""

    def __init__(self) -> None:
        self._done = [False, False, False]
        self._waited = False

    def steps(self, found: dict[str, Any]) -> dict[str, Any]:
        """Which are done, and whether the answer of the third waits just now."""
        links = found["links"]
        said = [step for link in links for step in link["steps"] if step["to"] == link["channel"]]
        answers = [step for step in said if _is_agents(step)]
        asked = any(turn["state"] == "answered" for link in links for turn in link["turns"])
        waits = held_in(found) > 0
        self._waited = self._waited or waits
        delivered = sum(step["state"] == StepState.DONE for step in answers)
        ticket = any(link["ticket"] for link in links)
        self._done[0] = self._done[0] or (ticket and (asked or any(link["handovers"] for link in links)))
        self._done[1] = self._done[1] or delivered > 0
        self._done[2] = self._done[2] or (self._waited and not waits and delivered > _FEWEST)
        return {"done": list(self._done), "waits": waits}


def _is_agents(step: dict[str, Any]) -> bool:
    """Whether a person says it."""
    return bool(step["messages"]) and not step["messages"][0].startswith(_MACHINES)


def held_in(found: dict[str, Any]) -> int:
    """Answers that wait for the customer."""
    return sum(
        sum(bool(row["held"]) for row in link["waiting"] if row["to"] == link["channel"])
        + sum(step["state"] == StepState.PARKED for step in link["steps"] if step["to"] == link["channel"])
        for link in found["links"]
    )


def waiting_for(found: dict[str, Any], account: str) -> int:
    """Messages that an account has not taken yet."""
    return sum(
        sum(row["to"] == account and not _silent(row["message"]) for row in link["waiting"])
        + sum(
            len(step["messages"])
            for step in link["steps"]
            if step["to"] == account and step["state"] == StepState.READY and not _silent((step["messages"] or [""])[0])
        )
        for link in found["links"]
    )


def _silent(message: str) -> bool:
    """Marks and numbers on the ticket: nothing that anybody said."""
    return message.startswith(("labels:", "progress:"))


def trace_of(found: dict[str, Any], language: str) -> list[dict[str, str]]:
    """The latest steps, newest first: what happened to each, and when."""
    entries = [
        _waits(row, language) if kind == "waiting" else _step(row, language)
        for link in found["links"]
        for kind in ("waiting", "steps")
        for row in link[kind]
        if not _silent(row["message"] if kind == "waiting" else (row["messages"] or ["labels:"])[0])
    ]
    return [entry for _, entry in sorted(entries, key=lambda pair: pair[0], reverse=True)[:_SHOWN]]


def _where(language: str, account: str, state: str) -> str:
    colon = "：" if language == "zh" else ": "
    return say(language, f"to_{account}") + colon + say(language, f"state_{state}")


def _waits(row: dict[str, Any], language: str) -> tuple[str, dict[str, str]]:
    state = "held" if row["held"] else "waiting"
    return row["since"], {
        "what": _where(language, row["to"], state),
        "mark": "ready",
        "when": row["since"],
        "times": "",
    }


def _step(step: dict[str, Any], language: str) -> tuple[str, dict[str, str]]:
    """A step's way: received, stored, delivered, accepted."""
    when = step["done"] or step["rendered"]
    words = [_where(language, step["to"], step["state"])]
    if (step["messages"] or [""])[0].startswith("note:"):
        words.append(f"({say(language, 'note')})")
    if len(step["messages"]) > 1:
        words.append(f"({say(language, 'many').format(n=len(step['messages']))})")
    if len(step["attempts"]) > 1:
        words.append(f"({say(language, 'tries').format(n=len(step['attempts']))})")
    sent = step["attempts"][-1]["begun"] if step["attempts"] else None
    stations = {
        "received": step["received"],
        "stored": step["stored"] or step["rendered"],
        "delivered": sent,
        "accepted" if step["state"] == StepState.DONE else "": step["done"],
    }
    times = "\n".join(
        f"{say(language, name)}\u00a0{moment[11:23]}" for name, moment in stations.items() if name and moment
    )
    return when, {"what": " ".join(words), "mark": _MARKS.get(step["state"], "bad"), "when": when, "times": times}
