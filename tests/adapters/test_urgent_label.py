"""A label on the pull request makes its merge urgent, from GitHub's webhook to what people see."""

import httpx
import pytest
from fastapi import FastAPI

from app.core import events as ev
from app.core.config import RepoConfig
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.state import State
from app.github.edge import github_routes
from app.github.start import start_of
from app.github.webhook import parse_pull_request
from app.model.offline import OfflinePlanner
from app.slack.messages import render
from tests import payloads
from tests.adapters.github_bodies import SECRET, SHA, encoded, merged, signed
from tests.core.box import Box
from tests.core.town import RUNS, STAGES_ONE
from tests.shop import REPO, repo_config

THREAD = thread_id_for(REPO, "main", SHA)


async def merges(box: Box, *labels: str) -> State:
    """Deliver the merge of a pull request with these labels, and let the worker begin."""
    body = encoded(merged(pull_request__labels=[{"id": 1, "name": name} for name in labels]))
    app = FastAPI()
    app.include_router(github_routes((SECRET,), {REPO: box.config}, box.log))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://bot"
    ) as client:
        answer = await client.post("/github/webhook", content=body, headers=signed(body))
    assert answer.status_code == 202, answer.text
    await box.settles()
    return fold(await box.log.read(THREAD))


def busy(config: RepoConfig | None = None) -> Box:
    """Return a shop whose first deploy to staging goes on."""
    box = Box(config, model=OfflinePlanner())
    box.deployer.prepare(STAGES_ONE, RUNS)
    return box


async def status_of(box: Box, state: State) -> str:
    facts, now = await box.log.facts(REPO), await box.log.now(REPO)
    message = render(state, box.config, now, facts)["status"]
    payloads.check(message.text, message.blocks)
    return payloads.words(message.text, message.blocks)


@pytest.mark.parametrize("label", ["urgent", "Urgent", "URGENT"])
async def test_the_label_makes_it_urgent_and_the_status_says_so(label: str) -> None:
    box = busy()
    state = await merges(box, "bug", label)
    assert (state.is_urgent, state.urgent_label) == (True, "urgent")
    said = await status_of(box, state)
    assert "🚨 urgent by its label `urgent`: it goes before the others" in said


@pytest.mark.parametrize("labels", [(), ("bug",), ("not urgent",), ("urgent-ish", "")])
async def test_no_other_label_does(labels: tuple[str, ...]) -> None:
    box = busy()
    state = await merges(box, *labels)
    assert not state.is_urgent
    assert "🚨" not in await status_of(box, state)


async def test_which_label_that_is_can_be_configured() -> None:
    state = await merges(busy(repo_config(urgent_label="P0: `now`")), "urgent", "p0: `now`")
    assert state.urgent_label == "P0: `now`"
    assert not (await merges(busy(repo_config(urgent_label="P0")), "urgent")).is_urgent


async def test_it_overtakes_who_waits_for_staging() -> None:
    box = busy()
    for number in (1, 2):
        await box.starts(f"{number}" * 40, number=number)
        await box.settles()
        box.log.advance(1000)
    await merges(box, "urgent")
    box.deployer.prepared.clear()
    await box.later(10_000)
    tested = [effect[-7:] for effect in box.deployer.effects if "staging e2e" in effect]
    assert tested == ["1111111", SHA[:7]]
    waiting = fold(await box.log.read(thread_id_for(REPO, "main", "2" * 40)))
    assert waiting.joined
    assert waiting.joined.into.number == 7


def test_a_merge_whose_webhook_was_lost_has_its_label_all_the_same() -> None:
    pull = merged()["pull_request"] | {"labels": [{"name": "urgent"}]}
    found = parse_pull_request(encoded(pull), REPO)
    assert found
    [started] = start_of(found, repo_config()).events
    assert isinstance(started, ev.ThreadStarted)
    assert started.urgent_label == "urgent"
