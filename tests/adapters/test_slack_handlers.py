"""What people write and click in Slack becomes events, once, and every click is answered."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core import events as ev
from app.core import lanes, ledger
from app.core.fold import fold
from app.core.ids import thread_id_for
from app.core.ports import Write
from app.redis.log import RedisLog
from app.slack.manifest import manifest
from app.slack.permalinks import FACT
from tests.adapters.slack_desk import BOT, CHANNEL, Desk
from tests.story import ALICE, BOB, CARA, REPO, THREAD, Story, card_facts, repo_config
from tests.waiting import until

MENTION = f"<@{BOT}>"
MENTIONED = thread_id_for(REPO, CHANNEL, "2.2")


@pytest.fixture
async def desk() -> AsyncGenerator[Desk]:
    async with Desk.run(repo_config(people={})) as desk:
        yield desk


@pytest.fixture
async def waiting(desk: Desk) -> Desk:
    """Let a card wait in the Slack thread 1.1."""
    await desk.tells(card())
    return desk


def card(**more: Any) -> Story:
    """Let a change that nobody here wrote wait for approval."""
    told = Story(repo_config(people={})).merged().staged()
    return told.asks(facts=card_facts(barred=(), **more))


def two_repos() -> tuple[Any, Any]:
    """Configure two repositories with one channel."""
    return repo_config(people={}), repo_config(people={}, name="acme/blog")


# Mentions.


async def test_a_mention_starts_one_thread(desk: Desk) -> None:
    assert (await desk.says(f"{MENTION} deploy the backend")).status_code == 200
    started, said = await desk.events_of(MENTIONED)
    assert isinstance(started, ev.ThreadStarted)
    assert (started.origin, started.asked_by, started.root_ts) == ("mention", ALICE, "2.2")
    assert (started.channel, started.branch, started.sha) == (CHANNEL, "main", None)
    assert said == ev.HumanSaid(user=ALICE, text="deploy the backend", ts="2.2")
    assert await desk.log.find(REPO, CHANNEL, "2.2") == MENTIONED


async def test_the_same_event_again_changes_nothing(desk: Desk) -> None:
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "text": "hi", "ts": "2.2"}
    await desk.event(event, "Ev7")
    again = await desk.event(event, "Ev7", x_slack_retry_num="1", x_slack_retry_reason="timeout")
    assert again.status_code == 200
    assert len(await desk.events_of(MENTIONED)) == 2


async def test_a_retry_that_arrives_first_is_taken(desk: Desk) -> None:
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "text": "hi", "ts": "2.2"}
    await desk.event(event, x_slack_retry_num="1")
    assert len(await desk.events_of(MENTIONED)) == 2


async def test_a_mention_inside_a_strange_slack_thread_hangs_on_its_root(desk: Desk) -> None:
    await desk.says(f"{MENTION} what is this?", ts="2.9", thread_ts="2.2")
    started = (await desk.events_of(MENTIONED))[0]
    assert isinstance(started, ev.ThreadStarted)
    assert started.root_ts == "2.2"


async def test_a_second_mention_in_that_slack_thread_is_a_reply(desk: Desk) -> None:
    await desk.says(f"{MENTION} what is this?", ts="2.2")
    await desk.says(f"{MENTION} and that?", ts="2.9", thread_ts="2.2")
    assert [e.type for e in await desk.events_of(MENTIONED)] == [
        "thread_started",
        "human_said",
        "human_said",
    ]


async def test_words_are_decoded_cleaned_masked_and_cut(desk: Desk) -> None:
    secret = "ghp_" + "a" * 30
    await desk.says(f"{MENTION}: a &lt;b&gt; \u202e {secret} " + "x" * 10_000)
    said = await desk.newest(MENTIONED)
    assert isinstance(said, ev.HumanSaid)
    assert said.text.startswith("a <b>")
    assert secret not in said.text
    assert "\u202e" not in said.text
    assert len(said.text) <= 4000


async def test_a_channel_that_serves_nothing_names_those_that_do(desk: Desk) -> None:
    event = {"type": "app_mention", "channel": "C09", "user": ALICE, "text": "hi", "ts": "2.2"}
    await desk.event(event)
    assert await desk.whisper() == (
        "I deploy nothing in this channel. Talk to me in: <#C01DEPLOYS> (acme/shop)."
    )


async def test_a_services_own_channel_is_the_repositorys_too() -> None:
    shop = repo_config(people={})
    frontend = shop.production.services["frontend"].model_copy(update={"channel": "C03WEB"})
    services = {**shop.production.services, "frontend": frontend}
    production = shop.production.model_copy(update={"services": services})
    async with Desk.run(shop.model_copy(update={"production": production})) as desk:
        await desk.says(f"{MENTION} what is on production?", channel="C03WEB")
        [thread_id] = await desk.threads()
        assert thread_id == thread_id_for(REPO, "C03WEB", "2.2")
        await desk.says("and staging?", channel="C03WEB", ts="2.3", thread_ts="2.2")
        said = await desk.newest(thread_id)
        assert isinstance(said, ev.HumanSaid)
        assert said.text == "and staging?"


async def test_a_direct_message_is_told_where_to_go(desk: Desk) -> None:
    event = {"type": "message", "channel": "D1", "user": ALICE, "text": "deploy", "ts": "2.2"}
    await desk.event(event | {"channel_type": "im"})
    assert "<#C01DEPLOYS>" in await desk.whisper()


@pytest.mark.parametrize("words", ["", "stop", "ship it"])
async def test_a_mention_with_nothing_to_do_starts_no_thread(desk: Desk, words: str) -> None:
    await desk.says(f"{MENTION} {words}")
    await desk.whisper()
    assert await desk.threads() == []


async def test_urgent_outside_of_any_merges_thread_marks_nothing(desk: Desk) -> None:
    await desk.says(f"{MENTION} this is urgent")
    assert await desk.whisper() == (
        "Nothing is urgent by that: say it in the thread of the merge that is to go first."
    )
    assert await desk.threads() == []


async def test_urgent_outside_of_any_merges_thread_leads_to_the_newest(waiting: Desk) -> None:
    await waits_at(waiting, "asked")
    await waiting.says(f"{MENTION} hotfix!")
    assert await waiting.whisper() == (
        "Nothing is urgent by that: say it in the thread of the merge that is to go first. "
        "The newest that waits is <https://github.com/acme/shop/pull/12|#12>."
    )
    posted = ev.MessagePosted(slot="status", channel=CHANNEL, ts="1.1")
    await waiting.log.append(Write(THREAD, [posted], facts={FACT: "https://acme.slack.com/"}))
    await waiting.says(f"{MENTION} hotfix!", ts="2.3")
    told = await waiting.whisper(2)
    assert told.endswith("waits is <https://acme.slack.com/archives/C01DEPLOYS/p11|#12>.")


async def test_urgent_leads_to_no_merge_that_is_under_way(waiting: Desk) -> None:
    await waits_at(waiting, "shipping")
    event = {"type": "app_mention", "channel": CHANNEL, "user": ALICE, "ts": "2.2"}
    for _ in range(2):
        await waiting.event({**event, "text": f"{MENTION} urgent"})
    assert (await waiting.whisper()).endswith("of the merge that is to go first.")
    assert waiting.slack.count("chat.postEphemeral") == 1


async def waits_at(desk: Desk, stage: lanes.Stage) -> None:
    """Let the merge of the thread tell how far it is."""
    told = lanes.told(fold(await desk.log.read(THREAD)), stage)
    await desk.log.append(Write(THREAD, [], facts={lanes.key(THREAD): told}, silent=True))


# Which repository.


async def test_a_named_repository_is_taken() -> None:
    async with Desk.run(*two_repos()) as desk:
        await desk.says(f"{MENTION} deploy the Blog, please")
        assert await desk.threads("acme/blog") == [thread_id_for("acme/blog", CHANNEL, "2.2")]
        assert await desk.threads() == []


async def asked_for_repo(desk: Desk, text: str) -> list[dict[str, Any]]:
    """Mention the bot where two repositories are served, and return the buttons."""
    await desk.says(f"{MENTION} {text}")
    await until(lambda: desk.slack.count("chat.postEphemeral"))
    blocks = json.loads(desk.slack.fields("chat.postEphemeral")[0]["blocks"])
    return blocks[1]["elements"]


async def test_an_unnamed_repository_is_asked_for_with_the_words_kept() -> None:
    async with Desk.run(*two_repos()) as desk:
        buttons = await asked_for_repo(desk, "deploy <the> backend")
        assert [b["action_id"] for b in buttons] == ["choose_repo_0", "choose_repo_1"]
        await desk.clicks("choose_repo_1", buttons[1]["value"], ALICE)
        thread_id = thread_id_for("acme/blog", CHANNEL, "2.2")
        said = await desk.newest(thread_id)
        assert said == ev.HumanSaid(user=ALICE, text="deploy <the> backend", ts="2.2")
        assert desk.slack.count("chat.postEphemeral") == 1


async def test_a_repository_is_chosen_once() -> None:
    async with Desk.run(*two_repos()) as desk:
        buttons = await asked_for_repo(desk, "deploy")
        await desk.clicks("choose_repo_0", buttons[0]["value"], ALICE)
        await desk.clicks("choose_repo_1", buttons[1]["value"], ALICE)
        assert await desk.whisper(2) == "That is already under way: see its thread."
        assert await desk.threads("acme/blog") == []


async def test_long_words_fit_a_buttons_value() -> None:
    async with Desk.run(*two_repos()) as desk:
        buttons = await asked_for_repo(desk, '"\n' * 2000)
        assert all(len(button["value"]) <= 2000 for button in buttons)


# Replies.


async def test_a_reply_in_a_known_thread_is_heard(waiting: Desk) -> None:
    await waiting.says("why the frontend first?", thread_ts="1.1")
    said = ev.HumanSaid(user=ALICE, text="why the frontend first?", ts="2.2")
    assert await waiting.newest() == said


async def test_a_mention_in_a_known_thread_is_one_reply(waiting: Desk) -> None:
    before = len(await waiting.events_of())
    await waiting.says(f"{MENTION} why?", thread_ts="1.1")
    assert len(await waiting.events_of()) == before + 1


@pytest.mark.parametrize(
    "event",
    [
        {"thread_ts": "9.9"},
        {},
        {"thread_ts": "1.1", "bot_id": "B1"},
        {"thread_ts": "1.1", "subtype": "message_changed"},
        {"thread_ts": "1.1", "subtype": "message_deleted"},
        {"thread_ts": "1.1", "user": None},
    ],
)
async def test_what_nobody_said_to_us_is_ignored(waiting: Desk, event: dict[str, Any]) -> None:
    before = len(await waiting.events_of())
    words = {"type": "message", "channel": CHANNEL, "user": ALICE, "text": "stop", "ts": "2.2"}
    assert (await waiting.event(words | event)).status_code == 200
    assert len(await waiting.events_of()) == before
    assert await waiting.threads() == [THREAD]


async def test_a_reply_that_is_also_sent_to_the_channel_is_heard(waiting: Desk) -> None:
    words = {"type": "message", "channel": CHANNEL, "user": ALICE, "text": "stop", "ts": "2.2"}
    await waiting.event(words | {"thread_ts": "1.1", "subtype": "thread_broadcast"})
    assert await waiting.newest() == ev.StopRequested(user=ALICE)


async def test_stop_with_a_mention_stops_once_and_says_nothing(waiting: Desk) -> None:
    await waiting.says(f"{MENTION} stop", thread_ts="1.1")
    assert await waiting.newest() == ev.StopRequested(user=ALICE)
    await waiting.says("continue", ts="2.3", thread_ts="1.1")
    assert await waiting.newest() == ev.Continued(user=ALICE)
    assert waiting.whispers() == []


async def test_words_never_approve(waiting: Desk) -> None:
    before = await waiting.events_of()
    await waiting.says(f"{MENTION} ship it", BOB, thread_ts="1.1")
    assert "Only the button approves" in await waiting.whisper()
    assert await waiting.events_of() == before
    await waiting.says("approved", BOB, "2.3", "1.1")
    await waiting.whisper(2)
    assert waiting.slack.count("chat.postEphemeral") == 2


# Clicks.


async def test_an_approver_approves(waiting: Desk) -> None:
    assert (await waiting.clicks("approve")).status_code == 200
    granted = await waiting.newest()
    assert isinstance(granted, ev.ApprovalGranted)
    assert granted.user == CARA
    assert waiting.whispers() == []


async def test_a_hundred_clicks_are_one_approval(waiting: Desk) -> None:
    users = (BOB, CARA)
    for user in users:  # Slack has said who they are: a hundred lookups at once may take too long
        await waiting.clicks("happened", user=user)
    await waiting.whisper(2)
    waiting.slack.calls.clear()
    clicks = (waiting.clicks("approve", user=users[n % 2]) for n in range(100))
    answers = await asyncio.gather(*clicks)
    granted = [e for e in await waiting.events_of() if e.type == "approval_granted"]
    assert len(granted) == 1
    assert {answer.status_code for answer in answers} == {200}
    await until(lambda: len(waiting.whispers()) == 99)
    assert {text.partition(" approved")[2][:13] for text in waiting.whispers()} == {" this already"}


async def test_a_hundred_clicks_on_a_real_store_are_one_approval(redis_log: RedisLog) -> None:
    async with Desk.run(repo_config(people={}), log=redis_log) as desk:
        told = card()
        told.now = await redis_log.now(REPO)
        await desk.tells(told.asks("c2", facts=card_facts(barred=())))
        await asyncio.gather(*(desk.clicks("approve", f"{THREAD}:c2") for _ in range(100)))
        granted = [e for e in await desk.events_of() if e.type == "approval_granted"]
        assert len(granted) == 1
        await until(lambda: len(desk.whispers()) == 99)


async def test_words_that_are_only_answered_leave_a_real_store_alone(redis_log: RedisLog) -> None:
    async with Desk.run(*two_repos(), log=redis_log) as desk:
        await desk.says(f"{MENTION} deploy")
        await desk.says(f"{MENTION} deploy")
        await until(lambda: desk.slack.count("chat.postEphemeral"))
        assert await desk.threads() == []
        assert desk.slack.count("chat.postEphemeral") == 1


async def test_two_approvers_are_needed_where_two_are_asked_for(desk: Desk) -> None:
    await desk.tells(card(needed=2))
    await desk.clicks("approve")
    await desk.clicks("approve")
    assert "1 of 2 approvals are there" in await desk.whisper()
    await desk.clicks("approve", user=BOB)
    granted = [e for e in await desk.events_of() if isinstance(e, ev.ApprovalGranted)]
    assert [e.user for e in granted] == [CARA, BOB]


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"is_bot": True}, "Bots cannot decide"),
        ({"deleted": True}, "deactivated"),
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"team_id": "T09OTHER"}, "other workspaces"),
        ({"is_stranger": True}, "other workspaces"),
    ],
)
async def test_slack_is_asked_who_clicked(
    waiting: Desk, flags: dict[str, Any], sentence: str
) -> None:
    waiting.slack.users[CARA] = flags
    await waiting.clicks("approve")
    assert sentence in await waiting.whisper()
    assert (await waiting.newest()).type == "approval_requested"


async def test_who_may_not_hears_who_may(waiting: Desk) -> None:
    await waiting.clicks("approve", user=ALICE)
    assert await waiting.whisper() == (
        "You are not an approver of backend. These are: <@U02BOB>, <@U03CARA>."
    )


async def test_an_author_may_not_approve() -> None:
    async with Desk.run(repo_config(people={"alice": CARA})) as desk:
        await desk.tells(card())
        await desk.clicks("approve")
        assert (await desk.whisper()).startswith("You wrote, merged or pushed this change")


async def test_a_member_of_an_approving_group_may() -> None:
    repo = repo_config(people={}, approvers=("S0OPS",))
    async with Desk.run(repo) as desk:
        desk.slack.groups["S0OPS"] = [ALICE]
        await desk.tells(Story(repo).merged().staged().asks(facts=card_facts(barred=())))
        await desk.clicks("approve", user=BOB)
        assert "<!subteam^S0OPS>" in await desk.whisper()
        await desk.clicks("approve", user=ALICE)
        assert (await desk.newest()).type == "approval_granted"


@pytest.mark.parametrize("method", ["users.info", "conversations.info", "auth.test"])
async def test_who_cannot_be_checked_may_not(waiting: Desk, method: str) -> None:
    waiting.slack.failing.add(method)
    assert (await waiting.clicks("approve")).status_code == 200
    assert "fatal_error. Nothing was recorded, try again." in await waiting.whisper()
    assert (await waiting.newest()).type == "approval_requested"


@pytest.mark.parametrize("flag", ["is_ext_shared", "is_org_shared", "is_pending_ext_shared"])
async def test_nothing_is_decided_in_a_shared_channel(waiting: Desk, flag: str) -> None:
    waiting.slack.channels[CHANNEL] = {flag: True}
    await waiting.clicks("approve")
    assert "shared with other workspaces" in await waiting.whisper()


async def test_what_speaks_for_a_person_is_kept_for_a_minute(waiting: Desk) -> None:
    for _ in range(2):
        await waiting.clicks("approve")
    assert waiting.slack.count("users.info") == 1
    waiting.seconds += 61
    waiting.slack.users[CARA] = {"deleted": True}
    await waiting.tells(Story(repo_config(people={})).asks("c2"))
    await waiting.clicks("approve", f"{THREAD}:c2")
    assert "deactivated" in await waiting.whisper(2)


async def test_what_speaks_against_a_person_is_asked_again(waiting: Desk) -> None:
    waiting.slack.users[CARA] = {"is_restricted": True}
    await waiting.clicks("approve")
    waiting.slack.users[CARA] = {}
    await waiting.clicks("approve")
    assert (await waiting.newest()).type == "approval_granted"


@pytest.mark.parametrize(
    ("value", "channel", "sentence"),
    [
        (f"{THREAD}:c1", "C09", "This button belongs to another channel."),
        ("acme/shop/9999999999:c1", CHANNEL, "I do not know this thread any more."),
        ("acme/other/0123456789:c1", CHANNEL, "I do not know this thread any more."),
        ("nonsense", CHANNEL, "I do not know this thread any more."),
        (f"{THREAD}:c9", CHANNEL, "I do not know this card any more."),
        (THREAD, CHANNEL, "I do not know this card any more."),
    ],
)
async def test_a_strange_button_is_answered(
    waiting: Desk, value: str, channel: str, sentence: str
) -> None:
    assert (await waiting.clicks("approve", value, channel=channel)).status_code == 200
    assert (await waiting.whisper()).startswith(sentence)


async def test_a_held_card_says_whom_it_reads(waiting: Desk) -> None:
    await waiting.says("wait, why?", thread_ts="1.1")
    await waiting.clicks("approve")
    assert "I am reading <@U01ALICE>'s message" in await waiting.whisper()


async def test_a_bare_reject_asks_what_else(waiting: Desk) -> None:
    await waiting.clicks("reject", user=ALICE)
    rejected, asked = (await waiting.events_of())[-2:]
    assert rejected == ev.ApprovalRejected(call_id="c1", user=ALICE)
    assert isinstance(asked, ev.BotSaid)
    assert asked.text == "What should I do instead?"


async def test_releasing_a_hold_deletes_the_repos_fact(waiting: Desk) -> None:
    held = ev.HoldPlaced(service="backend", bad_sha="0" * 40)
    told = Story(repo_config(people={})).merged().state
    await waiting.log.append(ledger.write(told, [held], 0))
    await waiting.clicks("approve")
    assert "on hold" in await waiting.whisper()
    await waiting.clicks("release")
    assert "hold/backend" not in await waiting.log.facts(REPO)
    await waiting.clicks("approve")
    assert (await waiting.newest()).type == "approval_granted"


@pytest.mark.parametrize(("action_id", "scope"), [("retry", "all"), ("retry_e2e", "e2e")])
async def test_staging_is_retried(desk: Desk, action_id: str, scope: str) -> None:
    failed = Story().merged().starts("s1", kind="e2e").ends("s1", "failed")
    await desk.tells(failed.then(ev.StagingEnded(sha="4" * 40, passed=False, summary="red")))
    await desk.clicks(action_id, f"{THREAD}:{scope}", ALICE)
    again = await desk.newest()
    assert isinstance(again, ev.StagingRequested)
    assert (again.scope, again.user) == (scope, ALICE)


async def test_a_choice_is_said(desk: Desk) -> None:
    question = ev.BotSaid(call_id="q1", text="Which?", because="question", choices=("a", "b"))
    await desk.tells(Story().mentioned().then(question))
    await desk.clicks("choose_1", f"{THREAD}:q1:1", ALICE)
    assert await desk.newest() == ev.HumanSaid(user=ALICE, text="b")


async def test_the_stop_button_stops(waiting: Desk) -> None:
    await waiting.clicks("stop", THREAD, ALICE)
    assert await waiting.newest() == ev.StopRequested(user=ALICE)
    await waiting.clicks("stop", THREAD, BOB)
    assert await waiting.whisper() == "<@U01ALICE> stopped this thread already."


async def test_slacks_own_stop_button_stops(waiting: Desk) -> None:
    event = {"type": "agent_session_stopped", "channel": CHANNEL, "user": ALICE}
    await waiting.event(event | {"thread_ts": "1.1"})
    assert await waiting.newest() == ev.StopRequested(user=ALICE)


# The feedback form.


async def test_reject_with_feedback_opens_the_form(waiting: Desk) -> None:
    await waiting.clicks("reject_with_feedback")
    await until(lambda: waiting.slack.count("views.open"))
    opened = waiting.slack.fields("views.open")[0]
    view = json.loads(opened["view"])
    assert opened["trigger_id"] == "123.456"
    assert (view["callback_id"], view["private_metadata"]) == ("feedback", f"{THREAD}:c1")
    assert view["blocks"][1]["block_id"] == "feedback"
    assert view["blocks"][1]["element"]["action_id"] == "feedback"
    assert len(view["title"]["text"]) <= 24


async def test_a_settled_card_opens_no_form(waiting: Desk) -> None:
    await waiting.clicks("approve")
    await waiting.clicks("reject_with_feedback")
    assert "approved this already" in await waiting.whisper()
    assert waiting.slack.count("views.open") == 0


async def test_a_form_that_does_not_open_says_so(waiting: Desk) -> None:
    waiting.slack.failing.add("views.open")
    await waiting.clicks("reject_with_feedback")
    assert "I could not open the form" in await waiting.whisper()


async def test_the_forms_words_reject(waiting: Desk) -> None:
    answer = await waiting.submits("deploy the <backend> first")
    assert (answer.status_code, answer.text) == (200, "")
    assert await waiting.newest() == ev.ApprovalRejected(
        call_id="c1", user=CARA, text="deploy the <backend> first"
    )


async def test_an_empty_form_stays_open(waiting: Desk) -> None:
    answer = (await waiting.submits(" ")).json()
    assert answer["errors"] == {"feedback": "Say what I should do instead."}


async def test_words_that_come_too_late_are_given_back(waiting: Desk) -> None:
    await waiting.clicks("approve")
    await waiting.submits("backend first")
    answer = await waiting.whisper()
    assert "approved this already" in answer
    assert "“backend first”" in answer


# The command, App Home, the manifest.


async def test_the_command_shows_what_waits(waiting: Desk) -> None:
    answer = await waiting.commands("status")
    assert "*deploy backend* `4af9ec0` in <#C01DEPLOYS>, acme/shop" in answer
    assert "Approve" in await waiting.commands("help")
    assert "I deploy nothing in this channel" in await waiting.commands("status", "C09")


async def test_the_command_shows_what_runs_on_production(desk: Desk) -> None:
    story = Story().merged().staged().asks().approves()
    await desk.tells(story.starts("p", "production", call_id="c1"))
    answer = await desk.commands("status")
    assert "*deploy backend* `4af9ec0` in <#C01DEPLOYS>, acme/shop: running since <!date^" in answer


async def test_nothing_waits_where_nothing_waits(desk: Desk) -> None:
    assert await desk.commands("status") == "Nothing waits for anybody here."
    assert await desk.commands("locks") == "Nothing is locked or frozen here."
    assert await desk.commands("what is waiting?") == "Nothing waits for anybody."


@pytest.mark.parametrize("asked", ["what is waiting?", "What\u2019s  waiting", "waiting"])
async def test_the_command_answers_what_waits_as_a_mention_does(waiting: Desk, asked: str) -> None:
    title, line = (await waiting.commands(asked)).splitlines()
    assert title == "Waiting:"
    assert line.startswith("• deploy backend `4af9ec0` waits for approval since <!date^")


async def test_of_several_repositories_the_command_names_each() -> None:
    api = repo_config(name="acme/api")
    async with Desk.run(repo_config(), api) as desk:
        assert (await desk.commands("waiting")).splitlines() == [
            "*acme/shop:* Nothing waits for anybody.",
            "*acme/api:* Nothing waits for anybody.",
        ]


async def test_what_the_command_cannot_answer_it_says_how_to_ask(desk: Desk) -> None:
    answer = await desk.commands("who approved the last one?")
    assert answer.endswith(
        "`/deploybot` answers `status`, `what is waiting?` and `locks`, and takes `lock …` and "
        "`unlock …`; ask all else by a mention."
    )


async def test_app_home_lists_the_cards(waiting: Desk) -> None:
    opened = {"type": "app_home_opened", "user": BOB, "channel": "D1", "tab": "home"}
    await waiting.event(opened)
    await until(lambda: waiting.slack.count("views.publish"))
    view = waiting.slack.fields("views.publish")[0]["view"]
    assert "deploy backend" in view


async def test_app_home_tells_times_as_the_team_reads_them() -> None:
    async with Desk.run(repo_config(people={}, zone=ZoneInfo("Europe/Berlin"))) as desk:
        await desk.tells(card())
        opened = {"type": "app_home_opened", "user": BOB, "channel": "D1", "tab": "home"}
        await desk.event(opened)
        await until(lambda: desk.slack.count("views.publish"))
        view = desk.slack.fields("views.publish")[0]["view"]
        assert "approve until <!date^" in view
        assert "Europe/Berlin>" in view


async def test_app_home_may_be_missing(waiting: Desk) -> None:
    waiting.slack.failing.add("views.publish")
    opened = {"type": "app_home_opened", "user": BOB, "channel": "D1", "tab": "home"}
    assert (await waiting.event(opened)).status_code == 200
    await until(lambda: waiting.slack.count("views.publish"))


def test_the_manifest_points_everything_at_the_one_door() -> None:
    made = manifest("https://bot.example/")
    url = "https://bot.example/slack/events"
    assert made["settings"]["event_subscriptions"]["request_url"] == url
    assert made["settings"]["interactivity"]["request_url"] == url
    assert made["features"]["slash_commands"][0]["url"] == url
    assert "usergroups:read" in made["oauth_config"]["scopes"]["bot"]
