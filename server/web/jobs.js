/* The reader's own jobs: those that are drawn and those that were, with their pictures.
 *
 * A job here: { id, asked, start, created, status, position, eta, etaAt, progress, request, timings, warnings, error,
 * pictures: [{ index, seed, blob }] }.  asked is the request as it was sent, without its picture, which is start (a
 * blob or null); request is the same as the server resolved it.  status is the server's word, or 'lost' when the
 * server no longer knows the job, or 'fetching' between its end and the arrival of its pictures. */

import { Problem, call, getBlob, getJson, postJson, randomHex, requestText } from './api.js';
import { Follower, hasEnded } from './follow.js';
import { forgetJob, keepJob, keptJobs } from './keep.js';
import { base64Of } from './start_image.js';

export const MOST_PICTURES = 400;

export function isUnfinished(job) {
    return job.status === 'queued' || job.status === 'running' || job.status === 'fetching';
}

/* Says 'change' (detail: the job) whenever the list or one of its jobs has changed, and 'ended' when a job has. */
export class Jobs extends EventTarget {
    constructor() {
        super();
        this.list = [];
        this.follower = new Follower({
            update: (id, news) => this.update(this.find(id), news),
            preview: (id, url) => this.takePreview(this.find(id), url),
            gone: (id) => this.lose(this.find(id)),
        });
    }

    find(id) {
        return this.list.find((job) => job.id === id);
    }

    say(name, job) {
        this.dispatchEvent(new CustomEvent(name, { detail: job }));
    }

    async load() {
        this.list = (await keptJobs()).sort((a, b) => b.created - a.created);
        for (const job of this.list.filter(isUnfinished))
            this.follower.follow(job.id);
        this.say('change', null);
    }

    keep(job) {
        const { preview, ...rest } = job;

        return keepJob(rest);
    }

    /* Throws what the server answers when it takes no such job.  `start` is the picture within the request. */
    async draw(asked, start) {
        const body = requestText(start ? { ...asked, image: await base64Of(start) } : asked);
        const answer = await postJson('api/v1/jobs', body, { 'Idempotency-Key': randomHex(16) });
        const job = {
            id: answer.id, asked, start, created: Date.now(), status: 'queued', position: null, eta: null, etaAt: 0,
            progress: {}, request: null, timings: null, warnings: [], error: null, pictures: [], preview: null,
        };

        this.list.unshift(job);
        this.update(job, answer);
        this.keep(job);
        if (isUnfinished(job))
            this.follower.follow(job.id);
        return job;
    }

    /* Takes over what the server tells of a job. */
    update(job, news) {
        if (!job || !isUnfinished(job))
            return;
        job.status = news.status ?? job.status;
        job.progress = news.progress ?? job.progress;
        job.request = news.request ?? job.request;
        job.timings = news.timings ?? job.timings;
        job.warnings = news.warnings ?? job.warnings;
        job.error = news.error ?? job.error;
        if (news.position !== undefined)
            job.position = news.position;
        if (news.eta_seconds !== undefined) {
            job.eta = news.eta_seconds;
            job.etaAt = Date.now();
        }
        if (hasEnded(job.status))
            this.conclude(job, news);
        else
            this.say('change', job);
    }

    takePreview(job, url) {
        if (!job || !isUnfinished(job))
            return;
        job.preview = url;
        this.say('change', job);
    }

    async conclude(job, news) {
        const status = job.status;

        if (status === 'succeeded') {
            job.status = 'fetching';
            this.say('change', job);
            if (!await this.fetchPictures(job, news))
                return;
        }
        job.status = status;
        job.preview = null;
        this.keep(job);
        this.trim();
        this.say('change', job);
        this.say('ended', job);
    }

    /* The events tell that a job has ended; the job itself tells with what. */
    async fetchPictures(job, news) {
        try {
            const whole = news.images && news.request ? news : await getJson(`api/v1/jobs/${job.id}`);

            job.request = whole.request;
            job.timings = whole.timings;
            job.warnings = whole.warnings ?? [];
            job.pictures = await Promise.all(whole.images.map(async ({ index, seed }) => (
                { index, seed, blob: await getBlob(`api/v1/jobs/${job.id}/images/${index}`) })));
            return true;
        } catch (problem) {
            if (problem instanceof Problem)
                this.lose(job);
            else
                setTimeout(() => this.retryFetch(job), 2000);
            return false;
        }
    }

    /* The connection broke between the end and the pictures. */
    retryFetch(job) {
        job.status = 'running';
        this.follower.follow(job.id);
    }

    lose(job) {
        if (!job)
            return;
        job.status = 'lost';
        job.preview = null;
        this.keep(job);
        this.say('change', job);
    }

    async cancel(job) {
        this.update(job, await (await call('POST', `api/v1/jobs/${job.id}/cancel`)).json());
    }

    /* Takes one picture, or a job without any, off the list.  The server is told when nothing is left of the job:
     * by the returned function, so that it can still be put back until then. */
    remove(job, picture) {
        const at = this.list.indexOf(job);
        const pictures = job.pictures;

        job.pictures = pictures.filter((other) => other !== picture);
        if (!job.pictures.length)
            this.list.splice(at, 1);
        this.say('change', job);
        return {
            undo: () => {
                job.pictures = pictures;
                if (!this.list.includes(job))
                    this.list.splice(at, 0, job);
                this.say('change', job);
            },
            settle: async () => {
                if (job.pictures.length) {
                    await this.keep(job);
                    return;
                }
                await forgetJob(job.id);
                await call('DELETE', `api/v1/jobs/${job.id}`).catch(() => {});
            },
        };
    }

    async clear() {
        const ended = this.list.filter((job) => !isUnfinished(job));

        this.list = this.list.filter(isUnfinished);
        this.say('change', null);
        await Promise.all(ended.map((job) => forgetJob(job.id)));
        await Promise.all(ended.map((job) => call('DELETE', `api/v1/jobs/${job.id}`).catch(() => {})));
    }

    /* The oldest go when there are too many. */
    trim() {
        let pictures = 0;

        this.list = this.list.filter((job) => {
            pictures += Math.max(1, job.pictures.length);
            if (pictures <= MOST_PICTURES || isUnfinished(job))
                return true;
            forgetJob(job.id);
            return false;
        });
    }
}
