"""Shadow mode: the agent proposes, nothing is asked or done, and what people did is compared."""

from typing import Any, Literal

import pytest

from app import effects
from app.core import events as ev
from app.core import ledger
from app.core.actions import Start
from app.core.agreement import compare
from app.core.config import RepoConfig, TargetConfig
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Claim, Model
from app.core.shadow import in_shadow
from app.desk import Job, Ports
from app.slack.messages import render
from tests.core.box import OLD, SHA, Box, ScriptedModel, repo_config
from tests.fake_deployer import FakeDeployer
from tests.fakes import FakeLog
from tests.shop import BOB, REPO

MINUTE, HOUR = 60_000, 3_600_000
OTHER = "7ea5e77" + "3" * 33
BOTH = ("frontend", "backend")


class Watched(Box):
    """A shop in shadow mode whose deployers say what people brought to production."""

    def __init__(self, model: Model | None = None, **changes: Any) -> None:
        super().__init__(self.at(OLD, OLD, **changes), model=model)

    def at(self, frontend: str, backend: str, **changes: Any) -> RepoConfig:
        """Configure the shop as it is once people did something by hand."""
        repo = repo_config(**{"mode": "shadow", **changes})  # pyright: ignore[reportArgumentType]
        versions = {"frontend": frontend, "backend": backend}
        services = {
            name: TargetConfig(deployer="command", options={"runs": sha} if sha else {})
            for name, sha in versions.items()
        }
        production = repo.production.model_copy(update={"services": services})
        return repo.model_copy(update={"production": production})

    async def begins(self, *services: str, sha: str = SHA) -> None:
        """Merge in shadow mode; the agent proposes these."""
        for service in services:
            self.model.will(f"deploy_{service}_to_prod", sha=sha, reason="next")
        self.model.will("done_for_now", message="That is all.")
        await self.starts_watched(sha)

    async def starts_watched(self, sha: str = SHA) -> None:
        """Merge in shadow mode."""
        self.thread_id = thread_id_for(REPO, "main", sha)
        started = ev.ThreadStarted(
            thread_id=self.thread_id,
            repo=REPO,
            branch="main",
            channel=self.config.channel,
            origin="merge",
            sha=sha,
            shadow=True,
        )
        await self.log.append(ledger.Write(self.thread_id, [started]))
        await self.settles()

    async def by_hand(self, frontend: str, backend: str, ms: int = 6 * MINUTE) -> None:
        """Let people deploy something, and time pass."""
        self.configure(self.at(frontend, backend))
        await self.later(ms)

    async def verdict(self, newer: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return how the thread compares."""
        found = compare(await self.state(), newer, await self.log.now(REPO))
        return (found.verdict, *found.differences)


async def test_a_model_that_gets_nowhere_asks_nobody() -> None:
    box = Watched()
    for _ in range(3):
        box.model.will("deploy_nothing")
    await box.begins()
    await box.later(30 * HOUR)
    assert (await box.state()).errors == 3
    assert "bot_said" not in await box.types()


async def test_nothing_is_asked_posted_or_done() -> None:
    box = Watched()
    await box.begins(*BOTH)
    await box.later(30 * HOUR)
    assert box.deployer.effects == []
    state = await box.state()
    assert state.proposals == [("frontend", SHA), ("backend", SHA)]
    assert render(state, box.config, await box.log.now(REPO)) == {}
    assert await box.log.facts(REPO) == {}
    assert await box.log.locks(REPO) == {}
    kinds = {"approval_requested", "tool_started", "bot_said", "staging_requested"}
    assert kinds.isdisjoint(await box.types())


async def test_people_who_do_the_same_agree() -> None:
    box = Watched()
    await box.begins(*BOTH)
    assert await box.verdict() == ("open",)
    await box.by_hand(SHA, OLD)
    await box.by_hand(SHA, SHA)
    assert await box.verdict() == ("agreed",)
    looks = (await box.types()).count("production_seen")
    await box.later(30 * HOUR)
    assert (await box.types()).count("production_seen") == looks


async def test_before_the_first_look_nothing_is_compared() -> None:
    box = Watched()
    await box.begins("frontend")
    entries = await box.log.read(box.thread_id)
    first = next(n for n, e in enumerate(entries) if isinstance(e.event, ev.ProductionSeen))
    assert compare(fold(entries[:first]), (), await box.log.now(REPO)).verdict == "open"


async def test_facts_that_a_newer_version_wrote_keep_no_proposal_from_being_read() -> None:
    box = Watched()
    await box.begins("frontend")
    newer = ev.UnknownEvent.model_validate({"type": "facts_fetched", "weather": "fine"})
    entries = [
        entry.model_copy(update={"event": newer})
        if isinstance(entry.event, ev.FactsFetched)
        else entry
        for entry in await box.log.read(box.thread_id)
    ]
    state = fold(entries)
    assert (state.proposals, state.facts) == ([("frontend", SHA)], None)


@pytest.mark.parametrize(
    ("hand", "proposed", "verdict", "line"),
    [
        (((SHA, OLD),), BOTH, "partly", "backend: proposed 4af9ec0, nobody deployed it"),
        (((OLD, OLD),), BOTH[:1], "not", "frontend: proposed 4af9ec0, nobody deployed it"),
        (((SHA, SHA),), BOTH[:1], "partly", "backend: not proposed, people deployed 4af9ec0"),
        (((OTHER, OLD),), BOTH[:1], "not", "frontend: proposed 4af9ec0, people deployed 7ea5e77"),
        (
            ((OLD, SHA), (SHA, SHA)),
            BOTH,
            "partly",
            "order: proposed frontend then backend, seen backend then frontend",
        ),
    ],
)
async def test_what_people_did_otherwise_is_a_line(
    hand: tuple[tuple[str, str], ...], proposed: tuple[str, ...], verdict: str, line: str
) -> None:
    box = Watched()
    await box.begins(*proposed)
    for frontend, backend in hand:
        await box.by_hand(frontend, backend)
    for _ in range(60):
        await box.later(HOUR)
    assert await box.verdict() == (verdict, line)


async def test_a_newer_merge_with_it_is_no_comparison() -> None:
    box = Watched()
    await box.begins("frontend")
    await box.by_hand(OTHER, OLD)
    assert await box.verdict((OTHER,)) == (
        "not comparable",
        "people deployed a newer merge with it",
    )


async def test_without_a_word_of_production_nothing_is_compared() -> None:
    box = Watched()
    box.configure(box.at("", ""))
    await box.begins("frontend")
    assert await box.verdict() == (
        "not comparable",
        "no deployer says what production runs",
    )


async def test_a_silent_target_and_a_silent_model_are_seen_later() -> None:
    box = Watched()
    await box.begins("frontend")
    box.deployer.silent = True
    await box.later(10 * MINUTE)
    assert (await box.state()).sightings[-1][1] == {}
    assert await box.verdict() == ("open",)
    down = Watched()
    down.model.script.clear()
    await down.begins()
    state = await down.state()
    state.owes_step = True
    assert compare(state, (), state.started_at + 25 * HOUR).differences == (
        "the agent did not get to the end",
    )


async def test_the_agent_proposes_nothing_twice_and_asks_nobody() -> None:
    box = Watched()
    box.model.will("request_more_information", question="Which?", choices=[])
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    box.model.will("run_e2e_tests", environment="staging")
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.begins()
    assert (await box.state()).proposals == [("backend", SHA)]
    refused = [e.event for e in await box.log.read(box.thread_id)]
    errors = [event.error for event in refused if isinstance(event, ev.ToolRefused)]
    assert errors[0] == "'request_more_information' is no tool that can be called now"
    assert errors[2] == "backend 4af9ec0 was proposed already"


async def test_a_plan_with_a_job_is_noted_step_by_step() -> None:
    box = Watched(approval="plan")
    job = TargetConfig(deployer="command", options={}, paths=("db/**",))
    production = box.config.production.model_copy(update={"jobs": {"migrate": job}})
    box.configure(box.config.model_copy(update={"production": production}))
    box.model.will("rollback_backend_in_prod", sha=OLD, reason="")
    box.model.will("propose_plan", sha=SHA, steps=["backend"], reason="")
    await box.begins()
    state = await box.state()
    assert (state.proposals, state.cards) == ([("backend", SHA)], {})
    noted = ev.ShadowProposed(call_id="c9", service="migrate", sha=SHA, is_job=True)
    await box.does(noted)
    assert (await box.state()).ran == {"migrate": SHA}
    assert (await box.state()).proposals == [("backend", SHA)]


async def test_a_shadow_thread_stays_closed_when_its_repository_is_live() -> None:
    box = Watched()
    await box.begins("frontend")
    box.configure(box.at(OLD, OLD, mode="live"))
    looks = len(await box.types())
    await box.does(ev.HumanSaid(user=BOB, text="deploy it"))
    await box.later(2 * HOUR)
    assert len(await box.types()) == looks + 1


async def test_what_was_approved_is_not_done_once_the_repository_is_in_shadow_mode() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    before = list(box.deployer.effects)
    box.configure(repo_config(mode="shadow"))
    await box.approves()
    assert box.deployer.effects == before


@pytest.mark.parametrize(("thread", "mode"), [(True, "live"), (False, "shadow")])
async def test_the_last_door_is_closed_where_the_thread_or_the_repository_only_watches(
    thread: bool, mode: Literal["live", "shadow"]
) -> None:
    started = ev.ThreadStarted(
        thread_id=f"{REPO}/0123456789",
        repo=REPO,
        branch="main",
        channel="C01DEPLOYS",
        origin="merge",
        sha=SHA,
        shadow=thread,
    )
    state, deployer = fold([ev.Entry(at=0, write="w", event=started)]), FakeDeployer()
    ports = Ports(FakeLog(), ScriptedModel(), None, None, {"command": deployer})
    claim = Claim(state.thread_id, 1)
    job = Job(claim, state, (), repo_config(mode=mode), 0, {}, ports, 0.0, [])
    with pytest.raises(LookupError, match=r"^acme/shop is in shadow mode, and nothing is done"):
        await effects.start(job, Start("deploy", "staging", "backend", SHA, "merge", ()))
    assert deployer.effects == []


def test_the_sentence_names_the_repositories_that_only_watch() -> None:
    watched, live = repo_config(mode="shadow"), repo_config(name="acme/blog")
    assert in_shadow([watched]).startswith("acme/shop is in shadow mode: I only watch there")
    assert in_shadow([watched, live]) == in_shadow([]) == in_shadow([live]) == ""


def test_a_merge_that_touches_nothing_proposes_nothing() -> None:
    started = ev.ThreadStarted(
        thread_id="acme/shop/0123456789",
        repo=REPO,
        branch="main",
        channel="C01DEPLOYS",
        origin="merge",
        sha=SHA,
        shadow=True,
    )
    seen = ev.ChangeSeen(touched=(), channel="C01DEPLOYS")
    entries = [ev.Entry(at=n, write="w", event=event) for n, event in enumerate((started, seen))]
    assert not fold(entries).turn_due
