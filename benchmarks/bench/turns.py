"""How time is taken: contestants take turns, until it is known how much their ratios vary.

A turn is a batch of calls that lasts long enough for the clock. What is compared is always of one round, in which
everyone has had a turn on the same core.
"""

import math
import statistics
import time

BATCH_SECONDS = 0.005  # the least that a turn lasts
MIN_ROUNDS, MAX_ROUNDS = 9, 41
GOOD_SPREAD = 0.02     # the interval of a median over the median: known well enough
DISTURBED = 0.9        # a turn had less of the core than this: once more
ATTEMPTS = 3


def quartiles(values):
    """The first and the third, as the spread that is shown."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


def interval(values):
    """Where the median lies with a confidence of 95 %, whatever the distribution: two of the sorted values."""
    ordered, n = sorted(values), len(values)
    below = max(0, math.floor((n - 1.96 * math.sqrt(n)) / 2))
    return ordered[below], ordered[n - 1 - below]


def spread(values):
    low, high = interval(values)
    return (high - low) / statistics.median(values)


def known(series):
    """Whether there are rounds enough for every one of these lists of ratios."""
    return all(len(s) >= MIN_ROUNDS and spread(s) <= GOOD_SPREAD for s in series)


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def calls_for_a_turn(contestant, seconds=BATCH_SECONDS):
    """How many calls last that long; finding it out warms up."""
    calls = 1
    while True:
        wall, _ = contestant.time(calls)
        if wall >= seconds:
            return calls
        calls = max(calls * 2, min(calls * 100, int(calls * 1.2 * seconds / max(wall, 1e-9))))


def turn(contestant, calls):
    """Seconds of a call. A turn in which others took the core is repeated; if they go on, what counts is the time that
    the process had the core."""
    best = math.inf
    for _ in range(ATTEMPTS):
        wall, cpu = contestant.time(calls)
        if cpu >= DISTURBED * wall:
            return wall / calls
        best = min(best, cpu)
    return best / calls


def take_turns(contestants, subject, extra, limit_seconds, failure, clock=time.monotonic):
    """({name: [seconds of a call, by round]}, {name: why}) for contestants by name, and for `extra`, functions by name
    that give seconds themselves. Ends when the ratios of all to `subject` are known, or at a limit. Who raises
    `failure` is left out; from the subject it is raised."""
    seconds, takers, lost = {}, {}, {}

    def attempt(name, action):
        try:
            return action()
        except failure as error:
            if name == subject:
                raise
            lost[name] = str(error)
            takers.pop(name, None)
            seconds.pop(name, None)
            return None

    for name, contestant in contestants.items():
        calls = attempt(name, lambda: calls_for_a_turn(contestant))
        if calls:
            takers[name] = lambda c=contestant, n=calls: turn(c, n)
    takers |= extra
    for name in takers:
        seconds[name] = []
    start = clock()
    for number in range(MAX_ROUNDS):
        names = list(takers)
        first = number % len(names)  # no one is always the first
        for name in names[first:] + names[:first]:
            value = attempt(name, takers[name])
            if value is not None:
                seconds[name].append(value)
        ratios = [ratios_of(seconds[name], seconds[subject]) for name in takers if name != subject]
        enough = known(ratios or [seconds[subject]])
        if enough or (number + 1 >= MIN_ROUNDS and clock() - start > limit_seconds):
            break
    return seconds, lost


def ratios_of(times, base):
    return [t / b for t, b in zip(times, base)]
