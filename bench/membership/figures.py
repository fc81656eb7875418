"""Membership beside memberlist: silent deaths, false deaths, what a quiet cluster costs, how fast a view is whole.

Both sides run as that many processes of the same settings, in the same minutes: a death strikes both crowds at the same
moment, false deaths and costs are counted over the same span. Only joins, which are bound by the processors, take turns.
"""

import signal
import sys
import time

from measure.table import Row, short, spread, verdict
from membership.crowd import Crowd, peers, wait_until

MEMBERS, LARGE = 50, 100
SETTLE_SECONDS = 5
DEATH_PATIENCE = 90
VIEW_PATIENCE = 60
QUIET_SECONDS = 30
FALSE_SECONDS = 60
STARVING = [(0.5, 0.1), (2.5, 0.25)]  # seconds stopped and running, in turn
KINDS = ("anode", "go")


def note(text):
    print(f"membership: {text}", file=sys.stderr, flush=True)


def both(count=MEMBERS):
    crowds = [Crowd(kind, count) for kind in KINDS]
    for crowd in crowds:
        if crowd.join() is None:
            raise RuntimeError(f"{crowd.kind}: {count} members do not all see each other")
    time.sleep(SETTLE_SECONDS)
    return crowds


def end(crowds):
    for crowd in crowds:
        crowd.__exit__()


def seconds(values, patience=DEATH_PATIENCE):
    """Median and worst; what did not come at all counts as the patience."""
    late = sum(value >= patience for value in values)
    middle = f"{sorted(values)[len(values) // 2]:.2f} s (worst {max(values):.2f})"
    return middle if not late else f"{middle}, {late} of {len(values)} not within {patience} s"


class Death:
    """One member of a crowd stops, without a word."""

    def __init__(self, crowd, seed):
        self.crowd, self.victim = crowd, crowd.pick(seed)
        self.others = crowd.others(self.victim)
        self.began = time.monotonic()
        self.victim.freeze()

    def known(self):
        """By each of the others: when it was told, or nothing."""
        def told(one):
            return next((at for at, name in list(one.gone) if at >= self.began and name == self.victim.name), None)
        return [told(one) for one in self.others]

    def all_know(self):
        return None not in self.known()

    def seconds(self):
        found = self.known()
        return DEATH_PATIENCE if None in found else max(found) - self.began

    def false(self):
        return self.crowd.deaths(self.began - SETTLE_SECONDS, self.others, self.others)[0]


def silent_deaths(world):
    """A frozen process: until all others have declared it dead."""
    crowds = both()
    try:
        for loss in (0, 0.1, 0.2, 0.3):
            took, false = {kind: [] for kind in KINDS}, dict.fromkeys(KINDS, 0)
            for turn in range(max(3, world.runs)):
                for crowd in crowds:
                    crowd.lose(loss)
                time.sleep(SETTLE_SECONDS)
                deaths = [Death(crowd, world.seed * 1000 + turn) for crowd in crowds]
                wait_until(lambda: all(death.all_know() for death in deaths), DEATH_PATIENCE)
                for death in deaths:
                    took[death.crowd.kind].append(death.seconds())
                    false[death.crowd.kind] += death.false()
                    death.victim.thaw()
                for crowd in crowds:
                    crowd.heal()
            note(f"loss {loss}: {took}, false {false}")
            pairs = [a / b for a, b in zip(took["anode"], took["go"])]
            middle = sorted(pairs)[len(pairs) // 2]
            quiet = false["anode"] <= false["go"]
            yield Row("8b", f"silent death (SIGSTOP) of one of {MEMBERS}, {loss:.0%} of packets lost: all others know "
                      "(streams whole); false deaths meanwhile",
                      f"{seconds(took['anode'])}; {false['anode']}", f"memberlist 0.7.0 {seconds(took['go'])}; {false['go']}", "",
                      spread(pairs), "1 × memberlist", "0.22 ×, ≤ 2 s, no more false deaths",
                      verdict(middle <= 1, middle <= 0.22 and quiet and max(took["anode"]) <= 2))
    finally:
        end(crowds)


def false_deaths(world):
    """Everybody loses packets for a minute; nobody is dead."""
    crowds = both()
    try:
        for loss in (0.3, 0.4):
            for streams in (True, False):
                for crowd in crowds:
                    crowd.lose(loss, streams)
                since = time.monotonic()
                time.sleep(FALSE_SECONDS)
                found = {crowd.kind: crowd.deaths(since, crowd.members, crowd.members) for crowd in crowds}
                for crowd in crowds:
                    crowd.heal()
                note(f"loss {loss}, streams {streams}: {found}")
                yield false_row("8c", f"false deaths in {FALSE_SECONDS} s, {MEMBERS} members, {loss:.0%} of packets lost, "
                                f"{'streams whole' if streams else 'no streams at all'}: members (reports)", found, loss)
    finally:
        end(crowds)


def false_row(figure, what, found, loss):
    (ours, our_reports), (theirs, their_reports) = found["anode"], found["go"]
    aim = ours == 0 if loss <= 0.3 else ours <= theirs / 10
    return Row(figure, what, f"{ours} ({our_reports})", f"memberlist 0.7.0 {theirs} ({their_reports})", "", "",
               "1 × memberlist", "0" if loss <= 0.3 else "0.1 ×", verdict(ours <= theirs, aim))


def starve(crowds, starved, until, stopped, running):
    """Stops and continues them in turn, both crowds in step."""
    while time.monotonic() < until:
        for how, pause in ((signal.SIGSTOP, stopped), (signal.SIGCONT, running)):
            for crowd in crowds:
                for one in starved[crowd.kind]:
                    one.signal(how)
            time.sleep(pause)


def starved_members(world):
    """Two of fifty run a small part of the time: do they take healthy ones with them?"""
    crowds = both()
    try:
        starved = {crowd.kind: crowd.members[10:12] for crowd in crowds}
        healthy = {crowd.kind: crowd.others(*starved[crowd.kind]) for crowd in crowds}
        for stopped, running in STARVING:
            since = time.monotonic()
            starve(crowds, starved, since + FALSE_SECONDS, stopped, running)
            found = [{crowd.kind: crowd.deaths(since, seers[crowd.kind], victims[crowd.kind]) for crowd in crowds}
                     for seers, victims in ((healthy, healthy), (starved, healthy), (healthy, starved))]
            note(f"starved {stopped}: healthy ones, the same as the starved see it, starved ones: {found}")
            for crowd in crowds:
                crowd.heal()
            how = f"2 of {MEMBERS} run {running:g} s, stop {stopped:g} s, for {FALSE_SECONDS} s"
            yield false_row("8c-starved", f"{how}: healthy members declared dead (reports)", found[0], 0)
            yield false_row("8c-starved", f"{how}: healthy members declared dead, as the starved two see it", found[1], 0)
            (ours, our_reports), (theirs, their_reports) = found[2]["anode"], found[2]["go"]
            yield Row("8c-starved", f"{how}: times that the starved two were declared dead (reports)", f"{ours} ({our_reports})",
                      f"memberlist 0.7.0 {theirs} ({their_reports})", verdict="told only")
    finally:
        end(crowds)


def quiet(world):
    """A cluster in which nothing happens: what it costs a member and a second."""
    crowds = both()
    try:
        time.sleep(SETTLE_SECONDS)
        series = {kind: [] for kind in KINDS}
        for _ in range(max(1, world.runs)):
            before = {crowd.kind: crowd.usage() for crowd in crowds}
            began = time.monotonic()
            time.sleep(QUIET_SECONDS)
            for crowd in crowds:
                span = (time.monotonic() - began) * crowd.count
                after = crowd.usage()
                series[crowd.kind].append([(b - a) / span for a, b in zip(before[crowd.kind], after)])
        note(f"quiet: {series}")
        columns = {kind: list(zip(*rows)) for kind, rows in series.items()}
        middle = {kind: [sorted(column)[len(column) // 2] for column in columns[kind]] for kind in KINDS}
        cpu = [a / b for a, b in zip(columns["anode"][0], columns["go"][0])]
        ratio = middle["anode"][0] / middle["go"][0]
        yield Row("9", f"CPU per member-second, {MEMBERS} members as {MEMBERS} processes, quiet",
                  f"{middle['anode'][0] * 1e3:.2f} ms", f"memberlist 0.7.0 {middle['go'][0] * 1e3:.2f} ms", "", spread(cpu),
                  "2 × memberlist", "0.5 ×", verdict(ratio <= 2, ratio <= 0.5))
        for index, what in ((1, "packets"), (2, "bytes")):
            pairs = [a / b for a, b in zip(columns["anode"][index], columns["go"][index])]
            yield Row("9", f"{what} sent per member-second, the same", short(middle["anode"][index]),
                      f"memberlist 0.7.0 {short(middle['go'][index])}", "", spread(pairs), verdict="told only")
    finally:
        end(crowds)


def whole_views(world):
    """All join at once through one contact: until everyone sees everyone."""
    for count in (MEMBERS, LARGE):
        took = {kind: [] for kind in KINDS}
        for _ in range(max(1, world.runs if count == MEMBERS else world.runs - 1)):
            for kind in KINDS:
                with Crowd(kind, count) as crowd:
                    took[kind].append(crowd.join(VIEW_PATIENCE) or VIEW_PATIENCE)
        note(f"whole view of {count}: {took}")
        pairs = [a / b for a, b in zip(took["anode"], took["go"])]
        middle = sorted(pairs)[len(pairs) // 2]
        yield Row("view", f"{count} members join at once through one contact: everyone sees everyone",
                  seconds(took["anode"], VIEW_PATIENCE), f"memberlist 0.7.0 {seconds(took['go'], VIEW_PATIENCE)}", "", spread(pairs),
                  "1 × memberlist", "0.5 ×",
                  verdict(middle <= 1, middle <= 0.5))


def measured(figure):
    """A figure that says so where one of the two programs cannot be had."""
    def run(world):
        try:
            peers.own(), peers.memberlist()
        except peers.Absent as why:
            raise RuntimeError(str(why)) from why
        yield from figure(world)
    return run


# By the name under which RESULTS.md keeps the rows.
FIGURES = {"8b": measured(silent_deaths), "8c": measured(false_deaths), "8c-starved": measured(starved_members),
           "9": measured(quiet), "view": measured(whole_views)}
