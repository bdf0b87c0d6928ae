"""Runs the service as its settings say, until a signal ends it."""

import asyncio
import gc
import signal
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from app import logs
from app.configuration import load_repos_after, unenforced
from app.core.errors import ConfigError
from app.main import create_app
from app.parts import build_deployers, build_github, open_log
from app.settings import missing_for_service, read_settings
from app.web.server import server_config


async def run(*, work: bool, serve: bool) -> int:
    """Run the service until a signal ends it: `serve` takes events in, `work` acts on them."""
    settings, problems = read_settings()
    problems += missing_for_service(settings, listens=serve)
    logs.configure(settings.secrets())
    github = build_github(settings)
    deployers = build_deployers(settings, github)
    repos = load_repos_after(problems, settings.deploybot_config, deployers)
    if problems := unenforced(repos, has_github=settings.has_github):
        raise ConfigError(problems)
    async with open_log(settings) as log:
        problems = await log.check()
        if problems:
            raise ConfigError([f"REDIS_URL: {problem}" for problem in problems])
        app = create_app(settings, repos, log, deployers, github=github, work=work, serve=serve)
        server = _Server(server_config(app, settings.host, settings.port))
        gc.freeze()  # what the start made is never garbage: collections need not go through it
        await server.serve()
        return 0 if server.started else 1


class _Server(uvicorn.Server):
    """Ends by itself on a signal: uvicorn's own raises it again, and what comes after never runs.

    That is where the store is closed, and the embedded server with it.
    """

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Have SIGINT and SIGTERM end the server while the body runs, and nothing else."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
