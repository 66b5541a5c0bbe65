"""Test the package as installed without its extras."""

import configparser
import pkgutil
import subprocess
import sys
from pathlib import Path

import skvae
from skvae.base import REPOSITORY, SITE

ROOT = Path(__file__).parent.parent


def test_everything_imports_without_the_extras():
    modules = pkgutil.iter_modules(skvae.__path__, "skvae.")
    names = [m.name for m in modules if "._" not in m.name]
    extras = (
        "matplotlib onnx onnxscript optuna pandas polars pyarrow rich skl2onnx skops"
    )
    hidden = dict.fromkeys(extras.split())
    code = f"import sys; sys.modules |= {hidden}; import {', '.join(names)}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def project_urls():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["metadata"]["project_urls"].split("\n")[1:]
    return dict(line.split(" = ") for line in lines)


def test_the_metadata_name_the_documentation():
    urls = project_urls()
    assert urls.pop("Documentation") == SITE
    assert urls.pop("Changes").startswith(SITE)
    ours = {"Source": REPOSITORY, "Issues": f"{REPOSITORY}/issues"}
    assert urls == (ours if REPOSITORY else {})


def test_all_files_name_the_same_repository():
    citation = (ROOT / "CITATION.cff").read_text()
    assert ("\nrepository-code: " in citation) == bool(REPOSITORY)
    for name in ("README.md", "README.ja.md"):
        text = (ROOT / name).read_text()
        sentence = {
            "README.md": "no public address",
            "README.ja.md": "公開していません",
        }
        assert (sentence[name] in text) == (REPOSITORY is None)
        assert (REPOSITORY or "no repository") in text or not REPOSITORY
    assert f"({SITE}readme_ja.html)" in (ROOT / "README.md").read_text()
    assert f"version: {skvae.__version__}\n" in citation


def test_the_conda_recipe_has_the_same_dependencies():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    ours = config["options"]["install_requires"].split()
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    run = recipe.partition("  run:")[2].partition("\ntest:")[0]
    theirs = [line.strip(" -").replace(" ", "") for line in run.splitlines() if line]
    theirs = [line.replace("pytorch", "torch") for line in theirs]
    assert set(theirs) == {*ours, f"python{config['options']['python_requires']}"}


def test_the_install_page_lists_the_dependencies():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    ours = [line.split(">=") for line in config["options"]["install_requires"].split()]
    page = (ROOT / "docs" / "install.md").read_text()
    rows = page.partition("| package | at least |\n|---|---|\n")[2].partition("\n\n")[0]
    assert [row.strip("| ").split(" | ") for row in rows.splitlines()][1:] == ours
