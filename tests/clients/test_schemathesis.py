"""schemathesis over /openapi.json: every route, with what it takes and with what it does not."""

import os
import re
import subprocess
import sys
import tempfile

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "e2e"))
from daemon import Daemon, equal, main, true  # noqa: E402

# All but one: requests that fit the schema may still be refused, for what their fields mean together, such as width
# times height.
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance")


def test_no_answer_is_undocumented_and_none_is_the_servers_fault():
    with Daemon("--max-pixels", "4096", "--max-steps", "4", "--max-count", "2", "--queue-limit", "4096", "--job-ttl", "2",
                fake_step_ms=0) as d, tempfile.TemporaryDirectory() as notes:
        # All but the one that it reads the description from, which it leaves out by itself.
        routes = sum(len(item) for item in d.get("/openapi.json").json()["paths"].values()) - 1
        # It leaves its notes in the folder that it runs in.
        program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
        done = subprocess.run(
            [program, "run", f"http://127.0.0.1:{d.port}/openapi.json", "--no-color", "--checks", CHECKS, "--phases",
             "coverage,fuzzing", "--max-examples", "3", "--seed", "1", "--generation-deterministic", "--no-shrink",
             "--continue-on-failure", "--suppress-health-check", "all", "--request-timeout", "30", "--warnings", "off"],
            capture_output=True, text=True, timeout=600, cwd=notes)
        told = [line for line in done.stdout.splitlines() if line.strip() and "curl " not in line]
        equal(done.returncode, 0, "\n".join(told)[-8000:] + done.stderr)
        equal(re.search(r"Tested: +(\d+)", done.stdout).group(1), str(routes))
        true(int(re.search(r"(\d+) generated", done.stdout).group(1)) > 20 * routes, done.stdout)
        equal(d.get("/healthz").status, 200)


if __name__ == "__main__":
    main(globals())
