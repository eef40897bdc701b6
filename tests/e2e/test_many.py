"""Two thousand pictures of a tiny model through one daemon: no error, and memory that stays where it was."""

import os
import statistics
import sys
import threading
import time

from daemon import ROOT, SLOWER, Daemon, Skip, equal, main, true

TINY = os.path.join(ROOT, "tests/parity/fixtures/thin/model")
PICTURES, CLIENTS, WARM = 2000, 8, 200
ALLOWED_KIB = 2048


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


class Clients:
    """Threads that ask for pictures until `PICTURES` have been asked for."""

    def __init__(self, daemon):
        self.daemon, self.lock = daemon, threading.Lock()
        self.asked = self.done = 0
        self.errors, self.sizes = [], []
        # Results are kept for a second: until the first of them go, memory grows, the more the faster the machine is.
        self.settled = time.monotonic() + 1.5

    def next_seed(self):
        with self.lock:
            self.asked += 1
            return self.asked if self.asked <= PICTURES else None

    def note(self, reply):
        with self.lock:
            self.done += 1
            if reply.status != 200 or not reply.body.startswith(b"\x89PNG"):
                self.errors.append(f"{reply.status} {reply.body[:200]!r}")
            if self.done >= WARM and time.monotonic() > self.settled and self.done % 20 == 0:
                self.sizes.append(resident_kib(self.daemon.process.pid))

    def ask(self):
        while (seed := self.next_seed()) is not None:
            self.note(self.daemon.generate({"prompt": "a cat", "seed": seed, "steps": 2, "width": 16, "height": 16,
                                            "sampler": "ddim"}, headers={"Accept": "image/png"}))


def test_two_thousand_pictures_leave_memory_where_it_was():
    if SLOWER > 1:
        raise Skip("a sanitizer keeps freed memory, so its resident size says nothing")
    # Results are kept for a second: what is kept is memory in use, and would grow to its limit.
    with Daemon("--queue-limit", "16", "--job-ttl", "1", model=TINY) as d:
        clients = Clients(d)
        threads = [threading.Thread(target=clients.ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(clients.errors[:5], [])
        equal(clients.done, PICTURES)
        true(len(clients.sizes) >= 10, "too few looks at the memory")
        middle = statistics.median(clients.sizes)
        spread = max(abs(size - middle) for size in clients.sizes)
        print(f"# resident {middle:.0f} KiB from picture {WARM} on, at most {spread:.0f} KiB away from it")
        true(spread <= ALLOWED_KIB, f"resident memory moved by {spread:.0f} KiB")


if __name__ == "__main__":
    sys.exit(main(globals()))
