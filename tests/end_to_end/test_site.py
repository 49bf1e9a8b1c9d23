"""The built site in a real browser, at the width of a desk, a tablet and a phone. Skipped where there is none."""

import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlparse

import numpy as np
import pytest
import torch
from cases import ROOT
from filelock import FileLock
from PIL import Image

import resnetzoo
from resnetzoo import analysis, export

pytest.importorskip("sphinx")
pytest.importorskip("furo")
pytest.importorskip("axe_core_python")
live_page = pytest.importorskip("live_page")
sample_pictures = pytest.importorskip("sample_pictures")
webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,  # building the site runs all of its pages
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no Chromium with its driver"),
]

AXE = (files("axe_core_python") / "axe.min.js").read_text()
WIDTHS = {"desk": 1280, "tablet": 768, "phone": 390}
QUIET = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """Built as the hosted one is, with warnings as errors, once for all workers; `$SITE` names one that was."""
    if built := os.environ.get("SITE"):
        return Path(built)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"site-{testrun_uid}"
    with FileLock(f"{folder}.lock"):
        done = folder.with_suffix(".done")  # a build that fails leaves pages too
        if not done.exists():
            words = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", "-j", "auto", str(ROOT / "docs"), str(folder)]
            said = subprocess.run(words, capture_output=True, text=True, check=False)
            assert said.returncode == 0, said.stderr
            done.touch()
    return folder


@pytest.fixture(scope="session")
def address(site: Path) -> str:
    """As a folder on the reader's disk: with no server, no request can be lost on a busy machine."""
    return f"{site.as_uri()}/"


@pytest.fixture(scope="session", params=WIDTHS.values(), ids=list(WIDTHS))
def browser(request: pytest.FixtureRequest) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (*QUIET, f"--window-size={request.param},1000"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER, log_output=os.devnull)
    found = webdriver.Chrome(options=options, service=service)
    # A window has a least width, and this has none.
    size = {"width": request.param, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
    found.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    found.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": AXE})
    yield found
    found.quit()


def pages(site: Path) -> list[str]:
    """All but the highlighted sources, of which there are over a hundred alike."""
    found = [path.relative_to(site) for path in site.rglob("*.html")]
    return sorted(str(path) for path in found if not {"_static", "_modules"} & set(path.parts))


def test_every_page_loads_fits_its_window_and_bars_no_reader_with_aids(site: Path, address: str, browser: Any) -> None:
    # A tablet shows the parts of a phone's page: both menus are closed.
    checks_aids = browser.execute_script("return window.innerWidth") != WIDTHS["tablet"]
    for page in pages(site):
        browser.get(address + page)
        wait_for(browser, "return [...document.images].every(one => one.complete)")
        broken = browser.execute_script(
            "return [...document.images].filter(one => !one.naturalWidth).map(one => one.src)"
        )
        assert broken == [], (page, browser.get_log("browser"))
        wide = browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth + 1")
        assert not wide, f"{page} is wider than its window"
        assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == [], page
        # Colours are the same at every width, and take more than half of the time: they have a test of their own.
        if checks_aids:
            found = browser.execute_async_script(_VIOLATIONS, None, {"rules": {"color-contrast": {"enabled": False}}})
            assert found == [], page


@pytest.mark.parametrize("browser", [WIDTHS["desk"]], ids=["desk"], indirect=True)
def test_every_text_stands_out_from_its_ground(site: Path, address: str, browser: Any) -> None:
    for page in pages(site):
        part = None if page == "index.html" else "article"  # the frame around it is the same on every page
        browser.get(address + page)
        browser.execute_script(_NO_TRANSITIONS)
        for theme in ("light", "dark"):
            browser.execute_script("document.body.dataset.theme = arguments[0]", theme)
            found = browser.execute_async_script(_VIOLATIONS, part, {"runOnly": ["color-contrast"]})
            assert found == [], f"{page}, {theme}"


@pytest.mark.parametrize("browser", [WIDTHS["desk"]], ids=["desk"], indirect=True)
def test_no_link_inside_the_site_is_dead(site: Path, address: str, browser: Any) -> None:
    targets: dict[str, str] = {}
    for page in pages(site):
        browser.get(address + page)
        for link in browser.execute_script("return [...document.links].map(link => link.href)"):
            targets.setdefault(link, page)
    for link, page in targets.items():
        if not link.startswith("file:"):
            continue
        bare, anchor = urldefrag(link)
        path = Path(unquote(urlparse(bare).path))
        assert path.is_file(), f"{page} links to {link}"
        assert path.is_relative_to(site), f"{page} links to {link}"
        if anchor and path.suffix == ".html":
            assert f'id="{unquote(anchor)}"' in path.read_text(), f"{page} links to {link}"


def test_search_finds_a_phrase(address: str, browser: Any) -> None:
    browser.get(f"{address}search.html?q=projection+shortcut")
    wait_for(browser, "return document.querySelector('ul.search li a[href*=\"residual-learning.html\"]') !== null")
    browser.get("about:blank")
    browser.get_log("browser")  # the excerpts beneath the links, which need a server, are no concern of the next test


def test_the_model_table_sorts_and_filters(address: str, browser: Any) -> None:
    browser.get(f"{address}zoo/index.html")
    column = (
        "return [...document.querySelector('table.figures').tBodies[0].rows].filter(row => !row.hidden)"
        ".map(row => row.cells[1].textContent.replaceAll(',', ''))"
    )
    header = "document.querySelector('table.figures').tHead.rows[0].cells[1].querySelector('button')"
    browser.execute_script(f"{header}.click()")
    rising = [int(cell) for cell in browser.execute_script(column)]
    assert rising == sorted(rising)
    browser.execute_script(f"{header}.click()")
    assert [int(cell) for cell in browser.execute_script(column)] == sorted(rising, reverse=True)
    browser.execute_script(
        "const box = document.querySelector('input.table-search'); box.value = 'plainnet'; "
        "box.dispatchEvent(new Event('input'))"
    )
    assert len(browser.execute_script(column)) == 5


@pytest.mark.parametrize("page", ["zoo/index.html", "comparison.html", "recipes.html", "performance.html"])
def test_tables_of_many_columns_are_whole_at_the_width_of_a_desk(address: str, browser: Any, page: str) -> None:
    browser.get(address + page)
    clipped = browser.execute_script(
        "return window.innerWidth < arguments[0] ? [] : [...document.querySelectorAll('.table-wrapper')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.trim().slice(0, 40))",
        WIDTHS["desk"],
    )
    assert clipped == []


def test_verdicts_are_in_sight_at_every_width(address: str, browser: Any) -> None:
    browser.get(f"{address}results.html")
    cell = "document.querySelector('table.figures').tBodies[0].rows[0].cells[0]"
    assert browser.execute_script(f"return {cell}.textContent").strip() in ("holds", "does not hold")
    assert browser.execute_script(f"return {cell}.getBoundingClientRect().right <= window.innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_on_its_ground(address: str, browser: Any, theme: str) -> None:
    browser.get(f"{address}residual-learning.html")
    contrasts = browser.execute_script(_CONTRAST, theme)
    assert min(contrasts.values()) >= 4.5, contrasts


@pytest.mark.parametrize("browser", [WIDTHS["phone"]], ids=["phone"], indirect=True)
def test_networks_in_the_browser_compute_what_they_do_in_python(address: str, browser: Any) -> None:
    browser.get(f"{address}live.html")
    for name in ("frog", "ship"):
        browser.execute_script(
            "document.querySelector(`.live-sample[aria-label$=' ${arguments[0]}']`).click(); "
            "document.getElementById('live').dataset.done = ''",
            name,
        )
        wait_for(browser, "return document.getElementById('live').dataset.done")
        pixels = torch.from_numpy(sample_pictures.draw_sample(name).copy())
        panels = browser.execute_script(
            "return [...document.querySelectorAll('.live-network')]"
            ".map(({ dataset }) => ({ ...JSON.parse(dataset.network), ...JSON.parse(dataset.found) }))"
        )
        assert [panel["name"] for panel in panels] == list(live_page.NETWORKS)
        for panel in panels:
            model = resnetzoo.create(panel["name"], weights=True).eval()
            expected = export.WithPreprocessing(model)(pixels[None])[0]
            assert torch.tensor(panel["probabilities"]) == pytest.approx(expected.detach().numpy(), abs=1e-4)
            responses = analysis.response_std(model, pixels.permute(2, 0, 1)[None])
            assert panel["responses"] == pytest.approx(responses.values, abs=1e-4)
    assert not browser.execute_script("return document.documentElement.scrollWidth > window.innerWidth + 1")
    assert browser.execute_async_script(_VIOLATIONS, None, {}) == []
    assert [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


@pytest.mark.parametrize("size", [(32, 32), (200, 200), (301, 150), (90, 211), (20, 24)], ids=str)
@pytest.mark.parametrize("browser", [WIDTHS["desk"]], ids=["desk"], indirect=True)
def test_a_picture_is_prepared_in_the_browser_as_in_python(
    address: str, browser: Any, size: tuple[int, int], tmp_path: Path
) -> None:
    noise = Image.effect_noise(size, 60).convert("L")
    picture = Image.merge("RGB", (noise, noise.rotate(180), Image.linear_gradient("L").resize(size)))
    picture.save(tmp_path / "noise.png")
    browser.get(f"{address}live.html")
    content = f"data:image/png;base64,{b64encode((tmp_path / 'noise.png').read_bytes()).decode()}"
    seen = browser.execute_async_script(
        "const done = arguments[1]; readPicture(blobOf(arguments[0])).then((pixels) => done([...pixels]))", content
    )
    expected = resnetzoo.ImageSet.from_dataset([(picture, 0)], size=32).images[0].permute(1, 2, 0)
    assert np.abs(np.array(seen).reshape(32, 32, 3) - expected.numpy().astype(int)).max() <= 2


def wait_for(browser: Any, script: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(browser, 20).until(lambda driver: driver.execute_script(script))


# A colour that is still changing between two themes has no contrast of its own.
_NO_TRANSITIONS = """
const style = document.createElement("style");
style.textContent = "* { transition: none !important }";
document.head.append(style);
"""

# What axe-core calls serious or critical, each with the first place where it stands.
_VIOLATIONS = """
const done = arguments[arguments.length - 1];
const options = { ...arguments[1], preload: false, resultTypes: ["violations"] };
axe.run(arguments[0] ?? document, options).then(({ violations }) => done(
  violations.filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes[0].html}`)
));
"""

# WCAG 2.1's contrast ratio of paragraphs, cells and the labels of drawings with the nearest ground that is painted.
_CONTRAST = """
document.body.dataset.theme = arguments[0];
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const light = (colour) => {
  const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
    value /= 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if ((channels(colour)[3] ?? 1) > 0.5) return colour;
  }
  return "rgb(255, 255, 255)";
};
const found = {};
for (const [what, property] of [["article p", "color"], ["table.figures td p", "color"],
    [".architecture text.small", "fill"], ["article a", "color"]]) {
  const element = document.querySelector(what);
  const [one, two] = [light(getComputedStyle(element)[property]), light(ground(element))].sort((a, b) => b - a);
  found[what] = (one + 0.05) / (two + 0.05);
}
return found;
"""
