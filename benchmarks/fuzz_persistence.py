"""Load thousands of damaged and forged model files: each must be refused, or work.

    python -m benchmarks.fuzz_persistence --quick               # 1 000 files
    python -m benchmarks.fuzz_persistence --files 100000 --write
    python -m benchmarks.fuzz_persistence --seeds 1             # other files

The files come from tests/hostile_files.py; the tests load 200 of them. Half of them are
damaged: bytes, lengths, texts, and tables of tensors that are spelled or laid out in
another way. The other half are forged: values, names, shapes, tensors and bombs in a
header whose checksum is valid. A file fails if it is neither refused with a ValueError
raised by skvae nor loads as a working estimator, if a message repeats more than a line
of it, or if it takes more than a second. Failed files are kept, and their paths
printed. The exit code is 1 if a file failed or if memory grew too much.
"""

import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import torch

import skvae
from benchmarks._common import merge_record, parser, print_table, record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import hostile_files

SECONDS = 1.0  # of one core per file; each has some kilobytes
MEBIBYTES = 100  # growth of the process over all files
CHARACTERS = 800  # of a message, with the path


def main():
    command = parser("fuzz_persistence", __doc__)
    command.add_argument("--files", type=int, default=10_000)
    command.add_argument("--minutes", type=float, default=15, help="stop after")
    options = command.parse_args()
    n_files = 1000 if options.quick else options.files
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # about other versions, devices and values
    hostile_files.originals()
    failed = 0
    for seed in options.seeds:
        failed += run(n_files, seed, 60 * options.minutes, options.write)
    return bool(failed)


def run(n_files, seed, seconds, path):
    """Load files of one seed, print and keep the counts; return how many failed."""
    memory, start = peak_mebibytes(), time.process_time()
    found, failed, slowest = load_all(n_files, seed, start + seconds)
    memory, seconds = peak_mebibytes() - memory, time.process_time() - start
    rows = [counts(kind, found) for kind in sorted({kind for kind, _ in found})]
    rows.append(counts("all", found))
    print_table(rows)
    print(f"{seconds:.0f} s of one core, the slowest file {slowest:.2f} s, peak memory")
    print(f"grew by {memory:.0f} MiB")
    if path:
        settings = {"files": found.total(), "seed": seed}
        measured = {"kind": "slowest file (s), growth of memory (MiB)"}
        measured |= {"refused": round(slowest, 2), "works": round(memory), "failed": ""}
        merge_record(path, record(settings, [*rows, measured]))
    return len(failed) + (memory > MEBIBYTES)


def counts(kind, found):
    """Return the row of a kind: how many files of it got each verdict."""
    verdicts = ("refused", "works", "failed")
    return {"kind": kind} | {
        verdict: sum(
            n for (k, v), n in found.items() if v == verdict and kind in (k, "all")
        )
        for verdict in verdicts
    }


def peak_mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load_all(n_files, seed, until):
    """Count each (kind, verdict), list the failed files, and time the slowest."""
    found, failed, slowest = Counter(), [], 0.0
    folder = Path(tempfile.mkdtemp(prefix="fuzz_persistence_"))
    cases = hostile_files.cases(n_files, seed)
    for number, (kind, must_refuse, make) in enumerate(cases):
        if time.process_time() > until:
            break
        path = folder / f"{number}.safetensors"
        try:
            make(path)
        except ValueError:  # `save` itself refuses such a header
            continue
        contents = path.read_bytes()
        verdict, seconds = judge(path, must_refuse)
        slowest = max(slowest, seconds)
        found[kind.partition("+")[0], verdict] += 1
        if verdict == "failed":
            failed.append(number)
            path.write_bytes(contents)
            print(f"{path}: {kind}, {seconds:.2f} s")
        else:
            path.unlink()
    if not failed:
        folder.rmdir()
    return found, failed, slowest


def judge(path, must_refuse):
    """Return the verdict on a file, and the seconds that loading it took."""
    taken = []

    def load(path):
        start = time.process_time()
        try:
            return skvae.load(path)
        except ValueError as error:
            if len(str(error)) > CHARACTERS or not str(error).isprintable():
                raise AssertionError("a message repeats the file") from error
            raise
        finally:
            taken.append(time.process_time() - start)

    try:
        verdict = hostile_files.verdict(load, path, must_refuse)
    except Exception:
        traceback.print_exc(limit=-4)
        verdict = "failed"
    return verdict if taken[0] < SECONDS else "failed", taken[0]


if __name__ == "__main__":
    sys.exit(main())
