"""What the browser tests stand on: a daemon, and a Chromium to look at it.

The environment may name the daemon (STANDPIPED) or the folder it was built
in (STANDPIPE_BUILD). Where Chromium, its driver or selenium is missing the
tests are skipped, or fail if STANDPIPE_STRICT is set.
"""

import base64
import hashlib
import os
import pathlib
import queue
import re
import shutil
import subprocess
import threading

import pytest

PATIENCE = 20  # seconds; a bound, not a wait

READY = re.compile(r"standpiped: listening on (https?://127\.0\.0\.1:\d+/)$")

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1200,800",
]


def missing(what):
    if os.environ.get("STANDPIPE_STRICT"):
        pytest.fail(f"{what} is missing", pytrace=False)
    pytest.skip(f"{what} is missing")


def tool(name):
    return shutil.which(name) or missing(name)


def daemon_path():
    build = os.environ.get("STANDPIPE_BUILD")
    if build is None:
        build = pathlib.Path(__file__).resolve().parents[2] / "build"
    path = os.environ.get("STANDPIPED", str(pathlib.Path(build, "standpiped")))
    if not os.access(path, os.X_OK):
        missing(path)
    return path


class Daemon:
    """One standpiped with a console on a port of its own."""

    def __init__(self, *words):
        self.lines = queue.Queue()
        self.process = subprocess.Popen(
            [daemon_path(), "--port=0", "--console", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, errors="replace")
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.url = self.wait_ready()

    def read(self):
        for line in self.process.stderr:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def wait_ready(self):
        said = []
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            if line is None:
                self.stop()
                pytest.fail("the daemon did not become ready: " +
                            "\n".join(said), pytrace=False)
            match = READY.match(line)
            if match:
                return match[1]
            said.append(line)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@pytest.fixture
def daemon():
    """Start daemons; each has to stop with exit status 0."""
    started = []

    def start(*words):
        started.append(Daemon(*words))
        return started[-1]

    yield start
    assert [d.stop() for d in started] == [0] * len(started)


def openssl(*words, data=None):
    return subprocess.run([tool("openssl"), *words], input=data, check=True,
                          capture_output=True).stdout


class Certificate:
    """One that nobody has signed; the browser knows it by its key."""

    def __init__(self, folder):
        self.cert, self.key = str(folder / "cert"), str(folder / "key")
        openssl("req", "-x509", "-newkey", "ec", "-nodes", "-days", "2",
                "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", self.key,
                "-out", self.cert, "-subj", "/CN=127.0.0.1",
                "-addext", "subjectAltName=IP:127.0.0.1")
        key = openssl("pkey", "-pubout", "-outform", "DER",
                      "-in", self.key)
        self.pin = base64.b64encode(hashlib.sha256(key).digest()).decode()

    def options(self):
        return ["--ssl", f"--sslcert={self.cert}", f"--sslkey={self.key}"]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory, certificate):
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        missing("selenium for Python")
    options = webdriver.ChromeOptions()
    options.binary_location = tool("chromium")
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(
        f"--ignore-certificate-errors-spki-list={certificate.pin}")
    profile = tmp_path_factory.mktemp("profile")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs",
                           {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options,
                              service=Service(tool("chromedriver")))
    driver.set_page_load_timeout(PATIENCE)
    driver.set_script_timeout(PATIENCE)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium):
    """The browser with empty logs; a test must leave no complaint in them.

    Violations of the Content-Security-Policy and uncaught exceptions are
    such complaints. A test that expects one takes it out of the log itself.
    """
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get_log("performance")
    yield chromium
    complaints = chromium.get_log("browser")
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    chromium.get("about:blank")
    assert complaints == []
