"""Load thousands of damaged and forged model files: each must be refused, or work.

    python -m benchmarks.fuzz_persistence            # 10 000 files: a few minutes
    python -m benchmarks.fuzz_persistence --quick    # 200 files, seconds
    python -m benchmarks.fuzz_persistence --seed 1   # other files

The files come from tests/hostile_files.py; the tests load 200 of them. A file fails if
it is neither refused with a ValueError raised by skvae nor loads as a working
estimator, or if it takes too long. Failed files are kept, and their paths printed. The
exit code is 1 if a file failed or if memory grew too much.
"""

import argparse
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

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import hostile_files

SECONDS = 5.0  # per file; each has some kilobytes
MEBIBYTES = 500  # growth of the process over all files


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="200 files")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # about other versions, devices and values
    hostile_files.originals()
    memory, start = peak_mebibytes(), time.perf_counter()
    found, failed = load_all(200 if options.quick else 10_000, options.seed)
    memory, seconds = peak_mebibytes() - memory, time.perf_counter() - start
    print_table(found)
    print(f"{found.total()} files, {len(failed)} failed, {seconds:.0f} s,", end=" ")
    print(f"peak memory grew by {memory:.0f} MiB")
    return bool(failed) or memory > MEBIBYTES


def peak_mebibytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def load_all(n_files, seed):
    """Count each (kind, verdict), and list the numbers of the failed files."""
    found, failed = Counter(), []
    folder = Path(tempfile.mkdtemp(prefix="fuzz_persistence_"))
    cases = hostile_files.cases(n_files, seed)
    for number, (kind, must_refuse, make) in enumerate(cases):
        path = folder / f"{number}.safetensors"
        make(path)
        contents = path.read_bytes()
        verdict = judge(path, must_refuse)
        found[kind.partition("+")[0], verdict] += 1
        if verdict == "failed":
            failed.append(number)
            path.write_bytes(contents)
            print(f"{path}: {kind}")
        else:
            path.unlink()
    if not failed:
        folder.rmdir()
    return found, failed


def judge(path, must_refuse):
    start = time.perf_counter()
    try:
        verdict = hostile_files.verdict(skvae.load, path, must_refuse)
    except Exception:
        traceback.print_exc(limit=-4)
        return "failed"
    return verdict if time.perf_counter() - start < SECONDS else "failed"


def print_table(found):
    verdicts = ("refused", "works", "failed")
    print(f"{'kind':32}" + "".join(f"{verdict:>9}" for verdict in verdicts))
    for kind in sorted({kind for kind, _ in found}):
        numbers = (found[kind, verdict] for verdict in verdicts)
        print(f"{kind:32}" + "".join(f"{number:9}" for number in numbers))


if __name__ == "__main__":
    sys.exit(main())
