"""fly.toml: the service stays up, is asked whether it is ready, and has a Redis of its own."""

import shlex
import subprocess

import pytest

from tests.packaging.files import toml


@pytest.mark.parametrize(
    ("environ", "passes"), [({}, False), ({"REDIS_URL": "redis://redis.example"}, True)]
)
def test_a_release_without_redis_is_refused(environ: dict[str, str], passes: bool) -> None:
    command = shlex.split(toml("fly.toml")["deploy"]["release_command"])
    done = subprocess.run(command, env={"PATH": "/bin", **environ}, capture_output=True, text=True)
    assert (done.returncode == 0) is passes
    assert ("REDIS_URL is required" in done.stderr) is not passes


def test_one_machine_always_listens_for_webhooks() -> None:
    service = toml("fly.toml")["http_service"]
    assert service["internal_port"] == int(toml("fly.toml")["env"]["PORT"]) == 8000
    assert service["auto_stop_machines"] == "off"
    assert service["min_machines_running"] == 1


def test_readiness_is_what_fly_asks_for() -> None:
    assert [check["path"] for check in toml("fly.toml")["http_service"]["checks"]] == ["/readyz"]
