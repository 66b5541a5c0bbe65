"""Check the built site: links, anchors, texts of pictures, and no use of the network.

    python .ci/check_site.py docs/_build/html

Addresses of other sites are not visited. A page may link to them, but must not load
anything from them.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}
# Links that a browser does not load as part of the page.
NOT_LOADED = {"canonical", "prev", "next", "search", "index", "author"}


class Page(HTMLParser):
    """The links, anchors and faults of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors, self.faults = [], {""}, []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        """Collect what a tag links to or loads."""
        found = dict(attributes)
        self.anchors.add(found.get("id") or found.get("name") or "")
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img" and found.get("alt") is None:
            self.faults.append(f"a picture without a text: {found.get('src')}")
        address = found.get(LOADED.get(tag, ""))
        if address and not NOT_LOADED & set((found.get("rel") or "").split()):
            self.links.append(address)
            if urlsplit(address).netloc:
                self.faults.append(f"loads from another site: {address}")


def main(folder):
    """Print all faults, and exit with 1 if there are any."""
    pages = {path.resolve(): Page(path) for path in written(Path(folder))}
    faults = [
        f"{path.relative_to(Path(folder).resolve())}: {fault}"
        for path, page in pages.items()
        for fault in [*page.faults, *broken(path, page, pages)]
    ]
    print("\n".join(faults) or f"{len(pages)} pages: links, anchors and pictures exist")
    sys.exit(bool(faults))


def written(folder):
    """Return the pages, without templates of the theme and listings of source code."""
    others = {"_static", "_modules"}
    found = folder.rglob("*.html")
    return [p for p in found if not others & set(p.relative_to(folder).parts)]


def broken(path, page, pages):
    """Return what is wrong with the links of a page to its own site."""
    for link in dict.fromkeys(page.links):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or link == "#":
            continue
        target, anchor = urldefrag(link)
        place = unquote(target.partition("?")[0])
        found = (path.parent / place).resolve() if place else path
        if not found.exists():
            yield f"no such file: {link}"
        elif found in pages and unquote(anchor) not in pages[found].anchors:
            yield f"no such anchor: {link}"


if __name__ == "__main__":
    main(*sys.argv[1:])
