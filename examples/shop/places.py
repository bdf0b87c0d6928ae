"""Where the shop's environments are: ports, folders, addresses; starts nothing."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICES = ("backend", "frontend")
ENVIRONMENTS = ("staging", "production")
TARGETS = [(service, where) for where in ENVIRONMENTS for service in SERVICES]
PORTS = "8101,8102,8201,8202"


def home():
    """Return the folder of releases, logs and pids."""
    return Path(os.environ.get("SHOP_HOME", HERE / ".shop")).resolve()


def folder(service, environment):
    """Return the folder of one target, made if it is not there."""
    path = home() / environment / service
    path.mkdir(parents=True, exist_ok=True)
    return path


def port(service, environment):
    """Return the port of a target; SHOP_PORTS lists all four in the order of TARGETS."""
    ports = os.environ.get("SHOP_PORTS", PORTS).split(",")
    return int(ports[TARGETS.index((service, environment))])


def address(service, environment):
    """Return the address of a target."""
    return f"http://127.0.0.1:{port(service, environment)}"


def catalogue(environment):
    """Return the file with an environment's products: data, no part of any release."""
    return HERE / "data" / f"{environment}.json"
