"""The service in two halves on one store: one takes events in, the other acts and speaks."""

from pathlib import Path

import httpx

from tests.scenarios.outside import second_service
from tests.scenarios.world import world


async def test_one_half_listens_and_the_other_works(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await w.stop()
        await w.start("--no-worker")
        sha = await w.merge()
        assert w.effects() == []
        assert await w.messages() == []
        async with second_service(w, "--worker-only") as url:
            card = await w.card("Deploy frontend")
            await w.click("bob", card, "approve")
            await w.card("Deploy backend")
            async with httpx.AsyncClient() as client:
                assert (await client.post(f"{url}/github/webhook")).status_code == 404
        assert w.effects()[-1] == f"production frontend {sha[:7]}"
