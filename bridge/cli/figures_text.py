"""The figures for people, in a terminal."""

from typing import Any


def figures_text(found: dict[str, Any]) -> str:
    """One screen; a line for each row where some were asked for."""
    first, rating, volume = found["first_response"], found["satisfaction"], found["volume"]
    waiting = found["waiting"]
    oldest = f", the first since {waiting['oldest']}" if waiting["oldest"] else ""
    lines = [
        f"{found['since'][:16]} to {found['until'][:16]} ({found['timezone']})"
        + ("" if found["complete"] else ", not over yet"),
        f"  conversations      {volume['conversations']} (before: {found['before']['conversations']})",
        f"  waiting now        {waiting['n']}{oldest}",
        f"  first response     {_times(first)}",
        f"  every reply        {_times(found['reply_time'])}",
        f"  satisfied          {_share(rating['share'])} of {rating['n']} ratings, {rating['asked']} asked",
        f"  lost answers       {found['lost']['n']}{_causes(found['lost']['by_cause'])}",
        f"  topics             {_topics(found)}",
        f"  messages           {volume['customer_messages']} of customers, answers: {volume['people']} of people,",
        f"                     {volume['bot']} of bots, {volume['automatic']} automatic",
        f"  solved, reopened   {found['solved']}, {found['reopened']}",
        f"  open now           {found['backlog']['end']}",
        f"  in the bridge      {_times(found['bridge']['answer_in_bridge'])}",
    ]
    lines += [_row(found["by"], row) for row in found.get("rows", ())]
    return "\n".join(lines)


def span(seconds: float | None) -> str:
    """A duration in its two largest units."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _times(one: dict[str, Any]) -> str:
    if not one["n"]:
        return "– (n 0)"
    return f"median {span(one['median'])}, p90 {span(one['p90'])}, p99 {span(one['p99'])} (n {one['n']})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _causes(causes: dict[str, int]) -> str:
    return f" ({', '.join(f'{cause}: {n}' for cause, n in causes.items())})" if causes else ""


def _topics(found: dict[str, Any]) -> str:
    named = [f"{name}: {n}" for name, n in found["topics"].items()]
    return ", ".join(named) or "none"


def _row(by: str, row: dict[str, Any]) -> str:
    volume, first = row["volume"], row["first_response"]
    name = row[by] or "(none)"
    return (
        f"  {name:<24} {volume['conversations']:>6} conversations  {volume['customer_messages']:>6} messages  "
        f"first {_times(first)}  lost {row['lost']['n']}"
    )
