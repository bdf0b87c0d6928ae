"""Wires everything: the only file that knows everybody."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI

from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.ports import Deployer, Model
from app.desk import Ports
from app.github.actions import GitHubActions
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import App, Token
from app.github.deliveries import GitHubDeliveries
from app.github.edge import github_routes
from app.github.merges import GitHubMerges
from app.github.reconcile import Reconciler
from app.model.offline import OfflinePlanner
from app.redis.connect import connect
from app.redis.embedded import embedded
from app.redis.log import RedisLog
from app.settings import Settings
from app.slack.chat import SlackChat
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
from tools.deployers import DEPLOYERS

HOME = Path(".deploybot")
STORE = HOME / "redis"
STOP_SECONDS = 18  # with what HTTP gets before, and what is closed after, below 25


def build_deployers(settings: Settings, github: GitHubClient | None) -> dict[str, Deployer]:
    """Build every deployer; their home is `.deploybot/` of the working directory.

    Each gets all that there is and takes what it needs; without credentials no workflow is run.
    """
    root = settings.deploybot_config.parent
    return {
        name: deployer(
            HOME,
            root=root,
            environ=os.environ,
            host=socket.gethostname(),
            sole=not settings.redis_url,
            workflows=GitHubActions(github) if github else None,
        )
        for name, deployer in DEPLOYERS.items()
    }


@asynccontextmanager
async def open_log(settings: Settings, *, is_there: bool = False) -> AsyncGenerator[RedisLog]:
    """Open the thread log while the body runs; without REDIS_URL, in an embedded server.

    Raise `UserError` where it `is_there` to be looked at, and this folder has none.
    """
    if is_there and not settings.redis_url and not STORE.is_dir():
        raise UserError(
            f"There is no store in {str(STORE)!r}: run this in the folder where the service runs, "
            "or set REDIS_URL as it does."
        )
    async with AsyncExitStack() as stack:
        url = settings.redis_url or await stack.enter_async_context(embedded(STORE))
        log = RedisLog(connect(url), settings.deploybot_lease_seconds)
        stack.push_async_callback(log.close)
        yield log


def build_github(settings: Settings) -> GitHubClient | None:
    """Build GitHub's API client; None without credentials."""
    if settings.github_token:
        credentials = Token(settings.github_token)
    elif settings.github_app_id:
        credentials = App(settings.github_app_id, settings.github_app_private_key)
    else:
        return None
    return GitHubClient(settings.github_api_url, credentials)


def build_source(github: GitHubClient, repos: Mapping[str, RepoConfig]) -> GitHubSource:
    """Build what answers questions about the configured branches."""
    return GitHubSource(github, {name: repo.branch for name, repo in repos.items()})


def build_model(settings: Settings) -> tuple[Model, Model | None]:
    """Build the model and what stands in for it; without a key the planner is the model."""
    planner = OfflinePlanner()
    if not settings.openai_api_key:
        return planner, None
    from app.model.openai import OpenAIModel  # 18 MB that nobody needs without a key

    model = OpenAIModel(settings.openai_api_key, settings.openai_model, settings.openai_base_url)
    return model, planner


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
    chat = SlackChat(settings.slack_bot_token, settings.slack_api_url, dates=is_slack)
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
