"""Who goes first: callbacks, and then what was kept of them.

A platform waits five seconds for its answer and then believes the message lost, or gives up: what is kept can wait,
what is not may be lost. A callback passes through the event loop four or five times, each time waits for all that is
ready there, and at its end for one commit. So the relay (routing, rendering, sending) does little at a time while
callbacks are about, but never nothing. How many steps are on their way does not matter: waiting for a slow vendor takes
nothing from anybody. Three questions decide, and each has one name, here:

- `is_flooded`: do callbacks come faster than one process relays? Then steps and batches of routing begin one after the
  other, evenly, and less often the faster they come; and no callback carries the routing of its payload with it.
- `intake_waits`: do several callbacks wait for the next commit at this moment? Then routing and sending step back for
  a moment, and take a small batch if it lasts longer.
- `commit_wanted`: does somebody outside wait for the commit of the transaction under way? Then it ends early.

All numbers of it stand here, except how many transactions share a commit of SQLite (`mappings/store.py`).
"""

import asyncio
from collections.abc import Callable, Sized

# for callbacks: the intake, and the web in front of it
COMMIT_LIMIT = 3.5  # seconds; a sender that hears nothing for 5 s gives up, so the refusal must come before
CALLBACKS_AT_ONCE = 256  # authentic ones in work; beyond that the vendor is asked to come again
GROUP = 256  # callbacks that share a commit, at most
LARGE_GROUP = 16  # from so many in one commit on the next group is waited for
NEXT_GROUP = 0.05  # seconds, at most, that other work waits for it

# for the relay: in calm, and while the intake waits
ROUTED, ROUTED_SMALL = 32, 2  # payloads routed in one transaction
CLAIMED, CLAIMED_SMALL = 16, 2  # steps claimed in one transaction
CLAIMED_AHEAD = 4  # steps in hand for each that may be sent at once: their transactions share commits

_WAITING = 4  # callbacks that wait for the next commit
_MOMENT, _MOMENTS = 0.005, 10  # seconds, and how often, the relay steps back for them

_MANY = 900.0  # callbacks a second: more than one process relays
_SPAN = 0.1  # seconds over which they are counted; twice so many count at once, else two spans in a row
_GAP = 0.004  # seconds from one beginning to the next meanwhile: it slows the relay down and never stops it
_MORE = 4e-6  # the same for each callback a second: 40 ms at 10,000


class Admission:
    """One for all accounts of a process. `clock` counts seconds; `commit_wanted` is the store's answer to that
    question.
    """

    def __init__(self, clock: Callable[[], float], commit_wanted: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock
        self.commit_wanted = commit_wanted
        self.gathering: Sized = ()  # the callbacks that wait for the next commit: the intake's own queue
        self._latest = 0.0  # when something was last let begin
        self._since, self._count = 0.0, 0
        self._rate = self._before = 0.0  # in the latest span, and in the one before it

    def count_kept(self, count: int = 1) -> None:
        """So many callbacks were kept."""
        self._count += count
        now = self._clock()
        if now - self._since >= _SPAN:
            self._before, self._rate = self._rate, self._count / (now - self._since)
            self._since, self._count = now, 0

    @property
    def is_flooded(self) -> bool:
        """Whether callbacks come faster than one process relays, at this moment."""
        fast = self._rate > 2 * _MANY or min(self._rate, self._before) > _MANY
        return fast and self._clock() - self._since < 2 * _SPAN

    @property
    def intake_waits(self) -> bool:
        """Whether several callbacks wait for the next commit."""
        return len(self.gathering) >= _WAITING

    async def admit(self) -> None:
        """Before a step is sent or a batch is routed. Returns at once, or while it is flooded a moment after the one
        before it.
        """
        if self.is_flooded:
            now = self._clock()
            self._latest = max(now, self._latest + max(_GAP, self._rate * _MORE))
            await asyncio.sleep(self._latest - now)

    async def yield_to_intake(self) -> bool:
        """Before a transaction of the relay: lets callbacks go first, for a moment. True when they still wait: then
        take a small batch, because they wait behind it.
        """
        for _ in range(_MOMENTS):
            if not self.intake_waits:
                return False
            await asyncio.sleep(_MOMENT)
        return True
