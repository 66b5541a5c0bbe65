"""The package as installed without extras."""

import configparser
import pkgutil
import subprocess
import sys
from pathlib import Path

import skvae
from skvae.base._documentation import SITE

ROOT = Path(__file__).parent.parent


def test_everything_imports_without_the_extras():
    modules = pkgutil.iter_modules(skvae.__path__, "skvae.")
    names = [m.name for m in modules if "._" not in m.name]
    hidden = dict.fromkeys(["matplotlib", "pandas", "polars", "pyarrow", "rich"])
    code = f"import sys; sys.modules |= {hidden}; import {', '.join(names)}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_metadata_link_to_the_documentation():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    urls = dict(
        line.split(" = ") for line in config["metadata"]["project_urls"].split("\n")[1:]
    )
    assert urls["Documentation"] == SITE
    assert all(url.startswith(SITE) for url in urls.values())
