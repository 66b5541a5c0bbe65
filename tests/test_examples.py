"""Test the examples without running them, as the documentation build does that."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("plot_*.py"))


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def tree(request):
    return ast.parse(request.param.read_text(encoding="utf-8"))


@pytest.fixture
def names(tree):
    """Return what an example imports from skvae, by name."""
    return {
        alias.name: getattr(importlib.import_module(node.module), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "skvae"
        for alias in node.names
    }


def test_there_are_examples():
    assert len(EXAMPLES) >= 7


def test_it_begins_with_a_title(tree):
    title, line, blank, *text = ast.get_docstring(tree).splitlines()
    assert line == "=" * len(title)
    assert blank == ""
    assert text


def test_what_it_imports_from_here_exists_and_is_used(tree, names):
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert any(name.endswith("Transformer") for name in names)
    assert set(names) <= used


def test_it_calls_with_arguments_that_exist(tree, names):
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names
    ]
    assert calls
    for call in calls:
        keywords = {keyword.arg for keyword in call.keywords} - {None}
        allowed = inspect.signature(names[call.func.id]).parameters
        assert keywords <= set(allowed), ast.unparse(call)


def test_it_downloads_nothing(tree):
    aliases = [node for node in ast.walk(tree) if isinstance(node, ast.alias)]
    assert not [alias.name for alias in aliases if "fetch" in alias.name]


def test_it_keeps_to_one_thread(tree):
    assert "torch.set_num_threads(1)" in ast.unparse(tree)
