/* The tiles: what is being drawn, then what was, the newest first.  The first one is large. */

import { button, byId, duration, icon, make, setText } from './dom.js';
import { isUnfinished } from './jobs.js';

const PHASES = { text: 'Reading the prompt', encode: 'Reading the picture', decode: 'Developing' };

function ordinal(number) {
    const ending = { one: 'st', two: 'nd', few: 'rd', other: 'th' };

    return number + ending[new Intl.PluralRules('en', { type: 'ordinal' }).select(number)];
}

/* Seconds that are left now, or null. */
function left(job) {
    return job.eta === null || job.eta < 0 ? null : Math.max(0, job.eta - (Date.now() - job.etaAt) / 1000);
}

/* What a job is at, in two short phrases. */
export function stateOf(job) {
    const { phase, step, steps, image } = job.progress ?? {};
    const seconds = left(job);
    const time = seconds === null ? '' : seconds < 1 ? 'any moment' : `about ${duration(Math.ceil(seconds))} left`;
    const count = (job.request ?? job.asked).count ?? 1;

    if (job.status === 'queued')
        return { what: job.position > 1 ? `${ordinal(job.position)} in line` : 'Next in line', time };
    if (job.status === 'fetching')
        return { what: 'Done', time: '' };
    const what = PHASES[phase] ?? (steps ? `Step ${step} of ${steps}` : 'Starting');

    return { what: count > 1 ? `Picture ${(image ?? 0) + 1} of ${count}: ${what.toLowerCase()}` : what, time };
}

export function promptOf(job) {
    return (job.request ?? job.asked).prompt || 'no prompt';
}

class Tile {
    constructor(key, root) {
        this.key = key;
        this.root = root;
    }

    update() {}

    close() {}
}

class PictureTile extends Tile {
    constructor(key, job, picture, open) {
        const url = URL.createObjectURL(picture.blob);

        super(key, make('button', { type: 'button', class: 'tile picture', onclick: () => open(job, picture) },
            make('img', { src: url, alt: `${promptOf(job)}, seed ${picture.seed}`, draggable: 'true' }),
            make('span', { class: 'caption', 'aria-hidden': 'true' }, promptOf(job))));
        this.url = url;
    }

    close() {
        URL.revokeObjectURL(this.url);
    }
}

class DrawingTile extends Tile {
    constructor(key, job, cancel) {
        const image = make('img', { alt: '', hidden: true });
        const what = make('span', { class: 'what' }), time = make('span', { class: 'time' });
        const bar = make('div', { class: 'bar', role: 'progressbar', 'aria-valuemin': 0, 'aria-valuemax': 100,
            'aria-label': `Drawing: ${promptOf(job)}` }, make('span', {}));

        super(key, make('article', { class: 'tile drawing', 'aria-label': promptOf(job) }, image,
            make('button', {
                type: 'button', class: 'plain square cancel', title: 'Cancel', 'aria-label': `Cancel: ${promptOf(job)}`,
                onclick: () => cancel(job),
            }, icon('close')),
            make('div', { class: 'state' }, make('span', { class: 'prompt' }, promptOf(job)),
                make('span', { class: 'line' }, what, time), bar)));
        Object.assign(this, { job, image, what, time, bar });
        this.update();
    }

    update() {
        const { what, time } = stateOf(this.job);
        const share = this.job.status === 'fetching' ? 1 : this.job.progress?.fraction ?? 0;

        setText(this.what, what);
        setText(this.time, time);
        this.root.classList.toggle('waiting', this.job.status === 'queued');
        this.bar.setAttribute('aria-valuenow', Math.round(share * 100));
        this.bar.firstChild.style.width = `${share * 100}%`;
        if (this.job.preview && this.image.src !== this.job.preview) {
            this.image.src = this.job.preview;
            this.image.hidden = false;
        }
    }
}

const ENDINGS = {
    failed: { title: 'This one failed', symbol: 'alert' },
    canceled: { title: 'Canceled', symbol: 'close' },
    lost: { title: 'The server no longer has this one', symbol: 'alert' },
};

class EndedTile extends Tile {
    constructor(key, job, { again, reuse, remove }) {
        const { title, symbol } = ENDINGS[job.status] ?? ENDINGS.lost;
        const detail = job.status === 'failed' ? job.error?.detail : null;

        super(key, make('article', { class: `tile ended ${job.status}`, 'aria-label': `${title}: ${promptOf(job)}` },
            make('p', { class: 'title' }, icon(symbol), title), detail && make('p', { class: 'detail' }, detail),
            make('p', { class: 'prompt' }, promptOf(job)),
            make('div', { class: 'actions' }, button('Draw again', null, () => again(job), { class: 'plain' }),
                button('', 'sliders', () => reuse(job), {
                    class: 'plain square', title: 'Use these settings', 'aria-label': 'Use these settings' }),
                button('', 'bin', () => remove(job), { class: 'plain square', title: 'Remove', 'aria-label': 'Remove' }))));
    }
}

/* In the order of the page. */
function inOrder(list) {
    const rank = (job) => job.status === 'queued' ? 1 : isUnfinished(job) ? 0 : 2;

    return [...list].sort((a, b) => rank(a) - rank(b) || (rank(a) === 2 ? b.created - a.created : a.created - b.created));
}

export class Gallery {
    /* does: open(job, picture), cancel(job), again(job), reuse(job), remove(job) */
    constructor(jobs, does) {
        this.jobs = jobs;
        this.does = does;
        this.grid = byId('tiles');
        this.tiles = new Map();
        jobs.addEventListener('change', () => this.draw());
        setInterval(() => this.tick(), 1000);
    }

    wanted() {
        const wanted = [];

        for (const job of inOrder(this.jobs.list)) {
            if (isUnfinished(job))
                wanted.push([`${job.id} drawing`, (key) => new DrawingTile(key, job, this.does.cancel)]);
            else if (!job.pictures.length)
                wanted.push([`${job.id} ${job.status}`, (key) => new EndedTile(key, job, this.does)]);
            for (const picture of job.pictures)
                wanted.push([`${job.id} ${picture.index}`, (key) => new PictureTile(key, job, picture, this.does.open)]);
        }
        return wanted;
    }

    /* Makes and moves only what is new: what has the focus keeps it. */
    draw() {
        const wanted = this.wanted();
        const keys = new Set(wanted.map(([key]) => key));
        const focused = [...this.tiles.values()].find((tile) => tile.root.contains(document.activeElement));

        for (const [key, tile] of this.tiles)
            if (!keys.has(key)) {
                tile.close();
                tile.root.remove();
                this.tiles.delete(key);
            }
        wanted.forEach(([key, create], place) => {
            const tile = this.tiles.get(key) ?? create(key);

            if (this.grid.children[place] !== tile.root)
                this.grid.insertBefore(tile.root, this.grid.children[place] ?? null);
            tile.update();
            this.tiles.set(key, tile);
        });
        if (focused && !this.tiles.has(focused.key))
            this.refocus(focused);
        byId('empty').hidden = wanted.length > 0;
        byId('kept').hidden = !this.jobs.list.some((job) => !isUnfinished(job));
    }

    /* The tile that was focused is gone: its picture, or else the first tile, is next. */
    refocus(gone) {
        const id = gone.key.split(' ')[0];
        const next = [...this.tiles.values()].find((tile) => tile.key.startsWith(id)) ?? this.tiles.values().next().value;

        (next?.root.matches('button') ? next.root : next?.root.querySelector('button'))?.focus();
    }

    tick() {
        for (const tile of this.tiles.values())
            tile.update();
    }

    /* All pictures, in the order of the page. */
    pictures() {
        return inOrder(this.jobs.list).flatMap((job) => job.pictures.map((picture) => ({ job, picture })));
    }
}
