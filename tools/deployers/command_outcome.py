"""How an attempt's program ended, in one status and one sentence; reads nothing."""

import signal
from collections.abc import Mapping
from typing import Any, Literal


def outcome(end: Mapping[str, Any]) -> tuple[Literal["succeeded", "failed", "cancelled"], str]:
    """Return the status and the summary of an `end.json`."""
    took, code = _took(end["seconds"]), end["exit_code"]
    match end["because"]:
        case "cancel":
            return "cancelled", f"cancelled after {took}"
        case "timeout":
            return "failed", f"ended by the time limit after {took}"
        case "error":
            return "failed", f"could not be started: {end['error']}"
        case _ if code == 0:
            return "succeeded", f"in {took}"
        case _ if code < 0:
            return "failed", f"ended by {_signal_name(-code)} after {took}"
        case _:
            return "failed", f"exit code {code} after {took}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _took(length: float) -> str:
    whole = max(1, round(length))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
