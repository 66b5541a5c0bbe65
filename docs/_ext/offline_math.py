"""Render formulas with KaTeX, which the site ships, so that it needs no network."""

from html import escape

from docutils import nodes

START = """
document.addEventListener("DOMContentLoaded", () => {
  for (const found of document.querySelectorAll(".math[data-tex]")) {
    katex.render(found.dataset.tex, found, {
      displayMode: found.tagName === "DIV",
      throwOnError: false,
    });
  }
});
"""


def setup(app):
    """Register the extension with Sphinx."""
    app.add_html_math_renderer("katex", (inline, None), (block, None))
    app.connect("config-inited", choose)
    app.add_css_file("katex/katex.min.css")
    app.add_js_file("katex/katex.min.js", loading_method="defer")
    app.add_js_file(None, body=START)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def choose(app, config):
    """Choose this renderer."""
    config.html_math_renderer = "katex"


def inline(translator, node):
    """Write a formula in a line."""
    translator.body.append(element("span", node.astext()))
    raise nodes.SkipNode


def block(translator, node):
    """Write a formula on a line of its own."""
    translator.body.append(element("div", node.astext()))
    raise nodes.SkipNode


def element(name, tex):
    """Return an element for the script; without scripts, it shows the source."""
    source, text = escape(tex), escape(rf"\({tex}\)")
    return f'<{name} class="math notranslate" data-tex="{source}">{text}</{name}>'
