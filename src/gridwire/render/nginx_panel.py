"""Where the panel's files are served: pages by clean addresses, and parts whose names change with their content."""

from __future__ import annotations

from typing import Final

from gridwire.render.nginx_tree import Directive, Path, Quoted, block, directive, phase

_YEAR: Final = 31_536_000
_TYPES: Final = (
    ("text/html", "html"),
    ("text/css", "css"),
    ("text/javascript", "js"),
    ("text/plain", "txt"),
    ("text/xml", "xml"),
    ("application/json", "json", "map"),
    ("application/manifest+json", "webmanifest"),
    ("image/svg+xml", "svg"),
    ("image/png", "png"),
    ("image/x-icon", "ico"),
    ("image/webp", "webp"),
    ("font/woff2", "woff2"),
)
# add_header of a location takes the place of those around it, so each of them has all.
_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
)
_OPENER: Final = ("Cross-Origin-Opener-Policy", "same-origin")


def panel(root: str, judge: str, *, trustworthy: bool) -> tuple[Directive, ...]:
    """``root`` holds the folders ``now`` and ``before``; ``judge``: the function of gridwire.panel that says who may
    read them, before any of it is read. ``trustworthy``: browsers take the origin for one; from others they ignore
    the opener policy, and say so as an error of the page."""
    headers = (*_HEADERS, _OPENER) if trustworthy else _HEADERS
    return (
        block(
            "location",
            ("/_next/static/",),
            *_files(root, judge),
            *_headers(headers, f"public, max-age={_YEAR}, immutable"),
            # A page that was opened before an upgrade asks for the parts of its own build.
            directive("try_files", "/now$uri", "/before$uri", "=404"),
        ),
        block(
            "location",
            ("/",),
            *_files(root, judge),
            *_headers(headers, "no-cache"),
            phase("header_filter", "panel", "page"),
            directive("try_files", "/now$uri", "/now$uri.html", "/now$uri/index.html", "=404"),
            directive("error_page", "404", "/404.html"),
        ),
    )


def _files(root: str, judge: str) -> tuple[Directive, ...]:
    return (
        phase("access", "panel", judge),
        directive("root", Path(root)),
        block("types", (), *(directive(*row) for row in _TYPES)),
        directive("charset", "utf-8"),
        directive("charset_types", "text/css", "text/javascript", "text/plain", "application/json"),
        directive("sendfile", "on"),
        directive("gzip_static", "on"),
        directive("gzip_vary", "on"),
        directive("max_ranges", 0),
    )


def _headers(headers: tuple[tuple[str, str], ...], caching: str) -> tuple[Directive, ...]:
    # Not for refusals, which say themselves that they are not kept.
    return (
        *(directive("add_header", name, value, "always") for name, value in headers),
        directive("add_header", "Cache-Control", Quoted(caching)),
    )
