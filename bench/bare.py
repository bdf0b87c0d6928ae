"""The bare route that an acknowledgement is compared with: read the body, one XADD, 202.

Environment: REDIS_URL, PORT. The same framework, server and client as the service's.
"""

import asyncio
import os

import uvicorn
from fastapi import FastAPI, Request, Response
from redis.asyncio import Redis


def build(redis: Redis) -> FastAPI:
    """Build the route, and one that says that it is ready."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/github/webhook")
    async def webhook(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        await redis.xadd("bare", {"body": await request.body()})
        return Response(status_code=202)

    @app.get("/readyz")
    async def ready() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response()

    return app


if __name__ == "__main__":
    app = build(Redis.from_url(os.environ["REDIS_URL"]))  # pyright: ignore[reportUnknownMemberType]
    config = uvicorn.Config(app, port=int(os.environ["PORT"]), log_config=None, access_log=False)
    asyncio.run(uvicorn.Server(config).serve())
