"""The seed's sixteen steps, on real parts: local Slack and GitHub, a scripted model."""

import re
from pathlib import Path

from tests.scenarios.world import world
from tests.scripted_openai import ScriptedOpenAI, call


async def test_the_sixteen_steps(tmp_path: Path) -> None:
    async with ScriptedOpenAI() as openai, world(tmp_path, openai) as w:

        def propose(service: str) -> None:
            openai.script.append(
                call(f"deploy_{service}_to_prod", sha=sha, reason=f"{service} is next")
            )

        # 1 a person merges · 2 staging · 3 e2e · 4, 5 the agent calls · 6 a card
        openai.script.append(
            lambda body: call("deploy_frontend_to_prod", sha=_newest(body), reason="first")
        )
        sha = await w.merge("Add gift cards")
        card = await w.card("frontend")
        # 7 a person rejects it with words · 8, 9 the agent calls again, a second card
        propose("backend")
        await w.reject("cara", card, "can you deploy the backend first?")
        card = await w.card("backend")
        # 10 a person approves · 11 code executes · 12, 13 the frontend's card
        propose("frontend")
        await w.click("cara", card, "approve")
        card = await w.card("frontend")
        # 13 approval · 14 code executes, the agent is done · 15 e2e · 16 done
        openai.script.append(call("done_for_now", message="Backend and frontend are deployed."))
        await w.click("bob", card, "approve")
        await w.sees("Backend and frontend are deployed.")
        await w.card("Backend and frontend are deployed.", "rollback")

        short = sha[:7]
        assert w.effects() == [
            f"staging frontend {short}",
            f"staging backend {short}",
            f"staging e2e {short}",
            f"production backend {short}",
            f"production frontend {short}",
            f"production e2e {short}",
        ]


def _newest(body: dict[str, object]) -> str:
    """Find the full SHA in what the model was told, as a model would."""
    shas = re.findall(r"[0-9a-f]{40}|[0-9a-f]{12}|[0-9a-f]{7}", str(body))
    return shas[0]
