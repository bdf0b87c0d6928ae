"""A moment as the log has it; what lies outside is no moment, and would break what shows it."""

from typing import Annotated

from pydantic import Field

LAST = 253_402_300_799_000
"""The last second of the year 9999, which is where Python's own times end."""

Instant = Annotated[int, Field(ge=0, le=LAST)]
"""Milliseconds since the epoch."""
