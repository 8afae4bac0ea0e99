"""Logs and metrics: what happened, never what was said, and no secret.

Prometheus' library is loaded when somebody asks for the first time: with the web server that it brings along it takes
1.1 MB, and its counters, which any thread may use, cost more than what they count.
"""

import logging
import re
import sys
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog

from bridge.log_lines import Stream, take_over, tell_exception

if TYPE_CHECKING:
    from prometheus_client.core import Metric

Values = Mapping[Any, float]  # by a tuple of labels, of which each metric has its number
_SECRETS = re.compile(
    r"(?i)((?:access_token|secret|appsecret|token|signature|password|authorization|api_key|echostr)"
    r"[\"']?\s*[=:]\s*[\"']?)(?:bearer |basic |token )?[^\s&\"',}]+"
)


class Counter:
    """A counter for one thread: the loop's."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def count(self, *labels: str, by: int = 1) -> None:
        """So many more, under the values of the labels."""
        self._counts[labels] += by

    def total(self, *labels: str) -> int:
        """How many so far, under the values of the labels."""
        return self._counts.get(labels, 0)

    def collect(self) -> Iterator["Metric"]:
        """For Prometheus."""
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count)
        yield family


class Histogram:
    """How long something took: a histogram for one thread, as a tally is a counter. `buckets` are upper ends."""

    def __init__(self, name: str, text: str, *labels: str, buckets: Sequence[float]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._ends = tuple(buckets)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
        if not labels:
            self._counts[()] = self._none()

    def _none(self) -> list[int]:
        return [0] * (len(self._ends) + 1)

    def took(self, seconds: float, *labels: str) -> None:
        """One more, under the values of the labels."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = self._none()
        counts[bisect_left(self._ends, seconds)] += 1
        self._sums[labels] += seconds

    def time(self, *labels: str) -> "_Watch":
        """For a `with`: what happens inside it, however it ends."""
        return _Watch(self, labels)

    def collect(self) -> Iterator["Metric"]:
        """For Prometheus."""
        from prometheus_client.core import HistogramMetricFamily

        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        ends = [*map(str, map(float, self._ends)), "+Inf"]
        for labels, counts in self._counts.items():
            family.add_metric(labels, list(zip(ends, accumulate(counts), strict=True)), self._sums[labels])
        yield family


class _Watch:
    __slots__ = ("_began", "_labels", "_spread")

    def __init__(self, spread: Histogram, labels: tuple[str, ...]) -> None:
        self._spread, self._labels = spread, labels

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_error: object) -> None:
        self._spread.took(perf_counter() - self._began, *self._labels)


class Gauge:
    """What stands in the database, as it was when somebody last asked."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._values: Values = {}

    def show(self, values: Values) -> None:
        """All values, by those of the labels."""
        self._values = values

    def collect(self) -> Iterator["Metric"]:
        """For Prometheus."""
        from prometheus_client.core import GaugeMetricFamily

        family = GaugeMetricFamily(self._name, self._text, labels=self._labels)
        for labels, value in self._values.items():
            family.add_metric(labels, value)
        yield family


class _Metrics:
    """All metrics. Every one is described in docs/reference/metrics.md."""

    def __init__(self) -> None:
        self.callbacks = Counter("bridge_callbacks", "Callbacks by account and answer", "account", "answer")
        self.raws = Counter("bridge_raws", "Payloads kept, by account", "account")
        self.routed = Counter("bridge_routed", "Payloads routed, by account", "account")
        self.repeats = Counter("bridge_repeats", "Payloads that came again, by account", "account")
        self.quarantined = Counter("bridge_quarantined", "Payloads put into quarantine", "account")
        self.steps = Counter("bridge_steps", "Steps by account and what became of them", "account", "outcome")
        self.collected = Counter("bridge_collected", "Payloads that a poll found first", "account")
        self.handovers = Counter(
            "bridge_handovers", "Conversations that changed hands: from, to, why", "left", "taken", "why"
        )
        self.bot_turns = Counter("bridge_bot_turns", "Questions to a bot by verdict", "account", "verdict")
        self.bot_tokens = Counter("bridge_bot_tokens", "Tokens that a bot has cost", "account")
        self.bot_held_back = Counter("bridge_bot_held_back", "Answers of a bot that were not sent", "account", "why")
        self.targets = Counter("bridge_targets", "Targets by how they ended", "target", "kind", "outcome")
        self.events = Counter("bridge_events", "Events sent to other systems, by outcome", "receiver", "outcome")
        self.bot_seconds = Histogram(
            "bridge_bot_seconds",
            "Time from a question to a bot to its answer",
            "account",
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120),
        )
        self.media = Counter("bridge_media", "Files fetched, by account and outcome", "account", "outcome")
        self.keep_seconds = Histogram(
            "bridge_keep_seconds",
            "Time to make a callback durable",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 4),
        )
        self.delivery_seconds = Histogram(
            "bridge_delivery_seconds",
            "Time of one delivery at the vendor",
            "account",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
        )
        self.unfinished = Gauge("bridge_unfinished_steps", "Steps that are not finished", "account", "state")
        self.waiting = Gauge("bridge_waiting_messages", "Messages without a step", "account", "held")
        self.inbox = Gauge("bridge_inbox", "Payloads not routed", "account", "state")
        self.oldest = Gauge("bridge_oldest_unfinished_seconds", "Age of the oldest unfinished step", "account")
        self.disk_free = Gauge("bridge_disk_free_bytes", "Free on the disk of the files", "place")
        self.late = Gauge("bridge_targets_late", "Conversations without an answer that was due", "desk", "target")
        self.events_waiting = Gauge(
            "bridge_events_waiting", "Events that are not taken yet, or given up", "receiver", "state"
        )
        self.paused = Gauge("bridge_account_paused", "1 while sending rests", "account")

    def collect(self) -> Iterator["Metric"]:
        """As Prometheus' library wants it."""
        one: Counter | Histogram | Gauge
        for one in vars(self).values():
            yield from one.collect()


metrics = _Metrics()


class _Detail:
    """Whether somebody reads what is logged of every message: a line that nobody wants costs as much as a statement."""

    wanted = False


detail = _Detail()


def set_up_logging(*, level: str = "INFO", terminal: bool | None = None) -> None:
    """Logs go to standard error: readable on a terminal, JSON elsewhere."""
    detail.wanted = level == "DEBUG"
    terminal = sys.stderr.isatty() if terminal is None else terminal
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
        redact,
    ]
    renderer: Any = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Stream(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    # these libraries log whole URLs, with the credentials some vendors put there
    for noisy in ("httpx", "httpcore", "uvicorn.access", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
    take_over()


def redact(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A last net below the rule that nothing secret is logged at all."""
    return {key: _SECRETS.sub(r"\1***", value) if isinstance(value, str) else value for key, value in event.items()}
