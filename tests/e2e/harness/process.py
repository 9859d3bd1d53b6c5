"""Processes that a test starts, watches by their output, and ends by pid."""

import os
import re
import select
import signal
import subprocess
import threading
import time

SANITIZED = bool(os.environ.get("GATEHOUSE_SANITIZE"))
# Seconds that an event may take until it counts as missing. Sanitized builds are slower.
PATIENCE = 90 if SANITIZED else 45
BAD_SIGNS = re.compile(
    r"AddressSanitizer|runtime error:|LeakSanitizer|ThreadSanitizer|a task threw", re.I
)


class Process:
    """A child whose output is kept, line by line, and can be waited for."""

    def __init__(self, *command, env=None, cwd=None):
        self.command = [str(part) for part in command]
        self.child = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, cwd=cwd,
            env=dict(os.environ, **(env or {})), start_new_session=True,
        )
        self.lines = []
        self._pipe = self.child.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._half = b""  # a line that has not ended
        self._ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        written = select.poll()
        written.register(self._pipe, select.POLLIN)
        while not self._ended:
            written.poll()
            self._take()

    def _take(self):
        """All that the process has written up to now, also what the reader has not come to yet: who
        has seen what it did afterwards finds the line."""
        with self._news:
            if self._ended:
                return
            try:
                piece = os.read(self._pipe, 1 << 20)  # more than a pipe holds
            except BlockingIOError:
                return
            *lines, self._half = (self._half + piece).split(b"\n")
            if not piece:
                self._ended = True
                lines = [self._half] if self._half else []
            self.lines += [line.decode(errors="replace") for line in lines]
            self._news.notify_all()

    @property
    def pid(self):
        return self.child.pid

    @property
    def output(self):
        self._take()
        with self._news:
            return "\n".join(self.lines)

    def matching(self, pattern):
        """The lines so far that hold the pattern."""
        wanted = re.compile(pattern)
        self._take()
        with self._news:
            return [line for line in self.lines if wanted.search(line)]

    def wait_for_line(self, pattern, count=1, seconds=PATIENCE):
        """Until `count` lines hold the pattern; returns the last of them."""
        self.wait_until(lambda: len(self.matching(pattern)) >= count, f"{pattern!r}", seconds)
        return self.matching(pattern)[count - 1]

    def wait_until(self, condition, what, seconds=PATIENCE):
        """Until `condition` returns something true, and returns that. Looks again with each line
        that the process writes, and now and then for what it does in silence."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self._ended
            found = condition()
            if found:
                return found
            assert not ended, f"ended before {what}:\n{self.output}"
            left = deadline - time.monotonic()
            assert left > 0, f"waited {seconds} s for {what} in:\n{self.output}"
            with self._news:
                self._news.wait(min(left, 0.05))

    def is_running(self):
        return self.child.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=PATIENCE):
        """The exit status, once it has ended by itself."""
        status = self.child.wait(seconds)
        self._reader.join(seconds)
        return status

    def kill(self):
        """SIGKILL, and gone when this returns."""
        if self.is_running():
            self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} does not end:\n{self.output}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
