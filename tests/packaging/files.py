"""Reads the files of this checkout that describe how it is packaged; installs nothing."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def toml(name: str) -> dict[str, Any]:
    """Return a TOML file of the checkout."""
    return tomllib.loads((ROOT / name).read_text())


def locked(name: str) -> dict[str, str]:
    """Return the entries of a lock by package name, each with its marker and hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {entry.split("==")[0]: entry for entry in entries}


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions in their order, as (keyword, rest)."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return [(keyword, rest) for keyword, rest in pairs]
