"""Builds what more than one command needs: the log, the deployers, GitHub, the model."""

import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from app.core.config import RepoConfig
from app.core.errors import UserError
from app.core.ports import Deployer, Model
from app.github.actions import GitHubActions
from app.github.api import GitHubSource
from app.github.client import GitHubClient
from app.github.credentials import App, Token
from app.model.offline import OfflinePlanner
from app.redis.connect import connect
from app.redis.embedded import embedded
from app.redis.log import RedisLog
from app.settings import Settings
from tools.deployers import DEPLOYERS

HOME = Path(".deploybot")
STORE = HOME / "redis"


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
