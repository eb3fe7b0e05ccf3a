# SPDX-FileCopyrightText: 2026 The invenio-multipart authors.
# SPDX-License-Identifier: MIT

"""One site and one browser for all tests of a worker; one window for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from ..conftest import GIB, ROOT, _redis, _required, load_program, use_storage
from ..faults.proxy import FaultProxy
from .site import Site, free_port, serving

TIMEOUT_MS = 30_000
"""How long the browser waits for what a test expects, unless it says otherwise."""

expect.set_options(timeout=TIMEOUT_MS)

_WINDOWS = pytest.StashKey[list[BrowserContext]]()


@pytest.fixture(scope="session")
def site(
    app: Any, site_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Pages, REST API and worker, on S3; browsers reach both through proxies."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "static").symlink_to(_required("MULTIPART_ASSETS"))
    (folder / "changes.json").write_text("{}")
    os.environ["SITE_CHANGES"] = str(folder / "changes.json")
    port = free_port()
    direct = f"http://127.0.0.1:{port}"
    s3, web = FaultProxy(_required("S3_ENDPOINT_URL")), FaultProxy(direct)
    use_storage(app, "s3")
    with app.app_context():
        load_program("setup_instance").make_form_vocabularies()
    settings = {
        **site_config,
        "TESTING": False,
        "SITE_UI_URL": web.url,
        "SITE_API_URL": f"{web.url}/api",
        "S3_ENDPOINT_URL": s3.url,
        "SESSION_COOKIE_SECURE": False,
        "WTF_CSRF_ENABLED": True,
        "REST_CSRF_ENABLED": True,
        "CELERY_TASK_ALWAYS_EAGER": False,
        "CELERY_RESULT_BACKEND": _redis(0),
        "APP_RDM_DEPOSIT_NG_FILES_UI_ENABLED": True,
        "RATELIMIT_AUTHENTICATED_USER": "1000000 per minute",
        "RDM_FILES_DEFAULT_QUOTA_SIZE": 100 * GIB,
        "RDM_FILES_DEFAULT_MAX_FILE_SIZE": 100 * GIB,
        "APP_RDM_DEPOSIT_FORM_QUOTA": {"maxFiles": 2000, "maxStorage": 100 * GIB},
        "RDM_RECORDS_MAX_FILES_COUNT": 2000,
    }
    del settings["APP_DEFAULT_SECURE_HEADERS"]
    with serving(settings, folder, port):
        yield Site(web.url, web, s3, direct, app.tokens, app, folder / "changes.json")
    for proxy in (s3, web):
        proxy.down()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium as the system has it.

    pytest-invenio skips tests with a fixture that is called browser.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=_required("MULTIPART_CHROMIUM"),
            args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def logged_in(chromium: Browser, site: Site) -> StorageState:
    """Cookies of the owner."""
    return log_in(chromium, site, "owner")


def log_in(chromium: Browser, site: Site, name: str) -> StorageState:
    """Cookies of an account, by the form that people use."""
    context = chromium.new_context(base_url=site.url)
    page = context.new_page()
    page.goto("/login/?next=/uploads/new")
    page.fill("input[name=email]", f"{name}@multipart.example.org")
    page.fill("input[name=password]", load_program("setup_instance").PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/uploads/new")
    expect(page.locator("#deposit-form")).to_be_attached()
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def new_profile(
    chromium: Browser,
    site: Site,
    logged_in: StorageState,
    request: pytest.FixtureRequest,
) -> Iterator[Callable[..., BrowserContext]]:
    """Makes profiles of browsers in which the owner has just logged in."""
    made: list[BrowserContext] = []
    request.node.stash[_WINDOWS] = made

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(
            base_url=site.url, storage_state=logged_in, **options
        )
        context.set_default_timeout(TIMEOUT_MS)
        made.append(context)
        return context

    yield make
    site.calm()
    for context in made:
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep pictures of what failed, for whoever was not there to see it."""
    report = yield
    if report.when == "call" and report.failed:
        folder = Path(os.environ.get("MULTIPART_PICTURES", ROOT / ".pictures"))
        folder.mkdir(exist_ok=True)
        windows = [w for c in item.stash.get(_WINDOWS, []) for w in c.pages]
        for number, window in enumerate(windows):
            picture = folder / f"{item.name}-{number}.png".replace("/", "-")
            window.screenshot(path=picture, full_page=True)
            report.sections.append(("Picture", f"{picture} of {window.url}"))
    return report


@pytest.fixture
def page(new_profile: Callable[..., BrowserContext]) -> Page:
    """A window of the owner's."""
    return new_profile().new_page()


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """Makes files of random bytes."""

    def make(name: str, size: int) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
        return path

    return make
