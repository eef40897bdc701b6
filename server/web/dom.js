/* Making elements, and the few words that all parts of the page say to the reader. */

const SVG = 'http://www.w3.org/2000/svg';

/* make('button', { class: 'plain', onclick: f, 'aria-label': 'x' }, 'text', element): false and null are left out. */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);

    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false)
            continue;
        if (typeof value === 'function')
            element.addEventListener(name.slice(2), value);
        else
            element.setAttribute(name, value === true ? '' : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/* A symbol of the sprite in index.html. */
export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    const use = document.createElementNS(SVG, 'use');

    svg.setAttribute('class', 'icon');
    svg.setAttribute('aria-hidden', 'true');
    use.setAttribute('href', `#icon-${name}`);
    svg.append(use);
    return svg;
}

export function button(label, symbol, onclick, attributes = {}) {
    return make('button', { type: 'button', onclick, ...attributes }, symbol && icon(symbol), label);
}

export function byId(id) {
    return document.getElementById(id);
}

/* Changes the text only where it differs: a live region would read it out again. */
export function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

/* To screen readers, when they have time. */
export function announce(text) {
    setText(byId('announcer'), text);
}

let toastTimer = 0;

/* A short word at the bottom, with at most one thing to do about it; `ended` is called when it goes unused. */
export function toast(text, action = null, ended = null) {
    const box = byId('toast');

    finishToast();
    /* An open dialog makes all that is outside of it out of reach. */
    (document.querySelector('dialog[open]') ?? document.body).append(box);
    box.finish = ended;
    box.replaceChildren(make('span', {}, text));
    if (action)
        box.append(button(action.label, null, () => {
            box.finish = null;
            finishToast();
            action.run();
        }, { class: 'toast-action' }));
    box.hidden = false;
    toastTimer = setTimeout(finishToast, action ? 7000 : 3500);
}

document.addEventListener('close', (event) => {
    if (event.target.contains(byId('toast')))
        document.body.append(byId('toast'));
}, true);

export function finishToast() {
    const box = byId('toast');
    const finish = box.finish;

    clearTimeout(toastTimer);
    box.hidden = true;
    box.finish = null;
    finish?.();
}

/* Away from https and localhost browsers have no clipboard object: there the old way has to do. */
export async function copyText(text, what) {
    let done = false;

    try {
        await navigator.clipboard.writeText(text);
        done = true;
    } catch {
        const open = document.querySelector('dialog[open]') ?? document.body;
        const area = make('textarea', { class: 'off-screen', readonly: true, 'aria-hidden': 'true' });

        area.value = text;
        open.append(area);
        area.select();
        done = document.execCommand('copy');
        area.remove();
    }
    toast(done ? `${what} copied` : `This browser did not let the page copy the ${what.toLowerCase()}`);
    return done;
}

export function save(blob, name) {
    const url = URL.createObjectURL(blob);
    const link = make('a', { href: url, download: name });

    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/* 3.2 s, 45 s, 2 min, 1 h 20 min */
export function duration(seconds) {
    if (seconds < 9.95)
        return `${Math.round(seconds * 10) / 10} s`;
    if (seconds < 90)
        return `${Math.round(seconds)} s`;
    if (seconds < 3570)
        return `${Math.round(seconds / 60)} min`;
    return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}

/* "Clip skip" of clip_skip */
export function humanize(name) {
    return sentence(name.replaceAll('_', ' '));
}

export function sentence(text) {
    return text ? text[0].toUpperCase() + text.slice(1) : '';
}
