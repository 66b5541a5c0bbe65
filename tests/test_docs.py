"""Test the pages of the API reference and the links to them."""

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from sklearn.utils import estimator_html_repr

import skvae
from benchmarks import tables
from benchmarks.reports import Dots, _svg
from skvae import VAETransformer, metrics
from skvae.base import SITE
from skvae.discovery import all_estimators

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS / "_ext"))  # as docs/conf.py does
PAGES = [*DOCS.glob("**/*.md"), *ROOT.glob("*.md")]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("skvae/[a-z]*/__init__.py"))


def load(path):
    """Import a file that is not part of a package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


api_pages = load(DOCS / "_ext" / "api_pages.py")
members = load(DOCS / "_ext" / "members.py")
references = load(DOCS / "_ext" / "references.py")
foreign_names = load(DOCS / "_ext" / "foreign_names.py")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a folder with the pages that a build would write."""
    folder = tmp_path_factory.mktemp("docs")
    api_pages.write(folder)
    return folder


def listed():
    return {
        name: value for _, names in api_pages.listing() for name, value in names.items()
    }


def test_the_pages_of_the_results_are_up_to_date():
    for path, text in tables.files().items():
        assert path.read_text() == text, "run python -m benchmarks.tables"


def test_tables_escape_pipes_and_are_narrow():
    assert tables.table([{"p(x|w)": "a|b"}])[0] == r"| p(x\|w) |"
    assert tables.table([{"p(x|w)": "a|b"}])[2] == r"| a\|b |"
    with pytest.raises(ValueError, match="more than 7 columns"):
        tables.table([dict.fromkeys("abcdefgh", 1)])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_row_of_a_table_has_the_cells_of_its_head(path):
    blocks = re.findall(r"(?:^\|.*\n)+", path.read_text(), re.MULTILINE)
    for block in blocks:
        counts = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
        assert len(counts) == 1, block


def test_dot_plots_place_values_in_order():
    rows = [{"name": "a", "here": 1.0, "there": "2.0 ± 0.1"}, {"name": "b", "here": -3}]
    dots = Dots("name", {"here": "here", "there": "there"}, "nats")
    plot = _svg.dot_plot({"": rows}, dots)
    (high, low) = (float(x) for x in re.findall(r'circle cx="([\d.]+)" cy="[^1]', plot))
    (middle,) = re.findall(r"translate\(([\d.]+) (?!12\))", plot)
    assert low < high < float(middle)
    assert _svg.number("−150.2 ± 1") == -150.2
    assert _svg.number("no") is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.5, 1]), (-460, -360, [-450, -400]), (0.71, 0.82, [0.75, 0.8])],
)
def test_ticks_are_round(low, high, expected):
    assert _svg.ticks(low, high) == expected


@pytest.mark.parametrize(("name", "estimator"), all_estimators())
def test_html_of_an_estimator_links_to_its_page(name, estimator, source):
    links = re.findall(
        rf'href="{re.escape(SITE)}([^"#]+)', estimator_html_repr(estimator())
    )
    assert set(links) == {f"api/skvae.{name}.html"}
    page = (source / links[0]).with_suffix(".rst").read_text()
    assert ".. currentmodule:: skvae\n" in page
    assert f".. autoclass:: {name}(" in page
    assert f"`fit <skvae.{name}.fit>`" in page.partition(".. autoclass::")[0]


def test_a_subclass_from_elsewhere_has_no_link():
    class Own(VAETransformer):
        pass

    assert SITE not in estimator_html_repr(Own())


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_has_a_page(name, source):
    package = importlib.import_module(f"skvae.{name}")
    pages = listed()
    for public in getattr(package, "__all__", []):
        value = getattr(package, public)
        (page, *others) = [page for page, other in pages.items() if other is value]
        assert not others
        assert (source / "api" / f"{page}.rst").exists()
        assert page in (f"skvae.{name}.{public}", f"skvae.{public}")


def test_a_new_metric_gets_a_page_by_itself(monkeypatch, tmp_path):
    def new():
        """Measure something."""

    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "skvae.metrics.gone.rst").touch()
    monkeypatch.setattr(metrics, "new", new, raising=False)
    monkeypatch.setattr(metrics, "__all__", [*getattr(metrics, "__all__", []), "new"])
    api_pages.write(tmp_path)
    pages = tmp_path / "api"
    assert ".. autofunction:: new\n" in (pages / "skvae.metrics.new.rst").read_text()
    assert "\n   skvae.metrics.new\n" in (pages / "metrics.rst").read_text()
    assert "- Measure something." in (pages / "index.rst").read_text()
    assert not (pages / "skvae.metrics.gone.rst").exists()


def test_a_class_page_has_the_members_written_here():
    own = api_pages.own(VAETransformer)
    assert {"fit", "transform", "sample", "save", "module_", "history_"} <= set(own)
    assert not {"get_params", "set_output", "fit_transform"} & set(own)
    assert "zero_grad" not in api_pages.own(skvae.autoencoders.VAE)
    assert "set_output" in api_pages.inherited(VAETransformer)
    assert members.short_signature(VAETransformer) == "(n_components=8, *, ...)"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sklearn.decomposition.PCA", True),
        ("torch.nn.Module", True),
        ("sklearn.decomposition.PAC", False),
        ("torch.no_such.Module", False),
        ("sklearn", True),
    ],
)
def test_only_names_that_exist_are_linked(name, found):
    assert foreign_names.exists(name) is found


def test_the_guide_lists_its_chapters():
    chapters = {path.stem for path in (DOCS / "guide").glob("*.md")} - {"index"}
    assert chapters <= set((DOCS / "guide" / "index.md").read_text().split())


def test_both_readmes_hold_the_same_code():
    texts = [(ROOT / name).read_text() for name in ("README.md", "README.ja.md")]
    code = [re.findall(r"```python\n(.*?)```", text, re.DOTALL) for text in texts]
    assert code[0] == code[1]


def test_the_page_of_references_names_each_paper_once(source):
    page = (source / "api" / "references.rst").read_text()
    assert page.count("Auto-Encoding Variational Bayes") == 1
    assert "    :py:obj:`~skvae.VAETransformer`" in page
    two = "A.\n\nReferences\n----------\nOne, A. (2001). B\n   c.\nTwo, D. (2002). E.\n"
    assert references.entries(two) == ["One, A. (2001). B c.", "Two, D. (2002). E."]
