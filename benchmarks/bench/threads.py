"""Which CPUs several threads get, and how many cores those are."""

import argparse
import pathlib

TOPOLOGY = pathlib.Path("/sys/devices/system/cpu")


def counts(text):
    """The numbers of threads in `1,2,4`, ascending. One is always among them: speed-up is against it."""
    try:
        numbers = {int(word) for word in text.split(",")}
    except ValueError:
        numbers = {0}
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"expected numbers of threads such as 2,4, got {text!r}")
    return sorted(numbers | {1})


def place(cpu, topology=TOPOLOGY):
    """The package and the core of a CPU; without a topology each is a core of its own."""
    def read(name):
        return (topology / f"cpu{cpu}/topology" / name).read_text(encoding="ascii").strip()
    try:
        return read("physical_package_id"), read("thread_siblings_list")
    except OSError:
        return "", str(cpu)


def order(cpus, topology=TOPOLOGY):
    """CPUs, the best first: one of each core, package by package, before those that share a core with another; the
    last one first, since the first has the interrupts."""
    places = {cpu: place(cpu, topology) for cpu in sorted(cpus, reverse=True)}
    packages, siblings = {}, {}
    for cpu, (package, core) in places.items():
        packages.setdefault(package, len(packages))
        siblings.setdefault(core, []).append(cpu)
    return sorted(places, key=lambda cpu: (siblings[places[cpu][1]].index(cpu), packages[places[cpu][0]], -cpu))


def cores(cpus, topology=TOPOLOGY):
    """How many cores these CPUs are."""
    return len({place(cpu, topology)[1] for cpu in cpus})
