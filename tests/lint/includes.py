"""Who may include whom.

Data and dependencies go down only.  A folder may include its own headers, those of the folders in its row, the public
headers in its row, and the C and POSIX libraries; a library from elsewhere has the few files that may know it.
"""

import posixpath
import re

BASE = {'base'}
TENSOR = BASE | {'tensor'}
KERNELS = TENSOR | {'kernels'}
NN = KERNELS | {'weights', 'nn'}
ENGINE = NN | {'tokenizer', 'text', 'unet', 'vae', 'upscale', 'sampling', 'image', 'pipeline'}

ANY = {'cost.h', 'error.h', 'status.def', 'json.h', 'image.h', 'model.h', 'params.h', 'samplers.def', 'schedulers.def',
       'session.h', 'upscale.h', 'limits.h', 'timings.h', 'operators.def'}
ERRORS = {'error.h', 'status.def'}
FILES = ERRORS | {'json.h'}

# Folder: (folders that it may include besides itself, public headers that it may include).
MAY_INCLUDE = {
    'include/latentd': (set(), ANY),
    'engine/base': (set(), FILES),
    'engine/tensor': (BASE, ERRORS | {'timings.h', 'operators.def'}),
    'engine/kernels': (TENSOR, ERRORS),
    'engine/weights': (TENSOR, FILES),
    'engine/tokenizer': (BASE, FILES),
    'engine/nn': (KERNELS | {'weights'}, FILES),
    'engine/text': (NN, FILES),
    'engine/unet': (NN, FILES),
    'engine/vae': (NN, FILES),
    'engine/upscale': (NN, FILES),
    'engine/sampling': (KERNELS, FILES | {'params.h', 'samplers.def', 'schedulers.def'}),
    'engine/image': (BASE, ERRORS | {'image.h'}),
    'engine/pipeline': (ENGINE, ANY),
    'server/util': (set(), ERRORS),
    'server/options': ({'util'}, ERRORS | {'limits.h'}),
    'server/http': ({'util'}, ERRORS),
    'server/jobs': ({'util', 'store'}, ANY),
    'server/store': ({'util'}, ANY),
    'server/api': ({'jobs', 'store', 'util'}, ANY),
    'server/handlers': ({'http', 'api', 'jobs', 'store', 'util', 'options', 'web', 'webhook'}, ANY),
    'server/commands': ({'api', 'options', 'util'}, ANY),
    'server/webhook': ({'util', 'jobs'}, ERRORS),
    'server/web': (set(), set()),
    'server': ({'util', 'options', 'http', 'jobs', 'store', 'api', 'handlers', 'webhook', 'web', 'commands'}, ANY),
}

# Header of a library from elsewhere: the files that may include it.
CONFINED = {
    r'(cblas|openblas_config|f77blas|lapacke)\.h': r'engine/kernels/gemm\.c',
    r'(cjson/)?cJSON\.h': r'engine/base/json\w*\.[ch]',
    r'(png|pngconf|zlib)\.h': r'engine/image/png_\w+\.c',
    r'(jpeglib|turbojpeg)\.h': r'engine/image/jpeg\.c',
    r'webp/\w+\.h': r'engine/image/webp\.c',
    r'utf8proc\.h': r'engine/tokenizer/\w+\.c',
    r'(dnnl|oneapi/dnnl/\w+)\.h': r'engine/kernels/\w+\.c',
    r'microhttpd\.h': r'server/http/\w+\.[ch]',
    r'sqlite3\.h': r'server/store/\w*sqlite\w*\.c',
    r'libpq-fe\.h': r'server/store/\w*postgres\w*\.c',
    r'nettle/\w+\.h': r'server/util/sha256\.c',
    r'curl/curl\.h': r'server/webhook/\w+\.c',
    r'(\w*intrin|cpuid|arm_neon)\.h': r'engine/kernels/.*',
    r'sanitizer/asan_interface\.h': r'engine/base/arena\.c',
    r'pthread\.h': r'engine/base/\w+\.[ch]|server/(main\.c|(http|jobs|store|handlers|webhook)/\w+\.[ch])',
}

LIBC = set('''
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
    stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar wchar wctype
    dirent dlfcn fcntl fnmatch getopt glob grp ifaddrs libgen link malloc netdb poll pwd sched semaphore syslog
    termios unistd endian byteswap
    '''.split())
LIBC_FOLDERS = ('sys', 'netinet', 'arpa', 'net', 'linux')

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def folder_of(path):
    """The row of the table that a file of engine/, server/ or include/ belongs to."""
    parts = path.split('/')
    if parts[0] == 'include':
        return 'include/latentd'
    if len(parts) == 2:
        return parts[0]
    return '/'.join(parts[:2])


def is_libc(header):
    folder, _, name = header.rpartition('/')
    return (not folder and name.endswith('.h') and name[:-2] in LIBC) or folder.split('/')[0] in LIBC_FOLDERS


def problem(path, quote, header, files):
    """What is wrong with one include of one file, or None."""
    for pattern, where in CONFINED.items():
        if re.fullmatch(pattern, header):
            return None if re.fullmatch(where, path) else f'{header} stays in {where}'
    folder = folder_of(path)
    if folder not in MAY_INCLUDE:
        return f'{folder} has no row in the table of who may include whom'
    folders, public = MAY_INCLUDE[folder]
    if header.startswith('latentd/'):
        if header[len('latentd/'):] not in public:
            return f'{folder} may not include <{header}>'
        return None if quote == '<' else f'public headers are included as <{header}>'
    if quote == '<':
        return None if is_libc(header) else f'<{header}> is neither libc nor in the table'
    side = path.split('/')[0]
    if posixpath.join(side, header) in files:
        target = posixpath.join(side, header)
    else:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), header))
    if target not in files:
        return f'"{header}" is not in the tree, seen from {side}/ or from the file'
    if target.split('/')[0] != side:
        return f'{side}/ never includes "{header}" of {target.split("/")[0]}/'
    owner = folder_of(target)
    if owner != folder and owner.partition('/')[2] not in folders:
        return f'{folder} may not include {owner}'
    return None


def check(path, text, files):
    """The problems of one source file of engine/, server/ or include/; files is the set of all paths."""
    found = []
    for match in INCLUDE.finditer(text):
        wrong = problem(path, match[1], match[2], files)
        if wrong:
            line = text.count('\n', 0, match.start()) + 1
            found.append(f'{path}:{line}: {wrong}')
    return found
