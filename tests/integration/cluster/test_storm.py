"""Seven nodes and a draw of faults, one after the other, under load: a short one each day, a long one with ./dev soak."""
import os
import random
import signal

import pytest

from fleet import Load, finish_all, in_order, passes

SEED = int(os.environ.get("ANODE_SEED", str(random.randrange(1 << 32))))


class Storm:
    """Hurts one or two members at a time, so that most are up, and heals what it hurt."""

    def __init__(self, fleet, draw):
        self.fleet, self.draw = fleet, draw
        self.faults = [self.kill, self.freeze, self.restart, self.kill_two]

    def some(self, count=1):
        return self.draw.sample(self.fleet.members, count)

    def back(self, *members):
        for member in members:
            member.launch()
        for member in members:
            member.wait_ready(60)

    def kill(self):
        (victim,) = self.some()
        victim.kill()
        passes(self.draw.uniform(0, 4))
        self.back(victim)

    def kill_two(self):
        victims = self.some(2)
        for victim in victims:
            victim.kill()
        passes(self.draw.uniform(0, 4))
        self.back(*victims)

    def freeze(self):
        (victim,) = self.some()
        victim.signal(signal.SIGSTOP)
        passes(self.draw.uniform(0.5, 6))
        victim.signal(signal.SIGCONT)

    def restart(self):
        (victim,) = self.some()
        victim.signal(signal.SIGTERM)
        assert victim.wait_exit(40) == 0
        self.back(victim)


def weathers(fleet, size, rounds):
    """That many members go through that many faults."""
    print(f"ANODE_SEED={SEED}")
    members = fleet.form(size)
    listeners = [member.listen("storm.>") for member in members]
    loads = [Load(member, f"storm.{member.name}", 40) for member in members]
    for load in loads:
        load.flows(40)
    storm = Storm(fleet, random.Random(SEED))
    for _ in range(rounds):
        storm.draw.choice(storm.faults)()
        passes(storm.draw.uniform(0, 3))
    fleet.whole(timeout=90)
    for load in loads:
        load.flows(40)
    acknowledged = finish_all(loads)
    assert len(acknowledged) > 40 * size
    fleet.settle("storm.>", acknowledged, timeout=120)
    for listener in listeners:
        in_order(list(listener.lines))


def test_seven_nodes_weather_a_draw_of_faults(fleet):
    weathers(fleet, 7, 6)


@pytest.mark.soak
def test_seven_nodes_weather_a_long_draw_of_faults(fleet):
    weathers(fleet, 7, int(os.environ.get("ANODE_STORM_ROUNDS", "60")))
