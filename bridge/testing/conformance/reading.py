"""`normalise`: pure, complete, and calm whatever it is given."""

import json
from collections.abc import Sequence

from hypothesis import strategies as st
from pydantic import TypeAdapter

from bridge.contract import Event, Malformed, MessageReceived
from bridge.contract.storable import storable
from bridge.testing.conformance.case import ACCOUNT, ConnectorCase
from bridge.testing.conformance.examples import for_each
from bridge.testing.conformance.forgeries import enriched, poisoned, texts
from bridge.testing.strategies import damaged

_EVENTS: TypeAdapter[list[Event]] = TypeAdapter(list[Event])


class Reading(ConnectorCase):
    """Samples as they are, enriched and damaged."""

    def test_there_are_samples(self) -> None:
        assert self.samples, "give samples: payloads as the vendor documents or sends them"
        assert all(raw.key for raw in self.samples)

    def test_normalise_reads_every_sample(self) -> None:
        connector = self.isolated()
        for raw in self.samples:
            events = list(connector.normalise(raw))
            dumped = _EVENTS.dump_json(events)
            assert _EVENTS.validate_json(dumped) == events, f"{raw.key}: the events do not survive JSON"
            for message in _messages(events):
                assert message.message.id, f"{raw.key}: a message without an id"
                assert message.message.conversation, f"{raw.key}: a message without a conversation"
                assert message.message.parts, f"{raw.key}: a message without parts"

    def test_normalise_is_pure(self) -> None:
        one, other = self.isolated(), self.isolated()
        for raw in self.samples:
            first = list(one.normalise(raw))
            assert list(one.normalise(raw)) == first, f"{raw.key}: the second reading differs"
            assert list(other.normalise(raw)) == first, f"{raw.key}: another object reads it differently"

    def test_media_name_the_account(self) -> None:
        connector = self.isolated()
        for raw in self.samples:
            for event in _messages(connector.normalise(raw)):
                for part in event.message.parts:
                    media = getattr(part, "media", None)
                    assert media is None or (media.account == ACCOUNT and media.id), f"{raw.key}: {media}"

    def test_normalise_survives_unknown_fields(self) -> None:
        connector = self.isolated()
        for raw in self.samples:
            richer = raw._replace(payload=enriched(raw.payload))
            assert _outline(connector.normalise(richer)) == _outline(connector.normalise(raw)), (
                f"{raw.key}: an unknown field changed the events"
            )

    def test_damaged_payloads_are_malformed_or_read(self) -> None:
        """Nothing but Malformed leaves `normalise`, whatever the payload."""
        connector = self.isolated()

        @for_each(st.data(), shrinks=self.shrinks)
        def examine(data: st.DataObject) -> None:
            raw = data.draw(st.sampled_from(list(self.samples)), label="sample")
            payload = data.draw(damaged(raw.payload), label="payload")
            try:
                _EVENTS.dump_json(list(connector.normalise(raw._replace(payload=payload))))
            except Malformed:
                return

    def test_what_is_read_from_poison_can_be_stored(self) -> None:
        """Half a character, NUL or an endless word, anywhere in a payload: it is read, or Malformed. What is read can
        be stored on either database once the bridge has seen to it.
        """
        connector = self.isolated()
        for raw in self.samples:
            for where, payload in poisoned(raw.payload):
                try:
                    events = [storable(event) for event in connector.normalise(raw._replace(payload=payload))]
                except Malformed:
                    continue
                except Exception as error:
                    raise AssertionError(f"{raw.key}, {where}: {type(error).__name__} left normalise") from error
                dumped = _EVENTS.dump_json(events)
                assert _EVENTS.validate_json(dumped) == events, f"{raw.key}, {where}: not the same out of the store"
                assert not any("\0" in text for text in texts(json.loads(dumped))), (
                    f"{raw.key}, {where}: a NUL would be stored"
                )


def _messages(events: Sequence[Event]) -> list[MessageReceived]:
    return [event for event in events if isinstance(event, MessageReceived)]


def _outline(events: Sequence[Event]) -> list[tuple[str, str]]:
    return [(event.kind, event.message.id if isinstance(event, MessageReceived) else "") for event in events]
