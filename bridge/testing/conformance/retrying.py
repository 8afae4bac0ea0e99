"""An agent's own button to send a message again."""

from bridge.contract import Event, MessageReceived, Retried, Role
from bridge.testing.conformance.case import ConnectorCase, applies
from bridge.testing.conformance.harness import Harness


class Retrying(ConnectorCase):
    """The same id comes again: no new message, and not swallowed as a repeat either."""

    @applies(lambda case: case.role is Role.DESK and case.has_hook("retries") and case.has_hook("says"))
    async def test_a_message_that_is_sent_again_is_told(self, harness: Harness) -> None:
        conversation = await self.open_conversation(harness)
        await self.says(harness, conversation, "failed at first")
        await harness.until(lambda: harness.kept)
        (message,) = (
            event.message.id
            for raw in {raw.key: raw for raw in harness.kept}.values()
            for event in harness.connector.normalise(raw)
            if isinstance(event, MessageReceived)
        )
        for minutes in (1, 2):  # it may fail again
            harness.clock.advance(minutes=minutes)
            found = await self._heard_again(harness, conversation)
            assert Retried(conversation=conversation, message=message) in found
            assert not any(isinstance(event, MessageReceived) for event in found), "it would be sent a second time"

    async def _heard_again(self, harness: Harness, conversation: str) -> list[Event]:
        """What is new after the button was pressed."""
        keys = {raw.key for raw in harness.kept}
        await self.retries(harness, conversation, "failed at first")
        await harness.until(lambda: {raw.key for raw in harness.kept} - keys)
        fresh = [raw for raw in harness.kept if raw.key not in keys]
        return [event for raw in fresh for event in harness.connector.normalise(raw)]
