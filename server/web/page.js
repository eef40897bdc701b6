/* The page's parts, and what they want of each other. */

import { Problem, Unreachable, connection, postJson, probe, requestText } from './api.js';
import { About } from './about.js';
import { curlCommand } from './curl.js';
import { announce, byId, copyText, duration, finishToast, setText, toast } from './dom.js';
import { Drop } from './drop.js';
import { Form } from './form.js';
import { Gallery, promptOf, stateOf } from './gallery.js';
import { Jobs, isUnfinished } from './jobs.js';
import { getNote, setNote } from './keep.js';
import { loadSchema } from './schema.js';
import { Viewer } from './viewer.js';

const ESTIMATE_MS = 400, PROBE_MS = 3000, WATCH_MS = 30000;
const NARROW = matchMedia('(max-width: 56rem)'), STILL = matchMedia('(prefers-reduced-motion: reduce)');
const THEMES = ['system', 'light', 'dark'];

/* A word to all that stays until it is no longer so; kind: 'bad', 'wait' or null for none. */
function banner(kind, text) {
    const box = byId('banner');

    box.hidden = !kind;
    box.className = kind ?? '';
    setText(box, text ?? '');
}

function whatToDo(problem) {
    const wait = problem.retryAfter ? ` Try again in ${duration(problem.retryAfter)}.` : ' Try again in a moment.';

    switch (problem.status) {
    case 429:
        return `The queue is full.${wait}`;
    case 503:
        return connection.state === 'draining' ? 'The server is shutting down and takes nothing new. What it is drawing may still come.'
            : `The server cannot take this now.${wait}`;
    case 413:
        return 'That is more than the server takes in one request. A smaller start picture will do.';
    default:
        return problem.message;
    }
}

function showConnection() {
    if (connection.state === 'away')
        banner('bad', 'The server does not answer. Is latentd running? The page goes on by itself as soon as it is.');
    else if (connection.state === 'draining')
        banner('wait', 'The server is shutting down and takes nothing new. What it is drawing may still come.');
    else
        banner(null);
}

function watchConnection() {
    let timer = 0;
    const again = () => {
        clearTimeout(timer);
        timer = setTimeout(async () => {
            if (!document.hidden)
                await probe();
            again();
        }, connection.state === 'here' ? WATCH_MS : PROBE_MS);
    };

    connection.addEventListener('change', () => {
        showConnection();
        again();
    });
    again();
}

function startTheme() {
    const button = byId('theme');
    const show = (theme) => {
        button.dataset.theme = theme;
        button.setAttribute('aria-label', `Colours: ${theme === 'system' ? 'as the system has them' : theme}`);
        button.title = button.getAttribute('aria-label');
        if (theme === 'system')
            delete document.documentElement.dataset.theme;
        else
            document.documentElement.dataset.theme = theme;
    };

    show(THEMES.includes(getNote('theme')) ? getNote('theme') : 'system');
    button.addEventListener('click', () => {
        const next = THEMES[(THEMES.indexOf(button.dataset.theme) + 1) % THEMES.length];

        setNote('theme', next);
        show(next);
    });
}

class Page {
    constructor(schema) {
        this.schema = schema;
        this.form = new Form(schema);
        this.jobs = new Jobs();
        this.about = new About();
        this.gallery = new Gallery(this.jobs, {
            open: (job, picture) => this.viewer.open(job, picture),
            cancel: (job) => this.cancel(job),
            again: (job) => this.drawAgain(job),
            reuse: (job) => this.reuse(job, null),
            remove: (job) => this.remove(job, null),
        });
        this.viewer = new Viewer(this.gallery, {
            reuse: (job, picture) => this.reuse(job, picture),
            start: (picture) => this.startFrom(picture.blob),
            remove: (job, picture) => this.remove(job, picture),
        });
        this.drop = new Drop({
            settings: (request) => this.take(request, null),
            start: (blob) => this.startFrom(blob),
        });
        this.listen();
        this.edited();
        this.jobs.load();
        if (!NARROW.matches) {
            byId('settings').open = true;
            this.form.focus();
        }
    }

    listen() {
        this.form.root.addEventListener('submit', (event) => {
            event.preventDefault();
            this.draw();
        });
        this.form.root.addEventListener('edited', () => this.edited());
        this.form.root.addEventListener('model', (event) => this.about.show(event.detail));
        this.about.show(this.form.model());
        document.addEventListener('keydown', (event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !document.querySelector('dialog[open]')) {
                event.preventDefault();
                this.draw();
            }
        });
        byId('reset').addEventListener('click', () => this.form.reset());
        byId('form-curl').addEventListener('click', async () => (
            copyText(await curlCommand(this.form.asked(), this.form.image.blob), 'Command')));
        byId('clear').addEventListener('click', () => this.clear());
        window.addEventListener('pagehide', finishToast);
        this.jobs.addEventListener('change', () => this.title());
        this.jobs.addEventListener('ended', (event) => this.ended(event.detail));
    }

    /* What this drawing would take, when the reader pauses. */
    edited() {
        clearTimeout(this.estimateTimer);
        this.estimateTimer = setTimeout(() => this.estimate(), ESTIMATE_MS);
    }

    async estimate() {
        const box = byId('estimate');

        if (this.noEstimates || connection.state !== 'here')
            return;
        try {
            const cost = await postJson('api/v1/estimate', requestText(await this.form.request()));

            this.form.clearErrors();
            setText(box, `Takes about ${duration(cost.seconds)}${cost.wait_seconds >= 1 ? `, after ${duration(cost.wait_seconds)} in line` : ''}`);
        } catch (problem) {
            setText(box, '');
            if (problem.status === 422)
                this.form.showErrors(problem.errors, false);
            this.noEstimates = problem.status === 404 || problem.status === 405;
        }
    }

    async draw() {
        const wrong = this.form.checkNumbers();

        if (wrong.length) {
            this.form.showErrors(wrong, true);
            return;
        }
        await this.submit(this.form.asked(), this.form.image.blob, true);
    }

    /* inForm: what is wrong stands in the form. */
    async submit(asked, start, inForm) {
        byId('draw').setAttribute('aria-busy', 'true');
        try {
            const job = await this.jobs.draw(asked, start);

            if (inForm)
                this.form.clearErrors();
            this.form.controls.get('seed').last = job.request?.seed;
            this.reveal();
            showConnection();
            announce(`${promptOf(job)}: ${stateOf(job).what}`);
        } catch (problem) {
            this.refused(problem, inForm);
        }
        byId('draw').removeAttribute('aria-busy');
    }

    /* In a narrow window the pictures stand below the form. */
    reveal() {
        if (NARROW.matches)
            byId('pictures').scrollIntoView({ behavior: STILL.matches ? 'auto' : 'smooth', block: 'start' });
    }

    refused(problem, inForm) {
        if (problem instanceof Unreachable)
            return;
        if (!(problem instanceof Problem))
            throw problem;
        const elsewhere = inForm ? this.form.showErrors(problem.errors, true)
            : problem.errors.map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);

        if (elsewhere.length)
            banner('bad', elsewhere.join('; '));
        else if (!problem.errors.length)
            banner(problem.status === 429 ? 'wait' : 'bad', whatToDo(problem));
        else
            announce(`${problem.errors.length} of the settings ${problem.errors.length === 1 ? 'is' : 'are'} wrong`);
    }

    async cancel(job) {
        try {
            await this.jobs.cancel(job);
        } catch (problem) {
            this.refused(problem, false);
        }
    }

    drawAgain(job) {
        const { kind, output, ...settings } = job.request ?? job.asked;

        this.submit(settings, job.start, false);
    }

    /* With a picture: what draws this one picture again. */
    reuse(job, picture) {
        const settings = job.request ?? job.asked;

        this.take(picture ? { ...settings, seed: picture.seed, count: undefined } : settings, job.start);
    }

    async take(settings, start) {
        await this.form.fill(settings, start);
        toast('The form has these settings now');
        this.form.root.scrollIntoView({ block: 'start' });
        this.form.focus();
    }

    async startFrom(blob) {
        if (await this.form.image.start(blob)) {
            this.form.root.scrollIntoView({ block: 'start' });
            this.form.focus();
        }
    }

    remove(job, picture) {
        const { undo, settle } = this.jobs.remove(job, picture);

        toast('Deleted', { label: 'Undo', run: undo }, settle);
    }

    async clear() {
        if (confirm('Delete all finished pictures, here and on the server?'))
            await this.jobs.clear();
    }

    ended(job) {
        if (job.status === 'succeeded')
            announce(`Done: ${promptOf(job)}`);
        else if (job.status === 'failed')
            announce(`Failed: ${job.error?.detail ?? promptOf(job)}`);
        this.edited();
    }

    title() {
        const running = this.jobs.list.filter(isUnfinished);
        const share = Math.max(0, ...running.map((job) => job.progress?.fraction ?? 0));

        document.title = running.length ? `${Math.round(share * 100)} % – latentd` : 'latentd';
    }
}

async function start() {
    startTheme();
    watchConnection();
    for (;;) {
        try {
            new Page(await loadSchema());
            document.body.dataset.ready = '';
            return;
        } catch (problem) {
            if (!(problem instanceof Unreachable)) {
                banner('bad', `The page cannot start: ${problem.message}`);
                throw problem;
            }
            await new Promise((resolve) => setTimeout(resolve, PROBE_MS));
        }
    }
}

start();
