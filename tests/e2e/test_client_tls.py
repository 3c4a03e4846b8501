"""The client under TLS: whom it believes, what it says of the others. S10."""

import base64
import hashlib
import json
import os
import socket
import ssl
import threading

import pytest

from answers import CLOSE_1000, Answers, agree
from certificates import Authority, openssl
from daemon import Daemon
from proc import environment, standpipe
from test_client_listen import Relay

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NAMES = ["localhost", "IP:127.0.0.1"]
WARNING = b"standpipe: warning: --insecure: whoever answers is believed to be "


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "our authority")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "another one")


@pytest.fixture(scope="module")
def server(ca):
    return ca.issue("server", *NAMES)


@pytest.fixture(scope="module")
def visitor(ca):
    return ca.issue("visitor")


def daemon(pair, *args):
    return Daemon("--ssl", *pair.options(), *args, command=["head", "-n", "1"])


def call(d, *args, host="localhost", env=None):
    """What it printed, what it said, and its exit status."""
    r = standpipe(*args, f"wss://{host}:{d.port}/", input=b"hello\n",
                  env={**environment(), **(env or {})})
    return r.stdout, r.stderr.decode(), r.returncode


def trust(ca):
    return [f"--ca={ca.cert}"]


GOOD = (b"hello\n", "", 0)


# ------------------------------------------------------------- the server

@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1"])
def test_a_good_certificate(ca, server, host):
    with daemon(server) as d:
        assert call(d, *trust(ca), host=host) == GOOD


def test_the_authorities_of_the_system_are_openssls(ca, server):
    with daemon(server) as d:
        assert call(d, env={"SSL_CERT_FILE": str(ca.cert)}) == GOOD


def test_an_authority_of_ours_is_the_only_one(ca, other, server):
    with daemon(server) as d:
        out, err, status = call(d, *trust(other),
                                env={"SSL_CERT_FILE": str(ca.cert)})
    assert (out, status) == (b"", 78)
    assert "was issued by our authority, which is not known here" in err


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """root > middle > leaf; whole is a leaf that shows middle, too."""
    folder = tmp_path_factory.mktemp("family")
    root = Authority(folder, "root")
    middle = Authority(folder, "middle", above=root)
    leaf = middle.issue("leaf")
    whole = middle.issue("whole")
    whole.cert.write_bytes(whole.cert.read_bytes() + middle.cert.read_bytes())
    return {"root": root, "middle": middle, "leaf": leaf, "whole": whole,
            "own": Authority(folder, "self").issue("own")}


@pytest.mark.parametrize("shown, trusted, believed", [
    ("leaf", "root", False), ("leaf", "middle", True), ("leaf", "leaf", True),
    ("leaf", "whole", True), ("leaf", "own", False),
    ("whole", "root", True), ("whole", "middle", True),
    ("whole", "whole", True), ("whole", "leaf", False),
    ("own", "own", True), ("own", "root", False)])
def test_fault_F7_whatever_is_in_the_file_is_believed(
        family, shown, trusted, believed):
    with daemon(family[shown]) as d:
        got = call(d, *trust(family[trusted]))
        assert (got == GOOD) == believed
        assert got[2] == (0 if believed else 78)


def test_fault_F7_who_is_believed_must_have_the_name(family):
    with daemon(family["leaf"]) as d:
        assert call(d, *trust(family["leaf"]), host="127.0.0.1")[2] == 78


def unknown(ca):
    return ca.issue("unknown", *NAMES), []


def wrong_name(ca):
    return ca.issue("elsewhere", "a.example", "*.b.example"), trust(ca)


def many_names(ca):
    names = [f"host{i}.example" for i in range(9)]
    return ca.issue("many", *names), trust(ca)


def common_name_alone(ca):
    return ca.issue("common", "other.example",
                    subject="/CN=localhost"), trust(ca)


def expired(ca):
    return ca.issue("expired", *NAMES, days=-1), trust(ca)


def self_signed(ca):
    return ca, []


@pytest.mark.parametrize("case, sentence", [
    (unknown, "was issued by our authority, which is not known here"),
    (wrong_name, "is for a.example, *.b.example, not for localhost"),
    (many_names, "host3.example and 5 more, not for localhost"),
    (common_name_alone, "is for other.example, not for localhost"),
    (expired, "has expired: it was good until 2"),
    (self_signed, "is self-signed"),
], ids=lambda x: getattr(x, "__name__", ""))
def test_S10_who_cannot_be_believed_is_not(ca, case, sentence):
    pair, args = case(ca)
    with daemon(pair) as d:
        out, err, status = call(d, *args)
    assert (out, status) == (b"", 78)
    assert err.startswith("standpipe: localhost: the server's certificate ")
    assert sentence in err
    assert err.count("\n") == 1


def test_S10_an_address_is_not_a_name(ca):
    pair = ca.issue("named", "localhost", "DNS:127.0.0.1")
    with daemon(pair) as d:
        out, err, status = call(d, *trust(ca), host="127.0.0.1")
    assert (out, status) == (b"", 78)
    assert "not for 127.0.0.1" in err


def test_what_a_certificate_says_does_no_harm_to_a_terminal(tmp_path):
    evil = Authority(tmp_path, "\x1b[2J\x07evil")
    with daemon(evil.issue("evil", *NAMES)) as d:
        _, err, status = call(d)
    assert status == 78
    assert "\\1B[2J\\07evil" in err
    assert "\x1b" not in err


def test_insecure_believes_anybody_and_says_so_each_time(ca):
    with daemon(expired(ca)[0]) as d:
        for option in "--insecure", "-k":
            out, err, status = call(d, option)
            assert (out, status) == (b"hello\n", 0)
            assert err == WARNING.decode() + "localhost\n"


# ------------------------------------------------------------- pins

def fingerprint(pair):
    der = openssl("x509", "-in", pair.cert, "-outform", "DER")
    return hashlib.sha256(der).hexdigest()


def key_digest(pair):
    der = openssl("pkey", "-in", pair.key, "-pubout", "-outform", "DER")
    return hashlib.sha256(der).digest()


def in_base64(digest):
    return "sha256//" + base64.b64encode(digest).decode()


@pytest.mark.parametrize("pin", [
    fingerprint,
    lambda pair: fingerprint(pair).upper(),
    lambda pair: in_base64(bytes.fromhex(fingerprint(pair))),
    lambda pair: key_digest(pair).hex(),
    lambda pair: in_base64(key_digest(pair)),
], ids=["certificate", "upper case", "base64", "key", "curl's"])
def test_who_is_pinned_is_believed_whatever_the_certificate_says(ca, pin):
    pair = ca.issue("pinned", "elsewhere.example", days=-1)
    with daemon(pair) as d:
        assert call(d, "--pin=" + pin(pair)) == GOOD


def test_one_of_several_pins_is_enough(ca, server, visitor):
    with daemon(server) as d:
        assert call(d, "--pin=" + fingerprint(visitor),
                    "--pin=" + fingerprint(server)) == GOOD


def test_S10_who_is_not_the_pinned_one_is_not_believed(ca, server, visitor):
    with daemon(server) as d:
        out, err, status = call(d, "--pin=" + fingerprint(visitor),
                                env={"SSL_CERT_FILE": str(ca.cert)})
    assert (out, status) == (b"", 78)
    assert "is not the pinned one" in err
    assert fingerprint(server) in err
    assert key_digest(server).hex() in err


# ------------------------------------------------------------- who we are

@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_certificate_of_ours(ca, server, visitor, version):
    cap = {"OPENSSL_CONF": cap_version(ca, version)}
    args = [*trust(ca), f"--cert={visitor.cert}", f"--key={visitor.key}"]
    with daemon(server, f"--sslca={ca.cert}") as d:
        assert call(d, *args, env=cap) == GOOD


def cap_version(ca, version):
    """Settings of OpenSSL that know no later version."""
    file = ca.folder / f"tls{version}.cnf"
    file.write_text("openssl_conf = a\n[a]\nssl_conf = b\n[b]\n"
                    f"system_default = c\n[c]\nMaxProtocol = TLSv{version}\n")
    return str(file)


@pytest.mark.parametrize("version, sentence", [
    ("1.2", "the server refused the handshake (it may want a certificate of "
            "ours)"),
    ("1.3", "the server wants a certificate of ours"),
])
def test_a_certificate_of_ours_is_missing(ca, server, version, sentence):
    cap = {"OPENSSL_CONF": cap_version(ca, version)}
    with daemon(server, f"--sslca={ca.cert}") as d:
        out, err, status = call(d, *trust(ca), env=cap)
    assert (out, status) == (b"", 78)
    assert err == f"standpipe: localhost: {sentence}\n"


def test_a_certificate_of_ours_that_the_server_does_not_know(
        ca, other, server):
    stranger = other.issue("stranger")
    with daemon(server, f"--sslca={ca.cert}") as d:
        out, err, status = call(d, *trust(ca), f"--cert={stranger.cert}",
                                f"--key={stranger.key}")
    assert (out, status) == (b"", 78)
    assert "the server does not know who issued our certificate" in err


def test_certificate_and_key_in_one_file(ca, server, visitor, tmp_path):
    both = tmp_path / "both.pem"
    both.write_bytes(visitor.cert.read_bytes() + visitor.key.read_bytes())
    with daemon(server, f"--sslca={ca.cert}") as d:
        assert call(d, *trust(ca), f"--cert={both}") == GOOD


@pytest.mark.parametrize("what, sentence", [
    ("encrypted", "the key is encrypted; openssl pkey writes one that is not"),
    ("another's", "the key is not that of the certificate"),
    ("missing", "no private key in PEM can be read"),
    ("no certificate", "no certificate in PEM can be read"),
    ("no authority", "no certificate in PEM can be read"),
])
def test_files_that_are_no_use(ca, server, visitor, tmp_path, what, sentence):
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", visitor.key, "-aes128", "-passout", "pass:word",
            "-out", locked)
    none = tmp_path / "none.pem"
    args = [f"--cert={visitor.cert}"]
    args += {"encrypted": [f"--key={locked}"],
             "another's": [f"--key={server.key}"],
             "missing": [f"--key={none}"],
             "no certificate": [f"--cert={none}", f"--key={visitor.key}"],
             "no authority": [f"--key={visitor.key}", f"--ca={none}"]}[what]
    r = standpipe(*args, "wss://localhost:1/")
    assert (r.stdout, r.returncode) == (b"", 2)
    assert r.stderr.endswith(sentence.encode() + b"\n")


def test_settings_of_openssl_that_leave_nothing(tmp_path):
    file = tmp_path / "openssl.cnf"
    file.write_text("openssl_conf = a\n[a]\nproviders = p\n[p]\n"
                    "missing = n\n[n]\nactivate = 1\n")
    r = standpipe("wss://localhost:1/",
                  env={**environment(), "OPENSSL_CONF": str(file)})
    assert (r.stdout, r.returncode) == (b"", 2)
    assert b"localhost: OpenSSL cannot be used: " in r.stderr


# ------------------------------------------------------------- the handshake

@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_versions(ca, server, version):
    cap = {"OPENSSL_CONF": cap_version(ca, version)}
    with daemon(server) as d:
        assert call(d, *trust(ca), env=cap) == GOOD


def test_the_server_speaks_no_version_of_ours(ca, server):
    cap = {"OPENSSL_CONF": cap_version(ca, "1.2")}
    with daemon(server, "--tls-min=1.3") as d:
        out, err, status = call(d, *trust(ca), env=cap)
    assert (out, status) == (b"", 78)
    assert err == ("standpipe: localhost: the server speaks no version of TLS "
                   "that we do\n")


class Listener:
    """A server of one connection, whose thread runs talk(sock)."""

    def __init__(self, talk):
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.thread = threading.Thread(target=self.run, args=(talk,))
        self.said = None

    def run(self, talk):
        sock, _ = self.sock.accept()
        with sock:
            self.said = talk(sock)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join()
        self.sock.close()


def test_a_server_that_closes_in_the_handshake():
    with Listener(lambda s: s.recv(65536)) as d:
        out, err, status = call(d)
    assert (out, status) == (b"", 78)
    assert err == ("standpipe: localhost: the server closed the connection in "
                   "the TLS handshake\n")


def test_a_server_that_speaks_no_tls():
    with Daemon(command=["cat"]) as d:
        out, err, status = call(d)
    assert (out, status) == (b"", 78)
    assert err == "standpipe: localhost: the server does not speak TLS\n"


def test_a_server_that_says_nothing():
    def wait(sock):
        while sock.recv(65536):
            pass

    with Listener(wait) as d:
        out, err, status = call(d, "--handshake-timeout=100ms")
    assert (out, status) == (b"", 75)
    assert err == "standpipe: localhost: no end of the TLS handshake\n"


def server_context(pair):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(pair.cert, pair.key)
    return ctx


def hello_of(pair, host):
    """What the server sees of our first words: its name, protocols."""
    seen = {}

    def talk(sock):
        ctx = server_context(pair)
        ctx.sni_callback = lambda s, name, c: seen.update(name=name)
        ctx.set_alpn_protocols(["h2", "http/1.1"])
        with ctx.wrap_socket(sock, server_side=True) as s:
            seen["alpn"] = s.selected_alpn_protocol()
            s.recv(65536)

    with Listener(talk) as d:
        call(d, "--insecure", host=host)
    return seen


@pytest.mark.parametrize("host, name", [("localhost", "localhost"),
                                        ("127.0.0.1", None)])
def test_the_first_words_name_the_host_and_http(server, host, name):
    assert hello_of(server, host) == {
        "name": name, "alpn": "http/1.1"}


# ------------------------------------------------------------- sessions

class Resumed(Listener):
    """A server that drops the first connection, and ends the second well.

    reused    whether each of them went on with a session
    """

    def __init__(self, pair, version):
        self.context = server_context(pair)
        self.context.maximum_version = version
        self.reused = []
        super().__init__(None)

    def run(self, _):
        for more in b"", CLOSE_1000:
            sock, _ = self.sock.accept()
            with self.context.wrap_socket(sock, server_side=True) as s:
                self.reused.append(s.session_reused)
                s.sendall(agree(s.recv(65536), more=more))
                if more:
                    s.recv(65536)


@pytest.mark.parametrize("version", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_a_session_goes_on_after_a_reconnect(ca, server, version):
    with Resumed(server, version) as d:
        r = standpipe("-n", "--reconnect", "--reconnect-min=10ms", *trust(ca),
                      f"wss://localhost:{d.port}/")
    assert r.returncode == 0
    assert d.reused == [False, True]


# ------------------------------------------------------------- redirects

def sent_to(url):
    return (b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: "
            + url.encode() + b"\r\n\r\n")


def test_a_redirect_may_lead_to_tls_and_is_verified_there(ca, server):
    with daemon(server) as d:
        url = f"wss://localhost:{d.port}/"
        for args, status in (trust(ca), 0), ([], 78):
            with Answers(sent_to(url)) as a:
                r = standpipe("-L", *args, a.url, input=b"hello\n")
            assert (r.stdout, r.returncode) == (
                b"" if status else b"hello\n", status)


def test_a_redirect_does_not_lead_out_of_tls(ca, server):
    def answer(sock):
        with server_context(server).wrap_socket(sock, server_side=True) as s:
            s.recv(65536)
            s.sendall(sent_to("ws://a.example/"))
            s.recv(65536)

    with Listener(answer) as d:
        out, err, status = call(d, "-L", *trust(ca))
    assert (out, status) == (b"", 77)
    assert "sent on to ws://a.example/, which has no TLS" in err


# ------------------------------------------------------------- what is told

def test_verbose_tells_of_tls(ca, server):
    with daemon(server) as d:
        out, err, status = call(d, "-v", *trust(ca))
    assert (out, status) == (b"hello\n", 0)
    assert "standpipe: TLSv1.3, TLS_" in err
    assert ("standpipe: certificate of CN = server, issued by CN = our "
            "authority, good until 2") in err
    assert f"standpipe: fingerprint {fingerprint(server)}\n" in err


def test_json_tells_of_tls(ca, server):
    with daemon(server) as d:
        _, err, status = call(d, "--json", *trust(ca))
    facts = json.loads(err)
    assert status == facts["exit"] == 0
    assert facts["tls"].startswith("TLSv1.3, TLS_")
    assert facts["certificate"] == "CN = server"
    assert facts["certificate_issuer"] == "CN = our authority"
    assert facts["certificate_expires"].endswith(" UTC")
    assert facts["certificate_sha256"] == fingerprint(server)


# ------------------------------------------------------------- in company

def test_many_connections_of_a_listener(ca, server):
    with Daemon("--ssl", *server.options(), command=["cat"]) as d, \
            Relay(f"wss://localhost:{d.port}/", *trust(ca)) as relay:
        socks = [relay.connect() for _ in range(20)]
        for i, sock in enumerate(socks):
            sock.sendall(b"%d\n" % i)
        for i, sock in enumerate(socks):
            sock.shutdown(socket.SHUT_WR)
            with sock, sock.makefile("rb") as f:
                assert f.read() == b"%d\n" % i


# ------------------------------------------------------------- bulk

@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_bulk_both_ways(ca, server, version):
    cap = {**environment(), "OPENSSL_CONF": cap_version(ca, version)}
    data = os.urandom(1024 * 1024) * 100
    command = ["head", "-c", str(len(data))]
    with Daemon("--ssl", "--binary", *server.options(), command=command) as d:
        r = standpipe("--binary", *trust(ca), f"wss://localhost:{d.port}/",
                      input=data, env=cap)
    assert (r.returncode, r.stderr) == (0, b"")
    assert hashlib.sha256(r.stdout).digest() == hashlib.sha256(data).digest()
