"""How the service logs: one JSON line an event, and no secret in it."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from app.core.untrusted import clean, masked

SHORTEST_SECRET = 6


def configure(secrets: Sequence[str]) -> None:
    """Log as JSON to standard output; every value of a secret is blotted out."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redaction(secrets),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processor=structlog.processors.JSONRenderer()
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("httpx", "slack_bolt", "slack_sdk", "openai", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Redaction:
    """Replaces secrets, ours and what looks like one, in every string of a line, however deep."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Return the line without secrets."""
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "[secret]")
            return masked(clean(value))
        if isinstance(value, (list, tuple)):
            return [self._clean(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, dict):
            return {k: self._clean(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
        return value
