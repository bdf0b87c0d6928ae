"""What a check of the surroundings found: a line, and what to do about it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `doctor`; `ok` is None where it could not be checked, `fix` says what to do."""

    ok: bool | None
    line: str
    fix: str = ""
