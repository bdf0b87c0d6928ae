"""What each wish of people changes in what the offline planner keeps of a thread."""

from collections.abc import Iterable, Sequence

from app.core.state import State
from app.model import offline_replies as say
from app.model.offline_memory import Memory, in_order, resolve
from app.model.offline_words import Heard


class Wishes:
    """Applies what was heard to the memory; the methods are named after the kinds of wishes."""

    def __init__(self, state: State, services: Sequence[str]) -> None:
        """Resolve SHAs by this state; `services` are all, in the default order."""
        self.state = state
        self.services = services

    def apply(self, memory: Memory, heard: Heard) -> None:
        """Change the memory by a wish."""
        getattr(self, f"wish_{heard.kind.replace(' ', '_')}")(memory, heard)

    def wish_order(self, memory: Memory, heard: Heard) -> None:
        _want(memory, heard.services, alone=len(heard.services) > 1)
        memory.first = list(heard.services)
        memory.order = f"{say.spelt(heard.services[0])} first"
        memory.last = [s for s in memory.last if s not in heard.services]
        memory.blocked.clear()

    def wish_last(self, memory: Memory, heard: Heard) -> None:
        if not memory.only:
            memory.only = None
        memory.last = list(heard.services)
        memory.order = f"{' and '.join(map(say.spelt, heard.services))} last"
        memory.first = [s for s in memory.first if s not in heard.services]
        memory.blocked.clear()

    def wish_reverse(self, memory: Memory, heard: Heard) -> None:
        order = in_order(self.services, memory)
        self.wish_order(memory, Heard("order", tuple(reversed(order))))

    def wish_only(self, memory: Memory, heard: Heard) -> None:
        if memory.back is not None:
            memory.spared = set(self.services) - set(heard.services)
        memory.only = set(heard.services)
        memory.skip.difference_update(heard.services)
        _lift(memory, heard.services)

    def wish_skip(self, memory: Memory, heard: Heard) -> None:
        if memory.back is not None:
            memory.spared.update(heard.services)
        memory.skip.update(heard.services)
        memory.only = memory.only - memory.skip if memory.only else None

    def wish_deploy(self, memory: Memory, heard: Heard) -> None:
        memory.sha = resolve(heard.sha, self.state.known) if heard.sha else memory.sha
        memory.back = None
        if not heard.services:
            memory.blocked.clear()
            if not heard.sha:
                memory.skip.clear()
            if not heard.sha or not memory.only:
                memory.only = None
            return
        _want(memory, heard.services, alone=memory.only is not None)
        memory.order = ""
        memory.first = [*heard.services, *(s for s in memory.first if s not in heard.services)]
        _lift(memory, heard.services)

    def wish_rollback(self, memory: Memory, heard: Heard) -> None:
        memory.back = heard.services
        memory.back_sha = resolve(heard.sha, self.state.known) if heard.sha else None
        memory.first, memory.order = list(heard.services), ""
        memory.spared.clear()
        _lift(memory, heard.services or self.services)

    def wish_again(self, memory: Memory, heard: Heard) -> None:
        memory.blocked.clear()

    def wish_go_on(self, memory: Memory, heard: Heard) -> None:
        if not memory.only:
            memory.only = None

    def wish_stop_here(self, memory: Memory, heard: Heard) -> None:
        memory.back = None


def _want(memory: Memory, services: Sequence[str], alone: bool) -> None:
    memory.skip.difference_update(services)
    if memory.only or (memory.only is not None and alone):
        memory.only = {*memory.only, *services}
    else:
        memory.only = None


def _lift(memory: Memory, services: Iterable[str]) -> None:
    verbs = ("deploy_{}_to_prod", "rollback_{}_in_prod", "run_{}_in_prod")
    tools = {verb.format(service) for service in services for verb in verbs}
    memory.blocked = {p for p in memory.blocked if p[0] not in tools}
