#!/usr/bin/env python3
"""The lint checks' own test: each is shown something bad, which it must refuse, and something good, which it must not."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import field_tables
import includes
import report
import text
import tools
import tree

FILES = {
    'engine/base/arena.h', 'engine/base/json.h', 'engine/tensor/tensor.h', 'engine/kernels/gemm.h',
    'engine/nn/linear.h', 'engine/unet/unet.h', 'engine/vae/vae.h', 'engine/text/clip_text.h',
    'engine/sampling/sampling.h', 'engine/pipeline/parts.h', 'include/latentd/error.h', 'include/latentd/model.h',
    'server/util/strbuf.h', 'server/http/httpd.h', 'server/store/job.h', 'server/handlers/routes.h',
}


class Case:
    """Collects what went otherwise than claimed."""

    def __init__(self):
        self.wrong = []

    def refuses(self, problems, what):
        if not problems:
            self.wrong.append('accepted: ' + what)

    def accepts(self, problems, what):
        if problems:
            self.wrong.append(f'refused: {what}: {problems[0]}')


class Folder:
    """A temporary folder of files."""

    def __init__(self, **files):
        self.path = tempfile.mkdtemp()
        for name, content in files.items():
            self.write(name.replace('__', '/').replace('_dot_', '.'), content)

    def write(self, name, content):
        path = os.path.join(self.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(content)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def test_an_include_upwards_or_sideways_is_refused():
    case = Case()
    for path, line in (
            ('engine/base/x.c', '#include "tensor/tensor.h"'),
            ('engine/tensor/x.c', '#include "kernels/gemm.h"'),
            ('engine/unet/x.c', '#include "vae/vae.h"'),
            ('engine/unet/x.c', '#include "../vae/vae.h"'),
            ('engine/vae/x.c', '#include "text/clip_text.h"'),
            ('engine/text/x.c', '  #  include "unet/unet.h"'),
            ('engine/sampling/x.c', '#include "unet/unet.h"'),
            ('engine/nn/x.c', '#include "sampling/sampling.h"'),
            ('engine/unet/x.c', '#include "pipeline/parts.h"'),
            ('engine/kernels/x.c', '#include <latentd/model.h>'),
            ('engine/base/x.c', '#include "base/nowhere.h"'),
            ('engine/base/x.c', '#include "latentd/error.h"'),
            ('engine/base/x.c', '#include "../../server/util/strbuf.h"'),
            ('engine/newfolder/x.c', '#include <stdio.h>'),
            ('server/util/x.c', '#include "http/httpd.h"'),
            ('server/http/x.c', '#include "handlers/routes.h"'),
            ('server/jobs/x.c', '#include "../../engine/base/arena.h"'),
            ('server/jobs/x.c', '#include "base/arena.h"'),
            ('server/main.c', '#include "unet/unet.h"'),
            ('include/latentd/x.h', '#include "base/arena.h"')):
        case.refuses(includes.check(path, '/* x */\n' + line + '\n', FILES), f'{line} in {path}')
    return case.wrong


def test_an_include_downwards_is_accepted():
    case = Case()
    for path, line in (
            ('engine/tensor/x.c', '#include "base/arena.h"'),
            ('engine/tensor/x.c', '#include "tensor/tensor.h"'),
            ('engine/tensor/x.c', '#include "tensor.h"'),
            ('engine/unet/x.c', '#include "nn/linear.h"'),
            ('engine/pipeline/x.c', '#include "vae/vae.h"'),
            ('engine/pipeline/x.c', '#include <latentd/model.h>'),
            ('engine/base/x.c', '#include <sys/mman.h>'),
            ('server/main.c', '#include "handlers/routes.h"'),
            ('server/main.c', '#include <latentd/model.h>')):
        case.accepts(includes.check(path, line + '\n', FILES), f'{line} in {path}')
    return case.wrong


def test_a_library_stays_in_its_file():
    case = Case()
    for header, here, elsewhere in (
            ('cblas.h', 'engine/kernels/gemm.c', 'engine/kernels/conv.c'),
            ('cjson/cJSON.h', 'engine/base/json.c', 'server/api/decode.c'),
            ('png.h', 'engine/image/png_decode.c', 'engine/pipeline/generate.c'),
            ('zlib.h', 'engine/image/png_encode.c', 'server/http/httpd.c'),
            ('microhttpd.h', 'server/http/httpd.c', 'server/handlers/handle_jobs.c'),
            ('utf8proc.h', 'engine/tokenizer/clip_clean.c', 'engine/base/utf8.c'),
            ('pthread.h', 'server/jobs/worker.c', 'engine/unet/unet.c'),
            ('immintrin.h', 'engine/kernels/x86/avx2.c', 'engine/nn/linear.c')):
        line = f'#include <{header}>\n'
        case.accepts(includes.check(here, line, FILES), f'{header} in {here}')
        case.refuses(includes.check(elsewhere, line, FILES), f'{header} in {elsewhere}')
        case.refuses(includes.check(elsewhere, f'#include "{header}"\n', FILES), f'"{header}" in {elsewhere}')
    case.refuses(includes.check('server/http/x.c', '#include <glib.h>\n', FILES), 'a library that no row names')
    return case.wrong


def test_two_files_of_one_name_are_refused():
    case = Case()
    case.refuses(text.same_names(['engine/base/x.c', 'server/util/x.c']), 'x.c twice')
    case.accepts(text.same_names(['engine/base/x.c', 'engine/base/x.h']), 'x.c and x.h')
    return case.wrong


def test_data_are_not_text():
    case = Case()
    for path in ('models/default/vocab.json', 'tests/fuzz/corpora/json/bad-utf8', 'tests/parity/fixtures/x.txt',
                 'tests/engine/image/fixtures/gray8.rgb'):
        if not text.is_data(path):
            case.wrong.append(path + ' is taken for text')
    for path in ('README.md', 'tests/fuzz/fuzz_json.c', 'engine/base/json.c', 'tests/parity/make_fixtures.py'):
        case.refuses(not text.is_data(path), path)
    return case.wrong


def test_unclean_text_is_refused():
    case = Case()
    for bad in ('/* TODO: later */\n', 'x = 1; // FIXME\n', '# XXX\n', 'int x; \n', 'int x;\r\n', 'int x;',
                'path = "/' + 'home/me/latentd"\n', 'see /' + 'work/notes.md\n', "open('/" + "root/x')\n", 'written by Chat' + 'GPT\n',
                'Co-authored-by: someone\n', '\tint x;\n', 'int x;\n\n'):
        case.refuses(text.check('engine/base/x.c', bad), repr(bad))
    for good in ('mktemp -t latentd.XXXXXX\n', 'tests/home/x\n', '"$root/bin"\n', '${work}/x\n', 'todo\n', ''):
        case.accepts(text.check('scripts/x.sh', good), repr(good))
    return case.wrong


def function_of(lines, name='int f(void)'):
    return name + '\n{\n' + '    g();\n' * lines + '}\n'


def test_what_is_too_long_is_refused():
    case = Case()
    wrong, _ = text.lengths('x.c', function_of(text.MAX_FUNCTION + 1))
    case.refuses(wrong, 'a function that is too long')
    wrong, long = text.lengths('x.c', function_of(3) + '\n' + function_of(text.MAX_FUNCTION))
    case.accepts(wrong, 'a function that is only long')
    if not long or not long[0].startswith('x.c:8:'):
        case.wrong.append(f'a long function is not told as x.c:8, but as {long}')
    wrong, long = text.lengths('x.c', function_of(3) * 70)
    case.accepts(wrong + long, 'many short functions')
    case.refuses(text.lengths('x.py', 'x = 1\n' * (text.MAX_FILE + 1))[0], 'a file that is too long')
    case.refuses(text.lengths('x.py', 'x = 1\n' * (text.LONG_FILE + 1))[1], 'a file that is long')
    return case.wrong


def test_a_header_that_needs_another_is_refused():
    case = Case()
    flags = ['-std=c17', '-Wall', '-Wextra', '-Wstrict-prototypes']
    with Folder(engine__base__bad_dot_h='size_t bad_size(void);\n',
                engine__base__old_dot_h='int old();\n',
                engine__base__good_dot_h='#include <stddef.h>\nstatic inline size_t good(size_t x)\n{\n    return x;\n}\n',
                server__http__peeks_dot_h='#include "base/good.h"\n') as folder:
        for compiler in ('gcc', 'clang'):
            case.refuses(tools.header_alone(compiler, flags, 'engine/base/bad.h', folder.path), compiler + ' bad.h')
            case.refuses(tools.header_alone(compiler, flags, 'engine/base/old.h', folder.path), compiler + ' old.h')
            case.refuses(tools.header_alone(compiler, flags, 'server/http/peeks.h', folder.path), compiler + ' peeks.h')
            case.accepts(tools.header_alone(compiler, flags, 'engine/base/good.h', folder.path), compiler + ' good.h')
    return case.wrong


def test_another_layout_is_refused():
    program, why_not = tools.format_tool()
    if not program:
        raise report.Skip(why_not)
    case = Case()
    with Folder(bad_dot_c='int f(void) { return 1; }\n', good_dot_c='int f(void)\n{\n    return 1;\n}\n') as folder:
        shutil.copy(os.path.join(tree.ROOT, '.clang-format'), folder.path)
        case.refuses(tools.badly_formatted(program, ['bad.c'], folder.path), 'bad.c')
        case.accepts(tools.badly_formatted(program, ['good.c'], folder.path), 'good.c')
    return case.wrong


def test_bad_scripts_are_refused():
    case = Case()
    with Folder(bad_dot_sh='#!/bin/sh\nrm -rf $1/*\n', good_dot_sh='#!/bin/sh\necho "$1"\n', bad_dot_py='import os\nx = y\n',
                syntax_dot_py='def f(:\n', good_dot_py='x = 1\n') as folder:
        case.refuses(tools.shell_problems(['bad.sh'], folder.path), 'bad.sh')
        case.accepts(tools.shell_problems(['good.sh'], folder.path), 'good.sh')
        case.refuses(tools.python_problems(sys.executable, ['bad.py'], folder.path), 'bad.py')
        case.refuses(tools.python_problems(sys.executable, ['syntax.py'], folder.path), 'syntax.py')
        case.accepts(tools.python_problems(sys.executable, ['good.py'], folder.path), 'good.py')
    return case.wrong


def test_a_clang_warning_is_refused():
    case = Case()
    project = "project('x', 'c', default_options: ['warning_level=2'])\nstatic_library('x', 'x.c')\n"
    with Folder(bad__meson_dot_build=project, bad__x_dot_c='static int unused;\n',
                good__meson_dot_build=project, good__x_dot_c='int used(void);\nint used(void)\n{\n    return 1;\n}\n') as folder:
        for name, judge in (('bad', case.refuses), ('good', case.accepts)):
            source = os.path.join(folder.path, name)
            judge(tools.clang_build(os.path.join(source, 'build'), source), name)
    return case.wrong


def test_a_stale_config_file_is_refused():
    case = Case()
    with Folder(prints='#!/bin/sh\necho "workers = 1"\n', stale_dot_conf='workers = 2\n',
                fresh_dot_conf='workers = 1\n') as folder:
        program = os.path.join(folder.path, 'prints')
        os.chmod(program, 0o755)
        case.refuses(tools.stale_config(program, 'stale.conf', folder.path), 'a stale file')
        case.refuses(tools.stale_config(program, 'absent.conf', folder.path), 'no file')
        case.refuses(tools.stale_config(program + 's', 'fresh.conf', folder.path), 'no program')
        case.accepts(tools.stale_config(program, 'fresh.conf', folder.path), 'a fresh file')
    return case.wrong


def test_files_are_found_without_git():
    case = Case()
    with Folder(engine__x_dot_c='', build__y_dot_c='', tests__build__z_dot_c='') as folder:
        found = tree.paths(folder.path)
    if found != ['engine/x.c', 'tests/build/z.c']:
        case.wrong.append(f'found {found}')
    return case.wrong


def test_a_table_of_fields_is_told_from_a_stale_one():
    row = 'OPENAI_FIELD(N, "n", "also",  G | V, WORD, 0, 0, "a b", "", INERT, "about (it), \\"all\\" of it")'
    lines = field_tables.openai_fields('/* text */\n' + row + '\n')
    wrong = [] if lines[2] == '| `n`, `also` | G V | inert | a, b | about (it), "all" of it |' else lines
    document = 'x\n<!-- f.def -->\nold\n<!-- end -->\ny\n'
    if field_tables.renewed(document, 'f.def', ['new']) != document.replace('old', 'new'):
        wrong.append('the table is not replaced')
    if field_tables.renewed('x\n', 'f.def', ['new']) is not None:
        wrong.append('a document without a place for the table is accepted')
    return wrong


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
