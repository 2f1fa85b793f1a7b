"""Panels and dashboards as Grafana reads them, from few words: title, unit, expressions.

A panel takes its place from its order: rows of 24 columns, left to right. Each asks about the workers
that the variable `worker` chooses: `rendered` sees to that, no panel needs to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from queries import WORKERS, of_chosen_workers

SOURCE = {"type": "prometheus", "uid": "prometheus"}
COLUMNS = 24
Kind = Literal["timeseries", "stat", "table"]


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are named (Grafana's {{label}})."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; `unit` in Grafana's names, `about` is what its reader should know."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    about: str = ""
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    stacked: bool = False
    red_from: float | None = None
    red_below: float | None = None


def series(title: str, *queries: tuple[str, str], **options: Any) -> Panel:
    """A panel over time: (expression, legend) pairs."""
    return Panel(title, tuple(Query(*query) for query in queries), **options)


def number(title: str, expr: str, **options: Any) -> Panel:
    """One figure, as it is now."""
    return Panel(title, (Query(expr),), kind="stat", width=4, height=4, **options)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: its name in links, its title and its panels in order."""

    uid: str
    title: str
    about: str
    panels: tuple[Panel, ...]


def rendered(board: Dashboard) -> dict[str, Any]:
    """The dashboard's JSON model."""
    panels, x, y, row = [], 0, 0, 0
    for number_, panel in enumerate(board.panels, start=1):
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        place = {"x": x, "y": y, "w": panel.width, "h": panel.height}
        panels.append(_panel(panel, number_, place))
        x, row = x + panel.width, max(row, panel.height)
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.about,
        "tags": ["hydrawatch"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "tags": ["hydrawatch"],
                "title": "hydrawatch",
                "asDropdown": False,
                "keepTime": True,
                "includeVars": True,
            }
        ],
        "templating": {"list": [_choice_of_workers()]},
        "panels": panels,
    }


def _choice_of_workers() -> dict[str, Any]:
    options = [
        {"text": said, "value": matched, "selected": said == "live"}
        for said, matched in WORKERS.items()
    ]
    return {
        "name": "worker",
        "label": "Workers",
        "description": "those in shadow mode run beside the live ones: see docs/safety.md",
        "type": "custom",
        "query": ",".join(f"{said} : {matched}" for said, matched in WORKERS.items()),
        "options": options,
        "current": options[0],
        "multi": False,
        "includeAll": False,
    }


def _panel(panel: Panel, number_: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number_,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": [_target(panel, at, query) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _target(panel: Panel, at: int, query: Query) -> dict[str, Any]:
    target: dict[str, Any] = {
        "refId": chr(ord("A") + at),
        "datasource": SOURCE,
        "expr": of_chosen_workers(query.expr),
        "legendFormat": query.legend or "__auto",
    }
    if panel.kind != "timeseries":
        target |= {"instant": True, "range": False}
    if panel.kind == "table":
        target["format"] = "table"
    return target


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    if panel.red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "lineWidth": 1,
            "fillOpacity": 20 if panel.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "off" if panel.red_from is None else "line"},
        }
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
        }
    if panel.kind == "table":
        return {"showHeader": True}
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
