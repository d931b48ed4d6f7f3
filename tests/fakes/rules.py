"""What a project should come to whatever is done to it: the rules that a person would state, without any machinery."""

from __future__ import annotations

STORE, WEB, WORKER, DEAF, FAMILY, FRAGILE, ONCE = "store", "web", "worker", "deaf", "family", "fragile", "once"
NEEDS = {STORE: (), WEB: (STORE,), WORKER: (WEB, STORE), DEAF: (), FAMILY: (), FRAGILE: (), ONCE: ()}
WRITERS = (STORE, WEB, WORKER)
ALIVE, WAITING, STOPPED, EXITED, GAVE_UP = "ready", "waiting", "stopped", "exited", "gave-up"
BUDGET = 1  # how often the fragile one is restarted; all others always, but the one that runs once


def closure(names):
    """These, and all that they need."""
    found, left = set(), list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += NEEDS[name]
    return found


class Rules:
    """The state of each process after what was done so far, once everything has come to rest.

    `restarts` are bounds: where a crash and a command meet, one of them is first. `touched` and `renewed` are about
    the time since `settle`: what something was done to, and what has a new run if it is alive.
    """

    def __init__(self):
        self.phases = dict.fromkeys(NEEDS, STOPPED)
        self.restarts = {name: [0, 0] for name in NEEDS}
        self.failures = dict.fromkeys(NEEDS, 0)
        self.settle()

    def settle(self):
        """Everything has come to rest."""
        self.touched = set()
        self.renewed = set()
        self.stopped = set()
        self.crashed = set()

    def can(self, what, names):
        """Whether its outcome doesn't depend on what comes first of all that is done before things come to rest."""
        wanted = closure(names)
        if (FRAGILE in names or ONCE in names) and self.touched & {FRAGILE, ONCE}:
            return False
        if what == "stop":
            dependents = {name for name in NEEDS if name not in names and closure([name]) & set(names)}
            return not dependents & self.touched
        if what == "crash":
            return self.phases[names[0]] == ALIVE and not wanted & self.stopped and names[0] not in self.touched
        return True

    def would_end(self, what, names):
        """Whether nothing would be alive afterwards: then a foreground run is over."""
        ends = {
            "stop": names,
            "crash": [name for name in names if name == FRAGILE and self.failures[name] >= BUDGET],
        }
        left = {name for name, phase in self.phases.items() if phase == ALIVE}
        return not left - set(ends.get(what, ()))

    def start(self, names):
        """Start these, and what they need."""
        for name in closure(names):
            self._touch(name)
            if self.phases[name] not in (ALIVE, WAITING):
                self._begin(name)
        self._go_on()

    def restart(self, names):
        """These get a new run, and what they need is started."""
        for name in names:
            self._begin(name)
        self.start(names)

    def stop(self, names):
        """Stop these alone."""
        for name in names:
            self._touch(name)
            self.stopped.add(name)
            if self.phases[name] in (ALIVE, WAITING):
                self.phases[name] = STOPPED
                self.failures[name] = 0
                self.restarts[name] = [0, 0]

    def crash(self, name):
        """It was killed."""
        self.touched.add(name)
        self.crashed.add(name)
        self.failures[name] += 1
        if name == FRAGILE and self.failures[name] > BUDGET:
            self.phases[name] = GAVE_UP
            return
        self.restarts[name] = [self.restarts[name][0] + 1, self.restarts[name][1] + 1]
        self.phases[name] = WAITING
        self._go_on()

    def _touch(self, name):
        self.touched.add(name)
        if name in self.crashed:  # a command that comes before the crash was noticed, or after: who knows
            self.crashed.remove(name)
            self.restarts[name][0] = 0  # counted since somebody last started, stopped or restarted it

    def _begin(self, name):
        self.failures[name] = 0
        self.restarts[name] = [0, 0]
        self.phases[name] = WAITING

    def _go_on(self):
        """Whatever has waited for what is there now starts."""
        for _ in NEEDS:
            for name, needs in NEEDS.items():
                if self.phases[name] == WAITING and all(self.phases[each] == ALIVE for each in needs):
                    self.phases[name] = EXITED if name == ONCE else ALIVE
                    self.renewed.add(name)
