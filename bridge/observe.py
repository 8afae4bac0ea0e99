"""Logs and metrics: what happened, never what was said, and no secret."""

import logging
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily

_SECRETS = re.compile(
    r"(?i)((?:access_token|secret|appsecret|token|signature|password|authorization|api_key|echostr)"
    r"[\"']?\s*[=:]\s*[\"']?)(?:bearer |basic |token )?[^\s&\"',}]+"
)


class Tally:
    """A counter for one thread: the loop's. The library's own takes a lock each time and costs more than what is
    counted.
    """

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: defaultdict[tuple[str, ...], int] = defaultdict(int)

    def count(self, *labels: str, by: int = 1) -> None:
        """So many more, under the values of the labels."""
        self._counts[labels] += by

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For the registry."""
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(labels, count)
        yield family


class _Metrics:
    """All metrics, on a registry of their own. Every one is described in docs/reference/metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.callbacks = self._counter("bridge_callbacks", "Callbacks by account and answer", "account", "answer")
        self.raws = self._counter("bridge_raws", "Payloads kept, by account", "account")
        self.routed = self._counter("bridge_routed", "Payloads routed, by account", "account")
        self.repeats = self._counter("bridge_repeats", "Payloads that came again, by account", "account")
        self.quarantined = self._counter("bridge_quarantined", "Payloads put into quarantine", "account")
        self.steps = self._counter("bridge_steps", "Steps by account and what became of them", "account", "outcome")
        self.collected = self._counter("bridge_collected", "Payloads that a poll found first", "account")
        self.media = self._counter("bridge_media", "Files fetched, by account and outcome", "account", "outcome")
        self.keep_seconds = Histogram(
            "bridge_keep_seconds",
            "Time to make a callback durable",
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 4),
        )
        self.delivery_seconds = Histogram(
            "bridge_delivery_seconds", "Time of one delivery at the vendor", ["account"], registry=self.registry
        )
        self.unfinished = Gauge(
            "bridge_unfinished_steps", "Steps that are not finished", ["account", "state"], registry=self.registry
        )
        self.waiting = Gauge(
            "bridge_waiting_messages", "Messages without a step", ["account", "held"], registry=self.registry
        )
        self.inbox = Gauge("bridge_inbox", "Payloads not routed", ["account", "state"], registry=self.registry)
        self.oldest = Gauge(
            "bridge_oldest_unfinished_seconds", "Age of the oldest unfinished step", ["account"], registry=self.registry
        )
        self.paused = Gauge("bridge_account_paused", "1 while sending rests", ["account"], registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Tally:
        tally = Tally(name, text, *labels)
        self.registry.register(tally)
        return tally


metrics = _Metrics()


def set_up_logging(*, level: str = "INFO", terminal: bool | None = None) -> None:
    """Logs go to standard error: readable on a terminal, JSON elsewhere."""
    terminal = sys.stderr.isatty() if terminal is None else terminal
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # these libraries log whole URLs, with the credentials some vendors put there
    for noisy in ("httpx", "httpcore", "uvicorn.access", "apscheduler"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


def redact(_logger: object, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A last net below the rule that nothing secret is logged at all."""
    return {key: _SECRETS.sub(r"\1***", value) if isinstance(value, str) else value for key, value in event.items()}
