"""What was merged while the service was away begins its thread when it is back, by itself."""

from pathlib import Path

from app.github.reconcile import FACT, Watch
from tests.scenarios.outside import REPO, later, store, threads
from tests.scenarios.world import World, world
from tests.waiting import until


async def test_a_merge_while_the_service_was_away_is_found_in_the_local_github(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        await until(lambda: has_looked(w), 30)
        await w.stop()
        sha = await w.merge("Add gift cards", by="bob")
        await w.start()
        await later(w, 5 * 60)
        await w.sees(sha[:7])
        [entries] = (await threads(w)).values()
        assert [entry.event.type for entry in entries].count("thread_started") == 1
        assert "merge found without its webhook" in w.logs()


async def has_looked(w: World) -> bool:
    """Tell whether the service has looked at the branch."""
    async with store(w) as log:
        watch = (await log.facts(REPO)).get(FACT)
    return watch is not None and Watch.model_validate_json(watch).at > 0
