"""The weak host demonstration as a picture: one SVG, no scripts, no fonts from elsewhere."""

from __future__ import annotations

from xml.sax.saxutils import escape

from gridwire.lab.weak_host import MESH_ADDRESS, PREFIX, Seen

_WIDTH, _HEIGHT = 880, 440
_MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_SANS = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
_INK, _SOFT, _PAPER, _RED, _GREEN = "#16202a", "#5b6875", "#ffffff", "#c0262d", "#12744a"


def draw(seen: Seen) -> str:
    """The two panels side by side: what the stranger was told without the guard, and with it."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{_attribute(_summary(seen))}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" rx="16" fill="{_PAPER}" stroke="#d5dce3"/>',
        _text(40, 56, "Bound to the mesh address. Answering a stranger.", 24, weight=700),
        _text(40, 86, f"nginx: listen {MESH_ADDRESS}:80, nothing else. The stranger has no key.", 15, colour=_SOFT),
        *_panel(40, "without the guard", seen.bare, seen.bare_said, _RED),
        *_panel(460, "with the guard", seen.guarded, seen.guarded_said, _GREEN),
        _text(40, 414, f"ip route add {PREFIX} via 203.0.113.7 · measured, {seen.seconds:g} s", 13, _MONO, _SOFT),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(x: int, title: str, status: int | None, said: str, colour: str) -> list[str]:
    told = f"HTTP {status}" if status is not None else "no answer"
    return [
        f'<rect x="{x}" y="116" width="380" height="260" rx="12" fill="#f5f7f9" stroke="{colour}" stroke-width="2"/>',
        _text(x + 24, 152, title, 17, weight=600),
        _box(x + 24, 176, "intruder", "203.0.113.66"),
        _box(x + 236, 176, "gateway", MESH_ADDRESS),
        f'<line x1="{x + 148}" y1="204" x2="{x + 230}" y2="204" stroke="{colour}" stroke-width="3" '
        f'stroke-dasharray="{"none" if status is not None else "6 6"}"/>',
        _text(x + 24, 288, f"$ curl http://{MESH_ADDRESS}/", 14, _MONO, _SOFT),
        _text(x + 24, 330, told, 30, weight=700, colour=colour),
        _text(x + 24, 358, said[:40], 13, _MONO, _SOFT),
    ]


def _box(x: int, y: int, name: str, address: str) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="120" height="56" rx="8" fill="{_PAPER}" stroke="{_SOFT}"/>'
        + _text(x + 12, y + 24, name, 14, weight=600)
        + _text(x + 12, y + 44, address, 12, _MONO, _SOFT)
    )


def _text(x: int, y: int, text: str, size: int, family: str = _SANS, colour: str = _INK, *, weight: int = 400) -> str:
    return (
        f'<text x="{x}" y="{y}" font-family="{family}" font-size="{size}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})


def _summary(seen: Seen) -> str:
    bare = f"HTTP {seen.bare}" if seen.bare is not None else "no answer"
    guarded = f"HTTP {seen.guarded}" if seen.guarded is not None else "no answer"
    return f"A stranger on the link asks {MESH_ADDRESS}: without the guard {bare}, with the guard {guarded}"
