"""The daemon under test.

Daemon   starts standpiped, collects its log, stops it and looks for what it
         left behind
"""

import os
import re
import select
import signal
import subprocess
import tempfile
import threading

from proc import (ENGINE, PATIENCE, SANITIZED, STANDPIPED, Timeout, children,
                  comm, descendants, descriptors, environment, executable,
                  until)
from wire import Client, Refused

READY = re.compile(r"^standpiped: listening on (\S+)(?: \(\S+\))?$")
REPORT = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer")

started = set()  # by ourselves: no daemon has left those behind
birth = threading.Lock()  # while one starts that is not in it yet


def run(*args, timeout=None, env=None, **popen):
    """Run standpiped to its end; for command lines that cannot work."""
    return subprocess.run([str(STANDPIPED), *map(str, args)],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout or PATIENCE,
                          env=env or environment(), **popen)


class Daemon:
    """A running standpiped, in a `with` statement.

    args       its options
    command    the words behind "--"
    address    what --address gets, one or several; None: the default
    unixsocket --unixsocket instead of TCP
    listeners  how many ready lines to wait for
    status     what its exit status must be when the block ends
    leftovers  processes that outlive the daemon are expected
    env        changes of the environment (None removes)
    tls        what clients speak, see Client
    """

    def __init__(self, *args, command=("cat",), address="127.0.0.1", port=0,
                 unixsocket=None, listeners=None, status=0, leftovers=False,
                 env=None, wrap=(), tls=None, **popen):
        if isinstance(address, str):
            address = [address]
        options = [str(arg) for arg in args]
        if unixsocket is not None:
            options.append(f"--unixsocket={unixsocket}")
            listeners = listeners or 1
        else:
            options.append(f"--port={port}")
            options += [f"--address={one}" for one in address or ()]
            listeners = listeners or len(address or ())
        self.args = [*wrap, str(STANDPIPED), *options, "--", *map(str, command)]
        self.unixsocket = unixsocket
        self.tls = tls
        self.listeners = listeners
        self.status = status
        self.leftovers = leftovers
        self.env = environment(**(env or {}))
        self.popen = popen
        self.lines = []
        self.changed = threading.Condition()
        self.log_ended = False
        self.process = None
        self.returncode = None

    # ---- life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            try:
                self.stop()
                self.look_behind()
                return
            finally:
                self.abandon()
        self.abandon()
        print("".join(f"{line}\n" for line in self.lines[-200:]))

    def start(self):
        self.strangers = set(children(os.getpid()))
        self.stdout = tempfile.TemporaryFile()
        with birth:
            self.process = subprocess.Popen(
                self.args, stdin=subprocess.DEVNULL, stdout=self.stdout,
                stderr=subprocess.PIPE, pipesize=1 << 20,  # no line is dropped
                env=self.env, **self.popen)
            self.pid = self.process.pid
            started.add(self.pid)
        self.pidfd = os.pidfd_open(self.pid)
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()
        try:
            self._wait_ready()
        except BaseException:
            self.abandon()
            print("\n".join(self.lines))
            raise

    def _collect(self):
        stream = self.process.stderr
        for raw in iter(stream.readline, b""):
            line = raw.rstrip(b"\n").decode("utf-8", "backslashreplace")
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
        with self.changed:
            self.log_ended = True
            self.changed.notify_all()

    def _wait_ready(self):
        self.urls = [m[1] for m in
                     self.wait_logs(READY.pattern, self.listeners)]
        self.port = None
        for url in self.urls:
            found = re.fullmatch(r"https?://(.*):(\d+)/", url)
            if found:
                self.port = int(found[2])

    @property
    def url(self):
        """Where a WebSocket client reaches it over TCP."""
        return f"ws{self.urls[0][len('http'):]}"

    def signal(self, sig):
        signal.pidfd_send_signal(self.pidfd, sig)

    def wait(self, timeout=None):
        """Wait for its exit; its status (negative: a signal)."""
        timeout = PATIENCE if timeout is None else timeout
        if self.returncode is None:
            if not select.select([self.pidfd], [], [], timeout)[0]:
                raise Timeout(f"the daemon lives after {timeout} s")
            self.returncode = self.process.wait()
        return self.returncode

    def ended(self):
        return bool(select.select([self.pidfd], [], [], 0)[0])

    def stop(self, timeout=None):
        """SIGTERM, unless it has ended already; checks the status."""
        if self.returncode is None and not self.ended():
            self.signal(signal.SIGTERM)
        status = self.wait(timeout)
        assert status == self.status, f"the daemon ended with {status}"

    def look_behind(self):
        """After the end: nobody is left and the log is sane."""
        # a leak check clones the process, and outlives one that is killed in it
        left = [pid for pid in self._left()
                if not (SANITIZED and comm(pid) == "(standpiped-engi) Z")]
        names = [f"{pid} {comm(pid)}" for pid in left]
        for pid in left:
            self._end(pid)
        assert self.leftovers or not left, f"left behind: {names}"
        if not self.leftovers:
            with self.changed:
                ended = self.changed.wait_for(lambda: self.log_ended, PATIENCE)
            assert ended, "somebody still holds the daemon's standard error"
        for line in self.lines:
            assert not REPORT.search(line), "\n".join(self.lines)
        self.stdout.seek(0)
        out = self.stdout.read()
        assert out == b"", f"standard output is not empty: {out[:200]!r}"

    def _left(self):
        """Orphans that came to us since the start, and their offspring."""
        with birth:
            mine = [pid for pid in children(os.getpid())
                    if pid not in self.strangers and pid not in started]
        return mine + [pid for one in mine for pid in descendants(one)]

    @staticmethod
    def _end(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def abandon(self):
        """Whatever state it is in: end it and what it started."""
        if self.process is None:
            return
        if self.returncode is None:
            family = descendants(self.pid)
            self.process.kill()
            self.returncode = self.process.wait()
            for pid in family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for pid in self._left():
            self._end(pid)
        self.reader.join(PATIENCE)
        if not self.reader.is_alive():
            self.process.stderr.close()
        self.stdout.close()
        os.close(self.pidfd)
        self.process = None

    # ---- log

    def wait_logs(self, pattern, count=1, timeout=None, start=0):
        """The first `count` matches of a pattern in the log."""
        regex = re.compile(pattern)
        timeout = PATIENCE if timeout is None else timeout
        matches = []
        at = start

        def enough():
            nonlocal at
            while at < len(self.lines) and len(matches) < count:
                found = regex.search(self.lines[at])
                at += 1
                if found:
                    matches.append(found)
            return len(matches) >= count or self.log_ended

        with self.changed:
            self.changed.wait_for(enough, timeout)
            if len(matches) < count:
                raise Timeout(
                    f"{pattern!r} was logged {len(matches)} of {count} times\n"
                    + "\n".join(self.lines[-50:]))
        return matches

    def wait_log(self, pattern, timeout=None, start=0):
        return self.wait_logs(pattern, 1, timeout, start)[0]

    def logged(self, pattern, start=0):
        """The lines so far that hold the pattern."""
        with self.changed:
            return [line for line in self.lines[start:]
                    if re.search(pattern, line)]

    def mark(self):
        """The place in the log, for `start`."""
        with self.changed:
            return len(self.lines)

    def session_end(self, start=0, timeout=None):
        """The fields of the next line that ends a session."""
        return fields(self.wait_log("session ends", timeout, start).string)

    # ---- processes

    def engines(self):
        return sorted(pid for pid in children(self.pid)
                      if executable(pid) == ENGINE.name)

    def commands(self):
        """Children that are not engines, zombies included."""
        return sorted(pid for pid in children(self.pid)
                      if executable(pid) != ENGINE.name)

    def no_commands(self, timeout=None):
        until(lambda: not self.commands(), "all commands are reaped", timeout)

    def descriptor_counts(self):
        """{pid: number of descriptors} of the daemon and its engines."""
        return {pid: len(descriptors(pid))
                for pid in [self.pid, *self.engines()]}

    # ---- clients

    def client(self, **kw):
        """A connection on which nothing has been said yet."""
        if self.unixsocket is not None:
            return Client(str(self.unixsocket), **kw)
        kw.setdefault("tls", self.tls)
        return Client((kw.pop("host", "127.0.0.1"), self.port), **kw)

    def session(self, path="/", **kw):
        """A connection after its 101."""
        client = self.client()
        try:
            response = client.handshake(path, **kw)
            if response.status != 101:
                raise Refused(response)
        except BaseException:
            client.close()
            raise
        return client

    def request(self, data):
        """Send bytes on a connection of its own; the one response to them.
        Where the daemon would keep the connection, we end it."""
        with self.client() as client:
            client.send(data)
            response = client.response()
            if response.get("Connection") != "close":
                client.shut()
            assert client.ending() in ("eof", "reset")
            assert client.rest == b"", f"more than one answer: {client.rest!r}"
            return response


def fields(line):
    """The key=value pairs of a log line in the text format."""
    found = {}
    for name, quoted, plain in re.findall(
            r' ([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line):
        found[name] = (re.sub(r'\\(["\\])', r"\1", quoted)
                       if quoted or not plain else plain)
    return found
