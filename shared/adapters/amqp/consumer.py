"""Taking work from a queue and settling it. The broker answers no acknowledgement; a lost one means redelivery."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from shared.adapters.amqp.link import ANSWER_S, translated
from shared.adapters.amqp.subscription import Subscription
from shared.ports.bus import Delivery


class SettledTags:
    """Which delivery tags of a channel are settled. The broker counts them from 1 without gaps."""

    def __init__(self) -> None:
        self._floor = 0
        self._above: set[int] = set()

    def settle(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Mark these as settled. Returns the last of a run from the beginning, which settles all before it too, and
        those that must be settled one by one.

        Tags settled before are left out, and the run ends with one of these: the broker closes the channel for a tag
        that it does not know.
        """
        fresh = sorted({tag for tag in tags if tag > self._floor} - self._above)
        self._above.update(fresh)
        while self._floor + 1 in self._above:
            self._floor += 1
            self._above.remove(self._floor)
        run = [tag for tag in fresh if tag <= self._floor]
        return (run[-1] if run else None), fresh[len(run) :]


class AmqpConsumer:
    """`ports.Consumer` on one subscription."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._settled = SettledTags()

    async def take(self, most: int, wait_s: float) -> list[Delivery]:
        messages = await self._subscription.take(most, wait_s)
        return [Delivery(frame=message.body, tag=message.delivery_tag or 0) for message in messages]

    async def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        await self._settle(deliveries, forget=True)

    async def release(self, deliveries: Sequence[Delivery]) -> None:
        await self._settle(deliveries, forget=False)

    async def _settle(self, deliveries: Sequence[Delivery], forget: bool) -> None:
        self._subscription.check()
        run_end, singles = self._settled.settle(delivery.tag for delivery in deliveries)
        with translated():
            async with asyncio.timeout(ANSWER_S):
                channel = await self._subscription.channel.get_underlay_channel()
                for tag in [*([run_end] if run_end else []), *singles]:
                    if forget:
                        await channel.basic_ack(tag, multiple=tag == run_end)
                    else:
                        await channel.basic_nack(tag, multiple=tag == run_end, requeue=True)
