"""Draws the dashboards from a Prometheus onto one plain page, for a look without Grafana.

    python deploy/grafana/render.py --prometheus http://127.0.0.1:9090 --minutes 30 --out boards.html

It draws the same JSON that Grafana reads, panel by panel, less prettily: a change of a dashboard can
be looked at before it is deployed, and a screenshot taken by any headless browser.
"""

from __future__ import annotations

import argparse
import html
import json
import math
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CELL_W, CELL_H = 60, 34  # pixels of one cell of Grafana's grid
COLOURS = ("#3274d9", "#56a64b", "#e0752d", "#c4162a", "#8f3bb8", "#0a9ba5", "#b8860b", "#666")
UNITS = {"s": "s", "bytes": "B", "Bps": "B/s", "cps": "/s", "percentunit": "%", "short": ""}
DURATIONS = ((86_400, "d"), (3_600, "h"), (60, "min"))
PAGE = """<!doctype html><meta charset="utf-8"><title>hydrawatch</title><style>
body{font:12px sans-serif;margin:12px;background:#f4f5f5}.board{position:relative}
.panel{position:absolute;background:#fff;border:1px solid #ddd;box-sizing:border-box}
.panel{padding:4px 6px;overflow:hidden}
.title{font-weight:600}.big{font-size:26px;margin-top:14px}.red{color:#c4162a}.none{color:#888}
.axis{font-size:10px;paint-order:stroke;stroke:#fff;stroke-width:4px}
.legend{font-size:10px;line-height:12px}td,th{text-align:left;padding-right:10px;font-size:10px}
</style>"""

NOW_S = 30.0
NAMED = 8  # series in a legend, the largest where there are more
Series = tuple[dict[str, str], list[tuple[float, float]]]


def main() -> int:
    """Draw all dashboards into one file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--minutes", type=float, default=30.0, help="up to now")
    parser.add_argument("--interval", default="1m", help="for $__rate_interval")
    parser.add_argument("--worker", default="live", help="which ones: live, shadow or both")
    parser.add_argument("--board", help="only this one, such as overview")
    parser.add_argument("--out", type=Path, default=Path("boards.html"))
    given = parser.parse_args()
    end = time.time()
    start = end - given.minutes * 60
    page = [PAGE]
    for path in sorted((HERE / "dashboards").glob("*.json")):
        if given.board in (None, path.stem):
            board = json.loads(path.read_text())
            page.append(f"<h2>{html.escape(board['title'])}</h2>")
            chosen = {"$__rate_interval": given.interval, **_variables(board, given.worker)}
            low = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in board["panels"])
            page.append(f'<div class="board" style="height:{low * CELL_H}px">')
            for panel in board["panels"]:
                asked = [
                    found
                    for target in panel["targets"]
                    for found in _ask(given.prometheus, target, chosen, start, end)
                ]
                page.append(_drawn(panel, asked, start, end))
            page.append("</div>")
    given.out.write_text("\n".join(page), encoding="utf-8")
    print(f"{given.out}: {end - start:.0f} s up to now")
    return 0


def _variables(board: dict[str, Any], worker: str) -> dict[str, str]:
    (variable,) = board["templating"]["list"]
    values = {option["text"]: option["value"] for option in variable["options"]}
    if worker not in values:
        raise SystemExit(f"--worker {worker}: give one of {', '.join(values)}")
    return {"${" + variable["name"] + ":raw}": values[worker]}


def _ask(
    url: str, target: dict[str, Any], chosen: dict[str, str], start: float, end: float
) -> list[Series]:
    expr = target["expr"]
    for name, value in chosen.items():
        expr = expr.replace(name, value)
    step = max(1.0, (end - start) / 300)
    given = urllib.parse.urlencode({"query": expr, "start": start, "end": end, "step": step})
    with urllib.request.urlopen(f"{url}/api/v1/query_range?{given}", timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    return [
        (
            series["metric"] | {"": _legend(target["legendFormat"], series["metric"])},
            [(at, float(v)) for at, v in series["values"] if math.isfinite(float(v))],
        )
        for series in result
    ]


def _legend(form: str, labels: dict[str, str]) -> str:
    if form == "__auto":
        return ", ".join(f"{k}={v}" for k, v in labels.items() if k != "__name__")
    for name, value in labels.items():
        form = form.replace("{{" + name + "}}", value)
    return form


def _drawn(panel: dict[str, Any], found: list[Series], start: float, end: float) -> str:
    at = panel["gridPos"]
    w, h = at["w"] * CELL_W - 6, at["h"] * CELL_H - 6
    found = [series for series in found if series[1]]
    if panel["type"] != "timeseries":  # as it is now, not as it was
        found = [series for series in found if series[1][-1][0] > end - NOW_S]
    unit = UNITS[panel["fieldConfig"]["defaults"]["unit"]]
    if not found:
        body = '<div class="none">no data</div>'
    elif panel["type"] == "stat":
        value = found[0][1][-1][1]
        red = (
            " red"
            if _is_red(value, panel["fieldConfig"]["defaults"]["thresholds"]["steps"])
            else ""
        )
        body = f'<div class="big{red}">{_said(value, unit)}</div>'
    elif panel["type"] == "table":
        rows = [
            f"<tr><td>{html.escape(labels[''])}</td><td>{points[-1][1]:g}</td></tr>"
            for labels, points in found
        ]
        body = f"<table>{''.join(rows)}</table>"
    else:
        body = _graph(found, start, end, w - 12, h - 70, unit)
    place = f"left:{at['x'] * CELL_W}px;top:{at['y'] * CELL_H}px;width:{w}px;height:{h}px"
    title = html.escape(panel["title"])
    return f'<div class="panel" style="{place}"><div class="title">{title}</div>{body}</div>'


def _graph(found: list[Series], start: float, end: float, w: int, h: int, unit: str) -> str:
    top = max((v for _, points in found for _, v in points), default=0.0) or 1.0
    found = sorted(found, key=lambda series: -series[1][-1][1]) if len(found) > NAMED else found
    lines, legend = [], []
    for number, (labels, points) in enumerate(found):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{(at - start) / (end - start) * w:.1f},{h - 2 - value / top * (h - 6):.1f}"
            for at, value in points
        )
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        if number < NAMED:
            name = html.escape(labels[""])
            legend.append(
                f'<span style="color:{colour}">{name} {_said(points[-1][1], unit)}</span>'
            )
    axis = f'<text class="axis" x="2" y="10">{_said(top, unit)}</text>'
    drawing = f'<svg width="{w}" height="{h}">{"".join(lines)}{axis}</svg>'
    return f'{drawing}<div class="legend">{" · ".join(legend)}</div>'


def _is_red(value: float, steps: list[dict[str, Any]]) -> bool:
    passed = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return passed[-1] == "red"


def _said(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value * 100:.3g} %"
    sizes = DURATIONS if unit == "s" else ((1e9, f"G{unit}"), (1e6, f"M{unit}"), (1e3, f"k{unit}"))
    for size, name in sizes:
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    if unit == "s" and 0 < value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} {unit}".rstrip()


if __name__ == "__main__":
    raise SystemExit(main())
