/* The size: some shapes that suit the model, and both sides to type. */

import { NumberControl } from './controls.js';
import { icon, make } from './dom.js';

const SHAPES = [
    { name: 'Square', across: 1, down: 1 },
    { name: 'Portrait', across: 2, down: 3 },
    { name: 'Landscape', across: 3, down: 2 },
];

/* A side of at least one unit. */
function toUnit(side, unit) {
    return Math.max(unit, Math.round(side / unit) * unit);
}

/* The sides of a shape: the short one is the model's own. */
function sidesOf(shape, model, pixelLimit) {
    const short = Math.min(model.native_width, model.native_height);
    const unit = model.vae_factor;
    const least = Math.min(shape.across, shape.down);
    const width = toUnit(short * shape.across / least, unit), height = toUnit(short * shape.down / least, unit);

    return !pixelLimit || width * height <= pixelLimit ? { width, height } : null;
}

/* The sides with a picture's proportions and about as many pixels as the model's own. */
export function sidesLike(picture, model) {
    const scale = Math.sqrt(model.native_width * model.native_height / (picture.width * picture.height));

    return {
        width: toUnit(picture.width * scale, model.vae_factor),
        height: toUnit(picture.height * scale, model.vae_factor),
    };
}

function shapeIcon({ width, height }) {
    const longest = Math.max(width, height);
    const shape = make('span', { class: 'shape', 'aria-hidden': 'true' });

    shape.style.width = `${Math.round(18 * width / longest)}px`;
    shape.style.height = `${Math.round(18 * height / longest)}px`;
    return shape;
}

export class SizeControls {
    constructor(fields) {
        this.width = new NumberControl(fields.get('width'));
        this.height = new NumberControl(fields.get('height'));
        this.shapes = make('div', { class: 'shapes' });
        this.root = make('fieldset', { class: 'size' }, make('legend', {}, 'Size'), this.shapes,
            make('div', { class: 'sides' }, this.width.root,
                make('button', {
                    type: 'button', class: 'plain square', 'aria-label': 'Swap width and height',
                    title: 'Swap width and height', onclick: () => this.swap(),
                }, icon('swap')), this.height.root));
        this.root.addEventListener('asked', () => this.mark());
    }

    swap() {
        this.choose({ width: this.height.value(), height: this.width.value() });
    }

    choose({ width, height }) {
        this.width.set(width);
        this.height.set(height);
        this.width.changed();
    }

    /* The model, and a picture that is started from, or null. */
    offer(model, picture, pixelLimit) {
        const shapes = SHAPES.map((shape) => ({ name: shape.name, sides: sidesOf(shape, model, pixelLimit) }));

        for (const side of [this.width, this.height])
            side.input.step = model.vae_factor;
        if (picture)
            shapes.unshift({ name: 'As the picture', sides: sidesLike(picture, model) });
        this.shapes.replaceChildren(...shapes.filter((shape) => shape.sides).map(({ name, sides }) => {
            const chip = make('button', {
                type: 'button', class: 'chip', 'aria-pressed': 'false', title: `${sides.width} × ${sides.height}`,
                onclick: () => this.choose(sides),
            }, shapeIcon(sides), name);

            chip.sides = sides;
            return chip;
        }));
        this.mark();
    }

    mark() {
        for (const chip of this.shapes.children)
            chip.setAttribute('aria-pressed', String(
                chip.sides.width === this.width.value() && chip.sides.height === this.height.value()));
    }
}
