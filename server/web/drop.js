/* A picture that is dropped or pasted anywhere: its settings are read, and the reader says what to do with it. */

import { call, parse } from './api.js';
import { byId, make, sentence, toast } from './dom.js';
import { labelOf } from './controls.js';

function fileOf(transfer) {
    return [...(transfer?.files ?? [])].find((file) => file.type.startsWith('image/')) ?? null;
}

/* The request in a PNG, or null, and what there is to say about it. */
async function inspect(blob) {
    if (blob.type !== 'image/png')
        return { request: null, remarks: ['Only a PNG carries the settings it was drawn with.'] };
    try {
        const answer = await call('POST', 'api/v1/inspect', { body: blob, headers: { 'Content-Type': 'image/png' } });
        const found = parse(await answer.text());
        const warnings = (found.warnings ?? []).map(({ pointer, detail }) => `${pointer.slice(1)}: ${detail}`);

        return { request: found.request ?? null, remarks: found.request ? warnings : ['No settings stand in this picture.'] };
    } catch (problem) {
        return { request: null, remarks: [problem.status === 404 ? 'This server reads no settings.' : problem.message] };
    }
}

export class Drop {
    /* does: settings(request), start(blob) */
    constructor(does) {
        this.dialog = byId('dropped');
        this.blob = null;
        this.request = null;
        this.depth = 0;
        byId('dropped-settings').addEventListener('click', () => this.leave(() => does.settings(this.request)));
        byId('dropped-start').addEventListener('click', () => this.leave(() => does.start(this.blob)));
        byId('dropped-close').addEventListener('click', () => this.dialog.close());
        this.dialog.addEventListener('close', () => URL.revokeObjectURL(byId('dropped-image').src));
        window.addEventListener('dragenter', (event) => this.hover(event, 1));
        window.addEventListener('dragleave', (event) => this.hover(event, -1));
        window.addEventListener('dragover', (event) => this.carriesFiles(event) && event.preventDefault());
        window.addEventListener('drop', (event) => this.take(event));
        window.addEventListener('paste', (event) => {
            const file = fileOf(event.clipboardData);

            if (file)
                this.open(file);
        });
    }

    carriesFiles(event) {
        return event.dataTransfer?.types.includes('Files');
    }

    /* The pointer enters a child before it leaves its parent. */
    hover(event, by) {
        if (!this.carriesFiles(event))
            return;
        this.depth = Math.max(0, this.depth + by);
        byId('drop-here').hidden = this.depth === 0;
    }

    take(event) {
        if (!this.carriesFiles(event))
            return;
        event.preventDefault();
        this.depth = 0;
        byId('drop-here').hidden = true;
        const file = fileOf(event.dataTransfer);

        if (file)
            this.open(file);
        else
            toast('That is not a picture');
    }

    async open(blob) {
        const { request, remarks } = await inspect(blob);
        const told = request ? Object.entries(request).filter(([, value]) => value !== '' && typeof value !== 'object') : [];

        Object.assign(this, { blob, request });
        byId('dropped-image').src = URL.createObjectURL(blob);
        byId('dropped-facts').replaceChildren(...told.flatMap(([name, value]) => [
            make('dt', {}, labelOf(name)), make('dd', {}, String(value))]));
        byId('dropped-remarks').replaceChildren(...remarks.map((remark) => make('li', {}, sentence(remark))));
        byId('dropped-settings').hidden = !request;
        if (!this.dialog.open)
            this.dialog.showModal();
        (request ? byId('dropped-settings') : byId('dropped-start')).focus();
    }

    leave(then) {
        this.dialog.close();
        then();
    }
}
