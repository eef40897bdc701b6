#!/usr/bin/env python3
"""Lints the tree: layout, includes, looks, words, both compilers.  Arguments: parts of test names."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))

import field_tables
import includes
import report
import text
import tools
import tree

ROOT = tree.ROOT
BUILD = os.environ.get('LATENTD_BUILD_DIR', os.path.join(ROOT, 'build'))
CLANG_BUILD = BUILD + '-clang'


def test_includes_go_down_only():
    files = set(tree.paths())
    wrong = []
    for path in tree.sources('.c', '.h', '.def'):
        if path.startswith(('engine/', 'server/', 'include/')):
            wrong += includes.check(path, tree.read(path), files)
    return wrong


def test_file_names_are_unique():
    return text.same_names(tree.sources('.c', '.h', '.def'))


def test_text_is_clean():
    wrong = []
    for path in tree.paths():
        if tree.is_text(path) and not text.is_data(path):
            try:
                wrong += text.check(path, tree.read(path))
            except UnicodeDecodeError as error:
                wrong.append(f'{path}: {error}')
    return wrong


def test_files_and_functions_are_short():
    wrong = []
    for path in tree.sources('.c', '.h', '.py', '.sh'):
        too_long, long = text.lengths(path, tree.read(path))
        wrong += too_long
        for line in long:
            print('# long: ' + line)
    return wrong


def test_clang_builds_without_a_warning():
    return tools.clang_build(CLANG_BUILD, ROOT)


def headers_alone(compiler, build):
    flags = tools.compile_flags(build)
    wrong = []
    for header in tree.sources('.h'):
        wrong += tools.header_alone(compiler, flags, header, ROOT)
    return wrong


def test_headers_compile_alone_with_gcc():
    return headers_alone('gcc', BUILD)


def test_headers_compile_alone_with_clang():
    return headers_alone('clang', CLANG_BUILD)


def test_clang_format_agrees():
    program, why_not = tools.format_tool()
    if not program:
        raise report.Skip(why_not)
    return tools.badly_formatted(program, tree.sources('.c', '.h'), ROOT)


def test_config_file_is_fresh():
    if 'server/main.c' not in tree.paths():
        raise report.Skip('this tree has no program that prints it')
    return tools.stale_config(os.path.join(BUILD, 'server/latentd'), 'config/latentd.conf', ROOT)


def test_tables_of_fields_in_the_docs_are_fresh():
    return field_tables.stale()


def test_shellcheck_agrees():
    return tools.shell_problems([path for path in tree.paths() if tree.is_shell_script(path)], ROOT)


def test_pyflakes_agrees():
    return tools.python_problems(sys.executable, tree.sources('.py'), ROOT)


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
