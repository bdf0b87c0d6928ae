"""Pause-and-resume cycles of everybody, in rounds: each round measures each of them once."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from app.core.events import Entry
from bench.cycle import Bare, Cost, Paused
from bench.peering import cycling, peers
from bench.store import Store

FLOOR = "bare log (the floor)"
COLD = "deploybot, in a process new to the thread (cold)"
WARM = "deploybot, in a process that has read the thread before (warm)"

Costs = dict[str, dict[int, list[Cost]]]
_Contender = Callable[[str, int], Awaitable[Cost]]


async def cycles(store: Store, folder: Path, sizes: Sequence[int], rounds: int) -> Costs:
    """Measure so many rounds, after one that does not count; return what each cycle cost."""
    costs: Costs = {}
    async with AsyncExitStack() as stack:
        contenders = await _ours(store, sizes)
        for peer in peers(store.url, folder):
            process = await stack.enter_async_context(cycling(peer, store))
            contenders[peer.name] = process.cycle
        for number in range(rounds + 1):
            await store.empty()
            for size in sizes:
                for name, contender in _turned(contenders, number):
                    cost = await contender(f"{number}x{size}", size)
                    if number:
                        costs.setdefault(name, {}).setdefault(size, []).append(cost)
    return {name: costs[name] for name in contenders}


async def _ours(store: Store, sizes: Sequence[int]) -> dict[str, _Contender]:
    """Build ours and the floor, which appends what a cycle of ours appended."""
    kept: dict[int, list[Entry]] = {}
    for size in sizes:
        thread = Paused(store, f"bench/pattern{size}")
        await thread.prepare(size)
        await thread.cycle(warm=True)
        kept[size] = await thread.entries()

    async def floor(name: str, size: int) -> Cost:
        bare = Bare(store, f"bare:{name}", kept[size], size)
        await bare.prepare()
        return await bare.cycle()

    async def cold(name: str, size: int) -> Cost:
        thread = Paused(store, f"cold/{name}")
        await thread.prepare(size)
        return await thread.cycle(warm=False)

    async def warm(name: str, size: int) -> Cost:
        thread = Paused(store, f"warm/{name}")
        await thread.prepare(size)
        return await thread.cycle(warm=True)

    return {FLOOR: floor, COLD: cold, WARM: warm}


def _turned(contenders: dict[str, _Contender], number: int) -> list[tuple[str, _Contender]]:
    """Let another one begin in each round."""
    order = list(contenders.items())
    first = number % len(order)
    return order[first:] + order[:first]
