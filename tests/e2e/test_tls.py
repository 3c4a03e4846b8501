"""TLS: openssl(1) and Python's ssl on the other side. S9, S11, S12, H27."""

import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess

import pytest

import inject
from certificates import Authority, openssl, serial
from daemon import Daemon, fields, run
from proc import PATIENCE, descriptors, handler, pause, stat, until
from test_engines import lying_engine
from test_limits import ABOVE, FAST, MEMORY
from wire import BINARY, frame, tls_context

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
ASK = (b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
OLD = "ALL:@SECLEVEL=0"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(ca):
    return ca.issue("server")


def daemon(pair, *args, **kw):
    kw.setdefault("tls", True)
    return Daemon("--ssl", *pair.options(), *args, **kw)


def s_client(d, *args, data=ASK, timeout=PATIENCE):
    """openssl s_client until the server ends; its words, and whether it got in."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}", "-ign_eof",
         *map(str, args)], input=data, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=timeout)
    text = done.stdout.decode("utf-8", "replace")
    return text, "HTTP/1.1 " in text


def shown(client):
    """The serial number of the certificate that the server showed."""
    der = client.sock.getpeercert(binary_form=True)
    return serial("-inform", "DER", data=der)


def echo(client, text="x"):
    client.send_text(text)
    assert client.recv_text() == text


# ------------------------------------------------------------- sessions


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_session(server, ca, version):
    context = tls_context(ca=ca.cert, version=version)
    with daemon(server, tls=context) as d:
        assert d.urls[0].startswith("https://")
        with d.client(name="localhost") as c:
            assert c.handshake().status == 101
            assert c.sock.version() == version.name.replace("_", ".")
            echo(c)
            assert c.bye()[1] == 1000
        assert d.session_end()["out_messages"] == "1"


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_megabytes_both_ways(server, version):
    data = os.urandom(1 << 20) * 6
    with daemon(server, "--binary", tls=tls_context(version=version)) as d:
        with d.session() as c:
            c.send_binary(data)
            got = bytearray()
            while len(got) < len(data):
                got += c.recv_binary()
            assert got == data
            c.bye()


def test_ends_with_a_word(server):
    """The last bytes, then close_notify, then the end of the connection."""
    with daemon(server, command=("echo", "last")) as d:
        with d.session() as c:
            texts, code, _ = c.texts()
            assert (texts, code) == (["last"], 1000)
            c.send_close(1000)
            assert c.ending() == "eof"


def test_a_cut_connection_is_a_hang_up(server, mailbox):
    with daemon(server, command=(handler("tell-end"), mailbox.path)) as d:
        with d.session() as c:
            c.send_text("x")
            os.close(c.sock.detach())
        assert mailbox.line()
        d.session_end()


def test_S9_nothing_stays_inside_the_tls_layer(server, tmp_path):
    """Records wait while a slow command does; nobody sends any more bytes."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    count = 3000
    with daemon(server, command=("sh", "-c", f"read x <{gate}; cat")) as d:
        with d.session() as c:
            # far more than pipe and high-water marks hold, in small records
            for i in range(count):
                c.send_text(f"{i:05}" + "x" * 995)
            gate.write_text("go\n")
            for i in range(count):
                assert c.recv_text() == f"{i:05}" + "x" * 995
            c.bye()


def test_S9_a_slow_reader_gets_everything(server):
    size = 8 << 20
    with daemon(server, "--binary",
                command=("head", "-c", str(size), "/dev/zero")) as d:
        with d.client(receive_buffer=4096) as c:
            assert c.handshake().status == 101
            pause(0.3)
            data, code, _ = c.stream()
            assert (len(data), code) == (size, 1000)
            c.send_close(1000)
            c.ending()


def test_new_keys_in_the_middle(server):
    """A client may change the keys, and have us change ours (TLS 1.3)."""
    with daemon(server) as d:
        with subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}",
                 "-tls1_3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as p:
            for _ in range(3):
                p.stdin.write(b"K\n")
                p.stdin.flush()
                while (line := p.stdout.readline()) != b"KEYUPDATE\n":
                    assert line, "the connection ended"
            p.stdin.write(ASK)
            p.stdin.flush()
            text = p.stdout.read().decode()
            p.stdin.close()
        assert "HTTP/1.1 " in text


# --------------------------------------------------- versions, protocols


def test_versions(server):
    with daemon(server) as d:
        assert s_client(d, "-tls1_2")[1]
        assert s_client(d, "-tls1_3")[1]
        text, got_in = s_client(d, "-tls1_1", "-cipher", OLD)
        assert not got_in and "alert protocol version" in text
        d.wait_log(r'TLS failed .*reason="?unsupported protocol')
    with daemon(server, "--tls-min=1.3") as d:
        text, got_in = s_client(d, "-tls1_2")
        assert not got_in and "alert protocol version" in text
        assert s_client(d, "-tls1_3")[1]


def test_ciphers(server):
    ours = ("--tls-ciphers=TLS_AES_128_GCM_SHA256:"
            "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305")
    with daemon(server, ours) as d:
        assert "Cipher is TLS_AES_128_GCM_SHA256" in s_client(d)[0]
        text, got_in = s_client(d, "-tls1_2")
        assert got_in and "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305" in text
        assert not s_client(d, "-tls1_2", "-cipher", "ECDHE+AESGCM")[1]
    with daemon(server) as d:
        # without forward secrecy or with CBC, not by default
        assert not s_client(d, "-tls1_2", "-cipher", "AES128-SHA:AES256-SHA"
                            ":ECDHE-ECDSA-AES128-SHA256:@SECLEVEL=0")[1]
    done = run("--ssl", *server.options(), "--port=0", "--tls-ciphers=NONE",
               "cat")
    assert done.returncode == 1
    assert b"--tls-ciphers names no cipher" in done.stderr


def test_S11_renegotiation_is_refused(server):
    with daemon(server) as d:
        with subprocess.Popen(
                ["openssl", "s_client", "-connect", f"127.0.0.1:{d.port}",
                 "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as p:
            p.stdin.write(b"R\n")
            p.stdin.flush()
            text = p.stdout.read().decode()
            p.stdin.close()
        assert "RENEGOTIATING" in text
        assert "no renegotiation" in text
        with d.session() as c:  # everybody else goes on
            echo(c)
            c.bye()


def test_H27_http11_is_the_only_protocol(server):
    with daemon(server) as d:
        text, got_in = s_client(d, "-alpn", "h2,http/1.1")
        assert got_in and "ALPN protocol: http/1.1" in text
        text, got_in = s_client(d, "-alpn", "h2")
        assert not got_in
        assert "alert no application protocol" in text
        assert s_client(d)[1]  # nobody has to say


TO_TLS = "plain text on a TLS port", "This port speaks TLS: use https:// or wss://."
TO_PLAIN = ("TLS on a plain port",
            "This port does not speak TLS: use http:// or ws://.")
PROXY = "unexpected proxy header", "This port expects no header of a proxy."
PROXY_V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"
PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
# random bytes of a ClientHello may hold line feeds, or none
HELLO = bytes.fromhex("160301002a01000026") + b"\x03\x03"
SSL2_HELLO = bytes.fromhex("802e01000200150000001001008002") + 33 * b"\1"


@pytest.mark.parametrize("first, told", [
    (ASK, TO_TLS), (b"G", TO_TLS), (b"get / http/1.0\n\n", TO_TLS),
    (b"\r\n" + ASK, TO_TLS), (b"POST / HTTP/1.1\r\n", TO_TLS),
    (b"POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n" + 200000 * b"x",
     TO_TLS),
    (b"CONNECT a:1 HTTP/1.1\r\n\r\n", TO_TLS),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", TO_TLS),
    (b"garbage", TO_TLS), (b"SSH-2.0-OpenSSH\r\n", TO_TLS),
    (PROXY_V1 + HELLO, PROXY), (PROXY_V2 + HELLO, PROXY)],
    ids=lambda v: repr(v[:20]))
def test_fault_W4_plain_text_on_the_tls_port(server, first, told):
    with daemon(server) as d:
        with d.client(tls=None) as c:
            c.send(first)
            answer = c.response()
            assert (answer.status, answer.body.decode()) == (400, told[1] + "\n")
            assert answer.get("Content-Type").startswith("text/plain")
            c.shut()
            assert c.ending() in ("eof", "reset")
        line = fields(d.wait_log("refused").string)
        assert line["rule"] == told[0]
        assert line["option"] in ("--ssl=auto", "--listen=proxy:")
        with d.session() as c:
            echo(c)
            c.bye()


@pytest.mark.parametrize("first", [b"\0\0\0\0\0\0", b"\x7fELF\2\1", SSL2_HELLO,
                                   HELLO[:1] + b"\x09" + HELLO[2:]],
                         ids=repr)
def test_fault_W4_what_is_no_text_on_the_tls_port(server, first):
    with daemon(server) as d:
        with d.client(tls=None) as c:
            c.send(first)
            assert c.ending() in ("eof", "reset")
            assert not c.rest.startswith(b"HTTP")
        d.wait_log("TLS failed")


@pytest.mark.parametrize("first, told", [
    (HELLO, TO_PLAIN), (HELLO[:1], TO_PLAIN), (HELLO + b"\n\n", TO_PLAIN),
    (b"\x16\3\3" + HELLO[3:], TO_PLAIN), (SSL2_HELLO, TO_PLAIN),
    (PROXY_V1 + ASK, PROXY), (PROXY_V2 + ASK, PROXY)],
    ids=lambda v: repr(v[:20]))
def test_fault_W4_tls_on_the_plain_port(first, told):
    with Daemon() as d:
        with d.client() as c:
            c.send(first)
            answer = c.response()
            assert (answer.status, answer.body.decode()) == (400, told[1] + "\n")
        line = fields(d.wait_log("refused").string)
        assert line["rule"] == told[0]
        assert line["option"] in ("--ssl", "--listen=proxy:")


def test_fault_W4_one_port_for_both_takes_ssl2_for_tls(server):
    with Daemon("--ssl=auto", *server.options()) as d:
        with d.client() as c:
            c.send(SSL2_HELLO)
            assert c.ending() in ("eof", "reset")
        d.wait_log("TLS failed")


def test_a_slow_handshake_ends_in_time(server):
    with daemon(server, "--handshake-timeout=300ms") as d:
        with d.client(tls=None) as c:
            c.send(bytes([22, 3, 1]))
            assert c.ending(5) in ("eof", "reset")


def test_an_early_refusal_waits_for_the_handshake(server):
    with daemon(server, "--max-connections=1", "--engines=1") as d:
        with d.client():
            text, _ = s_client(d)
            assert "HTTP/1.1 503" in text


def test_in_the_sandbox(server, ca):
    with daemon(server, "--sandbox=calls", f"--sslca={ca.cert}",
                "--ssl-verify=optional") as d:
        with d.session() as c:
            echo(c)
            d.signal(signal.SIGHUP)
            d.wait_log("have not changed")
            server_again = s_client(d)[1]
            assert server_again
            c.bye()


# ---------------------------------------------------------- server names


def test_certificates_by_name(ca):
    pairs = {name: ca.issue(name, *names) for name, *names in [
        ("first", "first.example"),
        ("second", "second.example", "other.example"),
        ("wild", "*.wild.example"),
        ("exact", "www.wild.example")]}
    options = [o for pair in pairs.values() for o in pair.options()]
    with Daemon("--ssl", *options, tls=True) as d:
        for name, want in [(None, "first"), ("unknown.example", "first"),
                           ("second.example", "second"),
                           ("other.example", "second"),
                           ("a.wild.example", "wild"),
                           ("www.wild.example", "exact"),
                           ("a.b.wild.example", "first")]:
            with d.client(name=name) as c:
                assert shown(c) == pairs[want].serial(), name
        with d.client(tls=tls_context(ca=ca.cert), name="www.wild.example"):
            pass


# ------------------------------------------------------------------ OCSP


def test_stapling(ca, server):
    other = ca.issue("other", "other.example")
    with daemon(server, *other.options(), f"--sslocsp={ca.staple(other)}",
                f"--sslocsp={ca.staple(server)}") as d:
        for name, pair in ("localhost", server), ("other.example", other):
            text, _ = s_client(d, "-status", "-servername", name)
            assert "OCSP Response Status: successful" in text
            assert f"Serial Number: {pair.serial()}" in text
        assert "OCSP" not in s_client(d)[0]


def test_stale_and_strange_staples(ca, server, tmp_path):
    pair = ca.issue("stale")
    endless = ca.staple(pair, minutes=None)  # so there is something newer
    with daemon(pair, f"--sslocsp={endless}") as d:
        d.wait_log(r'certificates option=sslocsp .*has expired')
        assert "no response sent" in s_client(d, "-status")[0]
    done = run("--ssl", *server.options(), "--port=0", f"--sslocsp={endless}",
               "cat")
    assert done.returncode == 1
    assert b"speaks of none of the certificates" in done.stderr


# --------------------------------------------------- clients' certificates


@pytest.fixture(scope="module")
def clients(ca, tmp_path_factory):
    stranger = Authority(tmp_path_factory.mktemp("stranger"), "stranger")
    return {
        "none": None,
        "good": ca.issue("good", subject="/O=Us/CN=A, B"),
        "expired": ca.issue("expired", days=-1),
        "stranger": stranger.issue("unknown"),
    }


@pytest.mark.parametrize("version", [TLS12, TLS13])
@pytest.mark.parametrize("who, let_in, word", [
    ("good", True, None),
    ("none", False, "peer did not return a certificate"),
    ("expired", False, "certificate has expired"),
    ("stranger", False, "unable to get local issuer certificate")])
def test_clients_need_a_certificate(ca, server, clients, who, let_in, word,
                                    version):
    pair = clients[who]
    args = ["-tls1_2" if version == TLS12 else "-tls1_3"]
    if pair is not None:
        args += ["-cert", pair.cert, "-key", pair.key]
    said = ["--ssl-verify=required"] if version == TLS12 else []
    with daemon(server, f"--sslca={ca.cert}", *said) as d:
        text, got_in = s_client(d, *args)
        assert got_in == let_in, text
        assert "/CN=ca" in text or "CN = ca" in text  # it is told whose
        if word is not None:
            assert word in d.wait_log("TLS failed").string


@pytest.mark.parametrize("who, verify", [
    ("good", "SUCCESS"), ("none", "NONE"),
    ("expired", "FAILED:certificate has expired"),
    ("stranger", "FAILED:unable to get local issuer certificate")])
def test_what_a_program_is_told_of_a_client(ca, server, clients, who, verify):
    pair = clients[who]
    context = tls_context(pair=pair and (pair.cert, pair.key))
    with daemon(server, f"--sslca={ca.cert}", "--ssl-verify=optional",
                tls=context, command=("env",)) as d:
        with d.session() as c:
            got = c.variables()
        assert got["HTTPS"] == "on"
        assert got["SSL_PROTOCOL"] == "TLSv1.3"
        assert got["SSL_CIPHER"].startswith("TLS_")
        assert got["SSL_CLIENT_VERIFY"] == verify
        about = {name: got.get(f"SSL_CLIENT_{name}") for name in
                 ("S_DN", "I_DN", "M_SERIAL", "FINGERPRINT")}
        if who != "none":
            der = openssl("x509", "-in", pair.cert, "-outform", "DER")
            want = openssl("dgst", "-sha256", "-r", data=der)[:64].decode()
            assert about.pop("FINGERPRINT") == want
        if who == "good":
            assert about == {"S_DN": r"CN=A\, B,O=Us", "I_DN": "CN=ca",
                             "M_SERIAL": pair.serial()}
        else:  # anybody can write anything there
            assert set(about.values()) == {None}


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """root > middle > leaf, and a stranger's."""
    folder = tmp_path_factory.mktemp("family")
    root = Authority(folder, "root")
    middle = Authority(folder, "middle", above=root)
    leaf = middle.issue("leaf")
    whole = Authority(folder, "other").issue("whole")
    whole.cert.write_bytes(leaf.cert.read_bytes() + middle.cert.read_bytes())
    whole.key.write_bytes(leaf.key.read_bytes())
    return {"root": root, "middle": middle, "leaf": leaf, "whole": whole,
            "stranger": Authority(folder, "strange").issue("stranger")}


@pytest.mark.parametrize("trusted", ["root", "middle", "leaf"])
@pytest.mark.parametrize("shown_by, served", [
    ("leaf", {"middle", "leaf"}), ("whole", {"root", "middle", "leaf"}),
    ("stranger", set())])
def test_fault_F7_whatever_is_in_the_file_is_trusted(
        server, family, trusted, shown_by, served):
    pair = family[shown_by]
    context = tls_context(pair=(pair.cert, pair.key), version=TLS12)
    with daemon(server, f"--sslca={family[trusted].cert}", tls=context) as d:
        if trusted in served:
            with d.session() as c:
                echo(c)
                c.bye()
        else:
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                d.client().close()


def test_fault_A16_a_long_chain_of_a_client_is_refused(ca, server, clients,
                                                       tmp_path):
    """A connection would keep all of it."""
    good = clients["good"]
    chain = tmp_path / "chain.pem"
    for copies, welcome in (20, True), (90, False):
        chain.write_bytes(good.cert.read_bytes() +
                          copies * ca.cert.read_bytes())
        context = tls_context(pair=(chain, good.key), version=TLS12)
        with daemon(server, f"--sslca={ca.cert}", tls=context) as d:
            if welcome:
                with d.session() as c:
                    echo(c)
                    c.bye()
            else:
                with pytest.raises((ssl.SSLError, ConnectionResetError,
                                    BrokenPipeError)):
                    d.client().close()


def test_variables_without_client_certificates(server):
    headers = {"SSL-Client-Verify": "SUCCESS", "SSL_CLIENT_VERIFY": "SUCCESS"}
    with daemon(server, command=("env",)) as d:
        with d.session(headers=headers) as c:
            got = c.variables()
    assert got["HTTPS"] == "on"
    assert not [name for name in got if name.startswith("SSL_CLIENT")]


def test_a_resumed_client_is_still_known(ca, server, clients):
    pair = clients["good"]
    for version in TLS12, TLS13:
        context = tls_context(pair=(pair.cert, pair.key), version=version)
        with daemon(server, f"--sslca={ca.cert}", tls=context,
                    command=("env",)) as d:
            session = None
            for reused in False, True:
                with d.client(session=session) as c:
                    assert c.handshake().status == 101
                    assert c.sock.session_reused == reused
                    got = c.variables()
                    session = c.sock.session
                assert got["SSL_CLIENT_VERIFY"] == "SUCCESS"
                assert got["SSL_CLIENT_S_DN"] == r"CN=A\, B,O=Us"


def test_a_session_of_before_does_not_get_round_the_authorities(
        ca, server, clients, tmp_path):
    """Sessions made under one --sslca are worth nothing under another."""
    other = Authority(tmp_path, "other")
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(ca.cert.read_bytes())
    pair = clients["good"]
    context = tls_context(pair=(pair.cert, pair.key), version=TLS12)
    with daemon(server, f"--sslca={bundle}", tls=context) as d:
        with d.session() as c:
            echo(c)
            session = c.sock.session
        bundle.write_bytes(other.cert.read_bytes())
        d.signal(signal.SIGHUP)
        d.wait_log("certificates replaced")
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            d.client(session=session).close()


# ----------------------------------------------------------- resumption


class Only:
    """Within the block only one of the engines works."""

    def __init__(self, d, index):
        self.others = [pid for i, pid in enumerate(d.engines()) if i != index]

    def __enter__(self):
        for pid in self.others:
            os.kill(pid, signal.SIGSTOP)
            until(lambda: stat(pid)[2] == "T", "stopped")

    def __exit__(self, *_):
        for pid in self.others:
            os.kill(pid, signal.SIGCONT)


def visit(d, context, session=None):
    """A short session; (whether it was resumed, what could be next)."""
    with d.client(tls=context, session=session) as c:
        c.handshake()
        echo(c)
        reused = c.sock.session_reused
        after = c.sock.session
        c.bye()
    return reused, after


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_resumption_across_engines(server, version):
    context = tls_context(version=version)
    with daemon(server, "--engines=4") as d:
        _, session = visit(d, context)
        for index in range(4):
            with Only(d, index):
                reused, _ = visit(d, context, session)
                assert reused, f"by engine {index}"


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_fault_G7_a_chain_of_resumptions_does_not_end(server, version):
    context = tls_context(version=version)
    with daemon(server, "--engines=1") as d:
        _, session = visit(d, context)
        for i in range(5):
            reused, after = visit(d, context, session)
            assert reused, i
            if version == TLS13:  # each of them for one connection
                assert after.id != session.id
            session = after


def test_resumption_by_openssl(server, tmp_path):
    kept = tmp_path / "session"
    with daemon(server, "--engines=4") as d:
        for version in "-tls1_2", "-tls1_3":
            text, _ = s_client(d, version, "-sess_out", kept)
            assert "\nNew, TLS" in text
            for _ in range(4):
                text, got_in = s_client(d, version, "-sess_in", kept)
                assert got_in and "\nReused, TLS" in text


def test_resumption_after_an_engine_was_restarted(server):
    context = tls_context()
    with daemon(server, "--engines=2") as d:
        before = d.engines()
        _, session = visit(d, context)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
            d.wait_log("engine lost")
        until(
            lambda: len(set(d.engines()) - set(before)) == 2, "two engines")
        assert visit(d, context, session)[0]


# -------------------------------------------------------------- reloading


def shows(d, pair):
    """New connections get it; an engine may first finish its turn."""
    def one():
        with d.client() as c:
            return shown(c) == pair.serial()
    until(one, "the new certificate")


def replace(d, start):
    d.signal(signal.SIGHUP)
    d.wait_log("certificates replaced", start=start)


def test_S12_reload_under_live_sessions(ca):
    live = 200
    pair = ca.issue("live")
    pairs = [ca.issue(f"next{i}") for i in range(20)]
    with daemon(pair, "--engines=4") as d:
        sessions = [d.session() for _ in range(live)]
        for i, new in enumerate(pairs):
            mark = d.mark()
            if i == 10:  # a key that is another's: nothing changes
                pair.key.write_bytes(pairs[0].key.read_bytes())
                d.signal(signal.SIGHUP)
                line = d.wait_log("certificates stay as they were", start=mark)
                assert f"file={pair.key}" in line.string
                assert "the key is not that of the certificate" in line.string
                with d.client() as c:
                    assert shown(c) == pairs[i - 1].serial()
                mark = d.mark()
            pair.put(new.cert, new.key)
            replace(d, mark)
            for index in range(4) if i in (0, 19) else ():
                with Only(d, index):
                    shows(d, new)
            shows(d, new)
            for c in sessions[i::20]:
                echo(c, f"{i}")
        for c in sessions:
            echo(c)
        assert not d.logged("session ends|engine lost")
        for c in sessions:
            c.bye()
            c.close()


def test_S12_files_are_watched(ca):
    pair, new = ca.issue("watched"), ca.issue("watched2")
    with daemon(pair) as d:
        with d.session() as c:
            pair.put(new.cert, new.key)
            d.wait_log("certificates replaced")
            shows(d, new)
            mark = d.mark()
            pair.cert.unlink()
            line = d.wait_log("certificates stay as they were", start=mark)
            assert "No such file" in line.string
            echo(c)
            c.bye()


@pytest.mark.parametrize("spoil, reason", [
    (lambda p: p.cert.write_text("nonsense"), "no certificate in PEM"),
    (lambda p: p.key.write_text("nonsense"), "no private key in PEM"),
    (lambda p: p.key.write_bytes(openssl(
        "pkey", "-in", p.key, "-aes128", "-passout", "pass:x")),
     "the key is encrypted"),
    (lambda p: p.cert.write_bytes(b"x" * (2 << 20)), "too large"),
    (lambda p: (p.cert.unlink(), p.cert.mkdir()), "not a file"),
])
def test_S12_bad_files_change_nothing(ca, spoil, reason):
    pair = ca.issue("good-once")
    before = pair.serial()
    with daemon(pair, "--engines=2") as d:
        spoil(pair)
        d.signal(signal.SIGHUP)
        line = d.wait_log("certificates stay as they were")
        assert reason in line.string
        with d.client() as c:
            assert shown(c) == before
    if pair.cert.is_dir():
        pair.cert.rmdir()


def test_an_engine_that_starts_gets_what_is_in_use(ca):
    """Not what the files hold by now, if that is bad."""
    pair, new = ca.issue("restart"), ca.issue("restart2")
    with daemon(pair, "--engines=1") as d:
        pair.put(new.cert, new.key)
        replace(d, 0)
        pair.key.write_text("nonsense")
        d.signal(signal.SIGHUP)
        d.wait_log("certificates stay as they were")
        [old] = d.engines()
        os.kill(old, signal.SIGKILL)
        d.wait_log("engine lost")
        shows(d, new)


@pytest.mark.parametrize("dies", [True, False])
def test_an_engine_that_says_nothing_does_not_hold_up_a_change(ca, dies):
    pair, new = ca.issue("silent"), ca.issue("silent2")
    with daemon(pair, "--engines=2") as d:
        silent, _ = d.engines()
        os.kill(silent, signal.SIGSTOP)
        pair.put(new.cert, new.key)
        d.signal(signal.SIGHUP)
        assert not d.logged("certificates replaced")
        if dies:
            os.kill(silent, signal.SIGKILL)
        else:
            d.wait_log("engine lost.*it says nothing of the certificates")
        d.wait_log("certificates replaced")
        until(lambda: silent not in d.engines() and
              len(d.engines()) == 2, "two engines")
        for index in range(2):
            with Only(d, index):
                shows(d, new)


@pytest.mark.skipif(not inject.AVAILABLE, reason="not on this machine")
@pytest.mark.parametrize("engines, liar", [(2, 0), (2, 1), (3, 1)])
def test_fault_A17_one_engine_cannot_keep_old_certificates(ca, engines, liar):
    pair, new = ca.issue("kept"), ca.issue("kept2")
    verdict = struct.pack("=IIII", 19, 2, 2, 0) + b"a lie"
    PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
    with daemon(pair, f"--engines={engines}") as d:
        with contextlib.suppress(inject.Killed), \
                inject.Injected(d.engines()[liar]) as p:
            pair.put(new.cert, new.key)
            d.signal(signal.SIGHUP)
            until(lambda: p.call("recvfrom", 0, p.scratch, 1, PEEK,
                                 0, 0) == 1, "it is asked")
            p.call("write", 0, verdict, len(verdict))
        # or it said the truth as well before the others said anything
        d.wait_log("engine lost.*(it judges the certificates as no other does|"
                   "tls-verdict)")
        d.wait_log("certificates replaced")
        until(lambda: len(d.engines()) == engines, "all engines")
        for index in range(engines):
            with Only(d, index):
                shows(d, new)
    assert not d.logged("certificates stay as they were")


@pytest.mark.parametrize("lie, lost", [
    # bad, in words that are meant for somebody's terminal
    ("13000000" + "01000000" + "04000000" + "00000000" + b"\x1b[2J\n".hex(),
     "it cannot use the certificates"),
    # of a set that was never made; of no kind of file; of a file too many
    ("13000000" + "02000000" + "00" * 8, "tls-verdict"),
    ("13000000" + "01000000" + "ff000000" + "00000000", "tls-verdict"),
    ("13000000" + "01000000" + "02000000" + "ff000000", "tls-verdict"),
])
def test_lies_about_certificates_cost_an_engine_its_life(server, lie, lost):
    with lying_engine(lie, "--ssl", *server.options()) as d:
        d.wait_logs(f'engine lost.*reason="?{lost}', 2)
        assert not d.ended()
    assert not d.logged("\x1b")


# --------------------------------------------------------------- starting


def start(*args):
    done = run("--port=0", *args, "--", "cat")
    lines = [line for line in done.stderr.decode().splitlines()
             if "run as root" not in line]
    return done.returncode, lines


@pytest.mark.parametrize("args, word", [
    (["--ssl"], "need --sslcert=FILE and --sslkey=FILE"),
    (["--ssl", "--sslcert=c"], "need --sslcert=FILE"),
    (["--sslcert=c", "--sslkey=k"], "need --ssl"),
    (["--ssl=off", "--sslcert=c", "--sslkey=k"], "need --ssl"),
    (["--sslca=c"], "need --ssl"),
    (["--ssl", "--sslcert=c", "--sslcert=d", "--sslkey=k"], "in pairs"),
    (["--ssl", "--sslcert=c", "--sslkey=k", "--ssl-verify=optional"],
     "--ssl-verify needs --sslca"),
    (["--ssl=auto", "--sslcert=c", "--sslkey=k", "--sslca=c"],
     "who comes without TLS has no certificate"),
    (["--listen=auto:*:0", "--sslcert=c", "--sslkey=k", "--sslca=c"],
     "who comes without TLS has no certificate"),
    (["--ssl", "--sslcert=c", "--sslkey=k", "--tls-min=1.1"],
     "not one of 1.2, 1.3"),
    (["--ssl", "--sslcert=c", "--sslkey=k", "--tls-ciphers=a b"],
     "not names of ciphers"),
])
def test_options_that_do_not_go_together(args, word):
    status, lines = start(*args)
    assert status == 2
    assert len(lines) == 1 and word in lines[0]


def test_ssl_without_effect_is_refused():
    for where in "--listen=127.0.0.1:0", "--unixsocket=s", "--listen=tls:*:0":
        done = run("--ssl", "--sslcert=c", "--sslkey=k", where, "cat")
        assert done.returncode == 2
        assert b"--listen=tls:... says it" in done.stderr


def test_bad_files_at_the_start_are_exit_1(ca, server, tmp_path):
    other = ca.issue("another")
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(openssl("pkey", "-in", server.key, "-aes128",
                                  "-passout", "pass:x"))
    nonsense = tmp_path / "nonsense"
    nonsense.write_text("nonsense")
    for key in encrypted, nonsense:
        key.chmod(0o600)
    for cert, key, word in [
            (server.cert, tmp_path / "none", "No such file or directory"),
            (tmp_path, server.key, "not a file"),
            (server.cert, other.key, "the key is not that of the certificate"),
            (server.cert, encrypted, "the key is encrypted"),
            (nonsense, server.key, "no certificate in PEM"),
            (server.cert, nonsense, "no private key in PEM")]:
        status, lines = start("--ssl", f"--sslcert={cert}", f"--sslkey={key}",
                              "--engines=3")
        assert status == 1, lines
        assert len(lines) == 1 and word in lines[0], lines
        assert "sslcert" in lines[0] or "sslkey" in lines[0]


def test_an_expired_certificate_is_a_warning(ca):
    pair = ca.issue("old", days=-1)
    with daemon(pair, "--engines=2") as d:
        with d.session() as c:
            echo(c)
            c.bye()
    [line] = d.logged("has expired")
    assert f"file={pair.cert}" in line and " warn " in line


def test_keys_of_many_kinds(ca, tmp_path):
    """RSA, Ed25519, and an EC key behind its parameters."""
    for name, args in [("rsa", ["rsa:2048"]), ("ed25519", ["ed25519"])]:
        cert, key = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        openssl("req", "-x509", "-newkey", *args, "-nodes", "-keyout", key,
                "-out", cert, "-subj", "/CN=x", "-days", 2)
        with Daemon("--ssl", f"--sslcert={cert}", f"--sslkey={key}",
                    tls=True) as d:
            with d.session() as c:
                echo(c)
                c.bye()
    key, cert = tmp_path / "ec.key", tmp_path / "ec.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", key)
    openssl("req", "-x509", "-key", key, "-out", cert, "-subj", "/CN=x",
            "-days", 2)
    with Daemon("--ssl", f"--sslcert={cert}", f"--sslkey={key}",
                tls=True) as d:
        with d.session() as c:
            echo(c)
            c.bye()


def test_nobody_hears_of_the_key(server):
    secret = "".join(line for line in server.key.read_text().splitlines()
                     if "-----" not in line)
    parts = [secret[i:i + 20] for i in range(0, len(secret) - 20, 20)]
    with daemon(server, "--loglevel=debug", "--engines=2",
                command=("env",)) as d:
        with d.session() as c:
            texts, _, _ = c.texts()
        d.signal(signal.SIGHUP)
        d.wait_log("have not changed")
        words = "\n".join(texts)
        for pid in [d.pid, *d.engines()]:
            for what in "cmdline", "environ":
                with open(f"/proc/{pid}/{what}", "rb") as f:
                    words += f.read().decode("utf-8", "replace")
        words += "\n".join(d.lines)
        assert not [part for part in parts if part in words]
        # and nobody but the parent ever had the file open
        for pid in d.engines():
            assert str(server.key) not in \
                descriptors(pid).values()


# ----------------------------------------------------------------- memory


@MEMORY
@pytest.mark.parametrize("command", ["cat /dev/zero", "sleep 1000"])
def test_S15_who_takes_nothing_costs_nothing_more(server, command):
    """A client that never reads, and a program that never does."""
    with daemon(server, "--engines=1", "--binary", "--max-message=0", *FAST,
                command=command.split()) as d:
        [engine] = d.engines()
        with d.session() as c:
            c.reset()
        d.no_commands()
        idle = private(engine)
        with d.session() as c:
            if "sleep" in command:
                c.send(frame(b"", BINARY, length=1 << 40))
                assert c.fill(timeout=1.5, quiet=0.3) > 100000
            for _ in range(5):
                pause(0.15)
                assert private(engine) < idle + ABOVE
            c.reset()
        d.no_commands()


@MEMORY
def test_what_an_idle_session_holds(server):
    count = 400
    with daemon(server, "--engines=1", command=("cat",)) as d:
        [engine] = d.engines()
        first = [d.session() for _ in range(20)]
        for c in first:
            echo(c)
        before = private(engine)
        more = [d.session() for _ in range(count)]
        for c in more:
            echo(c)
        each = (private(engine) - before) / count
        assert each <= 18 * 1024, f"{each / 1024:.1f} KiB"
        for c in first + more:
            c.close()
        d.no_commands()


def private(pid):
    """The memory that is its own."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(n) for n in re.findall(
            r"^Private_\w+:\s+(\d+) kB$", f.read(), re.M)) * 1024
