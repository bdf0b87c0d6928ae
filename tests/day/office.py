"""The service on the day: what people do, and what the service does until the next one does.

Everything between Slack's and GitHub's requests and what Slack shows is real: the doors, the store,
the worker and the sender. They are stepped by hand, so that the same day is the same every time.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis

from app import approving
from app import signed as tokens
from app.configuration import load_repos
from app.core.config import RepoConfig
from app.core.errors import ChatUnavailable
from app.core.ports import Deployer
from app.demo.local_slack import BOT_USER, LocalSlack, Workspace
from app.desk import Ports
from app.github.edge import github_routes
from app.model.offline import OfflinePlanner
from app.redis.log import RedisLog
from app.slack.chat import SlackChat
from app.slack.edge import slack_routes
from app.slack.handlers import build_app
from app.slack.outage import REST_SECONDS
from app.slack.people import SlackPeople
from app.slack.roster import SlackRoster
from app.slack.sender import SlackSender
from app.undeployed import UndeployedWatch
from app.worker import Worker
from tests import payloads
from tests.adapters.github_bodies import SECRET, encoded, merged, signed
from tests.day.clock import Clock, told
from tests.day.company import CHANNELS, IDS, REPO, configured, workspace
from tests.day.diary import BOT, Diary, Post
from tests.day.shop import Branch, HolidayCalendar, Targets, sha_of
from tests.day.showing import shown
from tests.scenarios.world import buttons
from tests.waiting import until

Json = dict[str, Any]
KEY = "k" * 32


class Overheard(SlackChat):
    """Slack, which can be down, and the diary that notes what is sent there."""

    def __init__(self, token: str, url: str, diary: Diary, clock: Clock) -> None:
        super().__init__(token, url, dates=False)
        self._diary = diary
        self._clock = clock
        self.is_down = False

    async def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        thread_ts: str | None,
        key: str,
    ) -> str:
        payloads.check(text, blocks)
        self._answers()
        ts = await super().post(channel, text, blocks, thread_ts, key)
        said = payloads.words(text, blocks)
        self._diary.posted(self._clock.now, channel, ts, thread_ts, BOT, shown(text, blocks), said)
        return ts

    async def update(
        self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> None:
        payloads.check(text, blocks)
        self._answers()
        await super().update(channel, ts, text, blocks)
        self._diary.edited(self._clock.now, channel, ts, shown(text, blocks))

    def _answers(self) -> None:
        if self.is_down:
            raise ChatUnavailable("503")


@dataclass
class Office:
    """The company's day, with verbs."""

    url: str
    log: RedisLog
    redis: Any
    slack: LocalSlack
    chat: Overheard
    clock: Clock
    targets: Targets
    branch: Branch
    diary: Diary
    worker: Worker
    sender: SlackSender
    watch: UndeployedWatch
    repos: Mapping[str, RepoConfig]

    # Time.

    async def at(self, said: str) -> None:
        """Let the day go on until then: all that is due before happens at its time."""
        await self.settle(self.clock.at(said))
        await self.clock.set(self.clock.at(said))

    async def settle(self, until_ms: int | None = None) -> None:
        """Let the service do all that is due now, or until a time."""
        while True:
            await self.clock.pin()
            if await self.worker.work_once() or await self.sender.step():
                continue
            if await self.watch.ask_if_due(self.repos[REPO]):
                continue
            due = await self._next_due()
            if due is not None and self.chat.is_down:  # it is left alone for a moment
                due = max(due, self.clock.now + round(REST_SECONDS * 1000))
            if due is None or due > (until_ms or self.clock.now):
                return
            await self.clock.set(due)

    async def _next_due(self) -> int | None:
        """Return when the store's queues have something next."""
        firsts: list[list[tuple[str, float]]] = [
            await self.redis.zrange(f"{{{REPO}}}:due:{queue}", 0, 0, withscores=True)
            for queue in ("work", "slack")
        ]
        return min((int(first[0][1]) for first in firsts if first), default=None)

    # What people do.

    async def merge(
        self, number: int, title: str, author: str, *files: str, by: str = "", label: str = ""
    ) -> None:
        """Merge a pull request."""
        sha = sha_of(f"#{number} {title}")
        self.branch.add(sha, title, author, number, list(files))
        event = merged(number=number)
        event["pull_request"] |= {
            "number": number,
            "title": title,
            "html_url": f"https://github.com/{REPO}/pull/{number}",
            "merge_commit_sha": sha,
            "user": {"login": author},
            "merged_by": {"login": by or author},
            "labels": [{"name": label}] if label else [],
        }
        body = encoded(event)
        headers = signed(body) | {"X-GitHub-Delivery": f"d-{number}"}
        await self.clock.pin()
        async with httpx.AsyncClient(verify=False) as client:
            url = f"{self.url}/github/webhook"
            (await client.post(url, content=body, headers=headers)).raise_for_status()
        await self.settle()

    async def click(self, name: str, words: str, label: str) -> None:
        """Press a button of the newest message with these words."""
        message, post = await self._with_button(words, label)
        button = next(b for b in buttons(message) if b["text"]["text"] == label)
        self.diary.clicked(told(self.clock.now), post.channel, post.ts, name, label)
        await self.clock.pin()
        await self.slack.click(
            *(post.channel, post.ts, IDS[name], button["action_id"], button["value"]),
            button.get("block", ""),
        )
        await self._answered(name)

    async def submit(self, name: str, field: str, text: str) -> Json:
        """Fill in the one field of the form that is open; return what is wrong with it."""
        await self.clock.pin()
        errors = await self.slack.submit_modal(IDS[name], {field: {field: text}})
        self.diary.clicks[name] += 1
        await self._answered(name)
        return errors

    async def approve(self, name: str, words: str) -> None:
        """Approve by `deploybot approve`, with a token that was made for the person before."""
        message, _ = await self._with_button(words, "Approve")
        value = next(b["value"] for b in buttons(message) if b["action_id"] == "approve")
        thread_id, _, call_id = value.rpartition(":")
        await self.clock.pin()
        now = self.clock.now // 1000
        token = tokens.read(KEY, tokens.sign(KEY, IDS[name], (), now, 60), now)
        wish = approving.Wish(thread_id, call_id)
        answer = await approving.settled(self.log, self.repos[REPO], wish, call_id, token)
        self.diary.typed(self.clock.now, name, f"$ deploybot approve {thread_id}\n{answer}")
        await self.settle()

    async def reply(self, name: str, words: str, text: str) -> None:
        """Write in the thread of the newest message with these words."""
        post = self.newest(words)
        await self._write(name, post.channel, text, post.root)

    async def ask(self, name: str, channel: str, text: str) -> None:
        """Mention the bot in a channel."""
        await self._write(name, channel, f"<@{BOT_USER}> {text}", None)

    async def _write(self, name: str, channel: str, text: str, root: str | None) -> None:
        await self.clock.pin()
        ts = await self.slack.say(channel, IDS[name], text, root)
        said = text.replace(f"<@{BOT_USER}>", f"@{BOT}")
        self.diary.posted(self.clock.now, channel, ts, root, name, said, text)
        await self._answered(name)

    async def _answered(self, name: str) -> None:
        """Wait for what is sent behind the acknowledgement, and let the service go on."""
        for task in asyncio.all_tasks():
            if cast("Any", task.get_coro()).__name__ == "_logged":
                await task
        await self._overhear()
        await self.settle()

    async def _overhear(self) -> None:
        """Note the answers that one person alone saw."""
        known = {post.ts for post in self.diary.posts}
        for channel in CHANNELS:
            for message in await self.slack.messages(channel):
                user = message.get("ephemeral_to")
                if user and message["ts"] not in known:
                    text = str(message.get("text", ""))
                    blocks: list[Json] = message.get("blocks") or []
                    payloads.check(text, blocks)
                    root = str(message.get("thread_ts") or message["ts"])
                    place = (channel, message["ts"], root)
                    self.diary.whispered(self.clock.now, *place, user, shown(text, blocks))

    # What is there to see.

    def newest(self, words: str) -> Post:
        """Return the newest message of the bot's that shows these words now."""
        found = [p for p in self.diary.posts if words in _now(p) and p.author == BOT]
        seen = "\n---\n".join(_now(p) for p in self.diary.posts[-8:])
        assert found, f"{told(self.clock.now)}: nobody sees {words!r}; the newest are:\n{seen}"
        return found[-1]

    async def _with_button(self, words: str, label: str) -> tuple[Json, Post]:
        found = [p for p in self.diary.posts if words in _now(p) and f"[{label}]" in _now(p)]
        seen = "\n---\n".join(_now(p) for p in self.diary.posts[-8:])
        assert found, f"{told(self.clock.now)}: no {words!r} with [{label}]; there are:\n{seen}"
        post = found[-1]
        messages = await self.slack.messages(post.channel)
        return next(m for m in messages if m["ts"] == post.ts), post


def _now(post: Post) -> str:
    return post.edits[-1][1] if post.edits else post.text


@asynccontextmanager
async def office(folder: Path, log: RedisLog, redis_url: str) -> AsyncGenerator[Office]:
    """Open the office at midnight before the day."""
    clock, diary = Clock(log), Diary()
    targets, branch = Targets(clock), Branch()
    deployers: dict[str, Deployer] = {"shop": targets}
    repos = load_repos(configured(folder), deployers)
    app = FastAPI()
    redis = cast("Any", Redis).from_url(redis_url, decode_responses=True)
    async with aclosing(redis), _served(app) as url:
        place = workspace(f"{url}/slack/events")
        async with LocalSlack.run(place) as slack:
            chat = Overheard(place.bot_token, slack.api_url, diary, clock)
            _open_doors(app, place, repos, log, chat, slack, clock)
            # However busy this machine is: who could not be asked would count as at work.
            roster = SlackRoster(place.bot_token, slack.api_url, clock.seconds, answer_seconds=60)
            directory = HolidayCalendar(roster)
            ports = Ports(log, OfflinePlanner(), None, branch, deployers, directory=directory)
            worker = Worker(ports, repos, lease_seconds=30)
            sender = SlackSender(log, chat, repos, monotonic=clock.seconds)
            await clock.pin()
            watch = UndeployedWatch(log, branch, repos)
            services = (worker, sender, watch, repos)
            yield Office(url, log, redis, slack, chat, clock, targets, branch, diary, *services)


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncGenerator[str]:
    """Serve an app on a free port of loopback; yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _open_doors(
    app: FastAPI,
    place: Workspace,
    repos: Mapping[str, RepoConfig],
    log: RedisLog,
    chat: SlackChat,
    slack: LocalSlack,
    clock: Clock,
) -> None:
    people = SlackPeople(place.bot_token, slack.api_url, clock.seconds)
    bolt = build_app(place.bot_token, slack.api_url, repos, log, chat, people)
    app.include_router(github_routes([SECRET], repos, log))
    app.include_router(slack_routes(bolt, place.signing_secret, time.time))
