"""Check that what `make dist` has built can be released.

    python .ci/release_check.py                   # everything
    python .ci/release_check.py --no-examples     # the files only, in seconds
    python .ci/release_check.py --examples plot_counts.py plot_trust.py
    python .ci/release_check.py --oldest          # print the oldest dependencies

The examples run from the wheel in a fresh environment for each Python 3.11 to 3.14 that
is found: with the newest dependencies and, on the oldest Python, with the oldest ones.
Every fault is printed; the exit code is 1 if there is one.
"""

import argparse
import configparser
import email
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def main():
    """Print all faults, and exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--oldest", action="store_true")
    parser.add_argument("--no-examples", action="store_true")
    parser.add_argument("--examples", nargs="*", help="names of files in examples/")
    options = parser.parse_args()
    if options.oldest:
        print("\n".join(oldest()))
        return
    wheel = one("*.whl")
    faults = [*version_faults(), *wheel_faults(wheel), *site_faults()]
    if not options.no_examples:
        faults += example_faults(wheel, options.examples)
    for fault in faults:
        print(f"not ready: {fault}")
    sys.exit(bool(faults))


def one(pattern):
    """Return the only file in dist/ that matches a pattern."""
    found = list((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        sys.exit(f"dist/ holds {len(found)} files {pattern}; run make dist first.")
    return found[0]


def read(name):
    """Return the text of a file of the repository."""
    return (ROOT / name).read_text()


def version():
    """Return the version of the package."""
    return re.search(r'__version__ = "(.+)"', read("skvae/_version.py"))[1]


# -- files -----------------------------------------------------------------------------


def version_faults():
    """Return what is wrong with the version, in words."""
    number = version()
    first = re.search(r"^## (\S+) \((.+)\)$", read("CHANGES.md"), re.MULTILINE)
    if "dev" in number:
        yield f"the version is {number}; set it in skvae/_version.py and CITATION.cff"
    if f"\nversion: {number}\n" not in read("CITATION.cff"):
        yield f"CITATION.cff does not have the version {number}"
    if first is None or first[1] != number.partition(".dev")[0]:
        yield f"CHANGES.md does not begin with a section for {number}"
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", first[2]):
        yield f"CHANGES.md has no date for {first[1]}, but {first[2]!r}"
    if "\ndate-released: " not in read("CITATION.cff"):
        yield "CITATION.cff has no date-released"


def wheel_faults(path):
    """Return what is wrong with the wheel and its metadata."""
    with ZipFile(path) as archive:
        names = archive.namelist()
        (place,) = (n for n in names if n.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(place))
    if metadata["Version"] != version():
        yield f"{path.name} has the version {metadata['Version']}: run make dist"
    if "skvae/py.typed" not in names:
        yield "the wheel has no py.typed"
    if not any(n.endswith("/licenses/LICENSE") for n in names):
        yield "the wheel has no LICENSE"
    urls = [url.partition(", ")[0] for url in metadata.get_all("Project-URL", [])]
    for url in ("Documentation", "Changes", "Source", "Issues"):
        if url not in urls:
            yield f"the metadata have no address {url!r}: see skvae.base.REPOSITORY"
    for line in metadata.get_payload(decode=True).decode().splitlines():
        if re.search(r"\]\((?!https?:|#)", line):
            yield f"README.md has a link that will not work on other sites: {line}"


def site_faults():
    """Return what is wrong with the site."""
    page = ROOT / "docs" / "_build" / "html" / "index.html"
    if not page.exists():
        yield "the site is not built: run make docs"
    elif page.stat().st_mtime < (ROOT / "CHANGES.md").stat().st_mtime:
        yield "the site is older than CHANGES.md: run make docs"


# -- examples --------------------------------------------------------------------------


def oldest():
    """Return the lower bounds of the dependencies as exact requirements."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split()
    lines += config["options.extras_require"]["plot"].split("\n")
    lines += config["options.extras_require"]["metrics"].split("\n")
    return [line.replace(">=", "==") for line in lines if ">=" in line]


def example_faults(wheel, names):
    """Run examples from the wheel, on each Python that is found."""
    files = [ROOT / "examples" / n for n in names or ()]
    files = files or sorted(ROOT.glob("examples/plot_*.py"))
    found = [p for p in PYTHONS if runs(p)]
    print(f"Pythons found: {', '.join(found) or 'none'}")
    for number in found:
        yield from in_environment(number, wheel, [], files)
    if found:
        yield from in_environment(found[0], wheel, oldest(), files)


def runs(number):
    """Return whether a Python is found that starts; a pyenv shim may not."""
    command = shutil.which(f"python{number}")
    if not command:
        return False
    program = [command, "-c", "import venv, ensurepip"]
    return subprocess.run(program, check=False, capture_output=True).returncode == 0


def in_environment(number, wheel, pinned, files):
    """Run examples in a fresh environment, and name those that fail."""
    label = f"Python {number}, {'oldest' if pinned else 'newest'} dependencies"
    print(label, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([f"python{number}", "-m", "venv", folder], check=True)
        python = Path(folder, "Scripts" if os.name == "nt" else "bin", "python")
        pip = [python, "-m", "pip", "install", "--quiet", f"{wheel}[plot,metrics]"]
        if not succeeds([*pip, *pinned]):
            yield f"{label}: the wheel cannot be installed"
            return
        for path in files:
            if not succeeds([python, path], cwd=folder):
                yield f"{label}: {path.name} fails"


def succeeds(command, **where):
    """Return whether a command ends with 0."""
    quiet = {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONPATH": ""}
    environment = os.environ | quiet
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, **where
    )
    if done.returncode:
        print(done.stderr[-2000:])
    return done.returncode == 0


if __name__ == "__main__":
    main()
