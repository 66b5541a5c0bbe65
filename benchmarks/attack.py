"""Attack every estimator with hostile input, and judge what it does.

    python -m benchmarks.attack             # 100 000 inputs: half an hour
    python -m benchmarks.attack --quick     # 2 000 inputs: a minute
    python -m benchmarks.attack --moments 200  # interrupts, kills and threads
    python -m benchmarks.attack --case 123  # one of them: its lines, and the outcome

Each input is a table, latents, a parameter, a condition or an argument of a kind that a
method does not expect: other dtypes, shapes, orders and containers, missing, infinite
and huge values. There are two ways to pass: a finite result of the right shape; or a
ValueError, TypeError or FloatingPointError raised on purpose, by skvae or by the input
validation of scikit-learn. A fitted estimator must then answer as before.

depths      an error from within torch, numpy or skorch
not finite  a result with NaN or infinity
shape       a result with another number of rows
accepted    a result for complex numbers, times or records
state       the estimator gives other answers than before
message     an error message of more than 3 000 characters
slow        more than 10 seconds of processor time

Each fault is printed once, with lines that reproduce it. The exit code is 1 if there is
one. An interrupted run with --keep FILE continues where it stopped. Runs with several
seeds may go side by side; --join FILE FILE adds up what they kept.
"""

import faulthandler
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks import _attack_cases as cases
from benchmarks import _common as common
from benchmarks._attack_judge import FAULTS, FINE, Judge, NotBuilt, quiet
from benchmarks._attack_moments import Moments

FULL, QUICK = 100_000, 2_000
GIBIBYTES = 24  # of address space: an absurd size is then an error
SAVED = 1_000  # cases between two writes of --keep


def main():
    options = parsed()
    quiet()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (GIBIBYTES * 2**30,) * 2)
    if options.case is not None:
        return show_case(options.seeds[0], options.case)
    if options.moments is not None:
        return show_moments(options)
    if options.join:
        parts = [json.loads(path.read_text()) for path in options.join]
    else:
        n_cases = options.cases or (QUICK if options.quick else FULL)
        parts = [attack(options.seeds[0], n_cases, options.keep, options.minutes)]
    rows = table(sum((Counter(part["counts"]) for part in parts), Counter()))
    common.print_table(rows)
    done, seconds = (sum(part[name] for part in parts) for name in ("done", "seconds"))
    print(f"{done} inputs, {seconds:.0f} s of one core")
    settings = {"inputs": done, "seeds": ", ".join(str(p["seed"]) for p in parts)}
    settings["note"] = options.note
    for row in rows if options.write else ():
        common.keep(options.write, settings, row)
    return any(row[verdict] for row in rows for verdict in FAULTS)


def parsed():
    parser = common.parser("attack", __doc__)
    parser.add_argument("--cases", type=int, help="how many")
    parser.add_argument("--case", type=int, help="run this one only")
    parser.add_argument("--moments", type=int, help="interrupts and kills, this many")
    parser.add_argument("--minutes", type=float, default=np.inf, help="stop after this")
    parser.add_argument("--keep", type=Path, help="file to continue from")
    parser.add_argument("--note", help="what to say of this run in the results")
    parser.add_argument("--join", type=Path, nargs="+", help="add up kept files")
    return parser.parse_args()


def drawn(judge, seed, number):
    """Draw a case whose value can be built, and return it with its outcome."""
    for attempt in range(100):
        case = cases.draw(np.random.default_rng([seed, number, attempt]))
        try:
            return case, judge.judge(case)
        except NotBuilt:
            continue
    raise RuntimeError(f"no value could be built for case {number}")


def attack(seed, n_cases, keep, minutes):
    """Judge the cases of a seed, and count (estimator, verdict)."""
    found = {"seed": seed, "done": 0, "seconds": 0.0, "counts": {}, "seen": []}
    if keep and keep.exists():
        found = json.loads(keep.read_text())
    judge, start, before = Judge(), time.process_time(), found["seconds"]
    counts, seen = Counter(found["counts"]), set(found["seen"])
    for number in range(found["done"], n_cases):
        case, outcome = drawn(judge, seed, number)
        counts[f"{case.estimator} {outcome.verdict}"] += 1
        if outcome.verdict in FAULTS:
            report(number, case, outcome, seen)
        seconds = time.process_time() - start
        found |= {"done": number + 1, "seconds": before + seconds}
        found |= {"counts": counts, "seen": sorted(seen)}
        if keep and (number + 1) % SAVED == 0:
            keep.write_text(json.dumps(found))
        if seconds > 60 * minutes:
            break
    if keep:
        keep.write_text(json.dumps(found))
    return found


def report(number, case, outcome, seen):
    """Print a fault, unless one of the same kind has been printed."""
    kind = f"{outcome.verdict} {case.kind} {case.method} {outcome.detail[-60:]}"
    if kind in seen:
        return
    seen.add(kind)
    print(f"# case {number}: {outcome.verdict}, {case.estimator}.{case.method}")
    print(f"# {outcome.detail}\n{case.source}\n", flush=True)


def show_case(seed, number):
    """Print one case and its outcome."""
    case, outcome = drawn(Judge(), seed, number)
    print(f"{case.source}\n# {outcome.verdict}: {outcome.detail}")
    return outcome.verdict in FAULTS


def show_moments(options):
    """Interrupt, kill and ask from threads; print the faults and how many there are."""
    moments, n = Moments(options.seeds[0]), options.moments
    attacks = {
        "SIGINT in fit": (moments.interrupts, n),
        "SIGINT in a grid search": (moments.searches, n),
        "SIGKILL in save": (moments.kills, n),
        "8 threads on one model": (moments.threads, len(cases.CLASSES)),
    }
    rows = []
    for name, (attack, number) in attacks.items():
        arrived, faults = attack(number)
        rows.append({"attack": name, "moments": number, "in time": arrived})
        rows[-1]["faults"] = len(faults)
        for fault in sorted(set(faults)):
            print(f"# {name}: {fault}", flush=True)
    common.print_table(rows)
    for row in rows if options.write else ():
        common.keep(options.write, {"seeds": str(options.seeds[0])}, row)
    return any(row["faults"] for row in rows)


def table(counts):
    """One row per estimator, with the number of each verdict."""
    rows = []
    for name in cases.CLASSES:
        row = {"estimator": name, "inputs": 0}
        row |= {v: counts.get(f"{name} {v}", 0) for v in (*FINE, *FAULTS)}
        row["inputs"] = sum(row[v] for v in (*FINE, *FAULTS))
        rows.append(row)
    return rows


if __name__ == "__main__":
    sys.exit(main())
