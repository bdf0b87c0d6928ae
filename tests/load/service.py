"""The real service as a process, configured for the monorepo; OUTSIDE is where its targets are."""

import asyncio
import os

import uvicorn

from app import logs
from app.main import create_app
from app.redis.connect import connect
from app.redis.log import RedisLog
from app.settings import load_settings
from app.web.server import server_config
from tests.crash.target import TargetDeployer
from tests.load.monorepo import monorepo


async def main() -> None:
    """Serve until SIGTERM."""
    settings = load_settings()
    logs.configure(settings.secrets())
    log = RedisLog(connect(settings.redis_url), settings.deploybot_lease_seconds)
    repo = monorepo()
    deployers = {"target": TargetDeployer("keyed", os.environ["OUTSIDE"])}
    app = create_app(settings, {repo.name: repo}, log, deployers)
    await uvicorn.Server(server_config(app, "127.0.0.1", settings.port)).serve()
    await log.close()


if __name__ == "__main__":
    asyncio.run(main())
