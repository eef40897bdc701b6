/* A request as a line for a shell. */

import { requestText } from './api.js';
import { base64Of } from './start_image.js';

function quoted(text) {
    return `'${text.replaceAll("'", "'\\''")}'`;
}

/* The request for one picture: everything said, so that the same picture comes. */
export function pictureRequest(job, picture) {
    const { kind, count, output, webhook, tags, image, ...settings } = job.request ?? job.asked;

    return { ...settings, seed: picture?.seed ?? settings.seed };
}

/* An argument of a command holds 128 KiB: a request with a picture goes in as a document. */
export async function curlCommand(settings, start) {
    const url = quoted(new URL('api/v1/generate', document.baseURI).href);
    const name = settings.seed === undefined ? 'picture' : settings.seed;
    const more = `-H 'Accept: image/png' \\\n    -o ${name}.png ${url}`;

    if (!start)
        return `curl --fail-with-body --json ${quoted(requestText(settings))} ${more}\n`;
    const body = requestText({ ...settings, image: await base64Of(start) });

    return `curl --fail-with-body --json @- ${more} <<'JSON'\n${body}\nJSON\n`;
}
