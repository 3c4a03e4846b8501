"""How the client goes through proxies."""

import pytest

from certificates import Authority
from daemon import Daemon
from proc import environment, standpipe
from proxies import ConnectProxy, SocksProxy

ECHO = ["head", "-n", "1"]  # and it ends

BOTH = pytest.mark.parametrize("kind", [ConnectProxy, SocksProxy])


def echoes(*args, **kw):
    r = standpipe(*args, input=b"hello\n", **kw)
    assert (r.stdout, r.stderr, r.returncode) == (b"hello\n", b"", 0)


def fails(status, said, *args, **kw):
    r = standpipe(*args, **kw)
    assert r.returncode == status, r.stderr
    assert said in r.stderr.decode()


@BOTH
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "name.of.a.server",
                                  "localhost"])
def test_the_proxy_is_asked_and_looks_names_up(kind, host):
    with Daemon(command=ECHO) as d, kind() as proxy:
        echoes(f"--proxy={proxy.url}", f"ws://{host}:{d.port}/")
    asked = [(host, d.port)]
    if kind is SocksProxy:
        asked = [(host.strip("[]"), d.port)]
    assert proxy.asked == asked


def test_interim_answers_are_no_answers():
    with Daemon(command=ECHO) as d:
        with ConnectProxy(interim=b"HTTP/1.1 103 Wait\r\n\r\n") as proxy:
            echoes("-x", proxy.url, d.url)


@BOTH
def test_C1_a_proxy_that_reaches_nobody(kind):
    with Daemon() as d:
        url = d.url
    said = {ConnectProxy: "refused: 502 Nobody There",
            SocksProxy: "connection refused"}[kind]
    with kind() as proxy:
        fails(69, f"the proxy 127.0.0.1:{proxy.port}: {said}",
              f"--proxy={proxy.url}", url)


@BOTH
def test_C1_a_proxy_that_is_not_there(kind):
    with kind() as proxy:
        pass
    fails(69, f"the proxy 127.0.0.1:{proxy.port}: cannot connect",
          f"--proxy={proxy.url}", "ws://a/")


@pytest.mark.parametrize("answer, said", [
    (b"", "closed the connection without an answer"),
    (b"HTTP/1.1 200 OK\r\n\r\nmore", "more than its answer"),
    (b"SSH-2.0\r\n", "malformed"),
    (b"HTTP/1.1 403\r\n\r\n", "refused: 403 Forbidden"),
])
def test_C4_what_a_proxy_answers(answer, said):
    with ConnectProxy(answer=answer) as proxy:
        fails(69, said, f"--proxy={proxy.url}", "ws://a/")


def test_what_is_no_socks_proxy():
    with ConnectProxy() as proxy:
        fails(75, "no answer within --connect-timeout=100ms",
              f"--proxy=socks5://127.0.0.1:{proxy.port}",
              "--connect-timeout=100ms", "ws://a/")


@BOTH
def test_a_user_from_a_file(kind, tmp_path):
    user = tmp_path / "user"
    user.write_text("me:se:cret\n")
    user.chmod(0o600)
    with Daemon(command=ECHO) as d, kind(user="me:se:cret") as proxy:
        echoes(f"--proxy={proxy.url}", f"--proxy-user-file={user}", d.url)
    assert proxy.users == ["me:se:cret"]


@BOTH
def test_a_user_from_the_environment(kind):
    with Daemon(command=ECHO) as d, kind(user="me:p@ss") as proxy:
        url = proxy.url.replace("://", "://me:p%40ss@")
        echoes(d.url, env=environment(http_proxy=url))
    assert proxy.users == ["me:p@ss"]


@BOTH
def test_C1_a_user_who_is_not_believed(kind, tmp_path):
    user = tmp_path / "user"
    user.write_text("me:wrong")
    user.chmod(0o600)
    said = {ConnectProxy: "refused: 407 Proxy Authentication Required",
            SocksProxy: "does not accept user and password"}[kind]
    with kind(user="me:secret") as proxy:
        fails(69, said, f"--proxy={proxy.url}", f"--proxy-user-file={user}",
              "ws://a/")


def test_a_proxys_password_is_no_word_of_the_command_line():
    r = standpipe("--proxy=http://me:secret@a:1", "ws://a/")
    assert r.returncode == 2
    assert b"--proxy-user-file" in r.stderr
    assert b"secret" not in r.stderr


@pytest.mark.parametrize("proxy, said", [
    ("https://a", "begins with http:// or socks5://"),
    ("http://a/b", "nothing may follow"),
    ("http://a:0", "1 to 65535"),
])
def test_C1_what_is_wrong_with_a_proxy(proxy, said):
    fails(2, said, f"--proxy={proxy}", "ws://a/")
    fails(2, "all_proxy: ", "ws://a/", env=environment(all_proxy=proxy))


# ------------------------------------------------- the environment


@pytest.mark.parametrize("changes, asked", [
    ({"http_proxy": "{}"}, True),
    ({"HTTP_PROXY": "{}"}, False),
    ({"https_proxy": "{}"}, False),
    ({"ALL_PROXY": "{}"}, True),
    ({"ALL_PROXY": "{}", "no_proxy": "127.0.0.0/8"}, False),
    ({"ALL_PROXY": "{}", "no_proxy": "example.org"}, True),
])
def test_the_environment_names_a_proxy(changes, asked):
    with Daemon(command=ECHO) as d, ConnectProxy() as proxy:
        env = {name: value.format(proxy.url)
               for name, value in changes.items()}
        echoes(d.url, env=environment(**env))
    assert bool(proxy.asked) == asked


def test_none_goes_straight_there():
    with Daemon(command=ECHO) as d, ConnectProxy() as proxy:
        echoes("--proxy=none", d.url, env=environment(http_proxy=proxy.url))
    assert proxy.asked == []


def test_no_proxy_to_a_unix_socket(tmp_path):
    with Daemon(unixsocket=tmp_path / "s", command=ECHO):
        echoes(f"ws+unix:{tmp_path}/s", env=environment(all_proxy="http://a"))


@BOTH
def test_S10_tls_is_spoken_with_the_server(kind, tmp_path):
    ca = Authority(tmp_path, "ours")
    pair = ca.issue("server", "name.test")
    with Daemon("--ssl", *pair.options(), command=ECHO) as d, kind() as proxy:
        echoes(f"--proxy={proxy.url}", f"--ca={ca.cert}",
               f"wss://name.test:{d.port}/")
        fails(78, "", f"--proxy={proxy.url}", f"--ca={ca.cert}",
              f"wss://other.test:{d.port}/")


@BOTH
def test_C4_who_wants_to_know_is_told_of_the_proxy(kind):
    with Daemon(command=ECHO) as d, kind() as proxy:
        r = standpipe("-v", f"--proxy={proxy.url}", d.url, input=b"x\n")
    said = f"asking the proxy 127.0.0.1:{proxy.port} to go on"
    assert said in r.stderr.decode()
