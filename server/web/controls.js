/* One class a kind of control.  Each has `root`, and
 *     get()          what is asked for; undefined: what the model has
 *     set(value)     undefined: back to that
 *     standard       what the model has, which is shown where nothing else is asked for
 *     wrong(text)    says what is wrong here; null: nothing
 * and says 'asked' from its root whenever the reader changes it. */

import { humanize, icon, make, sentence, setText } from './dom.js';

const LABELS = { cfg_scale: 'Guidance', image: 'Start picture', count: 'Pictures' };

export function labelOf(name) {
    return LABELS[name] ?? humanize(name);
}

class Control {
    constructor(field, input) {
        const id = `field-${field.name}`;

        this.field = field;
        this.name = field.name;
        this.input = input;
        this.standard = field.standard;
        input.id = id;
        this.label = make('label', { for: id }, labelOf(field.name));
        this.help = make('p', { class: 'help', id: `${id}-help` }, sentence(field.help));
        this.complaint = make('p', { class: 'wrong', id: `${id}-wrong`, hidden: true });
        input.setAttribute('aria-describedby', `${id}-wrong ${id}-help`);
        this.root = make('div', { class: 'field', 'data-field': field.name });
        this.help.hidden = !field.help;
    }

    lay(...parts) {
        this.root.append(this.label, ...parts, this.complaint, this.help);
    }

    changed() {
        this.root.classList.toggle('own', this.get() !== undefined);
        this.root.dispatchEvent(new Event('asked', { bubbles: true }));
    }

    choose(value) {
        this.set(value);
        this.changed();
    }

    wrong(text) {
        setText(this.complaint, text ? sentence(text) : '');
        this.complaint.hidden = !text;
        this.input.toggleAttribute('aria-invalid', Boolean(text));
        if (text)
            this.input.setAttribute('aria-invalid', 'true');
    }

    focus() {
        this.input.focus();
    }
}

export class TextControl extends Control {
    constructor(field, attributes) {
        super(field, make('textarea', { spellcheck: 'true', autocapitalize: 'off', ...attributes }));
        this.lay(this.input);
        this.input.addEventListener('input', () => this.changed());
    }

    get() {
        return this.input.value === '' ? undefined : this.input.value;
    }

    set(value) {
        this.input.value = value ?? '';
    }
}

/* A number; `slider` ({ low, high, step }) puts one beside it. */
export class NumberControl extends Control {
    constructor(field, slider = null) {
        super(field, make('input', {
            type: 'number', inputmode: field.type === 'integer' ? 'numeric' : 'decimal', autocomplete: 'off',
            min: field.low, max: field.high, step: field.step ?? 'any',
        }));
        this.slider = slider && make('input', {
            type: 'range', min: slider.low, max: slider.high, step: slider.step, 'aria-label': labelOf(field.name),
            oninput: () => this.choose(Number(this.slider.value)),
        });
        this.input.addEventListener('input', () => {
            if (this.slider)
                this.slider.value = this.input.value;
            this.changed();
        });
        this.input.addEventListener('change', () => {
            if (this.input.value === '' && !this.input.validity.badInput)
                this.choose(undefined);
        });
        this.arrange();
    }

    arrange() {
        this.lay(this.slider ? make('div', { class: 'with-slider' }, this.slider, this.input) : this.input);
    }

    get() {
        if (this.input.validity.badInput)
            return NaN;
        if (this.input.value === '' || Number(this.input.value) === this.standard)
            return undefined;
        return Number(this.input.value);
    }

    set(value) {
        this.input.value = value ?? this.standard ?? '';
        if (this.slider)
            this.slider.value = this.input.value;
        this.root.classList.toggle('own', this.get() !== undefined);
    }

    /* The number in force. */
    value() {
        return this.get() ?? this.standard;
    }
}

/* A small number between two buttons. */
export class StepperControl extends NumberControl {
    arrange() {
        this.lay(make('div', { class: 'with-buttons' }, this.stepButton(-1, 'minus', 'One fewer'), this.input,
            this.stepButton(1, 'plus', 'One more')));
    }

    stepButton(by, symbol, label) {
        return make('button', {
            type: 'button', class: 'plain square', 'aria-label': label, title: label,
            onclick: () => this.choose(this.within((this.value() || this.field.low || 0) + by)),
        }, icon(symbol));
    }

    within(value) {
        return Math.max(this.field.low ?? value, Math.min(this.field.high ?? value, value));
    }
}

export class ChoiceControl extends Control {
    constructor(field, choices = field.choices) {
        super(field, make('select', {}));
        this.choices = choices;
        this.lay(this.input);
        this.input.addEventListener('change', () => this.changed());
    }

    get() {
        return this.input.value === '' || this.input.value === this.standard ? undefined : this.input.value;
    }

    /* The model's own choice is among the others, marked; where it is not known, an entry stands for it. */
    set(value) {
        const options = this.choices.map((choice) => make('option', { value: choice },
            (this.field.labels.get(choice) ?? choice) + (choice === this.standard ? ' (default)' : '')));

        if (this.standard === undefined || !this.choices.includes(this.standard))
            options.unshift(make('option', { value: '' }, 'default'));
        this.input.replaceChildren(...options);
        this.input.value = value ?? this.standard ?? '';
        this.root.classList.toggle('own', this.get() !== undefined);
    }
}

export class SwitchControl extends Control {
    constructor(field) {
        super(field, make('input', { type: 'checkbox' }));
        this.root.classList.add('switch');
        this.root.append(this.input, this.label, this.complaint, this.help);
        this.input.addEventListener('change', () => this.changed());
    }

    get() {
        return this.input.checked === Boolean(this.standard) ? undefined : this.input.checked;
    }

    set(value) {
        this.input.checked = value ?? Boolean(this.standard);
        this.root.classList.toggle('own', this.get() !== undefined);
    }
}

/* Kept: the number in the field is asked for, again and again.  Else each drawing has a new one. */
export class SeedControl extends Control {
    constructor(field) {
        super(field, make('input', {
            type: 'text', inputmode: 'numeric', pattern: '[0-9]*', maxlength: '20', autocomplete: 'off',
            placeholder: 'a new one each time',
        }));
        this.keep = make('button', {
            type: 'button', class: 'plain', 'aria-pressed': 'false', title: 'Draw with this seed again and again',
            onclick: () => this.keepOrNot(),
        }, icon('pin'), 'Keep');
        this.last = undefined;
        this.lay(make('div', { class: 'with-buttons' }, this.input,
            make('button', {
                type: 'button', class: 'plain square', 'aria-label': 'Roll a seed', title: 'Roll a seed',
                onclick: () => this.choose(SeedControl.roll()),
            }, icon('dice')), this.keep));
        this.input.addEventListener('input', () => this.choose(this.input.value.trim()));
    }

    static roll() {
        return String(crypto.getRandomValues(new Uint32Array(1))[0]);
    }

    keepOrNot() {
        this.choose(this.get() === undefined ? this.last ?? SeedControl.roll() : undefined);
    }

    get() {
        const text = this.input.value.trim();

        return text === '' ? undefined : text;
    }

    set(value) {
        this.input.value = value ?? '';
        this.keep.setAttribute('aria-pressed', String(this.get() !== undefined));
        this.root.classList.toggle('own', this.get() !== undefined);
    }
}
