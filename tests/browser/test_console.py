"""The console page in a real Chromium, talking to the real daemon."""

import base64
import hashlib
import http.client
import json
import re
import socket
import urllib.parse

import pytest

from conftest import PATIENCE

ENTER = "\ue007"
ESCAPE = "\ue00c"
SHIFT = "\ue008"
TAB = "\ue004"
UP = "\ue013"
DOWN = "\ue015"
RELEASE = "\ue000"

POLICY = ("default-src 'none'; script-src '{}'; style-src '{}'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; "
          "frame-ancestors 'none'")

BYTES = bytes(range(256)) + b"standpipe"


class Page:
    """The console, as someone at the keyboard meets it."""

    def __init__(self, browser, url):
        self.browser = browser
        browser.get(url)

    def find(self, css):
        return self.browser.find_element("css selector", css)

    def all(self, css):
        return self.browser.find_elements("css selector", css)

    def script(self, text, *args):
        return self.browser.execute_script(text, *args)

    def texts(self, css):
        return self.script(
            "return Array.from(document.querySelectorAll(arguments[0]),"
            " (e) => e.textContent)", css)

    def until(self, what):
        from selenium.webdriver.support.ui import WebDriverWait
        return WebDriverWait(self.browser, PATIENCE, 0.02).until(
            lambda _: what())

    def focused(self):
        return self.browser.switch_to.active_element

    def press(self, keys):
        self.focused().send_keys(keys)

    def state(self):
        return self.find("#state-text").text

    def connect(self):
        self.press(ENTER)
        self.until(lambda: self.state().startswith("Connected"))

    def say(self, text):
        self.find("#message").send_keys(text + ENTER)

    def payloads(self, way):
        return self.texts(f".row.{way} .payload")

    def events(self):
        return self.texts(".row.event .what")

    def closed(self):
        """The last event, once the connection has ended."""
        self.until(lambda: self.state().startswith("Closed"))
        return self.until(lambda: next(
            (e for e in self.events()[-1:] if e.startswith("Closed")), None))


@pytest.fixture
def page(browser, daemon):
    return lambda *words, path="": Page(browser, daemon(*words).url + path)


def request(url, target):
    """One GET, and its target as it is: (status, headers, body)."""
    host = urllib.parse.urlsplit(url)
    with socket.create_connection((host.hostname, host.port),
                                  timeout=PATIENCE) as s:
        s.sendall(b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                  b"\r\n" % (target.encode(), host.netloc.encode()))
        response = http.client.HTTPResponse(s)
        response.begin()
        return response.status, response.headers, response.read()


def inline(html, tag):
    return re.search(rb"<%s>(.*?)</%s>" % (tag, tag), html, re.S)[1]


def sha256(data):
    return "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode()


# Talking


def test_keyboard_alone_connects_and_echoes(page):
    p = page("cat")
    assert p.focused().get_attribute("id") == "toggle"
    p.connect()
    assert p.focused().get_attribute("id") == "message"
    p.press("hello, wörld" + ENTER)
    p.until(lambda: p.payloads("received") == ["hello, wörld"])
    assert p.payloads("sent") == ["hello, wörld"]
    facts = p.texts(".row.received .facts")[0]
    assert re.match(r"\d\d:\d\d:\d\d\.\d{3}.*received.*text.*13 B.*ms",
                    facts)
    assert p.find("#sent").text == "1 (13 B)"
    assert p.find("#received").text == "1 (13 B)"
    assert p.find("#trip").text.endswith("ms")


def test_lines_and_history(page):
    p = page("--framing=text", "cat")
    p.connect()
    p.press("one" + SHIFT + ENTER + RELEASE + "two" + ENTER)
    p.until(lambda: p.payloads("sent") == ["one\ntwo"])
    p.press("three" + ENTER)
    p.press("dra")
    p.press(UP)
    assert p.find("#message").get_property("value") == "three"
    p.press(UP)
    assert p.find("#message").get_property("value") == "one\ntwo"
    p.press(DOWN)
    p.press(DOWN)
    assert p.find("#message").get_property("value") == "dra"


def test_empty_message_is_sent(page):
    p = page("cat")
    p.connect()
    p.press(ENTER)
    p.until(lambda: p.find("#received").text == "1 (0 B)")
    assert p.texts(".row.received .what") == ["empty message"]


def test_file_goes_as_binary_and_shows_as_hex(page, tmp_path):
    file = tmp_path / "all-bytes.bin"
    file.write_bytes(BYTES)
    p = page("--binary", "cat")
    p.connect()
    p.find("#picker").send_keys(str(file))
    p.until(lambda: p.find("#received").text == "1 (265 B)")
    assert p.texts(".row.sent .what > .aside") == ["all-bytes.bin"]
    shown = p.payloads("received")[0].splitlines()
    assert shown[0] == ("00000000  00 01 02 03 04 05 06 07  "
                        "08 09 0a 0b 0c 0d 0e 0f  ................")
    assert len(shown) == 8
    assert "binary" in p.texts(".row.received .kind")
    p.find(".row.received .more").click()
    p.until(lambda: len(p.payloads("received")[0].splitlines()) == 17)
    assert p.payloads("received")[0].splitlines()[-1].split() == [
        "00000100", "73", "74", "61", "6e", "64", "70", "69", "70", "65",
        "standpipe"]
    assert p.find(".row.received .more").text == "Show less"


def test_dropped_file_is_sent(page):
    p = page("--binary", "cat")
    p.connect()
    p.script("""
        const data = new DataTransfer();
        data.items.add(new File(["dropped"], "note.txt"));
        document.body.dispatchEvent(new DragEvent("drop",
            { bubbles: true, cancelable: true, dataTransfer: data }));""")
    p.until(lambda: p.payloads("received"))
    assert p.payloads("received")[0].endswith("dropped")
    assert p.texts(".row.sent .what > .aside") == ["note.txt"]


def test_hex_is_sent_as_bytes(page):
    p = page("--binary", "cat")
    p.connect()
    p.press(ESCAPE)
    p.press("h")
    p.press("48 65 6c6c6f 0x2")
    assert p.find("#hint").text == "Half a byte is left over."
    p.press(ENTER)
    assert p.payloads("sent") == []
    p.press("1" + ENTER)
    p.until(lambda: p.payloads("received"))
    assert p.payloads("received")[0].split() == [
        "00000000", "48", "65", "6c", "6c", "6f", "21", "Hello!"]


def test_subprotocol(page):
    p = page("--subprotocol=chat.v1", "cat")
    p.find("#protocol").send_keys("other, chat.v1" + ENTER)
    p.until(lambda: p.state() == "Connected, chat.v1")
    p.until(lambda: "Connected, subprotocol chat.v1" in p.events())


# Closing


@pytest.mark.parametrize("command, words, code", [
    ("exit 3", "the program ended with exit status 3", "Code 4003"),
    ("kill -TERM $$", "the program was killed by signal 15 (SIGTERM)",
     "Code 4143"),
    ("exit 130", "the program ended with exit status 130", "Code 4130"),
    ("exit 0", "a normal end", "Code 1000"),
])
def test_end_of_the_program_in_words(page, command, words, code):
    p = page("sh", "-c", command)
    p.press(ENTER)
    said = p.closed()
    assert words in said
    assert code in said


def test_reader_closes_with_code_and_reason(page):
    p = page("cat")
    p.connect()
    code = p.find("#code")
    code.clear()
    code.send_keys("4321")
    p.find("#reason").send_keys("enough" + ENTER)
    said = p.closed()
    assert "as asked from here" in said
    assert "Code 4321" in said
    assert p.find("#toggle").text == "Connect"


def test_code_that_browsers_forbid(page):
    p = page("cat")
    p.connect()
    p.find("#code").clear()
    p.find("#code").send_keys("1011" + ENTER)
    assert "Browsers allow the code 1000" in p.find("#problem").text
    assert p.state() == "Connected"


def test_daemon_stops(browser, daemon):
    d = daemon("cat")
    p = Page(browser, d.url)
    p.connect()
    d.process.terminate()
    assert "the server is going away" in p.closed()
    d.stop()
    p.press(ENTER)
    p.until(lambda: p.state() == "Not connected")
    p.until(lambda: "Could not connect" in p.events()[-1])
    complaints = browser.get_log("browser")
    assert all("ERR_CONNECTION_REFUSED" in c["message"] for c in complaints)


def test_other_host_is_declined_politely(page):
    p = page("cat")
    p.find("#address").clear()
    p.find("#address").send_keys("ws://example.invalid/" + ENTER)
    assert "may connect to 127.0.0.1" in p.find("#problem").text
    assert p.state() == "Not connected"
    assert p.all(".row") == []


# The log


def test_log_keeps_the_last_2000_lines(page):
    p = page("seq", "5000")
    p.press(ENTER)
    p.closed()
    assert len(p.all(".row")) == 2000
    assert p.payloads("received")[-1] == "5000"
    assert p.find("#older").text == "3,003 older lines are no longer kept."
    assert p.find("#received").text.startswith("5,000 ")


def test_long_text_is_folded(page):
    p = page("sh", "-c", "seq -s ' ' 3000")
    p.press(ENTER)
    p.closed()
    whole = " ".join(str(n) for n in range(1, 3001))
    assert len(p.payloads("received")[0]) < 2000
    p.find(".row.received .more").click()
    p.until(lambda: p.payloads("received") == [whole])
    p.find(".row.received .more").click()
    p.until(lambda: len(p.payloads("received")[0]) < 2000)


def test_log_stays_where_the_reader_scrolled(page):
    p = page("sh", "-c", "seq 200; cat")
    p.connect()
    p.until(lambda: len(p.payloads("received")) == 200)
    assert not p.find("#latest").is_displayed()
    p.script("document.getElementById('scroller').scrollTop = 300")
    p.until(lambda: p.find("#latest").is_displayed())
    top = p.script("return document.getElementById('scroller').scrollTop")
    p.script("document.getElementById('message').blur()")
    p.find("body").send_keys("d")
    p.closed()
    assert "new" in p.find("#latest").text
    assert p.script(
        "return document.getElementById('scroller').scrollTop") == top
    p.find("#latest").click()
    p.until(lambda: not p.find("#latest").is_displayed())


def test_log_is_walked_and_cleared_by_keys(page):
    p = page("sh", "-c", "seq 3; exit 3")
    p.press(ENTER)
    p.closed()
    p.find("#message").send_keys(ESCAPE)
    assert "Code 4003" in p.focused().text
    p.press(UP)
    assert p.focused().text.endswith("3")
    p.press(ESCAPE)
    assert p.focused().get_attribute("id") == "message"
    p.press(ESCAPE)
    p.press("x")
    p.until(lambda: p.all(".row") == [])


def test_log_is_saved(page, browser, tmp_path):
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {
        "behavior": "allow", "downloadPath": str(tmp_path)})
    p = page("--binary", "cat")
    p.connect()
    p.say("saved")
    p.until(lambda: p.payloads("received"))
    p.find("#save").click()
    p.until(lambda: list(tmp_path.glob("standpipe-*.txt")))
    text = next(tmp_path.glob("standpipe-*.txt")).read_text("utf-8")
    assert "sent text, 5 bytes\nsaved\n" in text
    assert "00000000  73 61 76 65 64" in text


def test_help(page):
    p = page("cat")
    p.press("?")
    assert p.find("#help").is_displayed()
    p.press(ESCAPE)
    p.until(lambda: not p.find("#help").is_displayed())


# Safety


def test_policy_names_this_script_and_this_style(daemon):
    status, headers, body = request(daemon("cat").url, "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers.get_all("Content-Security-Policy") == [
        POLICY.format(sha256(inline(body, b"script")),
                      sha256(inline(body, b"style")))]


def test_policy_is_enforced(page, browser):
    p = page("cat")
    p.script("""
        const script = document.createElement("script");
        script.textContent = "window.intruder = true";
        document.body.append(script);""")
    assert p.script("return window.intruder") is None
    complaints = browser.get_log("browser")
    assert len(complaints) == 1
    assert "Content Security Policy" in complaints[0]["message"]


def test_nothing_comes_from_elsewhere(page, browser):
    p = page("cat")
    p.connect()
    p.say("hello")
    p.until(lambda: p.payloads("received"))
    asked = set()
    for entry in browser.get_log("performance"):
        event = json.loads(entry["message"])["message"]
        if event["method"] == "Network.requestWillBeSent":
            asked.add(event["params"]["request"]["url"])
        elif event["method"] == "Network.webSocketCreated":
            asked.add(event["params"]["url"])
    asked = {url for url in asked if not url.startswith("about:")}
    page_url = browser.current_url
    assert asked - {page_url + "favicon.ico"} == {
        page_url, page_url.replace("http", "ws", 1)}


@pytest.mark.parametrize("target", [
    """/<script>alert(1)</script>?x="><img src=x onerror=alert(1)>""",
    "/<script>alert(1)</script>?x=\"><img/src=x/onerror=alert(1)>",
    "/%3Cscript%3Ealert(1)%3C/script%3E?x=%22%3E%3Cimg%20src=x%3E",
])
def test_evil_path_is_not_echoed(daemon, target):
    url = daemon("cat").url
    status, _, body = request(url, target)
    assert b"alert(1)" not in body
    assert b"img" not in body
    if status == 200:
        assert body == request(url, "/")[2]
    else:
        assert status == 400


def test_evil_path_in_the_browser(page):
    path = """<script>alert(1)</script>?x="><img src=x onerror=alert(2)>"""
    p = page("cat", path=path)
    p.connect()
    p.say("still fine")
    p.until(lambda: p.payloads("received") == ["still fine"])
    assert p.all("img") == []
    assert len(p.all("script")) == 1
    assert p.find("#address").get_property("value").endswith(
        "?x=%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E")


def test_what_the_program_says_is_text(page):
    evil = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202eevil"
    p = page("cat")
    p.connect()
    p.say(evil)
    p.until(lambda: p.payloads("received"))
    assert p.payloads("received") == [evil.replace("\u202e", "U+202E")]
    assert p.all("img") == []


# Looks


def test_dark_and_light(page, browser):
    p = page("cat")
    seen = {}
    for theme in "light", "dark":
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": theme}]})
        seen[theme] = browser.get_screenshot_as_png(), sum(
            int(n) for n in re.findall(r"\d+", p.script(
                "return getComputedStyle(document.body).backgroundColor")))
    assert seen["light"][0] != seen["dark"][0]
    assert seen["light"][1] > 600 > 150 > seen["dark"][1]


@pytest.mark.parametrize("width, height", [(320, 568), (390, 844), (768, 600)])
def test_narrow_screens(page, browser, width, height):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": height, "deviceScaleFactor": 1,
        "mobile": False})
    p = page("--binary", "cat")
    p.connect()
    p.say("a" * 200)
    p.until(lambda: p.payloads("received"))
    wide = p.script("""
        return Array.from(document.querySelectorAll("body *"))
            .filter((e) => !e.closest(".hidden, .dump") &&
                e.getBoundingClientRect().right > innerWidth + 0.5)
            .map((e) => e.outerHTML.slice(0, 80));""")
    assert wide == []
    log = p.find("#scroller").rect
    assert log["height"] > 100


def test_every_control_has_a_name(page):
    p = page("cat")
    controls = p.all("button, input, textarea, [tabindex='0']")
    assert len(controls) > 10
    nameless = [c.get_attribute("outerHTML") for c in controls
                if c.is_displayed() and not c.accessible_name]
    assert nameless == []


def test_tab_reaches_everything_in_order(page):
    p = page("cat")
    p.find("#address").click()
    seen = [p.focused().get_attribute("id")]
    for _ in range(8):
        p.press(TAB)
        seen.append(p.focused().get_attribute("id"))
    assert seen == ["address", "protocol", "toggle", "copy", "save", "clear",
                    "scroller", "message", "kind-text"]
