"""The keys of a `command` target and what can be wrong with them; starts nothing."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.core import duration
from app.core.invalid import invalid

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
PLACEHOLDERS = ("{sha}", "{service}", "{environment}", "{attempt_dir}")
_LONGEST_SECONDS = 24 * 3600


def _plain(argument: str) -> str:
    if "\0" in argument:
        raise ValueError("an argument must not contain a NUL character")
    return argument


def _placeholder_or_plain(argument: str) -> str:
    if argument not in PLACEHOLDERS and re.search(r"[{}]", argument):
        raise ValueError(
            f"{argument!r} is no placeholder: a whole argument may be {', '.join(PLACEHOLDERS)}"
        )
    return _plain(argument)


def _no_placeholder(argument: str) -> str:
    if re.search(r"[{}]", argument):
        raise ValueError(f"{argument!r}: `current` has no placeholders")
    return _plain(argument)


def _program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if argv[0] in ("", *PLACEHOLDERS):
        raise ValueError("the first argument must name the program")
    return argv


def _variable(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.startswith("DEPLOYBOT_"):
        raise ValueError(f"{name!r} is no name of a variable that can be passed on")
    return name


def seconds(timeout: str) -> int:
    """Return the seconds of a time limit, at most a day."""
    return duration.seconds(timeout, longest=_LONGEST_SECONDS)


def _time_limit(value: str) -> str:
    seconds(value)
    return value


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or re.search(r"[{}\0]", path):
        raise ValueError(f"{path!r} must be a path below the attempt's folder")
    return path


class Options(BaseModel):
    """The keys of a target.

    `cwd` is relative to the folder of the configuration file, a program with a slash relative to
    `cwd`. `junit` is relative to the attempt's folder (`{attempt_dir}`, `DEPLOYBOT_ATTEMPT_DIR`),
    so that a report of an earlier run is never read. `current` prints the full SHA that runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    argv: Annotated[
        tuple[Annotated[str, AfterValidator(_placeholder_or_plain)], ...],
        Field(min_length=1),
        AfterValidator(_program),
    ]
    current: (
        Annotated[
            tuple[Annotated[str, AfterValidator(_no_placeholder)], ...],
            Field(min_length=1),
            AfterValidator(_program),
        ]
        | None
    ) = None
    cwd: Annotated[str, AfterValidator(_plain)] = "."
    env: tuple[Annotated[str, AfterValidator(_variable)], ...] = ()
    timeout: Annotated[str, AfterValidator(_time_limit)] = "30m"
    junit: Annotated[str, AfterValidator(_inside)] | None = None


def problems(
    options: Mapping[str, Any], root: Path, path: str, service: str | None
) -> list[tuple[str, str]]:
    """Return what is wrong with a target's options: the key and a sentence each.

    `root` is the configuration's folder, `path` the PATH; `service` is None for e2e tests.
    """
    right, found = _right(options)
    cwd = root / right.get("cwd", ".")
    if not cwd.is_dir():
        found.append(("cwd", f"there is no folder {right.get('cwd', '.')!r}"))
    # A name with a slash is relative to the folder: without that, nothing is known of it.
    has_folder = cwd.is_dir() and ("cwd" in right) == ("cwd" in options)
    for key in ("argv", "current"):
        argv = right.get(key)
        if not argv or ("/" in argv[0] and not has_folder):
            continue
        if not find_program(argv[0], cwd, path):
            found.append((key, f"there is no program {argv[0]!r} that can be run"))
    if service is None and "{service}" in right.get("argv", ()):
        found.append(("argv", "e2e tests have no {service}"))
    return found


def _right(options: Mapping[str, Any]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the options that are what they have to be, and what is wrong with the others."""
    try:
        Options.model_validate(options)
    except ValidationError as error:
        found = invalid(error)
        wrong = {where.partition(".")[0] for where, _ in found}
        return {key: value for key, value in options.items() if key not in wrong}, found
    return dict(options), []


def find_program(name: str, cwd: Path, path: str) -> str | None:
    """Return the program's path: relative to `cwd` if the name has a slash, else from PATH."""
    if "/" not in name:
        return shutil.which(name, path=path)
    return shutil.which(str((cwd / name).absolute()))
