"""A terminal with the client in it: what is typed, and what the screen shows.

    with Terminal(d.url) as t:
        t.type("hello\\r")
        t.shows("hello")
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios

import pyte

from proc import PATIENCE, STANDPIPE, Timeout, environment, now

COLUMNS, ROWS = 60, 16


FULL = STANDPIPE.with_name("standpipe-full")
EDITS = FULL.exists() and b"libedit" in FULL.read_bytes()


class Terminal:
    """A pseudo-terminal whose other side a program has.

    history  a file for the lines that are typed; none is kept without
    screen   pyte's: what somebody would see
    raw      all bytes that came
    """

    def __init__(self, *args, program=STANDPIPE, stdin=True, stdout=True,
                 stderr=True, term="xterm", locale="C.UTF-8", history="",
                 **env):
        self.ours, self.theirs = pty.openpty()
        self.resize(COLUMNS, ROWS)
        self.before = self.modes()
        self.screen = pyte.Screen(COLUMNS, ROWS)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.hung_up = False
        side = {True: self.theirs, False: subprocess.DEVNULL}
        self.process = subprocess.Popen(
            [str(program), *map(str, args)], stdin=side.get(stdin, stdin),
            stdout=side.get(stdout, stdout), stderr=side.get(stderr, stderr),
            start_new_session=True, preexec_fn=self._take,
            env=environment(TERM=term, LC_ALL=locale,
                            STANDPIPE_HISTORY=history, **env))

    def _take(self):
        """Become the terminal's session, in the child."""
        fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for fd in self.ours, self.theirs:
            if fd is not None:
                os.close(fd)

    # ---------------------------------------------------- the two sides

    def modes(self):
        """What is set on the side that the program has."""
        return (termios.tcgetattr(self.theirs)[:6],
                fcntl.fcntl(self.theirs, fcntl.F_GETFL))

    def resize(self, columns, rows):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        data = text.encode() if isinstance(text, str) else text
        os.write(self.ours, data)

    def hang_up(self):
        os.close(self.ours)
        self.ours = None

    def _read(self, timeout):
        if not select.select([self.ours], [], [], max(0, timeout))[0]:
            return False
        data = os.read(self.ours, 65536)
        self.raw += data
        self.stream.feed(data)
        return True

    # ---------------------------------------------------- what is to be seen

    def lines(self):
        """The screen's lines as far as there is something, without blanks."""
        lines = [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def until(self, condition, what):
        deadline = now() + PATIENCE
        while not condition():
            if not self._read(deadline - now()):
                raise Timeout(f"{what}: the screen is {self.lines()}, "
                              f"cursor {self.cursor()}, of {self.raw!r}")

    def shows(self, *lines):
        """Wait until the screen is these lines, and nothing else."""
        self.until(lambda: self.lines() == list(lines), f"never {lines}")

    def shows_line(self, text):
        self.until(lambda: any(text in line for line in self.lines()),
                   f"never {text!r}")

    def cursor(self):
        return self.screen.cursor.x, self.screen.cursor.y

    def cursor_at(self, x, y):
        self.until(lambda: self.cursor() == (x, y), f"never at {x},{y}")

    # ---------------------------------------------------- the end

    def signal(self, number):
        self.process.send_signal(number)

    def ends(self):
        """Its exit status; the terminal is as it was before."""
        status = self.process.wait(PATIENCE)
        while self._read(0):
            pass
        assert self.modes() == self.before
        return status
