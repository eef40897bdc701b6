/* The form: which field stands where, what is asked for, and what is wrong with it. */

import { getJson } from './api.js';
import { ChoiceControl, NumberControl, SeedControl, StepperControl, SwitchControl, TextControl } from './controls.js';
import { button, byId, make } from './dom.js';
import { getNote, setNote } from './keep.js';
import { SizeControls, sidesLike } from './size.js';
import { StartImage, base64Of } from './start_image.js';

/* Of a request, but not of the picture; and what the server tells from the rest. */
const NOT_ASKED = new Set(['kind', 'upscaler', 'scale', 'output', 'webhook', 'tags', 'deadline_seconds', 'loras', 'requests', 'mask', 'mask_from',
    'mask_invert', 'mask_blur', 'masked_content', 'inpaint_full_res', 'inpaint_full_res_padding',
    'image_guidance_scale', 'hr_scale', 'hr_upscaler', 'hr_steps', 'tiling', 'subseed', 'subseed_strength', 'seed_resize_from_w', 'seed_resize_from_h']);
const SLIDERS = {
    steps: { low: 1, high: 50, step: 1 },
    cfg_scale: { low: 0, high: 20, step: 0.5 },
    strength: { low: 0.05, high: 1, step: 0.05 },
};
const PROMPTS = ['prompt', 'negative_prompt'];
const DRAFT = 'draft';

function controlFor(field) {
    switch (field.type) {
    case 'choice':
        return new ChoiceControl(field);
    case 'boolean':
        return new SwitchControl(field);
    case 'integer':
    case 'number':
        return new NumberControl(field, SLIDERS[field.name]);
    default:
        return null;
    }
}

export class Form {
    constructor(schema) {
        this.root = byId('form');
        this.schema = schema;
        this.controls = new Map();
        this.place();
        this.root.addEventListener('asked', (event) => this.changed(event));
        this.takeModel(schema.models[0]);
        this.restore();
    }

    add(control) {
        this.controls.set(control.name, control);
        return control.root;
    }

    place() {
        const { fields, models, limits } = this.schema;
        const has = (name) => fields.has(name);
        const put = (slot, ...names) => byId(slot).append(
            ...names.filter(has).map((name) => controlFor(fields.get(name))).filter(Boolean).map((c) => this.add(c)));

        this.suggestions = make('div', { class: 'chips', role: 'group', 'aria-label': 'Prompts to try' });
        byId('slot-prompt').append(this.add(new TextControl(fields.get('prompt'), { rows: 3 })), this.suggestions);
        if (has('negative_prompt'))
            byId('slot-prompt').append(this.add(new TextControl(fields.get('negative_prompt'), { rows: 1 })));
        if (models.length > 1 && has('model')) {
            const choices = models.map((model) => model.name);

            byId('slot-model').append(this.add(new ChoiceControl(fields.get('model'), choices)));
        }
        this.image = new StartImage(limits.max_pixels);
        if (has('image')) {
            byId('slot-image').append(this.add(this.image));
            put('slot-image', 'strength');
        }
        this.size = new SizeControls(fields);
        byId('slot-size').append(this.size.root);
        this.add(this.size.width);
        this.add(this.size.height);
        byId('slot-times').append(this.add(new StepperControl(fields.get('count'))),
            this.add(new SeedControl(fields.get('seed'))));
        put('slot-settings', 'steps', 'cfg_scale', 'sampler', 'scheduler');
        put('slot-more', ...[...fields.keys()].filter((name) => !this.controls.has(name) && !NOT_ASKED.has(name)));
        byId('more').hidden = !byId('slot-more').children.length;
    }

    changed(event) {
        const name = event.detail ?? event.target.dataset?.field;

        this.controls.get(name)?.wrong(null);
        if (name === 'model')
            this.learnModel();
        if (name === 'image')
            this.takeImage();
        this.showReset();
        this.store();
        this.root.dispatchEvent(new Event('edited'));
    }

    model() {
        const name = this.controls.get('model')?.get();

        return this.schema.models.find((model) => model.name === name && model.defaults) ?? this.schema.models[0];
    }

    /* A model tells of itself once somebody has asked for it. */
    async learnModel() {
        const control = this.controls.get('model');
        const chosen = this.schema.models.find((model) => model.name === control?.get());

        try {
            if (chosen && !chosen.defaults)
                Object.assign(chosen, await getJson(`api/v1/models/${chosen.name}`));
        } catch (problem) {
            control.wrong(problem.message);
        }
        this.takeModel(this.model());
    }

    /* The words in quotes in what a model says of itself are taken for prompts that it understands. */
    suggest(model) {
        const words = new Set([...(model.about ?? '').matchAll(/"([^"]{1,40})"/g)].map((match) => match[1]));
        const prompt = this.controls.get('prompt');

        this.suggestions.replaceChildren(...[...words].map((word) => button(word, null, () => {
            prompt.choose(word);
            prompt.focus();
        }, { class: 'chip' })));
        this.suggestions.hidden = !words.size;
    }

    /* Another model has other defaults; what was asked for stays. */
    takeModel(model) {
        for (const control of this.controls.values()) {
            if (control === this.image)
                continue;
            const asked = control.get();

            control.standard = control.name === 'model' ? this.schema.models[0].name
                : model.defaults?.[control.name] ?? control.field.standard;
            control.set(asked);
        }
        this.suggest(model);
        this.showImage();
        this.root.dispatchEvent(new CustomEvent('model', { detail: model }));
    }

    takeImage() {
        if (this.image.blob)
            this.size.choose(sidesLike(this.image.size, this.model()));
        this.showImage();
    }

    showImage() {
        const strength = this.controls.get('strength');

        this.size.offer(this.model(), this.image.size, this.schema.limits.max_pixels);
        if (strength)
            strength.root.hidden = !this.image.blob;
        this.showReset();
    }

    showReset() {
        byId('reset').hidden = !this.image.blob && ![...this.controls.values()].some((control) => (
            control !== this.image && !PROMPTS.includes(control.name) && control.get() !== undefined));
    }

    /* What is asked for beyond the model's own, without the picture. */
    asked() {
        const asked = {};

        for (const control of this.controls.values()) {
            const value = control === this.image ? undefined : control.get();

            if (value !== undefined && !(control.name === 'strength' && !this.image.blob))
                asked[control.name] = value;
        }
        return { ...asked, prompt: asked.prompt ?? '' };
    }

    async request() {
        const asked = this.asked();

        return this.image.blob ? { ...asked, image: await base64Of(this.image.blob) } : asked;
    }

    /* Settings of a request, as it was asked for or as it was resolved; `start` is its start picture, or null. */
    async fill(settings, start) {
        const model = this.schema.models.find((known) => known.name === settings.model) ?? this.schema.models[0];

        this.clearErrors();
        this.controls.get('model')?.set(model.name);
        await this.learnModel();
        for (const control of this.controls.values())
            if (control !== this.image && control.name !== 'model')
                control.set(settings[control.name]);
        if (start)
            await this.image.fill(start);
        else
            this.image.put(null, null);
        this.showImage();
        this.store();
        this.root.dispatchEvent(new Event('edited'));
    }

    /* All but the prompts as the model has it. */
    reset() {
        const prompts = PROMPTS.map((name) => [name, this.controls.get(name)?.get()]);

        this.fill({ ...Object.fromEntries(prompts), model: this.model().name }, null);
    }

    /* The numbers that are none, before the server could see them. */
    checkNumbers() {
        const wrong = [...this.controls.values()].filter((control) => Number.isNaN(control.get?.()));

        return wrong.map((control) => ({ pointer: `/${control.name}`, detail: 'this is not a number' }));
    }

    clearErrors() {
        for (const control of this.controls.values())
            control.wrong(null);
    }

    /* Says each error at its field; returns those that have none here. */
    showErrors(errors, focus) {
        const elsewhere = [];

        this.clearErrors();
        for (const { pointer, detail } of errors) {
            const control = this.controls.get(pointer.split('/')[1]);

            control?.wrong(detail);
            if (!control)
                elsewhere.push(`${pointer.slice(1)}: ${detail}`);
        }
        if (focus)
            this.focusWrong();
        return elsewhere;
    }

    focusWrong() {
        const complaint = [...this.root.querySelectorAll('.wrong')].find((element) => !element.hidden);
        const field = complaint?.closest('.field');

        field?.closest('details')?.setAttribute('open', '');
        this.controls.get(field?.dataset.field)?.focus();
    }

    store() {
        setNote(DRAFT, this.asked());
    }

    restore() {
        const draft = getNote(DRAFT);

        this.fill(draft && typeof draft === 'object' ? draft : {}, null);
    }

    focus() {
        this.controls.get('prompt').focus();
    }
}
