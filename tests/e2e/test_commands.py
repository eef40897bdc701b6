#!/usr/bin/env python3
"""latentd generate, inspect and the daemon's flags, as a shell sees them.  Arguments: parts of names.

LATENTD_BIN names the program (build/server/latentd when unset).  Python's standard library alone.
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import zlib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'support'))

import report

LATENTD = os.environ.get('LATENTD_BIN', os.path.join(ROOT, 'build/server/latentd'))
MODEL = os.path.join(ROOT, 'models/default')
UPSCALERS = os.path.join(ROOT, 'tests/parity/fixtures/upscale/upscalers')
SINGLE = os.path.join(ROOT, 'tests/parity/fixtures/single/model')
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith('LATENTD_')}


class Ran:
    def __init__(self, *arguments, cwd=ROOT, **variables):
        done = subprocess.run([LATENTD, *arguments], cwd=cwd, env=PLAIN | variables, capture_output=True, timeout=120)
        self.arguments, self.code, self.out = arguments, done.returncode, done.stdout
        self.err = done.stderr.decode()

    def expect(self, code, *parts):
        """What is wrong: another exit code, or a part that standard error does not hold."""
        wrong = [] if self.code == code else [f'{self.arguments} exits with {self.code}, not {code}: {self.err}']
        return wrong + [f'{self.arguments} does not say {part!r} but {self.err!r}' for part in parts if part not in self.err]


def chunks(png):
    """(name, data) of every chunk, checksums checked."""
    assert png[:8] == b'\x89PNG\r\n\x1a\n'
    at = 8
    while at < len(png):
        size, = struct.unpack('>I', png[at:at + 4])
        body = png[at + 4:at + 8 + size]
        assert struct.unpack('>I', png[at + 8 + size:at + 12 + size])[0] == zlib.crc32(body)
        yield body[:4], body[4:]
        at += 12 + size


def size_of(png):
    return struct.unpack('>II', dict(chunks(png))[b'IHDR'][:8])


def texts_of(png):
    texts = (data.split(b'\0', 1) for kind, data in chunks(png) if kind == b'tEXt')
    return {keyword.decode(): text.decode() for keyword, text in texts}


def parameters_of(png):
    return texts_of(png)['parameters']


def generate(folder, *flags, output='x.png', model=MODEL, **more):
    return Ran('generate', '--prompt', '3d tiger', '--model', model, '--steps', '2', '--output', output, *flags, cwd=folder,
               **more)


def read(*path):
    with open(os.path.join(*path), 'rb') as file:
        return file.read()


def test_a_picture_is_drawn_and_carries_its_parameters():
    with tempfile.TemporaryDirectory() as folder:
        ran = generate(folder, '--seed', '42', '--sampler', 'euler', '--width', '32', '--height', '48')
        wrong = ran.expect(0, 'x.png: 32x48, seed 42')
        picture = read(folder, 'x.png')
        text = parameters_of(picture)
        if size_of(picture) != (32, 48):
            wrong.append(f'the picture has {size_of(picture)} pixels')
        for part in ('3d tiger', 'Steps: 2', 'Seed: 42', 'Size: 32x48'):
            if part not in text:
                wrong.append(f'{part!r} is not in {text!r}')
        return wrong


def pixels_of(picture):
    return [data for name, data in chunks(picture) if name == b'IDAT']


def test_one_file_draws_what_its_folder_draws():
    with tempfile.TemporaryDirectory() as folder:
        flags = ('--seed', '3', '--width', '32', '--height', '32')
        whole = generate(folder, *flags, model=SINGLE, output='-')
        file = generate(folder, *flags, model=os.path.join(SINGLE, 'single.safetensors'), output='-')
        wrong = whole.expect(0) + file.expect(0)
        if not wrong and pixels_of(whole.out) != pixels_of(file.out):
            wrong.append('the file draws another picture')
        return wrong


def test_equal_flags_give_equal_bytes_whatever_the_threads():
    with tempfile.TemporaryDirectory() as folder:
        first = generate(folder, '--seed', '7', '--threads', '1', output='-')
        second = generate(folder, '--seed', '7', '--threads', '2', output='-')
        other = generate(folder, '--seed', '8', output='-')
        wrong = first.expect(0) + second.expect(0) + other.expect(0)
        if first.out != second.out:
            wrong.append('two threads draw another picture than one')
        if first.out == other.out:
            wrong.append('another seed draws the same picture')
        return wrong


def test_image_i_of_several_is_that_of_seed_plus_i():
    with tempfile.TemporaryDirectory() as folder:
        wrong = generate(folder, '--seed', '5', '--count', '3').expect(0, 'x-2.png: 128x128, seed 7')
        if sorted(os.listdir(folder)) != ['x-1.png', 'x-2.png', 'x.png']:
            wrong.append(f'the files are {os.listdir(folder)}')
        alone = generate(folder, '--seed', '6', output='-')
        pixels = [pixels_of(png) for png in (alone.out, read(folder, 'x-1.png'))]
        if pixels[0] != pixels[1]:
            wrong.append('image 1 of seed 5 is not that of seed 6')
        return wrong


def test_a_drawn_seed_is_shown_and_draws_the_same_again():
    with tempfile.TemporaryDirectory() as folder:
        drawn = generate(folder, output='-')
        wrong = drawn.expect(0, 'seed ')
        seed = drawn.err.split('seed ')[1].split(',')[0]
        if not int(seed) < 2**32:
            wrong.append(f'the seed {seed} is not below 2^32')
        if generate(folder, '--seed', seed, output='-').out != drawn.out:
            wrong.append('the shown seed draws another picture')
        return wrong


def test_the_ending_says_the_format():
    with tempfile.TemporaryDirectory() as folder:
        for name, flags, mark in (('x.jpg', (), b'\xff\xd8\xff'), ('x.JPEG', ('--quality', '10'), b'\xff\xd8\xff'),
                                  ('x.webp', (), b'RIFF'), ('y.webp', ('--lossless',), b'RIFF'), ('x', (), b'\x89PNG')):
            generate(folder, *flags, output=name).expect(0)
            with open(os.path.join(folder, name), 'rb') as file:
                data = file.read()
            assert data.startswith(mark) and (mark == b'\x89PNG' or b'UNICODE\0' in data), name
        wrong = generate(folder, '--quality', '10').expect(2, '--quality: only with')
        wrong += generate(folder, '--lossless', output='x.jpg').expect(2, '--lossless: only with')
        wrong += generate(folder, '--quality', '101', output='x.jpg').expect(2, '--quality')
        wrong += generate(folder, '--negative-prompt', 'p' * 40000, output='x.jpg').expect(2, 'too long for a JPEG')
        return wrong


def test_an_init_image_gives_the_size_and_starts_the_picture():
    with tempfile.TemporaryDirectory() as folder:
        wrong = generate(folder, '--seed', '1', '--width', '48', '--height', '32').expect(0)
        again = generate(folder, '--seed', '2', '--init-image', 'x.png', '--strength', '0.5', output='-')
        wrong += again.expect(0)
        if again.out and size_of(again.out) != (48, 32):
            wrong.append(f'the picture has {size_of(again.out)} pixels')
        larger = generate(folder, '--init-image', 'x.png', '--width', '64', '--height', '64', output='-')
        wrong += larger.expect(0, 'warning: --init-image: the picture of 48 x 32 was resized to 64 x 64')
        if larger.out and size_of(larger.out) != (64, 64):
            wrong.append(f'the resized picture has {size_of(larger.out)} pixels')
        return wrong


def test_a_mask_keeps_a_part_of_the_init_image():
    with tempfile.TemporaryDirectory() as folder:
        wrong = generate(folder, '--seed', '1', '--width', '48', '--height', '32').expect(0)
        masked = ['--seed', '2', '--init-image', 'x.png', '--mask', 'x.png']
        whole = generate(folder, *masked, output='-')
        blurred = generate(folder, *masked, '--mask-blur', '3', '--mask-invert', '--masked-content', 'fill', output='-')
        part = generate(folder, *masked, '--inpaint-full-res', '--inpaint-full-res-padding', '2', '--width', '64',
                        '--height', '64', output='-')
        for ran in (whole, blurred, part):
            wrong += ran.expect(0)
            if ran.out and size_of(ran.out) != (48, 32):
                wrong.append(f'the picture has {size_of(ran.out)} pixels')
        if len({whole.out, blurred.out, part.out}) != 3:
            wrong.append('a flag has no part in the picture')
        wrong += generate(folder, *masked[:4], '--mask', 'none.png').expect(2, '--mask: none.png: ')
        return wrong


def test_everything_wrong_is_told_at_once_and_nothing_is_drawn():
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, 'not.png'), 'w').close()
        ran = generate(folder, '--width', '33', '--cfg-scale', '-1', '--seed', '1x', '--sampler', 'wat', '--stpes', '3',
                       '--init-image', 'not.png')
        wrong = ran.expect(2, '--width: ', '--cfg-scale: ', '--seed: ', '--sampler: ', '--stpes: no such flag', '--steps?',
                           '--init-image: not.png: this is not a PNG file')
        if os.path.exists(os.path.join(folder, 'x.png')):
            wrong.append('a picture was drawn')
        return wrong


def test_a_cut_prompt_is_a_warning():
    with tempfile.TemporaryDirectory() as folder:
        return generate(folder, '--prompt', 'tiger ' * 200).expect(0, 'warning: --prompt: ')


def test_a_model_that_is_not_there_exits_with_3():
    with tempfile.TemporaryDirectory() as folder:
        wrong = Ran('generate', '--prompt', 'x', '--output', 'x.png', '--model', '/no/such', cwd=folder).expect(3, '/no/such')
        return wrong + Ran('inspect', '/no/such').expect(3, '/no/such')


def test_a_full_disk_is_a_failure():
    if not os.path.exists('/dev/full'):
        raise report.Skip('there is no /dev/full here')
    wrong = Ran('generate', '--prompt', 'x', '--steps', '1', '--output', '/dev/full', '--model', MODEL).expect(1, '/dev/full')
    with open('/dev/full', 'w') as full:
        code = subprocess.run([LATENTD, '--help'], stdout=full, stderr=subprocess.DEVNULL, env=PLAIN).returncode
    return wrong + ([] if code == 1 else [f'--help into a full disk exits with {code}'])


def test_inspect_tells_a_model_as_text_and_as_json():
    text, data = Ran('inspect', MODEL), Ran('inspect', MODEL, '--json')
    wrong = text.expect(0) + data.expect(0)
    told = json.loads(data.out)
    for part in ('family: sd1', 'unet', 'missing: none'):
        if part not in text.out.decode():
            wrong.append(f'the text does not hold {part!r}')
    if told['family'] != 'sd1' or {part['name'] for part in told['parts']} != {'text_encoder', 'unet', 'vae'}:
        wrong.append(f'the report is {str(told)[:300]}')
    return wrong


def test_inspect_tells_a_broken_model_and_exits_with_3():
    with tempfile.TemporaryDirectory() as folder:
        broken = os.path.join(folder, 'm')
        shutil.copytree(MODEL, broken)
        weights = os.path.join(broken, 'vae', 'diffusion_pytorch_model.safetensors')
        os.truncate(weights, 5000)
        ran = Ran('inspect', broken, '--json')
        wrong = ran.expect(3)
        if 'vae' not in json.loads(ran.out)['error']:
            wrong.append(f'the error is {json.loads(ran.out)["error"]!r}')
        return wrong


def upscale(folder, *flags):
    return Ran('upscale', '--image', 'x.png', '--upscalers-dir', UPSCALERS, *flags, cwd=folder)


def test_upscale_makes_a_picture_larger():
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        generate(folder, '--width', '48', '--height', '32').expect(0)
        for flags, size in ((('--upscaler', 'x4'), (192, 128)), (('--upscaler', 'listed-x2', '--scale', '1.5'), (72, 48)),
                            (('--upscaler', 'compact-x2', '--numerics', 'strict'), (96, 64)), ((), (96, 64))):
            ran = upscale(folder, '--output', 'y.png', *flags)
            wrong += ran.expect(0, f'y.png: {size[0]}x{size[1]}')
            made = read(folder, 'y.png')
            if size_of(made) != size:
                wrong.append(f'{flags}: {size_of(made)} pixels')
            before = parameters_of(read(folder, 'x.png'))
            if not parameters_of(made).startswith(before + ', Postprocess upscale by: '):
                wrong.append(f'{flags}: the settings are {parameters_of(made)!r}')
        one, three = (upscale(folder, '--upscaler', 'wide', '--output', '-', '--threads', n) for n in '13')
        if one.out != three.out or not one.out:
            wrong.append('the number of threads shows in the picture')
        wrong += upscale(folder, '--upscaler', 'nobody', '--output', 'y.png').expect(2, '--upscaler: there is no upscaler')
        wrong += upscale(folder, '--scale', '0.5', '--output', 'y.png').expect(2, '--scale: is 0.5')
        wrong += upscale(folder, '--scale', '9', '--output', 'y.png').expect(2, '--scale')
        wrong += upscale(folder, '--quality', '3', '--output', 'y.png').expect(2, '--quality: only with')
        wrong += Ran('upscale', cwd=folder).expect(2, '--image: is missing', '--output: is missing')
        wrong += Ran('upscale', '--image', 'z.png', '--output', 'y.png', '--upscalers-dir', 'nowhere', cwd=folder).expect(
            2, '--image: z.png', '--upscalers-dir: nowhere')
    return wrong


def test_bench_tells_every_part_as_text_and_as_json():
    text = Ran('bench', '--model', MODEL, '--rounds=1')
    data = Ran('bench', '--json', '--model', MODEL, '--size', '48x32', '--rounds=2', '--threads=1')
    wrong = text.expect(0) + data.expect(0)
    for part in ('sgemm', 'peak memory', 'encode', 'step', 'decode', 'conv 3x3', 'down 0', '% of sgemm'):
        if part not in text.out.decode():
            wrong.append(f'the text does not hold {part!r}')
    told = json.loads(data.out)
    if (told['width'], told['height'], told['threads'], told['rounds']) != (48, 32, 1, 2):
        wrong.append(f'the report is of something else: {str(told)[:300]}')
    for part in ('text', 'encode', 'step', 'decode'):
        times = told['parts'][part]
        if not 0 < told[part + '_s'] == times['seconds'] == min(times['turns_s']):
            wrong.append(f'{part} took {told[part + "_s"]} s, of {times["turns_s"]}')
        inside = sum(kind['seconds'] for kind in times['operators'])
        if not 0.5 < inside / times['seconds'] <= 1 or abs(inside + times['between_loops_s'] - times['seconds']) > 1e-6:
            wrong.append(f'{part}: the operators take {inside} s of {times["seconds"]}')
        if abs(sum(stage['seconds'] for stage in times['stages']) - inside) > 1e-6:
            wrong.append(f'{part}: the stages do not sum up')
    if not (told['start_s'] > 0 and told['sgemm_gflops'] > 0 and told['peak_rss_bytes'] > 1e6):
        wrong.append(f'the report is {str(told)[:300]}')
    return wrong


def test_bench_times_only_what_is_asked_for():
    wrong = []
    for part in ('encode', 'step', 'decode'):
        ran = Ran('bench', '--json', '--model', MODEL, '--only', part, '--rounds=1')
        wrong += ran.expect(0)
        if set(json.loads(ran.out)['parts']) - {'text'} != {part}:
            wrong.append(f'--only {part} times {list(json.loads(ran.out)["parts"])}')
    wrong += Ran('bench', '--only', 'vae').expect(2, '--only') + Ran('bench', '--rounds', '0').expect(2, '--rounds')
    wrong += Ran('bench', '--model', MODEL, '--size', '64').expect(2, '--size: "64" is not a width and a height')
    wrong += Ran('bench', '--model', MODEL, '--size', '64x63').expect(2, '--size: height must be a multiple of')
    return wrong + Ran('bench', '--model', '/nowhere').expect(3, '/nowhere')


def test_wrong_words_on_the_command_line_exit_with_2():
    wrong = Ran('generat').expect(2, 'did you mean generate?')
    wrong += Ran('--worker=2').expect(2, 'did you mean --workers?')
    wrong += Ran('--check-config', LATENTD_WORKER='2').expect(2, 'did you mean LATENTD_WORKERS?')
    wrong += Ran('--check-config', '--listen', '0.0.0.0:80').expect(2, '--insecure-public')
    wrong += Ran('inspect').expect(2) + Ran('inspect', '--jsno', 'x').expect(2)
    wrong += Ran('bench', '--round=1').expect(2, 'did you mean --rounds?') + Ran('benhc').expect(2, 'did you mean bench?')
    return wrong


def test_information_is_printed_and_exits_with_0():
    wrong = []
    for flags, part in ((['--version'], b'latentd '), (['--help'], b'--queue-limit N'), (['serve', '--help'], b'--queue-limit N'),
                        (['generate', '--help'], b'--cfg-scale X'), (['inspect', '--help'], b'PATH'), (['bench', '--help'], b'--rounds N'),
                        (['upscale', '--help'], b'--upscalers-dir DIR'),
                        (['--check-config'], b'right'), (['--print-config'], b'# default\nworkers = 1\n')):
        ran = Ran(*flags)
        wrong += ran.expect(0)
        if part not in ran.out or ran.err:
            wrong.append(f'{flags} prints {ran.out!r} and {ran.err!r}')
    if Ran('--print-default-config').out != read(ROOT, 'config', 'latentd.conf'):
        wrong.append('config/latentd.conf is not what --print-default-config prints')
    return wrong


def answer_once(listener, answer):
    connection, _ = listener.accept()
    connection.recv(1000)
    connection.sendall(answer)
    connection.close()


def test_healthcheck_believes_only_a_200():
    wrong = []
    for answer, code in ((b'HTTP/1.1 200 OK\r\n\r\n', 0), (b'HTTP/1.1 503 No\r\n\r\n', 1), (b'', 1)):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            thread = threading.Thread(target=answer_once, args=(listener, answer))
            thread.start()
            wrong += Ran('--healthcheck', '--listen', f'127.0.0.1:{listener.getsockname()[1]}').expect(code)
            thread.join()
    with tempfile.TemporaryDirectory() as folder:
        wrong += Ran('--healthcheck', '--listen', f'unix:{folder}/none').expect(1, 'no healthy daemon')
    return wrong


if __name__ == '__main__':
    sys.exit(report.main([test for name, test in list(globals().items()) if name.startswith('test_')]))
