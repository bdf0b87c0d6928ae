"""Wires everything: the only file that knows everybody."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from app.core.config import RepoConfig
from app.core.ports import Deployer, Model
from app.desk import Ports
from app.github.client import GitHubClient
from app.github.deliveries import GitHubDeliveries
from app.github.edge import github_routes
from app.github.merges import GitHubMerges
from app.github.reconcile import Reconciler
from app.parts import build_github, build_model, build_source
from app.redis.log import RedisLog
from app.settings import Settings
from app.slack.chat import SlackChat, zones_of
from app.slack.edge import slack_routes
from app.slack.handlers import build_app
from app.slack.people import SlackPeople
from app.slack.permalinks import Permalinks
from app.slack.roster import SlackRoster
from app.slack.sender import SlackSender
from app.slack.socket import socket_mode
from app.slack.web import SlackWeb
from app.undeployed import UndeployedWatch
from app.web.health import health_routes
from app.worker import Worker

STOP_SECONDS = 18  # with what HTTP gets before, and what is closed after, below 25


def create_app(
    settings: Settings,
    repos: Mapping[str, RepoConfig],
    log: RedisLog,
    deployers: Mapping[str, Deployer],
    *,
    github: GitHubClient | None = None,
    model: Model | None = None,
    work: bool = True,
    serve: bool = True,
) -> FastAPI:
    """Build the service: `serve` takes events in, `work` acts on them and speaks.

    It closes `github` when it ends, which is built where the deployers have none to share.
    """
    own_model, planner = build_model(settings)
    github = github or build_github(settings)
    source = build_source(github, repos) if github else None
    roster = SlackRoster(settings.slack_bot_token, settings.slack_api_url, time.monotonic)
    ports = Ports(log, model or own_model, planner, source, deployers, directory=roster)
    is_slack = urlsplit(settings.slack_api_url).hostname == "slack.com"
    chat = SlackChat(
        settings.slack_bot_token,
        settings.slack_api_url,
        dates=is_slack,
        zones=zones_of(repos.values()),
    )
    worker = Worker(ports, repos, settings.deploybot_lease_seconds)
    sender = SlackSender(log, chat, repos)
    people = SlackPeople(settings.slack_bot_token, settings.slack_api_url, time.monotonic)
    bolt = build_app(settings.slack_bot_token, settings.slack_api_url, repos, log, chat, people)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            if github:
                stack.push_async_callback(github.aclose)
            if serve and settings.slack_app_token:
                await stack.enter_async_context(socket_mode(bolt, settings.slack_app_token))
            if work:
                links = Permalinks(
                    log, SlackWeb(settings.slack_bot_token, settings.slack_api_url), repos
                )
                watching = [_reconciler(github, log, repos).run()] if github else []
                asking = UndeployedWatch(log, source, repos)
                loops = (sender.run(), links.run(), asking.run(), *watching)
                await stack.enter_async_context(_running(worker, *loops))
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(health_routes(log, repos))
    if serve:
        app.include_router(github_routes(settings.webhook_secrets(), repos, log))
        if settings.slack_signing_secret:  # anybody can sign with an empty one
            app.include_router(slack_routes(bolt, settings.slack_signing_secret, time.time))
    return app


def _reconciler(github: GitHubClient, log: RedisLog, repos: Mapping[str, RepoConfig]) -> Reconciler:
    return Reconciler(log, GitHubMerges(github), GitHubDeliveries(github), repos)


@asynccontextmanager
async def _running(worker: Worker, *loops: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Run the loops; the worker ends at a step boundary, within `STOP_SECONDS`.

    The others may be cut anywhere: what the sender posted last is found again by its mark, and
    what a look at GitHub has not seen the next one sees.
    """
    working = asyncio.create_task(worker.run())
    others = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait([working], timeout=STOP_SECONDS)
        for task in (working, *others):
            task.cancel()
        await asyncio.gather(working, *others, return_exceptions=True)
