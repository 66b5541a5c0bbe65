"""Page of the attack with hostile input."""

from benchmarks.reports import Report, pick

COLUMNS = {"estimator": "estimator", "inputs": "inputs", "result": "result"}
COLUMNS |= {"refused": "refused", "faults": "faults"}
FAULTS = {
    "depths": "errors from the depths",
    "not finite": "results that are not finite",
    "shape": "results of a wrong shape",
    "accepted": "inputs wrongly accepted",
    "state": "changed estimators",
    "message": "bad messages",
    "slow": "slow answers",
}
MOMENTS = {"attack": "attack", "moments": "moments", "in time": "in time"}
MOMENTS |= {"faults": "faults"}


def tables(record):
    rows, note = record["rows"], record["settings"].get("note")
    if "attack" in rows[0]:
        return {"Signals and threads": pick(rows, MOMENTS)}
    rows = [row | {"faults": sum(row[name] for name in FAULTS)} for row in rows]
    total = {name: sum(row[name] for row in rows) for name in (*COLUMNS, *FAULTS)[1:]}
    kinds = [f"{total[name]} {words}" for name, words in FAULTS.items() if total[name]]
    found = ", ".join(kinds) or "no fault"
    caption = f"Hostile inputs, {note}: {found}" if note else f"Hostile inputs: {found}"
    return {caption: pick([*rows, {"estimator": "all"} | total], COLUMNS)}


REPORT = Report(
    title="Hostile input, signals and threads",
    asked="""\
Does any table, parameter, condition or argument lead to an error from the depths of
torch or numpy, to a result that is not finite, or to a fitted estimator that answers
otherwise than before? Each input must give a finite result of the right shape, or an
error in words of skvae's or scikit-learn's own. Signals are sent at random moments.""",
    tables=tables,
)
