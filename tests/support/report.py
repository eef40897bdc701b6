"""What a Python test prints: one line a test, "ok NAME", "not ok NAME" or "skip NAME: reason", and reasons as '# ...'."""

import sys
import traceback


class Skip(Exception):
    """A test that cannot be run here, with its reason."""


def main(tests):
    """Runs the functions whose name contains one of the program's arguments, and returns the exit status.  A test
    returns the list of what is wrong, empty or None when nothing is."""
    parts = sys.argv[1:]
    chosen = [test for test in tests if not parts or any(part in test.__name__ for part in parts)]
    failed = not chosen
    if not chosen:
        print('# no test has that name')
    for test in chosen:
        name = test.__name__.replace('test_', '', 1)
        try:
            wrong = test() or []
        except Skip as reason:
            print(f'skip {name}: {reason}')
            continue
        except Exception:  # whatever it is, the other tests still run
            wrong = traceback.format_exc().rstrip('\n').split('\n')
        for line in wrong:
            print('# ' + line)
        failed = failed or bool(wrong)
        print(('not ok ' if wrong else 'ok ') + name, flush=True)
    return 1 if failed else 0
