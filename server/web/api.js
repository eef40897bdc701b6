/* Talking to the daemon.  All addresses are relative, so that the page works behind a prefix, too. */

/* An answer that says what was wrong (RFC 9457): errors are { pointer, detail }. */
export class Problem extends Error {
    constructor(status, body, retryAfter) {
        super(body?.detail ?? body?.title ?? `The server answered with status ${status}.`);
        this.status = status;
        this.code = body?.code ?? '';
        this.errors = body?.errors ?? [];
        this.retryAfter = retryAfter;
    }
}

/* No answer at all. */
export class Unreachable extends Error {
    constructor() {
        super('The server does not answer.');
    }
}

/* 'here', 'draining' or 'away'; says 'change' when that changes. */
export const connection = Object.assign(new EventTarget(), { state: 'here' });

function setConnection(state) {
    if (connection.state === state)
        return;
    connection.state = state;
    connection.dispatchEvent(new Event('change'));
}

/* Seeds go up to 2^64-1, more than a number holds exactly: on the page they are text. */
export function parse(text) {
    return JSON.parse(text.replace(/"seed":\s*(\d+)/g, '"seed":"$1"'));
}

/* The other way round. */
export function requestText(request) {
    const { seed, ...rest } = request;
    const text = JSON.stringify(rest);

    if (seed === undefined)
        return text;
    return `${text.slice(0, -1)}${text === '{}' ? '' : ','}"seed":${/^[0-9]+$/.test(seed) ? seed : JSON.stringify(seed)}}`;
}

async function problemOf(answer) {
    let body = null;

    try {
        body = await answer.json();
    } catch {
        /* Something between the page and the daemon answered. */
    }
    return new Problem(answer.status, body, Number(answer.headers.get('Retry-After')) || 0);
}

async function send(method, path, options) {
    try {
        return await fetch(path, { method, ...options });
    } catch {
        setConnection('away');
        throw new Unreachable();
    }
}

/* The answer, when it is a good one; throws Problem or Unreachable. */
export async function call(method, path, options = {}) {
    const answer = await send(method, path, options);

    if (answer.ok) {
        setConnection(connection.state === 'away' ? 'here' : connection.state);
        return answer;
    }
    const problem = await problemOf(answer);

    setConnection(problem.code === 'closed' ? 'draining' : 'here');
    throw problem;
}

export async function getJson(path) {
    return parse(await (await call('GET', path, { cache: 'no-store' })).text());
}

export async function postJson(path, body, headers = {}) {
    const answer = await call('POST', path, { body, headers: { 'Content-Type': 'application/json', ...headers } });

    return parse(await answer.text());
}

export async function getBlob(path) {
    return (await call('GET', path)).blob();
}

/* Asks whether jobs are taken, and notes the answer. */
export async function probe() {
    try {
        await call('GET', 'readyz');
        setConnection('here');
    } catch {
        /* Noted as well. */
    }
}

/* Like crypto.randomUUID, which pages without https do not have. */
export function randomHex(bytes) {
    return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
