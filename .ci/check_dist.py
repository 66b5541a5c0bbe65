"""Check the contents of what `make dist` has built, and that it works when installed.

The dependencies come from the interpreter that runs this script. pandas and matplotlib
are hidden, because skvae must work without them.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
ADDED = ("PKG-INFO", "skvae.egg-info/")  # by setuptools

TRIAL = """
import sys
for extra in ("matplotlib", "pandas"):
    sys.modules[extra] = None
import numpy as np
import skvae, skvae.metrics, skvae.plotting
assert skvae.__file__.startswith(sys.argv[1]), skvae.__file__
X = np.random.default_rng(0).normal(size=(50, 3))
vae = skvae.VAETransformer(2, max_epochs=1, random_state=0).fit(X)
vae.save("model")
assert np.array_equal(skvae.load("model").transform(X), vae.transform(X))
"""


def main():
    """Check the wheel and the source distribution in dist/."""
    (wheel,) = (ROOT / "dist").glob("*.whl")
    (sdist,) = (ROOT / "dist").glob("*.tar.gz")
    tracked = set(git("ls-files"))
    compare(wheel.name, in_wheel(wheel), {f for f in tracked if f.startswith("skvae/")})
    compare(sdist.name, in_sdist(sdist), tracked)
    for path in (wheel, sdist):
        try_out(path)


def git(*arguments):
    """Return the output lines of a git command."""
    call = ["git", "-C", str(ROOT), *arguments]
    return subprocess.check_output(call, text=True).splitlines()


def in_wheel(path):
    """Return the files in a wheel, except its metadata."""
    with ZipFile(path) as archive:
        return {n for n in archive.namelist() if ".dist-info/" not in n}


def in_sdist(path):
    """Return the files in a source distribution, except those that setuptools adds."""
    with tarfile.open(path) as archive:
        names = [m.name.partition("/")[2] for m in archive if m.isfile()]
    return {name for name in names if not name.startswith(ADDED)}


def compare(name, found, expected):
    """Exit with a message if a distribution has missing or unexpected files."""
    for what, files in {
        "lacks": expected - found,
        "unexpectedly contains": found - expected,
    }.items():
        if files:
            sys.exit(f"{name} {what} {', '.join(sorted(files))}.")


def try_out(path):
    """Install a distribution into an empty folder, then fit, save and load a model."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--target", folder, path], check=True)
        trial = [sys.executable, "-c", TRIAL, folder]
        environment = os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        subprocess.run(trial, check=True, cwd=folder, env=environment)
    print(f"{path.name}: complete, and works when installed")


if __name__ == "__main__":
    main()
