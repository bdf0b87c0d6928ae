"""Questions about the day, asked in threads and answered by code from what the threads left."""

import json
from typing import Any

import pytest

from app.core import answers, obstacles, what_waits
from app.core import events as ev
from app.core.days import Span
from app.core.happened import Record, Rider, records, under_way
from app.core.obstacles import Seen
from app.core.ports import Observation, Write
from app.model.offline import OfflinePlanner
from tests.core.box import SHA, Box
from tests.shop import BOB, CARA, REPO, repo_config

FREE = "Nothing blocks backend: no lock, no freeze, no hold, and no deploy is using it."
RUNNING = Observation(status="running")
DAY = Span("today (Mon 30 Nov, UTC)", 1000, 2000)


def record(at: int, **more: Any) -> Record:
    values: dict[str, Any] = {
        "kind": "deploy",
        "sha": SHA,
        "service": "backend",
        "outcome": "succeeded",
        "approved_by": (BOB,),
        "message": "C01DEPLOYS|1.1",
    }
    return Record(at=at, **(values | more))


def plain(answer: answers.Answer) -> list[str]:
    return [answer.title, *("".join(piece.text for piece in line) for line in answer.lines)]


def test_what_went_out_is_told_in_order() -> None:
    pull = {"pull": 41, "url": "https://github.com/a/b/pull/41", "author": "alice", "title": "Tax"}
    told = [
        record(2000),
        record(1900, kind="rollback", approved_by=(BOB, CARA)),
        record(1800, outcome="failed"),
        record(1750, outcome="unknown"),
        record(1700, kind="staged", service="", outcome="", approved_by=()),
        record(1600, **pull),
        record(999),
    ]
    assert plain(answers.went_out(told, DAY)) == [
        "Went out today (Mon 30 Nov, UTC): 2",
        f"1600 · backend 4af9ec0 · #41 Tax by alice · approved by {BOB} · thread",
        f"1750 · ❓ backend 4af9ec0: nobody knows whether it happened · approved by {BOB} · thread",
        f"1800 · ❌ backend 4af9ec0 failed · approved by {BOB} · thread",
        f"1900 · backend rolled back to 4af9ec0 · approved by {BOB}, {CARA} · thread",
    ]


def test_what_only_failed_did_not_go_out() -> None:
    told = [record(1800, outcome="cancelled", kind="rollback"), record(1700, outcome="failed")]
    assert plain(answers.went_out(told, DAY)) == [
        "Nothing went out today (Mon 30 Nov, UTC). Tried:",
        f"1700 · ❌ backend 4af9ec0 failed · approved by {BOB} · thread",
        f"1800 · ⏹️ backend rolled back to 4af9ec0 was cancelled · approved by {BOB} · thread",
    ]


def test_what_may_have_gone_out_is_not_denied() -> None:
    unsure = answers.went_out([record(1700, outcome="unknown")], DAY)
    assert unsure.title == "Nothing is known to have gone out today (Mon 30 Nov, UTC). Tried:"


def test_what_rode_along_is_named_and_cut_visibly() -> None:
    riders = (Rider(number=1, url="u"), *(Rider(number=n, url="u", author="bob") for n in (2, 3)))
    riders += tuple(Rider(number=n, url="u", author="cara") for n in range(4, 8))
    named = "#1, #2 by bob, #3 by bob, #4 by cara, #5 by cara"
    line = plain(answers.went_out([record(1500, riders=riders, riders_total=9)], DAY))[1]
    assert line == f"1500 · backend 4af9ec0 · with {named} and 4 more · approved by {BOB} · thread"


def test_a_quiet_day_says_so() -> None:
    assert plain(answers.went_out([record(5)], DAY)) == [
        "Nothing went out today (Mon 30 Nov, UTC)."
    ]


def test_a_long_day_is_cut_visibly() -> None:
    answer = answers.went_out([record(1999 - n) for n in range(25)], DAY)
    assert answer.title.endswith(": 25")
    assert (len(answer.lines), answer.cut) == (20, 5)
    assert answers.more_than(answer.cut) == "… and 5 more (cut)"


def test_a_record_that_reaches_less_far_back_says_so() -> None:
    full = [record(1500)] * 500
    reach = "My record reaches back to 1500, no further."
    assert plain(answers.went_out(full, DAY))[1] == reach
    assert plain(answers.of_commit("b" * 40, full, ()))[1] == reach
    assert len(plain(answers.of_commit("b" * 40, full[1:], ()))) == 1
    assert "no further" not in plain(answers.went_out([*full, record(10)], DAY))[1]


def test_the_last_approval_is_found_for_all_or_for_a_service() -> None:
    told = [record(9, approved_by=()), record(8, service="frontend"), record(7)]
    assert plain(answers.last_approval(told))[1].startswith("8 · frontend")
    assert plain(answers.last_approval(told, "backend"))[1].startswith("7 · backend")
    assert plain(answers.last_approval([])) == ["I have no record of anything that was approved."]
    assert plain(answers.last_approval(told, "web")) == [
        "I have no record of anything of web that was approved."
    ]


def test_a_commit_is_followed_from_staging_to_where_it_runs() -> None:
    staged = record(1, kind="staged", service="", outcome="", title="Tax", message="")
    there = (ev.Running(service="backend", sha=SHA, source="recorded"),)
    assert plain(answers.of_commit(SHA, [record(2), staged], there)) == [
        "4af9ec0 went to production; it runs there now: backend.",
        "1 · 4af9ec0 · Tax passed staging",
        f"2 · backend 4af9ec0 · approved by {BOB} · thread",
    ]
    assert answers.of_commit(SHA, [record(2)], ()).title.endswith("nothing runs it now.")
    assert plain(answers.of_commit(SHA, [], ())) == [
        "4af9ec0 has not gone to production by itself, as far as I know."
    ]
    assert answers.of_commit(SHA, [], there).title == (
        "4af9ec0 runs on production: backend. I did not bring it there."
    )


def test_production_is_told_with_what_is_known_of_it() -> None:
    block = ev.Block(service="b", user=BOB, since=0)
    running = (
        ev.Running(service="a", sha=None, source="unknown"),
        ev.Running(service="b", sha=SHA, source="deployer", hold="0ddba11", blocks=(block,)),
        ev.Running(service="backend", sha=SHA, source="recorded", verified_sha=SHA),
        ev.Running(
            service="c", sha=SHA, source="recorded", blocks=(ev.Block(service="c", since=0),)
        ),
    )
    assert plain(answers.on_production(running, [record(7)])) == [
        "On production:",
        "a: nobody knows what it runs",
        "b 4af9ec0 · says the target; I did not bring it there · on hold since 0ddba11 was rolled "
        "back · locked",
        f"backend 4af9ec0 · since 7 · approved by {BOB} · e2e tests green · thread",
        "c 4af9ec0 · frozen",
    ]
    assert plain(answers.on_production((), [])) == ["I do not know what production runs."]


def test_a_line_of_an_older_version_is_read_and_shares_what_the_merge_told() -> None:
    old = {"kind": "deploy", "sha": SHA, "title": "", "thread": "acme/shop/1", "at": 5}
    merge = {"kind": "staged", "sha": SHA, "title": "Tax", "at": 4, "pull": 41, "url": "u"}
    told = records([json.dumps(old | {"service": "backend"}), json.dumps(merge)])
    assert (told[0].pull, told[0].title, told[0].message) == (41, "Tax", "")
    assert told[1].author == ""


# In threads.


async def told(box: Box) -> list[str]:
    say = (await box.state()).says[-1]
    assert say.because == "answer"
    return [say.text, *("".join(piece.text for piece in line) for line in say.lines)]


async def shipped(box: Box) -> None:
    await box.merges()
    await box.approves()
    await box.approves()


async def test_a_question_in_the_middle_of_an_approval_is_answered_and_the_card_stays() -> None:
    box = Box(model=OfflinePlanner())
    await box.merges()
    await box.approves()
    card = await box.card()
    await box.says("what went out today?")
    lines = await told(box)
    assert lines[0].startswith("Went out today (")
    assert "frontend 4af9ec0 · #12 Add gift cards by alice" in lines[1]
    assert f"approved by {BOB}" in lines[1]
    assert (await box.card()).request == card.request
    assert (await box.state()).held_by is None
    await box.approves()
    assert (await box.state()).shipped == {"frontend": SHA, "backend": SHA}


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("what is on production?", "On production:"),
        ("what version of backend runs on prod?", "On production:"),
        ("which version does backend run?", "On production:"),
        ("what went out yesterday?", "Nothing went out yesterday ("),
        ("who approved the last one?", "Approved last:"),
        ("who approved backend last?", "Approved last:"),
        ("when did 4af9ec0 go out?", "4af9ec0 went to production; it runs there now:"),
        ("is 4af9ec0 on production?", "4af9ec0 went to production; it runs there now:"),
        ("what is waiting?", "Nothing waits for anybody."),
        ("why is backend blocked?", FREE),
    ],
)
async def test_a_mention_asks_and_code_answers(words: str, title: str) -> None:
    box = Box(model=OfflinePlanner())
    await shipped(box)
    await box.mentions(words)
    assert (await told(box))[0].startswith(title)


async def test_what_waits_is_told_of_every_thread() -> None:
    box = Box(config=repo_config(approvals_needed=2), model=OfflinePlanner())
    await box.merges()
    await box.approves()
    await box.mentions("anything waiting?")
    [_, line] = await told(box)
    assert line.startswith("deploy frontend 4af9ec0 waits for approval (1 of 2 approvals) since ")


async def test_an_unknown_outcome_waits_for_whoever_can_say() -> None:
    box = Box(model=OfflinePlanner())
    await box.merges()
    box.deployer.prepare("production frontend", Observation(status="unknown"))
    await box.approves()
    await box.says("what is waiting?")
    assert "frontend: somebody has to say whether it happened, since " in (await told(box))[1]


async def test_a_question_waits_too() -> None:
    box = Box(model=OfflinePlanner())
    await box.merges()
    await box.does(ev.BotSaid(call_id="q", text="Which one?", because="question"))
    state = await box.state()
    state.cards.clear()
    assert (
        " waits for an answer since " in plain(what_waits.waiting(repo_config(), [state], {}, 0))[1]
    )


async def test_who_locked_a_service_is_linked_to_the_thread_that_says_so() -> None:
    box = Box(model=OfflinePlanner())
    await box.mentions("hello there")
    locked = ev.ServiceLocked(services=("backend",), user=BOB, reason="load", until=None)
    await box.does(locked)
    await box.says("why is backend locked?")
    [_, line] = await told(box)
    assert line.startswith(f"backend: locked by {BOB} since ")
    assert line.endswith(": load · thread")
    assert (await box.state()).says[-1].lines[0][-1].to == "C01DEPLOYS|1.1"


async def test_a_hold_is_linked_to_the_thread_of_the_rollback() -> None:
    box = Box(model=OfflinePlanner())
    await box.mentions("hello there")
    await box.does(ev.HoldPlaced(service="backend", bad_sha="0ddba11" * 5))
    await box.later(11 * 60_000)  # what was fetched before is too old by then
    await box.says("why is backend blocked?")
    [_, line] = await told(box)
    assert line.startswith("backend: on hold since 0ddba11 was rolled back; ")
    assert line.endswith("an approver releases it on its card · thread")
    assert (await box.state()).says[-1].lines[0][-1].to == "C01DEPLOYS|1.1"


async def test_freezes_holds_and_ends_are_told() -> None:
    running = (
        ev.Running(
            service="backend",
            sha=SHA,
            source="recorded",
            hold="0ddba11",
            blocks=(ev.Block(service="backend", reason="weekend", since=0, until=5),),
        ),
    )
    assert plain(obstacles.blocked(repo_config(), Seen(running, {}, {}, ()), ("backend",))) == [
        "Blocked:",
        "backend: frozen until 5: weekend",
        "backend: on hold since 0ddba11 was rolled back; a newer change has to pass staging, then "
        "an approver releases it on its card",
    ]


@pytest.mark.parametrize(
    ("about", "of", "refusal"),
    [
        ("went_out", "someday", "'someday' is no day; there are: today, yesterday"),
        ("production", "web", "'web' is no service; there are: frontend, backend"),
        ("commit", "fffffff", "'fffffff' is no commit that this thread knows."),
    ],
)
async def test_what_a_model_asks_wrongly_is_refused(about: str, of: str, refusal: str) -> None:
    box = Box()
    box.model.will("tell_facts", about=about, of=of)
    box.model.will("tell_facts", about="waiting", of="")
    await box.mentions("hm?")
    refused = [e.event for e in await box.log.read(box.thread_id)]
    assert next(e.error for e in refused if isinstance(e, ev.ToolRefused)).startswith(refusal)
    assert (await told(box))[0] == "Nothing waits for anybody."


async def test_an_approval_that_is_under_way_is_the_last_one() -> None:
    box = Box(model=OfflinePlanner())
    await box.merges()
    box.deployer.prepare("production frontend", *[RUNNING] * 3)
    await box.approves()
    await box.says("who approved the last one?")
    assert f"frontend 4af9ec0 · under way · approved by {BOB}" in (await told(box))[1]


async def test_of_an_approved_plan_the_steps_to_come_are_under_way_until_it_ends() -> None:
    box = Box(repo_config(approval="plan"), model=OfflinePlanner())
    await box.merges()
    box.deployer.prepare("production frontend", *[RUNNING] * 3)
    await box.approves()
    approved = plain(answers.last_approval(under_way(await box.state()), "backend"))
    assert f"backend 4af9ec0 · under way · approved by {BOB}" in approved[1]
    await box.does(ev.StopRequested(user=CARA))
    assert under_way(await box.state()) == []


async def test_history_knows_the_merge_and_the_thread() -> None:
    box = Box(model=OfflinePlanner())
    await box.starts()
    posted = ev.MessagePosted(slot="status", channel="C01DEPLOYS", ts="7.7")
    await box.log.append(Write(box.thread_id, [posted]))
    await box.settles()
    [staged] = records(await box.log.history(REPO, 1))
    assert (staged.pull, staged.author, staged.message) == (12, "alice", "C01DEPLOYS|7.7")
