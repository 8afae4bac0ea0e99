"""What a measure finds: rounds, medians, ratios against targets."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass(slots=True)
class Figure:
    """One line of the table. `rounds` are the single values, the line shows their median."""

    measure: str
    what: str
    unit: str
    rounds: list[float]
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return median(self.rounds)


@dataclass(slots=True)
class Ratio:
    """Two subjects compared round by round."""

    measure: str
    what: str
    rounds: list[float]
    target: float
    at_least: bool = True
    unit: str = "×"

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool:
        return self.value >= self.target if self.at_least else self.value <= self.target


@dataclass(slots=True)
class Results:
    """All of a run."""

    figures: list[Figure] = field(default_factory=list)
    ratios: list[Ratio] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    machine: dict[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = print

    def figure(self, measure: str, what: str, unit: str, *rounds: float, **more: Any) -> Figure:
        found = Figure(measure, what, unit, list(rounds), more)
        self.figures.append(found)
        self.say(_figure_line(found))
        return found

    def ratio(self, measure: str, what: str, ours: Sequence[float], theirs: Sequence[float], target: float) -> None:
        self.ratios.append(Ratio(measure, what, [a / b for a, b in zip(ours, theirs, strict=True) if b], target))
        self.say(_ratio_line(self.ratios[-1]))

    def limit(self, measure: str, what: str, unit: str, target: float, *rounds: float) -> None:
        """A value that must not exceed its target."""
        self.ratios.append(Ratio(measure, what, list(rounds), target, at_least=False, unit=unit))
        self.say(_ratio_line(self.ratios[-1]))

    def skip(self, why: str) -> None:
        """Never silently."""
        self.left_out.append(why)
        self.say(f"left out: {why}")

    def fail(self, measure: str, why: str) -> None:
        """A measure that broke a promise or did not end: no figure, and the run has failed."""
        self.failed.append(f"{measure}: {why.partition(': {')[0][:300]}")
        self.say(f"FAILED: {measure}: {why}")

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "figures": [{**asdict(one), "median": one.value} for one in self.figures],
            "targets": [{**asdict(one), "median": one.value, "met": one.met} for one in self.ratios],
            "left_out": self.left_out,
            "failed": self.failed,
        }

    def table(self) -> str:
        lines = [f"{'measure':10} {'what':52} {'median':>10} {'min':>10} {'max':>10}  unit"]
        lines += [_figure_line(one) for one in self.figures]
        lines += ["", f"{'measure':10} {'against its target':52} {'median':>10} {'min':>10} {'max':>10}  target"]
        lines += [_ratio_line(one) for one in self.ratios]
        lines += ["", *(f"left out: {one}" for one in self.left_out)]
        lines += [f"FAILED: {one}" for one in self.failed]
        return "\n".join(lines)


def _figure_line(one: Figure) -> str:
    more = " · ".join(f"{name} {_short(value)}" for name, value in one.more.items())
    low, high = _short(min(one.rounds)), _short(max(one.rounds))
    line = f"{one.measure:10} {one.what:52} {_short(one.value):>10} {low:>10} {high:>10}  {one.unit}"
    return f"{line}   {more}" if more else line


def _ratio_line(one: Ratio) -> str:
    if not one.rounds:
        return f"{one.measure:10} {one.what:52} nothing to compare"
    low, high = _short(min(one.rounds)), _short(max(one.rounds))
    sign = "≥" if one.at_least else "≤"
    result = "met" if one.met else "MISSED"
    line = f"{one.measure:10} {one.what:52} {_short(one.value):>10} {low:>10} {high:>10}"
    return f"{line}  {sign} {_short(one.target)} {one.unit} {result}"


def _short(value: Any) -> str:
    if not isinstance(value, float | int):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
