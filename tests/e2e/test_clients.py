"""Who the client is, through proxies too, and whether he may come in."""

import pytest

from daemon import Daemon, fields, run
from wire import Refused, request_head

LOCAL = "127.0.0.1"
PROXY = "127.0.0.9"     # all of 127.0.0.0/8 is ours to connect from
ENV = "--framing=nul"
SHOW = ["env", "-0"]


def ask(d, source=LOCAL, headers=(), **kw):
    """The answer to an upgrade from that address."""
    with d.client(source=source) as c:
        return c.handshake(headers=headers, **kw)


def variables(d, source=LOCAL, headers=(), **kw):
    with d.client(source=source) as c:
        response = c.handshake(headers=headers, **kw)
        if response.status != 101:
            raise Refused(response)
        env = c.variables()
        c.finish(1000)
    return env


def client_of(d, source, headers):
    return variables(d, source, headers)["REMOTE_ADDR"]


# ------------------------------------------------------------ who it is


@pytest.fixture(scope="module")
def behind():
    with Daemon(ENV, f"--trusted-proxy={PROXY},10.0.0.0/8",
                "--trusted-proxy=2001:db8::/32", command=SHOW) as d:
        yield d


XFF = "X-Forwarded-For"


@pytest.mark.parametrize("headers, address", [
    ([], PROXY),
    ([(XFF, "192.0.2.7")], "192.0.2.7"),
    ([(XFF, "1.1.1.1, 192.0.2.7")], "192.0.2.7"),
    ([(XFF, "1.1.1.1"), (XFF, "192.0.2.7")], "192.0.2.7"),
    ([(XFF, "1.1.1.1, 192.0.2.7, 10.1.1.1")], "192.0.2.7"),
    ([(XFF, "1.1.1.1, 192.0.2.7"), (XFF, "2001:DB8::5")], "192.0.2.7"),
    ([(XFF, "10.9.9.9, 10.1.1.1")], "10.9.9.9"),
    ([(XFF, "[2002::0:1]:99")], "2002::1"),
    ([(XFF, "192.0.2.7, garbage")], PROXY),
    ([(XFF, "garbage, 192.0.2.7")], "192.0.2.7"),
    ([(XFF, "192.0.2.7, unknown")], PROXY),
    ([(XFF, "")], PROXY),
    ([(XFF, "," * 4000 + "192.0.2.7")], "192.0.2.7"),
    ([("Forwarded", "for=1.1.1.1, for=192.0.2.7;proto=http")], "192.0.2.7"),
    ([("Forwarded", 'for="[2002::1]:99"')], "2002::1"),
    ([("Forwarded", "for=_hidden")], PROXY),
    ([("Forwarded", 'for="1.1.1.1, for=192.0.2.7')], "192.0.2.7"),
    ([(XFF, "192.0.2.7"), ("Forwarded", "for=192.0.2.7")], "192.0.2.7"),
])
def test_H25_client_behind_a_trusted_proxy(behind, headers, address):
    env = variables(behind, PROXY, headers)
    assert env["REMOTE_ADDR"] == env["REMOTE_HOST"] == address
    if address != PROXY:
        assert env["REMOTE_PORT"] == ("99" if "99" in str(headers) else "0")


@pytest.mark.parametrize("headers", [
    [(XFF, "192.0.2.7"), ("X-Forwarded-Proto", "https")],
    [(XFF, PROXY)],
    [("Forwarded", "for=192.0.2.7;proto=https")],
    [(XFF, "192.0.2.7"), ("Forwarded", "for=1.1.1.1")],
    [("X-Real-IP", "192.0.2.7")], [("Client-IP", "192.0.2.7")]])
def test_H25_nobody_else_is_believed(behind, headers):
    env = variables(behind, LOCAL, headers)
    assert env["REMOTE_ADDR"] == LOCAL
    assert env["REMOTE_PORT"] != "0" and "HTTPS" not in env


def test_H25_nobody_is_believed_by_default():
    with Daemon(ENV, command=SHOW) as d:
        assert client_of(d, LOCAL, [(XFF, "192.0.2.7")]) == LOCAL


@pytest.mark.parametrize("headers", [
    [(XFF, "192.0.2.7"), ("Forwarded", "for=1.1.1.1")],
    [(XFF, "192.0.2.7"), ("Forwarded", "for=unknown")],
    [(XFF, "192.0.2.7"), ("X-Forwarded-Proto", "http"),
     ("Forwarded", "for=192.0.2.7;proto=https")]])
def test_H25_what_contradicts_itself_is_refused(behind, headers):
    mark = behind.mark()
    assert ask(behind, PROXY, headers).status == 400
    behind.wait_log('rule="forwarded fields"', start=mark)


def test_H25_a_unix_socket_is_trusted_by_its_word(tmp_path):
    for options, address in [((), "unix-socket"),
                             (["--trusted-proxy=unix"], "192.0.2.7")]:
        with Daemon(ENV, *options, command=SHOW,
                    unixsocket=tmp_path / "socket") as d:
            assert client_of(d, None, [(XFF, "192.0.2.7")]) == address


def test_H25_each_request_of_a_connection_has_its_client():
    with Daemon("--console", f"--trusted-proxy={PROXY}") as d:
        with d.client(source=PROXY) as c:
            for address in "192.0.2.7", "192.0.2.8":
                c.send(request_head(drop=["Upgrade", "Connection"],
                                    headers=[(XFF, address)]))
                assert c.response().status == 200
                d.wait_log(f"peer={address} ")


def test_log_names_the_client(behind):
    mark = behind.mark()
    assert ask(behind, PROXY, [(XFF, "192.0.2.7")]).status == 101
    behind.wait_log(r"session ends.* peer=192\.0\.2\.7 ", start=mark)
    assert ask(behind, PROXY, [(XFF, "[2002::1]:9"), ("Origin", "null")]
               ).status == 403
    behind.wait_log(r"refused.* peer=\[2002::1\]:9 ", start=mark)


@pytest.mark.parametrize("value, https", [
    ("https", True), ("HTTPS", True), ("wss", True), ("http", False),
    ("ftp", False), ("https, http", False), ("http, https", True)])
def test_https_is_what_the_proxy_says(behind, value, https):
    env = variables(behind, PROXY, [(XFF, "192.0.2.7"),
                                    ("X-Forwarded-Proto", value)])
    assert (env.get("HTTPS") == "on") is https


# -------------------------------------------------------------- the origin


@pytest.mark.parametrize("host, origin, headers, status", [
    # the proxy rewrites Host, and says so
    ("127.0.0.1", "https://pub.test", {"Host": "pub.test"}, 101),
    ("127.0.0.1", "https://PUB.test:443", {"Host": "pub.test"}, 101),
    ("127.0.0.1", "https://pub.test:444", {"Host": "pub.test:444"}, 101),
    ("127.0.0.1", "https://pub.test:444", {"Host": "pub.test"}, 403),
    ("127.0.0.1", "https://evil-pub.test", {"Host": "pub.test"}, 403),
    ("127.0.0.1", "https://127.0.0.1", {"Host": "pub.test"}, 403),
    # it does not say so
    ("127.0.0.1", "https://pub.test", {}, 403),
    # TLS ends there: a page that came without it is not the same
    ("localhost", "https://localhost", {"Proto": "https"}, 101),
    ("localhost", "http://localhost", {"Proto": "https"}, 403),
    ("localhost", "http://localhost", {"Proto": "http"}, 101),
    # rebinding: a local browser has the address of a local proxy
    ("evil.test", "http://evil.test", {}, 403),
    ("evil.test", "http://evil.test", {"Host": "evil.test"}, 403),
])
def test_H11_same_origin_behind_a_proxy(behind, host, origin, headers, status):
    fields = [(XFF, "192.0.2.7"), ("Origin", origin)]
    fields += [(f"X-Forwarded-{name}", value)
               for name, value in headers.items()]
    assert ask(behind, PROXY, fields, host=host).status == status


def test_H11_forwarded_host(behind):
    fields = [("Origin", "https://pub.test"),
              ("Forwarded", "for=192.0.2.7;host=pub.test;proto=https")]
    assert ask(behind, PROXY, fields).status == 101
    assert ask(behind, LOCAL, fields).status == 403


def test_H11_host_of_others_is_not_believed(behind):
    assert ask(behind, LOCAL, [
        ("X-Forwarded-Host", "pub.test"),
        ("Origin", "https://pub.test")]).status == 403


def test_H11_proxied_host_is_one_of_the_server_names():
    with Daemon(f"--trusted-proxy={PROXY}", "--server-name=pub.test") as d:
        for host, status in [("pub.test", 101), ("other.test", 403)]:
            assert ask(d, PROXY, [
                ("X-Forwarded-Host", host),
                ("Origin", f"https://{host}")]).status == status


@pytest.mark.parametrize("origin, status", [
    (None, 101), ("null", 403), ("http://127.0.0.1.evil.test", 403)])
def test_H12_H13_hold_behind_a_proxy(behind, origin, status):
    fields = [(XFF, "192.0.2.7")]
    if origin:
        fields.append(("Origin", origin))
    assert ask(behind, PROXY, fields).status == status


# ------------------------------------------------------------- the lists


@pytest.mark.parametrize("options, inside, outside", [
    (["--deny=127.0.0.2"], ["127.0.0.1", "127.0.0.3"], ["127.0.0.2"]),
    (["--deny=127.0.0.2/31,127.0.0.5"], ["127.0.0.1", "127.0.0.4"],
     ["127.0.0.2", "127.0.0.3", "127.0.0.5"]),
    (["--allow=127.0.0.2"], ["127.0.0.2"], ["127.0.0.1", "127.0.0.3"]),
    (["--allow=127.0.0.0/30", "--deny=127.0.0.2"], ["127.0.0.1"],
     ["127.0.0.2", "127.0.0.5"]),
    (["--allow=127.0.0.2", "--deny=0.0.0.0/0"], [], ["127.0.0.2"]),
    (["--allow=::/0"], [], ["127.0.0.1"]),
    (["--allow=::ffff:127.0.0.0/104"], ["127.0.0.1"], []),
    (["--deny=unix,::/0"], ["127.0.0.1"], []),
])
def test_allow_and_deny(options, inside, outside):
    with Daemon(*options) as d:
        for source in inside:
            assert ask(d, source).status == 101
        for source in outside:
            mark = d.mark()
            with d.client(source=source) as c:
                # before a byte has been sent
                assert c.response().status == 403
                assert c.ending() in ("eof", "reset")
            told = fields(d.wait_log(f"refused.*peer={source}:",
                                     start=mark).string)
            assert told["option"] == ("--deny" if "denied" in told["rule"]
                                      else f"--allow={source}")


def test_allow_unix(tmp_path):
    for option, status in [("--allow=unix", 101), ("--deny=unix", 403),
                           ("--allow=127.0.0.1", 403)]:
        with Daemon(option, unixsocket=tmp_path / "socket") as d:
            with d.client() as c:
                assert c.handshake().status == status


@pytest.mark.parametrize("address, status", [
    ("192.0.2.7", 101), ("192.0.2.8", 403), ("198.51.100.1", 403)])
def test_lists_are_about_the_client_behind_a_proxy(address, status):
    with Daemon(f"--trusted-proxy={PROXY}", "--allow=192.0.2.0/24",
                "--deny=192.0.2.8") as d:
        assert ask(d, PROXY, [(XFF, address)]).status == status
        # whoever names nobody is the proxy itself, which nobody allowed
        assert ask(d, PROXY).status == 403
        assert ask(d, LOCAL, [(XFF, "192.0.2.7")]).status == 403


@pytest.mark.parametrize("option", ["--allow", "--deny", "--trusted-proxy"])
@pytest.mark.parametrize("value", [
    "", "example.org", "10.0.0.1/8", "10.0.0.0/33", "::1/129", "10.0.0.0/8,",
    "*"])
def test_networks_are_strict(option, value):
    result = run("--port=0", f"{option}={value}", "true")
    assert result.returncode == 2
    assert b"not a network" in result.stderr
