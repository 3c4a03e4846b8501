"""Before the 101: requests, refusals, origins, subprotocols (rule 1)."""

import contextlib
import json
import shlex

import pytest

from daemon import Daemon, fields
from proc import PATIENCE, now, pause
from wire import BINARY, Gone, frame, request_head


@pytest.fixture(scope="module")
def plain():
    with Daemon("--handshake-timeout=5s") as d:
        yield d


def refusal(d, data, status):
    """The one response to these bytes; checks what all refusals share."""
    response = d.request(data)
    assert response.status == status, (response.status, response.body)
    assert "close" in response.get("Connection").split(", ")
    assert response.get("Content-Type") == "text/plain; charset=utf-8"
    assert response.get("X-Content-Type-Options") == "nosniff"
    text = response.body.decode()
    assert text.endswith("\n") and text.count("\n") == 1 and len(text) > 5
    return response


def head(*lines, end=b"\r\n\r\n"):
    return b"\r\n".join(lines) + end


UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade",
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
           b"Sec-WebSocket-Version: 13")


# --------------------------------------------------------------- the heads


@pytest.mark.parametrize("data, status", [
    (head(b"GET  / HTTP/1.1", b"Host: x"), 400),
    (head(b"GET /  HTTP/1.1", b"Host: x"), 400),
    (head(b"GET / HTTP/1.1 ", b"Host: x"), 400),
    (head(b"GET /", b"Host: x"), 400),
    (head(b"/ HTTP/1.1", b"Host: x"), 400),
    (head(b" GET / HTTP/1.1", b"Host: x"), 400),
    (head(b"GET x HTTP/1.1", b"Host: x"), 400),
    (head(b"GET / http/1.1", b"Host: x"), 400),
    (head(b"GET / HTTP/1.1", b"Host : x"), 400),
    (head(b"GET / HTTP/1.1", b" Host: x"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b" folded"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"no colon"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b": no name"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"a\0b: c"), 400),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", 400),
    (head(b"GET /#a HTTP/1.1", b"Host: x"), 400),
    (head(b"GET / HTTP/2.0", b"Host: x"), 505),
    (head(b"GET / HTTP/0.9", b"Host: x"), 505),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    (head(b"\x16\x03\x01\x02\x00"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"Content-Length: 1",
          b"Content-Length: 2", *UPGRADE), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"Content-Length: -1"), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"Content-Length: 3",
          b"Transfer-Encoding: chunked", *UPGRADE), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"Transfer-Encoding: chunked",
          *UPGRADE), 400),
    (head(b"GET / HTTP/1.1", b"Host: x", b"Content-Length: 5",
          *UPGRADE), 400),
    (head(b"GET / HTTP/1.0", b"Host: x", *UPGRADE), 400),
], ids=lambda v: v[:45].decode("latin-1").encode("unicode_escape").decode()
    if isinstance(v, bytes) else str(v))
def test_rule1_malformed_heads_are_refused(plain, data, status):
    refusal(plain, data, status)


def test_content_length_zero_is_no_body(plain):
    with plain.session(headers=[("Content-Length", "0")]) as c:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


@pytest.mark.parametrize("method, status", [
    ("POST", 405), ("PUT", 405), ("OPTIONS", 405), ("DELETE", 405),
    ("BREW", 405), ("get", 405)])
def test_rule1_other_methods_are_405(plain, method, status):
    for drop in (), ("Upgrade", "Connection"):
        response = refusal(plain, request_head(method=method, drop=drop),
                           status)
        assert response.get("Allow") == "GET, HEAD"


def test_rule1_get_without_upgrade_is_426(plain):
    response = refusal(plain, head(b"GET / HTTP/1.1", b"Host: x"), 426)
    assert response.get("Upgrade").lower() == "websocket"


def test_rule1_head_without_upgrade_has_no_body(plain):
    with plain.client() as c:
        c.send(head(b"HEAD / HTTP/1.1", b"Host: x"))
        assert c.response(body=False).status == 426
        assert c.ending() == "eof" and c.rest == b""


def test_H1_rule1_exactly_one_answer_and_no_second_request(plain):
    evil = head(b"GET /second HTTP/1.1", b"Host: x")
    for first, status in [
            (request_head(key="short"), 400),
            (request_head(headers=[("Origin", "http://evil.test")]), 403),
            (request_head(method="POST", headers=[
                ("Content-Length", str(len(evil)))]), 405),
            (head(b"GET / HTTP/1.1", b"Host: x"), 426),
            (request_head(drop=["Host"]), 400)]:
        refusal(plain, first + evil + evil, status)  # request() looks for more
        refusal(plain, first + frame("x") * 100, status)


def test_H1_F6_refusal_is_not_lost_to_unread_bytes(plain):
    data = request_head(key="bad") + frame(bytes(60000), BINARY) * 3
    for _ in range(10):
        with plain.client() as c:
            c.send(data)
            assert c.response().status == 400
            assert c.ending() == "eof"


@pytest.fixture(scope="module")
def behind():
    with Daemon("--trusted-proxy=127.0.0.1") as d:
        yield d


@pytest.mark.parametrize("field", [
    "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Accept-Encoding",
    "Cookie", "Cache-Control", "X-Forwarded-For", "X-Forwarded-Proto",
    "Forwarded", "If-None-Match", "Range", "TE", "Keep-Alive",
    "Accept-Language"])
@pytest.mark.parametrize("value", ["", " ", ",", " , ,"])
def test_fault_F6_lists_of_nothing_are_not_there(behind, field, value):
    with behind.client() as c:
        answer = c.handshake(headers=[(field, value)])
        assert answer.status == 101
        assert answer.get(field) is None
        c.reset()


MALFORMED = [b"/100%", b"/%", b"/%2", b"/%zz", b"/%2x", b"/a%00b", b"/%0",
             b"/x/%%32"]


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory):
    """A daemon for each that may serve a path."""
    top = tmp_path_factory.mktemp("places")
    top.chmod(0o755)
    gate = top / "gate"
    gate.write_text("#!/bin/sh\n")
    gate.chmod(0o755)
    for name in "dir", "cgi", "files":
        (top / name).mkdir()
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Daemon(*args, command=command))
               for args, command in [
                   ([], ("cat",)), (["--console"], ("cat",)),
                   ([f"--gate={gate}"], ("cat",)), ([f"--dir={top}/dir"], ()),
                   ([f"--cgidir={top}/cgi"], ("cat",)),
                   ([f"--staticdir={top}/files"], ("cat",))]]


@pytest.mark.parametrize("upgrade", [True, False])
@pytest.mark.parametrize("path", MALFORMED)
def test_fault_F9_a_malformed_path_is_400_everywhere(everywhere, path, upgrade):
    for d in everywhere:
        mark = d.mark()
        drop = () if upgrade else ("Upgrade", "Connection")
        with d.client() as c:
            c.send(request_head(path.decode(), drop=drop))
            answer = c.response()
        assert answer.status == 400 and b"percent" in answer.body, d.args
        d.wait_log('refused .*status=400 rule="malformed path"', start=mark)


def test_rule1_drain_after_a_refusal_is_bounded(plain):
    with plain.client() as c:
        c.send(request_head(key="bad"))
        assert c.response().status == 400
        deadline = now() + PATIENCE
        with pytest.raises(Gone):  # in the end nobody is there to read it
            while now() < deadline:
                c.send(bytes(1000))
                pause(0.02)


@pytest.mark.parametrize("key", [
    "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "a" * 24,
    "dGhlIHNhbXBsZSBub25jZQ==x", "dGhlIHNhbXBsZSBub25jZ!==",
    "dGhlIHNhbXBsZSBub25jZTEy", "AAAA"])
def test_H2_bad_keys_are_400(plain, key):
    refusal(plain, request_head(key=key), 400)


def test_H2_missing_or_repeated_key_is_400(plain):
    refusal(plain, request_head(drop=["Sec-WebSocket-Key"]), 400)
    refusal(plain, request_head(headers=[
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]), 400)


@pytest.mark.parametrize("values, status", [
    (["Upgrade"], 101), (["upgrade"], 101), (["keep-alive, Upgrade"], 101),
    (["keep-alive,UPGRADE ,x"], 101), (["keep-alive", "Upgrade"], 101),
    ([], 400), (["keep-alive"], 400), (["Upgraded"], 400), (["close"], 400),
    (["x-upgrade"], 400)])
def test_H3_connection_is_a_list_of_tokens(plain, values, status):
    with plain.client() as c:
        response = c.handshake(drop=["Connection"], headers=[
            ("Connection", value) for value in values])
        assert response.status == status


@pytest.mark.parametrize("values, status", [
    (["websocket"], 101), (["WebSocket"], 101), (["h2c, websocket"], 101),
    (["h2c"], 426), ([], 426), (["websocket2"], 426)])
def test_H3_upgrade_is_a_list_of_tokens(plain, values, status):
    with plain.client() as c:
        response = c.handshake(drop=["Upgrade"], headers=[
            ("Upgrade", value) for value in values])
        assert response.status == status


@pytest.mark.parametrize("version", ["8", "0", "12", "14", "", "13x", "13, 8"])
def test_H4_wrong_version_is_426_with_the_right_one(plain, version):
    response = refusal(plain, request_head(
        drop=["Sec-WebSocket-Version"],
        headers=[("Sec-WebSocket-Version", version)]), 426)
    assert response.get("Sec-WebSocket-Version") == "13"


def test_H4_missing_version(plain):
    response = refusal(plain, request_head(drop=["Sec-WebSocket-Version"]), 426)
    assert response.get("Sec-WebSocket-Version") == "13"


# ------------------------------------------------------------ subprotocols


@pytest.fixture(scope="module")
def chat():
    with Daemon("--subprotocol=chat", "--subprotocol=v2.chat", command=[
            "sh", "-c", 'echo "[$STANDPIPE_PROTOCOL]"']) as d:
        yield d


@pytest.mark.parametrize("offers, chosen", [
    (["chat"], "chat"), (["v2.chat"], "v2.chat"),
    (["v2.chat, chat"], "v2.chat"),   # the client's order decides
    (["x,chat"], "chat"), (["x , chat"], "chat"), (["x\t,\tchat"], "chat"),
    (["x", "y", "chat"], "chat"), ([",, chat ,"], "chat"),
    (["Chat"], None), (["x"], None), (["chatter"], None), ([], None)])
def test_H5_H6_subprotocol_is_the_first_offered_that_we_have(
        chat, offers, chosen):
    with chat.client() as c:
        response = c.handshake(headers=[
            ("Sec-WebSocket-Protocol", one) for one in offers])
        assert response.status == 101
        assert response.get("Sec-WebSocket-Protocol") == chosen
        assert c.recv_text() == f"[{chosen or ''}]"


def test_H5_subprotocol_that_is_not_ours_is_not_answered(plain):
    with plain.client() as c:
        response = c.handshake(headers=[("Sec-WebSocket-Protocol", "chat")])
        assert response.status == 101
        assert response.get("Sec-WebSocket-Protocol") is None


def test_H5_subprotocol_required():
    with Daemon("--subprotocol=a", "--subprotocol-required") as d:
        refusal(d, request_head(), 400)
        refusal(d, request_head(headers=[("Sec-WebSocket-Protocol", "b")]), 400)
        with d.session(headers=[("Sec-WebSocket-Protocol", "b, a")]) as c:
            c.bye()


def test_H26_header_names_are_spelt_as_the_standard_does(chat):
    with chat.client() as c:
        response = c.handshake(headers=[("Sec-WebSocket-Protocol", "chat")])
        names = {name for name, _ in response.fields}
        assert {"Upgrade", "Connection", "Sec-WebSocket-Accept",
                "Sec-WebSocket-Protocol"} <= names


# ------------------------------------------------------------------- limits


def test_H9_dribbled_head_is_408():
    with Daemon("--handshake-timeout=500ms") as d:
        start = now()
        with d.client() as c:
            c.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
            while now() - start < PATIENCE:
                try:
                    c.send(b"X: y\r\n")
                    c.silent(0.1)
                except AssertionError:
                    break
            response = c.response()
            assert response.status == 408
            assert now() - start > 0.49
            assert response.get("Connection") == "close"
            assert c.ending() in ("eof", "reset")


def test_H9_silent_connection_ends():
    with Daemon("--handshake-timeout=200ms") as d:
        with d.client() as c:
            assert c.ending(5) in ("eof", "reset")
            assert c.rest == b"" or c.rest.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("data, status", [
    (b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET /" + b"a" * 100000, 414),
    (request_head(headers=[("X", "v" * 17000)]), 431),
    (request_head(headers=[("X-%d" % i, "v" * 200) for i in range(80)]), 431),
    (request_head(headers=[("X-%d" % i, "v") for i in range(100)]), 431),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000, 431),
    (b"GET / HTTP/1.1\r\nX: " + b"y" * 100000, 431),
], ids=["line", "endless line", "field", "bytes", "fields", "endless fields",
        "endless field"])
def test_H9_limits_of_a_head(plain, data, status):
    with plain.client() as c:
        try:
            c.send(data)
        except Gone:
            pass
        response = c.response()
        assert response.status == status
        assert response.get("Connection") == "close"


def test_H9_what_is_within_the_limits_passes(plain):
    with plain.session(path="/" + "a" * 8000, headers=[
            ("X-%d" % i, "v" * 50) for i in range(90)]) as c:
        c.bye()


@pytest.mark.parametrize("hosts", [
    [], [""], ["a", "b"], ["a", "a"], ["a b"], ["a:b"], ["a:99999"], ["[::1"],
    ["::1"], ["user@host"], ["a/b"], ["[::g]"], ["a,b"], ["a:0"], ["ä"]])
def test_H10_bad_host_is_400(plain, hosts):
    refusal(plain, request_head(drop=["Host"], headers=[
        ("Host", host) for host in hosts]), 400)


# ------------------------------------------------------- origins and hosts


def answer(d, origin=None, host=None, **headers):
    """The status that an upgrade with these fields gets."""
    more = [(name.replace("_", "-"), value) for name, value in headers.items()]
    if origin is not None:
        more.append(("Origin", origin))
    with d.client() as c:
        kw = {"host": host.format(port=d.port)} if host else {}
        return c.handshake(headers=more, **kw).status


@pytest.mark.parametrize("origin, host, status", [
    (None, None, 101),
    ("null", None, 403),
    ("http://127.0.0.1:{port}", None, 101),
    ("http://127.0.0.1", None, 403),
    ("http://127.0.0.1:1", None, 403),
    ("http://localhost:{port}", "localhost:{port}", 101),
    ("http://LOCALHOST:{port}", "localhost:{port}", 101),
    ("http://[::1]:{port}", "[::1]:{port}", 101),
    ("http://localhost:{port}", "127.0.0.1:{port}", 403),
    ("http://evil.test", None, 403),
    ("http://evil.test:{port}", None, 403),
    ("http://127.0.0.1.evil.test:{port}", None, 403),
    ("http://127.0.0.1:{port}.evil.test", None, 403),
    ("file://", None, 403),
    ("", None, 101),                            # as none
    ("garbage", None, 403),
    ("http://localhost", "localhost", 101),     # default ports normalised
    ("http://localhost:80", "localhost", 101),
    ("https://localhost", "localhost:443", 101),
])
def test_H11_H13_origin_without_a_list(plain, origin, host, status):
    if origin:
        origin = origin.format(port=plain.port)
    assert answer(plain, origin, host) == status


@pytest.fixture(scope="module")
def listed():
    with Daemon("--origin=https://good.test,*.wild.test:8443,[::1]:9") as d:
        yield d


@pytest.mark.parametrize("origin, status", [
    (None, 101), ("null", 403),
    ("https://good.test", 101), ("HTTPS://GOOD.TEST", 101),
    ("https://good.test:8080", 101), ("http://good.test", 403),
    ("https://evil-good.test", 403), ("https://good.test.evil.test", 403),
    ("https://sub.good.test", 403), ("https://good.tes", 403),
    ("https://a.wild.test:8443", 101), ("http://a.b.wild.test:8443", 101),
    ("https://wild.test:8443", 403), ("https://evilwild.test:8443", 403),
    ("https://a.wild.test", 403), ("https://a.wild.test:84430", 403),
    ("http://[::1]:9", 101), ("http://[::2]:9", 403),
    ("https://good.test,https://evil.test", 403),
    ("https://good.test@evil.test", 403), ("https://good.test/", 101),
    ("https://good.test/x", 403),
])
def test_H11_H12_origin_must_match_whole(listed, origin, status):
    assert answer(listed, origin) == status


def test_H12_two_origins_are_refused(listed):
    with listed.client() as c:
        assert c.handshake(headers=[
            ("Origin", "https://good.test"),
            ("Origin", "https://good.test")]).status in (400, 403)


def test_H13_null_on_request():
    with Daemon("--origin=null") as d:
        assert answer(d, "null") == 101
        assert answer(d, "http://x.test") == 403
    with Daemon("--origin=*") as d:
        assert answer(d, "null") == answer(d, "http://x.test") == 101


def test_sameorigin_besides_a_list():
    with Daemon("--origin=*", "--sameorigin") as d:
        assert answer(d, f"http://127.0.0.1:{d.port}") == 101
        assert answer(d, "http://x.test") == 403
        assert answer(d) == 101


def test_fault_T4_a_refusal_says_how_to_allow_it(listed):
    mark = listed.mark()
    with listed.client() as c:
        assert c.handshake("/a%20b?token=secret", host="127.0.0.1:1", headers=[
            ("Origin", "http://localhost:3000")]).status == 403
    line = listed.wait_log("refused", start=mark).string
    told = fields(line)
    assert told["rule"] == "origin not listed" and told["status"] == "403"
    assert told["option"] == "--origin=http://localhost:3000"
    assert told["origin"] == "http://localhost:3000"
    assert told["host"] == "127.0.0.1:1" and told["method"] == "GET"
    assert told["path"] == "/a%20b" and "secret" not in line
    assert told["peer"].startswith("127.0.0.1:")


REFUSALS = [
    ([], {"host": "foo.example:8", "headers": [("Sec-Fetch-Site", "none")]},
     "--server-name=foo.example"),
    (["--server-name=a.test"], {"host": "h", "headers": [("Sec-Fetch-Site", "none")]},
     "--server-name=h"),
    ([], {"headers": [("Origin", "null")]}, "--origin=null"),
    ([], {"headers": [("Origin", "file://")]}, "--origin=file://"),
    ([], {"headers": [("Origin", "app://.")]}, "--origin=app://."),
    ([], {"headers": [("Origin", "moz-extension://6c9b1d5e-1c2b")]},
     "--origin=moz-extension://6c9b1d5e-1c2b"),
    ([], {"headers": [("Origin", "capacitor://localhost")]},
     "--origin=capacitor://localhost"),
    ([], {"headers": [("Origin", "b.org:81")]}, "--origin=b.org:81"),
    ([], {"headers": [("Origin", "http://[::1]:3000")]},
     "--origin='http://[::1]:3000'"),
    ([], {"headers": [("Origin", "what is this")]}, "--origin"),
    ([], {"headers": [("Sec-Fetch-Site", "cross-site"),
                      ("Referer", "http://b.org/x?secret")]},
     "--origin=http://b.org"),
    ([], {"headers": [("Sec-Fetch-Site", "cross-site")]}, "--origin"),
    (["--allow=192.0.2.0/24"], {}, "--allow=127.0.0.1"),
    (["--deny=127.0.0.1"], {}, "--deny"),
    ([], {"headers": [("Origin", "http://" + 600 * "a")]}, "--origin"),
]


@pytest.mark.parametrize("more, how, option", REFUSALS)
def test_fault_T4_F5_the_option_lets_it_in(more, how, option):
    with Daemon(*more) as d:
        with d.client() as c:
            assert c.handshake(**how).status == 403
        line = d.wait_log("refused").string
        assert fields(line)["option"] == option
        assert "secret" not in line
    if "=" in option:
        with Daemon(*more, *shlex.split(option)) as d, d.client() as c:
            assert c.handshake(**how).status == 101


def test_fault_T4_a_refusal_in_json():
    with Daemon("--log-format=json") as d:
        with d.client() as c:
            assert c.handshake("/x?y", headers=[
                ("Origin", "http://b.org\"\x80")]).status == 403
        told = json.loads(d.wait_log('^.*"refused".*$').group(0))
        assert told["option"] == "--origin" and told["path"] == "/x"
        assert told["origin"].startswith('http://b.org"')


@pytest.mark.parametrize("site, mode, dest, status", [
    ("cross-site", "no-cors", "image", 403),
    ("same-site", "no-cors", "script", 403),
    ("cross-site", "navigate", "iframe", 403),
    ("cross-site", "navigate", "document", 200),
    ("same-origin", "no-cors", "image", 200),
    ("none", "navigate", "document", 200)])
def test_fault_A7_pages_of_others_get_no_file(tmp_path, site, mode, dest,
                                              status):
    (tmp_path / "x").write_text("x")
    (tmp_path / "x").chmod(0o644)
    tmp_path.chmod(0o755)
    with Daemon(f"--staticdir={tmp_path}") as d:
        with d.client() as c:
            c.send(head(b"GET /x HTTP/1.1", b"Host: localhost",
                        b"Sec-Fetch-Site: " + site.encode(),
                        b"Sec-Fetch-Mode: " + mode.encode(),
                        b"Sec-Fetch-Dest: " + dest.encode()))
            assert c.response().status == status


@pytest.mark.parametrize("host, browser, status", [
    ("rebound.test:{port}", True, 403), ("rebound.test:{port}", False, 101),
    ("localhost:{port}", True, 101), ("127.0.0.1:{port}", True, 101),
    ("127.9.9.9:{port}", True, 101), ("[::1]:{port}", True, 101),
    ("0.0.0.0:{port}", True, 101), ("192.0.2.7:{port}", True, 101),
    ("localhost.:{port}", True, 101), ("[2001:db8::7]:{port}", True, 101),
    ("a.localhost:{port}", True, 101), ("localhost.test:{port}", True, 403),
    ("127.0.0.1.test:{port}", True, 403)])
def test_fault_W8_rebinding_needs_a_name(plain, host, browser, status):
    headers = {"Sec_Fetch_Site": "same-origin"} if browser else {}
    assert answer(plain, host=host, **headers) == status
    if browser:
        origin = "http://" + host.format(port=plain.port)
        assert answer(plain, origin, host=host) == status


def test_server_name_lets_a_host_in():
    with Daemon("--server-name=app.test", "--server-name=*.dev.test") as d:
        site = {"Sec_Fetch_Site": "same-origin"}
        assert answer(d, host="app.test", **site) == 101
        assert answer(d, host="APP.test:99", **site) == 101
        assert answer(d, host="x.dev.test", **site) == 101
        assert answer(d, host="dev.test", **site) == 403
        assert answer(d, host="other.test", **site) == 403
        assert answer(d, "http://app.test", host="app.test") == 101
        assert answer(d, host="localhost", **site) == 101


def test_the_console_may_connect_whatever_is_listed():
    with Daemon("--console", "--origin=http://b.org") as d:
        for origin, status in [(f"http://127.0.0.1:{d.port}", 101),
                               ("http://b.org", 101), ("http://c.org", 403)]:
            with d.client() as c:
                assert c.handshake(headers=[("Origin", origin)]).status == status
                c.reset()
    with Daemon("--origin=http://b.org") as d, d.client() as c:
        own = f"http://127.0.0.1:{d.port}"
        assert c.handshake(headers=[("Origin", own)]).status == 403


def test_console_is_not_behind_the_origin_rule_but_the_host_rule():
    with Daemon("--console") as d:
        evil = request_head(drop=["Upgrade", "Connection"], host="evil.test",
                            headers=[("Sec-Fetch-Site", "cross-site")])
        assert d.request(evil).status == 403


# ------------------------------------------------------------------ console


@pytest.fixture(scope="module")
def console():
    with Daemon("--console") as d:
        yield d


def test_console_is_a_page_at_the_url_of_the_route(console):
    get = request_head("/", drop=["Upgrade", "Connection"],
                       headers=[("Connection", "close")])
    response = console.request(get)
    assert response.status == 200
    assert response.get("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.get("Content-Security-Policy")
    assert "unsafe-inline" not in response.get("Content-Security-Policy")
    assert response.get("X-Content-Type-Options") == "nosniff"
    assert response.get("Connection") == "close"
    page = response.body.decode()
    assert "<html" in page and "://" not in page.replace("ws://", "").replace(
        "wss://", "").replace("http://www.w3.org/", "")
    with console.client() as c:
        c.send(get.replace(b"GET", b"HEAD"))
        answer = c.response(body=False)
        assert answer.status == 200
        assert answer.get("Content-Length") == response.get("Content-Length")
        assert c.ending() == "eof" and c.rest == b""
    with console.session() as c:
        c.send_text("x")
        assert c.recv_text() == "x"
        c.bye()


def test_H19_console_echoes_nothing_of_the_request(console):
    evil = "<script>alert(1)</script>"
    for path in f"/{evil}", f"/?q={evil}", "/'\"><b>x":
        response = console.request(request_head(
            path, drop=["Upgrade", "Connection"], headers=[
                ("User-Agent", evil), ("Referer", evil)]))
        assert b"alert(1)" not in response.body
        assert b"<b>x" not in response.body


def test_console_is_off_by_default(plain):
    refusal(plain, request_head(drop=["Upgrade", "Connection"]), 426)


def test_wrong_upgrade_is_no_console(console):
    refusal(console, request_head(key="short"), 400)
