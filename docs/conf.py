"""Sphinx settings. The site builds without network access."""

import os
import sys
from pathlib import Path

# Print only the end of each progress bar. tqdm reads this when it is imported.
os.environ["TQDM_MININTERVAL"] = "3600"

# For an example, and for a link of a docstring.
from sklearn.experimental import (
    enable_halving_search_cv,  # noqa: F401
    enable_iterative_imputer,  # noqa: F401
)
from sphinx_gallery.sorting import ExplicitOrder

from skvae import __version__
from skvae.base import REPOSITORY, SITE

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "skvae"
author = "skvae developers"
copyright = author
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # Local extensions, in _ext:
    "api_pages",
    "foreign_names",
    "offline_math",
    "raw_text",
]
# The pages of the results contain the findings.
exclude_patterns = ["_build", "_static", "results/findings"]
nitpicky = True
smartquotes = False  # quoted values must be copied as they are
# README.md ends its doctests with an empty line, which pytest needs.
highlight_options = {"python": {"stripnl": True}}

# -- copy buttons: prompts and outputs are left out ------------------------------------

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_exclude = ".linenos, .gp, .go"

# -- docstrings ------------------------------------------------------------------------

default_role = "literal"
autodoc_typehints = "none"
maximum_signature_line_length = 88
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

# -- Markdown --------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "substitution"]
myst_substitutions = {
    "version": version,
    "release_note": (
        "There is no release on the Python Package Index yet."
        if "dev" in version
        else f"The newest release is {version}."
    ),
    "source_note": (
        f"Source: <{REPOSITORY}>. Questions and bugs: <{REPOSITORY}/issues>."
        if REPOSITORY
        else "The source and its issues have no public address yet."
    ),
}
myst_heading_anchors = 3

# -- gallery ---------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": ExplicitOrder(
        ["plot_quickstart.py", "plot_overview.py", "*"]
    ),
    "backreferences_dir": "gallery/backreferences",
    "doc_module": "skvae",
    "reference_url": {"skvae": None},
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
}

# -- HTML ------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "skvae"
html_baseurl = SITE
html_static_path = ["_static"]
html_css_files = ["skvae.css"]
html_favicon = "_static/skvae.svg"
html_show_sphinx = False
html_sidebars = {"index": [], "install": [], "comparison": [], "getting_started": []}
html_theme_options = {
    "logo": {
        "image_light": "_static/skvae.svg",
        "image_dark": "_static/skvae.svg",
        "text": "skvae",
        "alt_text": "skvae",
    },
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc", "sourcelink"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navigation_with_keys": False,
    "icon_links": [{"name": "Source", "url": REPOSITORY, "icon": "fa-brands fa-github"}]
    if REPOSITORY
    else [],
    "use_edit_page_button": False,
}
