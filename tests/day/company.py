"""Who works at the company of the day, in which channels, and how its repository is configured."""

from pathlib import Path

from app.demo.local_slack import BOT_USER, Channel, Person, Workspace

REPO = "acme/shop"
DEPLOYS, WEB, CORE = "C01DEPLOYS", "C02WEB", "C03CORE"
CHANNELS = {DEPLOYS: "deploys", WEB: "web", CORE: "core"}


def _person(slack_id: str, name: str, real_name: str) -> Person:
    return Person(slack_id, name, real_name, f"{name}@acme.example", tz="Europe/London")


# The web team: alice and bob; the core team: cara, dave and erin; finn is on call at night; grace
# leads both teams and is called when nobody answers.
ALICE = _person("U01ALICE", "alice", "Alice Lindqvist")
BOB = _person("U02BOB", "bob", "Bob Okafor")
CARA = _person("U03CARA", "cara", "Cara Mendes")
DAVE = _person("U04DAVE", "dave", "Dave Nowak")
ERIN = _person("U05ERIN", "erin", "Erin Sato")
FINN = _person("U06FINN", "finn", "Finn Keller")
GRACE = _person("U07GRACE", "grace", "Grace Adeyemi")
EVERYBODY = (ALICE, BOB, CARA, DAVE, ERIN, FINN, GRACE)
NAMES = {person.id: person.name for person in EVERYBODY}
IDS = {person.name: person.id for person in EVERYBODY}
ON_HOLIDAY = frozenset({ERIN.id})

_LOGINS = "\n".join(f'{person.name} = "{person.id}"' for person in EVERYBODY)
CONFIGURATION = f"""
[repos."{REPO}"]
channel = "{DEPLOYS}"
approvers = ["{BOB.id}", "{CARA.id}"]
approval = "plan"
escalate_to = ["{GRACE.id}"]
zone = "Europe/London"
undeployed = {{ cron = "0 17 * * *" }}
freeze = [{{ cron = "0 18 * * *", duration = "14h", reason = "nobody watches at night" }}]

[repos."{REPO}".people]
{_LOGINS}

[repos."{REPO}".staging]
e2e = {{ deployer = "shop" }}
[repos."{REPO}".staging.services]
backend = {{ deployer = "shop" }}
frontend = {{ deployer = "shop" }}

[repos."{REPO}".production]
e2e = {{ deployer = "shop" }}
[repos."{REPO}".production.services.backend]
deployer = "shop"
paths = ["api/**"]
channel = "{CORE}"
approvers = ["{ERIN.id}", "{CARA.id}", "{FINN.id}"]
[repos."{REPO}".production.services.frontend]
deployer = "shop"
paths = ["web/**"]
channel = "{WEB}"
approvers = ["{BOB.id}", "{FINN.id}"]
[repos."{REPO}".production.jobs.migrate]
deployer = "shop"
paths = ["api/migrations/**"]
before = "backend"
approvers = ["{ERIN.id}", "{CARA.id}", "{FINN.id}"]
"""


def workspace(request_url: str) -> Workspace:
    """Return the workspace; the bot and everybody are in every channel."""
    members = (BOT_USER, *NAMES)
    channels = tuple(Channel(key, name, members) for key, name in CHANNELS.items())
    return Workspace(request_url, users=EVERYBODY, channels=channels)


def configured(folder: Path) -> Path:
    """Write the configuration, and return where."""
    path = folder / "deploybot.toml"
    path.write_text(CONFIGURATION)
    return path
