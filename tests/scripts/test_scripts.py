#!/usr/bin/env python3
"""scripts/test and what it shares with scripts/serve, run on small checkouts made for it.  Arguments: parts of names."""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import report

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

MESON = '''project('x', 'c', default_options: ['warning_level=2'])
test('test_first', executable('test_first', 'first.c'), suite: 'unit')
'''
FIRST = '''#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    if (argc < 2 || strstr("adds", argv[1]))
        puts("ok adds");
    else
        puts("# no test has that name");
    return !(argc < 2 || strstr("adds", argv[1]));
}
'''
REPORTS = '''import os
print('ok survives')
open(os.environ['ASAN_OPTIONS'].split('log_path=')[1] + '.1', 'w').write('ERROR: a report')
'''


class Checkout:
    """A temporary checkout with this tree's scripts and the given files."""

    def __init__(self, **files):
        self.path = tempfile.mkdtemp()
        shutil.copytree(os.path.join(ROOT, 'scripts'), os.path.join(self.path, 'scripts'))
        shutil.copytree(os.path.join(ROOT, '.ci'), os.path.join(self.path, '.ci'))
        self.write('meson.build', MESON)
        self.write('first.c', FIRST)
        for name, content in files.items():
            self.write('tests/zz/test_' + name + '.py', content)

    def write(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(content)
        return path

    def run(self, *command, **environment):
        """Exit status, output lines."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(('LATENTD_', 'ASAN', 'TSAN'))}
        env.update(environment)
        done = subprocess.run(command, cwd='/', env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout.rstrip('\n').split('\n')

    def test(self, *arguments, **environment):
        return self.run(os.path.join(self.path, 'scripts/test'), *arguments, **environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def expect(result, status, last):
    """What is wrong with the exit status and the last line of a run."""
    if result[0] == status and result[1][-1] == last:
        return []
    return [f'ended with {result[0]} and "{result[1][-1]}", not with {status} and "{last}"', *result[1][-30:]]


def test_lines_of_all_programs_are_counted():
    with Checkout(mixed='print("ok a\\n# said\\nskip b: no x")', good='print("ok c")') as checkout:
        return expect(checkout.test('unit', 'zz'), 0, '3 passed, 0 failed, 1 skipped')


def test_a_program_that_reads_its_input_gets_none():
    eats = 'import sys\nprint("not ok eats" if sys.stdin.read() else "ok eats")'
    with Checkout(a=eats, b=eats, c=eats) as checkout:
        return expect(checkout.test('zz'), 0, '3 passed, 0 failed, 0 skipped')


def test_a_failed_test_fails_the_run():
    with Checkout(bad='print("ok a\\n# because\\nnot ok b")') as checkout:
        result = checkout.test('zz')
        wrong = expect(result, 1, '1 passed, 1 failed, 0 skipped')
        return wrong or ([] if '    # because' in result[1] else ['the reason is not shown'])


def test_a_program_that_ends_badly_fails_the_run():
    with Checkout(crash='import os\nprint("ok a", flush=True)\nos.kill(os.getpid(), 11)',
                  silent='', exits='print("ok b")\nraise SystemExit(3)', reports=REPORTS) as checkout:
        return expect(checkout.test('zz'), 1, '3 passed, 4 failed, 0 skipped')


def test_nothing_run_is_a_failure():
    with Checkout() as checkout:
        return expect(checkout.test('no_such_test'), 1, '0 passed, 0 failed, 0 skipped')


def test_a_part_of_a_name_chooses_tests():
    told = 'import sys\nprint("ok " + ",".join(sys.argv[1:]) + " of whole_word")'
    with Checkout(told=told, other='print("not ok x")') as checkout:
        return (expect(checkout.test('add'), 0, '1 passed, 0 failed, 0 skipped')
                + expect(checkout.test('first'), 0, '1 passed, 0 failed, 0 skipped')
                + expect(checkout.test('whole_word'), 0, '1 passed, 0 failed, 0 skipped'))


def test_a_build_that_fails_is_told_in_the_last_line():
    with Checkout() as checkout:
        checkout.write('first.c', 'int main(void)\n{\n    int unused;\n    return 0;\n}\n')
        return expect(checkout.test('unit'), 1, '0 passed, 1 failed, 0 skipped')


def test_the_build_folder_may_be_elsewhere():
    with Checkout() as checkout, tempfile.TemporaryDirectory() as elsewhere:
        wrong = expect(checkout.test('unit', LATENTD_BUILD_DIR=elsewhere + '/b'), 0, '1 passed, 0 failed, 0 skipped')
        if os.path.exists(os.path.join(checkout.path, 'build')):
            wrong.append('there is a build folder in the checkout')
        return wrong


def test_continuous_integration_runs_the_same():
    with Checkout() as checkout:
        checkout.write('scripts/test', '#!/bin/sh\necho "ran with $# arguments"\n')
        return expect(checkout.run(os.path.join(checkout.path, '.ci/run')), 0, 'ran with 0 arguments')


# A registry that nobody answers for.
NOWHERE = {'PIP_INDEX_URL': 'http://127.0.0.1:9/simple', 'PIP_RETRIES': '0', 'PIP_FIND_LINKS': '', 'PIP_NO_CACHE_DIR': '1'}


def clients(requirements, **environment):
    """Runs the suite `clients`, whose only test tells whether it has the environment made for it."""
    told = 'import sys\nprint("ok prefix" if sys.prefix.endswith("/.venv/clients") else "not ok prefix")'
    with Checkout() as checkout:
        checkout.write('tests/clients/requirements.txt', requirements)
        checkout.write('tests/clients/test_told.py', told)
        return checkout.test('clients', **{'CI': '', **environment})


def test_clients_have_packages_of_their_own():
    return expect(clients(''), 0, '1 passed, 0 failed, 0 skipped')


def test_clients_are_skipped_without_a_registry():
    return expect(clients('no-such-package==1\n', **NOWHERE), 0, '0 passed, 0 failed, 1 skipped')


def test_continuous_integration_skips_no_clients():
    return expect(clients('no-such-package==1\n', CI='true', **NOWHERE), 1, '0 passed, 1 failed, 0 skipped')


# Says what it was asked, and brings the command `gadget` with the package gadget-bin.
APT = '''#!/bin/sh
echo "apt: $*"
case "$*" in *install*gadget-bin*) printf '#!/bin/sh\\n' > "$BIN/gadget"; chmod +x "$BIN/gadget" ;; esac
case "$*" in *update*) exit 100 ;; esac
'''


def installing(need, setup=''):
    """Output of install_missing NEED with an apt-get of our own, as root."""
    with Checkout() as checkout:
        folder = os.path.join(checkout.path, 'bin')
        for name, content in (('apt-get', APT), ('id', '#!/bin/sh\necho "${FAKE_ID:-0}"\n'),
                              ('sudo', '#!/bin/sh\necho "sudo: $1"\nexec "$@"\n')):
            os.chmod(checkout.write('bin/' + name, content), 0o755)
        script = f'{setup}\nset -euo pipefail\n. {checkout.path}/scripts/lib.sh\ninstall_missing "{need}"\necho "went on"\n'
        return checkout.run('bash', '-c', script, BIN=folder, PATH=folder + ':' + os.environ['PATH'])


def test_what_is_missing_is_installed():
    status, lines = installing('command gadget gadget-bin')
    wrong = [] if status == 0 and lines[-1] == 'went on' else ['ended with ' + lines[-1]]
    if not any(line.startswith('apt: ') and ' update' in line for line in lines):
        wrong.append('no apt-get update')
    if not any(line.startswith('bash: installing') and 'gadget-bin' in line for line in lines):
        wrong.append('does not say what it installs')
    return wrong + (lines if wrong else [])


def test_nothing_is_installed_when_nothing_is_missing():
    return expect(installing('command sh dash'), 0, 'went on') + (
        ['asked apt-get'] if any('apt' in line for line in installing('command sh dash')[1]) else [])


def test_what_cannot_be_installed_stops_the_script():
    status, lines = installing('command widget widget-bin')
    return [] if status == 1 and 'still missing' in lines[-1] else ['went on without it', *lines]


def test_without_root_sudo_installs():
    status, lines = installing('command gadget gadget-bin', 'export FAKE_ID=1000')
    return [] if status == 0 and 'sudo: env' in lines else ['sudo was not asked', *lines]


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
