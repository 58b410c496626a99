"""`/docs` on a closed network: Swagger UI out of a package, and a policy that lets its page load nothing else."""

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

SHUT = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""A policy under which a page loads nothing."""
FOLDER = Path(str(files("fastapi_swagger") / "resources"))
SCRIPT, STYLE, ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"
KEPT = {"Cache-Control": "public, max-age=3600"}


def install_docs(app: FastAPI) -> None:
    """Serve the page that shows the application's schema, and what the page loads."""
    page = get_swagger_ui_html(
        openapi_url=str(app.openapi_url),
        title=escape(app.title),
        swagger_js_url=f"/docs/{SCRIPT}",
        swagger_css_url=f"/docs/{STYLE}",
        swagger_favicon_url=f"/docs/{ICON}",
        # A service elsewhere, which would be shown the schema.
        swagger_ui_parameters={"validatorUrl": None},
    )
    policy = {"Content-Security-Policy": policy_of(bytes(page.body).decode())}

    async def show_page(_request: Request) -> HTMLResponse:
        return HTMLResponse(page.body, headers=policy)

    app.add_route("/docs", show_page, include_in_schema=False)
    app.add_route("/docs/{asset}", send_asset, include_in_schema=False)


async def send_asset(request: Request) -> FileResponse:
    asset = request.path_params["asset"]
    if asset not in {SCRIPT, STYLE, ICON}:
        raise HTTPException(404)
    return FileResponse(FOLDER / asset, headers=KEPT)


def policy_of(page: str) -> str:
    """Return what the page may load: from this server alone, and the script within it as it is now."""
    hashes = [
        b64encode(sha256(script.encode()).digest()).decode()
        for script in re.findall("<script>(.*?)</script>", page, re.DOTALL)
    ]
    scripts = " ".join(f"'sha256-{text}'" for text in hashes)
    return f"{SHUT}; connect-src 'self'; img-src 'self' data:; script-src 'self' {scripts}; style-src 'self'"
