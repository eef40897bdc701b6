/* What the model is, and how the server is given another one. */

import { byId, make, setText } from './dom.js';

const SMALL_SIDE = 256;

function bytes(count) {
    return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.round(count / 1e6)} MB`;
}

function facts(model) {
    const rows = [
        ['Family', model.family],
        ['Made for', `${model.native_width} × ${model.native_height}`],
        ['Parameters', model.parameters ? `${(model.parameters / 1e6).toFixed(model.parameters < 1e8 ? 1 : 0)} million, ${model.dtype}` : null],
        ['On disk', model.file_bytes ? bytes(model.file_bytes) : null],
        ['Prompt', model.token_limit ? `up to ${model.token_limit - 2} tokens` : null],
    ];

    return rows.filter(([, value]) => value);
}

export class About {
    constructor() {
        this.dialog = byId('about');
        byId('about-open').addEventListener('click', () => this.dialog.showModal());
        byId('about-close').addEventListener('click', () => this.dialog.close());
        this.dialog.addEventListener('click', (event) => event.target === this.dialog && this.dialog.close());
    }

    show(model) {
        const small = Math.max(model.native_width, model.native_height) < SMALL_SIDE;

        setText(byId('about-name'), model.name);
        setText(byId('about-title'), model.name);
        setText(byId('about-text'), model.about || 'This model says nothing of itself.');
        setText(byId('empty-about'), model.about ?? '');
        byId('empty-small').hidden = !small;
        byId('about-facts').replaceChildren(...facts(model).flatMap(([name, value]) => [
            make('dt', {}, name), make('dd', {}, value)]));
        byId('about-open').hidden = false;
    }
}
