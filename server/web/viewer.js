/* One picture, large, with its settings and what can be done with it. */

import { curlCommand, pictureRequest } from './curl.js';
import { button, byId, copyText, duration, icon, make, save, sentence } from './dom.js';
import { labelOf } from './controls.js';

/* Told in this order; what else a request has follows. */
const FIRST = ['seed', 'size', 'steps', 'cfg_scale', 'sampler', 'scheduler', 'strength', 'model'];
const NOT_TOLD = new Set(['kind', 'prompt', 'negative_prompt', 'width', 'height', 'count', 'output', 'image', 'tags', 'webhook']);

function facts(job, picture) {
    const all = { ...job.request, seed: picture.seed, size: `${job.request.width} × ${job.request.height}` };
    const rest = Object.keys(all).filter((name) => !FIRST.includes(name) && !NOT_TOLD.has(name));
    const told = [...FIRST, ...rest].filter((name) => ['string', 'number', 'boolean'].includes(typeof all[name]));
    const rows = told.map((name) => [labelOf(name), String(all[name])]);

    if (job.timings?.total_s)
        rows.push(['Drawn in', duration(job.timings.total_s - (job.timings.queued_s ?? 0))]);
    rows.push(['When', new Date(job.created).toLocaleString()]);
    return rows;
}

export class Viewer {
    /* does: reuse(job, picture), start(picture), remove(job, picture) */
    constructor(gallery, does) {
        this.gallery = gallery;
        this.does = does;
        this.dialog = byId('viewer');
        this.image = byId('viewer-image');
        byId('viewer-close').addEventListener('click', () => this.dialog.close());
        byId('viewer-previous').addEventListener('click', () => this.go(-1));
        byId('viewer-next').addEventListener('click', () => this.go(1));
        this.dialog.addEventListener('keydown', (event) => this.key(event));
        this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close());
        this.dialog.addEventListener('close', () => URL.revokeObjectURL(this.image.src));
        byId('viewer-actions').append(
            button('Use these settings', 'sliders', () => this.leave(() => does.reuse(this.job, this.picture)), { class: 'main' }),
            button('Download', 'download', () => save(this.picture.blob, this.fileName())),
            button('Copy seed', 'seed', () => copyText(this.picture.seed, 'Seed')),
            button('Copy as curl', 'terminal', () => this.copyCurl()),
            button('Start from it', 'picture', () => this.leave(() => does.start(this.picture))),
            button('Delete', 'bin', () => this.remove(), { class: 'danger' }));
    }

    open(job, picture) {
        this.show(job, picture);
        if (!this.dialog.open)
            this.dialog.showModal();
    }

    show(job, picture) {
        Object.assign(this, { job, picture });
        URL.revokeObjectURL(this.image.src);
        this.image.src = URL.createObjectURL(picture.blob);
        this.image.style.setProperty('--across', job.request.width);
        this.image.style.setProperty('--down', job.request.height);
        this.image.alt = `${job.request.prompt || 'no prompt'}, seed ${picture.seed}`;
        byId('viewer-prompt').textContent = job.request.prompt || 'No prompt';
        byId('viewer-negative').textContent = job.request.negative_prompt ? `Without: ${job.request.negative_prompt}` : '';
        byId('viewer-facts').replaceChildren(...facts(job, picture).flatMap(([name, value]) => [
            make('dt', {}, name), make('dd', {}, value)]));
        byId('viewer-warnings').replaceChildren(...job.warnings.map(({ detail }) => (
            make('li', {}, icon('alert'), sentence(detail)))));
        byId('viewer-previous').disabled = !this.neighbour(-1);
        byId('viewer-next').disabled = !this.neighbour(1);
    }

    neighbour(by) {
        const all = this.gallery.pictures();

        return all[all.findIndex(({ picture }) => picture === this.picture) + by];
    }

    go(by) {
        const next = this.neighbour(by);

        if (next)
            this.show(next.job, next.picture);
    }

    key(event) {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];

        if (by && !event.altKey && !event.ctrlKey && !event.metaKey)
            this.go(by);
    }

    leave(then) {
        this.dialog.close();
        then();
    }

    fileName() {
        const words = this.job.request.prompt.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '');

        return `${words.slice(0, 40) || 'picture'}-${this.picture.seed}.png`;
    }

    async copyCurl() {
        await copyText(await curlCommand(pictureRequest(this.job, this.picture), this.job.start), 'Command');
    }

    remove() {
        const { job, picture } = this;
        const next = this.neighbour(1) ?? this.neighbour(-1);

        this.does.remove(job, picture);
        if (next)
            this.show(next.job, next.picture);
        else
            this.dialog.close();
    }
}
