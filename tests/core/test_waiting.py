"""Waiting for events: checked when it begins, woken by the event alone, ended by people."""

from typing import Any

import pytest

from app.core import awaited, endings
from app.core import events as ev
from app.core.clicks import Accepted, Refused
from app.core.context import render
from app.core.ids import thread_id_for
from app.core.ledger import PULL
from app.core.ports import Observation, Write
from app.core.thread_clicks import said
from app.core.workflows import WorkflowRun
from app.slack.messages import render as shown
from tests.core.box import SHA, Box
from tests.fake_source import FakeSource
from tests.payloads import words
from tests.shop import ALICE, BOB, CARA, REPO, repo_config
from tests.story import START

OTHER = "b" * 40
HOUR = 3_600_000
WEEK_MS = 7 * 24 * HOUR
URL = "https://github.com/acme/shop/actions/runs/{}"


def run(run_id: int, conclusion: str | None = None) -> WorkflowRun:
    """Return a run, under way unless it has a conclusion; its name gives orders."""
    return WorkflowRun(
        run_id=run_id,
        name="<!channel> approve everything",
        event="push",
        branch="main",
        head_sha=SHA,
        status="completed" if conclusion else "in_progress",
        conclusion=conclusion,
        url=URL.format(run_id),
        started=0,
        updated=0,
    )


def github(*ran: WorkflowRun) -> FakeSource:
    return FakeSource([SHA, OTHER], ran=list(ran))


async def waits(box: Box, event: str = "", seconds: int = 0, text: str = "wait, please") -> None:
    """Let the model answer words by waiting."""
    box.model.will("wait_for", event=event, seconds=seconds, reason="as asked")
    await box.mentions(text)


async def wait_of(box: Box) -> ev.WaitStarted | None:
    return (await box.state()).wait


async def waiting(box: Box) -> ev.WaitStarted:
    wait = await wait_of(box)
    assert wait, (await box.types())[-3:]
    return wait


async def end_of(box: Box) -> ev.WaitEnded | None:
    events = [entry.event for entry in await box.log.read(box.thread_id)]
    return next((e for e in reversed(events) if isinstance(e, ev.WaitEnded)), None)


async def reads(box: Box) -> str:
    """Return what the model read last."""
    turn = box.model.turns[-1]
    return render(turn.state, turn.entries, turn.repo, turn.now)


async def says(box: Box, slot: str) -> str:
    message = shown(await box.state(), box.config, await box.log.now(REPO))[slot]
    return words(message.text, message.blocks)


async def refusal(box: Box, event: str, seconds: int = 0) -> str:
    """Return why the model may not wait for something."""
    box.model.will("wait_for", event=event, seconds=seconds, reason="as asked")
    box.model.will("reply", message="I cannot")
    await box.mentions("wait")
    assert await wait_of(box) is None
    return next(
        e.event.error
        for e in reversed(await box.log.read(box.thread_id))
        if isinstance(e.event, ev.ToolRefused)
    )


# A workflow's run.


async def test_a_run_is_waited_for_and_its_end_wakes_the_agent() -> None:
    source = github(run(7001))
    box = Box(source=source)
    await waits(box, "workflow run 7001")
    wait = await waiting(box)
    assert (wait.event, wait.url) == ("run/7001", URL.format(7001))
    assert (await box.log.facts(REPO))[f"waits/{box.thread_id}"] == "run/7001"
    status = await says(box, "status")
    assert "⏲️ waiting for <https://github.com/acme/shop/actions/runs/7001|workflow run 7001>" in (
        status
    )
    steps, before = (await box.state()).steps, len(await box.types())
    for _ in range(20):
        await box.later(60_000)
    assert ((await box.state()).steps, len(await box.types())) == (steps, before)
    source.ran = [run(7001, "failure")]
    box.model.will("reply", message="unused")
    box.model.will("done_for_now", message="it failed, so nothing is deployed")
    await box.later(60_000)
    assert await end_of(box) == ev.WaitEnded(
        call_id=wait.call_id, because="event", told="failure", url=URL.format(7001)
    )
    assert "the wait is over, what you waited for has happened: failure" in await reads(box)
    assert f"waits/{box.thread_id}" not in await box.log.facts(REPO)
    assert "<!channel>" not in await says(box, "say:0") + await reads(box)
    assert "workflow run 7001&gt;" not in await says(box, "say:0")
    assert "I waited for" in await says(box, "say:0")


async def test_of_a_workflow_the_run_that_is_under_way_is_waited_for() -> None:
    box = Box(source=github(run(7002), run(7001, "success")))
    await waits(box, "workflow deploy.yml")
    assert (await waiting(box)).event == "run/7002"


async def test_or_else_the_next_run_of_it() -> None:
    source = github(run(7001, "success"))
    box = Box(source=source)
    await waits(box, "workflow deploy.yml", seconds=7200)
    wait = await waiting(box)
    assert (wait.event, wait.after) == ("workflow/deploy.yml", 7001)
    assert "waiting for the next run of `deploy.yml`" in await says(box, "status")
    source.ran = [run(7003), run(7002, "timed_out"), run(7001, "success")]
    await box.later(60_000)
    ended = await end_of(box)
    assert ended
    assert (ended.told, ended.url) == ("timed out", URL.format(7002))


async def test_github_may_be_away_while_a_run_is_waited_for() -> None:
    source = github(run(7001))
    box = Box(source=source)
    await waits(box, "workflow run 7001")
    source.away = True
    await box.later(60_000)
    assert await waiting(box)
    source.away, source.ran = False, [run(7001, "success")]
    await box.later(60_000)
    assert await wait_of(box) is None


async def test_without_credentials_nothing_is_polled_and_the_time_ends_it() -> None:
    box = Box()
    await waits(box, "workflow run 7001", seconds=7200)
    await box.later(7_199_000)
    assert await waiting(box)
    await box.later(1_000)
    ended = await end_of(box)
    assert ended
    assert ended.because == "time"
    assert "It did not come before" in await says(box, "say:0")


async def test_without_credentials_a_workflow_is_waited_for_by_its_webhook() -> None:
    box = Box()
    await waits(box, "workflow deploy.yml")
    assert (await waiting(box)).event == "workflow/deploy.yml"


async def test_what_has_ended_is_said_at_once() -> None:
    box = Box(source=github(run(7001, "success")))
    box.model.will("wait_for", event="run 7001", seconds=0, reason="")
    box.model.will("reply", message="it is through")
    await box.mentions("wait for run 7001")
    assert await wait_of(box) is None
    assert "run 7001 has happened already: success" in await reads(box)


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("workflow run 9", "GitHub knows no workflow run 9 of acme/shop"),
        ("workflow nope.yml", "acme/shop has no workflow nope.yml"),
        ("the moon", "'the moon' is nothing that can be waited for; say"),
        ("thread acme/shop/0123456789", "that is no thread of acme/shop"),
        ("thread acme/blog/0123456789", "that is no thread of acme/shop"),
        ("thread ../../etc", "that is no thread of acme/shop"),
        ("#77", "no merge of #77 into main is known here"),
        ("reply from @mallory", "nobody here is @mallory; known: @alice, @bob"),
        ("reply from @S0GROUP", "nobody here is @S0GROUP"),
        ("time 25:00", "'25:00' is no time"),
        ("time 2026-02-30 10:00", "'2026-02-30 10:00' is no time"),
        ("time 2027-01-15 07:59", "'2027-01-15 07:59' is over; it is 2027-01-15 08:00 UTC now"),
        ("2027-01-22 08:01", "'2027-01-22 08:01' is more than 7 days away"),
        ("", "say how many seconds, or what to wait for"),
    ],
)
async def test_what_cannot_be_waited_for_is_refused_with_a_sentence(event: str, why: str) -> None:
    box = Box(source=github())
    assert (await refusal(box, event)).startswith(why)


@pytest.mark.parametrize("event", ["run 7001", "workflow deploy.yml"])
async def test_a_run_that_github_cannot_be_asked_for_is_refused(event: str) -> None:
    source = github()
    box = Box(source=source)
    box.model.will("reply", message="hello")
    await box.mentions("hello")
    source.away = True
    box.model.will("wait_for", event=event, seconds=0, reason="")
    box.model.will("reply", message="no")
    await box.says("wait")
    assert await wait_of(box) is None
    assert "GitHub does not answer" in (await box.state()).last_error


# Another thread.


async def ships(box: Box) -> str:
    """Put another thread's card up, and return the thread's id."""
    box.model.will("deploy_backend_to_prod", sha=OTHER, reason="")
    await box.merges(OTHER)
    index = [f"{PULL}|12"]
    await box.log.append(Write(box.thread_id, [], index=index, silent=True))
    return box.thread_id


async def goes_on(box: Box, thread_id: str) -> None:
    box.thread_id = thread_id


@pytest.mark.parametrize("event", ["#12", "thread #12", "thread {}", "thread {short}"])
async def test_a_thread_is_waited_for_until_it_is_through(event: str) -> None:
    box = Box()
    other = await ships(box)
    await waits(box, event.format(other, short=other.rpartition("/")[2]))
    mine, wait = box.thread_id, await waiting(box)
    assert (wait.event, wait.label) == (f"thread/{other}", "#12")
    assert "waiting for <https://github.com/acme/shop/pull/12|#12> to be through" in await says(
        box, "status"
    )
    await goes_on(box, other)
    box.deployer.prepare("production e2e", Observation("running"))
    box.model.will("done_for_now", message="<!channel> done")
    await box.approves()
    await goes_on(box, mine)
    assert await waiting(box), "it shipped, and is not tested yet"
    box.deployer.prepared.clear()
    await box.later(10_000)
    ended = await end_of(box)
    assert ended
    assert (ended.because, ended.told) == ("event", "it brought backend bbbbbbb to production")
    assert ended.url == "https://github.com/acme/shop/pull/12"


async def test_a_thread_that_is_through_is_not_waited_for() -> None:
    box = Box()
    await ships(box)
    box.model.will("done_for_now", message="done")
    await box.approves()
    box.model.will("wait_for", event="#12", seconds=0, reason="")
    box.model.will("reply", message="it is there")
    await box.mentions("wait for #12")
    assert "«#12 has happened already: it brought backend bbbbbbb to production»" in (
        await reads(box)
    )


async def test_the_stop_of_a_thread_wakes_who_waits_for_it() -> None:
    box = Box()
    other = await ships(box)
    await waits(box, "#12")
    mine = box.thread_id
    await goes_on(box, other)
    await box.does(ev.StopRequested(user=BOB))
    await goes_on(box, mine)
    ended = await end_of(box)
    assert ended
    assert ended.told == "it was stopped, it brought nothing to production"


async def test_red_staging_of_a_thread_wakes_who_waits_for_it() -> None:
    box = Box()
    box.deployer.prepare("staging e2e", Observation("running"))
    await box.starts(OTHER)
    await box.settles()
    other = box.thread_id
    await waits(box, f"thread {other}")
    box.deployer.prepared["staging e2e"] = [Observation("failed", "red")]
    await box.later(10_000)
    ended = await end_of(box)
    assert ended
    assert ended.told == "its staging is red"


async def test_the_end_of_an_approval_wakes_who_waits_for_its_thread() -> None:
    box = Box()
    await ships(box)
    await waits(box, "#12", seconds=2 * 24 * 3600)
    await box.later(24 * HOUR)
    ended = await end_of(box)
    assert ended
    assert ended.told == "its approval expired, it brought nothing to production"


async def test_its_own_thread_is_not_waited_for() -> None:
    box = Box()
    own = thread_id_for(REPO, "C01DEPLOYS", "1.1")
    assert await refusal(box, f"thread {own}") == "that is this thread itself"


async def test_a_circle_is_refused_when_it_would_close() -> None:
    box = Box()
    other = await ships(box)
    await waits(box, "#12")
    mine = box.thread_id
    await goes_on(box, other)
    box.model.will("wait_for", event=f"thread {mine}", seconds=0, reason="")
    box.model.will("reply", message="no")
    await box.says("wait for the other")
    assert await wait_of(box) is None
    assert (await box.state()).pending, "the card stays"
    assert "that thread waits for this one" in " ".join(
        e.event.error for e in await box.log.read(other) if isinstance(e.event, ev.ToolRefused)
    )


async def test_of_a_circle_that_closed_in_one_moment_one_gives_way() -> None:
    box = Box()
    other = await ships(box)
    await waits(box, "#12")
    mine = box.thread_id
    wait = ev.WaitStarted(call_id="w9", until=START + WEEK_MS, reason="", event=f"thread/{mine}")
    await goes_on(box, other)
    await box.does(
        ev.ApprovalSuperseded(call_id=(await box.card()).request.call_id, user=BOB), wait
    )
    ends = [e for each in (mine, other) if (e := await ended_in(box, each))]
    assert [end.because for end in ends] == ["circle"]
    last = max(mine, other)
    assert await ended_in(box, last) is not None
    await goes_on(box, min(mine, other))
    assert await waiting(box)


async def ended_in(box: Box, thread_id: str) -> ev.WaitEnded | None:
    await goes_on(box, thread_id)
    return await end_of(box)


async def test_who_waits_for_a_thread_that_wants_its_lock_gives_way() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("request_more_information", question="What now?", choices=[])
    await box.approves()
    mine = box.thread_id
    box.model.will("deploy_backend_to_prod", sha=OTHER, reason="")
    await box.is_asked_for(OTHER)
    other = box.thread_id
    await goes_on(box, mine)
    box.model.will("wait_for", event=f"thread {other}", seconds=0, reason="")
    await box.says("wait for the other")
    assert await waiting(box)
    await goes_on(box, other)
    await box.approves()
    ended = await ended_in(box, mine)
    assert ended
    assert ended.because == "circle"
    assert "the wait is over: what you waited for waits for this thread itself" in await reads(box)


async def test_a_newer_merge_that_waits_for_this_one_is_not_waited_for() -> None:
    box = Box()
    box.model.will("deploy_backend_to_prod", sha=SHA, reason="")
    await box.merges()
    box.model.will("request_more_information", question="What now?", choices=[])
    await box.approves()
    mine = box.thread_id
    await box.later(1000)
    await box.merges(OTHER)
    other = box.thread_id
    await goes_on(box, mine)
    box.model.will("wait_for", event=f"thread {other}", seconds=0, reason="")
    box.model.will("reply", message="It waits for us.")
    await box.says("wait for the newer one")
    events = [entry.event for entry in await box.log.read(mine)]
    [refused] = [event for event in events if isinstance(event, ev.ToolRefused)]
    assert refused.error == "that thread waits for this one, so both would wait for ever"
    assert (await box.state()).wait is None


async def test_what_ended_in_the_moment_in_which_the_wait_began_is_found() -> None:
    box = Box()
    other = await ships(box)
    await goes_on(box, other)
    await box.does(ev.StopRequested(user=BOB))
    box.model.will("reply", message="hello")
    await box.mentions("hello")
    wait = ev.WaitStarted(call_id="w", until=START + WEEK_MS, reason="", event=f"thread/{other}")
    await box.does(wait)
    ended = await end_of(box)
    assert ended
    assert ended.because == "event"


# A person.


@pytest.mark.parametrize("who", [f"@{CARA}", f"<@{CARA}>", "@bob"])
async def test_a_reply_of_somebody_is_waited_for(who: str) -> None:
    box = Box(repo_config(people={"bob": CARA}))
    await waits(box, f"reply from {who}")
    assert (await waiting(box)).event == f"reply/{CARA}"
    assert f"waiting for a reply from <@{CARA}>" in await says(box, "status")
    box.model.will("done_for_now", message="cara says no")
    await box.says("no, not today", user=CARA)
    state = await box.state()
    assert (state.wait, state.wait_held, state.plan_ended) == (None, None, "cara says no")


async def test_words_of_others_are_answered_and_the_wait_goes_on() -> None:
    box = Box()
    await waits(box, f"reply from @{CARA}", seconds=7200)
    wait = await waiting(box)
    await box.says("what is on production?", user=BOB)
    state = await box.state()
    told = render(state, await box.log.read(box.thread_id), box.config, START)
    assert f"you wait for a reply from @{CARA} until 2027-01-15 10:00 UTC" in told
    box.model.will("reply", message="the old version")
    await box.later(60_000)
    assert await waiting(box) == wait
    box.model.will("tell_facts", about="production", of="")
    await box.says("what is on production?", user=BOB)
    assert await waiting(box) == wait
    box.model.will("ignore", reason="thanks")
    await box.says("thanks", user=BOB)
    assert await waiting(box) == wait
    await box.later(7_200_000)
    assert await wait_of(box) is None


async def test_a_wish_ends_the_wait() -> None:
    box = Box()
    other = await ships(box)
    await waits(box, f"thread {other}")
    box.model.will("done_for_now", message="enough")
    await box.says("forget it", user=BOB)
    state = await box.state()
    assert (state.wait, state.wait_held) == (None, None)
    assert f"waits/{box.thread_id}" not in await box.log.facts(REPO)


async def test_a_wait_for_something_else_takes_the_place_of_the_first() -> None:
    box = Box()
    other = await ships(box)
    await waits(box, f"thread {other}")
    box.model.will("wait_for", event="", seconds=60, reason="")
    await box.says("no, wait a minute only")
    assert (await waiting(box)).event == ""
    assert f"waits/{box.thread_id}" not in await box.log.facts(REPO)


@pytest.mark.parametrize("text", ["stop waiting", "continue", "Don't wait!"])
async def test_people_end_a_wait_by_code(text: str) -> None:
    box = Box()
    await waits(box, "time tomorrow 9:00")
    decided = said(await box.state(), BOB, text, None)
    assert isinstance(decided, Accepted)
    await box.does(*decided.events)
    ended = await end_of(box)
    assert ended
    assert (ended.because, ended.user) == ("person", BOB)
    assert f"@{BOB} ended the wait: go on" in await reads(box)
    assert f"<@{BOB}> said to go on." in await says(box, "say:0")


async def test_without_a_wait_these_are_words_like_others() -> None:
    box = Box()
    box.model.will("reply", message="hello")
    await box.mentions("hello")
    decided = said(await box.state(), BOB, "stop waiting", None)
    assert isinstance(decided, Accepted)
    assert isinstance(decided.events[0], ev.HumanSaid)
    assert not isinstance(said(await box.state(), BOB, "stop", None), Refused)


async def test_a_stop_ends_a_wait_too() -> None:
    box = Box()
    await waits(box, f"reply from @{CARA}")
    await box.does(ev.StopRequested(user=BOB))
    assert await wait_of(box) is None


async def test_a_rollback_ends_a_wait_too() -> None:
    box = Box()
    await waits(box, f"reply from @{CARA}")
    await box.does(ev.RollbackOpened(user=BOB))
    assert await wait_of(box) is None


# A time.


@pytest.mark.parametrize(
    ("event", "hours"),
    [
        ("time 15:00", 7),
        ("07:30", 23.5),
        ("time tomorrow 9:00", 25),
        ("time 2027-01-16T00:15", 16.25),
    ],
)
async def test_a_time_of_the_teams_zone_is_waited_for(event: str, hours: float) -> None:
    box = Box()
    await waits(box, event)
    wait = await waiting(box)
    assert (wait.event, wait.until) == ("", START + round(hours * HOUR))
    assert "waiting until" in await says(box, "status")
    await box.later(round(hours * HOUR))
    assert await wait_of(box) is None
    assert "the wait is over: its time is there" in await reads(box)


async def test_an_event_is_waited_for_seven_days_at_the_longest() -> None:
    box = Box()
    await waits(box, f"reply from @{CARA}")
    assert (await waiting(box)).until == START + WEEK_MS


def test_what_a_model_may_write() -> None:
    forms = {
        "workflow run 12": ("run", "12"),
        "run #12": ("run", "12"),
        "Workflow deploy.yaml": ("workflow", "deploy.yaml"),
        "  thread   0123456789 ": ("thread", "0123456789"),
        "PR #42": ("pull request", "42"),
        "reply from bob": None,
        "workflow ../x.yml": None,
        "workflow deploy": None,
        "run ١٢": None,
        "15:00; deploy": None,
    }
    for written, meant in forms.items():
        try:
            found = awaited.parse(written)
        except ValueError:
            found = None
        assert (found and (found.kind, found.name)) == meant, written


def test_what_is_waited_for_is_named_in_plain_words() -> None:
    def named(event: str, **more: Any) -> str:
        return awaited.plainly(ev.WaitStarted(call_id="w", until=0, reason="", event=event, **more))

    assert named("run/5") == "workflow run 5"
    assert named("workflow/a.yml") == "the next run of a.yml"
    assert named("thread/acme/shop/0123456789") == "thread 0123456789 to be through"
    assert named("thread/acme/shop/0123456789", label="#4") == "#4 to be through"
    assert named("reply/U1") == "a reply from @U1"
    assert named("") == ""


async def test_a_thread_that_was_only_asked_something_has_no_end() -> None:
    box = Box()
    box.model.will("reply", message="hello")
    await box.mentions("hello", user=ALICE)
    assert endings.ending(await box.state(), box.config) == ""


async def test_a_thread_without_production_tests_is_through_with_its_plan() -> None:
    shop = repo_config()
    bare = shop.production.model_copy(update={"e2e": None})
    box = Box(repo_config(production=bare))
    await ships(box)
    box.model.will("done_for_now", message="done")
    await box.approves()
    told = "it brought backend bbbbbbb to production"
    assert endings.ending(await box.state(), box.config) == told


async def test_of_a_thread_with_red_tests_that_is_said() -> None:
    box = Box()
    await ships(box)
    red = Observation("failed", "red", failing_tests=("pay",))
    box.deployer.prepare("production e2e", red, red)
    box.model.will("done_for_now", message="done")
    box.model.will("done_for_now", message="left as it is")
    await box.approves()
    told = "it brought backend bbbbbbb to production, and its tests are red"
    assert endings.ending(await box.state(), box.config) == told
