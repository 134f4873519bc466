"""Draws `curve.json`, what examples brought where it was measured, as the picture of the README.

    python3 tests/workflows/curve.py > www/screenshots/usable.svg

The page draws the same numbers (`www/src/components/HowMany.svelte`); they are those of `learn.py`.
"""

import json
from pathlib import Path

WORDS = {
    "examples": "{} examples, sft",
    "prompt": "{} examples in the prompt, no training",
    "rankings": "{} rankings of four, DPO",
    "edits": "12 examples, then {} answers ranked and edited",
}
LEFT, WIDTH, ROW, TOP = 376, 380, 30, 46
STYLE = """text { font: 14px system-ui, sans-serif; fill: #333 } .soft { fill: #777; font-size: 12px }
line { stroke: #ccc } .bar { fill: #2a7f62; opacity: .35 } .point { fill: #2a7f62 }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .soft { fill: #999 } line { stroke: #444 }
.bar, .point { fill: #6cc3a2 } }"""


def words(row):
    return "nothing" if row["count"] == 0 else WORDS[row["given"]].format(row["count"])


def row(place, data):
    y = TOP + place * ROW
    at = lambda share: round(LEFT + WIDTH * share, 1)
    low, high, usable = (at(data[key]) for key in ("low", "high", "usable"))
    return (
        f'<text x="{LEFT - 16}" y="{y + 5}" text-anchor="end">{words(data)}</text>'
        f'<rect class="bar" x="{low}" y="{y - 4}" width="{round(high - low, 1)}" height="8" rx="4"/>'
        f'<circle class="point" cx="{usable}" cy="{y}" r="5"/>'
        f'<text x="{LEFT + WIDTH + 16}" y="{y + 5}">{data["usable"]:.0%}</text>'
    )


def main():
    rows = json.loads((Path(__file__).parent / "curve.json").read_text(encoding="utf-8"))
    height = TOP + ROW * len(rows)
    ticks = "".join(
        f'<line x1="{LEFT + WIDTH * share}" x2="{LEFT + WIDTH * share}" y1="{TOP - 16}" y2="{height - 12}"/>'
        f'<text class="soft" x="{LEFT + WIDTH * share}" y="{TOP - 22}" text-anchor="middle">{share:.0%}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    drawn = "".join(row(place, data) for place, data in enumerate(rows))
    print(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 70} {height}" role="img">'
        f"<title>Usable answers against what was given</title><style>{STYLE}</style>{ticks}{drawn}</svg>"
    )


if __name__ == "__main__":
    main()
