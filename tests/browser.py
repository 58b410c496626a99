"""Drives /docs in a real browser: `python -m tests.browser ADDRESS EMAIL PASSWORD`, or without these those of a fresh bake.

Debian's `chromium` and `chromium-driver`, or any Chrome with its driver, is what it takes. Where apt installs for root, it
does so first.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any, Literal
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from tests.bakes import bake, config
from tests.commands import environment, run
from tests.production import serving
from tests.servers import apt
from tests.stages import install

PATIENCE = 30
PACKAGES = ("chromium", "chromium-driver")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """A page of Swagger UI, and what its browser asked for and complained of."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def find(self, css: str, within: WebElement | None = None) -> WebElement:
        """Return what is shown, once it is."""
        place = within or self.driver

        def shown(_: object) -> WebElement | Literal[False]:
            found = [one for one in place.find_elements(By.CSS_SELECTOR, css) if one.is_displayed()]
            return found[0] if found else False

        return WebDriverWait(self.driver, PATIENCE).until(shown)

    def press(self, css: str, within: WebElement | None = None) -> None:
        element = self.find(css, within)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type(self, css: str, text: str, within: WebElement | None = None) -> None:
        """Put a text where another may be, as somebody who selects all of it first."""
        element = self.find(css, within)
        element.send_keys("\ue009a\ue000")
        element.send_keys(text)

    def log_in(self, email: str, password: str) -> None:
        self.press("button.authorize")
        form = self.find(".modal-ux")
        self.type("#oauth_username", email, form)
        self.type("#oauth_password", password, form)
        self.press(".auth-btn-wrapper button.authorize", form)
        WebDriverWait(self.driver, PATIENCE).until(lambda _: "Logout" in form.text)
        self.press("button.close-modal", form)

    def execute(self, operation: str, parameter: str | None = None, body: object = None) -> tuple[int, Any]:
        """Try a route out and return what the page shows of the answer: the status and the JSON."""
        place = self.find(f"[id$='-{operation}']")
        self.press(".opblock-summary-control", place)
        self.press(".try-out__btn", place)
        if parameter is not None:
            self.type(".parameters input[type=text]", parameter, place)
        if body is not None:
            self.type("textarea.body-param__text", json.dumps(body), place)
        self.press(".execute", place)
        answer = self.find(".live-responses-table tbody tr.response", place)
        status = self.find(".response-col_status", answer).text.split()[0]
        return int(status), json.loads(self.find(".highlight-code code, pre.microlight", answer).text)

    def origins(self) -> set[str]:
        """Return where the browser has asked for anything."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        urls = [one["params"]["request"]["url"] for one in entries if one["method"] == "Network.requestWillBeSent"]
        return {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls) if parts.scheme != "data"}

    def complaints(self) -> list[str]:
        return [str(entry["message"]) for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


def programs() -> tuple[str, str]:
    """Return the paths of the browser and of its driver."""
    for attempt in range(2):
        browser = next(filter(None, map(shutil.which, BROWSERS)), None)
        driver = shutil.which("chromedriver")
        if browser is not None and driver is not None:
            return browser, driver
        if attempt == 0 and apt.usable():
            apt.install(PACKAGES)
    sys.exit("No browser: on Debian, apt-get install chromium chromium-driver; elsewhere Chrome and chromedriver.")


@contextmanager
def opened(url: str) -> Iterator[Page]:
    browser, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # Root has no sandbox, and a container little shared memory.
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,1400"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options, Service(driver)) as chrome:
        chrome.get(url)
        yield Page(chrome)


def use_the_docs(address: str, email: str, password: str) -> None:
    """Log in by the form of /docs, create a post and read it, with nothing asked of anybody else."""
    slug = f"from-the-docs-{token_hex(4)}"
    post = {"title": "From the docs", "body": "Written in a browser", "slug": slug, "status": "published"}
    with opened(f"{address}/docs") as page:
        page.log_in(email, password)
        status, created = page.execute("create_post", body=post)
        assert (status, {name: created[name] for name in post}) == (201, post)
        status, read = page.execute("read_post", parameter=str(created["id"]))
        assert (status, read) == (200, created)
        assert page.origins() == {address}
        assert page.complaints() == []


def use_those_of_a_fresh_bake() -> None:
    with TemporaryDirectory() as folder:
        baked = bake(Path(folder), settings=config(Path(folder)))
        if baked.returncode:
            sys.exit(baked.stderr)
        (project,) = (path.parent for path in Path(folder).glob("*/pyproject.toml"))
        install(project)
        account = {"email": "me@example.com", "password": "Password1"}
        options = [text for name, value in account.items() for text in (f"--{name}", value)]
        for command in (("migrate",), ("create-admin", *options)):
            run(project, str(project / ".venv/bin/python"), "-m", "app.cli", *command)
        with serving(project, environment()) as address:
            use_the_docs(address, **account)


if __name__ == "__main__":
    use_the_docs(*sys.argv[1:]) if sys.argv[1:] else use_those_of_a_fresh_bake()
    print("Logged in by the form of /docs, created a post and read it; nobody else was asked for anything.")
