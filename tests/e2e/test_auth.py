"""Who it is: passwords of --auth-file, tokens of --token-file."""

import base64
import ctypes
import hashlib
import os
import select
import signal
from pathlib import Path

import pytest

from certificates import Authority
from daemon import Daemon, fields, run
from proc import (ENGINE, SANITIZED, descriptors, seconds_of, stat,
                  status_field, until)
from wire import frame, request_head

TOKEN = "0123abcdTOKENdcba3210"
NAMELESS = "n4m3l3ss/T0ken+x=="
PASSWORD = "pass:w\u00f6rd"

libcrypt = ctypes.CDLL("libcrypt.so.1")
libcrypt.crypt.restype = ctypes.c_char_p


def crypt(password, setting):
    return libcrypt.crypt(password.encode(), setting.encode()).decode()


def bcrypt(password, cost=4):
    return crypt(password, f"$2b${cost:02}$abcdefghijklmnopqrstuu")


def sha256(token):
    return hashlib.sha256(token.encode()).hexdigest()


def basic(user, password):
    pair = f"{user}:{password}".encode()
    return ("Authorization", "Basic " + base64.b64encode(pair).decode())


def bearer(token):
    return ("Authorization", f"Bearer {token}")


def cookie(value):
    return ("Cookie", value)


def offer(value):
    return ("Sec-WebSocket-Protocol", value)


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users"
    path.write_text(f"# people\nalice:{bcrypt(PASSWORD)}\n\n"
                    f"bob:{crypt('b', '$6$saltsalt')}\r\n"
                    f"carol:{crypt('c', '$5$saltsalt')}\n"
                    f"dave:{crypt('d', '$1$salt')}\n"
                    f"eve:{crypt('e', '$y$j75$salt')}\n")
    return path


@pytest.fixture
def tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"# machines\nrobot:{sha256(TOKEN)}\n"
                    f":{sha256(NAMELESS).upper()}\n")
    return path


def both(users, tokens, *more):
    return (f"--auth-file={users}", f"--token-file={tokens}",
            "--auth-cookie=sid", "--auth-query=key", "--subprotocol=app",
            "--console", *more)


def worker(d):
    """The pid of the auth worker."""
    found = [pid for pid in d.engines()
             if Path(f"/proc/{pid}/cmdline").read_bytes().endswith(b"\0auth\0")]
    assert len(found) == 1, found
    return found[0]


def status_of(d, *headers, path="/", upgrade=True, method="GET"):
    """The status of one request; a 101 is left at once."""
    with d.client() as c:
        if upgrade:
            return c.handshake(path, headers=headers).status
        c.send(request_head(path, method, headers=headers,
                            drop=("Upgrade", "Connection")))
        return c.response(body=method != "HEAD").status


# ---------------------------------------------------------- every way


GOOD = [
    ("password", [basic("alice", PASSWORD)], "/"),
    ("SHA-512", [basic("bob", "b")], "/"),
    ("SHA-256", [basic("carol", "c")], "/"),
    ("MD5", [basic("dave", "d")], "/"),
    ("yescrypt", [basic("eve", "e")], "/"),
    ("any case", [("authorization", "bEARER " + TOKEN)], "/"),
    ("header", [bearer(TOKEN)], "/"),
    ("nameless", [bearer(NAMELESS)], "/"),
    ("cookie", [cookie(f"a=b; sid={TOKEN}; c=d")], "/"),
    ("encoded cookie (fault_W10)", [cookie("sid=n4m3l3ss%2FT0ken%2Bx%3D%3D")],
     "/"),
    ("stale cookies (fault_W10)", [cookie(f"sid=x; sid=a b; sid={TOKEN}")],
     "/"),
    ("header and stale cookie (fault_W10)", [bearer(TOKEN), cookie("sid=x")],
     "/"),
    ("password and cookie (fault_W10)", [basic("alice", PASSWORD),
                                         cookie("sid=x")], "/"),
    ("subprotocol", [offer(f"bearer.{TOKEN}, app")], "/"),
    ("query", [], f"/?a=b&key={TOKEN}"),
    ("encoded query", [], "/?key=n4m3l3ss%2FT0ken%2Bx%3D%3D"),
    ("all of them", [bearer(TOKEN), cookie(f"sid={TOKEN}"),
                     offer(f"app, bearer.{TOKEN}")], f"/?key={TOKEN}"),
]

WRONG = [
    ("nothing", [], "/", 401),
    ("wrong password", [basic("alice", "x")], "/", 401),
    ("no password", [basic("alice", "")], "/", 401),
    ("somebody else's", [basic("bob", PASSWORD)], "/", 401),
    ("unknown name", [basic("mallory", "x")], "/", 401),
    ("no name", [basic("", "")], "/", 401),
    ("name in another case", [basic("Alice", PASSWORD)], "/", 401),
    ("the hash", [basic("alice", bcrypt(PASSWORD))], "/", 401),
    ("unknown token", [bearer(TOKEN + "x")], "/", 401),
    ("beginning of a token", [bearer(TOKEN[:-1])], "/", 401),
    ("hash of a token", [bearer(sha256(TOKEN))], "/", 401),
    ("unknown cookie", [cookie("sid=x")], "/", 401),
    ("another cookie", [cookie(f"xsid={TOKEN}")], "/", 401),
    ("unknown subprotocol token", [offer("bearer.x, app")], "/", 401),
    ("another parameter", [], f"/?xkey={TOKEN}", 401),
    ("in the path", [], f"/key={TOKEN}", 401),
    ("another scheme", [("Authorization", f"Digest {TOKEN}")], "/", 401),
    ("substring (H23)", [("Authorization", f'Digest x="Bearer {TOKEN}"')],
     "/", 401),
    ("glued (H23)", [("Authorization", f"Bearer{TOKEN}")], "/", 401),
    ("prefixed (H23)", [("Authorization", f"XBearer {TOKEN}")], "/", 401),
    ("not base64", [("Authorization", "Basic ?")], "/", 400),
    ("no colon", [("Authorization", "Basic YWxpY2U=")], "/", 400),
    ("unpadded", [("Authorization", "Basic YTo")], "/", 400),
    ("NUL in it", [("Authorization", "Basic YToAYg==")], "/", 400),
    ("empty", [("Authorization", "")], "/", 400),
    ("scheme alone", [("Authorization", "Bearer")], "/", 400),
    ("two tokens", [("Authorization", f"Bearer {TOKEN} {TOKEN}")], "/", 400),
    ("twice", [bearer(TOKEN), bearer(TOKEN)], "/", 400),
    ("malformed cookie", [cookie("sid=a b")], "/", 401),
    ("half encoded cookie", [cookie("sid=%2")], "/", 401),
    ("unknown cookies", [cookie("sid=x; sid=y")], "/", 401),
    ("header differs from the cookie", [bearer("x"), cookie(f"sid={TOKEN}")],
     "/", 401),
    ("query differs from the cookie", [cookie(f"sid={TOKEN}")], "/?key=x", 401),
    ("header and query differ", [bearer(TOKEN)], "/?key=x", 400),
    ("password and token", [basic("alice", PASSWORD),
                            offer(f"bearer.{TOKEN}, app")], "/", 400),
    ("half encoded query", [], "/?key=%4", 400),
    ("a token of 2000", [bearer("x" * 2000)], "/", 400),
    ("a password of 600", [basic("alice", "x" * 600)], "/", 400),
]


def test_good_credentials(users, tokens):
    with Daemon(*both(users, tokens)) as d:
        for name, headers, path in GOOD:
            assert status_of(d, *headers, path=path) == 101, name
            assert status_of(d, *headers, path=path, upgrade=False) == 200, name
    assert not d.logged("refused")


def test_H23_wrong_credentials(users, tokens):
    with Daemon(*both(users, tokens)) as d:
        for name, headers, path, status in WRONG:
            assert status_of(d, *headers, path=path) == status, name
            assert status_of(d, *headers, path=path, upgrade=False) == status, name
        d.wait_logs("refused.*rule=", 2 * len(WRONG))
        assert not d.commands()


def test_H22_every_kind_of_request_is_asked(users):
    """H22: nothing is served to who has not said who it is."""
    with Daemon(f"--auth-file={users}", "--console") as d:
        for method in "GET", "HEAD", "POST", "OPTIONS", "DELETE":
            for path in "/", "/favicon.ico", "/a/b?c":
                assert status_of(d, path=path, upgrade=False,
                                 method=method) == 401, (method, path)
        assert status_of(d, path="/a") == 401
        assert status_of(d, basic("alice", PASSWORD), upgrade=False,
                         method="POST") == 405


def test_challenges(users, tokens):
    want = {"Basic": 'Basic realm="Ops room", charset="UTF-8"',
            "Bearer": 'Bearer realm="Ops room"'}
    for options, schemes in [
            ((f"--auth-file={users}",), ["Basic"]),
            ((f"--token-file={tokens}",), ["Bearer"]),
            ((f"--auth-file={users}", f"--token-file={tokens}"),
             ["Basic", "Bearer"])]:
        with Daemon(*options, "--realm=Ops room") as d:
            for bad in [], [bearer("x")], [basic("alice", "x")]:
                with d.client() as c:
                    answer = c.handshake(headers=bad)
                assert answer.status == 401
                assert answer.all("WWW-Authenticate") == \
                    [want[scheme] for scheme in schemes]


def test_only_what_is_configured_counts(users, tokens):
    with Daemon(f"--token-file={tokens}") as d:
        assert status_of(d, basic("alice", PASSWORD)) == 401
        assert status_of(d, cookie(f"sid={TOKEN}")) == 401
        assert status_of(d, path=f"/?key={TOKEN}") == 401
        assert status_of(d, bearer(TOKEN)) == 101
    with Daemon(f"--auth-file={users}", "--subprotocol=app") as d:
        assert status_of(d, bearer(TOKEN)) == 401
        assert status_of(d, offer(f"bearer.{TOKEN}, app")) == 401
        assert status_of(d, basic("alice", PASSWORD)) == 101
    with Daemon("--subprotocol=bearer.x") as d:
        with d.client() as c:
            answer = c.handshake(headers=[offer("bearer.x")])
            assert answer.get("Sec-WebSocket-Protocol") == "bearer.x"


def test_a_token_is_never_the_subprotocol(tokens):
    with Daemon(f"--token-file={tokens}", "--subprotocol=app") as d:
        for text in f"bearer.{TOKEN}, app", f"app, bearer.{TOKEN}":
            with d.client() as c:
                answer = c.handshake(headers=[offer(text)])
                assert answer.status == 101
                assert answer.get("Sec-WebSocket-Protocol") == "app"
        for alone in f"bearer.{TOKEN}", "bearer.x":
            with d.client() as c:
                answer = c.handshake(headers=[offer(alone)])
                assert answer.status == 400
                assert b"second subprotocol" in answer.body


def test_H24_nothing_happens_before_it_is_known(users):
    """H24: what is sent behind a request without credentials is not read."""
    with Daemon(f"--auth-file={users}", command=["tee", "/dev/stderr"]) as d:
        with d.client() as c:
            answer = c.handshake(behind=frame("secret") * 100)
            assert answer.status == 401
            assert c.ending() in ("eof", "reset")
        assert not d.commands()
        with d.session(headers=[basic("alice", PASSWORD)],
                       behind=frame("early")) as c:
            assert c.recv_text() == "early"
            c.bye()
    assert not d.logged("secret")


# ---------------------------------------------------------- what is seen


def environment_of(d, *headers, path="/"):
    with d.session(path, headers=headers) as c:
        env = c.variables()
        c.finish(1000)
    return env


def test_variables(users, tokens):
    with Daemon(*both(users, tokens), command=["env"]) as d:
        env = environment_of(d, basic("alice", PASSWORD), cookie("a=b"))
        assert env["REMOTE_USER"] == "alice" and env["AUTH_TYPE"] == "Basic"
        assert env["HTTP_COOKIE"] == "a=b"
        assert "HTTP_AUTHORIZATION" not in env

        env = environment_of(
            d, bearer(TOKEN), cookie(f"a=b; sid={TOKEN}; c=d"),
            offer(f"x, bearer.{TOKEN}, app"), path=f"/p?a=b&key={TOKEN}&c=d")
        assert env["REMOTE_USER"] == "robot" and env["AUTH_TYPE"] == "Bearer"
        assert env["HTTP_COOKIE"] == "a=b; c=d"
        assert env["HTTP_SEC_WEBSOCKET_PROTOCOL"] == "x, app"
        assert env["REQUEST_URI"] == "/p?a=b&c=d"
        assert env["QUERY_STRING"] == "a=b&c=d"
        assert env["STANDPIPE_PROTOCOL"] == "app"
        assert TOKEN not in "".join(env.values())

        env = environment_of(d, cookie(f"sid={NAMELESS}"),
                             ("Referer", f"http://a/?key={NAMELESS}"))
        assert "REMOTE_USER" not in env and env["AUTH_TYPE"] == "Bearer"
        assert "HTTP_COOKIE" not in env
        assert env["HTTP_REFERER"] == "http://a/"


def test_the_log_says_who_it_was(users, tokens):
    with Daemon(*both(users, tokens)) as d:
        with d.session(headers=[basic("alice", PASSWORD)]) as c:
            c.bye()
        assert d.session_end()["user"] == "alice"
        status_of(d, bearer(TOKEN), upgrade=False)
        assert fields(d.wait_log(" request ").string)["user"] == "robot"
        mark = d.mark()
        with d.session(headers=[bearer(NAMELESS)]) as c:
            c.bye()
        assert "user" not in d.session_end(mark)


def test_without_files_nothing_is_hidden():
    with Daemon(command=["env"]) as d:
        env = environment_of(d, bearer("x"), cookie("sid=x"))
        assert env["HTTP_AUTHORIZATION"] == "Bearer x"
        assert env["HTTP_COOKIE"] == "sid=x"
        assert "REMOTE_USER" not in env and "AUTH_TYPE" not in env


def test_H22_secrets_are_nowhere(users, tokens):
    """Not in argv, the environment, the log or an answer."""
    secrets = [PASSWORD, TOKEN, "wr0ng", bcrypt(PASSWORD), sha256(TOKEN)]
    with Daemon(*both(users, tokens, "--loglevel=debug")) as d:
        for name, headers, path in GOOD:
            status_of(d, *headers, path=path)
        status_of(d, basic("alice", "wr0ng"))
        status_of(d, bearer("wr0ng"))
        status_of(d, cookie("sid=wr0ng"), path="/?key=wr0ng")
        with d.client() as c:
            c.send(request_head("/", headers=[bearer(TOKEN)], drop=("Upgrade",)))
            page = c.response().body.decode()
        with d.session(headers=[bearer(TOKEN)]) as c:
            c.send_text("x")
            c.recv_text()
            seen = page
            for pid in [d.pid, *d.engines(), *d.commands()]:
                for name in "cmdline", "environ":
                    with open(f"/proc/{pid}/{name}", errors="replace") as f:
                        seen += f.read()
            c.bye()
        seen += "\n".join(d.logged(""))
        for secret in secrets:
            assert secret not in seen
            assert base64.b64encode(f"alice:{secret}".encode()).decode() \
                not in seen


def test_the_worker_has_nothing(users):
    with Daemon(f"--auth-file={users}", "--engines=2") as d:
        pid = worker(d)
        status_of(d, basic("alice", PASSWORD))
        for fd, what in descriptors(pid).items():
            assert what.startswith("socket:") or fd in (1, 2), (fd, what)
        with open(f"/proc/{pid}/status") as f:
            text = f.read()
        assert status_field(text, "NoNewPrivs") == "1" or \
            SANITIZED
        if b"seccomp" in ENGINE.read_bytes() and \
                not SANITIZED:
            assert status_field(text, "Seccomp") == "2"


# ---------------------------------------------------------- slow hashes


@pytest.fixture
def slow(tmp_path):
    """One password takes its time, about a quarter of a second."""
    path = tmp_path / "slow"
    path.write_text(f"slow:{bcrypt('s', 12)}\n")
    return path


def ask(d, user, password):
    """A connection on which a password is being checked."""
    c = d.client()
    c.send(request_head(headers=[basic(user, password)]))
    return c


def test_a_slow_hash_holds_nobody_up(slow, tokens):
    with Daemon(f"--auth-file={slow}", f"--token-file={tokens}",
                "--engines=1") as d:
        with d.session(headers=[bearer(TOKEN)]) as c:
            asking = [ask(d, "slow", f"wrong{i}") for i in range(4)]
            trips = 0
            while not select.select([asking[0].sock], [], [], 0)[0]:
                c.send_text("x")
                assert c.recv_text() == "x"
                trips += 1
            assert trips > 5
            for one in asking:
                assert one.response().status == 401
                one.close()
            c.bye()


def test_what_was_right_is_remembered(slow):
    with Daemon(f"--auth-file={slow}", "--engines=1") as d:
        first = hashing(d, lambda: status_of(d, basic("slow", "s")))

        def again():
            for _ in range(20):
                assert status_of(d, basic("slow", "s"), upgrade=False) == 426

        assert hashing(d, again) < first / 2
        # and what asks the same at the same time is one question

        def at_once():
            asking = [ask(d, "slow", "x") for _ in range(40)]
            for one in asking:
                assert one.response().status == 401
                one.close()

        assert hashing(d, at_once) < 20 * first


def hashing(d, what):
    """The processor's time that engines and auth worker spend on it."""
    def spent():
        return sum(seconds_of(pid) for pid in d.engines())

    before = spent()
    what()
    return spent() - before


def test_an_unknown_name_takes_as_long(slow):
    with Daemon(f"--auth-file={slow}") as d:
        known, unknown = [
            hashing(d, lambda user=user: status_of(d, basic(user, "wrong")))
            for user in ("slow", "mallory")]
        assert 0.5 < unknown / known < 2


def test_too_many_passwords_under_way(tmp_path):
    """All of them are given up after 30 s, so each takes but a moment."""
    users = tmp_path / "users"
    users.write_text(f"slow:{bcrypt('s', 6)}\n")
    with Daemon(f"--auth-file={users}", "--engines=1") as d:
        os.kill(worker(d), signal.SIGSTOP)  # none of them is done early
        asking = [ask(d, "slow", f"wrong{i}") for i in range(24)]
        d.wait_logs('rule="passwords under way"', 8)
        os.kill(worker(d), signal.SIGCONT)
        statuses = []
        for one in asking:
            answer = one.response()
            statuses.append(answer.status)
            assert answer.status == 401 or answer.get("Retry-After")
            one.close()
        assert statuses.count(401) == 16 and statuses.count(503) == 8
        assert status_of(d, basic("slow", "s")) == 101


def test_one_address_does_not_take_all_the_time(slow):
    with Daemon(f"--auth-file={slow}", "--engines=1",
                "--trusted-proxy=127.0.0.1") as d:
        def ask_from(address, password):
            c = d.client()
            c.send(request_head(headers=[basic("slow", password),
                                         ("X-Forwarded-For", address)]))
            return c

        # leaving does not help
        for i in range(3):
            ask_from("198.51.100.7", f"left{i}").close()
        asking = [ask_from("198.51.100.7", f"wrong{i}") for i in range(7)]
        with ask_from("192.0.2.1", "s") as c:
            assert c.response().status == 101
        statuses = [one.response().status for one in asking]
        assert 1 <= statuses.count(401) <= 4
        assert statuses.count(503) == 7 - statuses.count(401)
        for one in asking:
            one.close()


def test_clients_that_leave_while_they_are_checked(slow):
    with Daemon(f"--auth-file={slow}", "--engines=1") as d:
        for i in range(3):
            ask(d, "slow", f"wrong{i}").close()
            ask(d, "slow", f"wrong{i}").reset()
        assert status_of(d, basic("slow", "s")) in (101, 503)
        until(lambda: status_of(d, basic("slow", "s")) == 101, "room again")


def test_stopping_while_a_password_is_checked(slow):
    with Daemon(f"--auth-file={slow}", "--engines=2") as d:
        asking = [ask(d, "slow", f"wrong{i}") for i in range(8)]
        d.stop()
        for one in asking:
            one.close()


# ---------------------------------------------------------- the processes


def test_the_worker_is_replaced(slow):
    with Daemon(f"--auth-file={slow}", "--engines=2") as d:
        first = worker(d)
        for _ in range(3):
            pid = worker(d)
            with ask(d, "slow", "wrong") as c:
                until(lambda: stat(pid)[2] == "R", "it works")
                os.kill(pid, signal.SIGKILL)
                assert c.response().status == 503
            until(lambda: stat(pid) is None, "it was reaped")
            until(lambda: status_of(d, basic("slow", "x")) == 401,
                  "another has taken its place")
        assert worker(d) != first
        d.wait_log("auth worker lost")
    assert not d.logged("engine lost")


def test_a_new_engine_finds_the_worker(users):
    with Daemon(f"--auth-file={users}", "--engines=1") as d:
        pid = worker(d)
        for _ in range(3):
            (engine,) = [one for one in d.engines() if one != pid]
            os.kill(engine, signal.SIGKILL)
            until(lambda: len(d.engines()) == 2 and engine not in d.engines(),
                  "there is another")
            until(lambda: status_of(d, basic("alice", PASSWORD)) == 101,
                  "it lets in")
        assert worker(d) == pid


def test_no_worker_without_passwords(tokens):
    with Daemon(f"--token-file={tokens}", "--engines=2") as d:
        assert len(d.engines()) == 2


# ---------------------------------------------------------- the files


def test_files_are_read_again_when_they_change(users, tokens):
    with Daemon(*both(users, tokens, "--engines=2")) as d:
        with d.session(headers=[basic("alice", PASSWORD)]) as c:
            mark = d.mark()
            users.write_text(f"zoe:{bcrypt('z')}\n")
            tokens.write_text(f"new:{sha256('fresh')}\n")
            d.wait_logs("file taken anew", 2, start=mark)
            # nothing is remembered, no engine is left out
            for _ in range(4):
                until(lambda: status_of(d, basic("alice", PASSWORD)) == 401,
                      "it is not right any more")
                assert status_of(d, basic("zoe", "z")) == 101
                until(lambda: status_of(d, bearer(TOKEN)) == 401,
                      "nor is this")
                assert status_of(d, bearer("fresh")) == 101
            c.send_text("still here")
            assert c.recv_text() == "still here"
            c.bye()


def test_files_are_read_again_when_we_are_told(users, tokens):
    with Daemon(*both(users, tokens)) as d:
        users.write_text(f"zoe:{bcrypt('z')}\n")
        d.signal(signal.SIGHUP)
        d.wait_log(f"file taken anew file={users}")
        assert status_of(d, basic("zoe", "z")) == 101


def test_a_bad_file_leaves_the_old_one_in_use(users, tokens):
    with Daemon(*both(users, tokens)) as d:
        mark = d.mark()
        users.write_text(f"a:{bcrypt('a')}\n\nb:$apr1$x$y\n")
        os.rename(tokens, f"{tokens}.gone")
        d.wait_log(rf"error .*old one stays.*{users}:3: .*htpasswd -B",
                   start=mark)
        d.wait_log(rf"error .*old one stays.*{tokens}: No such file",
                   start=mark)
        assert status_of(d, basic("alice", PASSWORD)) == 101
        assert status_of(d, basic("a", "a")) == 401
        assert status_of(d, bearer(TOKEN)) == 101
        os.rename(f"{tokens}.gone", tokens)
        d.wait_log(f"file taken anew file={tokens}", start=mark)
        # and says so only once
        assert len(d.logged(f"{users}:3:")) == 1


@pytest.mark.parametrize("text, says", [
    ("alice:secret\n", ":1: not a hash of"),
    ("\n# x\nalice:$apr1$abc$def\n", ":3: a hash that only Apache knows"),
    ("alice:{SHA}x\n", ":1: a SHA-1 without a salt"),
    ("alice\n", ":1: not NAME:HASH"),
    (f"a:{bcrypt('a')}\na:{bcrypt('b')}\n", ":2: the name is there already"),
], ids=["plain", "apache", "sha1", "no-hash", "twice"])
def test_bad_password_files_at_the_start(tmp_path, text, says):
    path = tmp_path / "users"
    path.write_text(text)
    done = run(f"--auth-file={path}", "--port=0", "cat")
    assert done.returncode == 1
    assert says in done.stderr.decode() and str(path) in done.stderr.decode()


def test_an_empty_file_lets_nobody_in_and_says_so(tmp_path):
    path = tmp_path / "users"
    path.write_text("# nobody yet\n")
    with Daemon(f"--auth-file={path}") as d:
        d.wait_log("it is empty, so nobody is let in")
        assert status_of(d, basic("a", "b")) == 401


def test_a_missing_file_is_named_with_its_option(tmp_path):
    done = run(f"--auth-file={tmp_path}/none", "--port=0", "cat")
    assert done.returncode == 1
    assert f"--auth-file: {tmp_path}/none: " in done.stderr.decode()


def test_a_file_that_is_too_large(tmp_path):
    path = tmp_path / "users"
    path.write_text("#" * (1024 * 1024 + 1))
    done = run(f"--auth-file={path}", "--port=0", "cat")
    assert done.returncode == 1 and "too large" in done.stderr.decode()
    path.write_text("#" * (1024 * 1024))
    with Daemon(f"--auth-file={path}") as d:
        assert status_of(d, basic("a", "b")) == 401


def test_bad_token_files_at_the_start(tmp_path):
    path = tmp_path / "tokens"
    path.write_text(f"a:{TOKEN}\n")
    done = run(f"--token-file={path}", "--port=0", "cat")
    assert done.returncode == 1 and f"{path}:1:" in done.stderr.decode()
    for missing in f"{path}.not", tmp_path:
        done = run(f"--token-file={missing}", "--port=0", "cat")
        assert done.returncode == 1 and str(missing) in done.stderr.decode()


def test_an_empty_file_lets_nobody_in(tmp_path):
    (tmp_path / "none").write_text("")
    with Daemon(f"--auth-file={tmp_path / 'none'}",
                f"--token-file={tmp_path / 'none'}") as d:
        assert status_of(d, basic("a", "b")) == 401
        assert status_of(d, bearer("x")) == 401


@pytest.mark.parametrize("words, says", [
    (["--realm=x"], "--realm needs"),
    (["--auth-cookie=x"], "--auth-cookie needs --token-file"),
    (["--auth-query=x"], "--auth-query needs --token-file"),
    (["--token-file=x", "--subprotocol=bearer.x"], "the form of a token"),
    (["--auth-file="], "a file is needed"),
    (["--token-file=x", "--auth-cookie=a b"], "not the name of a cookie"),
    (["--token-file=x", "--auth-query=a&b"], "not the name of a parameter"),
    (["--auth-file=x", '--realm=a"b'], "printable ASCII"),
])
def test_options_without_a_meaning(words, says):
    """H21: nothing is accepted that would have no effect."""
    done = run(*words, "--port=0", "cat")
    assert done.returncode == 2 and says in done.stderr.decode()


SECRETS = "--auth-file", "--token-file", "--sslkey"


@pytest.mark.parametrize("mode, what", [
    (0o600, None), (0o640, None), (0o660, None), (0o644, "read"),
    (0o604, "read"), (0o602, "write"), (0o666, "write")])
@pytest.mark.parametrize("option", SECRETS)
def test_fault_A17_files_that_everybody_may_read(option, mode, what, users,
                                                 tokens, tmp_path):
    pair = Authority(tmp_path).issue("server")
    files = dict(zip(SECRETS, (users, tokens, pair.key)))
    for path in files.values():
        os.chmod(path, 0o600)
    os.chmod(files[option], mode)
    with Daemon(*(f"{name}={path}" for name, path in files.items()), "--ssl",
                f"--sslcert={pair.cert}", tls=True) as d:
        said = [line for line in d.lines if "chmod" in line]
        assert len(said) == (what is not None)
        if what is None:
            return
        assert f"everybody may {what} it (chmod o= {files[option]})" in said[0]
        os.utime(files[option])
        d.signal(signal.SIGHUP)
        d.wait_logs("chmod", 2)


def memory_holds(pid, secret):
    """Whether a process has the bytes anywhere in what it may write to."""
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            where, modes = line.split()[:2]
            start, end = (int(x, 16) for x in where.split("-"))
            if "w" not in modes or "[v" in line:
                continue
            mem.seek(start)
            at = b""
            while start < end and (piece := mem.read(min(end - start, 1 << 20))):
                start += len(piece)
                if secret in at + piece:
                    return True
                at = piece[-len(secret):]
    return False


WAYS = {
    "bearer": lambda s: ("/", [("Authorization", f"Bearer {s}")]),
    "cookie": lambda s: ("/", [("Cookie", f"a=b; sid={s}")]),
    "query": lambda s: (f"/?key={s}", []),
    "basic": lambda s: ("/", [basic("alice", s)]),
    "malformed": lambda s: ("/", [("Authorization", f"Bearer {s}"), ("", "x")]),
}


@pytest.mark.skipif(SANITIZED,
                    reason="a sanitizer keeps what was freed, and maps terabytes")
@pytest.mark.parametrize("pieces", ["whole", "two", "bytes", "pipelined"])
@pytest.mark.parametrize("way", WAYS)
def test_fault_A17_no_secret_of_a_client_stays_in_the_engine(way, pieces, tokens):
    secret = "s3cretOfOneClientOnly" + os.urandom(8).hex()
    path, headers = WAYS[way](secret)
    if way == "basic":
        secret = headers[0][1].split()[1]
    head = request_head(path, headers=headers)
    with Daemon(f"--token-file={tokens}", "--auth-cookie=sid", "--auth-query=key",
                "--engines=1") as d:
        engine = d.engines()[0]
        with d.client() as c:
            if pieces == "bytes":
                for i in range(len(head)):
                    c.send(head[i:i + 1])
            elif pieces == "two":
                c.send(head[:-1])
                until(lambda: memory_holds(engine, secret.encode()), "it arrives")
                c.send(head[-1:])
            else:
                c.send(head * (3 if pieces == "pipelined" else 1))
            assert c.response().status in (400, 401)
            until(lambda: not memory_holds(engine, secret.encode()),
                  "it is forgotten")


@pytest.mark.skipif(SANITIZED,
                    reason="a sanitizer keeps what was freed, and maps terabytes")
@pytest.mark.parametrize("tls", [None, True])
@pytest.mark.parametrize("path, headers", [
    ("/", [bearer(TOKEN)]), ("/", [cookie(f"sid={TOKEN}; a=b")]),
    (f"/?key={TOKEN}&a=b", []), ("/", [offer(f"bearer.{TOKEN}, app")])],
    ids=["bearer", "cookie", "query", "offer"])
def test_fault_A17_no_token_stays_that_let_somebody_in(path, headers, tls, tokens,
                                                       tmp_path):
    pair = Authority(tmp_path).issue("server")
    options = ["--ssl", *pair.options()] if tls else []
    with Daemon(f"--token-file={tokens}", "--auth-cookie=sid", "--auth-query=key",
                "--subprotocol=app", "--engines=1", *options, tls=tls) as d:
        with d.session(path, headers=headers) as c:
            c.send_text("x")
            assert c.recv_text() == "x"
            for pid in d.pid, *d.engines():
                until(lambda: not memory_holds(pid, TOKEN.encode()),
                      "it is forgotten")
            c.bye()
