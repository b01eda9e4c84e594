"""Files of evaluations: a report's pictures, and tables to download."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, JSONResponse, Response

from aigc import outputs
from aigc.evaluate import Report, picture_of, reports
from aigc.evaluate.report import file_name
from aigc.registry import SLUG
from aigc.ui.routes import FOREVER, NEVER_KEPT, InWords, Missing
from aigc.words import both

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
MOST = 12  # reports in one table
COLUMNS = ("model", "data", "part", "key", "figure", "value", "error", "floor", "floor_n", "n", "unit", "better")
ORIGIN = ("extractor", "seed", "created", "device", "code_version", "sampling")


def router() -> APIRouter:
    api = APIRouter(route_class=InWords)

    @api.get("/aigc/evaluations/table.csv")
    def table(of: Annotated[list[str], Query()]) -> Response:
        written = outputs.as_csv((*COLUMNS, *ORIGIN), _rows([_report(address) for address in of[:MOST]]))
        headers = NEVER_KEPT | {"Content-Disposition": 'attachment; filename="figures.csv"'}
        return Response(written, media_type="text/csv; charset=utf-8", headers=headers)

    @api.get("/aigc/evaluations/reports.json")
    def whole(of: Annotated[list[str], Query()]) -> Response:
        headers = NEVER_KEPT | {"Content-Disposition": 'attachment; filename="figures.json"'}
        return JSONResponse([_report(address).as_json() for address in of[:MOST]], headers=headers)

    @api.get("/aigc/evaluations/{slug}/{stem}/{name}.png")
    def picture(slug: str, stem: str, name: str) -> Response:
        path = picture_of(_report(f"{slug}/{stem}"), name) if NAME.fullmatch(name) else None
        if path is None:
            raise Missing(both("There is no such picture here.", "这里没有这张图。"))
        return FileResponse(path, media_type="image/png", headers=FOREVER)

    return api


def _report(address: str) -> Report:
    """The report that "slug/stem" names.  Raises Missing."""
    slug, _, stem = address.partition("/")
    if SLUG.match(slug) and NAME.fullmatch(stem):
        for report in reports(slug):
            if file_name(report.data, report.settings, report.n) == f"{stem}.json":
                return report
    raise Missing(both("There is no such report here.", "这里没有这份评估。"))


def _rows(found: list[Report]) -> Iterator[tuple[object, ...]]:
    """A line a figure."""
    for r in found:
        sampling = " ".join(f"{k}={v}" for k, v in r.settings.items())
        for f in r.figures:
            o = r.origin(f.part)
            origin = (o.extractor, o.seed, o.created, o.device, o.code_version, sampling)
            yield r.slug, r.data, f.part, f.key, f.label.en, f.value, f.error, f.floor, f.floor_n or "", f.n, f.unit, f.better, *origin
