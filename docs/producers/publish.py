"""Publishes one event, and the same once more: pip install nats-py"""
import asyncio
import json
import os

import nats


async def main() -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    js = nc.jetstream()
    event = json.dumps({"door": "Main", "badge": 4711}).encode()
    for _ in range(2):
        # The acknowledgement means: on disk. On nats.errors.TimeoutError publish
        # again with the same id.
        ack = await js.publish(
            "events.acme.access.granted",
            event,
            timeout=10,
            headers={"Nats-Msg-Id": "badge-4711-1"},
        )
        print(f"{ack.stream} {ack.seq} duplicate={bool(ack.duplicate)}")
    await nc.drain()


asyncio.run(main())
