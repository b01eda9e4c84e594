"""`GET aigc/models/<slug>/...`: a model's files, as links that work without the page.

Looking is free, so nothing here leaves a file each time it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from aigc import outputs
from aigc.jobs.files import full_in_words
from aigc.registry import entry
from aigc.ui.routes import refused
from aigc.words import LANGS, Lang, Refusal

FRESH = {"Cache-Control": "no-cache"}


def router() -> APIRouter:
    api = APIRouter()

    @api.get("/aigc/models/{slug}/samples.png")
    def samples(slug: str) -> Response:
        def found() -> Response:
            path = entry(slug).samples
            return FileResponse(path, media_type="image/png", headers=FRESH) if path else Response(status_code=404)

        return _answer(found, "en")

    @api.get("/aigc/models/{slug}/model.zip")
    def whole(slug: str, lang: str = "en") -> Response:
        return _answer(lambda: FileResponse(outputs.model(slug), filename=f"{slug}.zip", headers=FRESH), lang)

    @api.get("/aigc/models/{slug}/model.safetensors")
    def weights(slug: str, lang: str = "en") -> Response:
        return _answer(lambda: FileResponse(entry(slug).weights, filename=f"{slug}.safetensors", headers=FRESH), lang)

    @api.get("/aigc/models/{slug}/train.py")
    def program(slug: str, lang: str = "en") -> Response:
        def made() -> Response:
            found = outputs.script(entry(slug).card, lang if lang in LANGS else "en")
            headers = FRESH | {"Content-Disposition": f'attachment; filename="{slug}.py"'}
            return Response(found, media_type="text/x-python", headers=headers)

        return _answer(made, lang)

    return api


def _answer(work: Callable[[], Response], lang: str) -> Response:
    said: Lang = "zh" if lang == "zh" else "en"
    try:
        with full_in_words():
            return work()
    except Refusal as refusal:
        return refused(refusal, said, 404)
