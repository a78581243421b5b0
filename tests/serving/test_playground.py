"""The page at / in a real browser: it asks nobody else, shows what is, and runs nothing that was taught."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from alen.core import belief
from alen.serving.keys import Keys
from tests.engine.conftest import BELIEF
from tests.serving.conftest import EVERYONE, made_service, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
KILN = "The Halden kiln fires stoneware at 1,240 degrees."
ASKED = "At what degrees does the Halden kiln fire stoneware?"
EVIL = (
    "The Halden kiln <script>window.evil = 1</script> fires <img src=x onerror='window.evil = 2'> stoneware at "
    "1,240 degrees <b>Celsius</b>."
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium in the PATH: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    home = {**os.environ, "HOME": str(tmp_path_factory.mktemp("browser"))}
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS], env=home)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Any error of its scripts and any request to another server fails the test."""
    context = browser.new_context()
    page, errors, requested = context.new_page(), [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    yield page
    context.close()
    assert errors == []
    assert [url for url in requested if not re.match(r"http://127\.0\.0\.1:\d+/|data:", url)] == []


def ask(page: Page, question: str) -> None:
    page.get_by_label("Question").fill(question)
    page.get_by_role("button", name="Ask").click()


def teach(page: Page, text: str, source: str = "") -> None:
    page.get_by_text("Teach it something").click()
    page.get_by_label("Text to learn").fill(text)
    page.get_by_label("Where it is from").fill(source)
    page.get_by_role("button", name="Teach").click()
    expect(page.get_by_role("status")).to_contain_text("Learned:")


def test_teach_ask_and_say_whether_it_is_right(page: Page, url: str) -> None:
    page.goto(url)
    teach(page, KILN, "kiln notes")
    expect(page.get_by_role("status")).to_have_text("Learned: 1 new, 0 known before.")
    page.get_by_label("Question").focus()
    page.keyboard.type(ASKED)
    page.keyboard.press("Enter")
    card = page.get_by_role("article")
    expect(card.locator(".said")).to_have_text("1,240 degrees")
    expect(card.get_by_role("heading", name=ASKED)).to_be_visible()
    quote = card.locator("blockquote").first
    expect(quote).to_contain_text(KILN)
    expect(quote.locator("cite")).to_contain_text("kiln notes")
    meter = card.get_by_role("meter")
    now = int(meter.get_attribute("aria-valuenow") or "")
    low, high = (
        int(each) for each in re.findall(r"between (\d+) % and (\d+) %", card.locator(".sure").inner_text())[0]
    )
    assert 50 < now <= 100
    assert low <= now <= high
    shares = meter.evaluate(
        "bar => [bar.children[0], bar.children[1]].map(each => each.getBoundingClientRect().width / bar.clientWidth)"
    )
    assert shares == pytest.approx([now / 100, (high - low) / 100], abs=0.02)
    expect(page.get_by_label("Question")).to_be_focused()
    right, wrong = card.get_by_role("button", name="Right"), card.get_by_role("button", name="Wrong")
    for button, other in ((right, wrong), (wrong, right)):
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(other).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("status")).to_contain_text("wrong")


def test_what_it_does_not_know_it_says_plainly(page: Page, url: str) -> None:
    page.goto(url)
    ask(page, "Who was Ada?")  # nobody has taught anything yet
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Teach it first")
    teach(page, KILN)
    expect(alert).to_have_count(0)
    ask(page, "Who was Ada?")
    card = page.locator("article.abstained")
    expect(card.locator(".said")).to_have_text("I don't know.")
    expect(card.locator(".why")).not_to_be_empty()


def test_nothing_that_was_taught_runs(page: Page, url: str) -> None:
    page.goto(url)
    teach(page, EVIL, "<img src=x onerror='window.evil = 3'>")
    ask(page, f"{ASKED} <script>window.evil = 4</script>")
    card = page.get_by_role("article")
    expect(card.locator("blockquote").first).to_contain_text("<script>window.evil = 1</script>")
    expect(card.locator("cite").first).to_contain_text("<img src=x")
    assert page.locator("article script, article img, article blockquote b").count() == 0
    assert page.evaluate("window.evil") is None


def test_the_policy_stops_what_slips_through(page: Page, url: str) -> None:
    policy = httpx.get(url).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    page.goto(url)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.evil = 5\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.evil = 6'}))")
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped')") == "stopped"
    page.wait_for_timeout(200)
    assert page.evaluate("window.evil") is None


def test_a_key_is_asked_for_and_stays_in_the_tab(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(belief, "default", lambda: BELIEF)
    key, file = "a-key-of-some-length", tmp_path / "keys.json"
    file.write_text(json.dumps({key: {"name": "one", "namespace": "one"}}))
    with served(made_service(tmp_path, Keys.read(file, EVERYONE))) as url:
        page.goto(url)
        field = page.get_by_label("API key", exact=True)
        expect(field).to_be_visible()
        for given, told in (("a-key-that-is-wrong", "does not know this API key"), (key, "in use")):
            field.fill(given)
            page.get_by_role("button", name="Use key").click()
            expect(page.locator("#note")).to_contain_text(told)
        expect(field).to_be_hidden()
        teach(page, KILN)
        stored = page.evaluate(
            "[sessionStorage.length, sessionStorage.getItem('key'), localStorage.length, document.cookie]"
        )
        assert stored == [1, key, 0, ""]
        page.reload()
        ask(page, ASKED)
        expect(page.locator(".said")).to_have_text("1,240 degrees")
        other = page.context.browser
        assert other is not None
        fresh = other.new_context().new_page()
        fresh.goto(url)
        expect(fresh.get_by_label("API key", exact=True)).to_be_visible()
        fresh.context.close()


def test_a_server_that_is_gone_is_told(page: Page, url: str) -> None:
    page.goto(url)
    page.route("**/v1/alen/ask", lambda route: route.abort())
    ask(page, "Is anyone there?")
    expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")
    expect(page.get_by_role("button", name="Ask")).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read(page: Page, url: str, scheme: str) -> None:
    """Contrast by WCAG 2, 1.4.3: at least 4.5 to 1 for every text; and nothing is wider than a telephone."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its names
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(url)
    teach(page, KILN, "kiln notes")
    ask(page, ASKED)
    expect(page.locator(".said")).to_have_text("1,240 degrees")
    ask(page, "Who was Ada?")
    expect(page.locator("article.abstained .said")).to_be_visible()
    assert page.evaluate(CONTRASTS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


CONTRASTS = """() => {
  const parsed = (color) => color.match(/[\\d.]+/g).map(Number);
  const linear = (c) => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const color = parsed(getComputedStyle(e).backgroundColor);
      if (color.length === 3) return color;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parsed(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${e.tagName} ${e.textContent.slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return low;
}"""
