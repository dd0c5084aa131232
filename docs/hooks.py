"""What mkdocs calls while it builds: further pages, and links that hold in the repository and on the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generate.fences import shown_fences
from generate.links import site_links
from generate.reference import PAGES
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Pages that lie beside what they describe; their place on the site is their place in the repository.
IMPORTED = ("benchmarks/README.md", "deploy/README.md", "deploy/helm/README.md")
_HOME_OF_THE_REST = "Explanation"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Gives pages that the navigation does not name a place at its end."""
    named = set(_named(config.nav))
    docs = Path(config.docs_dir)
    rest = sorted(path.name for path in docs.glob("*.md") if path.name not in named)
    for entry in config.nav or ():
        if isinstance(entry, dict) and _HOME_OF_THE_REST in entry:
            entry[_HOME_OF_THE_REST].extend(rest)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the READMEs of other folders and the generated reference."""
    for name in IMPORTED:
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    for name, write in PAGES.items():
        files.append(File.generated(config, f"reference/{name}", content=write()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turns links of the repository into links of the site, and the marks of fences into titles."""
    source = page.file.src_uri
    place = source if source in IMPORTED else f"docs/{source}"
    known = {file.src_uri if file.src_uri in IMPORTED else f"docs/{file.src_uri}": file.src_uri for file in files}
    return shown_fences(site_links(markdown, place, source, known, ROOT))


def _named(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    if isinstance(nav, dict):
        return [name for value in nav.values() for name in _named(value)]
    return [name for entry in nav or () for name in _named(entry)]
