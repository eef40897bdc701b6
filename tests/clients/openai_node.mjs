// The client library of OpenAI for Node, unmodified.  node openai_node.mjs TEST PORT; test_openai_node.py starts the
// daemons.  Ends with 0 when the test passes.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { File } from 'node:buffer';
import { readFileSync } from 'node:fs';

globalThis.File ??= File; // a global from Node 20 on
const require = createRequire(process.env.CLIENTS_FOLDER + '/');
const OpenAI = require('openai');

const [test, port] = process.argv.slice(2);
const client = (more) => new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', ...more });
const white = () => new File([readFileSync(process.env.PICTURE)], 'white.png', { type: 'image/png' });

// Width and height of a PNG in base64.
function sizeOf(text) {
    const png = Buffer.from(text, 'base64');

    assert.equal(png.toString('latin1', 1, 4), 'PNG');
    return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

async function raises(kind, call) {
    try {
        await call();
    } catch (error) {
        assert.equal(error.constructor.name, kind.name);
        return error;
    }
    return assert.fail(`nothing was raised, not ${kind.name}`);
}

const tests = {
    async generate() {
        const reply = await client().images.generate({
            model: 'gpt-image-1', prompt: 'tiger', n: 2, size: 'auto', quality: 'low', seed: 5,
        });

        assert.equal(reply.data.length, 2);
        assert.deepEqual(sizeOf(reply.data[1].b64_json), [128, 128]);
        assert.equal(reply.data[0].url, undefined);
        assert.ok(reply._request_id);
    },

    async urls() {
        const reply = await client().images.generate({ model: 'dall-e-3', prompt: 'tiger', style: 'vivid' });
        const picture = await fetch(reply.data[0].url);

        assert.equal(picture.headers.get('content-type'), 'image/png');
        assert.deepEqual(sizeOf(Buffer.from(await picture.arrayBuffer()).toString('base64')), [64, 64]);
    },

    async stream() {
        const kinds = [];
        const stream = await client().images.generate({ prompt: 'tiger', stream: true, partial_images: 2, steps: 12 });

        for await (const event of stream) {
            kinds.push(event.type);
            assert.deepEqual(sizeOf(event.b64_json), [64, 64]);
        }
        assert.deepEqual(kinds, ['image_generation.partial_image', 'image_generation.partial_image',
            'image_generation.completed']);
    },

    async edit() {
        const reply = await client().images.edit({ image: white(), prompt: 'tiger', strength: 0.5, steps: 4 });

        assert.deepEqual(sizeOf(reply.data[0].b64_json), [128, 128]);
        await client().images.edit({ image: [white()], prompt: 'tiger', steps: 4 });
        const error = await raises(OpenAI.BadRequestError,
            () => client().images.edit({ image: [white(), white()], prompt: 'tiger' }));
        assert.equal(error.param, 'image');
    },

    async variation() {
        const reply = await client().images.createVariation({ image: white(), n: 2, response_format: 'b64_json' });

        assert.equal(reply.data.length, 2);
    },

    async models() {
        const names = [];

        for await (const model of client().models.list()) names.push(model.id);
        assert.deepEqual(names, ['default']);
        assert.equal((await client().models.retrieve('default')).object, 'model');
        await raises(OpenAI.NotFoundError, () => client().models.retrieve('dall-e-3'));
    },

    async errors() {
        const error = await raises(OpenAI.BadRequestError,
            () => client().images.generate({ prompt: 'x', output_format: 'gif' }));

        assert.deepEqual([error.param, error.code, error.type], ['output_format', 'invalid_value', 'invalid_request_error']);
        assert.ok(error.requestID);
        await raises(OpenAI.BadRequestError,
            () => client().images.edit({ image: white(), prompt: 'x', markup: white() }));
        await raises(OpenAI.APIError, async () => {
            const stream = await client().images.generate({ prompt: 'non_finite', stream: true });

            for await (const event of stream) assert.fail(event.type);
        });
    },

    async full() {
        await raises(OpenAI.RateLimitError, () => client({ maxRetries: 0 }).images.generate({ prompt: 'x' }));
    },

    // Each attempt waits a second; the picture takes three.
    async slow() {
        const reply = await client({ timeout: 1000, maxRetries: 6 }).images.generate({ prompt: 'slow', steps: 30 });

        assert.deepEqual(sizeOf(reply.data[0].b64_json), [64, 64]);
    },
};

await tests[test]();
