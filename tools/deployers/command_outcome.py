"""How an attempt's program ended, in one status and a few words; reads nothing."""

import signal
from collections.abc import Mapping
from typing import Any, Literal


def outcome(end: Mapping[str, Any]) -> tuple[Literal["succeeded", "failed", "cancelled"], str]:
    """Return the status and the summary of an `end.json`."""
    code = end["exit_code"]
    match end["because"]:
        case "cancel":
            return "cancelled", "cancelled"
        case "timeout":
            return "failed", "ended by the time limit"
        case "error":
            return "failed", f"could not be started: {end['error']}"
        case _ if code == 0:
            return "succeeded", f"in {_took(end['seconds'])}"
        case _ if code < 0:
            return "failed", f"ended by {_signal_name(-code)}"
        case _:
            return "failed", f"exit code {code}"


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
