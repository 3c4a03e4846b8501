"""The gate: a program is asked about every request."""

import base64
import ctypes

import pytest

from daemon import Daemon, fields, run
from proc import Mailbox, now, until
from wire import Refused, frame, request_head

ENV = ["env"]


def gate_of(script, text, name="gate"):
    return "--gate=" + script("#!/bin/sh\n" + text, name)


def environment_of(d, *headers, path="/"):
    with d.session(path, headers=headers) as c:
        env = c.variables()
        c.finish(1000)
    return env


def answer_of(d, *headers, path="/", upgrade=True, method="GET"):
    with d.client() as c:
        if upgrade:
            return c.handshake(path, headers=headers)
        c.send(request_head(path, method, headers=headers,
                            drop=("Upgrade", "Connection")))
        return c.response(body=method != "HEAD")


# ---------------------------------------------------------- it lets in


def test_what_it_prints_joins_the_environment(script):
    gate = gate_of(script, """
echo REMOTE_USER=ada lovelace
echo GATE_TEAM=a=b
printf 'GATE_CRLF=x\\r\\n'
printf 'GATE_EMPTY=\\n\\n'
printf 'GATE_LAST=y'
""")
    with Daemon(gate, command=ENV) as d:
        env = environment_of(d)
        assert env["REMOTE_USER"] == "ada lovelace"
        assert env["AUTH_TYPE"] == "Gate"
        assert env["GATE_TEAM"] == "a=b"
        assert env["GATE_CRLF"] == "x"
        assert env["GATE_EMPTY"] == "" and env["GATE_LAST"] == "y"
    assert not d.logged("dropped")


def test_what_it_may_not_set_is_dropped(script):
    gate = gate_of(script, """
echo FOO=s3cret
echo PATH=/evil
echo LD_PRELOAD=/evil
echo no assignment
echo =x
echo GATE_A=1
echo GATE_A=2
printf 'GATE_TAB=a\\tb\\n'
printf 'GATE_LONG=%05000d\\n' 1
echo AUTH_TYPE=Magic
echo gate_b=1
""")
    with Daemon(gate, command=ENV) as d:
        env = environment_of(d)
        assert env["GATE_A"] == "1"
        assert "/evil" not in env.values()
        assert not {"FOO", "LD_PRELOAD", "GATE_TAB", "GATE_LONG", "AUTH_TYPE",
                    "gate_b"} & set(env)
        d.wait_logs("line of the gate dropped.*reason=", 10)
    assert not d.logged("s3cret")


def test_gate_vars(script):
    gate = gate_of(script, """
echo TEAM_A=1
echo LIMIT=2
echo REMOTE_USER=x
echo GATE_A=3
echo HTTP_X_TEAM=red
echo PATH_INFO=/elsewhere
""")
    with Daemon(gate, "--gate-vars=TEAM_*,LIMIT", "--gate-vars=PATH_*",
                command=ENV) as d:
        env = environment_of(d)
        assert env["TEAM_A"] == "1" and env["LIMIT"] == "2"
        assert "REMOTE_USER" not in env and "GATE_A" not in env
        # what the client says cannot pass for what the gate says
        assert env["PATH_INFO"] == "/" and "HTTP_X_TEAM" not in env
        d.wait_log("name=PATH_INFO .*request's own")


def test_many_lines(script):
    gate = gate_of(script, "i=0; while [ $i -lt 100 ]; do echo GATE_$i=$i;"
                           " i=$((i + 1)); done")
    with Daemon(gate, command=ENV) as d:
        env = environment_of(d)
        assert len([name for name in env if name.startswith("GATE_")]) == 64
        d.wait_log("there are too many")


def test_what_it_gets(script, tmp_path):
    gate = gate_of(script, f"cat >{tmp_path}/in; env >{tmp_path}/env;"
                           f" echo \"$@\" >{tmp_path}/args") + " a 'b  c' $x"
    with Daemon(gate, "--setenv=COLOUR=red", command=ENV) as d:
        env = environment_of(d, ("Authorization", "Bearer x"),
                             ("X-Foo", "bar"), path="/a%20b?c=d")
        seen = dict(line.split("=", 1) for line in
                    (tmp_path / "env").read_text().splitlines())
        assert (tmp_path / "in").read_bytes() == b""
        assert (tmp_path / "args").read_text() == "a b  c $x\n"
        for name, value in {
                "REQUEST_METHOD": "GET", "PATH_INFO": "/a b",
                "QUERY_STRING": "c=d", "REQUEST_URI": "/a%20b?c=d",
                "REMOTE_ADDR": "127.0.0.1", "HTTP_X_FOO": "bar",
                "HTTP_AUTHORIZATION": "Bearer x", "COLOUR": "red",
                "GATEWAY_INTERFACE": "CGI/1.1"}.items():
            assert seen[name] == value, name
        assert "REMOTE_USER" not in seen
        # nobody but the client has said that it is valid
        assert env["HTTP_AUTHORIZATION"] == "Bearer x"


def test_credentials_that_it_has_checked_go_no_further(script):
    gate = gate_of(script, 'echo REMOTE_USER="${HTTP_AUTHORIZATION#* }"')
    with Daemon(gate, command=ENV) as d:
        env = environment_of(d, ("Authorization", "Bearer ada"))
        assert env["REMOTE_USER"] == "ada"
        assert "HTTP_AUTHORIZATION" not in env


# ---------------------------------------------------------- it does not


@pytest.mark.parametrize("text, status, fields, body", [
    ("exit 1", 403, {}, "The gate does not let you in.\n"),
    ("exit 255", 403, {}, "The gate does not let you in.\n"),
    ("printf 'Status: 401 No\\nWWW-Authenticate: Basic realm=\"x\"\\n\\nwho?';"
     " exit 1", 401, {"WWW-Authenticate": 'Basic realm="x"'}, "who?"),
    ("printf 'Status: 429\\r\\nRetry-After: 7\\r\\n\\r\\n'; exit 1",
     429, {"Retry-After": "7"}, ""),
    ("echo Status: 404; exit 1", 404, {}, ""),
    ("printf 'Status: 404'; exit 1", 404, {}, ""),
    ("printf 'Location: https://login.example/\\n\\n'; exit 1",
     302, {"Location": "https://login.example/"}, ""),
    ("printf 'Content-Type: text/html\\n\\n<p>no'; exit 1",
     403, {"Content-Type": "text/html"}, "<p>no"),
    ("printf 'Status: 200\\nContent-Type: text/html\\n\\n<p>no'; exit 1",
     403, {"Content-Type": "text/html"}, "<p>no"),
    ("printf 'Status: 304\\n\\n'; exit 1", 403, {}, ""),
    ("printf 'Status: 401\\nConnection: upgrade\\nContent-Length: 99\\n"
     "Transfer-Encoding: x\\nSec-WebSocket-Accept: x\\n\\nno'; exit 1",
     401, {"Sec-WebSocket-Accept": None}, "no"),
    ("echo go away; exit 1", 403, {}, "The gate does not let you in.\n"),
    ("printf 'Status: 99\\n\\n'; exit 1",
     403, {}, "The gate does not let you in.\n"),
    ("printf 'X: a\\001b\\n\\n'; exit 1",
     403, {}, "The gate does not let you in.\n"),
])
def test_refusals(script, text, status, fields, body):
    with Daemon(gate_of(script, text), "--console") as d:
        for upgrade in True, False:
            answer = answer_of(d, upgrade=upgrade)
            assert answer.status == status
            assert answer.body.decode() == body
            for name, value in fields.items():
                assert answer.get(name) == value
        head = answer_of(d, upgrade=False, method="HEAD")
        assert head.status == status
        d.wait_logs(f"refused.*status={status} rule=gate option=--gate", 3)


def test_H22_every_kind_of_request_is_asked(script, tmp_path):
    gate = gate_of(script, '[ "$HTTP_X_KEY" = open ]')
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("secret")
    with Daemon(gate, f"--staticdir={tmp_path / 'files'}") as d:
        for method in "GET", "HEAD", "POST", "OPTIONS":
            for path in "/", "/a.txt", "/none":
                answer = answer_of(d, path=path, upgrade=False, method=method)
                assert answer.status == 403, (method, path)
        assert answer_of(d).status == 403
        key = ("X-Key", "open")
        assert answer_of(d, key, path="/a.txt", upgrade=False).body == b"secret"
        assert answer_of(d, key).status == 101


def test_H24_nothing_happens_before_it_has_said_yes(script):
    with Daemon(gate_of(script, "sleep 0.2; exit 1"),
                command=["tee", "/dev/stderr"]) as d:
        with d.client() as c:
            assert c.handshake(behind=frame("secret") * 100).status == 403
            assert c.ending() in ("eof", "reset")
    assert not d.logged("secret")


# ---------------------------------------------------------- it fails


def fails_with_503(d, rule):
    answer = answer_of(d)
    assert answer.status == 503 and answer.get("Retry-After")
    d.wait_log(f"refused.*status=503 rule={rule}")
    d.no_commands()


def test_a_gate_that_takes_too_long(script):
    gate = gate_of(script, "trap '' TERM; echo GATE_A=1; sleep 60")
    with Daemon(gate, "--gate-timeout=300ms", "--kill=EOF:50ms,TERM:50ms,KILL",
                command=ENV) as d:
        start = now()
        fails_with_503(d, '"gate\'s time" option=--gate-timeout')
        assert now() - start > 0.29


def test_a_gate_whose_output_stays_open(script):
    gate = gate_of(script, "sleep 60 & exit 0")
    with Daemon(gate, "--gate-timeout=300ms", "--kill=EOF:50ms,TERM:50ms,KILL",
                "--linger=50ms", command=ENV) as d:
        fails_with_503(d, '"gate\'s time"')


def test_a_gate_that_dies(script):
    with Daemon(gate_of(script, "echo GATE_A=1; kill -9 $$"),
                command=ENV) as d:
        fails_with_503(d, '"gate killed"')


def test_a_gate_that_prints_too_much(script):
    with Daemon(gate_of(script, "yes GATE_A=1 | head -c 100000"),
                command=ENV) as d:
        fails_with_503(d, '"gate\'s output"')


def test_fault_T3_a_gate_that_has_gone(script, tmp_path):
    with Daemon(gate_of(script, "exit 0"), command=ENV) as d:
        environment_of(d)
        (tmp_path / "gate").unlink()
        fails_with_503(d, "gate")
        line = fields(d.wait_log("cannot start the gate").string)
        assert line["path"] == "/" and line["peer"].startswith("127.0.0.1:")
        assert line["error"] == "No such file or directory"


def test_gates_count_as_programs(script):
    with Mailboxes(script) as box:
        with Daemon(box.gate, "--maxforks=2") as d:
            waiting = [d.client() for _ in range(2)]
            for c in waiting:
                c.send(request_head())
            for _ in waiting:
                assert box.asked.line() == "asked"
            assert answer_of(d).status == 503
            for c in waiting:
                box.go.put("go")
            for c in waiting:
                assert c.response().status == 101
                c.close()


class Mailboxes:
    """A gate that says when it is asked and waits to be told to go on."""

    def __init__(self, script):
        self.script = script

    def __enter__(self):
        folder = self.script("", "here").rsplit("/", 1)[0]
        self.asked = Mailbox(folder, "asked")
        self.go = Mailbox(folder, "go")
        self.gate = gate_of(self.script, f"""
trap 'echo term >{self.asked.path}; exit 1' TERM
echo asked >{self.asked.path}
read line <{self.go.path}
""")
        return self

    def __exit__(self, *args):
        self.asked.__exit__(*args)
        self.go.__exit__(*args)


def test_gates_run_side_by_side(script):
    with Mailboxes(script) as box:
        with Daemon(box.gate, "--engines=1") as d:
            waiting = [d.client() for _ in range(20)]
            for c in waiting:
                c.send(request_head())
            for _ in waiting:
                assert box.asked.line() == "asked"
            assert len(d.commands()) == 20
            for c in waiting:
                box.go.put("go")
            for c in waiting:
                assert c.response().status == 101
                c.close()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_the_client_leaves_while_it_is_asked(script, leave):
    with Mailboxes(script) as box:
        with Daemon(box.gate, "--kill=TERM:5s,KILL") as d:
            c = d.client()
            c.send(request_head())
            assert box.asked.line() == "asked"
            getattr(c, leave)()
            assert box.asked.line() == "term"
            d.no_commands()


def test_stopping_while_it_is_asked(script):
    with Mailboxes(script) as box:
        with Daemon(box.gate, "--kill=TERM:5s,KILL",
                    "--close-timeout=200ms") as d:
            with d.client() as c:
                c.send(request_head())
                assert box.asked.line() == "asked"
                d.stop()
                assert box.asked.line() == "term"


def test_pipelined_requests_are_asked_one_by_one(script):
    gate = gate_of(script, 'sleep 0.1; [ "$PATH_INFO" != /no ]')
    with Daemon(gate, "--console") as d:
        with d.client() as c:
            for path in "/", "/no", "/":
                c.send(request_head(path, drop=("Upgrade", "Connection")))
            assert [c.response().status for _ in range(3)] == [200, 403, 200]


# ---------------------------------------------------------- with passwords


@pytest.fixture
def users(tmp_path):
    libcrypt = ctypes.CDLL("libcrypt.so.1")
    libcrypt.crypt.restype = ctypes.c_char_p
    path = tmp_path / "users"
    path.write_text("ada:" + libcrypt.crypt(b"x", b"$5$salt").decode() + "\n")
    return path


def basic(pair):
    return ("Authorization", "Basic " + base64.b64encode(pair).decode())


def test_after_passwords(script, users, tmp_path):
    log = tmp_path / "asked"
    gate = gate_of(script, f'echo "$REMOTE_USER" >>{log};'
                           f' env | grep -c AUTHORIZATION >>{log};'
                           f' echo GATE_ROLE=admin; echo "$HTTP_X_OUT"')
    with Daemon(gate, f"--auth-file={users}", command=ENV) as d:
        assert answer_of(d).status == 401
        assert answer_of(d, basic(b"ada:y")).status == 401
        assert not log.exists()
        env = environment_of(d, basic(b"ada:x"))
        assert log.read_text() == "ada\n0\n"
        assert env["REMOTE_USER"] == "ada" and env["AUTH_TYPE"] == "Basic"
        assert env["GATE_ROLE"] == "admin"
        env = environment_of(d, basic(b"ada:x"),
                             ("X-Out", "REMOTE_USER=root"))
        assert env["REMOTE_USER"] == "root" and env["AUTH_TYPE"] == "Basic"


# ---------------------------------------------------------- --refuse=close


def farewell(d, *headers, path="/", behind=b""):
    """(code, reason, subprotocol) of an upgrade that is refused by a Close."""
    with d.client() as c:
        answer = c.handshake(path, headers=headers, behind=behind)
        if answer.status != 101:
            raise Refused(answer)
        code, reason = c.recv_close()
        c.send_close(code)
        assert c.ending() == "eof"
        assert c.rest == b""
        return code, reason, answer.get("Sec-WebSocket-Protocol")


def test_refused_by_a_close(script, users):
    with Daemon("--refuse=close", f"--auth-file={users}",
                "--subprotocol=app") as d:
        code, reason, protocol = farewell(
            d, ("Sec-WebSocket-Protocol", "x, app"))
        assert (code, reason) == (4401, "Say who you are.")
        assert protocol == "app"
        assert farewell(d, basic(b"ada:y"))[0] == 4401
        assert farewell(d, ("Origin", "http://evil.example"))[0] == 4403
        d.wait_logs("refused.*status=40[13] rule=", 3)
        # what is malformed has its status, and so has what is no upgrade
        assert answer_of(d, ("Authorization", "Basic ?")).status == 400
        assert answer_of(d, upgrade=False).status == 401
        assert answer_of(d, basic(b"ada:x")).status == 101


def test_the_gate_refuses_by_a_close(script):
    gate = gate_of(script, 'echo "Status: ${PATH_INFO#/}"; echo; exit 1')
    with Daemon(gate, "--refuse=close") as d:
        for status in 401, 403, 429:
            assert farewell(d, path=f"/{status}")[0] == 4000 + status
            assert answer_of(d, path=f"/{status}",
                             upgrade=False).status == status
        assert answer_of(d, path="/404").status == 404


def test_what_follows_a_farewell_is_not_read(script):
    with Daemon(gate_of(script, "exit 1"), "--refuse=close",
                command=["tee", "/dev/stderr"]) as d:
        with d.client() as c:
            assert c.handshake(behind=frame("secret") * 50).status == 101
            assert c.recv_close()[0] == 4403
            c.send(frame("secret") * 50)
            assert c.ending() == "eof" and c.rest == b""
            before = d.descriptor_counts()
            # one that never answers is not waited for
            until(lambda: sum(d.descriptor_counts().values()) <
                  sum(before.values()), "the connection is closed")
    assert not d.logged("secret")


@pytest.mark.parametrize("words, says", [
    (["--gate-timeout=1s"], "--gate-timeout needs"),
    (["--gate-vars=X"], "--gate-vars needs"),
    (["--gate=true", "--gate-timeout=0"], "at least 1ms"),
    (["--gate='"], "check its quotes"),
    (["--refuse=never"], "not one of status, close"),
])
def test_options_without_a_meaning(words, says):
    done = run(*words, "--port=0", "cat")
    assert done.returncode == 2 and says in done.stderr.decode()


@pytest.mark.parametrize("names", ["PATH_INFO", "X,HTTP_X", "HTTP_*",
                                   "AUTH_TYPE", "SERVER_NAME"])
def test_variables_that_no_gate_can_set(names):
    done = run("--gate=true", f"--gate-vars={names}", "--port=0", "cat")
    assert done.returncode == 1
    assert "the request's own" in done.stderr.decode()


def test_a_gate_that_is_not_there():
    done = run("--gate=/none/such", "--port=0", "cat")
    assert done.returncode == 1 and "--gate: /none/such" in done.stderr.decode()
