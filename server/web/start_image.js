/* The picture that a drawing starts from.  The server takes PNG: whatever else the browser can show is made one here,
 * and what is larger than the server takes is made smaller. */

import { button, icon, make, setText, toast } from './dom.js';

const PNG = 'image/png';

export async function sizeOf(blob) {
    const bitmap = await createImageBitmap(blob);
    const size = { width: bitmap.width, height: bitmap.height };

    bitmap.close();
    return size;
}

/* A PNG of at most `limit` pixels; throws what the browser says when it is no picture. */
async function asPng(blob, limit) {
    const bitmap = await createImageBitmap(blob);
    const pixels = bitmap.width * bitmap.height;
    const scale = limit && pixels > limit ? Math.sqrt(limit / pixels) : 1;

    if (blob.type === PNG && scale === 1) {
        bitmap.close();
        return blob;
    }
    const canvas = make('canvas', {});

    canvas.width = Math.max(1, Math.floor(bitmap.width * scale));
    canvas.height = Math.max(1, Math.floor(bitmap.height * scale));
    canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return new Promise((resolve, reject) => {
        canvas.toBlob((png) => png ? resolve(png) : reject(new Error('no PNG')), PNG);
    });
}

export async function base64Of(blob) {
    const bytes = new Uint8Array(await blob.arrayBuffer());
    let text = '';

    /* In pieces: so many arguments a call takes. */
    for (let at = 0; at < bytes.length; at += 0x8000)
        text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return btoa(text);
}

/* Looks like a control (controls.js), for the field `image`. */
export class StartImage {
    constructor(pixelLimit) {
        this.name = 'image';
        this.pixelLimit = pixelLimit;
        this.blob = null;
        this.size = null;
        this.file = make('input', {
            type: 'file', accept: 'image/*', class: 'off-screen', id: 'field-image',
            onchange: () => this.fromFile(), 'aria-describedby': 'field-image-wrong',
        });
        this.thumb = make('img', { alt: 'The picture to start from' });
        this.text = make('span', {});
        this.complaint = make('p', { class: 'wrong', id: 'field-image-wrong', hidden: true });
        this.choose = make('label', { for: 'field-image', class: 'pick' }, icon('picture'), this.text);
        this.remove = button('', 'close', () => this.drop(), {
            class: 'plain square', 'aria-label': 'Do not start from a picture', title: 'Do not start from a picture',
        });
        this.root = make('div', { class: 'field start-image', 'data-field': 'image' },
            make('div', { class: 'with-buttons' }, this.thumb, this.file, this.choose, this.remove), this.complaint);
        this.show();
    }

    async fromFile() {
        const file = this.file.files[0];

        this.file.value = '';
        if (file)
            await this.start(file);
    }

    /* False: it is no picture. */
    async start(blob) {
        try {
            this.take(await asPng(blob, this.pixelLimit), await sizeOf(blob));
            return true;
        } catch {
            toast('This browser cannot read that file as a picture');
            return false;
        }
    }

    /* As it was sent before: nobody else need know. */
    async fill(blob) {
        this.put(blob, await sizeOf(blob));
    }

    drop() {
        this.take(null, null);
        this.file.focus();
    }

    take(blob, size) {
        this.put(blob, size);
        this.root.dispatchEvent(new CustomEvent('asked', { bubbles: true, detail: 'image' }));
    }

    put(blob, size) {
        URL.revokeObjectURL(this.thumb.src);
        this.blob = blob;
        this.size = size;
        this.show();
    }

    show() {
        this.thumb.hidden = this.remove.hidden = !this.blob;
        if (this.blob)
            this.thumb.src = URL.createObjectURL(this.blob);
        else
            this.thumb.removeAttribute('src');
        setText(this.text, this.blob ? `Starting from ${this.size.width} × ${this.size.height}` : 'Start from a picture');
    }

    wrong(text) {
        setText(this.complaint, text ?? '');
        this.complaint.hidden = !text;
    }

    focus() {
        this.file.focus();
    }
}
