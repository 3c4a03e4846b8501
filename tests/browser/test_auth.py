"""How a page says who it is, and learns why it may not connect."""

import hashlib

import pytest

from test_events import TALK

TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def page(browser, daemon, tmp_path):
    """A page of a daemon that wants a token, which came by its query."""
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ada:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")

    def start(*words):
        d = daemon(f"--token-file={tokens}", "--auth-query=key",
                   "--auth-cookie=sid", "--subprotocol=app", *words)
        browser.get(f"{d.url}?key={TOKEN}")
        return d.url.replace("http", "ws", 1)

    return start


def talk(browser, url, protocols=(), steps=({"close": [1000, ""]},)):
    return browser.execute_async_script(TALK, url, list(protocols),
                                        list(steps), "blob")


def test_a_token_as_a_subprotocol(browser, page):
    url = page("sh", "-c", 'echo "$REMOTE_USER $HTTP_SEC_WEBSOCKET_PROTOCOL"')
    got = talk(browser, url, ["bearer." + TOKEN, "app"], [None])
    assert got["messages"] == [["string", "ada app"]]
    assert got["protocol"] == "app" and got["code"] == 1000


def test_a_token_in_a_cookie(browser, page):
    url = page("cat")
    browser.execute_script(f"document.cookie = 'sid={TOKEN}; path=/'")
    try:
        assert talk(browser, url)["code"] == 1000
    finally:
        browser.execute_script("document.cookie = 'sid=; max-age=0; path=/'")


def test_a_page_cannot_see_a_status(browser, page):
    got = talk(browser, page("cat"))
    assert got["events"] == ["error", "close"]
    assert got["code"] == 1006 and not got["clean"]
    (complaint,) = browser.get_log("browser")
    assert "WebSocket" in complaint["message"]


@pytest.mark.parametrize("protocols", [[], ["app"], ["bearer.wrong", "app"]])
def test_a_page_sees_a_close(browser, page, protocols):
    got = talk(browser, page("--refuse=close", "cat"), protocols)
    assert got["events"] == ["open", "close"]
    assert got["code"] == 4401 and got["reason"] and got["clean"]


def test_passwords_that_the_browser_knows(browser, daemon, tmp_path):
    users = tmp_path / "users"
    users.write_text("ada:$5$salt$eC8iHMk0B/acxRGi4idWiCK/.xXHLUsxovn4V591t3.\n")
    d = daemon(f"--auth-file={users}", "sh", "-c", "echo $REMOTE_USER")
    browser.get(d.url.replace("http://", "http://ada:x@"))
    assert "standpipe" in browser.title
    got = talk(browser, d.url.replace("http", "ws", 1), steps=[None])
    assert got["messages"] == [["string", "ada"]]
