/* Watching jobs until they end: by server-sent events, one stream or two for those that are drawn now, and by asking
 * now and then for the others, for windows that nobody sees, and where no stream gets through. */

import { Problem, getJson, parse, probe } from './api.js';

/* Browsers allow six connections a host, over all windows. */
const STREAMS = 2;
const ASK_MS = 1500, ASK_STREAMED_MS = 10000, ASK_HIDDEN_MS = 5000;
const ENDED = new Set(['succeeded', 'failed', 'canceled']);

export function hasEnded(status) {
    return ENDED.has(status);
}

export class Follower {
    /* update(id, part of a job as the server tells it), preview(id, address of a picture), gone(id) */
    constructor({ update, preview, gone }) {
        Object.assign(this, { update, preview, gone });
        this.jobs = new Map();
        this.timer = 0;
        document.addEventListener('visibilitychange', () => this.arrange());
    }

    follow(id) {
        if (this.jobs.has(id))
            return;
        this.jobs.set(id, { id, running: false, position: Infinity, stream: null, refused: false, asked: 0, busy: false });
        this.arrange();
    }

    forget(id) {
        this.jobs.get(id)?.stream?.close();
        this.jobs.delete(id);
        this.arrange();
    }

    /* Opens and closes streams so that the jobs next in line have them. */
    arrange() {
        const order = [...this.jobs.values()].filter((job) => !job.refused)
            .sort((a, b) => b.running - a.running || a.position - b.position);
        const streamed = new Set(document.hidden ? [] : order.slice(0, STREAMS));

        for (const job of this.jobs.values()) {
            if (streamed.has(job)) {
                this.open(job);
            } else {
                job.stream?.close();
                job.stream = null;
            }
        }
        clearTimeout(this.timer);
        if (this.jobs.size)
            this.timer = setTimeout(() => this.ask(), 300);
    }

    open(job) {
        if (job.stream)
            return;
        job.stream = new EventSource(`api/v1/jobs/${job.id}/events`);
        job.stream.onerror = () => this.broke(job);
        for (const name of ['queued', 'position', 'started', 'progress', 'succeeded', 'failed', 'canceled'])
            job.stream.addEventListener(name, (event) => this.told(job, parse(event.data)));
        job.stream.addEventListener('preview', (event) => {
            this.told(job, parse(event.data));
            this.preview(job.id, `data:image/png;base64,${parse(event.data).b64_png}`);
        });
    }

    /* A stream that broke off comes back by itself, from where it was; one that was refused does not. */
    broke(job) {
        if (job.stream?.readyState === EventSource.CLOSED) {
            job.stream = null;
            job.refused = true;
            this.arrange();
        } else {
            probe();
        }
    }

    told(job, news) {
        if (!this.jobs.has(job.id))
            return;
        const running = news.status === 'running';
        const moved = running !== job.running;

        job.running = running;
        job.position = news.position ?? job.position;
        if (hasEnded(news.status))
            this.forget(job.id);
        else if (moved)
            this.arrange();
        this.update(job.id, news);
    }

    async ask() {
        const now = Date.now();
        const pause = (job) => document.hidden ? ASK_HIDDEN_MS : job.stream ? ASK_STREAMED_MS : ASK_MS;

        await Promise.all([...this.jobs.values()]
            .filter((job) => !job.busy && now - job.asked >= pause(job)).map((job) => this.askFor(job)));
        clearTimeout(this.timer);
        if (this.jobs.size)
            this.timer = setTimeout(() => this.ask(), 300);
    }

    async askFor(job) {
        job.asked = Date.now();
        job.busy = true;
        try {
            this.told(job, await getJson(`api/v1/jobs/${job.id}`));
        } catch (problem) {
            if (problem instanceof Problem && (problem.status === 404 || problem.status === 410)) {
                this.forget(job.id);
                this.gone(job.id);
            }
        }
        job.busy = false;
    }
}
