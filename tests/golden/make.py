"""Writes down threads that are paused, as the store has them: `python -m tests.golden.make FOLDER`.

Run it with the code of a release; the tests open what every release wrote.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, cast

from app.core import events as ev
from app.core.ports import Observation, Write
from app.redis.connect import connect
from app.redis.embedded import start_embedded, stop_embedded
from app.redis.log import RedisLog
from tests.golden.room import Room
from tests.shop import BOB, REPO

RUNNING = Observation(status="running")
UNKNOWN = Observation(status="unknown", summary="nobody answers")
RED = Observation(status="failed", summary="exit code 1", failing_tests=("checkout",))
OLD = "0ddba11" + "2" * 33
EXPIRED_MS = 25 * 3_600_000
OTHER, BACKEND_LOCK = "acme/shop/0000000000", "production/backend"


async def card_waits(room: Room) -> None:
    await room.asks()


async def words_are_unread(room: Room) -> None:
    await room.asks()
    await room.says("can you deploy the frontend first?")


async def approved_and_not_started(room: Room) -> None:
    await room.asks()
    await room.records(await room.grant())


async def deploy_runs(room: Room) -> None:
    room.deployer.prepare("production backend", RUNNING)
    await room.asks()
    await room.does(await room.grant())


async def outcome_is_unknown(room: Room) -> None:
    room.deployer.prepare("production backend", UNKNOWN)
    await room.asks()
    await room.does(await room.grant())


async def rollback_is_asked(room: Room) -> None:
    fact = json.dumps({"sha": OLD, "thread": "acme/shop/0000000000", "at": 0})
    facts = {"running/backend": fact, "verified/backend": OLD}
    await room.log.append(Write("acme/shop/0000000000", [], facts=facts, silent=True))
    room.deployer.prepare("production e2e", RED, RED)
    await room.asks()
    room.model.will("done_for_now", message="only the backend")
    room.model.will("rollback_backend_in_prod", sha=OLD, reason="checkout is red")
    await room.does(await room.grant())


async def question_is_open(room: Room) -> None:
    room.model.will("request_more_information", question="Which first?", choices=["web", "api"])
    await room.merges()


async def stopped(room: Room) -> None:
    await room.asks()
    await room.does(ev.StopRequested(user=BOB))


async def expired(room: Room) -> None:
    await room.asks()
    await room.passes(EXPIRED_MS)


async def staging_runs(room: Room) -> None:
    room.deployer.prepare("staging backend", RUNNING)
    await room.merges()


async def waits_for_a_time(room: Room) -> None:
    room.model.will("wait_for", seconds=3600, reason="lunch")
    await room.merges()


async def waits_for_a_lock(room: Room) -> None:
    await room.log.append(Write(OTHER, [], take=[BACKEND_LOCK], silent=True))
    await room.asks()
    await room.does(await room.grant())


async def workflow_runs(room: Room) -> None:
    room.deploys_by_workflow()
    await room.asks()
    await room.does(await room.grant())


PAUSES: Mapping[str, Callable[[Room], Awaitable[None]]] = {
    pause.__name__: pause
    for pause in (
        card_waits,
        words_are_unread,
        approved_and_not_started,
        deploy_runs,
        outcome_is_unknown,
        rollback_is_asked,
        question_is_open,
        stopped,
        expired,
        staging_runs,
        waits_for_a_time,
        waits_for_a_lock,
        workflow_runs,
    )
}


async def dump(client: Any) -> dict[str, Any]:
    """Return everything that a store holds, by key."""
    kinds = {key: await client.type(key) for key in sorted(await client.keys("*"))}
    return {key: [kind, await _value(client, key, kind)] for key, kind in kinds.items()}


async def _value(client: Any, key: str, kind: str) -> Any:
    match kind:
        case "list":
            return await client.lrange(key, 0, -1)
        case "hash":
            return await client.hgetall(key)
        case "zset":
            return await client.zrange(key, 0, -1, withscores=True)
        case "set":
            return sorted(await client.smembers(key))
        case _:
            return await client.get(key)


async def main(folder: Path) -> None:
    store = Path(tempfile.mkdtemp())
    url = await start_embedded(store)
    client = cast("Any", connect(url))
    for name, pause in PAUSES.items():
        await client.flushall()
        log = RedisLog(connect(url))
        room = Room(log)
        await pause(room)
        snapshot = {"now": await log.now(REPO), "store": await dump(client)}
        text = json.dumps(snapshot, indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n")
        await log.close()
    await client.aclose()
    await stop_embedded(store)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
