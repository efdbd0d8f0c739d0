"""The two warm processes, started by the coordinator, which imports no torch."""

import contextlib
import select
import socket
import subprocess
import tempfile

from cnnlab.grading.channel import send_job
from cnnlab.grading.sandbox import Level, environment, server

START_SECONDS = (
    300  # the first import of torch from a cold disk, on a machine that does much else; a death is seen at once
)
MOST_WORDS = 4000


class Server:
    """A warm process that forks for each job it is sent; started when first needed, and again if it died."""

    def __init__(self, module: str, level: Level, *arguments: str):
        self.module, self.level, self.arguments = module, level, arguments
        self.process = self.control = None

    def start(self) -> None:
        """Begins to start, without waiting."""
        if self.process and self.process.poll() is None:
            return
        self.stop()
        self.control, theirs = socket.socketpair()
        self.warm, self.said = False, tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        with theirs:
            fd = theirs.fileno()
            command = server(self.module, self.level, str(fd), *self.arguments)
            self.process = subprocess.Popen(
                command, env=environment(), pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said
            )

    def wait_until_warm(self) -> None:
        self.start()
        if not self.warm:
            ready, _, _ = select.select([self.control], [], [], START_SECONDS)
            if not ready or not self.control.recv(1):
                raise RuntimeError(f"the grading process {self.module} does not start; it said:\n{self.words()}")
            self.warm = True

    def send(self, job: dict, fds: list[int]) -> None:
        self.wait_until_warm()
        send_job(self.control, job, fds)

    def words(self) -> str:
        self.said.seek(0)
        return self.said.read().decode(errors="replace")[-MOST_WORDS:]

    def stop(self) -> None:
        if self.process is None:
            return
        self.control.close()  # the server leaves when nobody can send it anything
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        self.process.kill()
        self.process.wait()
        self.said.close()
        self.process = None
