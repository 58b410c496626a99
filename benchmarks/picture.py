"""The picture of the tables: bars in panels, as SVG by hand."""

from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.table import Panel, shown

COLUMNS = 2
WIDTH, GAP, MARGIN = 440, 32, 20
LABEL, NUMBER = 170, 70
HEAD, LINE, BAR = 30, 22, 14
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.number { font-variant-numeric: tabular-nums }
.back { fill: #ffffff }
.ours { fill: #0969da }
.other { fill: #afb8c1 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .back { fill: #0d1117 }
  .ours { fill: #4493f8 }
  .other { fill: #656c76 }
}
"""


def height_of(panel: Panel) -> int:
    return HEAD + LINE * len(panel.bars)


def drawn(panel: Panel, left: int, top: int) -> Iterator[str]:
    """Yield a panel; its longest bar takes all the room there is."""
    most = max(bar.value for bar in panel.bars) or 1
    room = WIDTH - LABEL - NUMBER
    yield f'<text class="title" x="{left}" y="{top + 14}">{escape(f"{panel.title}, {panel.unit}")}</text>'
    for place, bar in enumerate(panel.bars):
        y = top + HEAD + LINE * place
        length = max(1.0, room * bar.value / most)
        kind = "ours" if bar.ours else "other"
        yield f'<text x="{left}" y="{y + 11}">{escape(bar.label)}</text>'
        yield f'<rect class="{kind}" x="{left + LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text class="number" x="{left + LABEL + length + 6:.1f}" y="{y + 11}">{shown(float(bar.value))}</text>'


def picture(panels: Sequence[Panel]) -> str:
    """Return the SVG of the panels, row by row."""
    body: list[str] = []
    top = MARGIN
    for first in range(0, len(panels), COLUMNS):
        row = panels[first : first + COLUMNS]
        for column, panel in enumerate(row):
            body += drawn(panel, MARGIN + column * (WIDTH + GAP), top)
        top += max(map(height_of, row)) + GAP
    width, height = 2 * MARGIN + COLUMNS * WIDTH + (COLUMNS - 1) * GAP, top - GAP + MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    titles = "; ".join(panel.title for panel in panels)
    return "\n".join(
        [
            f'{head} role="img" aria-label="{escape(f"Benchmarks: {titles}")}">',
            f"<style>{STYLE}</style>",
            f'<rect class="back" width="{width}" height="{height}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )
